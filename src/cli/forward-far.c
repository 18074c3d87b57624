/* SPDX-License-Identifier: BSD-2-Clause */
/* The side of bellring forward that connects, to what was allowed. */
#include "forward.h"

#include "cli.h"
#include "sys.h"

#include <stdlib.h>
#include <string.h>

/* A UNIX socket whose queue is full cannot be waited for. */
#define RETRY_MS 20

enum far_state { FAR_LISTENS, FAR_CONNECTS, FAR_AGREES, FAR_REFUSES };

struct far_target {
	struct endpoint endpoint;
	struct net_address *address; /* owned */
};

struct far {
	struct far_target *targets; /* owned */
	size_t count;
};

/* The answer's code. */
#define CONNECTED 0
#define REFUSED 1

/* ---- opening ---- */

static void answer(struct tunnel *t)
{
	int rc = hello_send(&t->hello, t->stream);

	if (rc < 0) {
		tunnel_fail_code(t, rc);
	} else if (rc == 1 && t->state == FAR_AGREES) {
		tunnel_carry(t);
	} else if (rc == 1) {
		/* What was written still arrives. */
		bell_stream_close(t->stream);
		t->stream = NULL;
		tunnel_end(t, "refused");
	}
}

static void refuse(struct tunnel *t, const char *why)
{
	net_close(&t->fd);
	t->want = 0;
	cli_error("forward: connection %lu from %s to %s: %s", t->number, t->from,
		  t->to, why);
	hello_set(&t->hello, REFUSED, why);
	t->state = FAR_REFUSES;
}

/* Its numbers in turn: localhost has two, and a server may have but one. */
static void connect_next(struct tunnel *t)
{
	int rc;

	while (t->tried < net_address_count(t->target->address)) {
		rc = net_connect(t->target->address, t->tried, &t->fd);
		if (rc == -BELL_EAGAIN) {
			t->retry_ns = sys_deadline(RETRY_MS);
			return;
		}
		t->tried++;
		if (rc == 0) {
			t->want = NET_WRITE;
			return;
		}
	}
	refuse(t, net_why());
}

static void connecting(struct tunnel *t)
{
	if (t->ended) {
		tunnel_end(t, "the near side gave up");
		return;
	}
	if (t->fd == NET_NONE) {
		connect_next(t);
		return;
	}
	if (!t->got)
		return;
	if (net_connected(t->fd) == 0) {
		t->want = 0;
		hello_set(&t->hello, CONNECTED, "");
		t->state = FAR_AGREES;
	} else if (t->tried < net_address_count(t->target->address)) {
		net_close(&t->fd);
		connect_next(t);
	} else {
		refuse(t, net_why());
	}
}

static const struct far_target *find_target(const struct far *far, const char *text)
{
	size_t i;

	for (i = 0; i < far->count; i++)
		if (strcmp(far->targets[i].endpoint.text, text) == 0)
			return &far->targets[i];
	return NULL;
}

static void listen_to(struct tunnel *t)
{
	int rc = hello_receive(&t->hello, t->stream);
	struct endpoint e;

	if (rc == 0)
		return;
	if (rc < 0) {
		if (rc == -BELL_EPROTO)
			tunnel_fail(t, "the near side speaks another protocol");
		else
			tunnel_fail_code(t, rc);
		return;
	}
	if (!endpoint_parse(hello_text(&t->hello), &e)) {
		refuse(t, "not a target");
		return;
	}
	snprintf(t->to, sizeof(t->to), "%s", e.text);
	t->target = find_target(t->f->arg, e.text);
	t->state = FAR_CONNECTS;
	if (t->target)
		connect_next(t);
	else
		refuse(t, "not allowed: --allow names what is");
}

static void open_step(struct tunnel *t)
{
	if (t->state == FAR_LISTENS)
		listen_to(t);
	else if (t->state == FAR_CONNECTS)
		connecting(t);
	if (t->state == FAR_AGREES || t->state == FAR_REFUSES)
		answer(t);
}

static void on_accept(struct bell_listener *listener, struct bell_stream *stream,
		      void *arg)
{
	struct forward *f = arg;
	char label[SESSION_LABEL];
	net_t none = NET_NONE;
	struct tunnel *t;

	(void)listener;
	t = tunnel_new(f, stream, &none,
		       session_label(f->s, bell_stream_peer(stream), label), "?");
	if (!t)
		return;
	t->state = FAR_LISTENS;
	tunnel_watch_stream(t);
}

static int nothing(struct forward *f)
{
	(void)f;
	return CLI_DONE;
}

static const struct forward_side side = { open_step, nothing, nothing };

/* ---- the beginning and the end ---- */

/* Looked up now: a wrong name is told at once, and later nobody waits for it. */
static int resolve(struct far *far, const char *const *allowed, size_t count)
{
	const char *why = "";

	far->targets = calloc(count ? count : 1, sizeof(*far->targets));
	if (!far->targets)
		return cli_no_memory();
	for (; far->count < count; far->count++) {
		struct far_target *t = &far->targets[far->count];

		if (!endpoint_parse(allowed[far->count], &t->endpoint))
			return cli_usage(&cmd_forward, "forward: --allow %s: not "
					 "tcp:PORT, tcp:HOST:PORT or unix:PATH",
					 allowed[far->count]);
		t->address = net_resolve(&t->endpoint, &why);
		if (!t->address)
			return cli_error("forward: --allow %s: %s",
					 t->endpoint.text, why);
	}
	return CLI_DONE;
}

static int offer(struct forward *f)
{
	const struct far *far = f->arg;
	struct bell_listener *listener;
	size_t i;
	int rc = bell_listen(f->s->bus, FORWARD_SERVICE, on_accept, f, &listener);

	if (rc < 0)
		return cli_fail(rc, "forward --serve");
	fprintf(stderr, "bellring: forward: serving as %s (id %s)",
		bell_bus_name(f->s->bus), SESSION_ID(bell_id(f->s->peer)));
	for (i = 0; i < far->count; i++)
		fprintf(stderr, "%s%s", i ? ", " : ": ",
			far->targets[i].endpoint.text);
	fputs(far->count ? "\n" : ": nothing is allowed: --allow names what is\n",
	      stderr);
	rc = forward_run(f);
	bell_unlisten(listener);
	return rc;
}

int forward_far(struct session *s, const char *const *allowed, size_t count)
{
	struct far far = { .count = 0 };
	struct forward f = { .s = s, .side = &side, .arg = &far };
	size_t i;
	int rc = resolve(&far, allowed, count);

	if (rc == CLI_DONE)
		rc = session_join(s);
	if (rc == CLI_DONE)
		rc = loop_begin(&f.loop, s);
	if (rc == CLI_DONE)
		rc = offer(&f);
	loop_end(&f.loop);
	for (i = 0; i < far.count; i++)
		net_address_free(far.targets[i].address);
	free(far.targets);
	return rc;
}
