/* SPDX-License-Identifier: BSD-2-Clause */
/* bellring recv: print messages, or store what comes */
#include "cli.h"
#include "inbox.h"
#include "recv-output.h"
#include "sys.h"

#include <stdlib.h>

/* A piece of a large message, or a small one, fits whole. */
#define BUFFER_SIZE (1u << 20)

struct recv_args {
	uint64_t count;
	const char *file;
	bool follow;
	bool lines;
};

#define AT(field) offsetof(struct recv_args, field)
static const struct option_row options[] = {
	{ 'n', "count", "N", OPTION_NUMBER, AT(count), 1, 0, NULL,
	  "stop after N messages (default 1)" },
	{ 'F', "follow", NULL, OPTION_FLAG, AT(follow), 0, 0, NULL,
	  "never stop" },
	{ 'o', "output", "FILE", OPTION_TEXT, AT(file), 0, 0, NULL,
	  "write the bytes to FILE" },
	{ 'l', "lines", NULL, OPTION_FLAG, AT(lines), 0, 0, NULL,
	  "a newline behind each message, as on a terminal" },
	{ 0, NULL, NULL, OPTION_FLAG, 0, 0, 0, NULL, NULL },
};
#undef AT

static const struct recv_args defaults = { .count = 1 };

struct receiver {
	struct session *s;
	struct inbox *inbox;         /* owned */
	struct recv_output *output;  /* owned */
	bool endless;
	char *buf;                   /* owned */
};

static int on_corrupt(struct receiver *r, uint32_t peer)
{
	(void)cli_fail(-BELL_ECORRUPT, "recv");
	return inbox_break(r->inbox, peer);
}

/* Nothing is queued: sleeps. */
static int idle(struct receiver *r, uint64_t deadline)
{
	int left_ms = sys_left_ms(deadline);
	int rc = recv_output_flush(r->output);

	if (rc != CLI_DONE)
		return rc;
	if (left_ms == 0)
		return cli_fail(-BELL_EAGAIN, "recv");
	rc = session_sleep(r->s, left_ms);
	/* Of that sender nothing was under way any more. */
	if (rc == -BELL_ECORRUPT) {
		(void)cli_fail(rc, "recv");
		return CLI_DONE;
	}
	return rc < 0 ? cli_fail(rc, "recv") : CLI_DONE;
}

static int step(struct receiver *r, uint64_t deadline)
{
	struct bell_envelope env;
	int64_t n = session_look_piece(r->s, r->buf, BUFFER_SIZE, &env,
				       sys_left_ms(deadline));

	switch (n) {
	case -BELL_EAGAIN:
		return idle(r, deadline);
	case -BELL_ECORRUPT:
		return on_corrupt(r, env.peer);
	default:
		return n < 0 ? cli_fail((int)n, "recv") :
			       inbox_take(r->inbox, &env, r->buf);
	}
}

static int receive(struct receiver *r)
{
	uint64_t deadline = sys_deadline(r->s->timeout_ms), before;
	int rc = CLI_DONE;

	while (rc == CLI_DONE && !inbox_is_done(r->inbox)) {
		if (sys_stopped())
			return r->endless ? CLI_DONE :
					    cli_error("recv: interrupted");
		before = recv_output_bytes(r->output);
		rc = step(r, deadline);
		/* -t bounds the silence, not the length of a transfer. */
		if (recv_output_bytes(r->output) != before)
			deadline = sys_deadline(r->s->timeout_ms);
	}
	return rc;
}

static int run(struct session *s, const void *args, int argc, char **argv)
{
	const struct recv_args *a = args;
	struct recv_config config = { s, a->file, a->lines };
	struct receiver r = { .s = s, .endless = a->follow };
	struct inbox_sink sink;
	int rc;

	(void)argc, (void)argv;
	rc = session_join(s);
	/* Empties the file: not before there is somebody to receive from. */
	if (rc == CLI_DONE)
		rc = recv_output_new(&config, &r.output, &sink);
	if (rc == CLI_DONE) {
		if (sys_is_terminal(stderr))
			fprintf(stderr, "bellring: receiving as %s (id %s)\n",
				bell_bus_name(s->bus), SESSION_ID(bell_id(s->peer)));
		r.inbox = inbox_new(&sink, a->follow ? UINT64_MAX : a->count);
		r.buf = malloc(BUFFER_SIZE);
		rc = r.inbox && r.buf ? CLI_DONE : cli_no_memory();
	}
	if (rc == CLI_DONE)
		rc = receive(&r);
	inbox_free(r.inbox);
	free(r.buf);
	return recv_output_free(r.output, rc);
}

const struct bell_cmd cmd_recv = {
	.name = "recv",
	.usage = "[-n N | --follow] [-o FILE] [--lines]",
	.summary = "receive messages and write their bytes to stdout",
	.more = "A message may have any size. Of several senders, the oldest "
		"message is written\nfirst; others wait in temporary files. "
		"A checksum that bellring send gave is\nverified: exit status 1 "
		"if it is wrong, or if a sender broke a message off.\n"
		"-t bounds the silence; exit status 3 then. --json prints from, "
		"name, tag, length,\ncheck and, for valid UTF-8 up to 1 MiB, "
		"text.\n",
	.options = options,
	.defaults = &defaults,
	.args_size = sizeof(struct recv_args),
	.run = run,
};
