/* SPDX-License-Identifier: BSD-2-Clause */
#include "carry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Pieces in a row; then others have their turn. */
#define TURN_LENGTH 4

static void on_stream(struct bell_stream *stream, unsigned events, void *arg)
{
	struct carry *c = arg;

	(void)stream;
	c->events |= events;
}

static void begin(struct carry *c, struct bell_stream *stream)
{
	*c = (struct carry){ .stream = stream, .in = NET_NONE, .out = NET_NONE,
			     .in_index = -1, .out_index = -1 };
	/* What came before is looked for by the first step. */
	c->events = BELL_STREAM_READABLE | BELL_STREAM_WRITABLE;
	bell_on_stream(stream, on_stream, c);
}

void carry_socket(struct carry *c, struct bell_stream *stream, net_t *fd)
{
	begin(c, stream);
	c->in = c->out = *fd;
	c->socket = true;
	*fd = NET_NONE;
}

int carry_stdio(struct carry *c, struct bell_stream *stream)
{
	int rc;

	begin(c, stream);
	rc = net_take_input(&c->in, &c->in_waits);
	if (rc == 0)
		rc = net_take_output(&c->out, &c->out_waits);
	return rc;
}

static bool both_passed(const struct carry *c)
{
	return c->up.passed && c->down.passed;
}

void carry_done(struct carry *c)
{
	if (!c->stream)
		return;
	if (both_passed(c) && !c->refused)
		bell_stream_close(c->stream);
	else
		bell_stream_reset(c->stream);
	c->stream = NULL;
	if (!c->socket)
		net_close(&c->out);
	if (c->socket && (!both_passed(c) || c->refused))
		net_abort(&c->in);
	net_close(&c->in);
	c->out = NET_NONE;
	free(c->up.held);
	free(c->down.held);
	c->up.held = c->down.held = NULL;
}

/* ---- what it waits for ---- */

static unsigned want_in(const struct carry *c)
{
	return !c->up.ended && c->up.len == 0 ? NET_READ : 0;
}

static unsigned want_out(const struct carry *c)
{
	return c->down.len > 0 ? NET_WRITE : 0;
}

static int add(struct net_set *set, net_t fd, unsigned want, int *index)
{
	int rc = net_set_add(set, fd, want);

	if (rc < 0)
		return rc;
	*index = rc;
	return 0;
}

int carry_want(struct carry *c, struct net_set *set)
{
	unsigned in = want_in(c), out = want_out(c);
	int rc = 0;

	c->in_index = c->out_index = -1;
	/* A socket is watched for its end too; once it is told, that is it. */
	if (c->socket && (in | out || !c->hung_up))
		return add(set, c->in, in | out, &c->in_index);
	if (!c->socket && in)
		rc = add(set, c->in, in, &c->in_index);
	if (!c->socket && out && rc == 0)
		rc = add(set, c->out, out, &c->out_index);
	return rc;
}

bool carry_look(struct carry *c, const struct net_set *set)
{
	unsigned in = c->in_index < 0 ? 0 : net_set_got(set, c->in_index);
	unsigned out = c->out_index < 0 ? 0 : net_set_got(set, c->out_index);
	unsigned over = NET_ERROR | NET_HUNG_UP;

	if (c->socket)
		out = in;
	c->broken = c->socket && (in & NET_ERROR);
	if (in & NET_HUNG_UP)
		c->hung_up = true;
	c->can_read = (in & (NET_READ | over)) && want_in(c);
	c->can_write = (out & (NET_WRITE | over)) != 0;
	return in || out || c->events;
}

/* ---- moving ---- */

static enum carry_result stream_failed(struct carry *c, int64_t code)
{
	const char *detail = bell_detail();

	snprintf(c->why, sizeof(c->why), "%s%s%s", bell_strerror((int)code),
		 *detail ? ": " : "", detail);
	return CARRY_FAILED;
}

static enum carry_result local_failed(struct carry *c, const char *what)
{
	snprintf(c->why, sizeof(c->why), "%s: %s", what, net_why());
	return CARRY_FAILED;
}

/* What was not taken of a piece waits, until it is. */
static bool keep(struct carry_way *w, const char *data, size_t len, size_t taken)
{
	w->bytes += taken;
	if (w->held) {
		w->at += taken;
		w->len -= taken;
		if (w->len > 0)
			return true;
		free(w->held);
		w->held = NULL;
		return true;
	}
	w->at = 0;
	w->len = len - taken;
	if (w->len == 0)
		return true;
	w->held = malloc(w->len);
	if (!w->held)
		return false;
	memcpy(w->held, data + taken, w->len);
	return true;
}

/* The other side takes no more, but what it had sent before still counts. */
static enum carry_result refused_up(struct carry *c, int64_t code)
{
	(void)stream_failed(c, code);
	c->refused = true;
	c->up.len = 0;
	c->up.ended = c->up.passed = true;
	return CARRY_WAIT;
}

/* Into the stream: CARRY_MORE if all of it was taken. */
static enum carry_result put_up(struct carry *c, const char *data, size_t len)
{
	size_t taken = 0;
	int64_t n = 0;

	/* Only a write that takes nothing is told of when it can be repeated. */
	while (taken < len && n >= 0) {
		n = bell_stream_write(c->stream, data + taken, len - taken, 0);
		taken += n > 0 ? (size_t)n : 0;
	}
	if (n < 0 && n != -BELL_EAGAIN)
		return refused_up(c, n);
	if (!keep(&c->up, data, len, taken))
		return local_failed(c, "holding a piece");
	return c->up.len == 0 ? CARRY_MORE : CARRY_WAIT;
}

static enum carry_result end_up(struct carry *c)
{
	int rc = c->up.passed ? 0 : bell_stream_shutdown(c->stream);

	c->up.passed = true;
	return rc < 0 ? refused_up(c, rc) : CARRY_WAIT;
}

static enum carry_result step_up(struct carry *c, char *scratch)
{
	int64_t n;

	if (c->up.len > 0)
		return put_up(c, c->up.held + c->up.at, c->up.len);
	if (c->up.ended)
		return end_up(c);
	if (!c->can_read)
		return CARRY_WAIT;
	c->can_read = false; /* one that waits may be asked once */
	n = net_read(c->in, scratch, c->in_waits ? NET_POLITE : CARRY_PIECE);
	if (n == -BELL_EAGAIN)
		return CARRY_WAIT;
	if (n < 0)
		return local_failed(c, "reading");
	c->up.ended = n == 0;
	return n > 0 ? put_up(c, scratch, (size_t)n) : CARRY_MORE;
}

/* To the local end: CARRY_MORE if all of it was taken. */
static enum carry_result put_down(struct carry *c, const char *data, size_t len)
{
	size_t piece = c->out_waits && len > NET_POLITE ? NET_POLITE : len;
	int64_t n = -BELL_EAGAIN;

	if (!c->out_waits || c->can_write)
		n = net_write(c->out, data, piece);
	c->can_write = false;
	if (n < 0 && n != -BELL_EAGAIN)
		return local_failed(c, "writing");
	if (!keep(&c->down, data, len, n > 0 ? (size_t)n : 0))
		return local_failed(c, "holding a piece");
	return c->down.len == 0 ? CARRY_MORE : CARRY_WAIT;
}

static enum carry_result end_down(struct carry *c)
{
	if (c->down.passed)
		return CARRY_WAIT;
	if (c->socket)
		net_shutdown(c->out);
	else
		net_close(&c->out);
	c->down.passed = true;
	return CARRY_WAIT;
}

static enum carry_result step_down(struct carry *c, char *scratch)
{
	int64_t n;

	if (c->down.len > 0)
		return put_down(c, c->down.held + c->down.at, c->down.len);
	if (c->down.ended)
		return end_down(c);
	n = bell_stream_read(c->stream, scratch, CARRY_PIECE, 0);
	if (n == -BELL_EAGAIN)
		return CARRY_WAIT;
	if (n < 0)
		return stream_failed(c, n);
	c->down.ended = n == 0;
	return n > 0 ? put_down(c, scratch, (size_t)n) : CARRY_MORE;
}

enum carry_result carry_step(struct carry *c, char *scratch)
{
	enum carry_result up = CARRY_MORE, down = CARRY_MORE;
	int turn;

	c->events = 0;
	if (c->broken && net_connected(c->in) < 0)
		return local_failed(c, "connection");
	for (turn = 0; turn < TURN_LENGTH; turn++) {
		if (down == CARRY_MORE)
			down = step_down(c, scratch);
		if (up == CARRY_MORE && down != CARRY_FAILED)
			up = step_up(c, scratch);
		if (up == CARRY_FAILED || down == CARRY_FAILED)
			return CARRY_FAILED;
	}
	if (both_passed(c))
		return c->refused ? CARRY_FAILED : CARRY_DONE;
	return up == CARRY_MORE || down == CARRY_MORE ? CARRY_MORE : CARRY_WAIT;
}
