/* SPDX-License-Identifier: BSD-2-Clause */
/* bellring send: a text, or a file of any size, with a checksum at its end */
#include "checksum.h"
#include "cli.h"
#include "progress.h"
#include "source.h"
#include "sys.h"

#include <stdlib.h>
#include <string.h>

/* What is read at once: few system calls, and still in the cache when sent. */
#define READ_SIZE (1u << 20)

struct send_args {
	const char *file;
	int wait_peer_ms;
	uint64_t tag;
};

static const struct option_row options[] = {
	{ 'f', "file", "FILE", OPTION_TEXT, offsetof(struct send_args, file), 0,
	  0, NULL, "send this file's contents; - is stdin" },
	{ 'w', "wait-peer", "SECONDS", OPTION_SECONDS,
	  offsetof(struct send_args, wait_peer_ms), 0, 0, NULL,
	  "wait for the peer to appear" },
	{ 256 + 16, "tag", "N", OPTION_NUMBER, offsetof(struct send_args, tag),
	  0, UINT16_MAX, NULL, "the message's tag (default 0)" },
	{ 0, NULL, NULL, OPTION_FLAG, 0, 0, 0, NULL, NULL },
};

struct transfer {
	struct session *s;
	const char *peer; /* as the user named it */
	struct bell_envelope env;
	struct source source;
	uint64_t total;              /* bytes, or BELL_UNKNOWN */
	char *buf;                   /* owned */
	struct checksum *checksum;   /* owned */
	struct bell_outgoing *out;   /* owned */
	struct progress progress;
};

static int sent(const struct transfer *t, int rc)
{
	if (rc == -BELL_EAGAIN && sys_stopped())
		return cli_error("send %s: interrupted", t->peer);
	return rc < 0 ? cli_fail(rc, "send %s", t->peer) : CLI_DONE;
}

/*
 * The next bytes, 0 at the end: at most as many as were announced, so that a
 * file that grows meanwhile is sent as it was.
 */
static int read_some(struct transfer *t, size_t *len)
{
	uint64_t rest = t->total - t->progress.done;
	int rc = source_read(&t->source, t->buf,
			     rest < READ_SIZE ? (size_t)rest : READ_SIZE, len);

	if (rc == CLI_DONE && *len == 0 && rest > 0 && t->total != BELL_UNKNOWN)
		return cli_error("send %s: %s ended after %llu of %llu bytes: it "
				 "was cut off meanwhile", t->peer, t->source.name,
				 (unsigned long long)t->progress.done,
				 (unsigned long long)t->total);
	return rc;
}

static int send_bytes(struct transfer *t)
{
	size_t len = 0;
	int rc;

	for (;;) {
		rc = read_some(t, &len);
		if (rc != CLI_DONE || len == 0)
			return rc;
		rc = sent(t, session_continue(t->out, t->buf, len,
					      t->s->timeout_ms));
		if (rc != CLI_DONE)
			return rc;
		checksum_add(t->checksum, t->buf, len);
		progress_add(&t->progress, len);
	}
}

static int send_message(struct transfer *t)
{
	uint64_t value;
	int rc = sent(t, bell_begin(t->s->bus, &t->env, t->total, &t->out));

	if (rc != CLI_DONE)
		return rc;
	progress_begin(&t->progress, t->source.file != stdin ||
		       t->total != BELL_UNKNOWN, t->total);
	rc = send_bytes(t);
	value = checksum_value(t->checksum);
	if (rc == CLI_DONE)
		rc = sent(t, session_finish(t->out, checksum_carried(value),
					    t->s->timeout_ms));
	/* Without its end the receiver knows it as broken off. */
	if (rc != CLI_DONE)
		bell_abandon(t->out);
	progress_end(&t->progress);
	if (rc == CLI_DONE && session_reports(t->s))
		progress_report(&t->progress, "sent", value);
	return rc;
}

static int send_file(struct transfer *t)
{
	int rc;

	t->total = sys_file_rest(t->source.file);
	t->buf = malloc(READ_SIZE);
	t->checksum = checksum_new();
	rc = t->buf && t->checksum ? send_message(t) : cli_no_memory();
	checksum_free(t->checksum);
	free(t->buf);
	return rc;
}

static int run(struct session *s, const void *args, int argc, char **argv)
{
	const struct send_args *a = args;
	struct transfer t = { .s = s, .peer = argv[0] };
	const char *text = argc > 1 ? argv[1] : NULL;
	int rc = CLI_DONE;

	if (text && a->file)
		return cli_usage(&cmd_send, "send: both TEXT and -f FILE");
	if (!text)
		rc = source_open(&t.source, s, t.peer, a->file ? a->file : "-");
	if (rc == CLI_DONE)
		rc = session_join(s);
	if (rc == CLI_DONE)
		rc = session_await(s, t.peer, a->wait_peer_ms, &t.env.peer);
	if (rc == CLI_DONE) {
		t.env.tag = (uint16_t)a->tag;
		rc = text ? sent(&t, session_post(s, &t.env, text, strlen(text),
						  s->timeout_ms)) :
			    send_file(&t);
	}
	source_close(&t.source);
	return rc;
}

const struct bell_cmd cmd_send = {
	.name = "send",
	.usage = "[-w SECONDS] [--tag N] PEER [TEXT | -f FILE]",
	.summary = "send a text, a file, or what comes on stdin",
	.more = "PEER is an id or a name. TEXT is one message. A file or stdin "
		"is one message of\nany size, with a checksum at its end that "
		"bellring recv verifies; xxhsum -H3\nprints the same. -t bounds "
		"each wait for space.\n",
	.options = options,
	.args_size = sizeof(struct send_args),
	.operands_min = 1,
	.operands_max = 2,
	.run = run,
};
