/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages: whole, in parts, bit by bit, in batches, in place. */
#include "worker.h"

#include <string.h>

#define OUTGOING 3
#define HELD 64

/* Of a message that is begun. */
static struct {
	struct bell_outgoing *out;
	uint64_t left;
} outgoing[OUTGOING];

/* Of messages that were peeked, the oldest first. */
static struct {
	uint32_t from;
	const void *data;
	size_t len;
} held[HELD];
static unsigned held_count;

static uint32_t reserved_to; /* the last one to whom something was reserved */

#define RECEIVING (CODE(EAGAIN) | CODE(ECORRUPT) | CODE(ERESET))

static struct bell_envelope some_envelope(void)
{
	return (struct bell_envelope){ .peer = some_peer(), .tag = (uint16_t)dice() };
}

/* ---- sending ---- */

static void send_one(void)
{
	struct bell_envelope env = some_envelope();
	size_t len = some_size(LARGEST);
	int timeout_ms = some_timeout();

	if (dice() % 2)
		(void)DO("bell_send", timeout_ms, SENDING,
			 bell_send(me.bus, env.peer, me.out, len, timeout_ms));
	else
		(void)DO("bell_post", timeout_ms, SENDING,
			 bell_post(me.bus, &env, me.out, len, timeout_ms));
}

static void send_many(void)
{
	struct bell_envelope env = some_envelope();
	struct bell_part parts[5];
	int timeout_ms = some_timeout();
	size_t count = dice() % 6;

	for (size_t i = 0; i < count; i++)
		parts[i] = (struct bell_part){ me.out + dice() % 999, some_size(9000) };
	if (dice() % 2)
		(void)DO("bell_sendv", timeout_ms, SENDING,
			 bell_sendv(me.bus, &env, parts, count, timeout_ms));
	else
		(void)DO("bell_send_batch", timeout_ms, SENDING | CODE(EMSGSIZE),
			 bell_send_batch(me.bus, &env, parts, count, timeout_ms));
}

static void begin(unsigned i)
{
	struct bell_envelope env = some_envelope();
	uint64_t total = dice() % 2 ? BELL_UNKNOWN : some_size(LARGEST);

	if (DO("bell_begin", 0, SENDING,
	       bell_begin(me.bus, &env, total, &outgoing[i].out)) == 0)
		outgoing[i].left = total == BELL_UNKNOWN ? dice() % LARGEST : total;
}

static void abandon(unsigned i)
{
	(void)CALL("bell_abandon", 0, 0, (bell_abandon(outgoing[i].out), 0));
	outgoing[i].out = NULL;
}

static void go_on(unsigned i)
{
	int timeout_ms = some_timeout();
	int64_t rc;

	if (outgoing[i].left == 0) {
		rc = DO("bell_finish", timeout_ms, SENDING | CODE(EMSGSIZE),
			bell_finish(outgoing[i].out, dice(), timeout_ms));
		if (rc == 0)
			outgoing[i].out = NULL;
	} else {
		size_t len = some_size(outgoing[i].left < LARGEST ?
					       (size_t)outgoing[i].left : LARGEST);

		rc = DO("bell_continue", timeout_ms, SENDING | CODE(EMSGSIZE),
			bell_continue(outgoing[i].out, me.out, len, timeout_ms));
		if (rc > 0)
			outgoing[i].left -= (uint64_t)rc;
	}
	if ((rc < 0 && rc != -BELL_EAGAIN) || dice() % 32 == 0)
		if (outgoing[i].out)
			abandon(i);
}

static void reserve(void)
{
	struct bell_envelope env = some_envelope();
	size_t len = some_size(bell_max_piece(me.bus));
	int timeout_ms = some_timeout();
	void *data = NULL;
	int64_t rc = DO("bell_reserve", timeout_ms, SENDING | CODE(EMSGSIZE),
			bell_reserve(me.bus, &env, len, timeout_ms, &data));

	if (rc == 0 && len > 0)
		memset(data, (int)dice() & 255, len);
	reserved_to = env.peer;
}

static void commit(void)
{
	uint32_t to = dice() % 4 ? reserved_to : some_peer();
	uint32_t allowed = CODE(EINVAL) | CODE(ENOPEER) | CODE(ECORRUPT) | CODE(ERESET);

	if (dice() % 4)
		(void)DO("bell_commit", 0, allowed, bell_commit(me.bus, to, some_size(64)));
	else
		(void)DO("bell_cancel", 0, allowed, bell_cancel(me.bus, to));
}

/* ---- receiving ---- */

static void receive_batch(void)
{
	struct bell_part msgs[8];
	struct bell_envelope env;
	size_t size = dice() % 4 ? LARGEST : some_size(LARGEST), count = 1 + dice() % 8;
	int timeout_ms = some_timeout();
	int64_t rc = DO("bell_recv_batch", timeout_ms, RECEIVING | CODE(EMSGSIZE),
			bell_recv_batch(me.bus, me.in, size, msgs, count, &env, timeout_ms));

	if (rc > (int64_t)count)
		judge_wrong("received more than there was room for");
	for (int64_t i = 0; i < rc; i++)
		if (msgs[i].len > size ||
		    (size_t)((const unsigned char *)msgs[i].data - me.in) > size - msgs[i].len)
			judge_wrong("a message lies beside the buffer");
	if (rc == -BELL_ECORRUPT)
		messages_forget_peeked();
}

static void receive(void)
{
	struct bell_envelope env;
	size_t size = dice() % 4 ? LARGEST : some_size(LARGEST);
	int timeout_ms = some_timeout();
	int64_t rc;

	if (dice() % 2) {
		rc = DO("bell_recv", timeout_ms, RECEIVING | CODE(EMSGSIZE),
			bell_recv(me.bus, me.in, size, &env, timeout_ms));
	} else {
		size += size == 0;
		rc = DO("bell_recv_piece", timeout_ms, RECEIVING,
			bell_recv_piece(me.bus, me.in, size, &env, timeout_ms));
	}
	if (rc > (int64_t)size)
		judge_wrong("received more than there was room for");
	if (rc >= 0 && env.topic)
		touch(env.topic, strlen(env.topic));
	if (rc == -BELL_ECORRUPT)
		messages_forget_peeked();
}

static void peek(void)
{
	struct bell_envelope env;
	const void *data = NULL;
	int timeout_ms = some_timeout();
	int64_t rc = DO("bell_peek", timeout_ms, RECEIVING | CODE(EBUSY),
			bell_peek(me.bus, &env, &data, timeout_ms));

	if (rc == -BELL_ECORRUPT)
		messages_forget_peeked();
	if (rc < 0)
		return;
	touch(data, (size_t)rc);
	if (held_count < HELD) {
		held[held_count].from = env.peer;
		held[held_count].data = data;
		held[held_count++].len = (size_t)rc;
	}
}

static void release(void)
{
	uint32_t from = held_count > 0 ? held[0].from : some_peer();

	for (unsigned i = 0; i < held_count; i++)
		touch(held[i].data, held[i].len);
	/* The oldest of that sender; what is left of it is looked at no more. */
	for (unsigned i = held_count; i-- > 0;)
		if (held[i].from == from) {
			memmove(&held[i], &held[i + 1],
				(--held_count - i) * sizeof(held[0]));
		}
	for (int rc = 0; rc == 0;)
		rc = (int)DO("bell_release", 0, CODE(EINVAL), bell_release(me.bus, from));
}

void messages_forget_peeked(void)
{
	held_count = 0;
}

/* ---- callbacks ---- */

static void on_message(struct bell_bus *bus, const struct bell_envelope *env,
		       const void *data, void *arg)
{
	(void)bus, (void)arg;
	touch(data, (size_t)env->len);
	work_nested();
}

static void on_writable(struct bell_bus *bus, uint32_t to, void *arg)
{
	(void)arg;
	if (dice() % 4 == 0)
		(void)DO("bell_send", 0, SENDING, bell_send(bus, to, me.out, 99, 0));
	work_nested();
}

static void switch_callbacks(void)
{
	bell_on_message(me.bus, dice() % 2 ? on_message : NULL, NULL);
	bell_on_writable(me.bus, dice() % 2 ? on_writable : NULL, NULL);
}

void messages_joined(void)
{
	held_count = 0;
	switch_callbacks();
}

void messages_end(void)
{
	for (unsigned i = 0; i < OUTGOING; i++)
		if (outgoing[i].out)
			abandon(i);
}

void work_messages(void)
{
	unsigned i = (unsigned)(dice() % OUTGOING);

	switch (dice() % 16) {
	case 0:
	case 1:
	case 2:
		send_one();
		break;
	case 3:
		send_many();
		break;
	case 4:
	case 5:
	case 6:
		if (outgoing[i].out)
			go_on(i);
		else
			begin(i);
		break;
	case 7:
		reserve();
		break;
	case 8:
	case 9:
		commit();
		break;
	case 10:
		peek();
		break;
	case 11:
		release();
		break;
	case 12:
		if (dice() % 8 == 0)
			switch_callbacks();
		break;
	default:
		if (dice() % 4)
			receive();
		else
			receive_batch();
		break;
	}
}
