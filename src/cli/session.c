/* SPDX-License-Identifier: BSD-2-Clause */
#include "session.h"

#include "cli.h"
#include "sys.h"

#include <stdlib.h>

/* How long a call of the library may keep a signal waiting. */
#define SLICE_MS 100

const char *session_address(const struct session *s)
{
	const char *env = getenv("BELLRING_ADDRESS");

	if (s->address)
		return s->address;
	return env && *env ? env : "no address";
}

/* Works, but not as the user of doorbells expects. */
static void say_polling(const struct session *s)
{
	if (bell_vectors(s->peer) == 0)
		fprintf(stderr, "bellring: %s: port %s, without interrupts: it looks at the "
			"memory now and then; see: bellring doctor\n",
			session_address(s), bell_port_name(s->peer));
}

int session_open(struct session *s)
{
	int rc;

	if (s->peer)
		return CLI_DONE;
	if (sys_catch_signals() < 0)
		return CLI_FAILED;
	rc = bell_open(s->address, s->timeout_ms > 0 ? s->timeout_ms : -1,
		       &s->peer);
	if (rc < 0)
		return cli_fail(rc, "open %s", session_address(s));
	if (session_reports(s))
		say_polling(s);
	return CLI_DONE;
}

void session_say_server_gone(const struct session *s)
{
	cli_error("%s: server is gone: known peers still reach each other, "
		  "nobody new does", s->command);
}

static void on_peer(struct bell_peer *peer, uint32_t id,
		    enum bell_peer_event event, void *arg)
{
	(void)peer, (void)id;
	if (event == BELL_SERVER_LOST)
		session_say_server_gone(arg);
}

int session_join(struct session *s)
{
	struct bell_bus_config config = { .name = s->name };
	int rc = session_open(s);

	if (rc != CLI_DONE)
		return rc;
	config.wait = (enum bell_wait_mode)s->wait;
	rc = bell_join(s->peer, &config, &s->bus);
	if (rc < 0)
		return cli_fail(rc, "join %s", session_address(s));
	/* Guests are not told of their server. */
	rc = bell_on_peer(s->peer, on_peer, s);
	if (rc < 0 && rc != -BELL_EUNSUP)
		return cli_fail(rc, "%s", s->command);
	return CLI_DONE;
}

bool session_reports(const struct session *s)
{
	return s->verbose || sys_is_terminal(stderr);
}

void session_close(struct session *s)
{
	bell_leave(s->bus);
	s->bus = NULL;
	bell_close(s->peer);
	s->peer = NULL;
}

int session_find(struct session *s, const char *peer, uint32_t *id)
{
	int rc = bell_find(s->peer, peer, id);

	return rc < 0 ? cli_fail(rc, "%s %s", s->command, peer) : CLI_DONE;
}

int session_peers(struct session *s, struct bell_peer_info **list)
{
	struct bell_peer_info *got;
	size_t room = 64;
	int n;

	/* The number can grow between two calls. */
	for (;;) {
		got = calloc(room, sizeof(*got));
		if (!got)
			return -BELL_ENOMEM;
		n = bell_peers(s->peer, got, room);
		if (n >= 0 && (size_t)n <= room) {
			*list = got;
			return n;
		}
		free(got);
		if (n < 0)
			return n;
		room = (size_t)n + 16;
	}
}

bool session_peer_info(struct session *s, uint32_t id,
		       struct bell_peer_info *info)
{
	struct bell_peer_info *list;
	int n = session_peers(s, &list), i;

	if (n < 0)
		return false;
	for (i = 0; i < n; i++)
		if (list[i].id == id)
			break;
	if (i < n)
		*info = list[i];
	free(list);
	return i < n;
}

const char *session_label(struct session *s, uint32_t id,
			  char buf[SESSION_LABEL])
{
	struct bell_peer_info info;

	if (session_peer_info(s, id, &info) && info.name[0])
		snprintf(buf, SESSION_LABEL, "%s (id %s)", info.name,
			 SESSION_ID(id));
	else
		snprintf(buf, SESSION_LABEL, "id %s", SESSION_ID(id));
	return buf;
}

/* The shorter of two times of which -1 is for ever. */
static int shorter(int slice_ms, int left_ms)
{
	return left_ms < 0 || left_ms > slice_ms ? slice_ms : left_ms;
}

static bool can_sleep(const struct session *s)
{
	return s->wait != BELL_POLL && bell_vectors(s->peer) > 0;
}

/* bell_recv() or bell_recv_piece(). */
typedef int64_t recv_fn(struct bell_bus *bus, void *buf, size_t size,
			struct bell_envelope *env, int timeout_ms);

static int64_t look(struct session *s, recv_fn *take, void *buf, size_t size,
		    struct bell_envelope *env, int left_ms)
{
	/* Adaptive: long enough to spin; interrupt: session_sleep() sleeps. */
	static const int slice[] = { [BELL_INTERRUPT] = 0,
				     [BELL_POLL] = SLICE_MS,
				     [BELL_ADAPTIVE] = 1 };
	int slice_ms = can_sleep(s) ? slice[s->wait] : SLICE_MS;
	int64_t n;

	env->peer = UINT32_MAX;
	n = take(s->bus, buf, size, env, shorter(slice_ms, left_ms));
	/* SIGCONT interrupts too, signal(7): sys_stopped() knows better. */
	if (n == -BELL_EINTR)
		n = -BELL_EAGAIN;
	/* A look without waiting is what arms the bus for a sleep. */
	if (n == -BELL_EAGAIN && slice_ms > 0 && can_sleep(s))
		n = take(s->bus, buf, size, env, 0);
	return n;
}

int64_t session_look(struct session *s, void *buf, size_t size,
		     struct bell_envelope *env, int left_ms)
{
	return look(s, bell_recv, buf, size, env, left_ms);
}

int64_t session_look_piece(struct session *s, void *buf, size_t size,
			   struct bell_envelope *env, int left_ms)
{
	return look(s, bell_recv_piece, buf, size, env, left_ms);
}

int session_sleep(struct session *s, int left_ms)
{
	int rc;

	if (!can_sleep(s) || sys_stopped())
		return 0;
	rc = sys_wait(bell_handle(s->peer), left_ms);
	if (rc < 0)
		return rc;
	rc = bell_dispatch(s->peer);
	return rc < 0 ? rc : 0;
}

static void ignore(struct bell_bus *bus, const struct bell_envelope *env,
		   const void *data, void *arg)
{
	(void)bus, (void)env, (void)data, (void)arg;
}

int session_dispatch(struct session *s)
{
	int rc;

	/* A broken link was closed, others go on. */
	do
		rc = bell_dispatch(s->peer);
	while (rc == -BELL_ECORRUPT);
	return rc < 0 ? rc : 0;
}

int session_news_begin(struct session *s)
{
	/* A bus that polls is not told of anything. */
	bell_set_wait(s->bus, BELL_INTERRUPT);
	bell_on_message(s->bus, ignore, NULL);
	return session_dispatch(s);
}

int session_news(struct session *s, int left_ms)
{
	bool told = bell_vectors(s->peer) > 0;
	int rc;

	if (sys_stopped())
		return 0;
	rc = sys_wait(bell_handle(s->peer),
		      told ? left_ms : shorter(SLICE_MS, left_ms));
	return rc < 0 ? rc : session_dispatch(s);
}

void session_news_end(struct session *s)
{
	bell_on_message(s->bus, NULL, NULL);
	bell_set_wait(s->bus, (enum bell_wait_mode)s->wait);
}

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

int session_await(struct session *s, const char *peer, int wait_ms, uint32_t *id)
{
	int rc;

	if (wait_ms == 0)
		return session_find(s, peer, id);
	rc = session_news_begin(s);
	if (rc == 0)
		rc = await_peer(s, peer, sys_deadline(wait_ms), id);
	session_news_end(s);
	if (rc == -BELL_EAGAIN)
		return cli_error("%s %s: interrupted", s->command, peer);
	return rc < 0 ? cli_fail(rc, "%s %s", s->command, peer) : CLI_DONE;
}

int64_t session_recv(struct session *s, void *buf, size_t size,
		     struct bell_envelope *env, int timeout_ms)
{
	uint64_t deadline = sys_deadline(timeout_ms);
	int64_t n;
	int left_ms, rc;

	for (;;) {
		left_ms = sys_left_ms(deadline);
		n = session_look(s, buf, size, env, left_ms);
		if (n != -BELL_EAGAIN || left_ms == 0 || sys_stopped())
			return n;
		rc = session_sleep(s, sys_left_ms(deadline));
		if (rc < 0)
			return rc;
	}
}

/* After a try of at most SLICE_MS: is there another one? */
static bool try_again(int64_t *rc, uint64_t deadline)
{
	/* SIGCONT interrupts too, signal(7): sys_stopped() knows better. */
	if (*rc == -BELL_EINTR)
		*rc = -BELL_EAGAIN;
	return *rc == -BELL_EAGAIN && sys_left_ms(deadline) != 0 && !sys_stopped();
}

int session_post(struct session *s, const struct bell_envelope *env,
		 const void *data, size_t len, int timeout_ms)
{
	uint64_t deadline = sys_deadline(timeout_ms);
	int64_t rc;

	do
		rc = bell_post(s->bus, env, data, len,
			       shorter(SLICE_MS, sys_left_ms(deadline)));
	while (try_again(&rc, deadline));
	return (int)rc;
}

int session_continue(struct bell_outgoing *out, const void *data, size_t len,
		     int timeout_ms)
{
	uint64_t deadline = sys_deadline(timeout_ms);
	const char *at = data;
	int64_t n;

	while (len > 0) {
		n = bell_continue(out, at, len,
				  shorter(SLICE_MS, sys_left_ms(deadline)));
		if (n > 0) {
			at += n;
			len -= (size_t)n;
			deadline = sys_deadline(timeout_ms);
		} else if (!try_again(&n, deadline)) {
			return (int)n;
		}
	}
	return 0;
}

int session_finish(struct bell_outgoing *out, uint64_t check, int timeout_ms)
{
	uint64_t deadline = sys_deadline(timeout_ms);
	int64_t rc;

	do
		rc = bell_finish(out, check,
				 shorter(SLICE_MS, sys_left_ms(deadline)));
	while (try_again(&rc, deadline));
	return (int)rc;
}
