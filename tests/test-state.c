/* SPDX-License-Identifier: BSD-2-Clause */
/* The memory that outlives a server: snapshots, and what was sent since. */
#define _GNU_SOURCE /* sendmmsg */

#include "error.h"
#include "peers.h"
#include "sanitized.h"
#include "state.h"
#include "testing.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static struct state *state;
static unsigned char *content; /* what the next snapshot is to be */
static size_t content_size;
static unsigned saves;
static int save_result;

static int save(void *arg)
{
	void *at;

	(void)arg;
	saves++;
	if (save_result < 0)
		return error_detail(-save_result, "state: no room, says the test");
	at = state_begin(state, content_size);
	if (!at)
		return -BELL_ENOMEM;
	memcpy(at, content, content_size);
	state_commit(state);
	return 0;
}

static void set_content(size_t size, unsigned char with)
{
	content = realloc(content, size);
	ck_assert_ptr_nonnull(content);
	memset(content, with, size);
	content_size = size;
	state_change(state);
}

static void begin(void)
{
	saves = 0;
	save_result = 0;
	ck_assert_int_eq(state_new(&state), 0);
	state_on_save(state, save, NULL);
	set_content(1, 'a');
}

static void end(void)
{
	state_free(state);
	free(content);
	content = NULL;
}

static struct state *successor(void)
{
	int fd = fcntl(state_fd(state), F_DUPFD_CLOEXEC, 0);
	struct state *next;

	ck_assert_int_eq(state_adopt(&fd, &next), 0);
	ck_assert_int_eq(fd, -1);
	return next;
}

static void expect_snapshot(struct state *of, size_t size, unsigned char with)
{
	const unsigned char *at;
	size_t got;

	at = state_snapshot(of, &got);
	ck_assert_ptr_nonnull(at);
	ck_assert_uint_eq(got, size);
	ck_assert_uint_eq(at[0], with);
	ck_assert_int_eq(memcmp(at, at + 1, got - 1), 0); /* all the same */
}

START_TEST(nothing_is_saved_yet)
{
	struct state *next = successor();
	size_t size;

	ck_assert_ptr_null(state_snapshot(next, &size));
	state_free(next);
}
END_TEST

START_TEST(sizes_that_grow_and_shrink)
{
	static const size_t sizes[] = { 1, 100, 5000, 70000, 70000, 8, 3000000,
					20, 20, 700000, 0, 64 };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct state *next;

		set_content(sizes[i] + 1, (unsigned char)i);
		ck_assert_int_eq(state_save(state), 0);
		expect_snapshot(state, sizes[i] + 1, (unsigned char)i);
		next = successor();
		expect_snapshot(next, sizes[i] + 1, (unsigned char)i);
		state_free(next);
	}
	ck_assert_uint_eq(saves, sizeof(sizes) / sizeof(sizes[0]));
	ck_assert_int_eq(state_save(state), 0); /* nothing changed */
	ck_assert_uint_eq(saves, sizeof(sizes) / sizeof(sizes[0]));
}
END_TEST

START_TEST(what_cannot_be_saved_is_not_there)
{
	struct state *next;
	size_t size;

	ck_assert_int_eq(state_save(state), 0);
	set_content(5, 'b');
	save_result = -BELL_ENOMEM;
	ck_assert_int_eq(state_save(state), -BELL_ENOMEM);
	next = successor();
	ck_assert_ptr_null(state_snapshot(next, &size)); /* rather than 'a' */
	state_free(next);
	save_result = 0;
	ck_assert_int_eq(state_save(state), 0);
	expect_snapshot(state, 5, 'b');
}
END_TEST

/* ---- what was sent ---- */

static unsigned counts[8];

static void count(void *arg, uint32_t id)
{
	(void)arg;
	ck_assert_uint_lt(id, 8);
	counts[id]++;
}

static unsigned sent_to(struct state *of, uint32_t id)
{
	memset(counts, 0, sizeof(counts));
	state_each_sent(of, count, NULL);
	return counts[id];
}

/* Sends up to wanted messages of 8 bytes; returns what sendmmsg() does. */
static int send_some(int sock, uint32_t id, unsigned wanted)
{
	static char bytes[8] = "message";
	struct iovec iov = { bytes, sizeof(bytes) };
	struct mmsghdr *log;
	unsigned room;
	int n;

	log = state_sending(state, id, wanted, &room);
	for (unsigned i = 0; i < room; i++)
		log[i].msg_hdr = (struct msghdr){ .msg_iov = &iov,
						  .msg_iovlen = 1 };
	n = sendmmsg(sock, log, room, MSG_DONTWAIT | MSG_NOSIGNAL);
	state_sent(state, n > 0 ? (unsigned)n : 0);
	return n;
}

START_TEST(what_was_sent_is_known)
{
	int pair[2], full = 0, n;

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	ck_assert_int_eq(send_some(pair[0], 3, 5), 5);
	ck_assert_int_eq(send_some(pair[0], 4, 1), 1);
	ck_assert_int_eq(send_some(pair[0], 3, 2), 2);
	ck_assert_uint_eq(sent_to(state, 3), 7);
	ck_assert_uint_eq(sent_to(state, 4), 1);
	/* A snapshot has it in it. */
	state_change(state);
	ck_assert_int_eq(state_save(state), 0);
	ck_assert_uint_eq(sent_to(state, 3), 0);
	/* Until the socket is full: a part of a batch, then nothing. */
	while ((n = send_some(pair[0], 5, 7)) > 0)
		full += n;
	ck_assert_int_gt(full, 100);
	ck_assert_uint_ge(saves, 2); /* more than the log has room for */
	state_change(state);
	ck_assert_int_eq(state_save(state), 0);
	ck_assert_int_lt(send_some(pair[0], 5, 7), 0);
	ck_assert_uint_eq(sent_to(state, 5), 0);
	close(pair[0]);
	close(pair[1]);
}
END_TEST

START_TEST(sending_goes_on_when_saving_fails)
{
	int pair[2];

	save_result = -BELL_ENOMEM;
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	for (int i = 0; i < 20; i++)
		ck_assert_int_eq(send_some(pair[0], 1, 5), 1);
	save_result = 0;
	ck_assert_int_eq(send_some(pair[0], 1, 5), 5);
	ck_assert_uint_eq(sent_to(state, 1), 5);
	close(pair[0]);
	close(pair[1]);
}
END_TEST

/* ---- killed ----
 *
 * A child sends messages and saves how many it has sent, and is killed after one
 * more instruction each time. What arrived has to be what the state tells.
 */

#define MESSAGES 24u
/* A sanitizer's code is ten times as much, each instruction a stop. */
#define KILLS (SANITIZED ? 2u : 12u)
#define ROUNDS 8u

static void victim(int sock)
{
	uint32_t sent = 0;

	ptrace(PTRACE_TRACEME, 0, NULL, NULL);
	raise(SIGSTOP);
	while (sent < MESSAGES) {
		int n;

		memcpy(content, &sent, sizeof(sent));
		content_size = sizeof(sent) + sent % 3 * 100;
		if (sent % 2 == 0)
			state_change(state);
		n = send_some(sock, 1, 3);
		if (n < 0)
			_exit(1);
		sent += (uint32_t)n;
	}
	_exit(0);
}

/* Lets it run for that many steps, or to its end; returns how many it made. */
static unsigned let_run(pid_t child, unsigned steps)
{
	int status;

	for (unsigned i = 0; i < steps; i++) {
		ck_assert_int_eq(ptrace(PTRACE_SINGLESTEP, child, NULL, NULL), 0);
		ck_assert_int_eq(waitpid(child, &status, 0), child);
		if (WIFEXITED(status)) {
			ck_assert_int_eq(WEXITSTATUS(status), 0);
			return i;
		}
	}
	return steps;
}

static unsigned arrived(int sock)
{
	char bytes[8];
	unsigned n = 0;

	while (recv(sock, bytes, sizeof(bytes), MSG_DONTWAIT) == sizeof(bytes))
		n++;
	return n;
}

static void check_what_is_left(int sock)
{
	struct state *next = successor();
	const void *at;
	uint32_t saved = 0;
	size_t size;

	at = state_snapshot(next, &size);
	if (at)
		memcpy(&saved, at, sizeof(saved));
	ck_assert_uint_eq(saved + sent_to(next, 1), arrived(sock));
	state_free(next);
}

/* Returns how many steps it made. */
static unsigned kill_after(unsigned steps)
{
	int pair[2], status;
	unsigned made;
	pid_t child;

	begin();
	set_content(1000, 0);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	child = fork();
	ck_assert_int_ge(child, 0);
	if (child == 0)
		victim(pair[0]);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	made = let_run(child, steps);
	if (made == steps) {
		kill(child, SIGKILL);
		ck_assert_int_eq(waitpid(child, &status, 0), child);
	}
	check_what_is_left(pair[1]);
	close(pair[0]);
	close(pair[1]);
	end();
	return made;
}

START_TEST(killed_at_any_instruction)
{
	/* The same steps each time, but for what the loader does: spread evenly. */
	unsigned all = kill_after(UINT_MAX), kills = 0;

	for (unsigned k = 0; k < KILLS; k++) {
		unsigned step = (unsigned)((uint64_t)all * (k * ROUNDS + (unsigned)_i) /
					   (KILLS * ROUNDS)) + 1;

		kills += kill_after(step) == step;
	}
	ck_assert_uint_ge(kills, KILLS / 2);
}
END_TEST

/* ---- what is none ---- */

START_TEST(what_is_no_state_is_refused)
{
	static const char garbage[600000] = "garbage";
	int fd = memfd_create("x", MFD_CLOEXEC);
	struct state *none = NULL;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(state_adopt(&fd, &none), -BELL_ECORRUPT); /* empty */
	ck_assert_int_eq((int)write(fd, garbage, sizeof(garbage)),
			 (int)sizeof(garbage));
	ck_assert_int_eq(state_adopt(&fd, &none), -BELL_ECORRUPT);
	ck_assert_ptr_null(none);
	ck_assert_int_ge(fd, 0);
	close(fd);
}
END_TEST

/* The version follows the magic, the offset follows both. */
static void overwrite(off_t at, uint64_t with)
{
	ck_assert_int_eq((int)pwrite(state_fd(state), &with, sizeof(with), at),
			 (int)sizeof(with));
}

START_TEST(a_damaged_state_is_refused)
{
	static const struct {
		off_t at;
		uint64_t with;
		int code;
	} damages[] = {
		{ 8, 99, -BELL_EVERSION },
		{ 16, 8, -BELL_ECORRUPT },
		{ 16, UINT64_C(1) << 40, -BELL_ECORRUPT },
		{ 16, UINT64_MAX, -BELL_ECORRUPT },
	};
	int fd = fcntl(state_fd(state), F_DUPFD_CLOEXEC, 0);
	struct state *none = NULL;

	ck_assert_int_eq(state_save(state), 0);
	overwrite(damages[_i].at, damages[_i].with);
	ck_assert_int_eq(state_adopt(&fd, &none), damages[_i].code);
	ck_assert_ptr_null(none);
	close(fd);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("state");
	TCase *tc = tcase_create("state"), *kills = tcase_create("killed");

	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_test(tc, nothing_is_saved_yet);
	tcase_add_test(tc, sizes_that_grow_and_shrink);
	tcase_add_test(tc, what_cannot_be_saved_is_not_there);
	tcase_add_test(tc, what_was_sent_is_known);
	tcase_add_test(tc, sending_goes_on_when_saving_fails);
	tcase_add_test(tc, what_is_no_state_is_refused);
	tcase_add_loop_test(tc, a_damaged_state_is_refused, 0, 4);
	tcase_set_timeout(kills, 60);
	tcase_add_loop_test(kills, killed_at_any_instruction, 0, ROUNDS);
	suite_add_tcase(suite, tc);
	suite_add_tcase(suite, kills);
	return run_suite(suite);
}
