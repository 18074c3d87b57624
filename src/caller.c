/* SPDX-License-Identifier: BSD-2-Clause */
/* The side that calls: which calls are in flight, and how each ended. */
#include "flight.h"

#include "error.h"
#include "os.h"

#include <stdlib.h>
#include <string.h>

static void drop(struct call *call)
{
	flight_unlist(call->bus->calls, call);
	free(call->copy);
	free(call);
}

static void end(struct call *call, int64_t result)
{
	struct call_set *set = call->bus->calls;

	call->ended = true;
	call->result = result;
	due_remove(&set->dues, &call->due);
	if (call->fn) {
		queue_add(&set->ended, &call->item);
		bus_pend(call->bus);
	}
}

static void give_up(struct call *call)
{
	struct call_out out = { .op = CALL_CANCEL,
				.method = call->method,
				.word = { call->id } };

	/* If that fails, its own deadline or our death tells the other side. */
	(void)call_out_send(call->bus, &call->to, &out);
}

static void pass(void *owner)
{
	end(owner, -BELL_EAGAIN);
	give_up(owner);
}

static int start(struct bell_bus *bus, uint32_t to, uint16_t method,
		 struct call **out)
{
	struct call_set *set;
	struct bus_remote remote;
	struct call *call;
	int rc = link_find_remote(bus, to, &remote);

	if (rc == 0)
		rc = call_set_need(bus, &set);
	if (rc == 0)
		rc = flight_room(set);
	if (rc < 0)
		return rc;
	call = calloc(1, sizeof(*call));
	if (!call)
		return error_plain(BELL_ENOMEM);
	queue_init(&call->item);
	call->due.pass = pass;
	call->due.owner = call;
	call->bus = bus;
	call->id = set->next_id++;
	call->to = remote;
	call->method = method;
	flight_list(set, call);
	*out = call;
	return 0;
}

/* ---- answers ---- */

static void take_reply(struct call *call, const struct ring_record *rec)
{
	uint32_t len = rec->len - CALL_WORD;
	void *to = call->buf;

	call->len = len;
	if (call->fn)
		to = call->copy = malloc(len > 0 ? len : 1);
	else if (len > call->room) {
		end(call, -BELL_EMSGSIZE);
		return;
	}
	if (!to && len > 0) {
		end(call, -BELL_ENOMEM);
		return;
	}
	ring_copy_out(rec, CALL_WORD, to, len);
	end(call, len);
}

static void take_failure(struct call *call, const struct ring_record *rec)
{
	uint32_t len = rec->len - CALL_WORD;

	if (len > CALL_WHY_MAX)
		len = CALL_WHY_MAX;
	ring_copy_out(rec, CALL_WORD, call->why, len);
	call->why[len] = '\0';
	/* It may end on somebody's terminal. */
	for (char *c = call->why; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
	end(call, -BELL_EREMOTE);
}

static void take_refusal(struct call *call, const struct ring_record *rec)
{
	uint64_t reason;

	if (rec->len < CALL_WORD + sizeof(reason))
		return;
	ring_copy_out(rec, CALL_WORD, &reason, sizeof(reason));
	if (reason == CALL_NO_SERVICE) {
		end(call, -BELL_ENOSERVICE);
	} else if (reason == CALL_BUSY) {
		end(call, -BELL_EBUSY);
	} else {
		strcpy(call->why, "refused, for a reason not known here");
		end(call, -BELL_EREMOTE);
	}
}

void caller_answer(struct bell_bus *bus, const struct bus_in *in,
		   const struct ring_record *rec, uint64_t id)
{
	struct call *call = bus->calls ? flight_find(bus->calls, id) : NULL;

	/* Late, twice, or not from the one that was called. */
	if (!call || call->ended || !call_same_remote(&call->to, &in->from))
		return;
	if (rec->flags == CALL_REPLY)
		take_reply(call, rec);
	else if (rec->flags == CALL_FAILED)
		take_failure(call, rec);
	else
		take_refusal(call, rec);
}

void caller_review(struct bell_bus *bus)
{
	struct call_set *set = bus->calls;
	struct call_gone memo = { .gone = false };

	for (size_t i = 0; i < set->call_room; i++)
		for (struct call *call = set->calls[i]; call; call = call->next)
			if (!call->ended && call_gone(bus, &memo, &call->to))
				end(call, link_left(bus, &call->to));
}

void caller_lost(struct bell_bus *bus, const struct bus_remote *r)
{
	struct call_set *set = bus->calls;

	for (size_t i = 0; i < set->call_room; i++)
		for (struct call *call = set->calls[i]; call; call = call->next)
			if (call->sent && !call->ended &&
			    call_same_remote(&call->to, r))
				end(call, -BELL_ECORRUPT);
}

/* Sets the detail for how the call ended. */
static int64_t explain(const struct call *call)
{
	uint32_t id = call->to.id;

	switch (-call->result) {
	case BELL_EAGAIN:
		return error_detail(BELL_EAGAIN, "peer %s: method %u: no reply in time",
				    ID_TEXT(id), call->method);
	case BELL_ENOSERVICE:
		return error_detail(BELL_ENOSERVICE, "peer %s has no handler for method %u",
				    ID_TEXT(id), call->method);
	case BELL_EREMOTE:
		return error_detail(BELL_EREMOTE, "peer %s: method %u: %s", ID_TEXT(id),
				    call->method, call->why[0] ? call->why : "failed");
	case BELL_EBUSY:
		return error_detail(BELL_EBUSY,
				    "peer %s: method %u: too many requests wait there: "
				    "call again later", ID_TEXT(id), call->method);
	case BELL_EMSGSIZE:
		return error_detail(BELL_EMSGSIZE,
				    "peer %s: method %u: reply of %zu bytes: the buffer has %zu",
				    ID_TEXT(id), call->method, call->len, call->room);
	case BELL_ENOPEER:
		return error_detail(BELL_ENOPEER,
				    "peer %s left or died before it answered", ID_TEXT(id));
	case BELL_ECORRUPT:
		return error_detail(BELL_ECORRUPT,
				    "the link with peer %s was broken: whether it did what "
				    "was asked is not known", ID_TEXT(id));
	default:
		return call->result < 0 ? error_plain((int)-call->result) : call->result;
	}
}

int caller_tell(struct bell_bus *bus)
{
	struct call_set *set = bus->calls;
	struct queue now;
	int n = 0;

	queue_init(&now);
	queue_move(&set->ended, &now);
	for (; !queue_empty(&now); n++) {
		struct call *call = (struct call *)(void *)now.next;

		flight_unlist(set, call);
		call->fn(bus, call->id, explain(call),
			 call->result >= 0 ? call->copy : NULL, call->arg);
		free(call->copy);
		free(call);
	}
	return n;
}

void caller_done(struct call_set *set)
{
	for (size_t i = 0; i < set->call_room; i++) {
		struct call *call;

		while ((call = set->calls[i]) != NULL) {
			set->calls[i] = call->next;
			free(call->copy);
			free(call);
		}
	}
	free(set->calls);
}

/* ---- what a program calls ---- */

static int check_request(const struct bell_bus *bus, const void *request, size_t len)
{
	if (!request && len > 0)
		return error_detail(BELL_EINVAL, "request of %zu bytes at NULL", len);
	if (len > bell_max_call(bus))
		return error_detail(BELL_EMSGSIZE,
				    "request of %zu bytes: at most %zu are possible here: "
				    "send the rest as a message or a stream", len,
				    bell_max_call(bus));
	return 0;
}

static struct call_out request_of(const struct call *call, const void *request,
				  size_t len, uint64_t deadline)
{
	int left_ms = bus_remaining_ms(deadline);

	return (struct call_out){ .op = CALL_REQUEST,
				  .method = call->method,
				  .word = { call->id, left_ms < 0 ? CALL_NO_DEADLINE :
							    (uint64_t)left_ms },
				  .data = request,
				  .len = len };
}

static int await_space(struct call *call, uint32_t len, uint64_t deadline)
{
	struct bell_bus *bus = call->bus;
	struct bus_out *out;
	int rc = link_to_remote(bus, &call->to, &out);

	if (rc < 0)
		return rc;
	if (out->reserved_count > 0)
		return error_detail(BELL_EBUSY,
				    "a message reserved to peer %s is not committed yet",
				    ID_TEXT(call->to.id));
	/* Frames that were kept go first. */
	if (out->kept && frame_len(out) > len)
		len = frame_len(out);
	rc = bus_idle(bus, &call->to, len, deadline);
	if (rc == -BELL_EAGAIN)
		return error_detail(BELL_EAGAIN, "the ring to peer %s is full",
				    ID_TEXT(call->to.id));
	return rc;
}

/* Waits for space. Not kept: nothing is left behind if the time is over. */
static int send_request(struct call *call, const void *request, size_t len,
			uint64_t deadline)
{
	struct bell_bus *bus = call->bus;

	for (;;) {
		struct call_out out = request_of(call, request, len, deadline);
		int rc = bus_scan(bus);

		if (rc == 0)
			rc = call_out_try(bus, &call->to, &out);
		if (rc != -BELL_EAGAIN)
			return rc;
		rc = await_space(call, (uint32_t)call_out_size(&out), deadline);
		if (rc < 0)
			return rc;
	}
}

/* The callee may have given up the link with the request in it. */
static void check_link(struct call *call)
{
	struct bus_out *out = call->bus->outs;

	while (out && !call_same_remote(&out->to, &call->to))
		out = out->next;
	if (out && bus_check_out(call->bus, out) == -BELL_ECORRUPT)
		call_lost(call->bus, &call->to);
}

static int64_t await_answer(struct call *call, uint64_t deadline)
{
	struct bell_bus *bus = call->bus;
	int idle = 0, rc;

	for (;;) {
		rc = bus_scan(bus);
		if (rc == 0 && !call->ended)
			check_link(call);
		if (call->ended)
			return explain(call);
		if (rc < 0 || idle < 0)
			break;
		/* What came in the last moment still counts. */
		idle = bus_idle(bus, NULL, 0, deadline);
	}
	if (rc == 0)
		rc = idle;
	if (rc != -BELL_EAGAIN && rc != -BELL_EINTR)
		return rc;
	give_up(call);
	call->result = rc;
	return explain(call);
}

int64_t bell_call(struct bell_bus *bus, uint32_t to, uint16_t method,
		  const void *request, size_t len, void *reply, size_t size,
		  int timeout_ms)
{
	uint64_t deadline = bus_deadline(timeout_ms);
	struct call *call = NULL;
	struct bus_call begun;
	int64_t rc = bus_no_callback(bus);

	if (rc == 0)
		rc = check_request(bus, request, len);
	if (rc == 0 && to == slot_id(bus->slot_word))
		rc = error_detail(BELL_EINVAL, "peer %s is this one, which would wait for "
				  "itself: use bell_call_start()", ID_TEXT(to));
	if (rc == 0)
		rc = start(bus, to, method, &call);
	if (rc < 0)
		return rc;
	call->buf = reply;
	call->room = size;
	begun = bus_begin(bus);
	rc = send_request(call, request, len, deadline);
	call->sent = rc == 0;
	if (rc == 0)
		rc = await_answer(call, deadline);
	drop(call);
	bus_end(bus, begun);
	return rc;
}

int bell_call_start(struct bell_bus *bus, uint32_t to, uint16_t method,
		    const void *request, size_t len, int timeout_ms,
		    bell_reply_fn *fn, void *arg, uint64_t *id)
{
	uint64_t deadline = bus_deadline(timeout_ms);
	struct call *call = NULL;
	struct call_out out;
	int rc = check_request(bus, request, len);

	if (rc == 0 && !fn)
		rc = error_detail(BELL_EINVAL, "a call without a callback");
	if (rc == 0)
		rc = start(bus, to, method, &call);
	if (rc < 0)
		return rc;
	call->fn = fn;
	call->arg = arg;
	call->due.at_ns = deadline;
	if (deadline != BUS_FOREVER)
		rc = due_add(&bus->calls->dues, &call->due);
	out = request_of(call, request, len, deadline);
	if (rc == 0)
		rc = call_out_send(bus, &call->to, &out);
	if (rc < 0) {
		drop(call);
		return rc;
	}
	call->sent = true;
	if (id)
		*id = call->id;
	return 0;
}

int bell_call_cancel(struct bell_bus *bus, uint64_t id)
{
	struct call *call = bus->calls ? flight_find(bus->calls, id) : NULL;

	if (!call || !call->fn)
		return error_detail(BELL_EINVAL, "no call in flight has that id");
	if (!call->ended)
		give_up(call);
	drop(call);
	return 0;
}
