/* SPDX-License-Identifier: BSD-2-Clause */
/* The side of bellring forward that listens. */
#include "forward.h"

#include "cli.h"
#include "sys.h"

#include <string.h>

/* Connections taken in a row; then the others have their turn. */
#define ACCEPTS 16
/* Without a descriptor left, and none of ours to be closed: look again. */
#define PAUSE_MS 1000

enum near_state { NEAR_ASKS, NEAR_AWAITS };

struct near {
	struct net_address *address; /* owned */
	net_t listener;              /* owned */
	int index;                   /* in the set; -1: not there */
	bool paused;                 /* no descriptor was left */
	uint64_t resume_ns;
	char peer[BELL_NAME_MAX + 1];
	struct endpoint target;
	char to[ENDPOINT_TEXT + BELL_NAME_MAX + 1];
};

/* ---- opening ---- */

static void ask(struct tunnel *t)
{
	int rc = hello_send(&t->hello, t->stream);

	if (rc < 0) {
		tunnel_fail_code(t, rc);
	} else if (rc == 1) {
		hello_clear(&t->hello);
		t->state = NEAR_AWAITS;
	}
}

static void await_answer(struct tunnel *t)
{
	int rc = hello_receive(&t->hello, t->stream);

	if (rc == -BELL_EPROTO)
		tunnel_fail(t, "the far side speaks another protocol");
	else if (rc == -BELL_EPIPE)
		tunnel_fail(t, "the far side gave up");
	else if (rc < 0)
		tunnel_fail_code(t, rc);
	else if (rc == 1 && hello_code(&t->hello) != 0)
		tunnel_fail(t, "far side: %s", hello_text(&t->hello));
	else if (rc == 1)
		tunnel_carry(t);
}

static void open_step(struct tunnel *t)
{
	if (t->got & (NET_ERROR | NET_HUNG_UP)) {
		tunnel_end(t, "left before it was open");
		return;
	}
	if (t->state == NEAR_ASKS)
		ask(t);
	if (t->state == NEAR_AWAITS)
		await_answer(t);
}

/* The peer is looked for each time: it may have come back under another id. */
static void begin(struct tunnel *t, const struct near *n)
{
	struct session *s = t->f->s;
	uint32_t id;
	int rc = bell_find(s->peer, n->peer, &id);

	if (rc == 0)
		rc = bell_stream_open(s->bus, id, FORWARD_SERVICE, 0, &t->stream);
	if (rc < 0) {
		tunnel_fail_code(t, rc);
		return;
	}
	tunnel_watch_stream(t);
	hello_set(&t->hello, 0, n->target.text);
	t->state = NEAR_ASKS;
}

/* ---- accepting ---- */

static int want(struct forward *f)
{
	struct near *n = f->arg;

	n->index = -1;
	if (n->paused && (f->closed || sys_now_ns() >= n->resume_ns))
		n->paused = false;
	f->closed = false;
	if (n->paused) {
		f->timeout_ms = sys_left_ms(n->resume_ns);
		return CLI_DONE;
	}
	n->index = net_set_add(f->loop.set, n->listener, NET_READ);
	return n->index < 0 ? cli_no_memory() : CLI_DONE;
}

static void pause_accept(struct near *n)
{
	n->paused = true;
	n->resume_ns = sys_deadline(PAUSE_MS);
}

static int look(struct forward *f)
{
	struct near *n = f->arg;
	char from[ENDPOINT_TEXT];
	net_t fd = NET_NONE;
	struct tunnel *t;
	int i, rc;

	if (n->index < 0 || !net_set_got(f->loop.set, n->index))
		return CLI_DONE;
	for (i = 0; i < ACCEPTS; i++) {
		rc = net_accept(n->listener, &fd, from);
		if (rc == -BELL_EAGAIN)
			break;
		if (rc == -BELL_ENOSPC) {
			cli_error("forward: %s: the next connections wait: %s",
				  n->to, net_why());
			pause_accept(n);
			break;
		}
		if (rc < 0)
			return cli_error("forward: accepting: %s", net_why());
		t = tunnel_new(f, NULL, &fd, from, n->to);
		if (t)
			begin(t, n);
	}
	return CLI_DONE;
}

static const struct forward_side side = { open_step, want, look };

/* ---- the beginning and the end ---- */

static int parse(struct near *n, const char *listen, const char *peer_target,
		 struct endpoint *e)
{
	const char *at = endpoint_in(peer_target);
	size_t len;

	if (!endpoint_parse(listen, e))
		return cli_usage(&cmd_forward, "forward: %s: not tcp:PORT, "
				 "tcp:HOST:PORT or unix:PATH", listen);
	if (!at || !endpoint_parse(at, &n->target))
		return cli_usage(&cmd_forward, "forward: %s: not PEER:tcp:PORT, "
				 "PEER:tcp:HOST:PORT or PEER:unix:PATH",
				 peer_target);
	len = (size_t)(at - peer_target) - 1;
	if (len == 0 || len > BELL_NAME_MAX)
		return cli_usage(&cmd_forward, "forward: %s: its begin is not the "
				 "name of a peer", peer_target);
	memcpy(n->peer, peer_target, len);
	snprintf(n->to, sizeof(n->to), "%s:%s", n->peer, n->target.text);
	return CLI_DONE;
}

static int listen_there(struct near *n, const struct endpoint *e)
{
	char text[ENDPOINT_TEXT];
	const char *why = "";
	int rc;

	n->address = net_resolve(e, &why);
	if (!n->address)
		return cli_error("forward: %s: %s", e->text, why);
	rc = net_listen(n->address, &n->listener, text);
	if (rc == -BELL_EBUSY)
		return cli_error("forward: listening on %s: %s: another program "
				 "listens there, or its file is no socket",
				 e->text, net_why());
	if (rc < 0)
		return cli_error("forward: listening on %s: %s", e->text,
				 net_why());
	fprintf(stderr, "bellring: forward: listening on %s for %s\n", text, n->to);
	return CLI_DONE;
}

/* Said once, no more: it may come later, and go and come again. */
static void say_if_absent(struct session *s, const struct near *n)
{
	uint32_t id;
	int rc = bell_find(s->peer, n->peer, &id);

	if (rc < 0)
		(void)cli_fail(rc, "forward: connections will fail for now: %s",
			       n->peer);
}

int forward_near(struct session *s, const char *listen, const char *peer_target)
{
	struct near n = { .listener = NET_NONE, .index = -1 };
	struct forward f = { .s = s, .side = &side, .arg = &n };
	struct endpoint e;
	int rc = parse(&n, listen, peer_target, &e);

	if (rc == CLI_DONE)
		rc = session_join(s);
	if (rc == CLI_DONE)
		rc = loop_begin(&f.loop, s);
	if (rc == CLI_DONE)
		rc = listen_there(&n, &e);
	if (rc == CLI_DONE) {
		say_if_absent(s, &n);
		rc = forward_run(&f);
	}
	if (n.address)
		net_unlisten(n.address, &n.listener);
	net_address_free(n.address);
	loop_end(&f.loop);
	return rc;
}
