/* SPDX-License-Identifier: BSD-2-Clause */
/* Answers, and what is owed until there is space. */
#include "request.h"

#include "error.h"

#include <stdlib.h>
#include <string.h>

#define REFUSALS_MAX 4096u /* not sent yet */

static void owe_refusal(struct bell_bus *bus, const struct bus_remote *from,
			const struct call_out *out)
{
	struct call_set *set;
	struct bell_request *r;

	/* Beyond that the caller's own deadline has to tell it. */
	if (call_set_need(bus, &set) < 0 || set->refusal_count >= REFUSALS_MAX)
		return;
	r = request_new(bus, from, out->word[0], out->method);
	if (!r)
		return;
	r->state = REQUEST_REFUSED;
	r->out = *out;
	set->refusal_count++;
	queue_add(&set->owed, &r->item);
}

void answer_refuse(struct bell_bus *bus, const struct bus_remote *from, uint64_t id,
		   uint16_t method, enum call_refusal reason)
{
	struct call_out out = { .op = CALL_REFUSED,
				.method = method,
				.word = { id, reason } };

	if (call_out_send(bus, from, &out) == -BELL_EBUSY)
		owe_refusal(bus, from, &out);
}

/* An answer that could not be sent now may be sent later. */
static bool may_come_right(int rc)
{
	return rc == -BELL_EBUSY || rc == -BELL_ENOSPC || rc == -BELL_ENOMEM;
}

void answer_flush(struct bell_bus *bus)
{
	struct call_set *set = bus->calls;
	struct bus_remote full = { .slot = NULL };
	struct queue now;

	if (queue_empty(&set->owed))
		return;
	queue_init(&now);
	queue_move(&set->owed, &now);
	while (!queue_empty(&now)) {
		struct bell_request *r = (struct bell_request *)(void *)now.next;
		int rc = -BELL_EBUSY;

		r->out.data = r->data;
		if (!call_same_remote(&r->from, &full))
			rc = call_out_send(bus, &r->from, &r->out);
		if (!may_come_right(rc)) {
			request_drop(r);
			continue;
		}
		full = r->from;
		queue_remove(&r->item);
		queue_add(&set->owed, &r->item);
	}
}

/* Keeps the answer in place of the request. */
static int owe(struct bell_request *r, const struct call_out *out)
{
	struct call_set *set = r->bus->calls;
	unsigned char *copy = malloc(out->len > 0 ? out->len : 1);

	if (!copy)
		return error_plain(BELL_ENOMEM);
	if (out->len > 0)
		memcpy(copy, out->data, out->len);
	request_unlist(r);
	r->state = REQUEST_OWED;
	r->data = copy;
	r->out = *out;
	queue_add(&set->owed, &r->item);
	return 0;
}

static int moot_error(const struct bell_request *r, int code)
{
	const char *why = code == -BELL_ENOPEER ? "it is gone" :
			  code == -BELL_EAGAIN  ? "its deadline is over" :
						  "it gave the call up";

	return error_detail(-code, "peer %s does not wait for the answer: %s",
			    ID_TEXT(r->from.id), why);
}

static int answer(struct bell_request *r, enum call_op op, const void *data,
		  size_t len)
{
	struct call_out out = { .op = op, .method = r->method, .word = { r->id },
				.data = data, .len = len };
	int rc = request_moot(r);

	if (rc < 0) {
		rc = moot_error(r, rc);
		request_drop(r);
		return rc;
	}
	rc = call_out_send(r->bus, &r->from, &out);
	if (rc == -BELL_EBUSY || rc == -BELL_ENOSPC)
		return owe(r, &out);
	if (rc != -BELL_ENOMEM)
		request_drop(r);
	return rc;
}

int bell_reply(struct bell_request *r, const void *reply, size_t len)
{
	if (!reply && len > 0)
		return error_detail(BELL_EINVAL, "reply of %zu bytes at NULL", len);
	if (len > bell_max_call(r->bus))
		return error_detail(BELL_EMSGSIZE,
				    "reply of %zu bytes: at most %zu are possible here: "
				    "send the rest as a message or a stream", len,
				    bell_max_call(r->bus));
	return answer(r, CALL_REPLY, reply, len);
}

int bell_fail(struct bell_request *r, const char *why)
{
	size_t len = why ? strlen(why) : 0;

	return answer(r, CALL_FAILED, why, len < CALL_WHY_MAX ? len : CALL_WHY_MAX);
}
