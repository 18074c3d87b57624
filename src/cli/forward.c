/* SPDX-License-Identifier: BSD-2-Clause */
#include "forward.h"

#include "cli.h"
#include "sys.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* How long opening may take, unless -t says otherwise. */
#define OPEN_MS 30000

/* A tunnel that is over: taken out of the list by the loop. */
#define OVER (-1)

/* ---- one tunnel ---- */

static void release(struct tunnel *t)
{
	carry_done(&t->carry);
	bell_stream_reset(t->stream);
	net_abort(&t->fd);
	free(t);
}

struct tunnel *tunnel_new(struct forward *f, struct bell_stream *stream, net_t *fd,
			  const char *from, const char *to)
{
	int open_ms = f->s->timeout_ms < 0 ? OPEN_MS : f->s->timeout_ms;
	struct tunnel *t = calloc(1, sizeof(*t));

	if (!t) {
		(void)cli_no_memory();
		bell_stream_reset(stream);
		net_abort(fd);
		return NULL;
	}
	t->f = f;
	t->number = ++f->count;
	t->stream = stream;
	t->fd = *fd;
	*fd = NET_NONE;
	t->index = -1;
	t->more = true;
	t->begin_ns = sys_now_ns();
	t->deadline_ns = sys_deadline(open_ms);
	t->retry_ns = SYS_NEVER;
	snprintf(t->from, sizeof(t->from), "%s", from);
	snprintf(t->to, sizeof(t->to), "%s", to);
	t->next = f->first;
	f->first = t;
	return t;
}

static void on_stream(struct bell_stream *stream, unsigned events, void *arg)
{
	struct tunnel *t = arg;

	(void)stream;
	t->more = true;
	t->ended = t->ended || (events & BELL_STREAM_ENDED);
}

void tunnel_watch_stream(struct tunnel *t)
{
	bell_on_stream(t->stream, on_stream, t);
}

void tunnel_carry(struct tunnel *t)
{
	struct bell_stream *stream = t->stream;

	t->stream = NULL;
	t->state = TUNNEL_CARRIES;
	t->more = true;
	carry_socket(&t->carry, stream, &t->fd);
}

static void print_name(const struct tunnel *t)
{
	fprintf(stderr, "bellring: forward: connection %lu from %s to %s: ",
		t->number, t->from, t->to);
}

void tunnel_fail(struct tunnel *t, const char *fmt, ...)
{
	va_list args;

	print_name(t);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
	t->state = OVER;
}

void tunnel_fail_code(struct tunnel *t, int code)
{
	const char *detail = bell_detail();

	tunnel_fail(t, "%s%s%s", bell_strerror(code), *detail ? ": " : "", detail);
}

void tunnel_end(struct tunnel *t, const char *why)
{
	t->state = OVER;
	if (!t->f->s->verbose)
		return;
	print_name(t);
	fprintf(stderr, "%llu bytes there, %llu back, %.3f s%s%s\n",
		(unsigned long long)t->carry.up.bytes,
		(unsigned long long)t->carry.down.bytes,
		(double)(sys_now_ns() - t->begin_ns) / 1e9, why ? ": " : "",
		why ? why : "");
}

/* ---- all of them ---- */

static int want(struct tunnel *t)
{
	int rc;

	t->index = -1;
	if (t->state == TUNNEL_CARRIES)
		return carry_want(&t->carry, t->f->loop.set);
	if (t->fd == NET_NONE)
		return 0;
	rc = net_set_add(t->f->loop.set, t->fd, t->want);
	if (rc < 0)
		return rc;
	t->index = rc;
	return 0;
}

static void carry(struct tunnel *t)
{
	bool due = carry_look(&t->carry, t->f->loop.set);
	enum carry_result result = CARRY_WAIT;

	if (due || t->more)
		result = carry_step(&t->carry, t->f->scratch);
	t->more = result == CARRY_MORE;
	if (result == CARRY_DONE)
		tunnel_end(t, NULL);
	else if (result == CARRY_FAILED)
		tunnel_end(t, t->carry.why);
}

static void open_step(struct tunnel *t)
{
	uint64_t now = sys_now_ns();

	t->got = t->index < 0 ? 0 : net_set_got(t->f->loop.set, t->index);
	if (t->got || t->more || now >= t->retry_ns) {
		t->more = false;
		t->retry_ns = SYS_NEVER;
		t->f->side->open_step(t);
	}
	if (t->state >= 0 && t->state != TUNNEL_CARRIES && now >= t->deadline_ns)
		tunnel_fail(t, "not open in time");
}

static void turn(struct forward *f)
{
	struct tunnel **at = &f->first, *t;

	while ((t = *at) != NULL) {
		if (t->state == TUNNEL_CARRIES)
			carry(t);
		else if (t->state >= 0)
			open_step(t);
		if (t->state != OVER) {
			at = &t->next;
			continue;
		}
		*at = t->next;
		release(t);
		f->closed = true;
	}
}

static int sooner(int ms, uint64_t deadline_ns)
{
	int left_ms = sys_left_ms(deadline_ns);

	return left_ms >= 0 && (ms < 0 || left_ms < ms) ? left_ms : ms;
}

/* Fills the set. How long to wait, ms. */
static int prepare(struct forward *f, int *timeout_ms)
{
	struct tunnel *t;
	int ms, rc;

	net_set_clear(f->loop.set);
	f->timeout_ms = -1;
	rc = f->side->want(f);
	ms = f->timeout_ms;
	for (t = f->first; rc == CLI_DONE && t; t = t->next) {
		if (want(t) < 0)
			return cli_no_memory();
		if (t->more || t->state == OVER)
			ms = 0;
		if (t->state == TUNNEL_CARRIES)
			continue;
		ms = sooner(ms, t->deadline_ns);
		ms = sooner(ms, t->retry_ns);
	}
	*timeout_ms = ms;
	return rc;
}

static int serve(struct forward *f)
{
	int timeout_ms = 0, rc = CLI_DONE;

	while (rc == CLI_DONE && !sys_stopped()) {
		rc = prepare(f, &timeout_ms);
		if (rc == CLI_DONE)
			rc = loop_wait(&f->loop, timeout_ms);
		if (rc != CLI_DONE)
			return rc;
		turn(f);
		rc = f->side->look(f);
	}
	return rc;
}

int forward_run(struct forward *f)
{
	struct tunnel *t;
	int rc;

	f->scratch = malloc(CARRY_PIECE);
	rc = f->scratch ? serve(f) : cli_no_memory();
	while ((t = f->first) != NULL) {
		f->first = t->next;
		release(t);
	}
	free(f->scratch);
	return rc;
}
