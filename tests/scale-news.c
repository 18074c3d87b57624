/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A receiver that never sleeps, because there always is a message, still reads
 * what its server tells it: else it could not ring who came late.
 */
#define _GNU_SOURCE /* struct ucred, unix(7) */
#include "scale.h"

#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define BUSY 7  /* peers that keep the receiver busy */
#define LATE 100
/* What the library promises is far less; without it there is no bound. */
#define MESSAGES 200000u

static char text[1000];

/* Fills the ring to the receiver, then waits for space. */
static void late(unsigned self)
{
	struct bell_peer *peer;
	struct bell_bus *bus = scale_join("late", self, BELL_INTERRUPT, &peer);
	uint32_t to = scale_await(bus, "receiver", 0);

	while (!page->stop) {
		int rc = bell_send(bus, to, text, sizeof(text), 0);

		if (rc == -BELL_EAGAIN) {
			page->ready = 1;
			rc = bell_send(bus, to, text, sizeof(text), LONG_MS);
		}
		if (rc < 0 && !page->stop)
			scale_fail(rc, "late: message %llu",
				   (unsigned long long)page->peer[self].sent);
		page->peer[self].sent++;
	}
}

static pid_t server_pid(void)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct ucred cred;
	socklen_t len = sizeof(cred);

	strncpy(name.sun_path, scale_address + strlen("unix:"),
		sizeof(name.sun_path) - 1);
	must(connect(fd, (struct sockaddr *)&name, sizeof(name)) == 0);
	must(getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == 0);
	close(fd);
	return cred.pid;
}

static void take(struct bell_bus *bus)
{
	char got[sizeof(text)];
	int64_t rc = bell_recv(bus, got, sizeof(got), NULL, LONG_MS);

	ck_assert_msg(rc >= 0, "%s", bell_strerror((int)rc));
}

START_TEST(a_busy_receiver_still_hears_of_newcomers)
{
	/* So many vectors that the news of one peer fills a socket. */
	static const char *const options[] = { "-l", "64M", "-n", "64", "--max-peers",
					       "80", NULL };
	const unsigned one = 1;
	struct bell_peer *receiver, *peer[BUSY];
	struct bell_bus *bus, *busy[BUSY];
	uint64_t sent;
	unsigned n;
	pid_t pid;

	scale_begin(options);
	pid = server_pid();
	bus = scale_join("receiver", 0, BELL_INTERRUPT, &receiver);
	for (unsigned i = 0; i < BUSY; i++)
		busy[i] = scale_join("busy", i, BELL_INTERRUPT, &peer[i]);
	scale_fork(LATE, late);
	ck_assert(scale_until(scale_all_ready, &one));
	/* All that is in the receiver's ring comes while the server says nothing. */
	must(kill(pid, SIGSTOP) == 0);
	sent = page->peer[LATE].sent;
	for (uint64_t i = 0; i < sent && page->peer[LATE].sent == sent; i++)
		take(bus);
	must(kill(pid, SIGCONT) == 0);
	for (n = 0; n < MESSAGES && page->peer[LATE].sent == sent; n++) {
		ck_assert_int_eq(bell_send(busy[n % BUSY], bell_id(receiver), "busy", 4,
					   LONG_MS), 0);
		take(bus);
	}
	/* A thousand messages can pass faster than a process wakes. */
	ck_assert_msg(n < MESSAGES, "%u messages, and the newcomer still sleeps", n);
	page->stop = true;
	for (unsigned i = 0; i < BUSY; i++) {
		bell_leave(busy[i]);
		bell_close(peer[i]);
	}
	bell_leave(bus);
	bell_close(receiver);
	scale_wait_all();
	scale_end();
}
END_TEST

void add_news(Suite *suite)
{
	TCase *tc = tcase_create("news");

	tcase_set_timeout(tc, 150);
	tcase_add_test(tc, a_busy_receiver_still_hears_of_newcomers);
	suite_add_tcase(suite, tc);
}
