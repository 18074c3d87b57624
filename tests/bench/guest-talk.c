/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The driving side requests; the serving side sends messages back, takes blocks
 * and confirms the last one, or sends blocks. All times are the driving side's.
 */
#include "guest-channel.h"
#include "guest-echo.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TRIP_SIZE 64u
#define BLOCK_SIZE (64u << 10)
#define MIB 1048576.0

enum op { ECHO = 1, SINK, SOURCE, BYE };

/* Both sides are this program, on machines of one byte order. */
struct request {
	uint32_t op, count;
};

static unsigned char buffer[BLOCK_SIZE];

/* Blocks begin with their number, so that a lost one shows. */
static void put_number(uint32_t i)
{
	memcpy(buffer, &i, sizeof(i));
}

static void take(struct channel *c, uint32_t size, uint32_t i)
{
	uint32_t got;

	if (!channel_recv(c, buffer, size))
		fail("the other side closed the stream");
	memcpy(&got, buffer, sizeof(got));
	if (got != i)
		fail("message %u came in place of %u", (unsigned)got, (unsigned)i);
}

static void give(struct channel *c, uint32_t size, uint32_t i)
{
	put_number(i);
	channel_send(c, buffer, size);
}

/* ---- serving ------------------------------------------------------------------- */

static void perform(struct channel *c, const struct request *q)
{
	for (uint32_t i = 0; i < q->count; i++) {
		if (q->op != SOURCE)
			take(c, q->op == ECHO ? TRIP_SIZE : BLOCK_SIZE, i);
		if (q->op != SINK)
			give(c, q->op == ECHO ? TRIP_SIZE : BLOCK_SIZE, i);
	}
	if (q->op == SINK)
		give(c, TRIP_SIZE, q->count);
}

void talk_serve(char **args)
{
	struct channel *c = channel_open(args[0], true);
	struct request q = { 0 };

	while (q.op != BYE) {
		if (!channel_recv(c, &q, sizeof(q)))
			fail("the other side closed the stream");
		if (q.op < ECHO || q.op > BYE)
			fail("a request %u", (unsigned)q.op);
		if (q.op != BYE)
			perform(c, &q);
	}
	channel_close(c);
}

/* ---- driving ------------------------------------------------------------------- */

static void request(struct channel *c, enum op op, uint32_t count)
{
	const struct request q = { op, count };

	channel_send(c, &q, sizeof(q));
}

static void talk(struct channel *c, struct trips *t)
{
	uint64_t begin;

	request(c, ECHO, t->room + t->skipped);
	for (uint32_t i = 0; trips_begin(t, &begin); i++) {
		give(c, TRIP_SIZE, i);
		take(c, TRIP_SIZE, i);
		trips_end(t, begin);
	}
}

static double mib_per_s(uint32_t count, uint64_t begin)
{
	return count * (BLOCK_SIZE / MIB) / ((double)(now_ns() - begin) / 1e9);
}

static void watch(uint32_t i)
{
	if (i % WATCH_EVERY == 0)
		channel_watch(PATIENCE_S);
}

static double blocks_in(struct channel *c, uint32_t count)
{
	uint64_t begin = now_ns();

	request(c, SINK, count);
	for (uint32_t i = 0; i < count; i++) {
		watch(i);
		give(c, BLOCK_SIZE, i);
	}
	take(c, TRIP_SIZE, count);
	return mib_per_s(count, begin);
}

static double blocks_out(struct channel *c, uint32_t count)
{
	uint64_t begin = now_ns();

	request(c, SOURCE, count);
	for (uint32_t i = 0; i < count; i++) {
		watch(i);
		take(c, BLOCK_SIZE, i);
	}
	return mib_per_s(count, begin);
}

void talk_drive(char **args)
{
	unsigned count = (unsigned)strtoul(args[1], NULL, 10);
	uint32_t blocks = (uint32_t)strtoul(args[2], NULL, 10);
	struct channel *c = channel_open(args[0], false);
	struct trips trips, quiet;
	uint64_t doorbells;
	double in, out;

	trips_init(&trips, count, 0);
	trips_init(&quiet, count, PAUSE_MS);
	talk(c, &trips);
	doorbells = channel_doorbells(c);
	talk(c, &quiet);
	in = blocks_in(c, blocks);
	out = blocks_out(c, blocks);
	request(c, BYE, 0);
	channel_close(c);
	printf("{\"doorbells\": %.3f, ", (double)doorbells / (count + count / 10));
	trips_print(&trips, "trip_us");
	printf(", ");
	trips_print(&quiet, "quiet_trip_us");
	printf(", \"in_mib_s\": %.2f, \"out_mib_s\": %.2f}\n", in, out);
}
