/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sysfs.c - the port "pci:" without any driver, on the device's resource files
 *
 * The last one that is tried: for root on a stock kernel, without an IOMMU and
 * without our module. There are no interrupts to be had this way, so it looks at
 * the memory now and then (ticker.h); the device's doorbell rings others all the
 * same. Several processes may open a device: each holds a number by a lock on
 * the memory's file. Also the way into ivshmem-plain, which has no doorbell.
 */
#include "sysfs.h"

#include "address.h"
#include "atomic.h"
#include "error.h"
#include "number.h"
#include "plain.h"
#include "port.h"
#include "sysfs-device.h"
#include "ticker.h"

#include <stdlib.h>

#define REG_IVPOSITION 0x08
#define REG_DOORBELL 0x0c

extern const struct bell_port_ops bell_port_sysfs;

struct sysfs_port {
	struct bell_port base;
	struct sysfs_device dev;
	struct ticker ticker;
	bool doorbell;
};

static struct sysfs_port *of(const struct bell_port *base)
{
	return (struct sysfs_port *)(uintptr_t)base;
}

/* One aligned 32-bit access either way: the device takes nothing else. */
static shm_u32 *reg(const struct sysfs_port *p, unsigned offset)
{
	return (shm_u32 *)(void *)(p->dev.registers + offset);
}

/* ---- opening and closing -------------------------------------------------- */

static void sysfs_close(struct bell_port *port)
{
	struct sysfs_port *p = of(port);

	sysfs_device_done(&p->dev);
	ticker_done(&p->ticker);
	free(p);
}

static int device_id(const struct sysfs_port *p, const struct address *a,
		     const char *root, uint32_t *out)
{
	uint32_t id;
	int rc;

	if (!p->doorbell) {
		*out = a->id == ADDRESS_NO_ID ? plain_id(root, p->dev.name) :
						(uint32_t)a->id;
		return 0;
	}
	rc = address_without_id(a);
	if (rc < 0)
		return rc;
	id = shm_peek(reg(p, REG_IVPOSITION));
	if (id > BELL_ID_DEVICE_MAX)
		return error_detail(BELL_EIO, "%s: IVPosition is 0x%x, not a peer id; is QEMU's server there?",
				    p->dev.name, (unsigned)id);
	*out = id;
	return 0;
}

static int take_id(struct sysfs_port *p, const struct address *a, const char *root)
{
	uint32_t device = 0, process;
	int rc = device_id(p, a, root, &device);

	if (rc == 0)
		rc = number_take(p->dev.memory_fd, 0, BELL_ID_PROCESS_MAX, p->dev.name,
				 &process);
	if (rc == 0)
		p->base.id = process << 16 | device;
	return rc;
}

static int find(const char *sysfs, const char *rest, struct address *a,
		struct pci_device *pci)
{
	int rc = address_parse(rest, a);

	return rc < 0 ? rc : pci_find(sysfs, a->where, pci);
}

static int set_up(struct sysfs_port *p, const char *sysfs, const char *root,
		  const char *rest)
{
	struct pci_device pci;
	struct address a;
	int rc = find(sysfs, rest, &a, &pci);

	if (rc == 0)
		rc = ticker_init(&p->ticker);
	if (rc == 0)
		rc = sysfs_device_open(&p->dev, sysfs, &pci);
	if (rc < 0)
		return rc;
	p->base.memory = p->dev.memory;
	p->base.size = p->dev.memory_size;
	p->doorbell = pci.msix != PCI_MSIX_NO;
	p->base.silent = !p->doorbell;
	return take_id(p, &a, root);
}

int sysfs_open_in(const char *sysfs, const char *root, const char *rest,
		  struct bell_port **out)
{
	struct sysfs_port *p = calloc(1, sizeof(*p));
	int rc;

	if (!p)
		return error_detail(BELL_ENOMEM, "pci:%s: opening", rest);
	p->base.ops = &bell_port_sysfs;
	p->base.kind = BELL_KIND_LINUX;
	sysfs_device_clear(&p->dev);
	ticker_clear(&p->ticker);
	rc = set_up(p, sysfs, root, rest);
	if (rc < 0)
		sysfs_close(&p->base);
	else
		*out = &p->base;
	return rc;
}

static int sysfs_open(const char *rest, int timeout_ms, struct bell_port **out)
{
	(void)timeout_ms; /* nothing here waits for anybody */
	return sysfs_open_in(PCI_SYSFS, "", rest, out);
}

int sysfs_usable_in(const char *sysfs, const char *rest)
{
	struct pci_device pci;
	struct address a;
	int rc = find(sysfs, rest, &a, &pci);

	if (rc == 0 && pci.msix != PCI_MSIX_NO)
		rc = address_without_id(&a);
	return rc < 0 ? rc : sysfs_device_check(sysfs, &pci);
}

static int sysfs_usable(const char *rest)
{
	return sysfs_usable_in(PCI_SYSFS, rest);
}

/* ---- in use ---------------------------------------------------------------- */

static int sysfs_ring(struct bell_port *port, uint32_t id, unsigned vector)
{
	struct sysfs_port *p = of(port);

	/* No interrupt comes of that here, but an event loop is to look again. */
	if (id == BELL_ID_DEVICE(p->base.id))
		ticker_ring(&p->ticker);
	else if (!p->doorbell)
		return error_detail(BELL_ENOPEER,
				    "%s: ivshmem-plain has no doorbells; peers look at the memory by themselves",
				    p->dev.name);
	if (!p->doorbell)
		return 0;
	shm_fence_writer(); /* whoever is woken sees what was stored before */
	shm_set(reg(p, REG_DOORBELL), id << 16 | vector);
	return 0;
}

static bell_handle_t sysfs_handle(const struct bell_port *port)
{
	return of(port)->ticker.handle;
}

static int sysfs_wait(struct bell_port *port, int timeout_ms,
		      const struct port_sink *sink)
{
	(void)sink; /* nobody is told anything */
	return ticker_wait(&of(port)->ticker, timeout_ms);
}

static bool sysfs_there(const struct bell_port *port, uint32_t id)
{
	return BELL_ID_DEVICE(id) != BELL_ID_DEVICE(port->id) ||
	       number_is_taken(of(port)->dev.memory_fd, BELL_ID_PROCESS(id));
}

static void sysfs_active(struct bell_port *port)
{
	ticker_active(&of(port)->ticker);
}

const struct bell_port_ops bell_port_sysfs = {
	.name = "sysfs",
	.scheme = "pci",
	.open = sysfs_open,
	.ring = sysfs_ring,
	.handle = sysfs_handle,
	.wait = sysfs_wait,
	.peers = NULL, /* the device does not tell */
	.close = sysfs_close,
	.there = sysfs_there,
	.usable = sysfs_usable,
	.active = sysfs_active,
};
