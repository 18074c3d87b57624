/* SPDX-License-Identifier: BSD-2-Clause */
#include "bellring-event.h"

#include <event2/event.h>
#include <stdbool.h>
#include <stdlib.h>

struct bell_event {
	struct event *readable;
	struct bell_peer *peer;
	bell_event_error_fn *error;
	void *arg;
	bool dispatching;
	bool freed; /* while dispatching */
};

static void destroy(struct bell_event *e)
{
	if (e->readable)
		event_free(e->readable);
	free(e);
}

static void dispatch(evutil_socket_t handle, short what, void *arg)
{
	struct bell_event *e = arg;
	int rc;

	(void)handle;
	(void)what;
	e->dispatching = true;
	rc = bell_dispatch(e->peer);
	/* There is nothing to wait for any more: it would spin. */
	if (rc == -BELL_EGONE || rc == -BELL_EIO)
		event_del(e->readable);
	if (rc < 0 && e->error && !e->freed)
		e->error(e->peer, rc, e->arg);
	e->dispatching = false;
	if (e->freed)
		destroy(e);
}

struct bell_event *bell_event_new(struct event_base *base,
				  struct bell_peer *peer,
				  bell_event_error_fn *error, void *arg)
{
	struct bell_event *e;

	if (bell_handle(peer) < 0)
		return NULL;
	e = calloc(1, sizeof(*e));
	if (!e)
		return NULL;
	e->peer = peer;
	e->error = error;
	e->arg = arg;
	e->readable = event_new(base, bell_handle(peer), EV_READ | EV_PERSIST,
				dispatch, e);
	if (!e->readable || event_add(e->readable, NULL) < 0) {
		destroy(e);
		return NULL;
	}
	event_active(e->readable, EV_READ, 0);
	return e;
}

void bell_event_free(struct bell_event *event)
{
	if (!event)
		return;
	event->freed = true;
	if (!event->dispatching)
		destroy(event);
	else
		event_del(event->readable);
}
