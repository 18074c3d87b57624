/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The processes of a measurement. The main process has only one child for it, the
 * client, so that what a measurement leaves behind ends with it; the others are
 * the client's children, and end with it by PR_SET_PDEATHSIG.
 */
#define _GNU_SOURCE
#include "speed.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define LINE 64 /* bytes of a cache line */

/* What the processes of one measurement know. */
struct scene {
	const struct speed_match *match;
	struct speed_line *line;
	pthread_barrier_t *barrier; /* of all of them */
	struct rival_end *end[2][SPEED_ENTRANTS]; /* by side */
};

/* Of this process, for rival_begin() and its sisters: whose turn it is. */
static const struct speed_pair *own_pair;
static struct speed_side *own_side;

int rival_fail(const char *format, ...)
{
	char text[600];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	fprintf(stderr, "speed: %s: %s of %zu bytes: %s\n", own_pair->rival->name,
		own_pair->work->name, own_pair->plan.size, text);
	return -1;
}

static uint64_t switches(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (uint64_t)usage.ru_nvcsw;
}

void rival_begin(struct rival_end *end)
{
	if (end->rival->tally)
		end->rival->tally(end);
	own_side->doorbells = end->doorbells;
	own_side->wakes = end->wakes;
	own_side->switches = switches();
	own_side->cpu_ns = speed_cpu_ns();
	own_side->begin_ns = rival_now();
}

void rival_finish(struct rival_end *end)
{
	own_side->finish_ns = rival_now();
	own_side->cpu_ns = speed_cpu_ns() - own_side->cpu_ns;
	own_side->switches = switches() - own_side->switches;
	if (end->rival->tally)
		end->rival->tally(end);
	own_side->doorbells = end->doorbells - own_side->doorbells;
	own_side->wakes = end->wakes - own_side->wakes;
}

/* Zero, and only what is touched is there. */
static void *share(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

struct speed_result *speed_results_new(void)
{
	return share(sizeof(struct speed_result) * SPEED_ENTRANTS * SPEED_TURNS);
}

/* ---- an end ------------------------------------------------------------------- */

static struct rival_end *end_new(const struct speed_pair *pair, enum rival_side side,
				 void *shared)
{
	struct rival_end *end = calloc(1, pair->rival->end_size);

	if (!end)
		return NULL;
	end->rival = pair->rival;
	end->plan = &pair->plan;
	end->side = side;
	end->shared = shared;
	end->buf = aligned_alloc(LINE, (pair->plan.size + LINE - 1) / LINE * LINE);
	if (end->buf)
		memset(end->buf, RIVAL_BYTE, pair->plan.size);
	return end->buf ? end : NULL;
}

/* A side's and its process's. */
struct part {
	const struct scene *scene;
	struct rival_end *const *end;
	enum rival_side side;
	unsigned number; /* which of a crowd's clients */
};

static void meet(const struct scene *s)
{
	pthread_barrier_wait(s->barrier);
}

/*
 * Nobody goes on before all are here. The server and the first client tell how far
 * apart they are meanwhile, ns; a crowd's others stand back.
 */
static void meet_and_probe(const struct part *p, uint64_t *line_ns)
{
	const struct scene *s = p->scene;
	const struct speed_pair *pair = s->match->pair[0];

	if (!pair->probe || pair->clients > 1)
		meet(s);
	if (!pair->probe)
		return;
	if (p->side == RIVAL_SERVER)
		speed_line_answer(s->line);
	else if (p->number == 0)
		*line_ns = speed_line_ask(s->line);
	if (pair->clients > 1)
		meet(s);
}

static int open_all(const struct part *p)
{
	const struct speed_match *m = p->scene->match;

	for (unsigned i = 0; i < m->pairs; i++) {
		own_pair = m->pair[i];
		if (p->end[i]->rival->open(p->end[i]) < 0)
			return -1;
	}
	return 0;
}

static int take_turn(const struct part *p, unsigned turn, unsigned i)
{
	const struct speed_match *m = p->scene->match;
	struct speed_result *result = &m->result[turn * m->pairs + i];
	struct rival_end *end = p->end[i];
	static struct speed_side unasked;
	bool serves = p->side == RIVAL_SERVER;
	int rc;

	own_pair = m->pair[i];
	own_side = p->number > 0 ? &unasked : serves ? &result->server : &result->client;
	if (end->rival->restart)
		end->rival->restart(end);
	meet_and_probe(p, &result->line_ns[0]);
	rc = (serves ? own_pair->work->server : own_pair->work->client)(end, result);
	if (rc == 0)
		meet_and_probe(p, &result->line_ns[1]);
	return rc;
}

/* Another one is the first in each turn. */
static int take_turns(const struct part *p)
{
	const struct speed_match *m = p->scene->match;

	for (unsigned turn = 0; turn < m->turns; turn++)
		for (unsigned i = 0; i < m->pairs; i++)
			if (take_turn(p, turn, (turn + i) % m->pairs) < 0)
				return -1;
	return 0;
}

/* The server is there before a client opens, and all are before anyone begins. */
static int take_part(const struct part *p)
{
	const struct scene *s = p->scene;
	bool serves = p->side == RIVAL_SERVER;

	own_pair = s->match->pair[0];
	if (own_pair->pin && speed_pin(serves ? 1 : 0) < 0)
		return rival_fail("pinning to a core: %s", strerror(errno));
	if (serves && open_all(p) < 0)
		return -1;
	meet(s);
	if (!serves && open_all(p) < 0)
		return -1;
	meet(s);
	if (take_turns(p) < 0)
		return -1;
	/* Nobody closes what another may still be reading from. */
	meet(s);
	for (unsigned i = 0; i < s->match->pairs; i++)
		p->end[i]->rival->close(p->end[i]);
	return 0;
}

/* ---- the processes ------------------------------------------------------------ */

/* One that fails takes the client along: nobody has to wait for it in vain. */
static _Noreturn void child_main(const struct part *p, pid_t parent)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
		_exit(EXIT_FAILURE);
	if (take_part(p) == 0)
		_exit(EXIT_SUCCESS);
	kill(parent, SIGKILL);
	_exit(EXIT_FAILURE);
}

static int start_child(const struct part *p)
{
	pid_t parent = getpid(), pid = fork();

	if (pid < 0)
		return rival_fail("fork: %s", strerror(errno));
	if (pid == 0)
		child_main(p, parent);
	return 0;
}

/* All clients of a crowd but the first; what they used is not asked. */
static int start_others(const struct scene *s)
{
	for (unsigned i = 1; i < s->match->pair[0]->clients; i++) {
		struct part p = { s, s->end[RIVAL_CLIENT], RIVAL_CLIENT, i };

		s->end[RIVAL_CLIENT][0]->number = i;
		if (start_child(&p) < 0)
			return -1;
	}
	s->end[RIVAL_CLIENT][0]->number = 0;
	return 0;
}

static int await_children(unsigned count)
{
	int status, rc = 0;

	for (; count > 0; count--) {
		if (wait(&status) < 0)
			return rival_fail("wait: %s", strerror(errno));
		if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
			rc = -1;
	}
	return rc;
}

static int make_barrier(struct scene *s)
{
	pthread_barrierattr_t shared;

	s->barrier = share(sizeof(*s->barrier));
	if (!s->barrier)
		return -1;
	pthread_barrierattr_init(&shared);
	pthread_barrierattr_setpshared(&shared, PTHREAD_PROCESS_SHARED);
	return pthread_barrier_init(s->barrier, &shared, s->match->pair[0]->clients + 1) == 0 ?
		       0 : -1;
}

static int make_ends(struct scene *s, unsigned i)
{
	const struct speed_pair *pair = s->match->pair[i];
	struct rival_end *client, *server;
	void *shared = share(RIVAL_SHARED);

	own_pair = pair;
	client = shared ? end_new(pair, RIVAL_CLIENT, shared) : NULL;
	server = client ? end_new(pair, RIVAL_SERVER, shared) : NULL;
	if (!server)
		return rival_fail("out of memory");
	s->end[RIVAL_CLIENT][i] = client;
	s->end[RIVAL_SERVER][i] = server;
	return pair->rival->prepare ? pair->rival->prepare(client, server) : 0;
}

static int client_main(const struct speed_match *match)
{
	struct scene s = { .match = match, .line = share(sizeof(*s.line)) };
	struct part server = { &s, s.end[RIVAL_SERVER], RIVAL_SERVER, 0 };
	struct part client = { &s, s.end[RIVAL_CLIENT], RIVAL_CLIENT, 0 };

	if (!s.line || make_barrier(&s) < 0)
		return rival_fail("out of memory");
	for (unsigned i = 0; i < match->pairs; i++)
		if (make_ends(&s, i) < 0)
			return -1;
	if (start_child(&server) < 0 || start_others(&s) < 0 || take_part(&client) < 0)
		return -1;
	return await_children(match->pair[0]->clients);
}

/* ---- the main process --------------------------------------------------------- */

static volatile sig_atomic_t stopped;

static void on_signal(int number)
{
	(void)number;
	stopped = 1;
}

void speed_catch_signals(void)
{
	struct sigaction action = { .sa_handler = on_signal };

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

bool speed_stopped(void)
{
	return stopped;
}

/* Nobody writes to it: it hangs up when all processes of the measurement are gone. */
static bool ends_within(int fd, int limit_ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int rc;

	do
		rc = poll(&p, 1, limit_ms);
	while (rc < 0 && errno == EINTR && !stopped);
	return rc > 0;
}

static int judge(const struct speed_match *match, pid_t pid, bool ended)
{
	int status = 0;

	if (!ended) {
		kill(pid, SIGKILL);
		if (!stopped)
			rival_fail("hangs: not through after %d s", match->pair[0]->limit_ms / 1000);
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (!ended)
		return -1;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	/* Who failed has said so; SIGKILL is how its server takes a client along. */
	if (WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL && !stopped)
		return rival_fail("the client died: %s", strsignal(WTERMSIG(status)));
	return stopped ? -1 : rival_fail("failed");
}

int speed_measure(const struct speed_match *match)
{
	int end[2];
	bool ended;
	pid_t pid;

	own_pair = match->pair[0];
	for (unsigned i = 0; i < match->pairs * match->turns; i++)
		memset(&match->result[i], 0, offsetof(struct speed_result, sample));
	if (pipe2(end, O_CLOEXEC) < 0)
		return rival_fail("pipe: %s", strerror(errno));
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		close(end[0]);
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		signal(SIGINT, SIG_DFL);
		signal(SIGTERM, SIG_DFL);
		_exit(client_main(match) == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
	}
	close(end[1]);
	ended = pid < 0 || ends_within(end[0], match->pair[0]->limit_ms);
	close(end[0]);
	if (pid < 0)
		return rival_fail("fork: %s", strerror(errno));
	return judge(match, pid, ended);
}
