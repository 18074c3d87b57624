/* SPDX-License-Identifier: BSD-2-Clause */
/* Streams that end: as their programs want, or by a death. */
#include "streams-fixture.h"

#include "bus.h"
#include "steward.h"

#include <string.h>

#define BACKLOG 64     /* bellring-stream.h says so */
#define PEER_MOST 4096 /* streams that one peer may open */

START_TEST(half_close_and_end_of_file)
{
	struct ends e;

	connect_ends(&e);
	write_all(e.a, "last words", 10);
	ck_assert_int_eq(bell_stream_shutdown(e.a), 0);
	ck_assert_int_eq(bell_stream_shutdown(e.a), 0);
	ck_assert_int_eq(bell_stream_write(e.a, "x", 1, 0), -BELL_EINVAL);
	expect_bytes(e.b, "last words", 10);
	ck_assert_int_eq(read_result(e.b), 0);
	ck_assert_int_eq(read_result(e.b), 0);
	write_all(e.b, "answer", 6);
	expect_bytes(e.a, "answer", 6);
	ck_assert_int_eq(read_result(e.a), -BELL_EAGAIN);
	bell_stream_close(e.b);
	e.b = NULL;
	ck_assert_int_eq(read_result(e.a), 0);
	close_ends(&e);
}
END_TEST

START_TEST(closed_with_bytes_unread)
{
	struct ends e;

	connect_ends(&e);
	write_all(e.a, "nobody reads this", 17);
	write_all(e.b, "goodbye", 7);
	pump();
	bell_stream_close(e.b);
	e.b = NULL;
	pump();
	ck_assert_int_eq(bell_stream_write(e.a, "x", 1, 0), -BELL_EPIPE);
	ck_assert_int_eq(bell_stream_shutdown(e.a), -BELL_EPIPE);
	expect_bytes(e.a, "goodbye", 7); /* what was written still arrives */
	ck_assert_int_eq(read_result(e.a), 0);
	close_ends(&e);
}
END_TEST

START_TEST(written_while_the_close_is_under_way)
{
	struct ends e;

	connect_ends(&e);
	write_all(e.b, "goodbye", 7);
	bell_stream_close(e.b);
	e.b = NULL;
	ck_assert_int_eq(bell_stream_write(e.a, "crossed", 7, 0), 7);
	expect_bytes(e.a, "goodbye", 7);
	ck_assert_int_eq(read_result(e.a), 0);
	ck_assert_int_eq(bell_stream_write(e.a, "x", 1, 0), -BELL_EPIPE);
	close_ends(&e);
}
END_TEST

START_TEST(reset_breaks_off)
{
	struct ends e;

	connect_ends(&e);
	write_all(e.b, "half of i", 9);
	bell_stream_reset(e.b);
	e.b = NULL;
	pump();
	ck_assert_int_eq(bell_stream_write(e.a, "x", 1, 0), -BELL_EPIPE);
	expect_bytes(e.a, "half of i", 9);
	ck_assert_int_eq(read_result(e.a), -BELL_EPIPE); /* no end of file */
	ck_assert_str_ne(bell_detail(), "");
	close_ends(&e);
	bell_stream_close(NULL);
	bell_stream_reset(NULL);
}
END_TEST

static void note(struct bell_stream *s, unsigned events, void *arg)
{
	(void)s;
	*(unsigned *)arg |= events;
}

START_TEST(refused_without_a_service)
{
	struct bell_stream *s = open_a();
	unsigned events = 0;

	bell_on_stream(s, note, &events);
	pump();
	pump();
	ck_assert_uint_eq(events & (BELL_STREAM_OPENED | BELL_STREAM_ENDED),
			  BELL_STREAM_ENDED);
	ck_assert_int_eq(bell_stream_write(s, "x", 1, 0), -BELL_ENOSERVICE);
	ck_assert_int_eq(read_result(s), -BELL_ENOSERVICE);
	ck_assert_str_ne(bell_detail(), "");
	bell_stream_close(s);
	ck_assert_int_eq(bell_stream_open(bus_a, 4000, "test", 0, &s), -BELL_ENOPEER);
}
END_TEST

START_TEST(full_backlog_refuses)
{
	struct bell_listener *l = listen_b(NULL, NULL);
	struct bell_stream *opened[BACKLOG + 1], *s;
	int i;

	for (i = 0; i <= BACKLOG; i++)
		opened[i] = open_a();
	pump();
	pump();
	ck_assert_int_eq(bell_stream_write(opened[BACKLOG], "x", 1, 0),
			 -BELL_ENOSERVICE);
	for (i = 0; i < BACKLOG / 2; i++) {
		write_all(opened[i], "hello", 5);
		s = accept_b(l);
		expect_bytes(s, "hello", 5);
		bell_stream_close(s);
	}
	bell_unlisten(l); /* resets the others */
	pump();
	for (; i < BACKLOG; i++)
		ck_assert_int_eq(read_result(opened[i]), -BELL_EPIPE);
	for (i = 0; i <= BACKLOG; i++)
		bell_stream_close(opened[i]);
}
END_TEST

static int accepted;
static struct bell_stream *all[PEER_MOST];

static void count_accepted(struct bell_listener *l, struct bell_stream *s, void *arg)
{
	(void)l, (void)arg;
	ck_assert_int_lt(accepted, PEER_MOST);
	all[accepted++] = s;
}

START_TEST(a_peer_opens_so_many_and_no_more)
{
	struct bell_listener *l = listen_b(count_accepted, NULL);
	static struct bell_stream *opened[PEER_MOST + 1];

	accepted = 0;
	for (int i = 0; i <= PEER_MOST; i++) {
		opened[i] = open_a();
		if (i % 500 == 0)
			pump();
	}
	pump();
	pump();
	ck_assert_int_eq(accepted, PEER_MOST);
	ck_assert_int_eq(bell_stream_write(opened[PEER_MOST], "x", 1, 0),
			 -BELL_ENOSERVICE);
	write_all(opened[PEER_MOST / 2], "x", 1);
	expect_bytes(all[PEER_MOST / 2], "x", 1);
	bell_stream_close(opened[PEER_MOST]);
	for (int i = 0; i < PEER_MOST; i++) {
		bell_stream_close(opened[i]);
		bell_stream_close(all[i]);
	}
	accepted = 0;
	opened[0] = open_a(); /* there is room again */
	for (int i = 0; i < 100 && accepted == 0; i++)
		pump();
	ck_assert_int_eq(accepted, 1);
	bell_stream_close(opened[0]);
	bell_stream_close(all[0]);
	bell_unlisten(l);
}
END_TEST

/* ---- the peer goes ---- */

static void ring(void *arg, uint32_t id, unsigned vector)
{
	(void)bell_ring(arg, id, vector);
}

static bool all_but_b(void *arg, uint32_t id, uint32_t vectors)
{
	(void)arg, (void)vectors;
	return id != bell_id(b);
}

/* b leaves, or is found dead. */
static void end_b(bool dies)
{
	if (dies) {
		ck_assert(steward_bury(bell_memory(a, NULL), &bus_a->layout, bell_id(b),
				       all_but_b, ring, a));
		return;
	}
	bell_leave(bus_b);
	bus_b = NULL;
}

START_TEST(peer_goes_in_the_middle)
{
	struct bell_stream *ended, *idle;
	unsigned events = 0;
	struct ends e;

	connect_ends(&e);
	bell_on_stream(e.a, note, &events);
	pump();
	ck_assert_uint_eq(events, BELL_STREAM_OPENED | BELL_STREAM_WRITABLE);
	events = 0;
	ended = open_a();
	write_all(accept_b(e.listener), "x", 1);
	bell_stream_shutdown(accept_b((idle = open_a(), e.listener)));
	write_all(e.b, "committed before", 16);
	end_b(_i);
	while (bell_dispatch(a) > 0)
		;
	ck_assert_uint_eq(events, BELL_STREAM_READABLE | BELL_STREAM_ENDED);
	ck_assert_int_eq(bell_stream_write(e.a, "x", 1, 0), -BELL_ENOPEER);
	char buf[20];
	ck_assert_int_eq(bell_stream_read(e.a, buf, sizeof(buf), 0), 16);
	ck_assert_mem_eq(buf, "committed before", 16);
	ck_assert_int_eq(bell_stream_read(e.a, buf, 1, -1), -BELL_ENOPEER);
	ck_assert_int_eq(bell_stream_read(ended, buf, 2, 0), 1);
	ck_assert_int_eq(bell_stream_read(ended, buf, 1, 0), -BELL_ENOPEER);
	ck_assert_int_eq(bell_stream_read(idle, buf, 1, 0), 0); /* it had ended it */
	bell_stream_close(e.a);
	bell_stream_close(ended);
	bell_stream_close(idle);
}
END_TEST

START_TEST(next_incarnation_hears_nothing_of_old_streams)
{
	struct bell_listener *l;
	struct bell_stream *s;
	struct ends e;
	char c;

	connect_ends(&e);
	write_all(e.a, "for the old one", 15);
	bell_leave(bus_b);
	bus_b = join(b, "b");
	l = listen_b(NULL, NULL);
	ck_assert_int_eq(bell_stream_write(e.a, "x", 1, 0), -BELL_ENOPEER);
	pump();
	pump();
	ck_assert_int_eq(bell_stream_write(e.a, "x", 1, 0), -BELL_ENOPEER);
	ck_assert_int_eq(bell_stream_read(e.a, &c, 1, 0), -BELL_ENOPEER);
	ck_assert_int_eq(bell_accept(l, 0, &s), -BELL_EAGAIN);
	bell_stream_close(e.a);
	e.a = open_a();
	s = accept_b(l);
	write_all(e.a, "for the new one", 15);
	expect_bytes(s, "for the new one", 15);
	bell_stream_close(e.a);
	bell_stream_close(s);
	bell_unlisten(l);
}
END_TEST

START_TEST(accepted_after_its_peer_left)
{
	struct bell_listener *l = listen_b(NULL, NULL);
	struct bell_stream *s = open_a();

	pump();
	pump();
	write_all(s, "I can't wait", 12);
	bell_stream_close(s);
	bell_leave(bus_a);
	bus_a = NULL;
	while (bell_dispatch(b) > 0)
		;
	ck_assert_int_eq(bell_accept(l, 0, &s), 0);
	char buf[20];
	ck_assert_int_eq(bell_stream_read(s, buf, sizeof(buf), 0), 12);
	ck_assert_int_eq(bell_stream_read(s, buf, sizeof(buf), 0), 0);
	bell_stream_close(s);
	bell_unlisten(l);
}
END_TEST

/* ---- a link breaks ---- */

/* Puts garbage where the header of the record is that carries these 8 bytes. */
static void break_data(const char bytes[8])
{
	size_t size;
	_Atomic uint64_t *memory = bell_memory(a, &size);
	uint64_t word;

	memcpy(&word, bytes, sizeof(word));
	for (size_t i = 2; i < size / sizeof(word); i++)
		if (memory[i] == word)
			memory[i - 2] = UINT64_MAX;
}

static void broken_off(int64_t rc)
{
	ck_assert_msg(rc == -BELL_EPIPE || rc == -BELL_ECORRUPT, "%s",
		      bell_strerror((int)rc));
}

START_TEST(broken_link_ends_its_streams)
{
	struct bell_stream *opened, *idle, *s = NULL;
	unsigned events = 0;
	struct ends e;
	char c;

	connect_ends(&e);
	opened = open_a();
	idle = accept_b(e.listener);
	bell_on_stream(idle, note, &events);
	write_all(e.a, "garbage!", 8);
	break_data("garbage!");
	if (_i == 0) { /* found by a reader, or in a dispatch */
		ck_assert_int_eq(bell_stream_read(e.b, &c, 1, WAIT_MS), -BELL_ECORRUPT);
		ck_assert_int_eq(bell_recv(bus_b, &c, 1, NULL, 0), -BELL_ECORRUPT);
	}
	for (int i = 0; i < 3; i++)
		(void)bell_dispatch(b);
	ck_assert_uint_eq(events & BELL_STREAM_ENDED, BELL_STREAM_ENDED);
	ck_assert_int_eq(bell_stream_read(e.b, &c, 1, 0), -BELL_ECORRUPT);
	ck_assert_int_eq(bell_stream_write(idle, "x", 1, 0), -BELL_ECORRUPT);
	if (_i == 0) /* a hears of it from b, or finds the link broken first */
		broken_off(read_result(e.a));
	else
		ck_assert_int_eq(bell_stream_write(e.a, "x", 1, 0), -BELL_ECORRUPT);
	ck_assert_int_lt(read_result(e.a), 0);
	if (bell_stream_open(bus_a, bell_id(b), "test", 0, &s) < 0)
		s = open_a();
	bell_stream_close(opened);
	bell_stream_close(idle);
	bell_stream_close(e.b);
	e.b = accept_b(e.listener);
	write_all(s, "fine", 4);
	expect_bytes(e.b, "fine", 4);
	bell_stream_close(s);
	close_ends(&e);
}
END_TEST

/* ---- a ring without space ---- */

START_TEST(ends_wait_for_space)
{
	struct ends e[3];
	char msg[200] = { 0 };

	connect_ends(&e[0]);
	for (int i = 1; i < 3; i++) {
		e[i].a = open_a();
		e[i].b = accept_b(e[0].listener);
	}
	pump();
	while (bell_send(bus_a, bell_id(b), msg, sizeof(msg), 0) == 0)
		;
	while (bell_send(bus_a, bell_id(b), msg, 0, 0) == 0)
		;
	ck_assert_int_eq(bell_stream_write(e[0].a, "x", 1, 0), -BELL_EAGAIN);
	ck_assert_int_eq(bell_stream_shutdown(e[0].a), 0);
	bell_stream_close(e[1].a);
	bell_stream_reset(e[2].a);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(read_result(e[i].b), -BELL_EAGAIN);
	while (bell_recv(bus_b, msg, sizeof(msg), NULL, 0) >= 0)
		;
	ck_assert_int_eq(read_result(e[0].b), 0);
	ck_assert_int_eq(bell_stream_write(e[0].b, "x", 1, 0), 1);
	ck_assert_int_eq(read_result(e[1].b), 0);
	ck_assert_int_eq(bell_stream_write(e[1].b, "x", 1, 0), -BELL_EPIPE);
	ck_assert_int_eq(read_result(e[2].b), -BELL_EPIPE);
	expect_bytes(e[0].a, "x", 1);
	bell_stream_close(e[1].b);
	bell_stream_close(e[2].b);
	close_ends(&e[0]);
}
END_TEST

void add_stream_ends(Suite *suite)
{
	TCase *tc = add_case(suite, "stream-ends", setup);

	tcase_add_test(tc, half_close_and_end_of_file);
	tcase_add_test(tc, closed_with_bytes_unread);
	tcase_add_test(tc, written_while_the_close_is_under_way);
	tcase_add_test(tc, reset_breaks_off);
	tcase_add_test(tc, refused_without_a_service);
	tcase_add_test(tc, full_backlog_refuses);
	tcase_add_test(tc, a_peer_opens_so_many_and_no_more);
	tcase_add_loop_test(tc, peer_goes_in_the_middle, 0, 2);
	tcase_add_test(tc, next_incarnation_hears_nothing_of_old_streams);
	tcase_add_test(tc, accepted_after_its_peer_left);
	tcase_add_loop_test(tc, broken_link_ends_its_streams, 0, 2);
	tcase_add_test(tc, ends_wait_for_space);
}
