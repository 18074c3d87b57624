/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages: in parts, bit by bit, in batches, in place; and a callback for them. */
#include "fuzz-bus.h"

#include <string.h>

static struct bell_envelope some_envelope(struct input *in)
{
	uint8_t b = input_u8(in);

	return (struct bell_envelope){ .peer = b % (PEERS + 1), .tag = b };
}

static void send_parts(struct fuzz_peer *p, struct input *in)
{
	struct bell_envelope env = some_envelope(in);
	struct bell_part parts[4];
	size_t count = input_u8(in) % 5;
	int timeout_ms = some_timeout(in);

	for (size_t i = 0; i < count; i++)
		parts[i] = (struct bell_part){ fuzz_bytes, some_size(in) };
	if (input_u8(in) & 1)
		(void)WAITS(bell_sendv(p->bus, &env, parts, count, timeout_ms), SENDING);
	else
		(void)WAITS(bell_send_batch(p->bus, &env, parts, count, timeout_ms),
			    SENDING | CODE(EMSGSIZE));
}

static void abandon(struct fuzz_peer *p)
{
	bell_abandon(p->outgoing);
	p->outgoing = NULL;
}

static void begin(struct fuzz_peer *p, struct input *in)
{
	struct bell_envelope env = some_envelope(in);
	uint64_t total = input_u8(in) & 1 ? BELL_UNKNOWN : some_size(in);

	if (!p->outgoing)
		(void)may(bell_begin(p->bus, &env, total, &p->outgoing), SENDING);
}

static void go_on(struct fuzz_peer *p, struct input *in)
{
	uint32_t allowed = SENDING | CODE(EMSGSIZE);
	int timeout_ms = some_timeout(in);
	int64_t rc;

	if (!p->outgoing)
		return;
	if (input_u8(in) % 4) {
		size_t len = some_size(in);

		rc = WAITS(bell_continue(p->outgoing, fuzz_bytes, len, timeout_ms), allowed);
		always(rc <= (int64_t)len);
		if (rc >= 0)
			return;
	} else {
		rc = WAITS(bell_finish(p->outgoing, 7, timeout_ms), allowed);
		if (rc == 0)
			p->outgoing = NULL;
	}
	if (rc < 0 && rc != -BELL_EAGAIN && rc != -BELL_EMSGSIZE)
		abandon(p);
}

static void reserve(struct fuzz_peer *p, struct input *in)
{
	struct bell_envelope env = some_envelope(in);
	size_t len = some_size(in);
	int timeout_ms = some_timeout(in);
	void *data = NULL;

	if (WAITS(bell_reserve(p->bus, &env, len, timeout_ms, &data),
		  SENDING | CODE(EMSGSIZE)) == 0)
		memset(data, 1, len);
}

static void commit(struct fuzz_peer *p, struct input *in)
{
	uint32_t allowed = CODE(EINVAL) | CODE(ENOPEER) | CODE(ECORRUPT) | CODE(ERESET);
	uint32_t to = input_u8(in) % (PEERS + 1);
	uint8_t len = input_u8(in);

	if (len & 1)
		(void)may(bell_cancel(p->bus, to), allowed);
	else
		(void)may(bell_commit(p->bus, to, len), allowed);
}

static void receive_piece(struct fuzz_peer *p, struct input *in)
{
	static unsigned char got[SIZE];
	struct bell_envelope env;
	size_t size = 1 + some_size(in);
	int timeout_ms = some_timeout(in);
	int64_t rc = WAITS(bell_recv_piece(p->bus, got, size, &env, timeout_ms), RECEIVING);

	always(rc <= (int64_t)size);
	if (rc >= 0)
		always(env.len == (uint64_t)rc && env.offset + env.len <= env.total);
	if (rc >= 0 && env.topic)
		touch(env.topic, strlen(env.topic));
	if (rc == -BELL_ECORRUPT)
		messages_forget_held(p);
}

static void receive_batch(struct fuzz_peer *p, struct input *in)
{
	static unsigned char got[SIZE];
	struct bell_part msgs[8];
	struct bell_envelope env;
	size_t size = some_size(in), count = input_u8(in) % 9;
	int timeout_ms = some_timeout(in);
	int64_t rc = WAITS(bell_recv_batch(p->bus, got, size, msgs, count, &env, timeout_ms),
			   RECEIVING | CODE(EMSGSIZE) | CODE(EINVAL));
	uint64_t bytes = 0;

	always(rc <= (int64_t)count);
	for (int64_t i = 0; i < rc; i++) {
		always((const unsigned char *)msgs[i].data - got <= (ptrdiff_t)size);
		always(msgs[i].len <= size - (size_t)((const unsigned char *)msgs[i].data - got));
		bytes += msgs[i].len;
	}
	if (rc > 0)
		always(env.len == bytes && env.total == bytes);
	if (rc == -BELL_ECORRUPT)
		messages_forget_held(p);
}

static void peek(struct fuzz_peer *p, struct input *in)
{
	struct bell_envelope env;
	const void *data = NULL;
	int timeout_ms = some_timeout(in);
	int64_t rc = WAITS(bell_peek(p->bus, &env, &data, timeout_ms),
			   RECEIVING | CODE(EBUSY));

	if (rc == -BELL_ECORRUPT)
		messages_forget_held(p);
	if (rc < 0)
		return;
	always(env.len == (uint64_t)rc && env.offset + env.len <= env.total);
	touch(data, (size_t)rc);
	if (p->held_count == HELD_MAX)
		return;
	p->held[p->held_count].from = env.peer;
	p->held[p->held_count].data = data;
	p->held[p->held_count++].len = (size_t)rc;
}

/* All of a sender: one that is back has the same id. */
static void release(struct fuzz_peer *p, struct input *in)
{
	uint32_t from = p->held_count ? p->held[0].from : input_u8(in) % PEERS;
	unsigned kept = 0;

	for (unsigned i = 0; i < p->held_count; i++) {
		touch(p->held[i].data, p->held[i].len);
		if (p->held[i].from != from)
			p->held[kept++] = p->held[i];
	}
	p->held_count = kept;
	while (may(bell_release(p->bus, from), CODE(EINVAL)) == 0)
		;
}

void messages_forget_held(struct fuzz_peer *p)
{
	p->held_count = 0;
}

void messages_end(struct fuzz_peer *p)
{
	abandon(p);
	messages_forget_held(p);
}

/* ---- the callback ---- */

static void on_message(struct bell_bus *bus, const struct bell_envelope *env,
		       const void *data, void *arg)
{
	struct fuzz_peer *p = arg;
	uint8_t byte;

	always(env->len <= SIZE && env->offset + env->len <= env->total);
	touch(data, (size_t)env->len);
	if (++p->deep % 32 != 1)
		return; /* a flood of messages takes long enough */
	/* Calls back in all the ways that are allowed, and some that are not. */
	(void)WAITS(bell_send(bus, env->peer, "re", 2, p->deep & 32 ? 2 : 0), SENDING);
	always(bell_dispatch(p->peer) == -BELL_EBUSY);
	always(bell_recv(bus, &byte, 1, NULL, 0) == -BELL_EBUSY);
	(void)WAITS(bell_ping(bus, env->peer, 0, NULL), SENDING);
	(void)WAITS(bell_publish(bus, "t", 0, "re", 2, 1),
		    CODE(EAGAIN) | CODE(EBUSY) | CODE(ENOSPC) | CODE(ERESET));
	touch(data, (size_t)env->len);
}

static void on_writable(struct bell_bus *bus, uint32_t to, void *arg)
{
	struct fuzz_peer *p = arg;

	if (++p->deep % 32 == 1)
		(void)may(bell_send(bus, to, fuzz_bytes, 999, 0), SENDING);
}

void messages_flip_callback(struct fuzz_peer *p)
{
	p->calls_back = !p->calls_back;
	bell_on_message(p->bus, p->calls_back ? on_message : NULL, p);
	bell_on_writable(p->bus, p->calls_back ? on_writable : NULL, p);
}

void step_messages(struct fuzz_peer *p, struct input *in)
{
	switch (input_u8(in) % 11) {
	case 0:
		send_parts(p, in);
		break;
	case 1:
		begin(p, in);
		break;
	case 2:
	case 3:
		go_on(p, in);
		break;
	case 4:
		abandon(p);
		break;
	case 5:
		reserve(p, in);
		break;
	case 6:
		commit(p, in);
		break;
	case 7:
		receive_piece(p, in);
		break;
	case 8:
		peek(p, in);
		break;
	case 9:
		release(p, in);
		break;
	default:
		receive_batch(p, in);
		break;
	}
}
