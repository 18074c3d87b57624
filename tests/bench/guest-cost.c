/* SPDX-License-Identifier: BSD-2-Clause */
/* What a doorbell costs who rings it, and what the memory gives, by each way. */
#include "guest-channel.h"
#include "guest-echo.h"
#include "guest-way.h"
#include "os.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ABSENT 65535u /* ids are given upwards */
#define BYTES (4u << 20) /* more than a core's own caches hold */
#define ENOUGH_NS 100000000u
#define MIB 1048576.0

/* ---- doorbells ----------------------------------------------------------------- */

static double ring_ns(const struct way *w, uint32_t peer, unsigned count)
{
	uint64_t begin;

	for (unsigned i = 0; i < count / 10; i++)
		w->ring(w, peer, 0);
	begin = now_ns();
	for (unsigned i = 0; i < count; i++)
		w->ring(w, peer, 0);
	return (double)(now_ns() - begin) / count;
}

void cost_rings(char **args)
{
	uint32_t peer = (uint32_t)strtoul(args[1], NULL, 10);
	unsigned count = (unsigned)strtoul(args[2], NULL, 10);
	struct way w;

	way_open(&w, args[0]);
	if (!w.ring)
		fail("%s has no doorbell", w.name);
	printf("{\"present_ns\": %.1f, ", ring_ns(&w, peer, count));
	printf("\"absent_ns\": %.1f}\n", ring_ns(&w, ABSENT, count));
}

/* ---- memory --------------------------------------------------------------------- */

static uint64_t sum; /* keeps the compiler from leaving reads out */

static void read_all(char *device, char *own)
{
	const volatile uint64_t *at = (const uint64_t *)(void *)device;
	uint64_t s = 0;

	(void)own;
	for (size_t i = 0; i < BYTES / sizeof(*at); i += 4)
		s += at[i] + at[i + 1] + at[i + 2] + at[i + 3];
	sum += s;
}

static void write_all(char *device, char *own)
{
	volatile uint64_t *at = (uint64_t *)(void *)device;

	(void)own;
	for (size_t i = 0; i < BYTES / sizeof(*at); i += 4)
		at[i] = at[i + 1] = at[i + 2] = at[i + 3] = i;
}

static void copy_from(char *device, char *own)
{
	memcpy(own, device, BYTES);
}

static void copy_to(char *device, char *own)
{
	memcpy(device, own, BYTES);
}

/* What the library does for long messages. */
static void own_from(char *device, char *own)
{
	os_copy(own, device, BYTES);
}

static void own_to(char *device, char *own)
{
	os_copy(device, own, BYTES);
}

static double mib_per_s(void (*pass)(char *, char *), char *device, char *own)
{
	uint64_t begin, took;
	unsigned n = 0;

	pass(device, own);
	begin = now_ns();
	do {
		pass(device, own);
		n++;
		took = now_ns() - begin;
	} while (took < ENOUGH_NS);
	return n * (BYTES / MIB) / ((double)took / 1e9);
}

void cost_memory(char **args)
{
	char *own = malloc(BYTES), *device;
	char type[32];
	struct way w;

	way_open(&w, args[0]);
	if (!own || w.size < 2 * BYTES)
		fail("not enough memory");
	memset(own, 1, BYTES);
	device = w.memory + w.size - 2 * BYTES; /* behind the bus */
	way_type(&w, type, sizeof(type));
	printf("{\"type\": \"%s\", \"read_mib_s\": %.1f, ", type,
	       mib_per_s(read_all, device, own));
	printf("\"write_mib_s\": %.1f, ", mib_per_s(write_all, device, own));
	printf("\"copy_from_mib_s\": %.1f, ", mib_per_s(copy_from, device, own));
	printf("\"copy_to_mib_s\": %.1f, ", mib_per_s(copy_to, device, own));
	printf("\"own_from_mib_s\": %.1f, ", mib_per_s(own_from, device, own));
	printf("\"own_to_mib_s\": %.1f}\n", mib_per_s(own_to, device, own));
	free(own);
}
