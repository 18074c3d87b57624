/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The bare limits and the cores, on Windows: by two threads, because a second process
 * could not be forked; waking costs the same between them.
 */
#include "bench-bare.h"

#include "cli.h"
#include "sys.h"
#include "win.h"

#include <process.h>
#include <stdatomic.h>

#define SILENCE_MS 10000
#define SPINS_A_LOOK 4096 /* spins between two looks at the clock */

/* Side 0 measures and side 1 answers. */
struct bare {
	enum bare_kind kind;
	uint64_t warmup, trips; /* trips: with the warm-up */
	bool pinned;
	HANDLE event[2]; /* owned; [i] wakes side i */
	int failed;      /* the answering thread's; 0, or as await() */
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
	uint64_t deadline = 0;
	unsigned n = 0;

	while (atomic_load_explicit(line, memory_order_acquire) != turn) {
		YieldProcessor();
		if (++n % SPINS_A_LOOK)
			continue;
		if (deadline == 0)
			deadline = sys_deadline(SILENCE_MS);
		if (sys_stopped())
			return ERROR_CANCELLED;
		if (sys_left_ms(deadline) == 0)
			return ERROR_TIMEOUT;
	}
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

static unsigned __stdcall answer(void *arg)
{
	struct bare *b = arg;
	uint64_t i;

	if (b->pinned)
		(void)bench_pin(1);
	for (i = 1; b->failed == 0 && i <= b->trips; i++) {
		b->failed = await(b, 1, i);
		if (b->failed == 0)
			signal_other(b, 1, i);
	}
	return 0;
}

static int measure(struct bare *b, struct series *series, uint64_t *cpu_ns)
{
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
			series_add(series, now_ns - last_ns);
		last_ns = now_ns;
	}
	/* Of both threads. */
	*cpu_ns = sys_cpu_ns() - begin_ns;
	return CLI_DONE;
}

int bench_bare_round(enum bare_kind kind, uint64_t warmup, uint64_t count,
		     bool pinned, struct series *series, uint64_t *cpu_ns)
{
	struct bare b = { .kind = kind, .warmup = warmup, .trips = warmup + count,
			  .pinned = pinned };
	HANDLE thread = NULL;
	int i, rc = CLI_FAILED;

	for (i = 0; i < 2; i++)
		b.event[i] = CreateEventW(NULL, FALSE, FALSE, NULL);
	if (b.event[0] && b.event[1])
		thread = (HANDLE)_beginthreadex(NULL, 0, answer, &b, 0, NULL);
	if (thread) {
		rc = measure(&b, series, cpu_ns);
		WaitForSingleObject(thread, INFINITE);
		CloseHandle(thread);
	} else {
		cli_error("bench: starting a thread: %s", win_text(GetLastError()));
	}
	for (i = 0; i < 2; i++)
		if (b.event[i])
			CloseHandle(b.event[i]);
	return rc;
}

/* ---- cores ---- */

static DWORD_PTR own_cpus(void)
{
	DWORD_PTR own = 0, all = 0;

	return GetProcessAffinityMask(GetCurrentProcess(), &own, &all) ? own : 1;
}

int bench_cpus(void)
{
	return __builtin_popcountll(own_cpus());
}

/* Of a core's threads Windows numbers one after the other: the second is farther. */
bool bench_pin(int which)
{
	DWORD_PTR own = own_cpus(), first = own & -own, second;

	second = own & ~(first | first << 1);
	if (!second)
		second = own & ~first;
	if (!second)
		return false;
	return SetThreadAffinityMask(GetCurrentThread(),
				     which == 0 ? first : second & -second) != 0;
}

/* ---- the other side ---- */

int bench_child_start(struct bench_child *c, int (*run)(void *arg), void *arg)
{
	(void)run, (void)arg;
	*c = (struct bench_child){ .pid = 0 };
	return cli_error("bench: on Windows the other side is another machine, or another "
			 "program with a device of its own: bellring bench --serve there, "
			 "then bellring bench PEER here");
}

int bench_child_go(struct bench_child *c)
{
	(void)c;
	return CLI_FAILED;
}

bool bench_child_alive(const struct bench_child *c)
{
	(void)c;
	return false;
}

int bench_child_end(struct bench_child *c, int grace_ms)
{
	(void)c, (void)grace_ms;
	return -1;
}
