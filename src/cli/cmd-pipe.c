/* SPDX-License-Identifier: BSD-2-Clause */
/* bellring pipe: standard input and output over a stream */
#include "carry.h"
#include "cli.h"
#include "loop.h"
#include "sys.h"

#include <stdlib.h>
#include <string.h>

#define SERVICE "pipe"
/* The other side's library has to see the end before we leave. */
#define GOODBYE_MS 100
#define RETRY_MS 50

struct pipe_args {
	bool listen;
	int wait_peer_ms;
};

#define AT(field) offsetof(struct pipe_args, field)
static const struct option_row options[] = {
	{ 'l', "listen", NULL, OPTION_FLAG, AT(listen), 0, 0, NULL,
	  "wait for another side to open it" },
	{ 'w', "wait-peer", "SECONDS", OPTION_SECONDS, AT(wait_peer_ms), 0, 0,
	  NULL, "wait for the peer to appear and to listen" },
	{ 0, NULL, NULL, OPTION_FLAG, 0, 0, 0, NULL, NULL },
};
#undef AT

struct pipe {
	struct session *s;
	struct loop loop;
	struct carry carry;
	struct bell_stream *stream; /* owned; until carry has it */
	const char *what;           /* for messages */
};

/* ---- opening ---- */

/* "web-1:chat": the peer, copied, and its service. A name may hold colons. */
static int split(const char *operand, char peer[BELL_NAME_MAX + 1],
		 const char **service)
{
	const char *colon = strrchr(operand, ':');
	size_t len = colon ? (size_t)(colon - operand) : strlen(operand);

	if (len == 0 || len > BELL_NAME_MAX)
		return cli_error("pipe %s: not the name of a peer", operand);
	memcpy(peer, operand, len);
	peer[len] = '\0';
	if (colon)
		*service = colon + 1;
	return CLI_DONE;
}

/* Joined, and about to listen? Nobody tells when: so it is tried again. */
static bool may_listen_soon(struct pipe *p, int rc, uint64_t deadline)
{
	if (rc != -BELL_ENOSERVICE || sys_left_ms(deadline) == 0 || sys_stopped())
		return false;
	net_set_clear(p->loop.set);
	return loop_wait(&p->loop, RETRY_MS) == CLI_DONE;
}

static int open_stream(struct pipe *p, const char *operand, int wait_ms)
{
	uint64_t deadline = sys_deadline(wait_ms);
	char peer[BELL_NAME_MAX + 1];
	const char *service = SERVICE;
	uint32_t id = 0;
	int rc = split(operand, peer, &service);

	if (rc == CLI_DONE)
		rc = session_await(p->s, peer, wait_ms, &id);
	if (rc != CLI_DONE)
		return rc;
	do
		rc = bell_stream_open(p->s->bus, id, service, p->s->timeout_ms,
				      &p->stream);
	while ((rc == -BELL_EINTR && !sys_stopped()) || /* SIGCONT: signal(7) */
	       may_listen_soon(p, rc, deadline));
	if (rc == -BELL_EINTR)
		return cli_error("pipe %s: interrupted", operand);
	return rc < 0 ? cli_fail(rc, "pipe %s", operand) : CLI_DONE;
}

static void on_accept(struct bell_listener *listener, struct bell_stream *stream,
		      void *arg)
{
	struct pipe *p = arg;

	(void)listener;
	if (p->stream)
		bell_stream_reset(stream); /* one is all there is */
	else
		p->stream = stream;
}

static int await_stream(struct pipe *p)
{
	uint64_t deadline = sys_deadline(p->s->timeout_ms);
	int rc = CLI_DONE;

	while (rc == CLI_DONE && !p->stream) {
		if (sys_stopped())
			return cli_error("pipe: interrupted");
		if (sys_left_ms(deadline) == 0)
			return cli_fail(-BELL_EAGAIN, "pipe --listen %s", p->what);
		net_set_clear(p->loop.set);
		rc = loop_wait(&p->loop, sys_left_ms(deadline));
	}
	return rc;
}

static int accept_stream(struct pipe *p, const char *service)
{
	struct bell_listener *listener;
	int rc = bell_listen(p->s->bus, service, on_accept, p, &listener);

	if (rc < 0)
		return cli_fail(rc, "pipe --listen %s", service);
	if (session_reports(p->s))
		fprintf(stderr, "bellring: listening as %s (id %s)\n",
			bell_bus_name(p->s->bus), SESSION_ID(bell_id(p->s->peer)));
	rc = await_stream(p);
	bell_unlisten(listener);
	return rc;
}

/* ---- carrying ---- */

static int carry_all(struct pipe *p, char *scratch)
{
	enum carry_result result = CARRY_MORE;
	int rc;

	for (;;) {
		if (sys_stopped())
			return cli_error("pipe %s: interrupted", p->what);
		net_set_clear(p->loop.set);
		if (carry_want(&p->carry, p->loop.set) < 0)
			return cli_no_memory();
		rc = loop_wait(&p->loop, result == CARRY_MORE ? 0 : -1);
		if (rc != CLI_DONE)
			return rc;
		if (carry_look(&p->carry, p->loop.set) || result == CARRY_MORE)
			result = carry_step(&p->carry, scratch);
		if (result == CARRY_FAILED)
			return cli_error("pipe %s: %s", p->what, p->carry.why);
		if (result == CARRY_DONE)
			return CLI_DONE;
	}
}

/*
 * What we sent last may wait for space, and leaving would cut it off. An answer
 * to a ping comes behind it; a peer that is gone needs none.
 */
static int say_goodbye(struct pipe *p, uint32_t peer)
{
	int rc;

	do
		rc = bell_ping(p->s->bus, peer, GOODBYE_MS, NULL);
	while ((rc == -BELL_EAGAIN || rc == -BELL_EINTR) && !sys_stopped());
	return sys_stopped() ? cli_error("pipe %s: interrupted", p->what) :
			       CLI_DONE;
}

static int carry(struct pipe *p)
{
	uint32_t peer = bell_stream_peer(p->stream);
	char *scratch = malloc(CARRY_PIECE);
	struct bell_stream *stream = p->stream;
	int rc;

	p->stream = NULL;
	rc = carry_stdio(&p->carry, stream);
	if (rc < 0)
		rc = cli_error("pipe: standard input and output: %s", net_why());
	else
		rc = scratch ? carry_all(p, scratch) : cli_no_memory();
	carry_done(&p->carry);
	free(scratch);
	return rc == CLI_DONE ? say_goodbye(p, peer) : rc;
}

static int run(struct session *s, const void *args, int argc, char **argv)
{
	const struct pipe_args *a = args;
	struct pipe p = { .s = s };
	int rc;

	if (!a->listen && argc == 0)
		return cli_usage(&cmd_pipe, "pipe: PEER or --listen is missing");
	p.what = argc > 0 ? argv[0] : SERVICE;
	rc = session_join(s);
	if (rc == CLI_DONE)
		rc = loop_begin(&p.loop, s);
	if (rc == CLI_DONE)
		rc = a->listen ? accept_stream(&p, p.what) :
				 open_stream(&p, p.what, a->wait_peer_ms);
	if (rc == CLI_DONE)
		rc = carry(&p);
	bell_stream_reset(p.stream);
	loop_end(&p.loop);
	return rc;
}

const struct bell_cmd cmd_pipe = {
	.name = "pipe",
	.usage = "[-w SECONDS] PEER[:SERVICE] | --listen [SERVICE]",
	.summary = "standard input and output over a stream, like a socket",
	.more = "One side listens, the other one opens; the service is \"pipe\" "
		"unless named. The end\nof input is told to the other side, and "
		"it ends when both have told. -t bounds the\nopening; exit "
		"status 3 then, or if the peer is absent or does not listen.\n",
	.options = options,
	.args_size = sizeof(struct pipe_args),
	.operands_min = 0,
	.operands_max = 1,
	.run = run,
};
