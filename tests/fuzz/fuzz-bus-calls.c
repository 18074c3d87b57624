/* SPDX-License-Identifier: BSD-2-Clause */
/* Calls, topics, presence. */
#include "fuzz-bus.h"

#include <string.h>

#define CALLING                                                                \
	(SENDING | CODE(ENOSERVICE) | CODE(EREMOTE) | CODE(EMSGSIZE) | CODE(EINVAL))

static const char *const topics[] = { BELL_ALL, "t", "u", "v" };

/* ---- calls ---- */

static void answer(struct bell_request *r, size_t len)
{
	uint32_t allowed = CODE(ECANCELED) | CODE(ENOPEER) | CODE(EAGAIN) |
			   CODE(ECORRUPT) | CODE(ERESET);

	if (len & 1)
		(void)may(bell_fail(r, "in vain"), allowed);
	else
		(void)may(bell_reply(r, fuzz_bytes, len), allowed);
}

static void on_cancel(struct bell_request *r, int code, void *arg)
{
	struct fuzz_peer *p = arg;

	always(code == -BELL_ECANCELED || code == -BELL_ENOPEER || code == -BELL_EAGAIN);
	if (p->request == r)
		p->request = NULL;
	answer(r, 8);
}

static void on_call(struct bell_bus *bus, struct bell_request *r, void *arg)
{
	struct fuzz_peer *p = arg;
	size_t len;
	const void *data = bell_request_data(r, &len);

	always(bus == p->bus);
	touch(data, len);
	always(bell_request_left_ms(r) >= -1);
	if (p->request || bell_request_method(r) & 1) {
		answer(r, len % 100);
	} else {
		p->request = r;
		bell_on_cancel(r, on_cancel, p);
	}
}

static void on_reply(struct bell_bus *bus, uint64_t id, int64_t result,
		     const void *reply, void *arg)
{
	struct fuzz_peer *p = arg;

	(void)id;
	always(bus == p->bus);
	(void)may(result, CALLING);
	if (result >= 0)
		touch(reply, (size_t)result);
	if (++p->deep % 32 == 1)
		(void)may(bell_call_start(bus, 1, 1, "more", 4, 1, on_reply, p, &p->call),
			  SENDING);
}

static void call(struct fuzz_peer *p, struct input *in)
{
	static unsigned char got[SIZE];
	uint8_t b = input_u8(in);
	size_t len = some_size(in);
	size_t room = some_size(in);
	int timeout_ms = some_timeout(in);

	if (b & 128)
		(void)WAITS(bell_call(p->bus, b % PEERS, b >> 4 & 3, fuzz_bytes, len, got,
				      room, timeout_ms), CALLING);
	else
		(void)may(bell_call_start(p->bus, b % PEERS, b >> 4 & 3, fuzz_bytes, len,
					  timeout_ms - 1, on_reply, p, &p->call),
			  SENDING | CODE(EMSGSIZE));
}

static void answer_held(struct fuzz_peer *p, struct input *in)
{
	struct bell_request *r = p->request;

	p->request = NULL;
	if (r)
		answer(r, input_u8(in));
}

/* ---- topics ---- */

static void publish(struct fuzz_peer *p, struct input *in)
{
	const char *topic = topics[input_u8(in) % 4];
	size_t len = some_size(in);
	int timeout_ms = some_timeout(in);

	(void)WAITS(bell_publish(p->bus, topic, 1, fuzz_bytes, len, timeout_ms),
		    CODE(EAGAIN) | CODE(EBUSY) | CODE(ENOSPC) | CODE(ERESET) |
			    CODE(EMSGSIZE));
}

static void flip_topic(struct fuzz_peer *p, struct input *in)
{
	uint8_t b = input_u8(in);
	const char *topic = topics[1 + b % 3];
	struct bell_topic_stats stats;

	if (b & 16)
		(void)may(bell_subscribe(p->bus, topic), CODE(ERESET));
	else
		(void)may(bell_unsubscribe(p->bus, topic), CODE(EINVAL));
	(void)may(bell_get_topic_stats(p->bus, topic, &stats), CODE(EINVAL));
}

static void set_policy(struct fuzz_peer *p, struct input *in)
{
	uint8_t b = input_u8(in);

	(void)may(bell_set_policy(p->bus, topics[b % 4], (enum bell_policy)(b / 4 % 3),
				  1u + b / 12), 0);
}

/* ---- presence ---- */

static void on_presence(struct bell_bus *bus, enum bell_presence event,
			const struct bell_peer_info *info, void *arg)
{
	struct fuzz_peer *p = arg;

	always(bus == p->bus && event >= BELL_CAME && event <= BELL_DIED);
	always(memchr(info->name, 0, sizeof(info->name)) != NULL);
	if (++p->deep % 32 == 1)
		(void)may(bell_send(bus, info->id, "hello", 5, 0), SENDING);
}

static void await(struct fuzz_peer *p, struct input *in)
{
	static const char *const names[] = { "a", "b", "1", "2", "nobody" };
	const char *name = names[input_u8(in) % 5];
	int timeout_ms = some_timeout(in);
	uint32_t id;

	(void)WAITS(bell_await_peer(p->bus, name, timeout_ms, &id),
		    CODE(EAGAIN) | CODE(ENOTUNIQ) | CODE(ERESET));
}

void calls_end(struct fuzz_peer *p)
{
	p->request = NULL; /* bell_leave() frees it */
}

void step_calls(struct fuzz_peer *p, struct input *in)
{
	uint8_t b = input_u8(in);

	switch (b % 10) {
	case 0:
		(void)may(bell_on_call(p->bus, b & 16 ? BELL_ANY_METHOD : b >> 6,
				       b & 32 ? on_call : NULL, p), 0);
		break;
	case 1:
	case 2:
		call(p, in);
		break;
	case 3:
		answer_held(p, in);
		break;
	case 4:
		(void)may(bell_call_cancel(p->bus, p->call), CODE(EINVAL));
		break;
	case 5:
	case 6:
		publish(p, in);
		break;
	case 7:
		flip_topic(p, in);
		break;
	case 8:
		set_policy(p, in);
		break;
	default:
		if (b & 16)
			await(p, in);
		else
			(void)may(bell_on_presence(p->bus, b & 32 ? on_presence : NULL, p),
				  0);
		break;
	}
}
