/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * port-probe.c - the vfio port alone, without a bus: answers each interrupt
 *
 *   port-probe ADDRESS OFFSET PEER COUNT
 *
 * Prints "ready ID SIZE VECTORS". An interrupt on vector v asks: the 32-bit word
 * at OFFSET + v * 128 holds a question; its complement goes 64 bytes behind it,
 * and PEER is rung on v. Ends after COUNT interrupts, with status 0.
 */
#include "atomic.h"
#include "error.h"
#include "port.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#define SPAN 128 /* bytes a vector */
#define ANSWER 64

extern const struct bell_port_ops bell_port_vfio;

struct probe {
	struct bell_port *port;
	size_t offset;
	uint32_t peer;
	unsigned long left;
	int rc;
};

static void answer(void *arg, unsigned vector)
{
	struct probe *p = arg;
	char *at = (char *)p->port->memory + p->offset + (size_t)vector * SPAN;
	shm_u32 *question = (shm_u32 *)(void *)at;
	shm_u32 *reply = (shm_u32 *)(void *)(at + ANSWER);

	shm_set(reply, ~shm_acquire(question));
	p->rc = p->port->ops->ring(p->port, p->peer, vector);
	p->left -= p->left > 0;
}

static int serve(struct probe *p)
{
	const struct port_sink sink = { .interrupt = answer, .arg = p };
	int rc = 0;

	while (p->left > 0 && rc >= 0 && p->rc >= 0)
		rc = p->port->ops->wait(p->port, -1, &sink);
	return rc < 0 ? rc : p->rc;
}

static int open_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	while (dir && readdir(dir))
		n++;
	if (dir)
		closedir(dir);
	return n;
}

/* Opens it, closes it, and opens it again: nothing may be left behind. */
static int open_twice(const char *address, struct bell_port **out)
{
	int before = open_fds();
	int rc = bell_port_vfio.open(address, -1, out);

	if (rc < 0)
		return rc;
	bell_port_vfio.close(*out);
	if (open_fds() != before)
		return error_detail(BELL_EIO, "%d descriptors before, %d after",
				    before, open_fds());
	return bell_port_vfio.open(address, -1, out);
}

int main(int argc, char **argv)
{
	struct probe p = { .port = NULL };
	int rc;

	if (argc != 5) {
		fprintf(stderr, "usage: port-probe ADDRESS OFFSET PEER COUNT\n");
		return 2;
	}
	p.offset = strtoul(argv[2], NULL, 10);
	p.peer = (uint32_t)strtoul(argv[3], NULL, 10);
	p.left = strtoul(argv[4], NULL, 10);
	rc = open_twice(argv[1], &p.port);
	if (rc == 0) {
		printf("ready %u %zu %u\n", (unsigned)p.port->id, p.port->size,
		       p.port->vectors);
		fflush(stdout);
		rc = serve(&p);
		p.port->ops->close(p.port);
	}
	if (rc < 0)
		fprintf(stderr, "port-probe: %s: %s\n", bell_strerror(rc),
			bell_detail());
	return rc < 0;
}
