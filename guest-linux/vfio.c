/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vfio.c - port "pci:" of a Linux guest, on the stock vfio-pci driver
 *
 * The device's registers and vectors: QEMU docs/specs/ivshmem-spec.rst. Needs a
 * virtual IOMMU and a device bound to vfio-pci (bellring bind does that).
 */
#include "address.h"
#include "atomic.h"
#include "error.h"
#include "eventset.h"
#include "fd.h"
#include "pci.h"
#include "port.h"
#include "vfio-device.h"
#include "vfio-ways.h"

#include <errno.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#define BAR_REGISTERS 0
#define BAR_MEMORY 2
#define REG_IVPOSITION 0x08
#define REG_DOORBELL 0x0c
#define REG_END 0x10
#define ID_MAX 65535

#define TAG_REQUEST EVENTSET_OTHER
#define TAGS_MAX 64

extern const struct bell_port_ops bell_port_vfio;

struct vfio_port {
	struct bell_port base;
	struct vfio_device dev;
	struct vfio_region registers;
	unsigned char *bar0; /* NULL where vfio cannot map it */
	struct eventset events;
	int request_fd; /* the kernel wants the device back */
};

static struct vfio_port *of(const struct bell_port *base)
{
	return (struct vfio_port *)(uintptr_t)base;
}

/* ---- registers ----------------------------------------------------------- */

/* One aligned 32-bit access either way: the device takes nothing else. */
static shm_u32 *reg(const struct vfio_port *p, unsigned offset)
{
	return (shm_u32 *)(void *)(p->bar0 + offset);
}

static int read_id(struct vfio_port *p)
{
	off_t at = (off_t)(p->registers.offset + REG_IVPOSITION);
	uint32_t id = UINT32_MAX;

	if (p->bar0)
		id = shm_peek(reg(p, REG_IVPOSITION));
	else if (pread(p->dev.fd, &id, sizeof(id), at) != sizeof(id))
		return error_detail(BELL_EIO, "%s: reading IVPosition: %s",
				    p->dev.name, strerror(errno));
	if (id > ID_MAX)
		return error_detail(BELL_EIO, "%s: IVPosition is 0x%x, not a peer id; is QEMU's server there?",
				    p->dev.name, (unsigned)id);
	p->base.id = id;
	return 0;
}

static int vfio_ring(struct bell_port *port, uint32_t id, unsigned vector)
{
	struct vfio_port *p = of(port);
	uint32_t value = id << 16 | vector;
	off_t at = (off_t)(p->registers.offset + REG_DOORBELL);

	shm_fence_writer(); /* whoever is woken sees what was stored before */
	if (p->bar0) {
		shm_set(reg(p, REG_DOORBELL), value);
		return 0;
	}
	if (pwrite(p->dev.fd, &value, sizeof(value), at) != sizeof(value))
		return error_detail(BELL_EIO, "%s: writing the doorbell: %s",
				    p->dev.name, strerror(errno));
	return 0;
}

/* ---- memory -------------------------------------------------------------- */

static void *map(const struct vfio_port *p, const struct vfio_region *region)
{
	void *at;

	if (region->size > SIZE_MAX) { /* a 32-bit program */
		errno = EFBIG;
		return NULL;
	}
	at = mmap(NULL, (size_t)region->size, PROT_READ | PROT_WRITE, MAP_SHARED,
		  p->dev.fd, (off_t)region->offset);
	return at == MAP_FAILED ? NULL : at;
}

static int map_memory(struct vfio_port *p)
{
	struct vfio_region region;
	int rc;

	rc = vfio_device_region(&p->dev, BAR_MEMORY, &region);
	if (rc < 0)
		return rc;
	if (!region.mappable)
		return error_detail(BELL_EUNSUP, "%s: vfio cannot map the memory of %zu bytes",
				    p->dev.name, region.size);
	p->base.memory = map(p, &region);
	if (!p->base.memory)
		return error_detail(from_errno(errno), "%s: mapping %zu bytes: %s",
				    p->dev.name, region.size, strerror(errno));
	p->base.size = region.size;
	return 0;
}

/*
 * BAR0 is smaller than a page: vfio maps it only if nothing else can lie in
 * that page (vfio_pci_core.c, vfio_pci_probe_mmaps()), else there are reads and
 * writes, one system call each.
 */
static int map_registers(struct vfio_port *p)
{
	int rc = vfio_device_region(&p->dev, BAR_REGISTERS, &p->registers);

	if (rc < 0)
		return rc;
	if (p->registers.size < REG_END)
		return error_detail(BELL_EIO, "%s: BAR0 has %zu bytes, too few for ivshmem",
				    p->dev.name, p->registers.size);
	if (p->registers.mappable)
		p->bar0 = map(p, &p->registers);
	return read_id(p);
}

/* ---- interrupts ---------------------------------------------------------- */

static int new_eventfd(const struct vfio_port *p, int *fd)
{
	*fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (*fd < 0)
		return error_detail(from_errno(errno), "%s: eventfd: %s",
				    p->dev.name, strerror(errno));
	return 0;
}

static int make_vectors(struct vfio_port *p, unsigned count)
{
	int rc = 0, fd;

	for (unsigned i = 0; i < count && rc == 0; i++) {
		rc = new_eventfd(p, &fd);
		if (rc == 0)
			rc = eventset_add_vector(&p->events, i, &fd);
	}
	return rc;
}

static int arm_vectors(struct vfio_port *p, const struct pci_device *pci)
{
	unsigned count = vfio_device_irqs(&p->dev, VFIO_PCI_MSIX_IRQ_INDEX);
	int rc;

	if (count == 0)
		return pci_no_msix(pci);
	if (count > EVENTSET_VECTORS) /* a doorbell names no higher one */
		count = EVENTSET_VECTORS;
	rc = make_vectors(p, count);
	if (rc < 0)
		return rc;
	rc = vfio_device_set_irqs(&p->dev, VFIO_PCI_MSIX_IRQ_INDEX,
				  p->events.vector_fd, count);
	if (rc > 0) { /* a big device in a small machine: take what there is */
		count = (unsigned)rc;
		rc = vfio_device_set_irqs(&p->dev, VFIO_PCI_MSIX_IRQ_INDEX,
					  p->events.vector_fd, count);
	}
	if (rc > 0)
		return error_detail(BELL_EIO, "%s: the machine gives only %d interrupts",
				    p->dev.name, rc);
	p->base.vectors = rc < 0 ? 0 : count;
	return rc;
}

/* Told when the device is unplugged or taken from the driver. */
static int arm_request(struct vfio_port *p)
{
	int rc;

	if (vfio_device_irqs(&p->dev, VFIO_PCI_REQ_IRQ_INDEX) == 0)
		return 0; /* kernels before 4.0 */
	rc = new_eventfd(p, &p->request_fd);
	if (rc == 0)
		rc = vfio_device_set_irqs(&p->dev, VFIO_PCI_REQ_IRQ_INDEX,
					  &p->request_fd, 1);
	if (rc == 0)
		rc = eventset_add_other(&p->events, TAG_REQUEST, p->request_fd);
	return rc;
}

static bell_handle_t vfio_handle(const struct bell_port *port)
{
	return of(port)->events.epoll_fd;
}

/* vfio gives a device to one process alone. */
static bool vfio_there(const struct bell_port *port, uint32_t id)
{
	return BELL_ID_DEVICE(id) != BELL_ID_DEVICE(port->id);
}

static int vfio_wait(struct bell_port *port, int timeout_ms,
		     const struct port_sink *sink)
{
	struct vfio_port *p = of(port);
	uint32_t tags[TAGS_MAX];
	int told = 0, gone = 0, n;

	do {
		n = eventset_wait(&p->events, timeout_ms, tags, TAGS_MAX);
		if (n < 0)
			return n;
		for (int i = 0; i < n; i++) {
			if (tags[i] == TAG_REQUEST) {
				gone = 1; /* stays readable: told every time */
				continue;
			}
			sink->interrupt(sink->arg, tags[i]);
			told++;
		}
		timeout_ms = 0;
	} while (n == TAGS_MAX);
	if (gone)
		return error_detail(BELL_EGONE, "%s: the device is being removed; close it",
				    p->dev.name);
	return told;
}

/* ---- opening ------------------------------------------------------------- */

static void vfio_close(struct bell_port *port)
{
	struct vfio_port *p = of(port);

	if (p->base.memory)
		munmap(p->base.memory, p->base.size);
	if (p->bar0)
		munmap(p->bar0, p->registers.size);
	vfio_device_done(&p->dev);
	fd_close(&p->request_fd);
	eventset_done(&p->events);
	free(p);
}

static int check_driver(const struct pci_device *pci)
{
	if (!strcmp(pci->driver, "vfio-pci"))
		return 0;
	if (!pci->driver[0])
		return error_detail(BELL_EUNSUP,
				    "%s: not bound to vfio-pci; run: bellring bind",
				    pci->name);
	return error_detail(BELL_EUNSUP,
			    "%s: bound to %s, not to vfio-pci; run: bellring bind",
			    pci->name, pci->driver);
}

/* Bound, and fit for vfio as far as can be told without opening it. */
static int find_device(const char *rest, struct pci_device *out)
{
	struct pci_device pci;
	struct address a;
	int rc = address_parse(rest, &a);

	if (rc == 0)
		rc = pci_find(PCI_SYSFS, a.where, &pci);
	if (rc == 0)
		rc = pci_check(&pci);
	if (rc == 0)
		rc = check_driver(&pci);
	if (rc == 0)
		rc = address_without_id(&a);
	if (rc == 0)
		*out = pci;
	return rc;
}

static int vfio_usable(const char *rest)
{
	struct pci_device pci;
	char path[VFIO_PATH_MAX];
	int rc = find_device(rest, &pci);

	if (rc < 0)
		return rc;
	if (vfio_group_find(VFIO_FOLDER, pci.iommu_group, path) == VFIO_GROUP_NONE)
		(void)vfio_cdev_find(PCI_SYSFS, VFIO_FOLDER, pci.name, path);
	if (access(path, R_OK | W_OK) < 0 && errno == EACCES)
		return error_detail(BELL_EPERM,
				    "%s: %s: %s; run as root, or give your user rights on that file",
				    pci.name, path, strerror(errno));
	return 0;
}

static int set_up(struct vfio_port *p, const struct pci_device *pci)
{
	int rc = eventset_init(&p->events);

	if (rc == 0)
		rc = vfio_device_open(&p->dev, pci);
	if (rc == 0)
		rc = vfio_device_enable(&p->dev);
	if (rc == 0)
		rc = map_registers(p);
	if (rc == 0)
		rc = map_memory(p);
	if (rc == 0)
		rc = arm_vectors(p, pci);
	if (rc == 0)
		rc = arm_request(p);
	return rc;
}

static int vfio_open(const char *rest, int timeout_ms, struct bell_port **out)
{
	struct pci_device pci;
	struct vfio_port *p;
	int rc;

	(void)timeout_ms; /* nothing here waits for anybody */
	rc = find_device(rest, &pci);
	if (rc < 0)
		return rc;
	p = calloc(1, sizeof(*p));
	if (!p)
		return error_detail(BELL_ENOMEM, "%s: opening", pci.name);
	p->base.ops = &bell_port_vfio;
	p->base.kind = BELL_KIND_LINUX;
	p->request_fd = -1;
	vfio_device_clear(&p->dev);
	eventset_clear(&p->events);
	rc = set_up(p, &pci);
	if (rc < 0)
		vfio_close(&p->base);
	else
		*out = &p->base;
	return rc;
}

const struct bell_port_ops bell_port_vfio = {
	.name = "vfio",
	.scheme = "pci",
	.open = vfio_open,
	.ring = vfio_ring,
	.handle = vfio_handle,
	.wait = vfio_wait,
	.there = vfio_there,
	.peers = NULL, /* the device does not tell */
	.close = vfio_close,
	.usable = vfio_usable,
};
