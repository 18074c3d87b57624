/* SPDX-License-Identifier: BSD-2-Clause */
/* Calls, topics, presence. */
#include "worker.h"

#include <string.h>

#define REQUESTS 8

static struct bell_request *requests[REQUESTS];
static const char *const topics[] = { NULL, "news", "weather", "sports" };

#define CALLING (SENDING | CODE(ENOSERVICE) | CODE(EREMOTE) | CODE(EMSGSIZE) | CODE(EINVAL))

/* ---- calls ---- */

static void answer(struct bell_request *r)
{
	uint32_t allowed = CODE(ECANCELED) | CODE(ENOPEER) | CODE(EAGAIN) |
			   CODE(ECORRUPT) | CODE(ERESET);
	size_t len = some_size(bell_max_call(me.bus));

	len = len < LARGEST ? len : LARGEST;
	if (dice() % 4)
		(void)DO("bell_reply", 0, allowed, bell_reply(r, me.out, len));
	else
		(void)DO("bell_fail", 0, allowed, bell_fail(r, "in vain"));
}

static void on_cancel(struct bell_request *r, int code, void *arg)
{
	(void)arg;
	if (code != -BELL_ECANCELED && code != -BELL_ENOPEER && code != -BELL_EAGAIN)
		judge_wrong("bell_cancel_fn: a code that is not listed");
	for (unsigned i = 0; i < REQUESTS; i++)
		if (requests[i] == r)
			requests[i] = NULL;
	answer(r);
}

static void on_call(struct bell_bus *bus, struct bell_request *r, void *arg)
{
	unsigned i = (unsigned)(dice() % REQUESTS);
	size_t len;
	const void *data = bell_request_data(r, &len);

	(void)bus, (void)arg;
	touch(data, len);
	(void)bell_request_left_ms(r);
	if (requests[i] || dice() % 2) {
		answer(r);
	} else {
		requests[i] = r;
		bell_on_cancel(r, on_cancel, NULL);
	}
	work_nested();
}

static void on_reply(struct bell_bus *bus, uint64_t id, int64_t result,
		     const void *reply, void *arg)
{
	(void)bus, (void)id, (void)arg;
	(void)CALL("bell_reply_fn", 0, CALLING, result);
	if (result >= 0)
		touch(reply, (size_t)result);
	work_nested();
}

static size_t request_size(void)
{
	size_t max = bell_max_call(me.bus);

	return some_size(max < LARGEST ? max : LARGEST);
}

static void call(void)
{
	int timeout_ms = 1 + some_timeout();
	uint32_t to = some_peer();

	(void)DO("bell_call", timeout_ms, CALLING,
		 bell_call(me.bus, to, (uint16_t)(dice() % 4), me.out, request_size(),
			   me.in, some_size(LARGEST), timeout_ms));
}

static void start_call(void)
{
	uint64_t id;

	if (DO("bell_call_start", 0, SENDING | CODE(EMSGSIZE),
	       bell_call_start(me.bus, some_peer(), (uint16_t)(dice() % 4), me.out,
			       request_size(), (int)(dice() % 3) * 50 - 1, on_reply, NULL,
			       &id)) < 0)
		return;
	if (dice() % 8 == 0)
		(void)DO("bell_call_cancel", 0, CODE(EINVAL), bell_call_cancel(me.bus, id));
}

static void answer_one(unsigned i)
{
	struct bell_request *r = requests[i];

	requests[i] = NULL;
	if (r)
		answer(r);
}

static void switch_handlers(void)
{
	(void)DO("bell_on_call", 0, 0, bell_on_call(me.bus, 1, dice() % 4 ? on_call : NULL,
						    NULL));
	(void)DO("bell_on_call", 0, 0,
		 bell_on_call(me.bus, BELL_ANY_METHOD, dice() % 2 ? on_call : NULL, NULL));
}

/* ---- topics ---- */

static void publish(void)
{
	const char *topic = topics[dice() % 4];
	int timeout_ms = some_timeout();
	size_t max = bell_max_piece(me.bus) - 16;

	(void)DO("bell_publish", timeout_ms,
		 CODE(EAGAIN) | CODE(EBUSY) | CODE(ENOSPC) | CODE(ERESET),
		 bell_publish(me.bus, topic, (uint16_t)dice(), me.out,
			      some_size(max < LARGEST ? max : LARGEST), timeout_ms));
}

static void switch_topics(void)
{
	const char *topic = topics[1 + dice() % 3];
	struct bell_topic_stats stats;

	(void)DO("bell_set_policy", 0, 0,
		 bell_set_policy(me.bus, topics[dice() % 4], (enum bell_policy)(dice() % 3),
				 1 + (uint32_t)(dice() % 9)));
	if (dice() % 2)
		(void)DO("bell_subscribe", 0, CODE(ERESET), bell_subscribe(me.bus, topic));
	else
		(void)DO("bell_unsubscribe", 0, CODE(EINVAL),
			 bell_unsubscribe(me.bus, topic));
	(void)DO("bell_get_topic_stats", 0, CODE(EINVAL),
		 bell_get_topic_stats(me.bus, topic, &stats));
}

/* ---- presence ---- */

static void on_presence(struct bell_bus *bus, enum bell_presence event,
			const struct bell_peer_info *info, void *arg)
{
	(void)bus, (void)arg;
	if (event < BELL_CAME || event > BELL_DIED)
		judge_wrong("bell_presence_fn: no event that is listed");
	touch(info->name, strlen(info->name));
	work_nested();
}

static void await(void)
{
	static const char *const names[] = { "w0", "w1", "w2", "0", "1", "nobody" };
	const char *name = names[dice() % 6];
	int timeout_ms = some_timeout();
	uint32_t id;

	(void)DO("bell_await_peer", timeout_ms,
		 CODE(EAGAIN) | CODE(ENOTUNIQ) | CODE(ERESET),
		 bell_await_peer(me.bus, name, timeout_ms, &id));
	(void)CALL("bell_find", 0, CODE(ENOPEER) | CODE(ENOTUNIQ),
		   bell_find(me.peer, name, &id));
}

static void ping(void)
{
	int timeout_ms = some_timeout();

	(void)DO("bell_ping", timeout_ms, SENDING,
		 bell_ping(me.bus, some_peer(), timeout_ms, NULL));
}

/* ---- */

void calls_joined(void)
{
	switch_handlers();
	switch_topics();
	(void)DO("bell_on_presence", 0, 0, bell_on_presence(me.bus, on_presence, NULL));
}

void calls_end(void)
{
	memset(requests, 0, sizeof(requests)); /* bell_leave() frees them */
}

void work_calls(void)
{
	switch (dice() % 16) {
	case 0:
	case 1:
		call();
		break;
	case 2:
	case 3:
	case 4:
		start_call();
		break;
	case 5:
	case 6:
		answer_one((unsigned)(dice() % REQUESTS));
		break;
	case 7:
		if (dice() % 8 == 0)
			switch_handlers();
		break;
	case 8:
	case 9:
	case 10:
	case 11:
		publish();
		break;
	case 12:
		switch_topics();
		break;
	case 13:
		ping();
		break;
	case 14:
		(void)DO("bell_on_presence", 0, 0,
			 bell_on_presence(me.bus, dice() % 4 ? on_presence : NULL, NULL));
		break;
	default:
		await();
		break;
	}
}

/* Now and then: a flood of callbacks takes long enough. */
void work_nested(void)
{
	if (dice() % 16 != 0 || ++me.nested > 20)
		return;
	switch (dice() % 8) {
	case 0:
		start_call();
		break;
	case 1:
		publish();
		break;
	case 2:
		if (bell_dispatch(me.peer) != -BELL_EBUSY)
			judge_wrong("bell_dispatch() in a callback is not refused");
		break;
	case 3:
		if (bell_recv(me.bus, me.in, LARGEST, NULL, 1) != -BELL_EBUSY)
			judge_wrong("bell_recv() in a callback is not refused");
		break;
	case 4:
		ping();
		break;
	default:
		(void)DO("bell_send", 2, SENDING,
			 bell_send(me.bus, some_peer(), me.out, some_size(9000), 2));
		break;
	}
}
