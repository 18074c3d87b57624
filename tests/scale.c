/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * scale.c - what holds for many peers: traffic, fairness, cost, leftovers, limits
 *
 * Nothing here depends on time but the bounds after which something is taken for
 * lost. `make check` runs a short form; SCALE=full, or `make check-scale`, all of
 * it.
 */
#include "scale.h"

#include "server-fixture.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LOOK_NS 500000

struct scale_page *page;
const char *scale_address;

static pid_t children[SCALE_MAX];
static unsigned child_count;
static int self_index = -1; /* in a forked peer: which */

unsigned scale_pick(unsigned few, unsigned all)
{
	const char *text = getenv("SCALE");

	return text && strcmp(text, "full") == 0 ? all : few;
}

void scale_begin(const char *const options[])
{
	page = mmap(NULL, sizeof(*page), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	must(page != MAP_FAILED);
	child_count = 0;
	scale_address = server_start(options);
}

void scale_end(void)
{
	server_stop();
	must(munmap(page, sizeof(*page)) == 0);
}

void scale_fail(int64_t rc, const char *fmt, ...)
{
	char text[sizeof(page->failure)];
	va_list args;
	size_t n;

	n = self_index < 0 ? 0 : (size_t)snprintf(text, sizeof(text), "peer %d: ",
						  self_index);
	va_start(args, fmt);
	vsnprintf(text + n, sizeof(text) - n, fmt, args);
	va_end(args);
	n = strlen(text);
	if (rc < 0)
		snprintf(text + n, sizeof(text) - n, ": %s: %s",
			 bell_strerror((int)rc), bell_detail());
	if (self_index < 0)
		ck_abort_msg("%s%s%s", text, page->failed ? "; before that " : "",
			     page->failed ? page->failure : "");
	/* Others may fail because of the first. */
	if (!page->failed) {
		memcpy(page->failure, text, sizeof(text));
		page->failed = true;
	}
	fprintf(stderr, "# %s\n", text);
	_exit(EXIT_FAILURE);
}

pid_t scale_fork(unsigned self, void (*run)(unsigned self))
{
	pid_t pid = fork();

	must(pid >= 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		self_index = (int)self;
		run(self);
		_exit(EXIT_SUCCESS);
	}
	if (child_count < SCALE_MAX)
		children[child_count++] = pid;
	return pid;
}

static void check_status(unsigned child, int status)
{
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return;
	/* The test's end kills the others. */
	if (WIFSIGNALED(status))
		ck_abort_msg("process %u was killed by signal %d; %s", child,
			     WTERMSIG(status), page->failure);
	ck_abort_msg("process %u failed: %s", child, page->failure);
}

/* In the order in which they end: one that failed is not waited for. */
void scale_wait_all(void)
{
	for (unsigned left = child_count; left > 0;) {
		unsigned i = 0;
		int status;
		pid_t pid = waitpid(-1, &status, 0);

		must(pid > 0 || errno == EINTR);
		while (i < child_count && children[i] != pid)
			i++;
		if (i == child_count)
			continue;
		check_status(i, status);
		left--;
	}
	child_count = 0;
}

struct bell_bus *scale_join(const char *name, unsigned self,
			    enum bell_wait_mode mode, struct bell_peer **peer)
{
	char full_name[BELL_NAME_MAX + 1];
	struct bell_bus_config cfg = { .name = full_name, .wait = mode };
	struct bell_bus *bus = NULL;
	int rc;

	snprintf(full_name, sizeof(full_name), "%s-%u", name, self);
	rc = bell_open(scale_address, LONG_MS, peer);
	if (rc < 0)
		scale_fail(rc, "%s: open", full_name);
	rc = bell_join(*peer, &cfg, &bus);
	if (rc < 0)
		scale_fail(rc, "%s: join", full_name);
	return bus;
}

uint32_t scale_await(struct bell_bus *bus, const char *name, unsigned self)
{
	char full_name[BELL_NAME_MAX + 1];
	uint32_t id = 0;
	int rc;

	snprintf(full_name, sizeof(full_name), "%s-%u", name, self);
	rc = bell_await_peer(bus, full_name, LONG_MS, &id);
	if (rc < 0)
		scale_fail(rc, "waiting for %s", full_name);
	return id;
}

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

bool scale_until(bool (*done)(const void *arg), const void *arg)
{
	const struct timespec look = { .tv_nsec = LOOK_NS };
	/* A peer that waits in vain says so first: it knows more. */
	uint64_t end = now_ms() + LONG_MS + LONG_MS / 2;

	while (!done(arg)) {
		if (page->failed || now_ms() > end)
			return false;
		nanosleep(&look, NULL);
	}
	return true;
}

bool scale_all_ready(const void *count)
{
	return page->ready >= *(const unsigned *)count;
}

struct scale_usage scale_usage(const struct bell_peer *peer)
{
	struct scale_usage u = { 0 };
	struct layout l;
	size_t size;
	void *memory = bell_memory(peer, &size);

	must(layout_read(memory, size, &l) == 0);
	u.link_count = l.link_count;
	for (uint32_t i = 0; i < l.link_count; i++)
		u.links += link_state(shm_acquire(&layout_link(memory, &l, i)->word)) !=
			   LINK_FREE;
	for (uint32_t i = 0; i < l.slot_count; i++) {
		enum slot_state s =
			slot_state(shm_acquire(&layout_slot(memory, &l, i)->word));

		u.slots += s == SLOT_LIVE || s == SLOT_JOINING;
	}
	return u;
}

int main(void)
{
	Suite *suite = suite_create("scale");

	add_traffic(suite);
	add_fair(suite);
	add_cost(suite);
	add_churn(suite);
	add_full(suite);
	add_news(suite);
	return run_suite(suite);
}
