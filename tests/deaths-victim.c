/* SPDX-License-Identifier: BSD-2-Clause */
#include "deaths-victim.h"

#include "peer.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

/* The device of a guest whose processes die while its QEMU stays. */
static struct bell_peer *device;

/* ---- the victim --------------------------------------------------------------- */

static void commit(const struct deed *deed, enum news news)
{
	struct victim v = { .peer = device, .r = bell_id(r_peer), .w = bell_id(w_peer),
			    .x = x ? bell_id(x_peer) : 0 };

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (news == NEWS_SERVER)
		v.peer = place_open();
	if (deed->prepare)
		deed->prepare(&v);
	else
		v.bus = place_join(v.peer, "v");
	will->id = bell_id(v.peer);
	must(ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0);
	raise(SIGSTOP); /* prepared */
	deed->commit(&v);
	raise(SIGSTOP); /* done */
	_exit(0);
}

void victim_send(struct victim *v, uint32_t len)
{
	uint32_t n = will->attempted++;

	must(bell_send(v->bus, v->r, message[n % MESSAGES], len, WAIT_MS) == 0);
	will->committed = n + 1;
}

/* ---- the test ------------------------------------------------------------------ */

bool victim_possible(void)
{
	int status;
	pid_t pid = fork();

	must(pid >= 0);
	if (pid == 0) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
			_exit(1);
		raise(SIGSTOP);
		_exit(0);
	}
	must(waitpid(pid, &status, 0) == pid);
	if (!WIFSTOPPED(status))
		return false;
	victim_kill(pid);
	return true;
}

void victim_kill(pid_t pid)
{
	int status;

	must(kill(pid, SIGKILL) == 0);
	do
		must(waitpid(pid, &status, 0) == pid);
	while (!WIFSIGNALED(status));
}

/* It prepares with our help. */
static pid_t give_birth(const struct deed *deed, enum news news)
{
	int status = 0;
	pid_t pid, rc;

	place_forget();
	place_what = deed->name;
	if (deed->begin)
		deed->begin();
	pump_quiet();
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		commit(deed, news);
	while ((rc = waitpid(pid, &status, WNOHANG | WUNTRACED)) == 0)
		pump();
	ck_assert_int_eq(rc, pid);
	ck_assert_msg(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP,
		      "%s: the victim did not live to be killed: status 0x%x", deed->name,
		      (unsigned)status);
	pump_quiet();
	if (deed->feed)
		deed->feed();
	return pid;
}

/* One instruction. False if the deed is done. */
static bool step(pid_t pid, const char *name)
{
	int status;

	must(ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL) == 0);
	must(waitpid(pid, &status, 0) == pid);
	ck_assert_msg(WIFSTOPPED(status), "%s: status 0x%x", name, (unsigned)status);
	if (WSTOPSIG(status) == SIGSTOP)
		return false;
	ck_assert_msg(WSTOPSIG(status) == SIGTRAP, "%s: signal %d", name,
		      WSTOPSIG(status));
	return true;
}

/* Who was rung, as bits. */
static unsigned rung(void)
{
	struct pollfd p[] = { { bell_handle(r_peer), POLLIN, 0 },
			      { bell_handle(w_peer), POLLIN, 0 } };

	must(poll(p, 2, 0) >= 0);
	return (unsigned)(p[0].revents | p[1].revents << 8);
}

/* True after so many changes, false when it is done. */
static bool step_to(pid_t pid, const struct deed *deed, uint32_t changes)
{
	const void *memory = bell_memory(r_peer, NULL);
	size_t size = (size_t)bell_bus_size(r_peer);
	unsigned char *was = malloc(size);
	unsigned rang = rung();
	bool more = true;

	must(was != NULL);
	memcpy(was, memory, size);
	for (uint32_t n = 0; n < changes;) {
		more = step(pid, deed->name);
		if (!more)
			break;
		if (memcmp(was, memory, size) == 0 && rung() == rang)
			continue;
		memcpy(was, memory, size);
		rang = rung();
		n++;
	}
	free(was);
	return more;
}

pid_t victim_stop(const struct deed *deed, uint32_t changes)
{
	pid_t pid = give_birth(deed, NEWS_SERVER);

	(void)step_to(pid, deed, changes);
	return pid;
}

bool victim_die(const struct deed *deed, enum news news, uint32_t changes)
{
	pid_t pid;
	bool more;

	if (news != NEWS_SERVER && !device)
		device = place_open();
	pid = give_birth(deed, news);
	more = step_to(pid, deed, changes);
	victim_kill(pid);
	return more;
}

/* What opening the device again does, but for the opening. */
static void reopen(void)
{
	struct bell_peer *again = NULL;

	ck_assert_int_eq(peer_from_port(device->port, &again), 0);
	free(again);
}

void victim_bury(const struct deed *deed, enum news news)
{
	if (news == NEWS_REOPEN)
		reopen();
	if (news == NEWS_REJOIN)
		bell_leave(place_join(device, "v"));
	place_check();
	if (deed->end)
		deed->end();
}
