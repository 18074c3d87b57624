/* SPDX-License-Identifier: BSD-2-Clause */
#include "inbox.h"

#include "cli.h"
#include "sys.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define COPY_SIZE 65536u

/*
 * What came before its turn: messages one behind the other, so that any number
 * of them needs one file, and only those that come at once need several. Gone
 * with the last of them.
 */
struct spool {
	FILE *file;    /* owned */
	uint64_t size; /* bytes */
	size_t users;  /* chains with bytes in it */
	const struct chain *writer; /* whose bytes come now; NULL: anybody's may */
	struct spool *next;
};

/* A message under way; the first of the list is the one passed on. */
struct chain {
	struct inbox_message m;
	bool complete, broken;
	struct spool *spool; /* where its bytes are, or NULL */
	uint64_t at;         /* in there */
	struct chain *next;
};

struct inbox {
	struct inbox_sink sink;
	uint64_t left; /* messages still to be passed on; UINT64_MAX: no end */
	struct chain *first;
	struct spool *spools;
	char buf[COPY_SIZE];
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

static int held_failed(void)
{
	return cli_error("recv: holding a second sender's message in a "
			 "temporary file: %s", strerror(errno));
}

static struct spool *spool_new(struct inbox *in)
{
	struct spool *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->file = sys_temporary();
	if (!s->file) {
		free(s);
		return NULL;
	}
	s->next = in->spools;
	in->spools = s;
	return s;
}

static void spool_leave(struct inbox *in, struct chain *c)
{
	struct spool **at = &in->spools, *s = c->spool;

	c->spool = NULL;
	if (s && s->writer == c)
		s->writer = NULL;
	if (!s || --s->users > 0)
		return;
	while (*at != s)
		at = &(*at)->next;
	*at = s->next;
	fclose(s->file);
	free(s);
}

static int spool_enter(struct inbox *in, struct chain *c)
{
	struct spool *s = in->spools;

	while (s && s->writer)
		s = s->next;
	if (!s)
		s = spool_new(in);
	if (!s)
		return held_failed();
	s->users++;
	s->writer = c;
	c->spool = s;
	c->at = s->size;
	return CLI_DONE;
}

static int hold(struct inbox *in, struct chain *c, const void *data, size_t len)
{
	int rc = c->spool ? CLI_DONE : spool_enter(in, c);

	if (rc != CLI_DONE)
		return rc;
	if (sys_seek(c->spool->file, c->spool->size) < 0 ||
	    fwrite(data, 1, len, c->spool->file) != len)
		return held_failed();
	c->spool->size += len;
	return CLI_DONE;
}

static void drop_first(struct inbox *in)
{
	struct chain *c = in->first;

	in->first = c->next;
	spool_leave(in, c);
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

static struct chain *append(struct inbox *in, const struct bell_envelope *env)
{
	struct chain **at = &in->first, *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->m.peer = env->peer;
	c->m.tag = env->tag;
	c->m.incarnation = env->incarnation;
	c->m.total = env->total;
	while (*at)
		at = &(*at)->next;
	*at = c;
	return c;
}

/* What was held while another message had its turn. */
static int begin_held(struct inbox *in, struct chain *c)
{
	uint64_t left = c->m.length;
	int rc = in->sink.begin(in->sink.arg, &c->m);

	if (rc == CLI_DONE && left > 0 && sys_seek(c->spool->file, c->at) < 0)
		return held_failed();
	while (rc == CLI_DONE && left > 0) {
		size_t n = left < COPY_SIZE ? (size_t)left : COPY_SIZE;

		if (fread(in->buf, 1, n, c->spool->file) != n)
			return held_failed();
		left -= n;
		rc = in->sink.data(in->sink.arg, in->buf, n);
	}
	spool_leave(in, c);
	return rc;
}

/* Whole, or as much of it as there will ever be. */
static void complete(struct chain *c, bool broken)
{
	c->complete = true;
	c->broken = broken;
	if (c->spool)
		c->spool->writer = NULL;
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

/* The message that this piece belongs to; its turn may begin with it. */
static int chain_for(struct inbox *in, const struct bell_envelope *env,
		     struct chain **result)
{
	struct chain *c = find_open(in, env->peer);

	if (!c) {
		c = append(in, env);
		if (!c)
			return cli_no_memory();
		*result = c;
		return c == in->first ? in->sink.begin(in->sink.arg, &c->m) :
					CLI_DONE;
	}
	*result = c;
	return CLI_DONE;
}

int inbox_take(struct inbox *in, const struct bell_envelope *env, const void *data)
{
	struct chain *c = find_open(in, env->peer);
	size_t len = (size_t)env->len;
	int rc = CLI_DONE;

	/* Its next incarnation knows nothing of what the last one left undone. */
	if (c && c->m.incarnation != env->incarnation)
		rc = inbox_break(in, env->peer);
	if (rc != CLI_DONE || inbox_is_done(in))
		return rc;
	rc = chain_for(in, env, &c);
	if (rc == CLI_DONE && len > 0)
		rc = c == in->first ? in->sink.data(in->sink.arg, data, len) :
				      hold(in, c, data, len);
	if (rc != CLI_DONE)
		return rc;
	c->m.length += len;
	c->m.check = env->check;
	if (env->flags & BELL_BROKEN || !(env->flags & BELL_MORE))
		complete(c, (env->flags & BELL_BROKEN) != 0);
	return advance(in);
}

int inbox_break(struct inbox *in, uint32_t peer)
{
	struct chain *c = find_open(in, peer);

	if (c)
		complete(c, true);
	return advance(in);
}
