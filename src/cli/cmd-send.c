/* SPDX-License-Identifier: BSD-2-Clause */
/* bellring send: one message, or a file of any size in pieces */
#include "cli.h"
#include "progress.h"
#include "sys.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/*
 * Pieces of a file: large enough that a doorbell and two copies hardly count,
 * and small enough that the ring holds several, so that both sides work at once.
 */
#define PIECE_MAX 65536u
#define PIECES_IN_FLIGHT 4u

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

/* One transfer; two buffers, as the last piece is known only by the next read. */
struct transfer {
	struct session *s;
	const char *peer; /* as the user named it */
	struct bell_envelope env;
	FILE *file;
	const char *file_name;
	size_t piece; /* bytes */
	char *buf[2]; /* owned */
	struct progress progress;
};

/* 0, -BELL_EAGAIN after a signal, or a library's code. */
static int await_peer(struct session *s, const char *peer, uint64_t deadline,
		      uint32_t *id)
{
	int rc;

	for (;;) {
		rc = bell_find(s->peer, peer, id);
		if (rc != -BELL_ENOPEER || sys_left_ms(deadline) == 0)
			return rc;
		/* A join rings everybody on the bus. */
		rc = session_news(s, sys_left_ms(deadline));
		if (rc < 0)
			return rc;
		if (sys_stopped())
			return -BELL_EAGAIN;
	}
}

static int find_peer(struct session *s, const char *peer, int wait_ms,
		     uint32_t *id)
{
	int rc;

	if (wait_ms == 0)
		return session_find(s, peer, id);
	rc = session_news_begin(s);
	if (rc == 0)
		rc = await_peer(s, peer, sys_deadline(wait_ms), id);
	session_news_end(s);
	if (rc == -BELL_EAGAIN)
		return cli_error("send %s: interrupted", peer);
	return rc < 0 ? cli_fail(rc, "send %s", peer) : CLI_DONE;
}

static int post(struct transfer *t, const void *data, size_t len)
{
	int rc = session_post(t->s, &t->env, data, len, t->s->timeout_ms);

	if (rc == -BELL_EAGAIN && sys_stopped())
		return cli_error("send %s: interrupted", t->peer);
	return rc < 0 ? cli_fail(rc, "send %s", t->peer) : CLI_DONE;
}

static int send_pieces(struct transfer *t)
{
	size_t len, next;
	int rc, turn = 0;

	len = fread(t->buf[0], 1, t->piece, t->file);
	do {
		next = 0;
		if (len == t->piece)
			next = fread(t->buf[!turn], 1, t->piece, t->file);
		/* Without its last piece the receiver knows it as broken off. */
		if (ferror(t->file))
			return cli_error("send %s: reading %s: %s", t->peer,
					 t->file_name, strerror(errno));
		t->env.flags = next > 0 ? BELL_MORE : 0;
		rc = post(t, t->buf[turn], len);
		if (rc != CLI_DONE)
			return rc;
		progress_add(&t->progress, len);
		turn = !turn;
		len = next;
	} while (next > 0);
	return CLI_DONE;
}

static int send_file(struct transfer *t)
{
	size_t max = bell_max_message(t->s->bus);
	int rc;

	t->piece = max / PIECES_IN_FLIGHT;
	t->piece = t->piece < PIECE_MAX ? t->piece : PIECE_MAX;
	t->piece = t->piece > 0 ? t->piece : 1;
	t->buf[0] = malloc(t->piece);
	t->buf[1] = malloc(t->piece);
	if (t->buf[0] && t->buf[1]) {
		sys_binary(t->file);
		progress_begin(&t->progress, t->file != stdin,
			       sys_file_size(t->file));
		rc = send_pieces(t);
		progress_end(&t->progress);
	} else {
		rc = cli_no_memory();
	}
	free(t->buf[0]);
	free(t->buf[1]);
	return rc;
}

/* An unreadable file is told before anything is opened or waited for. */
static int open_file(struct transfer *t, const char *name)
{
	t->file_name = name;
	if (strcmp(name, "-") == 0) {
		t->file_name = "standard input";
		t->file = stdin;
		return CLI_DONE;
	}
	t->file = fopen(name, "rb");
	if (!t->file)
		return cli_error("send %s: opening %s: %s", t->peer, name,
				 strerror(errno));
	return CLI_DONE;
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
		rc = open_file(&t, a->file ? a->file : "-");
	if (rc == CLI_DONE)
		rc = session_join(s);
	if (rc == CLI_DONE)
		rc = find_peer(s, t.peer, a->wait_peer_ms, &t.env.peer);
	if (rc == CLI_DONE) {
		t.env.tag = (uint16_t)a->tag;
		rc = text ? post(&t, text, strlen(text)) : send_file(&t);
	}
	if (t.file && t.file != stdin)
		fclose(t.file);
	return rc;
}

const struct bell_cmd cmd_send = {
	.name = "send",
	.usage = "[-w SECONDS] [--tag N] PEER [TEXT | -f FILE]",
	.summary = "send a text, a file, or what comes on stdin",
	.more = "PEER is an id or a name. TEXT is one message. A file or stdin "
		"is one message of\nany size, sent in pieces that bellring "
		"recv puts together again.\n-t bounds each wait for space.\n",
	.options = options,
	.args_size = sizeof(struct send_args),
	.operands_min = 1,
	.operands_max = 2,
	.run = run,
};
