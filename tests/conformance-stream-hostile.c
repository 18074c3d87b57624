/* SPDX-License-Identifier: BSD-2-Clause */
/* Frames of streams that no Bellring sends: a writes them into its ring by hand. */
#include "streams-fixture.h"

#include "bus.h"
#include "stream-wire.h"

#include <string.h>

#define FIRST 0u    /* number of the first stream that a opens */
#define UNKNOWN 77u /* nobody's number */
#define TO_OPENED STREAM_BY_OPENER /* to b's end of it */

static const struct {
	const char *name;
	uint8_t op;
	uint32_t number, bits;
	uint64_t value;
	uint32_t len; /* of all; bytes behind the head are 'x' */
	int read;     /* what b's end reads afterwards */
} hostile[] = {
	{ "nothing at all", STREAM_DATA, 0, 0, 0, 0, -BELL_EAGAIN },
	{ "half a head", STREAM_DATA, FIRST, TO_OPENED, 0, 7, -BELL_EAGAIN },
	{ "no limit", STREAM_CREDIT, FIRST, TO_OPENED, 0, 8, -BELL_EAGAIN },
	{ "half a limit", STREAM_CREDIT, FIRST, TO_OPENED, 0, 15, -BELL_EAGAIN },
	{ "no code", STREAM_RESET, FIRST, TO_OPENED, 0, 8, -BELL_EAGAIN },
	{ "unknown bits", STREAM_RESET, FIRST, 3, STREAM_ABORTED, 16, -BELL_EAGAIN },
	{ "an end that is not", STREAM_RESET, FIRST, 0, STREAM_ABORTED, 16, -BELL_EAGAIN },
	{ "no such stream: data", STREAM_DATA, UNKNOWN, TO_OPENED, 0, 100, -BELL_EAGAIN },
	{ "no such stream: accept", STREAM_ACCEPT, UNKNOWN, 0, 9, 16, -BELL_EAGAIN },
	{ "no such stream: credit", STREAM_CREDIT, UNKNOWN, 1, 9, 16, -BELL_EAGAIN },
	{ "no such stream: end", STREAM_FIN, UNKNOWN, TO_OPENED, 0, 8, -BELL_EAGAIN },
	{ "no such stream: reset", STREAM_RESET, UNKNOWN, 1, 3, 16, -BELL_EAGAIN },
	{ "no such stream: op", 99, UNKNOWN, TO_OPENED, 0, 16, -BELL_EAGAIN },
	{ "no name", STREAM_OPEN, UNKNOWN, TO_OPENED, 9, 16, -BELL_EAGAIN },
	{ "name too long", STREAM_OPEN, UNKNOWN, TO_OPENED, 9, 16 + 64, -BELL_EAGAIN },
	{ "name far too long", STREAM_OPEN, UNKNOWN, 1, 9, 9000, -BELL_EAGAIN },
	{ "open by the opened", STREAM_OPEN, UNKNOWN, 0, 9, 20, -BELL_EAGAIN },
	{ "credit taken back", STREAM_CREDIT, FIRST, TO_OPENED, 5, 16, -BELL_ECORRUPT },
	{ "credit without end", STREAM_CREDIT, FIRST, 1, UINT64_MAX, 16, -BELL_EAGAIN },
	{ "opened again", STREAM_OPEN, FIRST, TO_OPENED, 9, 20, -BELL_ECORRUPT },
	{ "accepted by the opener", STREAM_ACCEPT, FIRST, 1, 9, 16, -BELL_ECORRUPT },
	{ "unknown op", 99, FIRST, TO_OPENED, 0, 16, -BELL_ECORRUPT },
	{ "no op", 0, FIRST, TO_OPENED, 0, 16, -BELL_ECORRUPT },
	{ "unknown code", STREAM_RESET, FIRST, TO_OPENED, 0, 16, -BELL_ECORRUPT },
	{ "refused by the opener", STREAM_RESET, FIRST, 1, 1, 16, -BELL_ECORRUPT },
	{ "data of no bytes", STREAM_DATA, FIRST, TO_OPENED, 0, 8, -BELL_EAGAIN },
	{ "bytes behind an end", STREAM_FIN, FIRST, TO_OPENED, 0, 5000, 0 },
};

static void send_raw(uint8_t op, uint32_t number, uint32_t bits, uint64_t value,
		     uint32_t len)
{
	bool bare = op == STREAM_DATA || op == STREAM_FIN;
	struct stream_head head = { number, bits, value };
	unsigned char bytes[10000];
	struct bell_part part = { bytes, len };
	struct bus_remote to;

	memset(bytes, 'x', sizeof(bytes));
	memcpy(bytes, &head, bare ? STREAM_HEAD : STREAM_VALUE_HEAD);
	ck_assert_int_eq(link_find_remote(bus_a, bell_id(b), &to), 0);
	ck_assert_int_eq(frame_send(bus_a, &to, record_header(RECORD_STREAM, op, 0, 0),
				    &part, 1), 0);
}

/* One more stream works, whatever happened to the first. */
static void still_fine(struct ends *e)
{
	struct bell_stream *from = open_a(), *to = accept_b(e->listener);

	pump();
	write_all(from, "fine", 4);
	expect_bytes(to, "fine", 4);
	bell_stream_close(from);
	bell_stream_close(to);
}

START_TEST(hostile_frame)
{
	struct ends e;

	connect_ends(&e);
	send_raw(hostile[_i].op, hostile[_i].number, hostile[_i].bits,
		 hostile[_i].value, hostile[_i].len);
	pump();
	ck_assert_msg(read_result(e.b) == hostile[_i].read, "%s: %s", hostile[_i].name,
		      bell_strerror((int)read_result(e.b)));
	if (hostile[_i].read == -BELL_ECORRUPT) {
		ck_assert_int_eq(bell_stream_write(e.b, "x", 1, 0), -BELL_ECORRUPT);
		ck_assert_int_eq(read_result(e.a), -BELL_EPIPE); /* and a is told */
	}
	still_fine(&e);
	close_ends(&e);
}
END_TEST

START_TEST(more_than_was_granted)
{
	struct ends e;
	size_t taken;

	connect_ends(&e);
	taken = fill(e.a);
	send_raw(STREAM_DATA, FIRST, TO_OPENED, 0, STREAM_HEAD + 1);
	pump();
	pump();
	ck_assert_uint_eq(bell_stream_readable(e.b), taken);
	ck_assert_int_eq(bell_stream_write(e.b, "x", 1, 0), -BELL_ECORRUPT);
	ck_assert_int_eq(bell_stream_write(e.a, "x", 1, 0), -BELL_EPIPE);
	still_fine(&e);
	close_ends(&e);
}
END_TEST

START_TEST(data_after_its_end)
{
	struct ends e;

	connect_ends(&e);
	ck_assert_int_eq(bell_stream_shutdown(e.a), 0);
	send_raw(STREAM_DATA, FIRST, TO_OPENED, 0, STREAM_HEAD + 5);
	pump();
	ck_assert_int_eq(read_result(e.b), 0);
	ck_assert_int_eq(bell_stream_write(e.b, "x", 1, 0), -BELL_ECORRUPT);
	still_fine(&e);
	close_ends(&e);
}
END_TEST

/* Frames to an opener that was not answered yet. */
static const struct {
	const char *name;
	uint8_t op;
	uint64_t value;
	uint32_t len;
	int read;
} early[] = {
	{ "data", STREAM_DATA, 0, 20, -BELL_ECORRUPT },
	{ "end", STREAM_FIN, 0, 8, -BELL_ECORRUPT },
	{ "credit", STREAM_CREDIT, 1000, 16, -BELL_ECORRUPT },
	{ "closed", STREAM_RESET, STREAM_CLOSED, 16, -BELL_ECORRUPT },
	{ "aborted", STREAM_RESET, STREAM_ABORTED, 16, -BELL_EPIPE },
};

START_TEST(hostile_answer)
{
	struct bell_listener *l;
	struct bell_stream *s;

	/* b opens, a answers by hand. */
	ck_assert_int_eq(bell_listen(bus_a, "test", NULL, NULL, &l), 0);
	ck_assert_int_eq(bell_stream_open(bus_b, bell_id(a), "test", 0, &s), 0);
	send_raw(early[_i].op, 0, 0, early[_i].value, early[_i].len);
	ck_assert_int_ge(bell_dispatch(b), 0);
	ck_assert_msg(read_result(s) == early[_i].read, "%s", early[_i].name);
	bell_stream_close(s);
	bell_unlisten(l);
}
END_TEST

/* Opens and never reads: what is kept for it is bounded, others go on. */
START_TEST(opens_without_end)
{
	struct ends e;

	connect_ends(&e);
	for (uint32_t i = 0; i < 300000; i++) {
		send_raw(STREAM_OPEN, 1000 + i, TO_OPENED, 9, 24);
		if (i % 1000 == 0)
			ck_assert_int_ge(bell_dispatch(b), 0);
	}
	pump();
	expect_bytes(e.a, (write_all(e.b, "fine", 4), "fine"), 4);
	still_fine(&e);
	close_ends(&e);
}
END_TEST

void add_stream_hostile(Suite *suite)
{
	TCase *tc = add_case(suite, "stream-hostile", setup);

	tcase_add_loop_test(tc, hostile_frame, 0, ARRAY_LEN(hostile));
	tcase_add_test(tc, more_than_was_granted);
	tcase_add_test(tc, data_after_its_end);
	tcase_add_loop_test(tc, hostile_answer, 0, ARRAY_LEN(early));
	tcase_add_test(tc, opens_without_end);
}
