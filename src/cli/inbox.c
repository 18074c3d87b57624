/* SPDX-License-Identifier: BSD-2-Clause */
#include "inbox.h"

#include "cli.h"
#include "sys.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A message under way; the first of the list is the one passed on. */
struct chain {
	struct inbox_message m;
	bool complete, broken;
	FILE *held; /* owned; what came before its turn, or NULL */
	struct chain *next;
};

struct inbox {
	struct inbox_sink sink;
	uint64_t left; /* messages still to be passed on; UINT64_MAX: no end */
	struct chain *first;
};

struct inbox *inbox_new(const struct inbox_sink *sink, uint64_t want)
{
	struct inbox *in = calloc(1, sizeof(*in));

	if (!in)
		return NULL;
	in->sink = *sink;
	in->left = want;
	return in;
}

bool inbox_is_done(const struct inbox *in)
{
	return in->left == 0;
}

static void drop_first(struct inbox *in)
{
	struct chain *c = in->first;

	in->first = c->next;
	if (c->held)
		fclose(c->held);
	free(c);
}

void inbox_free(struct inbox *in)
{
	if (!in)
		return;
	while (in->first)
		drop_first(in);
	free(in);
}

static struct chain *find_open(const struct inbox *in, uint32_t peer)
{
	struct chain *c = in->first;

	while (c && (c->complete || c->m.peer != peer))
		c = c->next;
	return c;
}

const struct inbox_message *inbox_unfinished(const struct inbox *in, size_t i)
{
	const struct chain *c;

	for (c = in->first; c; c = c->next)
		if (!c->complete && i-- == 0)
			return &c->m;
	return NULL;
}

static struct chain *append(struct inbox *in, const struct bell_envelope *env)
{
	struct chain **at = &in->first, *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->m.peer = env->peer;
	c->m.tag = env->tag;
	c->m.incarnation = env->incarnation;
	while (*at)
		at = &(*at)->next;
	*at = c;
	return c;
}

static int hold(struct chain *c, const void *data, size_t len)
{
	if (!c->held)
		c->held = sys_temporary();
	if (!c->held || fwrite(data, 1, len, c->held) != len)
		return cli_error("recv: holding a second sender's message in a "
				 "temporary file: %s", strerror(errno));
	return CLI_DONE;
}

/* What was held while another message had its turn. */
static int begin_held(struct inbox *in, struct chain *c)
{
	char buf[4096];
	size_t n;
	int rc = in->sink.begin(in->sink.arg, &c->m);

	if (!c->held || rc != CLI_DONE)
		return rc;
	if (fflush(c->held) != 0 || fseek(c->held, 0, SEEK_SET) != 0)
		return cli_error("recv: a temporary file: %s", strerror(errno));
	do {
		n = fread(buf, 1, sizeof(buf), c->held);
		if (n > 0)
			rc = in->sink.data(in->sink.arg, buf, n);
	} while (n > 0 && rc == CLI_DONE);
	if (ferror(c->held))
		return cli_error("recv: a temporary file: %s", strerror(errno));
	fclose(c->held);
	c->held = NULL;
	return rc;
}

/* Passes on what is complete, and begins the one that has its turn then. */
static int advance(struct inbox *in)
{
	struct chain *c;
	int rc;

	while (in->left > 0 && in->first && in->first->complete) {
		c = in->first;
		rc = in->sink.end(in->sink.arg, &c->m, c->broken);
		drop_first(in);
		in->left -= in->left != UINT64_MAX;
		c = in->first;
		if (rc == CLI_DONE && c && in->left > 0)
			rc = begin_held(in, c);
		if (rc != CLI_DONE)
			return rc;
	}
	return CLI_DONE;
}

int inbox_take(struct inbox *in, const struct bell_envelope *env, const void *data)
{
	struct chain *c = find_open(in, env->peer);
	int rc = CLI_DONE;

	/* Its next incarnation knows nothing of what the last one left undone. */
	if (c && c->m.incarnation != env->incarnation) {
		rc = inbox_break(in, env->peer);
		c = NULL;
	}
	if (rc != CLI_DONE || inbox_is_done(in))
		return rc;
	if (!c) {
		c = append(in, env);
		if (!c)
			return cli_no_memory();
		if (c == in->first)
			rc = in->sink.begin(in->sink.arg, &c->m);
	}
	if (rc == CLI_DONE && env->len > 0)
		rc = c == in->first ? in->sink.data(in->sink.arg, data,
						    (size_t)env->len) :
				      hold(c, data, (size_t)env->len);
	if (rc != CLI_DONE)
		return rc;
	c->m.length += env->len;
	c->complete = !(env->flags & BELL_MORE);
	return advance(in);
}

int inbox_break(struct inbox *in, uint32_t peer)
{
	struct chain *c;

	for (c = in->first; c; c = c->next)
		if (!c->complete && (peer == UINT32_MAX || c->m.peer == peer))
			c->complete = c->broken = true;
	return advance(in);
}
