/* SPDX-License-Identifier: BSD-2-Clause */
#include "bench-copy.h"

#include "bench-bare.h"
#include "bench-spin.h"
#include "cli.h"
#include "sys.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define MEMORY (UINT64_C(1) << 20)
#define PART (UINT64_C(1) << 17)
#define PARTS (MEMORY / PART)

/* Shared by both; a line for each writer. */
struct copy {
	_Alignas(64) _Atomic uint64_t in;  /* parts */
	_Alignas(64) _Atomic uint64_t out; /* parts */
	_Alignas(64) size_t piece;   /* bytes that are copied at once */
	uint64_t pieces, a_part;     /* all; in a part */
	size_t size;                 /* of a message, over which the pieces go */
	double seconds;
	_Alignas(64) unsigned char memory[MEMORY];
};

static uint64_t parts_of(const struct copy *c)
{
	return (c->pieces + c->a_part - 1) / c->a_part;
}

/* Spins until the other one has come to that part. False: it does not, or a signal. */
static bool await(_Atomic uint64_t *at, uint64_t want)
{
	struct bench_spin spin = { 0 };

	while (atomic_load_explicit(at, memory_order_acquire) < want)
		if (!bench_spin(&spin))
			return false;
	return true;
}

/* One part, from or to own: a message, which larger ones than a part go through. */
static void copy_part(struct copy *c, uint64_t part, unsigned char *own, bool in)
{
	unsigned char *at = c->memory + part % PARTS * PART;
	uint64_t i, n = c->pieces - part * c->a_part;
	uint64_t from = c->size > PART ? part % (c->size / PART) * PART : 0;

	if (n > c->a_part)
		n = c->a_part;
	for (i = 0; i < n; i++, at += c->piece)
		if (in)
			memcpy(at, own + from, c->piece);
		else
			memcpy(own + from, at, c->piece);
}

/* That it was broken off is told by the other one. */
static int copy_out(void *arg)
{
	struct copy *c = arg;
	unsigned char *own = calloc(1, c->size);
	uint64_t part;
	bool on = own != NULL;

	for (part = 0; on && part < parts_of(c); part++) {
		on = await(&c->in, part + 1);
		if (on)
			copy_part(c, part, own, false);
		atomic_store_explicit(&c->out, part + 1, memory_order_release);
	}
	free(own);
	return on ? CLI_DONE : CLI_FAILED;
}

/* The first lap, which maps the memory's pages, is not measured: it is awaited whole. */
static bool pour(struct copy *c, unsigned char *own)
{
	uint64_t part, begin_ns = 0;
	bool on = true;

	for (part = 0; on && part < parts_of(c); part++) {
		if (part == PARTS) {
			on = await(&c->out, PARTS);
			begin_ns = sys_now_ns();
		} else if (part > PARTS) {
			on = await(&c->out, part + 1 - PARTS);
		}
		copy_part(c, part, own, true);
		atomic_store_explicit(&c->in, part + 1, memory_order_release);
	}
	on = on && await(&c->out, part);
	c->seconds = (double)(sys_now_ns() - begin_ns) / 1e9;
	return on;
}

static int copy_in(void *arg)
{
	struct copy *c = arg;
	unsigned char *own = malloc(c->size);
	bool on;

	if (!own)
		return cli_no_memory();
	memset(own, 0x5a, c->size);
	on = pour(c, own);
	free(own);
	if (on)
		return CLI_DONE;
	return sys_stopped() ? cli_error("bench: interrupted") :
			       cli_error("bench: two-core copy: the other side is "
					 "silent");
}

int bench_copy(uint32_t size, uint64_t count, bool pinned, double *seconds)
{
	struct copy *c = bench_shared(sizeof(*c));
	int rc;

	if (!c)
		return CLI_FAILED;
	c->size = size;
	c->piece = size < PART ? size : PART;
	c->a_part = PART / c->piece;
	c->pieces = (count * size + c->piece - 1) / c->piece + PARTS * c->a_part;
	rc = bench_beside("two-core copy", copy_out, copy_in, c, pinned);
	*seconds = c->seconds;
	bench_unshare(c, sizeof(*c));
	return rc;
}
