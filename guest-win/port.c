/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * port.c - port "pci:" of a Windows guest, on virtio-win's ivshmem driver
 *
 * Drivers of 2024-25 give each handle a mapping of its own, older and newer ones give
 * the device's to one handle at a time. Where several processes can have the device
 * they number themselves (number.h), which is the process part of their ids.
 */
#include "address.h"
#include "atomic.h"
#include "device.h"
#include "driver.h"
#include "error.h"
#include "events.h"
#include "guard.h"
#include "notices.h"
#include "number.h"
#include "os.h"
#include "plain.h"
#include "port.h"
#include "ticker.h"

#include <stdio.h>
#include <stdlib.h>

#define LOOK_MS 10 /* between looks at a device that is not ready */
#define NS_PER_MS UINT64_C(1000000)

extern const struct bell_port_ops bell_port_driver;

struct driver_port {
	struct bell_port base;
	char name[PCI_NAME_SIZE];
	HANDLE device;  /* NULL before it is open */
	HANDLE number;  /* holds the process number */
	bool plain;     /* an ivshmem-plain: nobody can be rung */
	struct events events; /* without interrupts for the device's going only */
	struct notices notices;
	struct guard guard;
	struct ticker ticker; /* in place of interrupts */
};

static struct driver_port *of(const struct bell_port *base)
{
	return (struct driver_port *)(uintptr_t)base;
}

static bool has_interrupts(const struct driver_port *p)
{
	return p->base.vectors > 0;
}

/* ---- doorbells and interrupts ------------------------------------------------- */

/* Others look by themselves, an event loop of ours is to look again. */
static int ring_plain(const struct driver_port *p, uint32_t id)
{
	if (id != BELL_ID_DEVICE(p->base.id))
		return error_detail(BELL_ENOPEER,
				    "%s: ivshmem-plain has no doorbells; peers look at the memory by themselves",
				    p->name);
	ticker_ring(&p->ticker);
	return 0;
}

/* The driver checks neither number: Queue.c, ioctl_ring_doorbell(). bell_ring() did. */
static int port_ring(struct bell_port *port, uint32_t id, unsigned vector)
{
	struct driver_port *p = of(port);
	int rc;

	if (p->plain)
		return ring_plain(p, id);
	rc = events_check(&p->events, p->name);
	if (rc < 0)
		return rc;
	shm_fence_writer(); /* whoever is woken sees what was stored before */
	if (!has_interrupts(p) && id == BELL_ID_DEVICE(p->base.id))
		ticker_ring(&p->ticker);
	return driver_ring_doorbell(p->device, p->name, id, vector);
}

/* Nor does it check this one: ioctl_register_event(). */
static int port_listen(struct bell_port *port, unsigned vector)
{
	struct driver_port *p = of(port);

	return events_listen(&p->events, p->device, p->name, vector);
}

static bell_handle_t port_handle(const struct bell_port *port)
{
	const struct driver_port *p = of(port);

	return has_interrupts(p) ? p->events.common : p->ticker.handle;
}

static int port_wait(struct bell_port *port, int timeout_ms, const struct port_sink *sink)
{
	struct driver_port *p = of(port);
	int rc;

	if (has_interrupts(p))
		return events_wait(&p->events, p->name, timeout_ms, sink);
	rc = events_check(&p->events, p->name);
	return rc < 0 ? rc : ticker_wait(&p->ticker, timeout_ms);
}

static void port_active(struct bell_port *port)
{
	struct driver_port *p = of(port);

	if (!has_interrupts(p))
		ticker_active(&p->ticker);
}

/*
 * Zeroes are in the memory's place then, or it stays for a while: guard.h. Windows may
 * tell of it later than the server did, who marks us dead: the driver knows by then.
 */
static int port_gone(const struct bell_port *port)
{
	const struct driver_port *p = of(port);
	int rc = events_check(&p->events, p->name);
	uint64_t size;

	if (rc == 0)
		rc = driver_size(p->device, p->name, &size);
	return rc == -BELL_EGONE ? rc : 0;
}

static bool port_there(const struct bell_port *port, uint32_t id)
{
	const struct driver_port *p = of(port);

	return BELL_ID_DEVICE(id) != BELL_ID_DEVICE(port->id) ||
	       number_is_taken(p->name, BELL_ID_PROCESS(id));
}

/* ---- opening ---------------------------------------------------------------------- */

/* As the caller's timeout is for a server's greeting: the same thing, seen from here. */
static int map(struct driver_port *p, int timeout_ms, struct driver_mmap *out)
{
	uint64_t begin = os_now_ns();

	for (;;) {
		int rc = driver_map(p->device, p->name, out);
		uint64_t ms = (os_now_ns() - begin) / NS_PER_MS;
		bool again = (rc == -BELL_EAGAIN && ms < (uint64_t)timeout_ms) ||
			     (rc == -BELL_EBUSY && ms < DEVICE_BUSY_MS);

		if (!again)
			return rc;
		os_sleep_ms(LOOK_MS);
	}
}

static unsigned vectors_of(const struct driver_mmap *m)
{
	return m->vectors > DRIVER_VECTORS ? DRIVER_VECTORS : m->vectors;
}

static int take_memory(struct driver_port *p, int timeout_ms, uint32_t *device)
{
	struct driver_mmap m;
	int rc = map(p, timeout_ms, &m);

	if (rc < 0)
		return rc;
	p->base.memory = m.memory;
	p->base.size = (size_t)m.size;
	p->base.vectors = vectors_of(&m);
	*device = m.peer_id;
	return 0;
}

/* Who has interrupts is no ivshmem-plain, whatever Windows knows of the device. */
static int take_id(struct driver_port *p, const struct address *a, const struct device *dev,
		   uint32_t device)
{
	uint32_t number;
	int rc;

	p->plain = dev->msix == DEVICE_MSIX_NO && !has_interrupts(p);
	if (!p->plain) {
		rc = address_without_id(a);
		if (rc < 0)
			return rc;
	} else {
		device = a->id == ADDRESS_NO_ID ? plain_id(p->name) : (uint32_t)a->id;
	}
	rc = number_take(p->name, BELL_ID_PROCESS_MAX, &number, &p->number);
	if (rc < 0)
		return rc;
	p->base.id = device | number << 16;
	p->base.silent = p->plain;
	return 0;
}

static void port_close(struct bell_port *port)
{
	struct driver_port *p = of(port);

	notices_done(&p->notices);
	/* The driver's mapping and events go with the handle: Queue.c, FileCleanup. */
	if (p->device)
		CloseHandle(p->device);
	guard_done(&p->guard);
	if (p->number)
		CloseHandle(p->number);
	events_done(&p->events);
	ticker_done(&p->ticker);
	free(p);
}

static int find(const char *rest, struct address *a, struct device *dev)
{
	int rc = address_parse(rest, a);

	if (rc == 0)
		rc = device_find(a->where, dev);
	return rc < 0 ? rc : device_check(dev);
}

static int port_usable(const char *rest)
{
	struct device dev;
	struct address a;

	return find(rest, &a, &dev);
}

static int set_up(struct driver_port *p, const struct address *a, const struct device *dev,
		  int timeout_ms)
{
	uint32_t device;
	int rc = driver_open(dev->path, p->name, &p->device);

	if (rc == 0)
		rc = take_memory(p, timeout_ms, &device);
	if (rc == 0)
		rc = take_id(p, a, dev, device);
	if (rc == 0)
		rc = guard_begin(&p->guard, p->base.memory, p->base.size, &p->events);
	if (rc == 0)
		rc = events_init(&p->events);
	if (rc == 0 && !has_interrupts(p))
		rc = ticker_init(&p->ticker);
	if (rc == 0)
		notices_begin(&p->notices, &p->events, p->device);
	return rc;
}

static int port_open(const char *rest, int timeout_ms, struct bell_port **out)
{
	struct driver_port *p;
	struct device dev;
	struct address a;
	int rc = find(rest, &a, &dev);

	if (rc < 0)
		return rc;
	p = calloc(1, sizeof(*p));
	if (!p)
		return error_detail(BELL_ENOMEM, "%s: opening", dev.name);
	snprintf(p->name, sizeof(p->name), "%s", dev.name);
	p->base.ops = &bell_port_driver;
	p->base.kind = BELL_KIND_WINDOWS;
	rc = set_up(p, &a, &dev, timeout_ms);
	if (rc < 0)
		port_close(&p->base);
	else
		*out = &p->base;
	return rc;
}

const struct bell_port_ops bell_port_driver = {
	.name = "driver",
	.scheme = "pci",
	.form = "pci: (the device in a guest)",
	.open = port_open,
	.ring = port_ring,
	.handle = port_handle,
	.wait = port_wait,
	.peers = NULL, /* the device does not tell */
	.close = port_close,
	.listen = port_listen,
	.will = NULL, /* nobody there could carry it out */
	.there = port_there,
	.usable = port_usable,
	.active = port_active,
	.gone = port_gone,
};
