/* SPDX-License-Identifier: BSD-2-Clause */
/* Services, and the streams that others open to them. */
#include "stream-set.h"

#include "error.h"

#include <stdlib.h>
#include <string.h>

int stream_check_service(const char *service, size_t len)
{
	if (len == 0 || len > BELL_SERVICE_MAX)
		return error_detail(BELL_EINVAL,
				    "service of %zu bytes: 1 to %d are possible", len,
				    BELL_SERVICE_MAX);
	for (size_t i = 0; i < len; i++)
		if (service[i] <= ' ' || service[i] >= 0x7f)
			return error_detail(BELL_EINVAL,
					    "service: byte %zu is not a printable ASCII "
					    "character (no spaces)", i + 1);
	return 0;
}

static struct bell_listener *find_listener(const struct bell_bus *bus,
					   const char *service)
{
	struct bell_listener *l = bus->streams ? bus->streams->listeners : NULL;

	while (l && strcmp(l->service, service) != 0)
		l = l->next;
	return l;
}

int bell_listen(struct bell_bus *bus, const char *service, bell_accept_fn *fn,
		void *arg, struct bell_listener **out)
{
	struct stream_set *set;
	struct bell_listener *l;
	int rc = stream_check_service(service, strlen(service));

	if (rc < 0)
		return rc;
	if (find_listener(bus, service))
		return error_detail(BELL_EEXIST, "service %s: offered already", service);
	set = stream_set_need(bus);
	l = calloc(1, sizeof(*l));
	if (!set || !l) {
		free(l);
		return error_plain(BELL_ENOMEM);
	}
	l->bus = bus;
	l->fn = fn;
	l->arg = arg;
	l->end = &l->first;
	memcpy(l->service, service, strlen(service) + 1);
	l->next = set->listeners;
	set->listeners = l;
	*out = l;
	return 0;
}

/* ---- the backlog ---- */

static void backlog_add(struct bell_listener *l, struct bell_stream *s)
{
	s->listener = l;
	*l->end = s;
	l->end = &s->backlog_next;
	l->count++;
}

void stream_backlog_remove(struct bell_stream *s)
{
	struct bell_listener *l = s->listener;
	struct bell_stream **p;

	if (!l)
		return;
	for (p = &l->first; *p != s; p = &(*p)->backlog_next)
		;
	*p = s->backlog_next;
	if (l->end == &s->backlog_next)
		l->end = p;
	l->count--;
	s->backlog_next = NULL;
	s->listener = NULL;
}

static struct bell_stream *backlog_pop(struct bell_listener *l)
{
	struct bell_stream *s = l->first;

	if (s)
		stream_backlog_remove(s);
	return s;
}

void bell_unlisten(struct bell_listener *l)
{
	struct bell_listener **p;
	struct bell_stream *s;

	if (!l)
		return;
	while ((s = backlog_pop(l)) != NULL)
		bell_stream_reset(s);
	for (p = &l->bus->streams->listeners; *p != l; p = &(*p)->next)
		;
	*p = l->next;
	free(l);
}

void stream_free_listeners(struct bell_bus *bus)
{
	struct bell_listener *l;

	while ((l = bus->streams->listeners) != NULL) {
		bus->streams->listeners = l->next;
		free(l);
	}
}

/* ---- opened by others ---- */

static bool read_service(const struct ring_record *rec,
			 char service[BELL_SERVICE_MAX + 1])
{
	uint32_t len = rec->len - STREAM_VALUE_HEAD;

	if (len > BELL_SERVICE_MAX)
		return false;
	ring_copy_out(rec, STREAM_VALUE_HEAD, service, len);
	service[len] = '\0';
	return stream_check_service(service, len) == 0;
}

static struct bell_listener *who_takes(const struct bell_bus *bus,
				       const struct bus_remote *from,
				       const struct ring_record *rec)
{
	char service[BELL_SERVICE_MAX + 1];
	struct bell_listener *l;

	if (!read_service(rec, service))
		return NULL;
	l = find_listener(bus, service);
	if (!l || (!l->fn && l->count >= STREAM_BACKLOG) ||
	    *stream_count_of(bus, from) >= STREAMS_OF_PEER)
		return NULL;
	return l;
}

void stream_take_open(struct bell_bus *bus, const struct bus_remote *from,
		      const struct stream_head *head, const struct ring_record *rec)
{
	struct bell_listener *l = who_takes(bus, from, rec);
	struct bell_stream *s = NULL;

	if (l)
		s = stream_new(bus, from, head->number, false, l->service);
	if (!s) {
		stream_refuse(bus, from, head, STREAM_REFUSED, true);
		return;
	}
	s->open = true;
	s->told_open = true;
	s->limit = head->value;
	backlog_add(l, s);
	stream_send(s, OWED_ACCEPT);
	if (l->fn)
		bus_pend(bus);
}

static struct bell_listener *due_listener(const struct stream_set *set)
{
	struct bell_listener *l = set->listeners;

	while (l && (!l->fn || !l->first))
		l = l->next;
	return l;
}

int stream_tell_accepts(struct bell_bus *bus)
{
	struct bell_listener *l;
	bool calling = bus->calling;
	int n;

	/* A callback may unlisten: found anew each time. */
	for (n = 0; n < (int)STREAMS_OF_PEER &&
		    (l = due_listener(bus->streams)) != NULL; n++) {
		struct bell_stream *s = backlog_pop(l);

		bus->calling = true;
		l->fn(l, s, l->arg);
		bus->calling = calling;
	}
	if (due_listener(bus->streams))
		bus_pend(bus);
	return n;
}

/* ---- taken by the program ---- */

static int accept_waiting(struct bell_listener *l, int timeout_ms,
			  struct bell_stream **out)
{
	struct bell_bus *bus = l->bus;
	uint64_t deadline = bus_deadline(timeout_ms);

	for (;;) {
		int rc = bus_scan(bus);

		if (rc < 0)
			return rc;
		if (l->first) {
			*out = backlog_pop(l);
			return 0;
		}
		rc = stream_idle(bus, NULL, 0, deadline);
		if (rc < 0)
			return rc;
	}
}

int bell_accept(struct bell_listener *l, int timeout_ms, struct bell_stream **out)
{
	struct bell_bus *bus = l->bus;
	struct bus_call call;
	int rc = timeout_ms != 0 ? bus_no_callback(bus) : 0;

	if (rc < 0)
		return rc;
	call = bus_begin(bus);
	rc = accept_waiting(l, timeout_ms, out);
	bus_end(bus, call);
	return rc;
}
