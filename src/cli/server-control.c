/* SPDX-License-Identifier: BSD-2-Clause */
#include "server-control.h"

#include "cli.h"
#include "net.h"
#include "server-print.h"
#include "sys.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LINE_ROOM 65536u
#define RETRY_MS 20

enum { GOES_ON = -1 }; /* no enum cli_exit yet */

struct talk {
	const struct control_ask *ask;
	uint64_t deadline;
	struct net_address *address;
	struct net_set *set;
	net_t fd;
	char *line; /* LINE_ROOM bytes, of which */
	size_t len; /* so many are filled */
};

/* ---- failures ------------------------------------------------------------------- */

static int say_late(const struct talk *t)
{
	cli_error("%s: no answer in %g s; is it the control socket of a "
		  "bellring-server (--control)?", t->ask->path,
		  t->ask->timeout_ms / 1000.0);
	return CLI_ABSENT;
}

static int say_not_control(const struct talk *t, const char *why)
{
	return cli_error("%s: not the control socket of a bellring-server: %s",
			 t->ask->path, why);
}

static int say_connect_failed(const struct talk *t)
{
	int err = errno;
	const char *remedy = "";

	if (err == ENOENT || err == ENOTDIR || err == ECONNREFUSED)
		remedy = "; is bellring-server running, with this control socket? "
			 "(-S names the server's socket, --control its control socket)";
	else if (err == EACCES || err == EPERM)
		remedy = "; only the server's own user and root may control it, "
			 "unless its control socket has another mode";
	else if (err == EPROTOTYPE)
		remedy = "; not the control socket of a bellring-server";
	return cli_error("%s: connect: %s%s", t->ask->path, strerror(err), remedy);
}

/* ---- waiting -------------------------------------------------------------------- */

/* GOES_ON, or told and an enum cli_exit. */
static int wait_for(struct talk *t, unsigned what, int at_most_ms)
{
	int left_ms = sys_left_ms(t->deadline), rc;

	if (left_ms == 0)
		return say_late(t);
	if (at_most_ms >= 0 && (left_ms < 0 || left_ms > at_most_ms))
		left_ms = at_most_ms;
	net_set_clear(t->set);
	rc = what ? net_set_add(t->set, t->fd, what) : 0;
	if (rc >= 0)
		rc = net_set_wait(t->set, -1, left_ms);
	if (rc < 0)
		return cli_error("%s: %s", t->ask->path, net_why());
	return sys_stopped() ? cli_error("%s: interrupted", t->ask->path) : GOES_ON;
}

static int dial(struct talk *t)
{
	int rc;

	for (;;) {
		rc = net_connect(t->address, 0, &t->fd);
		if (rc == 0)
			return GOES_ON;
		if (rc != -BELL_EAGAIN)
			return say_connect_failed(t);
		rc = wait_for(t, 0, RETRY_MS);
		if (rc != GOES_ON)
			return rc;
	}
}

/* A server that is full has answered already, and reads no more. */
static void send_request(struct talk *t)
{
	size_t len = strlen(t->ask->request);

	memcpy(t->line, t->ask->request, len);
	t->line[len] = '\n';
	(void)net_write(t->fd, t->line, len + 1);
}

/* ---- the answer ------------------------------------------------------------------- */

static int say_error(const struct talk *t, const json_t *o)
{
	const char *code = json_string_value(json_object_get(o, "code"));
	char text[PRINT_TEXT];

	if (!code)
		return say_not_control(t, "it says of an error not which");
	cli_error("%s: %s: %s", t->ask->path, t->ask->request,
		  print_text(o, "text", text));
	return strcmp(code, "ENOPEER") == 0 ? CLI_ABSENT : CLI_FAILED;
}

static int take_object(struct talk *t, const json_t *o)
{
	const char *type = json_string_value(json_object_get(o, "type"));

	if (!type)
		return say_not_control(t, "its answer has no type");
	if (strcmp(type, "end") == 0)
		return CLI_DONE;
	if (strcmp(type, "error") == 0)
		return say_error(t, o);
	t->ask->object(t->ask->arg, o);
	return GOES_ON;
}

static int take_line(struct talk *t, size_t len)
{
	json_t *o = json_loadb(t->line, len, JSON_REJECT_DUPLICATES, NULL);
	int rc = o ? take_object(t, o) :
		     say_not_control(t, "its answer is no JSON object");

	json_decref(o);
	return rc;
}

/* All whole lines that are there. */
static int take_lines(struct talk *t)
{
	char *end;
	int rc = GOES_ON;

	while (rc == GOES_ON && (end = memchr(t->line, '\n', t->len)) != NULL) {
		size_t len = (size_t)(end - t->line);

		rc = take_line(t, len);
		t->len -= len + 1;
		memmove(t->line, end + 1, t->len);
	}
	if (rc == GOES_ON && t->len > 0 && t->line[0] != '{')
		rc = say_not_control(t, "its answer is no JSON object");
	else if (rc == GOES_ON && t->len == LINE_ROOM)
		rc = say_not_control(t, "its answer is one endless line");
	return rc;
}

static int hear(struct talk *t)
{
	int64_t n = net_read(t->fd, t->line + t->len, LINE_ROOM - t->len);

	if (n > 0) {
		t->len += (size_t)n;
		return take_lines(t);
	}
	if (n == -BELL_EAGAIN)
		return wait_for(t, NET_READ, -1);
	if (n == 0)
		return cli_error("%s: closed before the answer was complete; has the "
				 "server stopped?", t->ask->path);
	return cli_error("%s: %s", t->ask->path, net_why());
}

static int converse(struct talk *t)
{
	struct endpoint e = { .kind = ENDPOINT_UNIX };
	const char *why = "";
	int rc;

	if (strlen(t->ask->path) >= sizeof(e.path))
		return cli_error("%s: longer than a socket's path can be",
				 t->ask->path);
	memcpy(e.path, t->ask->path, strlen(t->ask->path) + 1);
	t->line = malloc(LINE_ROOM);
	t->set = net_set_new();
	t->address = net_resolve(&e, &why);
	if (!t->line || !t->set || !t->address)
		return cli_no_memory();
	rc = dial(t);
	if (rc != GOES_ON)
		return rc;
	send_request(t);
	while (rc == GOES_ON)
		rc = hear(t);
	return rc;
}

int control_ask(const struct control_ask *ask)
{
	struct talk t = { .ask = ask, .fd = NET_NONE,
			  .deadline = sys_deadline(ask->timeout_ms) };
	int rc;

	if (sys_catch_signals() < 0)
		return CLI_FAILED;
	rc = converse(&t);
	net_close(&t.fd);
	net_address_free(t.address);
	net_set_free(t.set);
	free(t.line);
	return rc;
}
