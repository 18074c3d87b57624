/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Peers that come and go, and die in every way: they leave no link, no slot and
 * no memory of the server behind, and what they had sent arrives.
 */
#define _GNU_SOURCE /* struct ucred */
#include "scale.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <dirent.h>
#include <unistd.h>

#define AT_ONCE 4u
#define GREETINGS 5u
#define BROKEN 5000u /* bytes of a message that never comes */
#define KILL_AFTER 20u /* messages of one that is killed at any instruction */

enum way {
	LEAVES,       /* as one should */
	EXITS,        /* without leaving */
	NEVER_JOINS,  /* killed before it is on the bus */
	BREAKS_OFF,   /* killed with a message half sent, or reserved */
	IS_KILLED,    /* while it sends */
	WAYS
};

static unsigned round_now;

static enum way way_of(unsigned self)
{
	return (enum way)((round_now * AT_ONCE + self) % WAYS);
}

struct message {
	uint32_t from, number;
};

static void say(struct bell_bus *bus, uint32_t to, unsigned self, unsigned count)
{
	struct message m = { .from = self };

	for (; m.number < count; m.number++) {
		int rc = bell_send(bus, to, &m, sizeof(m), LONG_MS);

		if (rc < 0)
			scale_fail(rc, "round %u: sending message %u", round_now, m.number);
		page->peer[self].sent++;
	}
}

static void break_off(struct bell_bus *bus, uint32_t to)
{
	struct bell_envelope env = { .peer = to };
	struct bell_outgoing *out = NULL;
	static const char part[BROKEN / 2];
	void *data = NULL;
	int64_t rc;

	if (round_now % 2 == 0) {
		rc = bell_reserve(bus, &env, BROKEN, LONG_MS, &data);
		if (rc == 0)
			memset(data, 1, BROKEN);
	} else {
		rc = bell_begin(bus, &env, BROKEN, &out);
		if (rc == 0)
			rc = bell_continue(out, part, sizeof(part), LONG_MS);
	}
	if (rc < 0)
		scale_fail(rc, "beginning a message");
	raise(SIGKILL);
}

static void run_visitor(unsigned self)
{
	struct bell_peer *peer = NULL;
	struct bell_bus *bus;
	enum way way = way_of(self);
	uint32_t to;
	int64_t rc;

	if (way == NEVER_JOINS) {
		rc = bell_open(scale_address, LONG_MS, &peer);
		if (rc < 0)
			scale_fail(rc, "open");
		raise(SIGKILL);
	}
	bus = scale_join("visitor", self, BELL_INTERRUPT, &peer);
	to = scale_await(bus, "host", 0);
	say(bus, to, self, way == IS_KILLED ? UINT32_MAX : GREETINGS);
	if (way == BREAKS_OFF)
		break_off(bus, to);
	/* The answer, so that there is a link to us as well. */
	rc = bell_recv(bus, NULL, 0, NULL, LONG_MS);
	if (rc < 0)
		scale_fail(rc, "waiting for the answer");
	if (way == EXITS)
		_exit(EXIT_SUCCESS);
	bell_leave(bus);
	bell_close(peer);
}

/* ---- the host ---------------------------------------------------------------- */

struct host {
	struct bell_peer *peer;
	struct bell_bus *bus;
	pid_t visitor[AT_ONCE];
	uint64_t got[AT_ONCE];
};

static void take(struct host *h, const struct bell_envelope *env, const void *data)
{
	const struct message *m = data;

	if (env->len != sizeof(*m) || m->from >= AT_ONCE ||
	    m->number != h->got[m->from])
		scale_fail(0, "round %u: message %u of visitor %u came, not %llu",
			   round_now, m->number, m->from, m->from < AT_ONCE ?
			   (unsigned long long)h->got[m->from] : 0);
	h->got[m->from]++;
	if (way_of(m->from) == IS_KILLED) {
		if (h->got[m->from] == KILL_AFTER)
			must(kill(h->visitor[m->from], SIGKILL) == 0);
	} else if (h->got[m->from] == GREETINGS) {
		int rc = bell_send(h->bus, env->peer, NULL, 0, 0);

		/* It may be dead by now, if that is its way. */
		if (rc < 0 && rc != -BELL_ENOPEER)
			scale_fail(rc, "round %u: answering visitor %u", round_now,
				   m->from);
	}
}

/* All that is there, waiting a moment for more. */
static void serve(struct host *h)
{
	struct bell_envelope env;
	_Alignas(8) unsigned char data[BROKEN];
	int64_t rc;

	while ((rc = bell_recv(h->bus, data, sizeof(data), &env, 2)) >= 0)
		take(h, &env, data);
	if (rc != -BELL_EAGAIN)
		scale_fail(rc, "round %u: receiving", round_now);
}

/* Its end is the one that it should have. */
static void check_end(unsigned self, int status)
{
	enum way way = way_of(self);
	bool killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
	bool well = WIFEXITED(status) && WEXITSTATUS(status) == 0;

	if (way == LEAVES || way == EXITS ? !well : !killed)
		scale_fail(0, "round %u: visitor %u ended with status 0x%x; %s", round_now,
			   self, (unsigned)status, page->failure);
}

static bool has_ended(struct host *h, unsigned self)
{
	int status;

	if (h->visitor[self] == 0)
		return true;
	if (waitpid(h->visitor[self], &status, WNOHANG) != h->visitor[self])
		return false;
	check_end(self, status);
	h->visitor[self] = 0;
	return true;
}

static bool round_is_over(const void *arg)
{
	struct host *h = (struct host *)(uintptr_t)arg;
	struct scale_usage u;
	bool over = true;

	serve(h);
	for (unsigned i = 0; i < AT_ONCE; i++)
		over = has_ended(h, i) && over;
	u = scale_usage(h->peer);
	return over && u.links == 0 && u.slots == 1;
}

static void not_over(struct host *h)
{
	struct scale_usage u = scale_usage(h->peer);

	for (unsigned i = 0; i < AT_ONCE; i++)
		if (h->visitor[i] != 0)
			scale_fail(0, "round %u: visitor %u does not end; %llu of its %llu "
				   "messages came", round_now, i,
				   (unsigned long long)h->got[i],
				   (unsigned long long)page->peer[i].sent);
	scale_fail(0, "round %u: %u links and %u slots are not given back", round_now,
		   u.links, u.slots - 1);
}

static void visit(struct host *h)
{
	memset(h->got, 0, sizeof(h->got));
	for (unsigned i = 0; i < AT_ONCE; i++) {
		page->peer[i].sent = 0;
		h->visitor[i] = scale_fork(i, run_visitor);
	}
	if (!scale_until(round_is_over, h))
		not_over(h);
	/* One that is killed may have committed one more than it could tell. */
	for (unsigned i = 0; i < AT_ONCE; i++)
		if (h->got[i] < page->peer[i].sent || h->got[i] > page->peer[i].sent + 1)
			scale_fail(0, "round %u: %llu messages of visitor %u came, %llu were "
				   "sent", round_now, (unsigned long long)h->got[i], i,
				   (unsigned long long)page->peer[i].sent);
}

/* ---- the server -------------------------------------------------------------- */

static pid_t server_pid(void)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct ucred server = { .pid = 0 };
	socklen_t len = sizeof(server);

	must(sock >= 0);
	snprintf(name.sun_path, sizeof(name.sun_path), "%s",
		 scale_address + strlen("unix:"));
	must(connect(sock, (struct sockaddr *)&name, sizeof(name)) == 0);
	must(getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &server, &len) == 0);
	must(close(sock) == 0);
	return server.pid;
}

struct resources {
	long pages; /* resident, not shared */
	int fds;
};

static struct resources resources(pid_t pid)
{
	struct resources r = { 0, 0 };
	char path[64];
	long shared;
	FILE *file;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/statm", (int)pid);
	file = fopen(path, "re");
	must(file != NULL);
	must(fscanf(file, "%*d %ld %ld", &r.pages, &shared) == 2);
	r.pages -= shared;
	must(fclose(file) == 0);
	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	dir = opendir(path);
	must(dir != NULL);
	while (readdir(dir))
		r.fds++;
	closedir(dir);
	return r;
}

#if defined(__SANITIZE_ADDRESS__)
#define MAX_PAGES 131072 /* it keeps what was freed for a while */
#else
#define MAX_PAGES 256
#endif

/* The server closes what a client had a moment after that one is gone. */
static pid_t watched;

static bool fds_are_back(const void *fds)
{
	return resources(watched).fds == *(const int *)fds;
}

START_TEST(nothing_stays_behind)
{
	unsigned rounds = scale_pick(200, 2000) / AT_ONCE;
	struct resources before = { 0, 0 }, after;
	struct host h = { .peer = NULL };
	pid_t server;
	int fds;

	scale_begin(NULL);
	server = server_pid();
	h.bus = scale_join("host", 0, BELL_INTERRUPT, &h.peer);
	watched = server;
	fds = resources(server).fds;
	for (round_now = 0; round_now < rounds; round_now++) {
		/* Not from the first on: some is had once and kept. */
		if (round_now == rounds / 4)
			before = resources(server);
		visit(&h);
	}
	after = resources(server);
	printf("# %u visits: server's memory %ld, then %ld pages\n", rounds * AT_ONCE,
	       before.pages, after.pages);
	ck_assert_int_le(after.pages, before.pages + MAX_PAGES);
	ck_assert_msg(scale_until(fds_are_back, &fds), "%d descriptors, %d before",
		      resources(server).fds, fds);
	bell_leave(h.bus);
	bell_close(h.peer);
	scale_end();
}
END_TEST

void add_churn(Suite *suite)
{
	TCase *tc = tcase_create("churn");

	tcase_set_timeout(tc, 150);
	tcase_add_test(tc, nothing_stays_behind);
	suite_add_tcase(suite, tc);
}
