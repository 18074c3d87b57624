/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * deaths-waits.c - who waits for somebody who dies, leaves or stands still
 *
 * Rows "waits ..." of doc/deaths.md. A process v stops listening, another one,
 * a, waits for it in each way there is, and then v is killed, leaves, or is
 * stopped for longer than a waits and goes on.
 */
#include "deaths.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define LONG_MS 20000 /* what a waits for who dies: never that long */
#define SHORT_MS 100  /* and for who is stopped */
#define SLACK_MS 3000 /* for a busy machine */

/* What a and v are about; the test says what is next. */
enum stage { BORN, READY, DEAF, WAIT, WAITING, DONE, SERVE, LEAVE };
static struct {
	_Atomic int a, v;
	_Atomic int64_t result;
	_Atomic int64_t done_ms;
	_Atomic int timeout_ms;
} *stage;


static pid_t spawn(void (*what)(const void *arg), const void *arg)
{
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid > 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	what(arg);
	_exit(0);
}

static void reap(pid_t pid, int sig)
{
	int status = 0;

	if (sig)
		ck_assert_int_eq(kill(pid, sig), 0);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	if (sig)
		ck_assert(WIFSIGNALED(status));
	else
		ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0,
			      "%s: status 0x%x", place_what, (unsigned)status);
}

/* ---- v ------------------------------------------------------------------------- */

static struct bell_stream *v_stream;

static void discard(struct bell_bus *bus, const struct bell_envelope *env,
		    const void *data, void *arg)
{
	(void)bus, (void)env, (void)data, (void)arg;
}

static void drain(struct bell_stream *s, unsigned events, void *arg)
{
	char buf[512];

	(void)events, (void)arg;
	while (bell_stream_read(s, buf, sizeof(buf), 0) > 0)
		;
}

static void accepted(struct bell_listener *l, struct bell_stream *s, void *arg)
{
	(void)l, (void)arg;
	v_stream = s;
	bell_on_stream(s, drain, NULL);
}

static void reply(struct bell_bus *bus, struct bell_request *request, void *arg)
{
	(void)bus, (void)arg;
	must(bell_reply(request, "yes", 3) == 0);
}

static void be_v(const void *none)
{
	struct bell_peer *peer = place_open();
	struct bell_bus *bus = place_join(peer, "v");
	struct bell_listener *l;

	(void)none;
	bell_on_message(bus, discard, NULL);
	must(bell_on_call(bus, METHOD, reply, NULL) == 0);
	must(bell_listen(bus, SERVICE, accepted, NULL, &l) == 0);
	must(bell_subscribe(bus, "waits") == 0);
	stage->v = READY;
	while (stage->v == READY)
		(void)bell_wait(peer, 5);
	stage->v = DONE; /* deaf now */
	while (stage->v == DONE)
		poll(NULL, 0, 1);
	if (stage->v == SERVE && v_stream)
		must(bell_stream_write(v_stream, "x", 1, WAIT_MS) == 1);
	while (stage->v == SERVE)
		(void)bell_wait(peer, 5);
	bell_stream_close(v_stream);
	bell_leave(bus);
	bell_close(peer);
}

/* ---- a ------------------------------------------------------------------------- */

static struct bell_bus *a;
static uint32_t v;
static struct bell_stream *a_stream;

static void opened(void)
{
	must(bell_stream_open(a, v, SERVICE, WAIT_MS, &a_stream) == 0);
}

static int64_t in_send(int timeout_ms)
{
	int rc = 0;

	for (int i = 0; rc == 0 && i < 64; i++)
		rc = bell_send(a, v, message[i], 700, timeout_ms);
	return rc;
}

static int64_t in_large(int timeout_ms)
{
	int rc = 0;

	for (int i = 0; rc == 0 && i < 8; i++)
		rc = bell_send(a, v, message, sizeof(message), timeout_ms);
	return rc;
}

static int64_t in_batch(int timeout_ms)
{
	struct bell_envelope env = { .peer = v };
	struct bell_part parts[16];
	int64_t rc = 16;

	for (int i = 0; i < 16; i++)
		parts[i] = (struct bell_part){ message[i], 700 };
	for (int i = 0; rc == 16 && i < 8; i++)
		rc = bell_send_batch(a, &env, parts, 16, timeout_ms);
	/* Some went before it failed: then the next one tells why. */
	if (rc >= 0 && rc < 16)
		rc = bell_send_batch(a, &env, parts, 16, 0);
	return rc == 16 ? 0 : rc;
}

static int64_t in_reserve(int timeout_ms)
{
	struct bell_envelope env = { .peer = v };
	void *data;
	int rc = 0;

	for (int i = 0; rc == 0 && i < 64; i++) {
		rc = bell_reserve(a, &env, 700, timeout_ms, &data);
		if (rc == 0)
			rc = bell_commit(a, v, 700);
	}
	return rc;
}

static int64_t in_ping(int timeout_ms)
{
	return bell_ping(a, v, timeout_ms, NULL);
}

static int64_t in_call(int timeout_ms)
{
	char buf[8];
	int64_t rc = bell_call(a, v, METHOD, "now?", 4, buf, sizeof(buf), timeout_ms);

	return rc == 3 ? 0 : rc;
}

static int64_t in_open(int timeout_ms)
{
	bell_stream_close(a_stream);
	a_stream = NULL;
	return bell_stream_open(a, v, SERVICE, timeout_ms, &a_stream);
}

static int64_t in_read(int timeout_ms)
{
	char byte;
	int64_t rc = bell_stream_read(a_stream, &byte, 1, timeout_ms);

	return rc == 1 ? 0 : rc;
}

static int64_t in_write(int timeout_ms)
{
	int64_t rc = 1;

	for (int i = 0; rc > 0 && i < 64; i++)
		rc = bell_stream_write(a_stream, message, 4096, timeout_ms);
	return rc > 0 ? 0 : rc;
}

static int64_t in_publish(int timeout_ms)
{
	int rc = 0;

	for (int i = 0; rc >= 0 && i < 32; i++)
		rc = bell_publish(a, "waits", 0, message[i], 700, timeout_ms);
	return rc > 0 ? 0 : rc;
}

static int64_t in_recv(int timeout_ms)
{
	char buf[64];

	/* Others may send: the death of one is no end. */
	return bell_recv(a, buf, sizeof(buf), NULL, timeout_ms > SHORT_MS ?
							    2 * SHORT_MS : timeout_ms);
}

static int64_t in_await(int timeout_ms)
{
	uint32_t id;

	/* Somebody else: v's coming and going wakes, and is not it. */
	return bell_await_peer(a, "godot", timeout_ms > SHORT_MS ? 2 * SHORT_MS :
								   timeout_ms, &id);
}

/* What a wait ends with when v has gone, and when it goes on after a pause. */
static const struct way {
	const char *name;
	void (*before)(void);
	int64_t (*wait)(int timeout_ms);
	int64_t gone, left, back;
} ways[] = {
	{ "bell_send", NULL, in_send, -BELL_ENOPEER, -BELL_ENOPEER, 0 },
	{ "large bell_send", NULL, in_large, -BELL_ENOPEER, -BELL_ENOPEER, 0 },
	{ "bell_send_batch", NULL, in_batch, -BELL_ENOPEER, -BELL_ENOPEER, 0 },
	{ "bell_reserve", NULL, in_reserve, -BELL_ENOPEER, -BELL_ENOPEER, 0 },
	{ "bell_ping", NULL, in_ping, -BELL_ENOPEER, -BELL_ENOPEER, 0 },
	{ "bell_call", NULL, in_call, -BELL_ENOPEER, -BELL_ENOPEER, 0 },
	{ "bell_stream_open", NULL, in_open, -BELL_ENOPEER, -BELL_ENOPEER, 0 },
	/* Who leaves ends its streams: an end of file, a reset of what it did not read. */
	{ "bell_stream_read", opened, in_read, -BELL_ENOPEER, 0, 0 },
	{ "bell_stream_write", opened, in_write, -BELL_ENOPEER, -BELL_EPIPE, 0 },
	{ "bell_publish", NULL, in_publish, 0, 0, 0 },
	{ "bell_recv", NULL, in_recv, -BELL_EAGAIN, -BELL_EAGAIN, -BELL_EAGAIN },
	{ "bell_await_peer", NULL, in_await, -BELL_EAGAIN, -BELL_EAGAIN, -BELL_EAGAIN },
};

static void be_a(const void *arg)
{
	const struct way *way = arg;
	struct bell_peer *peer = place_open();

	a = place_join(peer, "a");
	must(bell_await_peer(a, "v", WAIT_MS, &v) == 0);
	if (way->before)
		way->before();
	for (stage->a = READY; stage->a != LEAVE;) {
		if (stage->a != WAIT) {
			poll(NULL, 0, 1);
			continue;
		}
		stage->a = WAITING;
		stage->result = way->wait(stage->timeout_ms);
		stage->done_ms = now_ms();
		stage->a = DONE;
	}
	bell_stream_close(a_stream);
	bell_leave(a);
	bell_close(peer);
}

/* ---- the test --------------------------------------------------------------------- */

static bool is_asleep(pid_t pid)
{
	char path[64], text[256] = "", state = '?';
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	f = fopen(path, "re");
	if (f && fgets(text, sizeof(text), f) && strrchr(text, ')'))
		state = strrchr(text, ')')[2];
	if (f)
		fclose(f);
	return state == 'S';
}

static void pump_until(_Atomic int *who, int what)
{
	UNTIL(*who == what)
		;
}

/* a begins to wait, and sleeps. */
static void let_wait(pid_t a_pid, int timeout_ms)
{
	stage->timeout_ms = timeout_ms;
	stage->a = WAIT;
	UNTIL(stage->a == DONE || (stage->a == WAITING && is_asleep(a_pid)))
		;
}

static void expect(int64_t result, int64_t since, int64_t within_ms)
{
	UNTIL(stage->a == DONE)
		;
	ck_assert_msg(stage->result == result, "%s: %s, not %s", place_what,
		      bell_strerror((int)stage->result), bell_strerror((int)result));
	ck_assert_msg(stage->done_ms - since <= within_ms, "%s: waited %lld ms too long",
		      place_what, (long long)(stage->done_ms - since - within_ms));
}

static pid_t a_pid, v_pid;

static void begin(const struct way *way)
{
	place_forget();
	place_what = way->name;
	memset(stage, 0, sizeof(*stage));
	v_pid = spawn(be_v, NULL);
	pump_until(&stage->v, READY);
	a_pid = spawn(be_a, way);
	pump_until(&stage->a, READY);
	stage->v = DEAF;
	pump_until(&stage->v, DONE);
}

static void end(void)
{
	stage->a = LEAVE;
	reap(a_pid, 0);
	place_check();
}

START_TEST(waits_for_who_is_killed)
{
	int64_t at;

	begin(&ways[_i]);
	let_wait(a_pid, LONG_MS);
	at = now_ms();
	reap(v_pid, SIGKILL);
	expect(ways[_i].gone, at, SLACK_MS);
	end();
}
END_TEST

START_TEST(waits_for_who_leaves)
{
	int64_t at;

	begin(&ways[_i]);
	let_wait(a_pid, LONG_MS);
	at = now_ms();
	stage->v = LEAVE;
	expect(ways[_i].left, at, SLACK_MS);
	reap(v_pid, 0);
	end();
}
END_TEST

START_TEST(waits_for_who_is_paused)
{
	int64_t at;

	begin(&ways[_i]);
	ck_assert_int_eq(kill(v_pid, SIGSTOP), 0);
	at = now_ms();
	let_wait(a_pid, SHORT_MS);
	expect(-BELL_EAGAIN, at, 2 * SHORT_MS + SLACK_MS);
	ck_assert_int_eq(kill(v_pid, SIGCONT), 0);
	stage->v = SERVE;
	at = now_ms();
	let_wait(a_pid, LONG_MS);
	expect(ways[_i].back, at, SLACK_MS);
	stage->v = LEAVE;
	reap(v_pid, 0);
	end();
}
END_TEST

/* It goes on waiting, or says that it was disturbed. */
START_TEST(who_waits_is_paused)
{
	int64_t at;

	begin(&ways[_i]);
	let_wait(a_pid, LONG_MS);
	ck_assert_int_eq(kill(a_pid, SIGSTOP), 0);
	reap(v_pid, SIGKILL);
	UNTIL(slots_used() == 3)
		;
	at = now_ms();
	ck_assert_int_eq(kill(a_pid, SIGCONT), 0);
	UNTIL(stage->a == DONE)
		;
	expect(stage->result == -BELL_EINTR ? -BELL_EINTR : ways[_i].gone, at, SLACK_MS);
	end();
}
END_TEST

static void begin_all(void)
{
	stage = mmap(NULL, sizeof(*stage), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	must(stage != MAP_FAILED);
	place_begin();
}

int main(void)
{
	Suite *suite = suite_create("deaths");
	TCase *tc = tcase_create("waits");

	tcase_add_unchecked_fixture(tc, begin_all, place_end);
	tcase_add_checked_fixture(tc, place_setup, place_teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, waits_for_who_is_killed, 0, ARRAY_LEN(ways));
	tcase_add_loop_test(tc, waits_for_who_leaves, 0, ARRAY_LEN(ways));
	tcase_add_loop_test(tc, waits_for_who_is_paused, 0, ARRAY_LEN(ways));
	tcase_add_loop_test(tc, who_waits_is_paused, 0, ARRAY_LEN(ways));
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
