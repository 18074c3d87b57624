/* SPDX-License-Identifier: BSD-2-Clause */
#include "deaths-server.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define SLACK_MS 3000
#define VECTORS "16"
#define FOLDER "/tmp/bellring-deaths-XXXXXX"

/* ---- a server that can be killed ------------------------------------------------- */

char mortal_path[64], mortal_memory[64];
static char folder[sizeof(FOLDER)], address[80];
static pid_t server;

static void be_server(int ready, const char *name)
{
	const char *build = getenv("top_builddir");
	char program[512], fd[16];
	int log = open("/dev/null", O_WRONLY);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(log, STDERR_FILENO);
	snprintf(program, sizeof(program), "%s/bellring-server", build ? build : ".");
	snprintf(fd, sizeof(fd), "%d", ready);
	execl(program, program, "-S", mortal_path, "--ready-fd", fd, "-l", "64K", "--slots", "8",
	      "--links", "8", "--ring-size", "4096", "-n", VECTORS, "--queue", "8",
	      "--max-peers", "60", name ? "-M" : (char *)NULL, name, (char *)NULL);
	_exit(127);
}

/* False if it ended instead of listening. name: of its memory, or NULL. */
bool server_begin(const char *name)
{
	int ready[2];
	char byte;
	bool listens;

	ck_assert_int_eq(pipe(ready), 0);
	ck_assert_int_eq(fcntl(ready[0], F_SETFD, FD_CLOEXEC), 0);
	server = fork();
	ck_assert_int_ge(server, 0);
	if (server == 0)
		be_server(ready[1], name);
	close(ready[1]);
	listens = read(ready[0], &byte, 1) == 1;
	close(ready[0]);
	if (!listens)
		waitpid(server, NULL, 0);
	return listens;
}

void server_kill(void)
{
	ck_assert_int_eq(kill(server, SIGKILL), 0);
	ck_assert_int_eq(waitpid(server, NULL, 0), server);
}

static void setup_with(const char *name)
{
	strcpy(folder, FOLDER);
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(mortal_path, sizeof(mortal_path), "%s/socket", folder);
	snprintf(address, sizeof(address), "unix:%s", mortal_path);
	ck_assert(server_begin(name));
	place_begin_at(address);
	place_setup();
}

void mortal_setup(void)
{
	setup_with(NULL);
}

void mortal_setup_named(void)
{
	snprintf(mortal_memory, sizeof(mortal_memory), "bellring-deaths-%d", (int)getpid());
	setup_with(mortal_memory);
}

void mortal_teardown(void)
{
	char path[sizeof(mortal_path) + sizeof(".control")];

	place_teardown();
	server_kill();
	/* It was killed, and so left what it listened on. */
	snprintf(path, sizeof(path), "%s.control", mortal_path);
	unlink(path);
	unlink(mortal_path);
	rmdir(folder);
	if (mortal_memory[0])
		shm_unlink(mortal_memory);
}

/* ---- a process that sleeps -------------------------------------------------------- */

struct sleeper *sleeper;

static void be_sleeper(int timeout_ms)
{
	struct bell_peer *peer = place_open();
	struct bell_bus *bus = place_join(peer, "v");
	char buf[64];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)bell_recv(bus, buf, sizeof(buf), NULL, 0);
	sleeper->begun_ms = now_ms();
	sleeper->result = bell_recv(bus, buf, sizeof(buf), NULL, timeout_ms);
	sleeper->done_ms = now_ms();
	for (;;)
		poll(NULL, 0, -1);
}

pid_t sleeper_start(int timeout_ms)
{
	char stat[64], text[256];
	pid_t pid;

	sleeper = mmap(NULL, sizeof(*sleeper), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(sleeper, MAP_FAILED);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		be_sleeper(timeout_ms);
	UNTIL(sleeper->begun_ms)
		;
	snprintf(stat, sizeof(stat), "/proc/%d/stat", (int)pid);
	for (bool asleep = false; !asleep;) {
		FILE *f = fopen(stat, "re");

		ck_assert_ptr_nonnull(f);
		ck_assert_ptr_nonnull(fgets(text, sizeof(text), f));
		asleep = strrchr(text, ')')[2] == 'S';
		fclose(f);
		pump();
	}
	return pid;
}

/* It woke with that result: at its timeout, or at once. */
void sleeper_expect(int64_t result, bool at_timeout, int64_t since)
{
	for (int64_t end = now_ms() + WAIT_MS; sleeper->done_ms == 0; poll(NULL, 0, 1))
		ck_assert_int_lt(now_ms(), end);
	ck_assert_msg(sleeper->result == result, "%lld: %s", (long long)sleeper->result,
		      bell_strerror((int)sleeper->result));
	if (at_timeout)
		ck_assert_int_ge(sleeper->done_ms - sleeper->begun_ms, SLEEP_MS - 1);
	ck_assert_int_le(sleeper->done_ms - since,
			 at_timeout ? SLEEP_MS + SLACK_MS : SLACK_MS);
}
