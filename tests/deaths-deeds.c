/* SPDX-License-Identifier: BSD-2-Clause */
/* In the midst of what a victim is killed. */
#include "deaths-victim.h"

#include <stdio.h>
#include <string.h>

#define RING 4096u /* of the place */

static void join_v(struct victim *v)
{
	v->bus = place_join(v->peer, "v");
}

/* ---- sending --------------------------------------------------------------------- */

static void send_one(struct victim *v)
{
	victim_send(v, 40);
}

static void sent_three(struct victim *v)
{
	join_v(v);
	for (int i = 0; i < 3; i++)
		victim_send(v, 40);
}

/* The next message crosses the ring's end. */
static void sent_a_ring(struct victim *v)
{
	join_v(v);
	for (int i = 0; i < 5; i++) {
		victim_send(v, 760);
		while (bell_ping(v->bus, v->r, WAIT_MS, NULL) < 0)
			;
	}
}

static void send_long(struct victim *v)
{
	victim_send(v, 300);
}

static void send_large(struct victim *v)
{
	victim_send(v, 2500); /* in several pieces */
	victim_send(v, 40);
}

static void send_batch(struct victim *v)
{
	enum { COUNT = 6, LEN = 48 };
	struct bell_part parts[COUNT];
	struct bell_envelope env = { .peer = v->r };

	for (uint32_t i = 0; i < COUNT; i++)
		parts[i] = (struct bell_part){ message[will->attempted + i], LEN };
	will->attempted += COUNT;
	must(bell_send_batch(v->bus, &env, parts, COUNT, 0) == COUNT);
	will->committed += COUNT;
}

static void *reserve(struct victim *v, size_t len)
{
	struct bell_envelope env = { .peer = v->r };
	void *data = NULL;

	must(bell_reserve(v->bus, &env, len, 0, &data) == 0);
	return data;
}

/* Three are reserved; one is sent, one is given up, one is never told of. */
static void reserve_three(struct victim *v)
{
	unsigned char *first = reserve(v, 100);

	(void)memset(reserve(v, 64), 'x', 64);
	(void)memset(reserve(v, 32), 'x', 32);
	memcpy(first, message[will->attempted++], 60);
	must(bell_commit(v->bus, v->r, 60) == 0);
	will->committed++;
	must(bell_cancel(v->bus, v->r) == 0);
}

static void publish_one(struct victim *v)
{
	must(bell_publish(v->bus, TOPIC, 0, message[will->attempted++], 80, 0) >= 0);
	will->committed++;
}

/* More than the rings hold: the last ones wait in private memory, and die. */
static void publish_many(struct victim *v)
{
	struct bell_topic_stats stats = { 0 };

	must(bell_set_policy(v->bus, TOPIC, BELL_DROP_OLDEST, 8) == 0);
	while (stats.kept < 2) {
		uint32_t n = will->attempted++;

		must(bell_publish(v->bus, TOPIC, 0, message[n], 700, 0) >= 0);
		must(bell_get_topic_stats(v->bus, TOPIC, &stats) == 0);
		will->committed = (uint32_t)stats.sent / 2; /* r and w in turn */
	}
}

static void subscribe(struct victim *v)
{
	must(bell_subscribe(v->bus, "another") == 0);
	must(bell_unsubscribe(v->bus, "another") == 0);
}

/* ---- receiving -------------------------------------------------------------------- */

static void to_v(int count, size_t len)
{
	unsigned char buf[700] = { 0 };

	for (int i = 0; i < count; i++)
		(void)bell_send(r, will->id, buf, len, 0);
}

static void feed_three(void)
{
	to_v(3, 100);
}

static void feed_full(void)
{
	to_v(8, 700);
}

static void feed_large(void)
{
	unsigned char buf[3000] = { 0 };

	ck_assert_int_eq(bell_send(r, will->id, buf, sizeof(buf), 0), 0);
}

static void recv_all(struct victim *v)
{
	unsigned char buf[MESSAGE_MAX];
	int64_t rc;

	do
		rc = bell_recv(v->bus, buf, sizeof(buf), NULL, 0);
	while (rc >= 0);
	must(rc == -BELL_EAGAIN);
}

static void recv_pieces(struct victim *v)
{
	unsigned char buf[200];

	while (bell_recv_piece(v->bus, buf, sizeof(buf), NULL, 0) >= 0)
		;
}

static void peek_two(struct victim *v)
{
	const void *data;

	must(bell_peek(v->bus, NULL, &data, 0) == 100);
	must(bell_peek(v->bus, NULL, &data, 0) == 100);
	must(bell_release(v->bus, v->r) == 0);
}

/* A header that is none, in the ring from r. */
static void feed_garbage(void)
{
	struct layout l;
	size_t size;
	unsigned char *memory = bell_memory(r_peer, &size);

	to_v(1, 100);
	ck_assert_int_eq(layout_read(memory, size, &l), 0);
	for (uint32_t i = 0; i < l.link_count; i++) {
		uint64_t word = shm_acquire(&layout_link(memory, &l, i)->word);
		uint64_t to = shm_acquire(&layout_slot(memory, &l, link_to(word))->word);

		if (link_state(word) == LINK_OPEN && slot_id(to) == will->id)
			memset(layout_ring(memory, &l, i), 0x11, 8);
	}
}

static void recv_garbage(struct victim *v)
{
	char buf[200];

	must(bell_recv(v->bus, buf, sizeof(buf), NULL, 0) == -BELL_ECORRUPT);
}

static void feed_ping(void)
{
	ck_assert_int_eq(bell_ping(r, will->id, 1, NULL), -BELL_EAGAIN);
}

static void dispatch(struct victim *v)
{
	must(bell_dispatch(v->peer) >= 0);
}

/* ---- links of others who went ---------------------------------------------------- */

static void sent_to_x(struct victim *v)
{
	join_v(v);
	must(bell_send(v->bus, v->x, "x", 1, 0) == 0);
}

static void x_sends_and_leaves(void)
{
	ck_assert_int_eq(bell_send(x, will->id, "x", 1, 0), 0);
	x_leave();
}

/* ---- joining and leaving ------------------------------------------------------------ */

static void nothing(struct victim *v)
{
	(void)v;
}

static void leave(struct victim *v)
{
	bell_leave(v->bus);
}

/* ---- calls ---------------------------------------------------------------------------- */

static void ignore_reply(struct bell_bus *bus, uint64_t id, int64_t result,
			 const void *reply, void *arg)
{
	(void)bus, (void)id, (void)result, (void)reply, (void)arg;
}

static void call_r(struct victim *v)
{
	must(bell_call_start(v->bus, v->r, METHOD, "now?", 4, WAIT_MS, ignore_reply, NULL,
			     NULL) == 0);
}

static void answer(struct bell_bus *bus, struct bell_request *request, void *arg)
{
	(void)bus, (void)arg;
	must(bell_reply(request, "yes", 3) == 0);
}

static void serves(struct victim *v)
{
	join_v(v);
	must(bell_on_call(v->bus, METHOD, answer, NULL) == 0);
}

static void note_reply(struct bell_bus *bus, uint64_t id, int64_t result,
		       const void *reply, void *arg)
{
	(void)bus, (void)id, (void)arg;
	ck_assert_msg(result == 3 || result == -BELL_ENOPEER, "%s: %s", place_what,
		      bell_strerror((int)result));
	if (result == 3)
		ck_assert_int_eq(memcmp(reply, "yes", 3), 0);
	seen.reply = result;
	seen.replies++;
}

static void feed_call(void)
{
	ck_assert_int_eq(bell_call_start(r, will->id, METHOD, "now?", 4, -1, note_reply,
					 NULL, NULL), 0);
	seen.calls++;
}

/* ---- streams ------------------------------------------------------------------------- */

static struct bell_stream *stream; /* the victim's */

static void opened(struct victim *v)
{
	join_v(v);
	must(bell_stream_open(v->bus, v->r, SERVICE, WAIT_MS, &stream) == 0);
}

static void open_stream(struct victim *v)
{
	must(bell_stream_open(v->bus, v->r, SERVICE, 0, &stream) == 0);
}

static void write_stream(struct victim *v)
{
	unsigned char buf[150];

	(void)v;
	for (int n = 0; n < 3; n++) {
		for (uint32_t i = 0; i < sizeof(buf); i++)
			buf[i] = stream_byte(will->writing + i);
		will->writing += sizeof(buf);
		must(bell_stream_write(stream, buf, sizeof(buf), 0) == sizeof(buf));
		will->written += sizeof(buf);
	}
	will->finished = 1;
	must(bell_stream_shutdown(stream) == 0);
	bell_stream_close(stream);
}

static void feed_stream(void)
{
	unsigned char buf[1500] = { 0 };

	ck_assert_ptr_nonnull(r_stream);
	ck_assert_int_gt(bell_stream_write(r_stream, buf, sizeof(buf), 0), 0);
}

static void read_stream(struct victim *v)
{
	unsigned char buf[256];

	(void)v;
	while (bell_stream_read(stream, buf, sizeof(buf), 0) > 0)
		;
	bell_stream_reset(stream);
}

const struct deed deeds[] = {
	{ "join", NULL, nothing, NULL, join_v, NULL },
	{ "leave", NULL, sent_three, feed_three, leave, NULL },
	{ "first message", NULL, NULL, NULL, send_one, NULL },
	{ "next message", NULL, sent_three, NULL, send_one, NULL },
	{ "message across the ring's end", NULL, sent_a_ring, NULL, send_long, NULL },
	{ "large message", NULL, NULL, NULL, send_large, NULL },
	{ "batch", NULL, sent_three, NULL, send_batch, NULL },
	{ "reserve and commit", NULL, sent_three, NULL, reserve_three, NULL },
	{ "publish", NULL, NULL, NULL, publish_one, NULL },
	{ "publish, keep the last", NULL, NULL, NULL, publish_many, NULL },
	{ "subscribe", NULL, NULL, NULL, subscribe, NULL },
	{ "receive", NULL, NULL, feed_three, recv_all, NULL },
	{ "receive from a full ring", NULL, NULL, feed_full, recv_all, NULL },
	{ "receive in pieces", NULL, NULL, feed_large, recv_pieces, NULL },
	{ "peek and release", NULL, NULL, feed_three, peek_two, NULL },
	{ "find garbage", NULL, NULL, feed_garbage, recv_garbage, NULL },
	{ "answer a ping", NULL, NULL, feed_ping, dispatch, NULL },
	{ "free a link to who left", x_join, sent_to_x, x_leave, dispatch, NULL },
	{ "free a link from who left", x_join, NULL, x_sends_and_leaves, recv_all, NULL },
	{ "call", NULL, NULL, NULL, call_r, NULL },
	{ "answer a call", NULL, serves, feed_call, dispatch, NULL },
	{ "open a stream", NULL, NULL, NULL, open_stream, NULL },
	{ "write and end a stream", NULL, opened, NULL, write_stream, NULL },
	{ "read and reset a stream", NULL, opened, feed_stream, read_stream, NULL },
};

const int deed_count = ARRAY_LEN(deeds);
