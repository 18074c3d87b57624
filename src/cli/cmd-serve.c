/* SPDX-License-Identifier: BSD-2-Clause */
/* bellring serve: answers each request by running a command */
#include "cli.h"
#include "loop.h"
#include "process.h"
#include "sys.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define ANY "any"
/* What bell_fail() passes on of a command's standard error. */
#define WHY_MAX 200
/* A command that has closed its output and goes on: looked at so often. */
#define END_MS 20
#define CHUNK 65536u

struct serve_args {
	uint64_t jobs;
};

static const struct option_row options[] = {
	{ 'j', "jobs", "N", OPTION_NUMBER, offsetof(struct serve_args, jobs), 1,
	  1024, NULL, "run at most N commands at once (default 16)" },
	{ 0, NULL, NULL, OPTION_FLAG, 0, 0, 0, NULL, NULL },
};

static const struct serve_args defaults = { .jobs = 16 };

/* A request: waits for its turn, then for its command. */
struct job {
	struct job *next;
	struct server *server;
	struct bell_request *request; /* owned */
	struct process process;
	bool runs, cancelled, too_long;
	size_t sent; /* bytes of the request that the command has */
	char *reply; /* owned */
	size_t len, room;
	char why[WHY_MAX + 1];
	size_t why_len;
	int in_index, out_index, err_index; /* in the set; -1: not there */
};

struct server {
	struct session *s;
	struct loop loop;
	char **command;
	size_t jobs_max, jobs;
	struct job *first, **end; /* oldest first */
	char scratch[CHUNK];
};

/* ---- requests ---- */

static void on_cancel(struct bell_request *request, int code, void *arg)
{
	struct job *j = arg;

	(void)request, (void)code;
	j->cancelled = true;
	process_kill(&j->process);
}

static void on_request(struct bell_bus *bus, struct bell_request *request, void *arg)
{
	struct server *server = arg;
	struct job *j = calloc(1, sizeof(*j));

	(void)bus;
	if (!j) {
		(void)bell_fail(request, "out of memory");
		return;
	}
	j->server = server;
	j->request = request;
	j->process = (struct process){ .in = NET_NONE, .out = NET_NONE,
				       .err = NET_NONE };
	*server->end = j;
	server->end = &j->next;
	bell_on_cancel(request, on_cancel, j);
}

static void fail(struct job *j, const char *why)
{
	char label[SESSION_LABEL];

	if (!j->cancelled || j->server->s->verbose)
		cli_error("serve: request from %s: %s",
			  session_label(j->server->s,
					bell_request_peer(j->request), label),
			  j->cancelled ? "cancelled" : why);
	(void)bell_fail(j->request, why);
	j->request = NULL;
}

static void job_free(struct job *j)
{
	process_done(&j->process);
	if (j->request)
		(void)bell_fail(j->request, "the server ends");
	if (j->runs)
		j->server->jobs--;
	free(j->reply);
	free(j);
}

/* ---- its command ---- */

static void start(struct job *j)
{
	char caller[32], method[32];
	char *env[] = { caller, method, NULL };

	snprintf(caller, sizeof(caller), "BELLRING_CALLER=%u",
		 (unsigned)bell_request_peer(j->request));
	snprintf(method, sizeof(method), "BELLRING_METHOD=%u",
		 (unsigned)bell_request_method(j->request));
	if (process_start(&j->process, j->server->command, env) < 0) {
		snprintf(j->why, sizeof(j->why), "%s: %s", j->server->command[0],
			 net_why());
		fail(j, j->why);
		return;
	}
	j->runs = true;
	j->server->jobs++;
}

static void give_request(struct job *j)
{
	size_t len;
	const char *data = bell_request_data(j->request, &len);
	int64_t n = 0;

	while (j->sent < len && n >= 0) {
		n = net_write(j->process.in, data + j->sent, len - j->sent);
		j->sent += n > 0 ? (size_t)n : 0;
	}
	/* One that does not read it all is free not to. */
	if (j->sent == len || n != -BELL_EAGAIN)
		net_close(&j->process.in);
}

static bool keep_reply(struct job *j, const char *data, size_t len)
{
	size_t room = j->room ? j->room : CHUNK;
	char *larger;

	while (room < j->len + len)
		room *= 2;
	if (room != j->room) {
		larger = realloc(j->reply, room);
		if (!larger)
			return false;
		j->reply = larger;
		j->room = room;
	}
	memcpy(j->reply + j->len, data, len);
	j->len += len;
	return true;
}

/* Up to its end, which closes it: more than one may answer is no answer. */
static void take_reply(struct job *j)
{
	size_t max = bell_max_call(j->server->s->bus);
	char *buf = j->server->scratch;
	int64_t n;

	while ((n = net_read(j->process.out, buf, CHUNK)) > 0) {
		if (j->len + (size_t)n <= max && keep_reply(j, buf, (size_t)n))
			continue;
		snprintf(j->why, sizeof(j->why), "its reply has more than %zu bytes",
			 max);
		j->why_len = WHY_MAX;
		j->too_long = true;
		process_kill(&j->process);
		break;
	}
	if (n != -BELL_EAGAIN)
		net_close(&j->process.out);
}

static void take_errors(struct job *j)
{
	char *buf = j->server->scratch;
	int64_t n;
	size_t len;

	while ((n = net_read(j->process.err, buf, CHUNK)) > 0) {
		len = WHY_MAX - j->why_len;
		len = (size_t)n < len ? (size_t)n : len;
		memcpy(j->why + j->why_len, buf, len);
		j->why_len += len;
	}
	if (n != -BELL_EAGAIN)
		net_close(&j->process.err);
}

static void answer(struct job *j, int status)
{
	size_t len = strlen(j->why);
	int rc;

	while (len > 0 && strchr(" \r\n", j->why[len - 1]))
		j->why[--len] = '\0';
	if (len == 0)
		process_status(status, j->why);
	if (status != 0 || j->too_long) {
		fail(j, j->why);
		return;
	}
	rc = bell_reply(j->request, j->reply, j->len);
	if (rc == -BELL_ENOMEM || rc == -BELL_EMSGSIZE)
		fail(j, bell_strerror(rc));
	j->request = NULL;
}

/* ---- the loop ---- */

static int add(struct net_set *set, net_t fd, unsigned want, int *index)
{
	*index = fd == NET_NONE ? -1 : net_set_add(set, fd, want);
	return *index < -1 ? cli_no_memory() : CLI_DONE;
}

static bool has_closed(const struct job *j)
{
	return j->process.out == NET_NONE && j->process.err == NET_NONE;
}

static int want(struct job *j, int *timeout_ms)
{
	struct net_set *set = j->server->loop.set;
	int rc;

	if (!j->runs)
		return CLI_DONE;
	if (has_closed(j))
		*timeout_ms = END_MS;
	rc = add(set, j->process.in, NET_WRITE, &j->in_index);
	if (rc == CLI_DONE)
		rc = add(set, j->process.out, NET_READ, &j->out_index);
	if (rc == CLI_DONE)
		rc = add(set, j->process.err, NET_READ, &j->err_index);
	return rc;
}

static bool got(const struct job *j, int index)
{
	return index >= 0 && net_set_got(j->server->loop.set, index);
}

/* True if it is over. */
static bool step(struct job *j)
{
	int status;

	if (got(j, j->in_index))
		give_request(j);
	if (got(j, j->out_index))
		take_reply(j);
	if (got(j, j->err_index))
		take_errors(j);
	if (!has_closed(j) || !process_ended(&j->process, &status))
		return false;
	answer(j, status);
	return true;
}

/* Those that wait begin only after the set was looked at. */
static void turn(struct server *server)
{
	struct job **at = &server->first, *j;
	bool over;

	while ((j = *at) != NULL) {
		over = j->runs && step(j);
		if (!j->runs && j->cancelled) {
			fail(j, "cancelled");
		} else if (!j->runs && server->jobs < server->jobs_max) {
			j->in_index = j->out_index = j->err_index = -1;
			start(j);
		}
		if (!over && j->request) {
			at = &j->next;
			continue;
		}
		*at = j->next;
		if (server->end == &j->next)
			server->end = at;
		job_free(j);
	}
}

static int serve(struct server *server)
{
	int timeout_ms, rc = CLI_DONE;
	struct job *j;

	while (!sys_stopped()) {
		timeout_ms = -1;
		net_set_clear(server->loop.set);
		for (j = server->first; rc == CLI_DONE && j; j = j->next)
			rc = want(j, &timeout_ms);
		if (rc == CLI_DONE)
			rc = loop_wait(&server->loop, timeout_ms);
		if (rc != CLI_DONE)
			return rc;
		turn(server);
	}
	return CLI_DONE;
}

static int offer(struct server *server, uint32_t method)
{
	struct session *s = server->s;
	struct job *j;
	int rc = bell_on_call(s->bus, method, on_request, server);

	if (rc < 0)
		return cli_fail(rc, "serve");
	if (session_reports(s))
		fprintf(stderr, "bellring: serving as %s (id %s)\n",
			bell_bus_name(s->bus), SESSION_ID(bell_id(s->peer)));
	rc = serve(server);
	(void)bell_on_call(s->bus, method, NULL, NULL);
	while ((j = server->first) != NULL) {
		server->first = j->next;
		job_free(j);
	}
	return rc;
}

static int run(struct session *s, const void *args, int argc, char **argv)
{
	const struct serve_args *a = args;
	struct server *server;
	uint64_t method = BELL_ANY_METHOD;
	int rc;

	(void)argc;
	if (strcmp(argv[0], ANY) != 0 &&
	    !options_number(argv[0], 0, UINT16_MAX, &method))
		return cli_usage(&cmd_serve, "serve: %s: a method is a number from "
				 "0 to 65535, or " ANY, argv[0]);
	server = calloc(1, sizeof(*server));
	if (!server)
		return cli_no_memory();
	server->s = s;
	server->command = argv + 1;
	server->jobs_max = (size_t)a->jobs;
	server->end = &server->first;
	rc = session_join(s);
	if (rc == CLI_DONE)
		rc = loop_begin(&server->loop, s);
	if (rc == CLI_DONE)
		rc = offer(server, (uint32_t)method);
	loop_end(&server->loop);
	free(server);
	return rc;
}

const struct bell_cmd cmd_serve = {
	.name = "serve",
	.usage = "[-j N] METHOD COMMAND [ARGUMENT...]",
	.summary = "answer requests by running a command",
	.more = "METHOD is a number or \"" ANY "\". The command gets the request "
		"on standard input, the\ncaller's id in $BELLRING_CALLER and the "
		"method in $BELLRING_METHOD; what it writes to\nstandard output is "
		"the reply. If it fails, the caller gets the begin of what it\n"
		"wrote to standard error. It is killed when nobody waits for the "
		"reply any more.\nOptions stand before METHOD.\n",
	.options = options,
	.defaults = &defaults,
	.args_size = sizeof(struct serve_args),
	.operands_min = 2,
	.operands_max = INT_MAX,
	.options_first = true,
	.run = run,
};
