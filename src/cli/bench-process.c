/* SPDX-License-Identifier: BSD-2-Clause */
/* Children and cores, on Linux. */
#define _GNU_SOURCE
#include "bench-bare.h"
#include "cli.h"
#include "sys.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

int bench_cpus(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		return 1;
	return CPU_COUNT(&set);
}

/* A number from sysfs, Documentation/admin-guide/cputopology.rst; -1: unknown. */
static int topology(int cpu, const char *what)
{
	char path[96];
	FILE *file;
	int value = -1;

	snprintf(path, sizeof(path),
		 "/sys/devices/system/cpu/cpu%d/topology/%s", cpu, what);
	file = fopen(path, "re");
	if (!file)
		return -1;
	if (fscanf(file, "%d", &value) != 1)
		value = -1;
	fclose(file);
	return value;
}

/* Another core of the same package: neither a sibling nor far away. */
static bool good_pair(int a, int b)
{
	return topology(a, "physical_package_id") ==
		       topology(b, "physical_package_id") &&
	       topology(a, "core_id") != topology(b, "core_id");
}

static bool choose(int pair[2])
{
	cpu_set_t set;
	int first = -1, second = -1, cpu;
	size_t i;

	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		return false;
	for (i = 0; i < CPU_SETSIZE; i++) {
		if (!CPU_ISSET(i, &set))
			continue;
		cpu = (int)i;
		if (first < 0)
			first = cpu;
		else if (second < 0 ||
			 (!good_pair(first, second) && good_pair(first, cpu)))
			second = cpu;
	}
	pair[0] = first;
	pair[1] = second;
	return second >= 0;
}

/* Chosen once: a pinned process sees only its own core. */
static int pair[2] = { -1, -1 };

bool bench_pin_away(void)
{
	cpu_set_t set;

	if ((pair[1] < 0 && !choose(pair)) ||
	    sched_getaffinity(0, sizeof(set), &set) < 0)
		return false;
	CPU_CLR((size_t)pair[0], &set);
	return sched_setaffinity(0, sizeof(set), &set) == 0;
}

bool bench_pin(int which)
{
	cpu_set_t set;

	if (pair[1] < 0 && !choose(pair))
		return false;
	CPU_ZERO(&set);
	CPU_SET((size_t)pair[which], &set);
	return sched_setaffinity(0, sizeof(set), &set) == 0;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static _Noreturn void child_main(int go, pid_t parent, int (*run)(void *arg),
				 void *arg)
{
	ssize_t n;
	char byte;
	int rc;

	/* The parent may have died before prctl(): prctl(2). */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
		_exit(CLI_FAILED);
	do
		n = read(go, &byte, 1);
	while (n < 0 && errno == EINTR);
	if (n != 1)
		_exit(CLI_FAILED);
	rc = run(arg);
	fflush(stderr);
	_exit(rc);
}

int bench_child_start(struct bench_child *c, int (*run)(void *arg), void *arg)
{
	int go[2] = { -1, -1 }, end[2] = { -1, -1 };
	pid_t parent = getpid(), pid = -1;

	*c = (struct bench_child){ .go_fd = -1, .end_fd = -1 };
	if (pipe2(go, O_CLOEXEC) == 0 && pipe2(end, O_CLOEXEC) == 0) {
		fflush(NULL); /* or the child would have our lines too */
		pid = fork();
	}
	if (pid == 0) {
		close_fd(&go[1]);
		close_fd(&end[0]);
		child_main(go[0], parent, run, arg);
	}
	if (pid < 0)
		cli_error("bench: starting a process: %s", strerror(errno));
	close_fd(&go[0]);
	close_fd(&end[1]);
	if (pid < 0) {
		close_fd(&go[1]);
		close_fd(&end[0]);
		return CLI_FAILED;
	}
	*c = (struct bench_child){ (int)pid, go[1], end[0] };
	return CLI_DONE;
}

int bench_child_go(struct bench_child *c)
{
	if (write(c->go_fd, "", 1) == 1)
		return CLI_DONE;
	/* Ctrl-C ends all of a terminal's group, the child first perhaps. */
	return cli_error(sys_stopped() ? "bench: interrupted" :
					 "bench: the serving process is gone");
}

static bool ends_within(const struct bench_child *c, int timeout_ms)
{
	uint64_t deadline = sys_deadline(timeout_ms);
	struct pollfd fd = { .fd = c->end_fd, .events = POLLIN };
	int rc;

	/* Nobody writes: it only ever hangs up. */
	do
		rc = poll(&fd, 1, sys_left_ms(deadline));
	while (rc < 0 && errno == EINTR);
	return rc > 0;
}

bool bench_child_alive(const struct bench_child *c)
{
	return c->pid > 0 && !ends_within(c, 0);
}

int bench_child_end(struct bench_child *c, int grace_ms)
{
	int status = 0;
	pid_t pid;

	if (c->pid <= 0)
		return -1;
	close_fd(&c->go_fd);
	if (!ends_within(c, grace_ms)) {
		kill(c->pid, SIGTERM);
		if (!ends_within(c, 2000))
			kill(c->pid, SIGKILL);
	}
	do
		pid = waitpid(c->pid, &status, 0);
	while (pid < 0 && errno == EINTR);
	close_fd(&c->end_fd);
	c->pid = 0;
	return pid > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* ---- two sides of one thing ---- */

void *bench_shared(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (memory != MAP_FAILED)
		return memory;
	cli_error("bench: shared memory: %s", strerror(errno));
	return NULL;
}

void bench_unshare(void *memory, size_t size)
{
	if (memory)
		munmap(memory, size);
}

struct beside {
	int (*run)(void *arg);
	void *arg;
	bool pinned;
};

static int run_beside(void *arg)
{
	const struct beside *o = arg;

	if (sys_catch_signals() < 0)
		return CLI_FAILED;
	if (o->pinned)
		(void)bench_pin(1); /* the parent was pinned, so there are two */
	return o->run(o->arg);
}

int bench_beside(const char *what, int (*other)(void *arg), int (*own)(void *arg),
		 void *arg, bool pinned)
{
	struct beside o = { other, arg, pinned };
	struct bench_child child = { .pid = 0 };
	int rc = bench_child_start(&child, run_beside, &o);

	if (rc != CLI_DONE)
		return rc;
	rc = bench_child_go(&child);
	if (rc == CLI_DONE)
		rc = own(arg);
	if (bench_child_end(&child, rc == CLI_DONE ? 1000 : 0) != 0 && rc == CLI_DONE)
		rc = cli_error("bench: %s: the other process failed", what);
	return rc;
}
