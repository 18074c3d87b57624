/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two processes that do nothing but wake each other. The eventfds sleep as the
 * library does: epoll_wait(), edge-triggered, never read; the second kind is
 * the plain way, poll() and read().
 */
#define _GNU_SOURCE
#include "bench-bare.h"

#include "bench-spin.h"
#include "cli.h"
#include "sys.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define SILENCE_MS 10000
#define SLICE_MS 1000 /* how long a signal may have to wait */

/* Side 0 measures and side 1 answers. */
struct bare {
	enum bare_kind kind;
	uint64_t warmup, trips; /* trips: with the warm-up */
	int event_fd[2]; /* owned; [i] wakes side i */
	int epoll_fd[2]; /* owned */
	struct bare_memory *memory; /* owned, shared */
	struct series *series; /* borrowed */
	uint64_t cpu_ns; /* of this side */
};

/* A line for each writer. */
struct bare_memory {
	struct {
		_Alignas(64) _Atomic uint64_t turn;
	} side[2];
	_Alignas(64) _Atomic uint64_t child_cpu_ns;
};

const char *bench_bare_name(enum bare_kind kind)
{
	static const char *const name[] = {
		[BARE_EVENTFD_EPOLL] = "two eventfds, epoll",
		[BARE_EVENTFD_POLL] = "two eventfds, poll+read",
		[BARE_LINE] = "cache line",
	};

	return name[kind];
}

/* All return 0 or an errno; EINTR only when the user ends it. */

static int spin_for(const struct bare *b, int side, uint64_t turn)
{
	_Atomic uint64_t *line = &b->memory->side[!side].turn;
	struct bench_spin spin = { 0 };

	while (atomic_load_explicit(line, memory_order_acquire) != turn)
		if (!bench_spin(&spin))
			return sys_stopped() ? EINTR : ETIMEDOUT;
	return 0;
}

/* Sleeps once; as poll(), the number of descriptors that are ready. */
static int sleep_once(const struct bare *b, int side)
{
	struct pollfd fd = { .fd = b->event_fd[side], .events = POLLIN };
	struct epoll_event event;

	if (b->kind == BARE_EVENTFD_EPOLL)
		return epoll_wait(b->epoll_fd[side], &event, 1, SLICE_MS);
	return poll(&fd, 1, SLICE_MS);
}

static int sleep_for(const struct bare *b, int side)
{
	uint64_t count;
	int n, left_ms;

	for (left_ms = SILENCE_MS; left_ms > 0; left_ms -= SLICE_MS) {
		n = sleep_once(b, side);
		if (n > 0)
			break;
		if (n < 0 && errno != EINTR)
			return errno;
		if (sys_stopped())
			return EINTR;
	}
	if (left_ms <= 0)
		return ETIMEDOUT;
	if (b->kind == BARE_EVENTFD_EPOLL)
		return 0;
	return read(b->event_fd[side], &count, sizeof(count)) < 0 ? errno : 0;
}

static int await(const struct bare *b, int side, uint64_t turn)
{
	return b->kind == BARE_LINE ? spin_for(b, side, turn) :
				      sleep_for(b, side);
}

static int signal_other(const struct bare *b, int side, uint64_t turn)
{
	uint64_t one = 1;

	if (b->kind == BARE_LINE)
		atomic_store_explicit(&b->memory->side[side].turn, turn,
				      memory_order_release);
	else if (write(b->event_fd[!side], &one, sizeof(one)) < 0)
		return errno;
	return 0;
}

static int answer(void *arg)
{
	const struct bare *b = arg;
	uint64_t i, begin_ns = 0;
	int rc = 0;

	for (i = 1; rc == 0 && i <= b->trips; i++) {
		if (i == b->warmup + 1)
			begin_ns = sys_cpu_ns();
		rc = await(b, 1, i);
		if (rc == 0)
			rc = signal_other(b, 1, i);
	}
	atomic_store(&b->memory->child_cpu_ns, sys_cpu_ns() - begin_ns);
	return rc ? CLI_FAILED : CLI_DONE;
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
		rc = signal_other(b, 0, i);
		if (rc == 0)
			rc = await(b, 0, i);
		if (rc == EINTR && sys_stopped())
			return cli_error("bench: interrupted");
		if (rc != 0)
			return cli_error("bench: %s: %s",
					 bench_bare_name(b->kind), strerror(rc));
		now_ns = sys_now_ns();
		if (i > b->warmup)
			series_add(b->series, now_ns - last_ns);
		last_ns = now_ns;
	}
	b->cpu_ns = sys_cpu_ns() - begin_ns;
	return CLI_DONE;
}

static void bare_done(struct bare *b)
{
	int i;

	for (i = 0; i < 2; i++) {
		if (b->event_fd[i] >= 0)
			close(b->event_fd[i]);
		if (b->epoll_fd[i] >= 0)
			close(b->epoll_fd[i]);
	}
	bench_unshare(b->memory, sizeof(*b->memory));
}

static int bare_init(struct bare *b)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };
	int i;

	b->memory = bench_shared(sizeof(*b->memory));
	for (i = 0; i < 2; i++) {
		b->event_fd[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		b->epoll_fd[i] = epoll_create1(EPOLL_CLOEXEC);
	}
	if (!b->memory)
		return CLI_FAILED;
	for (i = 0; i < 2; i++)
		if (epoll_ctl(b->epoll_fd[i], EPOLL_CTL_ADD, b->event_fd[i],
			      &event) < 0)
			return cli_error("bench: eventfd: %s", strerror(errno));
	return CLI_DONE;
}

int bench_bare_round(enum bare_kind kind, uint64_t warmup, uint64_t count,
		     bool pinned, struct series *series, uint64_t *cpu_ns)
{
	struct bare b = { .kind = kind, .warmup = warmup,
			  .trips = warmup + count, .series = series };
	int rc = bare_init(&b);

	if (rc == CLI_DONE)
		rc = bench_beside(bench_bare_name(kind), answer, measure, &b, pinned);
	if (rc == CLI_DONE)
		*cpu_ns = b.cpu_ns + atomic_load(&b.memory->child_cpu_ns);
	bare_done(&b);
	return rc;
}
