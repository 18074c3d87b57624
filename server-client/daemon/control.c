/* SPDX-License-Identifier: BSD-2-Clause */
#include "control.h"

#include "access.h"
#include "control-json.h"
#include "control-lines.h"
#include "error.h"
#include "log.h"

#include <stdio.h>
#include <stdlib.h>

struct control {
	struct lines *lines;
};

/* ---- requests --------------------------------------------------------------------- */

static int say_status(struct server *server, struct evbuffer *answer)
{
	struct inspect_status status;

	inspect_status(server, &status);
	return control_say_status(&status, answer);
}

static int say_stats(struct server *server, struct evbuffer *answer)
{
	struct inspect_status status;

	inspect_status(server, &status);
	return control_say_stats(&status.counters, answer);
}

struct listing {
	struct evbuffer *answer;
	int rc;
};

static void list_peer(void *arg, const struct inspect_peer *peer)
{
	struct listing *l = arg;

	if (l->rc == 0)
		l->rc = control_say_peer(peer, l->answer);
}

static int say_peers(struct server *server, struct evbuffer *answer)
{
	struct listing l = { .answer = answer };

	inspect_peers(server, list_peer, &l);
	return l.rc;
}

/* Who does something to others is in the log. */
static void note(const struct lines_client *client, const char *what)
{
	struct access_who who;

	if (access_who(client->sock, &who) < 0)
		log_info("control: %s, by somebody: %s", what, bell_detail());
	else
		log_info("control: %s, by pid %ld, uid %lu", what, (long)who.pid,
			 (unsigned long)who.uid);
}

static int kick(struct server *server, const struct lines_client *client,
		uint32_t id, struct evbuffer *answer)
{
	char what[32];
	int rc;

	snprintf(what, sizeof(what), "kick %u", (unsigned)id);
	note(client, what);
	rc = inspect_kick(server, id);
	return rc < 0 ? rc : control_say_kicked(id, answer);
}

static int drain(struct server *server, const struct lines_client *client, bool on,
		 struct evbuffer *answer)
{
	struct inspect_status status;

	note(client, on ? "drain" : "drain off");
	inspect_status(server, &status);
	inspect_drain(server, on);
	return control_say_drain(on, status.peers, answer);
}

static int obey(struct server *server, const struct lines_client *client,
		const struct control_request *r, struct evbuffer *answer)
{
	switch (r->verb) {
	case CONTROL_STATUS:
		return say_status(server, answer);
	case CONTROL_PEERS:
		return say_peers(server, answer);
	case CONTROL_STATS:
		return say_stats(server, answer);
	case CONTROL_KICK:
		return kick(server, client, r->id, answer);
	case CONTROL_DRAIN:
		return drain(server, client, r->on, answer);
	}
	return error_detail(BELL_EINVAL, "unknown request");
}

enum lines_next control_line(void *server, struct lines_client *client,
			     const char *line, size_t len,
			     struct evbuffer *answer)
{
	struct control_request request;
	int rc = control_parse(line, len, &request);

	if (rc == 0)
		rc = obey(server, client, &request, answer);
	if (rc == -BELL_ENOMEM)
		return LINES_DROP;
	rc = rc < 0 ? control_say_error(rc, bell_detail(), answer) :
		      control_say_end(answer);
	return rc < 0 ? LINES_DROP : LINES_GO_ON;
}

/* ---- the socket -------------------------------------------------------------------- */

static void refuse(enum lines_refusal why, struct evbuffer *answer)
{
	static const struct {
		int code;
		const char *text;
	} says[] = {
		[LINES_CROWDED] = { BELL_EBUSY, "too many are connected to the control "
						"socket; try again later" },
		[LINES_TOO_LONG] = { BELL_EMSGSIZE, "a request has 256 bytes at most" },
		[LINES_UNFINISHED] = { BELL_EINVAL, "a request ends with a newline" },
		[LINES_BUSY] = { BELL_EBUSY, "others have not read their answers yet; "
					     "try again later" },
	};

	/* Without memory it is dropped without a word. */
	(void)control_say_error(says[why].code, says[why].text, answer);
}

int control_new(struct event_base *base, struct server *server,
		struct listener *listener, struct control **out)
{
	static const struct lines_wish wish = {
		.name = "control",
		.connections = CONTROL_CONNECTIONS,
		.line_max = CONTROL_LINE_MAX,
		.time_ms = 30000,
		.waiting_max = 4u << 20,
		.line = control_line,
		.refuse = refuse,
	};
	struct control *c = calloc(1, sizeof(*c));
	int rc;

	if (!c)
		return error_detail(BELL_ENOMEM, "control: out of memory");
	rc = lines_new(base, &wish, server, listener, &c->lines);
	if (rc < 0)
		control_free(c);
	else
		*out = c;
	return rc;
}

void control_free(struct control *c)
{
	if (!c)
		return;
	lines_free(c->lines);
	free(c);
}
