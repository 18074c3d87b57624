/* SPDX-License-Identifier: BSD-2-Clause */
/* bellring call: a request to a peer, and its reply */
#include "cli.h"
#include "json.h"
#include "loop.h"
#include "source.h"
#include "sys.h"

#include <stdlib.h>
#include <string.h>

struct call_args {
	int wait_peer_ms;
};

static const struct option_row options[] = {
	{ 'w', "wait-peer", "SECONDS", OPTION_SECONDS,
	  offsetof(struct call_args, wait_peer_ms), 0, 0, NULL,
	  "wait for the peer to appear" },
	{ 0, NULL, NULL, OPTION_FLAG, 0, 0, 0, NULL, NULL },
};

struct call {
	struct session *s;
	struct loop loop;
	const char *peer; /* as the user named it */
	uint32_t id;
	uint16_t method;
	char *request; /* owned */
	size_t len;
	bool done;
	int rc;        /* an enum cli_exit, once done */
};

static void print(struct call *c, const void *reply, size_t len)
{
	struct json j;

	if (!c->s->json) {
		sys_binary(stdout);
		/* A failed write is seen by cli_flush() at the end. */
		(void)fwrite(reply, 1, len, stdout);
		if (sys_is_terminal(stdout))
			putchar('\n');
		return;
	}
	json_begin(&j, stdout);
	json_uint(&j, "from", c->id);
	json_uint(&j, "method", c->method);
	json_uint(&j, "length", len);
	if (json_is_utf8(reply, len))
		json_bytes(&j, "text", reply, len);
	json_end(&j);
}

static void on_reply(struct bell_bus *bus, uint64_t id, int64_t result,
		     const void *reply, void *arg)
{
	struct call *c = arg;

	(void)bus, (void)id;
	c->done = true;
	if (result >= 0)
		print(c, result > 0 ? reply : "", (size_t)result);
	else
		c->rc = cli_fail((int)result, "call %s", c->peer);
}

static int await_reply(struct call *c, uint64_t id)
{
	int rc = CLI_DONE;

	while (rc == CLI_DONE && !c->done) {
		if (sys_stopped()) {
			(void)bell_call_cancel(c->s->bus, id);
			return cli_error("call %s: interrupted", c->peer);
		}
		net_set_clear(c->loop.set);
		rc = loop_wait(&c->loop, -1);
	}
	return c->done ? c->rc : rc;
}

/* Standard input to its end: one byte more than is allowed tells of too much. */
static int read_request(struct call *c, size_t max)
{
	struct source source;
	size_t n = 1;
	int rc;

	c->request = malloc(max + 1);
	if (!c->request)
		return cli_no_memory();
	rc = source_open(&source, c->s, c->peer, "-");
	while (rc == CLI_DONE && n > 0 && c->len <= max) {
		rc = source_read(&source, c->request + c->len,
				 max + 1 - c->len, &n);
		c->len += rc == CLI_DONE ? n : 0;
	}
	source_close(&source);
	return rc;
}

static int ask(struct call *c, const char *text)
{
	uint64_t id = 0;
	int rc = bell_call_start(c->s->bus, c->id, c->method,
			     text ? text : c->request,
			     text ? strlen(text) : c->len, c->s->timeout_ms,
			     on_reply, c, &id);
	if (rc < 0)
		return cli_fail(rc, "call %s", c->peer);
	return await_reply(c, id);
}

static int run(struct session *s, const void *args, int argc, char **argv)
{
	const struct call_args *a = args;
	struct call c = { .s = s, .peer = argv[0], .rc = CLI_DONE };
	uint64_t method;
	int rc;

	if (!options_number(argv[1], 0, UINT16_MAX, &method))
		return cli_usage(&cmd_call, "call: %s: a method is a number from 0 "
				 "to 65535", argv[1]);
	c.method = (uint16_t)method;
	rc = session_join(s);
	if (rc == CLI_DONE)
		rc = session_await(s, argv[0], a->wait_peer_ms, &c.id);
	if (rc == CLI_DONE && argc < 3)
		rc = read_request(&c, bell_max_call(s->bus));
	if (rc == CLI_DONE)
		rc = loop_begin(&c.loop, s);
	if (rc == CLI_DONE)
		rc = ask(&c, argc > 2 ? argv[2] : NULL);
	loop_end(&c.loop);
	free(c.request);
	return rc;
}

const struct bell_cmd cmd_call = {
	.name = "call",
	.usage = "[-w SECONDS] PEER METHOD [TEXT]",
	.summary = "ask a peer, and print its reply",
	.more = "METHOD is a number that the peer serves, as by bellring serve; "
		"the request is TEXT or\nstandard input. -t bounds the wait for "
		"the reply, and is told to the peer. Exit\nstatus 1 if the peer "
		"failed, 3 if it is absent, does not serve METHOD or is too\n"
		"late.\n",
	.options = options,
	.args_size = sizeof(struct call_args),
	.operands_min = 2,
	.operands_max = 3,
	.run = run,
};
