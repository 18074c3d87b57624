/* SPDX-License-Identifier: BSD-2-Clause */
#include "hostile.h"

#include "error.h"
#include "os.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* ---- input ---- */

size_t input_bytes(struct input *in, void *to, size_t size)
{
	size_t n = size < in->size ? size : in->size;

	if (n > 0)
		memcpy(to, in->data, n);
	in->data += n;
	in->size -= n;
	return n;
}

uint8_t input_u8(struct input *in)
{
	uint8_t v = 0;

	(void)input_bytes(in, &v, sizeof(v));
	return v;
}

uint64_t input_u64(struct input *in)
{
	uint64_t v = 0;

	(void)input_bytes(in, &v, sizeof(v));
	return v;
}

void always_failed(const char *condition, const char *file, int line)
{
	fprintf(stderr, "%s:%d: %s does not hold\n", file, line, condition);
	abort();
}

/* ---- the operating system, without time ---- */

static uint64_t now_ns = 1000000000, random_state = 1;

uint64_t os_now_ns(void)
{
	return now_ns += 500000; /* fast: a look at it costs us more than a program */
}

uint64_t os_random(void)
{
	return random_state = random_state * UINT64_C(6364136223846793005) + 1442695;
}

void os_yield(void)
{
}

void os_claim(void *at, size_t len)
{
	memset(at, 0, len);
}

void os_copy(void *restrict to, const void *restrict from, size_t len)
{
	memcpy(to, from, len);
}

void os_sleep_ms(unsigned ms)
{
	now_ns += ms * UINT64_C(1000000);
}

uint32_t os_pid(void)
{
	return 4711;
}

void os_hostname(char *buf, size_t size)
{
	snprintf(buf, size, "fuzz");
}

/* ---- memory ---- */

#define PAGE 4096u
#define SIZES 4

void *fenced_memory(size_t size)
{
	static struct {
		size_t size;
		unsigned char *memory;
	} made[SIZES];
	unsigned i;

	for (i = 0; i < SIZES && made[i].memory && made[i].size != size; i++)
		;
	always(i < SIZES && size % PAGE == 0);
	if (!made[i].memory) {
		unsigned char *all = mmap(NULL, size + 2 * PAGE, PROT_NONE,
					  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		always(all != MAP_FAILED);
		always(mprotect(all + PAGE, size, PROT_READ | PROT_WRITE) == 0);
		made[i].memory = all + PAGE;
		made[i].size = size;
	}
	memset(made[i].memory, 0, size);
	return made[i].memory;
}

/* ---- a port ---- */

static bool pending[HOSTILE_PEERS][HOSTILE_VECTORS];

static int hostile_ring(struct bell_port *port, uint32_t id, unsigned vector)
{
	(void)port;
	always(id <= UINT16_MAX && vector <= BELL_VECTOR_MAX);
	if (id >= HOSTILE_PEERS || vector >= HOSTILE_VECTORS)
		return error_detail(BELL_ENOPEER, "no peer %u", id);
	pending[id][vector] = true;
	return 0;
}

static bell_handle_t hostile_handle(const struct bell_port *port)
{
	(void)port;
	return -1;
}

static int hostile_wait(struct bell_port *port, int timeout_ms,
			const struct port_sink *sink)
{
	int told = 0;

	for (unsigned v = 0; v < HOSTILE_VECTORS; v++) {
		if (!pending[port->id][v])
			continue;
		pending[port->id][v] = false;
		sink->interrupt(sink->arg, v);
		told++;
	}
	/* Nobody else is there to wait for. */
	if (told == 0 && timeout_ms > 0)
		os_sleep_ms((unsigned)timeout_ms);
	always(told > 0 || timeout_ms >= 0);
	return told;
}

static size_t hostile_peers(const struct bell_port *port,
			    struct bell_peer_info *list, size_t max)
{
	size_t n = 0;

	for (uint32_t id = 0; id < HOSTILE_PEERS; id++) {
		if (id == port->id)
			continue;
		if (n < max)
			list[n] = (struct bell_peer_info){ .id = id };
		n++;
	}
	return n;
}

static void hostile_close(struct bell_port *port)
{
	free(port);
}

static int hostile_open_address(const char *rest, int timeout_ms,
				struct bell_port **out)
{
	(void)rest;
	(void)timeout_ms;
	(void)out;
	return error_detail(BELL_EUNSUP, "opened by hostile_open() only");
}

static const struct bell_port_ops hostile_ops = {
	.name = "hostile",
	.scheme = "hostile",
	.open = hostile_open_address,
	.ring = hostile_ring,
	.handle = hostile_handle,
	.wait = hostile_wait,
	.peers = hostile_peers,
	.close = hostile_close,
};

struct bell_peer *hostile_open(void *memory, size_t size, uint32_t id)
{
	struct bell_port *port = calloc(1, sizeof(*port));
	struct bell_peer *peer = NULL;

	always(port != NULL && id < HOSTILE_PEERS);
	*port = (struct bell_port){ .ops = &hostile_ops,
				    .memory = memory,
				    .size = size,
				    .id = id,
				    .vectors = HOSTILE_VECTORS,
				    .kind = BELL_KIND_HOST };
	memset(pending[id], 0, sizeof(pending[id]));
	always(peer_from_port(port, &peer) == 0);
	return peer;
}
