/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * worker.c - a program that uses all of the library: worker NAME SEED
 *
 * Works until stdin says otherwise, a word a line:
 *
 *     stop     leaves, and waits for what comes next
 *     format   joins once more, formats the memory for it, and leaves
 *     serve    answers who verifies
 *     verify NAME...   uses those that serve, and demands that all works
 *     quit
 *
 * Each is answered by a line on stdout when it is done.
 */
#include "worker.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define WATCHDOG_S 60   /* a call that has not returned by then hangs */
#define SLACK_MS 3000   /* processor time beyond a call's timeout, under a sanitizer */
#define PEERS_MAX 64
#define COMMAND_MAX 200
#define JOIN_TRIES 1000

struct worker me;
static bool stopped;

/* ---- what all share ---- */

/* splitmix64 */
uint64_t dice(void)
{
	uint64_t z = me.random += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

int some_timeout(void)
{
	switch (dice() % 16) {
	case 0:
		return (int)(dice() % 30);
	case 1:
	case 2:
		return (int)(dice() % 3);
	default:
		return 0;
	}
}

size_t some_size(size_t max)
{
	size_t n;

	switch (dice() % 8) {
	case 0:
		n = max;
		break;
	case 1:
		n = (size_t)(dice() % (max + 1));
		break;
	case 2:
		n = (size_t)(dice() % 9000);
		break;
	default:
		n = (size_t)(dice() % 200);
		break;
	}
	return n < max ? n : max;
}

uint32_t some_peer(void)
{
	struct bell_peer_info list[PEERS_MAX];
	int64_t n = 0;

	if (dice() % 16)
		n = CALL("bell_peers", 0, 0, bell_peers(me.peer, list, PEERS_MAX));
	n = n < PEERS_MAX ? n : PEERS_MAX;
	for (int tries = 0; n > 0 && tries < 8; tries++) {
		const struct bell_peer_info *p = &list[dice() % (uint64_t)n];

		touch(p->name, strlen(p->name));
		if (p->state == BELL_STATE_LIVE)
			return p->id;
	}
	return (uint32_t)(dice() % 8);
}

void touch(const void *data, size_t len)
{
	static volatile unsigned char sink;
	const volatile unsigned char *bytes = data;

	for (size_t i = 0; i < len; i += 61)
		sink = sink ^ bytes[i];
	if (len > 0)
		sink = sink ^ bytes[len - 1];
}

int64_t noted(int64_t rc)
{
	if (rc == -BELL_ERESET)
		me.reset = true;
	return rc;
}

/* ---- the bus ---- */

static void open_peer(void)
{
	/* The server lives, whatever is in the memory. */
	(void)CALL("bell_open", 5000, 0, bell_open(NULL, 30000, &me.peer));
}

static void leave(void)
{
	messages_end();
	streams_end();
	calls_end();
	/* What could not be sent before has a second. */
	(void)CALL("bell_leave", 1000, 0, (bell_leave(me.bus), 0));
	me.bus = NULL;
	me.reset = false;
	if (dice() % 8 == 0) {
		(void)CALL("bell_close", 0, 0, (bell_close(me.peer), 0));
		open_peer();
	}
}

/* 0, or why not. */
static int join(uint32_t flags)
{
	struct bell_bus_config config = {
		.name = me.name,
		.wait = (enum bell_wait_mode)(dice() % 3),
		.flags = flags,
	};
	int rc = (int)CALL("bell_join", 5000,
			   CODE(ELAYOUT) | CODE(EVERSION) | CODE(ENOSPC) | CODE(EEXIST) |
				   CODE(EBUSY),
			   bell_join(me.peer, &config, &me.bus));

	me.reset = false;
	return rc;
}

static void rest_ms(int ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000L };

	nanosleep(&t, NULL);
}

/* Joins somehow: what stands there may be no bus at all. */
static void rejoin(void)
{
	static bool failed;

	failed = join(failed && dice() % 8 == 0 ? BELL_FORMAT : 0) < 0;
	if (failed) {
		rest_ms((int)(dice() % 10));
		return;
	}
	messages_joined();
	streams_joined();
	calls_joined();
}

static void dispatch(void)
{
	int timeout_ms = some_timeout();
	uint32_t allowed = CODE(ERESET) | CODE(ECORRUPT);
	int64_t rc;

	me.nested = 0;
	if (dice() % 2)
		rc = DO("bell_dispatch", 0, allowed, bell_dispatch(me.peer));
	else
		rc = DO("bell_wait", timeout_ms, allowed | CODE(EAGAIN),
			bell_wait(me.peer, timeout_ms));
	if (rc == -BELL_ECORRUPT)
		messages_forget_peeked();
	if (dice() % 64 == 0)
		bell_set_wait(me.bus, (enum bell_wait_mode)(dice() % 3));
}

static void work(void)
{
	if (!me.bus) {
		rejoin();
		return;
	}
	if (me.reset || dice() % 4096 == 0) {
		leave();
		return;
	}
	switch (dice() % 8) {
	case 0:
	case 1:
		dispatch();
		break;
	case 2:
	case 3:
		work_streams();
		break;
	case 4:
		work_calls();
		break;
	default:
		work_messages();
		break;
	}
}

/* ---- commands ---- */

static void done(const char *what)
{
	printf("%s\n", what);
	fflush(stdout);
}

/* The next command if there is one within that time. */
static bool command(int wait_ms, char line[COMMAND_MAX])
{
	struct pollfd p = { .fd = STDIN_FILENO, .events = POLLIN };
	size_t n = 0;

	if (poll(&p, 1, wait_ms) <= 0)
		return false;
	while (n < COMMAND_MAX - 1 && read(STDIN_FILENO, line + n, 1) == 1 && line[n] != '\n')
		n++;
	line[n] = '\0';
	if (n == 0)
		exit(0); /* whoever started us is gone */
	return true;
}

/* The scribbler is over: on the bus without accident. */
static void join_calmly(uint32_t flags)
{
	int rc = -1;

	if (me.bus)
		leave();
	for (int i = 0; i < JOIN_TRIES && rc < 0; i++) {
		rc = join(flags);
		if (rc < 0)
			rest_ms(10);
	}
	if (rc < 0)
		judge_wrong("can't join, though nobody scribbles any more");
}

static int serve(void)
{
	char line[COMMAND_MAX];

	join_calmly(0);
	serve_joined();
	done("serving");
	while (!command(0, line))
		(void)CALL("bell_wait", 20, CODE(EAGAIN), bell_wait(me.peer, 20));
	return 0;
}

static int verify_all(char *line)
{
	const char *names[PEERS_MAX];
	int n = 0;

	(void)strtok(line, " ");
	while (n < PEERS_MAX && (names[n] = strtok(NULL, " ")) != NULL)
		n++;
	join_calmly(0);
	if (verify(names, n) != 0)
		return 1;
	done("verified");
	return 0;
}

/* The program's exit status, or -1: go on. */
static int obey(char *line)
{
	if (strcmp(line, "stop") == 0) {
		if (me.bus)
			leave();
		stopped = true;
		done("stopped");
		return -1;
	}
	if (strcmp(line, "format") == 0) {
		join_calmly(BELL_FORMAT);
		leave();
		done("formatted");
		return -1;
	}
	if (strcmp(line, "serve") == 0)
		return serve();
	if (strncmp(line, "verify ", 7) == 0)
		return verify_all(line);
	return strcmp(line, "quit") == 0 ? 0 : 2;
}

int main(int argc, char **argv)
{
	char line[COMMAND_MAX];
	int status = -1;

	if (argc != 3) {
		fprintf(stderr, "usage: worker NAME SEED\n");
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	me.name = argv[1];
	me.random = strtoull(argv[2], NULL, 10);
	judge_init(me.name, WATCHDOG_S, SLACK_MS);
	open_peer();
	while (status < 0) {
		if (command(stopped ? -1 : 0, line))
			status = obey(line);
		else if (!stopped)
			for (int i = 0; i < 64; i++)
				work();
	}
	if (me.bus)
		leave();
	bell_close(me.peer);
	alarm(0);
	judge_report();
	return status;
}
