/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * raw-epoll.c - a program with an event loop of its own, and no bus
 *
 * Its epoll set holds bell_handle() beside a timer and a descriptor of its own;
 * when the handle is readable it calls bell_dispatch(). Two processes, as in
 * life: a worker that sums up what lies in the raw memory when its doorbell
 * rings, and the test, which gives it work and is rung back.
 */
#include "bellring.h"
#include "server-fixture.h"
#include "testing.h"

#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORK_VECTOR 1
#define QUIT_VECTOR 2
#define DONE_VECTOR 3
#define JOBS 2000u
#define NUMBERS 64u
#define LOOP_MS 10000

static const char *const formatted[] = { "-l", "64K", "-n", "4", "--slots", "4",
					 "--links", "1", "--ring-size", "4096", NULL };
static const char *const unformatted[] = { "-l", "64K", "-n", "4", "--raw", NULL };
static const char *const *const kinds[] = { formatted, unformatted };

/* At the end of the memory: no bus is there. One side at a time writes. */
struct job {
	_Atomic uint32_t from; /* whom to ring when it is done, plus 1 */
	_Atomic uint32_t done; /* jobs so far */
	_Atomic uint64_t sum;
	_Atomic uint64_t number[NUMBERS];
};

static struct job *job_of(struct bell_peer *peer)
{
	size_t size;
	unsigned char *memory = bell_memory(peer, &size);

	must(bell_bus_size(peer) + sizeof(struct job) <= size);
	return (struct job *)(void *)(memory + size - sizeof(struct job));
}

/* ---- a loop, as any program has one ---- */

struct loop {
	int epoll_fd;
	struct bell_peer *peer;
	bool stop;
	unsigned dispatches, ticks, pokes;
};

static void watch(struct loop *loop, int fd)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.fd = fd };

	must(epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &ev) == 0);
}

static void loop_begin(struct loop *loop, struct bell_peer *peer)
{
	*loop = (struct loop){ .epoll_fd = epoll_create1(EPOLL_CLOEXEC),
			       .peer = peer };
	must(loop->epoll_fd >= 0);
	watch(loop, bell_handle(peer));
}

/* One turn; the number of descriptors that had something. */
static int loop_turn(struct loop *loop, int timer, int poke, int timeout_ms)
{
	struct epoll_event ev[4];
	uint64_t count;
	int n = epoll_wait(loop->epoll_fd, ev, 4, timeout_ms);

	must(n >= 0);
	for (int i = 0; i < n; i++) {
		if (ev[i].data.fd == bell_handle(loop->peer)) {
			must(bell_dispatch(loop->peer) >= 0);
			loop->dispatches++;
			continue;
		}
		must(read(ev[i].data.fd, &count, sizeof(count)) == sizeof(count));
		loop->ticks += ev[i].data.fd == timer;
		loop->pokes += ev[i].data.fd == poke;
	}
	return n;
}

/* ---- the worker ---- */

static void on_work(struct bell_peer *peer, unsigned vector, void *arg)
{
	struct job *job = job_of(peer);
	uint64_t sum = 0;

	(void)vector;
	(void)arg;
	/* An interrupt is a hint to look: there may be nothing new. */
	if (job->from == 0)
		return;
	for (unsigned i = 0; i < NUMBERS; i++)
		sum += job->number[i];
	job->sum = sum;
	job->done++;
	must(bell_ring(peer, job->from - 1, DONE_VECTOR) == 0);
}

static void on_quit(struct bell_peer *peer, unsigned vector, void *arg)
{
	struct loop *loop = arg;

	(void)peer;
	(void)vector;
	loop->stop = true;
}

static int work(const char *address)
{
	struct bell_peer *peer;
	struct loop loop;

	must(bell_open(address, -1, &peer) == 0);
	loop_begin(&loop, peer);
	must(bell_on_interrupt(peer, WORK_VECTOR, on_work, NULL) == 0);
	must(bell_on_interrupt(peer, QUIT_VECTOR, on_quit, &loop) == 0);
	while (!loop.stop)
		must(loop_turn(&loop, -1, -1, LOOP_MS) > 0);
	close(loop.epoll_fd);
	bell_close(peer);
	return 0;
}

static pid_t start_worker(const char *address)
{
	pid_t child = fork();

	must(child >= 0);
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(work(address));
	}
	return child;
}

/* ---- the test ---- */

struct seen {
	unsigned done, joins, leaves;
	uint32_t worker;
};

static void on_done(struct bell_peer *peer, unsigned vector, void *arg)
{
	struct seen *seen = arg;

	(void)peer;
	ck_assert_uint_eq(vector, DONE_VECTOR);
	seen->done++;
}

static void on_peer(struct bell_peer *peer, uint32_t id,
		    enum bell_peer_event event, void *arg)
{
	struct seen *seen = arg;

	(void)peer;
	seen->joins += event == BELL_PEER_JOINED;
	seen->leaves += event == BELL_PEER_LEFT;
	seen->worker = id;
}

static struct bell_peer *open_peer(const char *address, struct seen *seen)
{
	struct bell_peer *peer = NULL;
	int rc = bell_open(address, -1, &peer);

	if (rc < 0)
		ck_abort_msg("%s: %s: %s", address, bell_strerror(rc), bell_detail());
	ck_assert_int_eq(bell_on_interrupt(peer, DONE_VECTOR, on_done, seen), 0);
	ck_assert_int_eq(bell_on_peer(peer, on_peer, seen), 0);
	return peer;
}

/* A peer is told as soon as its first vector is; wait for the last one. */
static void await_vector(struct loop *loop, uint32_t id, unsigned vector)
{
	while (bell_ring(loop->peer, id, vector) < 0)
		(void)loop_turn(loop, -1, -1, 10);
}

static void give_jobs(struct loop *loop, const struct seen *seen)
{
	struct job *job = job_of(loop->peer);

	job->from = bell_id(loop->peer) + 1;
	for (unsigned n = 0; n < JOBS; n++) {
		uint64_t want = 0;
		unsigned before = seen->done;

		for (unsigned i = 0; i < NUMBERS; i++) {
			job->number[i] = (uint64_t)n * i + 1;
			want += (uint64_t)n * i + 1;
		}
		ck_assert_int_eq(bell_ring(loop->peer, seen->worker, WORK_VECTOR), 0);
		while (seen->done == before)
			ck_assert_int_gt(loop_turn(loop, -1, -1, LOOP_MS), 0);
		ck_assert_uint_eq(job->done, n + 1);
		ck_assert_uint_eq(job->sum, want);
	}
}

START_TEST(a_worker_is_fed_by_doorbells)
{
	const char *address = server_start(kinds[_i]);
	struct seen seen = { 0 };
	struct loop loop;
	pid_t worker;
	int status;

	loop_begin(&loop, open_peer(address, &seen));
	worker = start_worker(address);
	while (seen.joins == 0)
		ck_assert_int_gt(loop_turn(&loop, -1, -1, LOOP_MS), 0);
	await_vector(&loop, seen.worker, DONE_VECTOR); /* its last vector */
	give_jobs(&loop, &seen);
	ck_assert_int_eq(bell_ring(loop.peer, seen.worker, QUIT_VECTOR), 0);
	while (seen.leaves == 0)
		ck_assert_int_gt(loop_turn(&loop, -1, -1, LOOP_MS), 0);
	ck_assert_int_eq(waitpid(worker, &status, 0), worker);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	close(loop.epoll_fd);
	bell_close(loop.peer);
	server_stop();
}
END_TEST

START_TEST(a_killed_worker_is_told_as_a_leave)
{
	const char *address = server_start(kinds[_i]);
	struct seen seen = { 0 };
	struct loop loop;
	pid_t worker;

	loop_begin(&loop, open_peer(address, &seen));
	worker = start_worker(address);
	while (seen.joins == 0)
		ck_assert_int_gt(loop_turn(&loop, -1, -1, LOOP_MS), 0);
	ck_assert_int_eq(kill(worker, SIGKILL), 0);
	while (seen.leaves == 0)
		ck_assert_int_gt(loop_turn(&loop, -1, -1, LOOP_MS), 0);
	ck_assert_int_eq(bell_ring(loop.peer, seen.worker, 0), -BELL_ENOPEER);
	ck_assert_int_eq(waitpid(worker, NULL, 0), worker);
	close(loop.epoll_fd);
	bell_close(loop.peer);
	server_stop();
}
END_TEST

START_TEST(the_loop_serves_its_own_descriptors_too)
{
	const char *address = server_start(kinds[_i]);
	struct itimerspec soon = { { 0, 5000000 }, { 0, 5000000 } };
	int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	int poke = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	struct seen seen = { 0 };
	struct loop loop;

	loop_begin(&loop, open_peer(address, &seen));
	watch(&loop, timer);
	watch(&loop, poke);
	ck_assert_int_eq(timerfd_settime(timer, 0, &soon, NULL), 0);
	for (unsigned n = 1; n <= 20; n++) {
		unsigned ticks = loop.ticks;

		ck_assert_int_eq(eventfd_write(poke, 1), 0);
		ck_assert_int_eq(bell_ring(loop.peer, bell_id(loop.peer), DONE_VECTOR), 0);
		while (loop.pokes < n || seen.done < n || loop.ticks == ticks)
			ck_assert_int_gt(loop_turn(&loop, timer, poke, LOOP_MS), 0);
	}
	/* The handle is quiet when nobody rings: each dispatch had a reason. */
	ck_assert_uint_eq(seen.done, 20);
	ck_assert_uint_eq(loop.dispatches, 20);
	close(timer);
	close(poke);
	close(loop.epoll_fd);
	bell_close(loop.peer);
	server_stop();
}
END_TEST

/* The handle itself may sit in an edge-triggered set: each ring is an edge. */
START_TEST(an_edge_triggered_loop_misses_nothing)
{
	const char *address = server_start(kinds[_i]);
	struct epoll_event ev = { .events = EPOLLIN | EPOLLET };
	struct seen seen = { 0 };
	struct bell_peer *peer = open_peer(address, &seen);
	int fd = epoll_create1(EPOLL_CLOEXEC);

	ck_assert_int_eq(epoll_ctl(fd, EPOLL_CTL_ADD, bell_handle(peer), &ev), 0);
	for (unsigned n = 1; n <= 1000; n++) {
		ck_assert_int_eq(bell_ring(peer, bell_id(peer), DONE_VECTOR), 0);
		while (seen.done < n) {
			ck_assert_int_eq(epoll_wait(fd, &ev, 1, LOOP_MS), 1);
			while (bell_dispatch(peer) > 0)
				;
		}
	}
	close(fd);
	bell_close(peer);
	server_stop();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("raw epoll");
	TCase *tc = tcase_create("raw");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, a_worker_is_fed_by_doorbells, 0, 2);
	tcase_add_loop_test(tc, a_killed_worker_is_told_as_a_leave, 0, 2);
	tcase_add_loop_test(tc, the_loop_serves_its_own_descriptors_too, 0, 2);
	tcase_add_loop_test(tc, an_edge_triggered_loop_misses_nothing, 0, 2);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
