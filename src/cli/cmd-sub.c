/* SPDX-License-Identifier: BSD-2-Clause */
/* bellring sub: print what is published on topics */
#include "cli.h"
#include "json.h"
#include "sys.h"

#include <limits.h>
#include <stdlib.h>

/* A JSON object holds a message's text up to this size. */
#define TEXT_MAX (1u << 20)

struct sub_args {
	uint64_t count; /* 0: no end */
	bool lines;
};

#define AT(field) offsetof(struct sub_args, field)
static const struct option_row options[] = {
	{ 'n', "count", "N", OPTION_NUMBER, AT(count), 1, 0, NULL,
	  "stop after N messages (default: never)" },
	{ 'l', "lines", NULL, OPTION_FLAG, AT(lines), 0, 0, NULL,
	  "a newline behind each message, as on a terminal" },
	{ 0, NULL, NULL, OPTION_FLAG, 0, 0, 0, NULL, NULL },
};
#undef AT

struct subscriber {
	struct session *s;
	uint64_t want; /* messages; 0: no end */
	uint64_t got;
	bool lines;
	char *buf;   /* owned */
	size_t size; /* of buf: the largest piece */
};

static void print_json(struct subscriber *sub, const struct bell_envelope *env)
{
	struct bell_peer_info info;
	struct json j;

	json_begin(&j, stdout);
	json_uint(&j, "from", env->peer);
	if (session_peer_info(sub->s, env->peer, &info))
		json_text(&j, "name", info.name);
	if (*env->topic)
		json_text(&j, "topic", env->topic);
	json_uint(&j, "tag", env->tag);
	json_uint(&j, "length", env->len);
	if (env->len <= TEXT_MAX && json_is_utf8(sub->buf, (size_t)env->len))
		json_bytes(&j, "text", sub->buf, (size_t)env->len);
	json_end(&j);
}

static int print(struct subscriber *sub, const struct bell_envelope *env)
{
	/* Sent to us alone: not what was asked for. */
	if (!env->topic)
		return CLI_DONE;
	sub->got++;
	if (sub->s->json) {
		print_json(sub, env);
		return cli_flush();
	}
	fwrite(sub->buf, 1, (size_t)env->len, stdout);
	if (sub->lines)
		fputc('\n', stdout);
	return cli_flush();
}

/* Only what was sent to us alone can be that large: drops a piece of it. */
static int drop_piece(struct subscriber *sub)
{
	int64_t n = bell_recv_piece(sub->s->bus, sub->buf, sub->size, NULL, 0);

	return n < 0 && n != -BELL_EAGAIN ? cli_fail((int)n, "sub") : CLI_DONE;
}

static int idle(struct subscriber *sub, uint64_t deadline)
{
	int left_ms = sys_left_ms(deadline), rc;

	if (left_ms == 0)
		return cli_fail(-BELL_EAGAIN, "sub");
	rc = session_sleep(sub->s, left_ms);
	return rc < 0 && rc != -BELL_ECORRUPT ? cli_fail(rc, "sub") : CLI_DONE;
}

static int step(struct subscriber *sub, uint64_t deadline)
{
	struct bell_envelope env = { 0 };
	int64_t n = session_look(sub->s, sub->buf, sub->size, &env,
				 sys_left_ms(deadline));

	switch (n) {
	case -BELL_EAGAIN:
		return idle(sub, deadline);
	case -BELL_EMSGSIZE:
		return drop_piece(sub);
	case -BELL_ECORRUPT:
		(void)cli_fail(-BELL_ECORRUPT, "sub"); /* others go on */
		return CLI_DONE;
	default:
		return n < 0 ? cli_fail((int)n, "sub") : print(sub, &env);
	}
}

static int receive(struct subscriber *sub)
{
	uint64_t deadline = sys_deadline(sub->s->timeout_ms), before;
	int rc = CLI_DONE;

	while (rc == CLI_DONE && (sub->want == 0 || sub->got < sub->want)) {
		if (sys_stopped())
			return sub->want ? cli_error("sub: interrupted") : CLI_DONE;
		before = sub->got;
		rc = step(sub, deadline);
		/* -t bounds the silence. */
		if (sub->got != before)
			deadline = sys_deadline(sub->s->timeout_ms);
	}
	return rc;
}

static int subscribe(struct subscriber *sub, char **topics)
{
	for (; *topics; topics++) {
		int rc = bell_subscribe(sub->s->bus, *topics);

		if (rc < 0)
			return cli_fail(rc, "sub %s", *topics);
	}
	if (sys_is_terminal(stderr))
		fprintf(stderr, "bellring: subscribed as %s (id %s)\n",
			bell_bus_name(sub->s->bus), SESSION_ID(bell_id(sub->s->peer)));
	return CLI_DONE;
}

static int run(struct session *s, const void *args, int argc, char **argv)
{
	const struct sub_args *a = args;
	struct subscriber sub = { .s = s, .want = a->count };
	int rc = session_join(s);

	(void)argc;
	if (rc != CLI_DONE)
		return rc;
	sub.lines = a->lines || sys_is_terminal(stdout);
	if (!sub.lines && !s->json)
		sys_binary(stdout);
	sub.size = bell_max_piece(s->bus);
	sub.buf = malloc(sub.size);
	rc = sub.buf ? subscribe(&sub, argv) : cli_no_memory();
	if (rc == CLI_DONE)
		rc = receive(&sub);
	free(sub.buf);
	return rc;
}

const struct bell_cmd cmd_sub = {
	.name = "sub",
	.usage = "[-n N] [--lines] TOPIC...",
	.summary = "print what is published on topics",
	.more = "Also what is published to all; other messages are dropped. -t "
		"bounds the silence;\nexit status 3 then. --json prints from, "
		"name, topic, tag, length and, for valid\nUTF-8 up to 1 MiB, "
		"text.\n",
	.options = options,
	.args_size = sizeof(struct sub_args),
	.operands_min = 1,
	.operands_max = INT_MAX,
	.run = run,
};
