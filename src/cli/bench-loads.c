/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of loads: what is measured, and which runs of it there are. */
#include "bench.h"
#include "cli.h"

#define COST (BENCH_BIT(BENCH_CPU) | BENCH_BIT(BENCH_DOORBELLS))
#define RATE BENCH_BIT(BENCH_RATE)
#define GIB BENCH_BIT(BENCH_GIB)

/* A round of each, which --quick makes QUICK times shorter. */
#define TRIP_BYTES (UINT64_C(1) << 26)   /* at most */
#define STREAM_BYTES (UINT64_C(1) << 26) /* at most */
#define STREAM_COUNT 100000u             /* at most */
#define BURSTS 100u
#define PACED_MS 200u
#define SENDERS_MS 100u
#define QUICK 8u

/* Bytes of a message where the size is not what one asks for. */
#define SMALL 64u

static uint64_t quick(const struct bench *b, uint64_t count)
{
	return b->args.quick ? count / QUICK + 1 : count;
}

/* count messages of that size, as long as that is not more than so many bytes. */
static uint64_t within(uint64_t bytes, uint64_t count, uint64_t size)
{
	uint64_t max = bytes / size > 0 ? bytes / size : 1;

	return count < max ? count : max;
}

static int plan_bare_trips(struct bench *b, struct bench_run *from)
{
	int kind, rc = CLI_DONE;

	from->count = b->args.count;
	for (kind = 0; kind < BARE_KINDS && rc == CLI_DONE; kind++) {
		if (kind == BARE_LINE && b->cpus < 2)
			continue;
		from->kind = kind;
		from->limit = bench_bare_name((enum bare_kind)kind);
		rc = bench_add(b, from, (size_t)from->count);
	}
	return rc;
}

static int plan_trips(struct bench *b, struct bench_run *from)
{
	int rc = CLI_DONE;
	size_t i;

	for (i = 0; i < b->lists.sizes.count && rc == CLI_DONE; i++) {
		from->size = (uint32_t)b->lists.sizes.value[i];
		from->count = within(TRIP_BYTES, b->args.count, from->size);
		rc = bench_add_modes(b, from, (size_t)from->count, 2);
	}
	return rc;
}

static void size_stream(const struct bench *b, struct bench_run *run, size_t i)
{
	run->size = (uint32_t)b->lists.sizes.value[i];
	run->count = quick(b, within(STREAM_BYTES, STREAM_COUNT, run->size));
}

static int plan_copies(struct bench *b, struct bench_run *from)
{
	int rc = CLI_DONE;
	size_t i;

	from->limit = "two-core copy";
	for (i = 0; i < b->lists.sizes.count && rc == CLI_DONE; i++) {
		from->size = (uint32_t)b->lists.sizes.value[i];
		/* Not fewer of small ones: its parts are large. */
		from->count = quick(b, STREAM_BYTES) / from->size + 1;
		if (b->cpus >= 2)
			rc = bench_add(b, from, 0);
	}
	return rc;
}

static int plan_streams(struct bench *b, struct bench_run *from)
{
	int rc = CLI_DONE;
	size_t i;

	for (i = 0; i < b->lists.sizes.count && rc == CLI_DONE; i++) {
		size_stream(b, from, i);
		rc = bench_add_modes(b, from, 0, 2);
	}
	return rc;
}

static int plan_bursts(struct bench *b, struct bench_run *from)
{
	from->size = SMALL;
	from->batch = (uint32_t)b->args.burst;
	from->count = quick(b, BURSTS);
	return bench_add_modes(b, from, (size_t)from->count, 2);
}

static int plan_paced(struct bench *b, struct bench_run *from)
{
	int rc = CLI_DONE;
	size_t i;

	if (b->cpus < 2) {
		bench_note(b, "paced: left out: its sender spins, and there is only "
			   "one CPU");
		return CLI_DONE;
	}
	from->size = SMALL;
	for (i = 0; i < b->lists.every.count && rc == CLI_DONE; i++) {
		from->every_us = (uint32_t)b->lists.every.value[i];
		from->count = quick(b, PACED_MS) * 1000 / from->every_us + 1;
		rc = bench_add_modes(b, from, (size_t)from->count, 2);
	}
	return rc;
}

static int plan_senders(struct bench *b, struct bench_run *from)
{
	int rc = CLI_DONE;
	size_t i;

	from->size = SMALL;
	from->count = quick(b, SENDERS_MS);
	for (i = 0; i < b->lists.senders.count && rc == CLI_DONE; i++) {
		from->senders = (uint32_t)b->lists.senders.value[i];
		if (from->senders <= b->crew.ready)
			rc = bench_add_modes(b, from, 0, (int)from->senders + 1);
	}
	return rc;
}

static int plan_idle(struct bench *b, struct bench_run *from)
{
	from->count = (uint64_t)b->args.idle_ms;
	if (from->count == 0)
		return CLI_DONE;
	/* One that polls does not sleep. */
	return bench_add_modes(b, from, 0, BENCH_SPINNERS_NEVER);
}

const struct bench_load bench_loads[] = {
	{ "bare", "trip", "ROUND TRIP", "round trips",
	  BENCH_LATENCY | BENCH_BIT(BENCH_CPU), false, false,
	  plan_bare_trips, bench_bare_trips_round },
	{ "latency", "trip", "ROUND TRIP", "round trips", BENCH_LATENCY | COST,
	  false, false, plan_trips, bench_trips_round },
	{ "copy", "stream", "ONE WAY", "two-core copy", RATE | GIB, false, false,
	  plan_copies, bench_copy_round },
	{ "throughput", "stream", "ONE WAY", "one way", RATE | GIB | COST, false,
	  false, plan_streams, bench_stream_round },
	{ "burst", "burst", "BURST", "bursts", BENCH_LATENCY | COST, false, false,
	  plan_bursts, bench_burst_round },
	{ "paced", "paced", "PACED", "paced",
	  BENCH_LATENCY | COST | BENCH_BIT(BENCH_SHARE), false, false,
	  plan_paced, bench_paced_round },
	{ "senders", "senders", "SENDERS", "several senders",
	  RATE | COST | BENCH_BIT(BENCH_LEAST) | BENCH_BIT(BENCH_MEAN), true,
	  false, plan_senders, bench_senders_round },
	{ "idle", "idle", "IDLE", "sleeping idle",
	  BENCH_BIT(BENCH_SECONDS) | BENCH_BIT(BENCH_SHARE) |
		  BENCH_BIT(BENCH_CPU_MS) | BENCH_BIT(BENCH_WAKES),
	  false, true, plan_idle, bench_idle_round },
	{ NULL, NULL, NULL, NULL, 0, false, false, NULL, NULL },
};
