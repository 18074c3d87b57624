/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The bare limits, on Windows: by two threads, because a second process could not be
 * forked; waking costs the same between them.
 */
#include "bench-bare.h"

#include "bench-spin.h"
#include "cli.h"
#include "sys.h"
#include "win.h"

#include <stdatomic.h>

#define SILENCE_MS 10000

/* Side 0 measures and side 1 answers. */
struct bare {
	enum bare_kind kind;
	uint64_t warmup, trips; /* trips: with the warm-up */
	HANDLE event[2]; /* owned; [i] wakes side i */
	struct series *series; /* borrowed */
	uint64_t cpu_ns; /* of both sides */
	struct {
		_Alignas(64) _Atomic uint64_t turn;
	} side[2]; /* a line for each writer */
};

const char *bench_bare_name(enum bare_kind kind)
{
	static const char *const name[] = {
		[BARE_EVENTFD_EPOLL] = "two events",
		[BARE_EVENTFD_POLL] = "two events among others",
		[BARE_LINE] = "cache line",
	};

	return name[kind];
}

/* ---- trips; all return 0, or what FormatMessage() knows ---- */

static int spin_for(const struct bare *b, int side, uint64_t turn)
{
	const _Atomic uint64_t *line = &b->side[!side].turn;
	struct bench_spin spin = { 0 };

	while (atomic_load_explicit(line, memory_order_acquire) != turn)
		if (!bench_spin(&spin))
			return sys_stopped() ? ERROR_CANCELLED : ERROR_TIMEOUT;
	return 0;
}

/* Alone, and with what a loop also waits for. */
static int sleep_for(const struct bare *b, int side)
{
	HANDLE both[] = { b->event[side], sys_stop_handle() };
	DWORD rc = b->kind == BARE_EVENTFD_EPOLL ?
			   WaitForSingleObject(both[0], SILENCE_MS) :
			   WaitForMultipleObjects(2, both, FALSE, SILENCE_MS);

	if (rc == WAIT_OBJECT_0)
		return 0;
	return sys_stopped() ? ERROR_CANCELLED : ERROR_TIMEOUT;
}

static int await(const struct bare *b, int side, uint64_t turn)
{
	return b->kind == BARE_LINE ? spin_for(b, side, turn) : sleep_for(b, side);
}

static void signal_other(struct bare *b, int side, uint64_t turn)
{
	if (b->kind == BARE_LINE)
		atomic_store_explicit(&b->side[side].turn, turn, memory_order_release);
	else
		SetEvent(b->event[!side]);
}

static int answer(void *arg)
{
	struct bare *b = arg;
	uint64_t i;
	int failed = 0;

	for (i = 1; failed == 0 && i <= b->trips; i++) {
		failed = await(b, 1, i);
		if (failed == 0)
			signal_other(b, 1, i);
	}
	return failed == 0 ? CLI_DONE : CLI_FAILED;
}

static int measure(void *arg)
{
	struct bare *b = arg;
	uint64_t i, now_ns, last_ns = sys_now_ns(), begin_ns = 0;
	int rc;

	for (i = 1; i <= b->trips; i++) {
		if (i == b->warmup + 1) {
			begin_ns = sys_cpu_ns();
			last_ns = sys_now_ns();
		}
		signal_other(b, 0, i);
		rc = await(b, 0, i);
		if (sys_stopped())
			return cli_error("bench: interrupted");
		if (rc != 0)
			return cli_error("bench: %s: %s", bench_bare_name(b->kind),
					 win_text((DWORD)rc));
		now_ns = sys_now_ns();
		if (i > b->warmup)
			series_add(b->series, now_ns - last_ns);
		last_ns = now_ns;
	}
	b->cpu_ns = sys_cpu_ns() - begin_ns;
	return CLI_DONE;
}

int bench_bare_round(enum bare_kind kind, uint64_t warmup, uint64_t count,
		     bool pinned, struct series *series, uint64_t *cpu_ns)
{
	struct bare b = { .kind = kind, .warmup = warmup, .trips = warmup + count,
			  .series = series };
	int i, rc;

	for (i = 0; i < 2; i++)
		b.event[i] = CreateEventW(NULL, FALSE, FALSE, NULL);
	if (b.event[0] && b.event[1])
		rc = bench_beside(bench_bare_name(kind), answer, measure, &b, pinned);
	else
		rc = cli_error("bench: an event: %s", win_text(GetLastError()));
	*cpu_ns = b.cpu_ns;
	for (i = 0; i < 2; i++)
		if (b.event[i])
			CloseHandle(b.event[i]);
	return rc;
}
