/* SPDX-License-Identifier: BSD-2-Clause */
#include "guest-way.h"

#include "guest-channel.h"

#include "bellring.h"
#include "module-client.h"
#include "pci.h"
#include "sysfs-device.h"
#include "vfio-device.h"

#include <linux/vfio.h>

#define BAR_REGISTERS 0
#define BAR_MEMORY 2
#define PAT_LIST "/sys/kernel/debug/x86/pat_memtype_list"
#define RAM_SIZE (64u << 20)

static void check(int rc, const char *what)
{
	if (rc < 0)
		fail("%s: %s: %s", what, bell_strerror(rc), bell_detail());
}

static void *map(int fd, size_t size, uint64_t offset)
{
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)offset);

	if (at == MAP_FAILED)
		fail("mmap of %zu bytes at 0x%llx: %s", size, (unsigned long long)offset,
		     strerror(errno));
	return at;
}

static void find(struct way *w, struct pci_device *pci)
{
	check(pci_find(PCI_SYSFS, "", pci), "the device");
	snprintf(w->device, sizeof(w->device), "%s", pci->name);
	w->at = pci->bar_first[BAR_MEMORY];
}

static int new_eventfd(void)
{
	int fd = eventfd(0, EFD_CLOEXEC);

	if (fd < 0)
		fail("eventfd: %s", strerror(errno));
	return fd;
}

/* ---- doorbells ----------------------------------------------------------------- */

static void ring_register(const struct way *w, uint32_t peer, unsigned vector)
{
	w->registers[REG_DOORBELL] = peer << 16 | vector;
}

static void ring_ioctl(const struct way *w, uint32_t peer, unsigned vector)
{
	struct ivshmem_doorbell_ring ring = { .peer_id = peer, .vector = vector };

	if (ioctl(w->fd, IVSHMEM_DOORBELL_RING, &ring) < 0)
		fail("RING: %s", strerror(errno));
}

static void ring_pwrite(const struct way *w, uint32_t peer, unsigned vector)
{
	uint32_t value = peer << 16 | vector;

	if (pwrite(w->fd, &value, sizeof(value), (off_t)w->doorbell) != sizeof(value))
		fail("pwrite to the doorbell: %s", strerror(errno));
}

/* ---- opening --------------------------------------------------------------------- */

static void open_module(struct way *w)
{
	struct client c = client_open("/dev/ivshmem0");
	struct pci_device pci;

	find(w, &pci);
	client_map(&c);
	w->fd = c.fd;
	w->id = c.info.peer_id;
	w->memory = c.memory;
	w->size = (size_t)c.info.memory_size;
	w->event = new_eventfd();
	if (client_eventfd(&c, 0, w->event) < 0)
		fail("EVENTFD: %s", strerror(errno));
	w->ring = ring_ioctl;
	if (c.info.registers_offset == 0)
		return;
	w->registers = (uint32_t *)(void *)((char *)map(c.fd, PAGE, c.info.registers_offset) +
					    c.info.registers_at);
	w->ring = ring_register;
}

static void open_module_ioctl(struct way *w)
{
	open_module(w);
	w->registers = NULL;
	w->ring = ring_ioctl;
}

static void open_vfio_pwrite(struct way *w)
{
	struct vfio_region registers, memory;
	struct vfio_device dev;
	struct pci_device pci;

	find(w, &pci);
	vfio_device_clear(&dev);
	check(vfio_device_open(&dev, &pci), "vfio");
	check(vfio_device_enable(&dev), "vfio");
	check(vfio_device_region(&dev, BAR_REGISTERS, &registers), "vfio");
	check(vfio_device_region(&dev, BAR_MEMORY, &memory), "vfio");
	w->event = new_eventfd();
	if (vfio_device_set_irqs(&dev, VFIO_PCI_MSIX_IRQ_INDEX, &w->event, 1) != 0)
		fail("vfio: no interrupt: %s", bell_detail());
	w->fd = dev.fd;
	w->memory = map(dev.fd, memory.size, memory.offset);
	w->size = memory.size;
	w->doorbell = registers.offset + 4 * REG_DOORBELL;
	w->ring = ring_pwrite;
	if (pread(dev.fd, &w->id, sizeof(w->id),
		  (off_t)(registers.offset + 4 * REG_POSITION)) != sizeof(w->id))
		fail("vfio: reading IVPosition: %s", strerror(errno));
	if (registers.mappable)
		w->registers = map(dev.fd, registers.size, registers.offset);
}

static void open_vfio(struct way *w)
{
	open_vfio_pwrite(w);
	if (!w->registers)
		fail("vfio does not map the registers here");
	w->ring = ring_register;
}

static void open_sysfs(struct way *w)
{
	struct sysfs_device dev;
	struct pci_device pci;

	find(w, &pci);
	sysfs_device_clear(&dev);
	check(sysfs_device_open(&dev, PCI_SYSFS, &pci), "sysfs");
	w->memory = dev.memory;
	w->size = dev.memory_size;
	w->registers = (uint32_t *)(void *)dev.registers;
	w->id = w->registers[REG_POSITION];
	w->ring = ring_register;
}

/* One range has one type at a time: the first mapping has to go. */
static void open_sysfs_wc(struct way *w)
{
	char path[128];
	int fd;

	open_sysfs(w);
	munmap(w->memory, w->size);
	snprintf(path, sizeof(path), PCI_SYSFS "/bus/pci/devices/%s/resource2_wc",
		 w->device);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		fail("%s: %s", path, strerror(errno));
	w->memory = map(fd, w->size, 0);
}

static void open_ram(struct way *w)
{
	w->size = RAM_SIZE;
	w->memory = mmap(NULL, w->size, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (w->memory == MAP_FAILED)
		fail("no memory");
}

void way_open(struct way *w, const char *name)
{
	static const struct {
		const char *name;
		void (*open)(struct way *w);
	} ways[] = {
		{ "module", open_module }, { "module-ioctl", open_module_ioctl },
		{ "vfio", open_vfio },     { "vfio-pwrite", open_vfio_pwrite },
		{ "sysfs", open_sysfs },   { "sysfs-wc", open_sysfs_wc },
		{ "ram", open_ram },
	};

	*w = (struct way){ .name = name, .fd = -1, .event = -1 };
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		if (strcmp(ways[i].name, name) != 0)
			continue;
		ways[i].open(w);
		return;
	}
	fail("%s: no such way", name);
}

/* ---- the type of a mapping --------------------------------------------------------- */

/* "PAT: [mem 0x000000c000000000-0x000000c004000000] write-back" */
void way_type(const struct way *w, char *text, size_t size)
{
	unsigned long long first;
	char line[160], type[32];
	FILE *f = fopen(PAT_LIST, "re");

	snprintf(text, size, "%s", w->at ? "unknown" : "write-back");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "PAT: [mem 0x%llx-0x%*x] %31s", &first, type) == 2 &&
		    w->at && first == w->at)
			snprintf(text, size, "%s", type);
	if (f)
		fclose(f);
}
