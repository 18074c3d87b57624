/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * module.c - port "pci:" of a Linux guest, on our kernel module ivshmem_doorbell
 *
 * Any number of processes share the device: each open file is a client with a
 * number, which is the process part of the peer's id. See kmod/ivshmem_doorbell.h.
 */
#include "address.h"
#include "atomic.h"
#include "error.h"
#include "eventset.h"
#include "fd.h"
#include "pci.h"
#include "plain.h"
#include "port.h"
#include "ticker.h"

#include "kmod/ivshmem_doorbell.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define DRIVER "ivshmem_doorbell"
#define REG_DOORBELL 0x0c
#define REGISTERS_SIZE 4096u

#define TAG_DEVICE EVENTSET_OTHER
#define TAGS_MAX 64

extern const struct bell_port_ops bell_port_module;

struct module_port {
	struct bell_port base;
	char name[PCI_NAME_SIZE];
	int fd;
	struct ivshmem_doorbell_info info;
	unsigned char *registers; /* their page, or NULL */
	struct eventset events;
	struct ticker ticker; /* in place of interrupts, on ivshmem-plain */
};

static struct module_port *of(const struct bell_port *base)
{
	return (struct module_port *)(uintptr_t)base;
}

static bool has_interrupts(const struct module_port *p)
{
	return p->base.vectors > 0;
}

static int failed(const struct module_port *p, const char *what)
{
	if (errno == ENODEV)
		return error_detail(BELL_EGONE, "%s: the device was removed; close it",
				    p->name);
	return error_detail(from_errno(errno), "%s: %s: %s", p->name, what,
			    strerror(errno));
}

/* ---- doorbells and interrupts ------------------------------------------------ */

/* ivshmem-plain: others look by themselves, an event loop of ours is to look again. */
static int ring_plain(const struct module_port *p, uint32_t id)
{
	if (id != BELL_ID_DEVICE(p->base.id))
		return error_detail(BELL_ENOPEER,
				    "%s: ivshmem-plain has no doorbells; peers look at the memory by themselves",
				    p->name);
	ticker_ring(&p->ticker);
	return 0;
}

static int module_ring(struct bell_port *port, uint32_t id, unsigned vector)
{
	struct module_port *p = of(port);
	struct ivshmem_doorbell_ring ring = { .peer_id = id, .vector = vector };

	if (!has_interrupts(p))
		return ring_plain(p, id);
	shm_fence_writer(); /* whoever is woken sees what was stored before */
	if (p->registers) {
		shm_set((shm_u32 *)(void *)(p->registers + p->info.registers_at +
					    REG_DOORBELL),
			id << 16 | vector);
		return 0;
	}
	return ioctl(p->fd, IVSHMEM_DOORBELL_RING, &ring) < 0 ?
		       failed(p, "ringing") : 0;
}

static int module_listen(struct bell_port *port, unsigned vector)
{
	struct module_port *p = of(port);
	struct ivshmem_doorbell_eventfd e = { .vector = vector, .fd = -1 };
	int fd, rc;

	if (p->events.vector_fd[vector] >= 0)
		return 0;
	fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (fd < 0)
		return failed(p, "eventfd");
	e.fd = fd;
	if (ioctl(p->fd, IVSHMEM_DOORBELL_EVENTFD, &e) < 0) {
		rc = failed(p, "listening on a vector");
		fd_close(&fd);
		return rc;
	}
	return eventset_add_vector(&p->events, vector, &fd);
}

static bell_handle_t module_handle(const struct bell_port *port)
{
	const struct module_port *p = of(port);

	return has_interrupts(p) ? p->events.epoll_fd : p->ticker.handle;
}

static int module_wait(struct bell_port *port, int timeout_ms,
		       const struct port_sink *sink)
{
	struct module_port *p = of(port);
	uint32_t tags[TAGS_MAX];
	bool gone = false;
	int told = 0, n;

	if (!has_interrupts(p))
		return ticker_wait(&p->ticker, timeout_ms);
	do {
		n = eventset_wait(&p->events, timeout_ms, tags, TAGS_MAX);
		if (n < 0)
			return n;
		for (int i = 0; i < n; i++) {
			if (tags[i] == TAG_DEVICE) {
				gone = true; /* stays so: told every time */
				continue;
			}
			sink->interrupt(sink->arg, tags[i]);
			told++;
		}
		timeout_ms = 0;
	} while (n == TAGS_MAX);
	if (gone)
		return error_detail(BELL_EGONE, "%s: the device was removed; close it",
				    p->name);
	return told;
}

static void module_active(struct bell_port *port)
{
	struct module_port *p = of(port);

	if (!has_interrupts(p))
		ticker_active(&p->ticker);
}

/* ---- the will ------------------------------------------------------------------ */

static __u32 what_of(enum port_will what)
{
	switch (what) {
	case PORT_WILL_REPLACE:
		return IVSHMEM_DOORBELL_WILL_REPLACE;
	case PORT_WILL_OR:
		return IVSHMEM_DOORBELL_WILL_OR;
	case PORT_WILL_IF:
		return IVSHMEM_DOORBELL_WILL_IF;
	case PORT_WILL_RING_AT:
		return IVSHMEM_DOORBELL_WILL_RING_AT;
	default:
		return IVSHMEM_DOORBELL_WILL_RING;
	}
}

static int module_will(struct bell_port *port, const struct port_step *steps,
		       size_t count)
{
	struct module_port *p = of(port);
	struct ivshmem_doorbell_step *list = calloc(count + 1, sizeof(*list));
	struct ivshmem_doorbell_will will = { .steps = (uintptr_t)list,
					      .count = (__u32)count };
	int rc = 0;

	if (!list)
		return error_plain(BELL_ENOMEM);
	for (size_t i = 0; i < count; i++)
		list[i] = (struct ivshmem_doorbell_step){ .what = what_of(steps[i].what),
							  .shift = steps[i].shift,
							  .offset = steps[i].offset,
							  .a = steps[i].a,
							  .b = steps[i].b };
	if (ioctl(p->fd, IVSHMEM_DOORBELL_WILL, &will) < 0)
		rc = failed(p, "writing the will");
	free(list);
	return rc;
}

static bool module_there(const struct bell_port *port, uint32_t id)
{
	const struct module_port *p = of(port);
	struct ivshmem_doorbell_mask open;
	unsigned n = BELL_ID_PROCESS(id);

	if (BELL_ID_DEVICE(id) != BELL_ID_DEVICE(port->id) ||
	    ioctl(p->fd, IVSHMEM_DOORBELL_OPEN, &open) < 0)
		return true;
	return n >= IVSHMEM_DOORBELL_CLIENTS || (open.mask[n / 64] >> n % 64 & 1);
}

/* ---- opening --------------------------------------------------------------------- */

static int open_node(struct module_port *p, const char *node)
{
	p->fd = open(node, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (p->fd >= 0)
		return 0;
	switch (errno) {
	case EACCES:
	case EPERM:
		return error_detail(BELL_EPERM,
				    "%s: %s: %s; run as root, or: usermod -aG bellring USER",
				    p->name, node, strerror(errno));
	case ENOENT:
		return error_detail(BELL_ENODEV, "%s: %s is missing: is /dev a devtmpfs?",
				    p->name, node);
	case EUSERS:
		return error_detail(BELL_EBUSY, "%s: %s: %d processes have it open",
				    p->name, node, IVSHMEM_DOORBELL_CLIENTS);
	default:
		return failed(p, node);
	}
}

static int ask(struct module_port *p)
{
	struct ivshmem_doorbell_mask none = { { 0 } };

	if (ioctl(p->fd, IVSHMEM_DOORBELL_INFO, &p->info) < 0)
		return failed(p, "asking the module");
	if (p->info.version != IVSHMEM_DOORBELL_VERSION)
		return error_detail(BELL_EUNSUP,
				    "%s: the module " DRIVER " speaks version %u, not %u: install the one of this release",
				    p->name, p->info.version, IVSHMEM_DOORBELL_VERSION);
	if (p->info.memory_size == 0 || p->info.memory_size > SIZE_MAX)
		return error_detail(BELL_EUNSUP, "%s: a memory of %llu bytes cannot be mapped",
				    p->name, (unsigned long long)p->info.memory_size);
	if (ioctl(p->fd, IVSHMEM_DOORBELL_WANT, &none) < 0)
		return failed(p, "wanting no vectors");
	p->base.size = (size_t)p->info.memory_size;
	p->base.vectors = p->info.vectors > EVENTSET_VECTORS ? EVENTSET_VECTORS :
							       p->info.vectors;
	return 0;
}

/* Guests on ivshmem-plain have no number from anybody: plain.h. */
static int take_id(struct module_port *p, const struct address *a)
{
	uint32_t device = p->info.peer_id;

	if (p->info.flags & IVSHMEM_DOORBELL_INTERRUPTS) {
		int rc = address_without_id(a);

		if (rc < 0)
			return rc;
	} else {
		device = a->id == ADDRESS_NO_ID ? plain_id("", p->name) : (uint32_t)a->id;
	}
	p->base.id = device | p->info.client << 16;
	p->base.silent = p->info.vectors == 0;
	return 0;
}

static int map(struct module_port *p)
{
	void *at = mmap(NULL, p->base.size, PROT_READ | PROT_WRITE, MAP_SHARED, p->fd, 0);

	if (at == MAP_FAILED)
		return failed(p, "mapping the memory");
	p->base.memory = at;
	if (p->info.registers_offset == 0)
		return 0;
	at = mmap(NULL, REGISTERS_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, p->fd,
		  (off_t)p->info.registers_offset);
	if (at != MAP_FAILED) /* else there is an ioctl */
		p->registers = at;
	return 0;
}

static int watch(struct module_port *p)
{
	int rc;

	if (!has_interrupts(p))
		return ticker_init(&p->ticker);
	rc = eventset_init(&p->events);
	return rc < 0 ? rc : eventset_add_other(&p->events, TAG_DEVICE, p->fd);
}

static void module_close(struct bell_port *port)
{
	struct module_port *p = of(port);

	if (p->base.memory)
		munmap(p->base.memory, p->base.size);
	if (p->registers)
		munmap(p->registers, REGISTERS_SIZE);
	eventset_done(&p->events);
	ticker_done(&p->ticker);
	fd_close(&p->fd);
	free(p);
}

static int check_driver(const struct pci_device *pci)
{
	if (!strcmp(pci->driver, DRIVER))
		return 0;
	if (!pci->driver[0])
		return error_detail(BELL_EUNSUP, "%s: no driver; run: modprobe " DRIVER,
				    pci->name);
	return error_detail(BELL_EUNSUP,
			    "%s: bound to %s, not to " DRIVER, pci->name, pci->driver);
}

static int find(const char *rest, struct address *a, struct pci_device *pci,
		char node[PCI_NODE_SIZE])
{
	int rc = address_parse(rest, a);

	if (rc == 0)
		rc = pci_find(PCI_SYSFS, a->where, pci);
	if (rc == 0)
		rc = check_driver(pci);
	return rc < 0 ? rc : pci_node(PCI_SYSFS, pci, node);
}

static int module_usable(const char *rest)
{
	struct pci_device pci;
	struct address a;
	char node[PCI_NODE_SIZE];
	int rc = find(rest, &a, &pci, node);

	if (rc < 0 || access(node, R_OK | W_OK) == 0)
		return rc;
	return error_detail(from_errno(errno), "%s: %s: %s", pci.name, node,
			    strerror(errno));
}

static int module_open(const char *rest, int timeout_ms, struct bell_port **out)
{
	struct pci_device pci;
	struct module_port *p;
	struct address a;
	char node[PCI_NODE_SIZE];
	int rc = find(rest, &a, &pci, node);

	(void)timeout_ms; /* nothing here waits for anybody */
	if (rc < 0)
		return rc;
	p = calloc(1, sizeof(*p));
	if (!p)
		return error_detail(BELL_ENOMEM, "%s: opening", pci.name);
	snprintf(p->name, sizeof(p->name), "%s", pci.name);
	p->base.ops = &bell_port_module;
	p->base.kind = BELL_KIND_LINUX;
	p->fd = -1;
	eventset_clear(&p->events);
	ticker_clear(&p->ticker);
	rc = open_node(p, node);
	if (rc == 0)
		rc = ask(p);
	if (rc == 0)
		rc = take_id(p, &a);
	if (rc == 0)
		rc = map(p);
	if (rc == 0)
		rc = watch(p);
	if (rc < 0)
		module_close(&p->base);
	else
		*out = &p->base;
	return rc;
}

const struct bell_port_ops bell_port_module = {
	.name = "module",
	.scheme = "pci",
	.form = "pci: (the device in a guest)",
	.open = module_open,
	.ring = module_ring,
	.handle = module_handle,
	.wait = module_wait,
	.peers = NULL, /* the device does not tell */
	.close = module_close,
	.listen = module_listen,
	.will = module_will,
	.there = module_there,
	.usable = module_usable,
	.active = module_active,
};
