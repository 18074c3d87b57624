/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Stopped in the midst of a write, taken for dead, and resumed when its link is
 * another's: the one case that the memory cannot heal.
 */
#include "deaths-server.h"
#include "deaths-victim.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static void three_sends(struct victim *v)
{
	will->result[0] = bell_send(v->bus, v->r, message[1], 300, 0);
	will->result[1] = bell_send(v->bus, v->r, message[2], 40, 0);
	will->result[2] = bell_send(v->bus, v->r, message[2], 40, 0);
}

static void sent_one(struct victim *v)
{
	v->bus = place_join(v->peer, "v");
	victim_send(v, 40);
}

static const struct deed halfway = { "paused", NULL, sent_one, NULL, three_sends, NULL };

static uint32_t intact, damaged, broken;

static void judge(struct bell_bus *bus, const struct bell_envelope *env,
		  const void *data, void *arg)
{
	(void)bus, (void)arg;
	if (env->peer != bell_id(x_peer))
		return;
	if (env->len == 300 && memcmp(data, message[0], 300) == 0)
		intact++;
	else
		damaged++;
}

static void pump_broken(void)
{
	struct pollfd p = { bell_handle(r_peer), POLLIN, 0 };

	while (poll(&p, 1, 100) == 1) {
		int rc = bell_dispatch(r_peer);

		ck_assert_msg(rc >= 0 || rc == -BELL_ECORRUPT, "%s", bell_strerror(rc));
		broken += rc == -BELL_ECORRUPT;
	}
}

/*
 * A server drops who does not read its news, once too many have come that are
 * still there; then the others hear that it is gone.
 */
static void drop_by_server(void)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd[50], n = 0;

	strcpy(to.sun_path, mortal_path);
	for (; n < ARRAY_LEN(fd) && seen.gone == 0; n++) {
		int64_t end = now_ms() + 60;

		fd[n] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		ck_assert_int_ge(fd[n], 0);
		ck_assert_int_eq(connect(fd[n], (struct sockaddr *)&to, sizeof(to)), 0);
		while (now_ms() < end && seen.gone == 0)
			pump();
	}
	ck_assert_uint_eq(seen.gone, 1);
	while (n > 0) {
		close(fd[--n]);
		pump(); /* who does not read of it is dropped, too */
	}
}

START_TEST(paused_and_dropped)
{
	pid_t pid;
	int status, rc;

	if (!victim_possible())
		ck_abort_msg("ptrace is not allowed here");
	pid = victim_stop(&halfway, 4); /* some of the message is copied */
	drop_by_server();
	ck_assert_uint_eq(seen.messages, 1);
	UNTIL(links_used() == 2)
		;
	/* Its link is another's now, who uses it. */
	x_join();
	bell_on_message(r, judge, NULL);
	for (int i = 0; i < 8; i++)
		ck_assert_int_eq(bell_send(x, bell_id(r_peer), message[0], 300, 0), 0);
	ck_assert_int_eq(ptrace(PTRACE_CONT, pid, NULL, NULL), 0);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
	pump_broken();
	printf("# of 8 messages %u came whole, %u damaged, %u times broken; the paused one "
	       "was told: %s, then: %s\n", intact, damaged, broken,
	       bell_strerror(will->result[0]), bell_strerror(will->result[1]));
	fflush(stdout);
	ck_assert_uint_le(damaged, 2);
	/* It finds its link lost, then itself. */
	ck_assert_int_eq(will->result[1], -BELL_ECORRUPT);
	ck_assert_int_eq(will->result[2], -BELL_ERESET);
	victim_kill(pid);
	/* The damage is over with that one link. */
	rc = bell_send(x, bell_id(r_peer), message[0], 300, 0);
	if (rc == -BELL_ECORRUPT)
		rc = bell_send(x, bell_id(r_peer), message[0], 300, 0);
	ck_assert_int_eq(rc, 0);
	intact = 0;
	pump_broken();
	ck_assert_uint_eq(intact, 1);
	x_leave();
}
END_TEST

void add_paused(TCase *tc)
{
	tcase_add_test(tc, paused_and_dropped);
}
