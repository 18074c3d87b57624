/* SPDX-License-Identifier: BSD-2-Clause */
#define _GNU_SOURCE /* accept4 */

#include "lines.h"

#include "error.h"
#include "fd.h"
#include "log.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define LINE_ROOM 4096u
#define ACCEPTS_A_TURN 4
#define LINGER_MS 1000u

/* When the system is short of something, nothing tells when that is over. */
static const struct timeval retry_time = { .tv_usec = 200000 };
/* Not before the loop has looked what the peers want. */
static const struct timeval next_turn = { 0 };

enum phase {
	ASKED,  /* its lines are looked at */
	TOLD,   /* has an answer to take before its next line is looked at */
	ENDING, /* has its last answer to take */
	CLOSED  /* has taken it; its own end is waited for */
};

struct connection {
	struct lines *owner;
	struct lines_client client;
	struct bufferevent *stream;
	struct event deadline;
	struct event turn;
	enum phase phase;
	bool at_end; /* it sends no more */
	bool broken; /* to be dropped */
	struct connection *next, **at; /* in the owner's list */
};

struct lines {
	const struct lines_wish *wish;
	void *arg;
	struct event_base *base;
	struct listener listener;
	struct event *acceptable;
	struct event *resume; /* accepts again after a while */
	bool waits;           /* for something to accept with; was told */
	struct connection *connections;
	size_t count;
	struct evbuffer *answer; /* while one is made; else empty */
};

/* ---- answers ------------------------------------------------------------------- */

static void drop(struct connection *c)
{
	if (c->next)
		c->next->at = c->at;
	*c->at = c->next;
	c->owner->count--;
	event_del(&c->deadline);
	event_del(&c->turn);
	bufferevent_free(c->stream);
	free(c);
}

static void set_deadline(struct connection *c, unsigned ms)
{
	struct timeval t = { .tv_sec = (time_t)(ms / 1000),
			     .tv_usec = (suseconds_t)(ms % 1000) * 1000 };

	event_add(&c->deadline, &t);
}

static void empty(struct evbuffer *b)
{
	evbuffer_drain(b, evbuffer_get_length(b));
}

/* What it can at once, so that the answer to what stops the server gets out. */
static void send_answer(struct connection *c)
{
	struct evbuffer *answer = c->owner->answer;

	if (evbuffer_get_length(answer) == 0)
		return;
	if (c->phase == ASKED)
		c->phase = TOLD;
	if (evbuffer_write(answer, c->client.sock) < 0 && errno != EAGAIN)
		c->broken = true;
	else if (bufferevent_write_buffer(c->stream, answer) < 0)
		c->broken = true;
	empty(answer);
}

static void refuse(struct connection *c, enum lines_refusal why)
{
	c->phase = ENDING;
	c->owner->wish->refuse(why, c->owner->answer);
	send_answer(c);
}

/*
 * What is sent behind the last line is read and thrown away for a moment: TCP
 * resets a connection that is closed before, and the client may see that first.
 */
static void finish(struct connection *c)
{
	c->phase = CLOSED;
	shutdown(c->client.sock, SHUT_WR);
	empty(bufferevent_get_input(c->stream));
	set_deadline(c, LINGER_MS);
}

/* Goes on where nothing waits any more; to be called last, as c may be gone. */
static void settle(struct connection *c)
{
	bool taken = evbuffer_get_length(bufferevent_get_output(c->stream)) == 0;

	if (taken && c->phase == TOLD) {
		c->phase = ASKED;
		set_deadline(c, c->owner->wish->time_ms);
		event_add(&c->turn, &next_turn);
	} else if (taken && c->phase == ENDING) {
		finish(c);
	}
	if (c->broken || (c->phase == CLOSED && c->at_end))
		drop(c);
	else if (!c->at_end && (c->phase == ASKED || c->phase == CLOSED))
		bufferevent_enable(c->stream, EV_READ);
	else
		bufferevent_disable(c->stream, EV_READ);
}

/* ---- lines ---------------------------------------------------------------------- */

static size_t bytes_waiting(const struct lines *l)
{
	size_t sum = 0;

	for (const struct connection *c = l->connections; c; c = c->next)
		sum += evbuffer_get_length(bufferevent_get_output(c->stream));
	return sum;
}

static void handle(struct connection *c, const char *line, size_t len)
{
	struct lines *l = c->owner;

	if (bytes_waiting(l) > l->wish->waiting_max) {
		refuse(c, LINES_BUSY);
		return;
	}
	switch (l->wish->line(l->arg, &c->client, line, len, l->answer)) {
	case LINES_GO_ON:
		break;
	case LINES_END:
		c->phase = ENDING;
		break;
	case LINES_DROP:
		c->broken = true;
		empty(l->answer);
		break;
	}
	send_answer(c);
}

/* There is no whole line. */
static void judge_rest(struct connection *c, size_t rest)
{
	if (rest > c->owner->wish->line_max + 1) /* with a CR */
		refuse(c, LINES_TOO_LONG);
	else if (c->at_end && rest > 0)
		refuse(c, LINES_UNFINISHED);
	else if (c->at_end)
		c->broken = true;
}

/* Returns whether there may be another one. */
static bool take_line(struct connection *c)
{
	struct evbuffer *in = bufferevent_get_input(c->stream);
	char line[LINE_ROOM + 2];
	struct evbuffer_ptr end;
	size_t len;

	end = evbuffer_search_eol(in, NULL, NULL, EVBUFFER_EOL_LF);
	if (end.pos < 0) {
		judge_rest(c, evbuffer_get_length(in));
		return false;
	}
	len = (size_t)end.pos;
	if (len > c->owner->wish->line_max + 1 || len > LINE_ROOM + 1) {
		refuse(c, LINES_TOO_LONG);
		return false;
	}
	evbuffer_remove(in, line, len + 1);
	if (len > 0 && line[len - 1] == '\r')
		len--;
	line[len] = '\0';
	if (len > c->owner->wish->line_max)
		refuse(c, LINES_TOO_LONG);
	else
		handle(c, line, len);
	return true;
}

/* Up to the first that is answered: others have their turn before the next. */
static void look(struct connection *c)
{
	while (c->phase == ASKED && !c->broken && take_line(c))
		;
	settle(c);
}

static void on_turn(evutil_socket_t none, short what, void *arg)
{
	(void)none;
	(void)what;
	look(arg);
}

static void on_deadline(evutil_socket_t none, short what, void *arg)
{
	struct connection *c = arg;

	(void)none;
	(void)what;
	if (c->phase != CLOSED)
		log_debug("%s: a client is dropped: it was silent, or did not read, "
			  "for %u ms", c->owner->wish->name,
			  c->owner->wish->time_ms);
	drop(c);
}

static void on_read(struct bufferevent *stream, void *arg)
{
	struct connection *c = arg;

	if (c->phase == CLOSED)
		empty(bufferevent_get_input(stream));
	look(c);
}

static void on_written(struct bufferevent *stream, void *arg)
{
	(void)stream;
	settle(arg);
}

static void on_event(struct bufferevent *stream, short what, void *arg)
{
	struct connection *c = arg;

	(void)stream;
	if (what & BEV_EVENT_EOF)
		c->at_end = true;
	else
		c->broken = true;
	look(c);
}

/* ---- connections ------------------------------------------------------------------ */

static void link_in(struct lines *l, struct connection *c)
{
	c->next = l->connections;
	c->at = &l->connections;
	if (c->next)
		c->next->at = &c->next;
	l->connections = c;
	l->count++;
}

/* Takes *sock; without memory it is closed. */
static void admit(struct lines *l, int *sock)
{
	struct connection *c = calloc(1, sizeof(*c));

	if (c)
		c->stream = bufferevent_socket_new(l->base, *sock,
						   BEV_OPT_CLOSE_ON_FREE);
	if (!c || !c->stream) {
		free(c);
		fd_close(sock);
		return;
	}
	c->client.sock = fd_take(sock);
	c->owner = l;
	link_in(l, c);
	evtimer_assign(&c->deadline, l->base, on_deadline, c);
	evtimer_assign(&c->turn, l->base, on_turn, c);
	bufferevent_setcb(c->stream, on_read, on_written, on_event, c);
	/*
	 * A line with CR and LF, and a byte that tells that it is longer. No
	 * watermark: libevent 2.1 dies where it has no memory for that one.
	 */
	bufferevent_set_max_single_read(c->stream, l->wish->line_max + 3);
	set_deadline(c, l->wish->time_ms);
	if (bufferevent_enable(c->stream, EV_READ | EV_WRITE) < 0)
		drop(c);
}

static void turn_away(struct lines *l, int *sock)
{
	log_debug("%s: a client is refused: %zu are connected", l->wish->name,
		  l->count);
	l->wish->refuse(LINES_CROWDED, l->answer);
	(void)evbuffer_write(l->answer, *sock);
	empty(l->answer);
	fd_close(sock);
}

static void pause_accept(struct lines *l)
{
	if (!l->waits)
		log_error("%s: accept: %s; trying again", l->wish->name,
			  strerror(errno));
	l->waits = true;
	event_del(l->acceptable);
	event_add(l->resume, &retry_time);
}

/* Returns whether to go on. */
static bool accept_one(struct lines *l)
{
	int sock = accept4(l->listener.fd, NULL, NULL,
			   SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (sock < 0) {
		if (errno == EINTR || errno == ECONNABORTED)
			return true;
		if (errno != EAGAIN)
			pause_accept(l);
		return false;
	}
	l->waits = false;
	if (l->count < l->wish->connections)
		admit(l, &sock);
	else
		turn_away(l, &sock);
	return true;
}

static void on_acceptable(evutil_socket_t sock, short what, void *arg)
{
	(void)sock;
	(void)what;
	for (int i = 0; i < ACCEPTS_A_TURN && accept_one(arg); i++)
		;
}

static void on_resume(evutil_socket_t none, short what, void *arg)
{
	struct lines *l = arg;

	(void)none;
	(void)what;
	event_add(l->acceptable, NULL);
}

/* ---- start and end ------------------------------------------------------------------ */

/* Borrows the descriptor until all has succeeded. */
static bool start(struct lines *l, int fd)
{
	l->answer = evbuffer_new();
	l->resume = evtimer_new(l->base, on_resume, l);
	l->acceptable = event_new(l->base, fd, EV_READ | EV_PERSIST,
				  on_acceptable, l);
	return l->answer && l->resume && l->acceptable &&
	       event_add(l->acceptable, NULL) == 0;
}

int lines_new(struct event_base *base, const struct lines_wish *wish, void *arg,
	      struct listener *listener, struct lines **out)
{
	struct lines *l = calloc(1, sizeof(*l));

	if (!l)
		return error_detail(BELL_ENOMEM, "%s: out of memory", wish->name);
	l->base = base;
	l->wish = wish;
	l->arg = arg;
	l->listener.fd = -1;
	if (!start(l, listener->fd)) {
		lines_free(l);
		return error_detail(BELL_ENOMEM, "%s: out of memory", wish->name);
	}
	l->listener = *listener;
	*listener = (struct listener){ .fd = -1 };
	*out = l;
	return 0;
}

void lines_free(struct lines *l)
{
	if (!l)
		return;
	while (l->connections)
		drop(l->connections);
	if (l->acceptable)
		event_free(l->acceptable);
	if (l->resume)
		event_free(l->resume);
	if (l->answer)
		evbuffer_free(l->answer);
	listener_done(&l->listener);
	free(l);
}
