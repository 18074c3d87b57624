/* SPDX-License-Identifier: BSD-2-Clause */
/* The decoder of the server's messages: bytes and descriptors in, events out. */
#include "bellring.h"
#include "proto.h"
#include "testing.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* What goes beside a message. */
enum with { BARE = 0, FD = 1, LOST = 2 };

struct message {
	int64_t number;
	enum with with;
};

#define ROOM 12

static struct proto proto; /* large */

static int with_fd(enum with with)
{
	int fd = -1;

	if (with == LOST)
		return PROTO_FD_LOST;
	if (with == FD) {
		fd = eventfd(0, EFD_CLOEXEC);
		ck_assert_int_ge(fd, 0);
	}
	return fd;
}

/* Feeds one message at once. */
static int feed(const struct message *m, struct proto_event *ev)
{
	unsigned char bytes[PROTO_SIZE];
	int fd = with_fd(m->with), rc;

	proto_encode(m->number, bytes);
	rc = proto_feed(&proto, bytes, sizeof(bytes), &fd, ev);
	ck_assert_int_eq(fd, -1);
	return rc;
}

/* The start of most rows: id 3, with memory. */
#define HELLO { 0, BARE }, { 3, BARE }
#define GREETING HELLO, { -1, FD }

/* The last message of each row is the bad one. */
static const struct {
	const char *name;
	unsigned n;
	struct message messages[ROOM];
	int want;
	const char *detail;
} hostile[] = {
	{ "version 1", 1, { { 1, BARE } }, BELL_EVERSION, "version 1" },
	{ "version -1", 1, { { -1, BARE } }, BELL_EVERSION, "version -1" },
	{ "version of another byte order", 1, { { INT64_MIN, BARE } },
	  BELL_EVERSION, "version -9223372036854775808" },
	{ "version with a descriptor", 1, { { 0, FD } }, BELL_EPROTO,
	  "beside the version" },
	{ "own id -1", 2, { { 0, BARE }, { -1, BARE } }, BELL_EPROTO,
	  "own id -1" },
	{ "own id 65536", 2, { { 0, BARE }, { 65536, BARE } }, BELL_EPROTO,
	  "own id 65536" },
	{ "own id of 33 bits", 2, { { 0, BARE }, { 0x100000001, BARE } },
	  BELL_EPROTO, "own id 4294967297" },
	{ "own id with a descriptor", 2, { { 0, BARE }, { 3, FD } }, BELL_EPROTO,
	  "beside the own id" },
	{ "memory without a descriptor", 3, { HELLO, { -1, BARE } }, BELL_EPROTO,
	  "without a descriptor" },
	{ "own vector before the memory", 3, { HELLO, { 3, FD } }, BELL_EPROTO,
	  "before the memory" },
	{ "peer before the memory", 3, { HELLO, { 1, FD } }, BELL_EPROTO,
	  "expected the memory" },
	{ "left before the memory", 3, { HELLO, { 1, BARE } }, BELL_EPROTO,
	  "expected the memory" },
	{ "memory is -2", 3, { HELLO, { -2, FD } }, BELL_EPROTO,
	  "expected the memory" },
	{ "second memory", 4, { GREETING, { -1, FD } }, BELL_EPROTO, "twice" },
	{ "second memory without one", 4, { GREETING, { -1, BARE } },
	  BELL_EPROTO, "twice" },
	{ "peer -2", 4, { GREETING, { -2, FD } }, BELL_EPROTO, "id -2" },
	{ "peer 65536", 4, { GREETING, { 65536, FD } }, BELL_EPROTO,
	  "id 65536" },
	{ "peer of 63 bits", 4, { GREETING, { INT64_MAX, FD } }, BELL_EPROTO,
	  "id 9223372036854775807" },
	{ "left, never joined", 4, { GREETING, { 7, BARE } }, BELL_EPROTO,
	  "peer 7 left" },
	{ "left twice", 6, { GREETING, { 7, FD }, { 7, BARE }, { 7, BARE } },
	  BELL_EPROTO, "peer 7 left" },
	{ "we left", 5, { GREETING, { 3, FD }, { 3, BARE } }, BELL_EPROTO,
	  "that we (3) left" },
	{ "we left before we had vectors", 4, { GREETING, { 3, BARE } },
	  BELL_EPROTO, "that we (3) left" },
};

START_TEST(hostile_row)
{
	int before = open_fds(), rc = 0;
	struct proto_event ev;
	unsigned i;

	proto_init(&proto);
	for (i = 0; i < hostile[_i].n; i++) {
		ev.fd = -1;
		rc = feed(&hostile[_i].messages[i], &ev);
		if (rc < 0)
			break;
		if (ev.fd >= 0)
			close(ev.fd);
	}
	ck_assert_msg(i == hostile[_i].n - 1, "%s: message %u: %d",
		      hostile[_i].name, i, rc);
	ck_assert_msg(rc == -hostile[_i].want, "%s: %d", hostile[_i].name, rc);
	ck_assert_msg(strstr(bell_detail(), hostile[_i].detail) != NULL,
		      "%s: detail '%s'", hostile[_i].name, bell_detail());
	ck_assert_int_eq(open_fds(), before);

	/* Nothing is believed any more, and descriptors are closed still. */
	rc = feed(&(struct message){ 1, FD }, &ev);
	ck_assert_int_eq(rc, -BELL_EPROTO);
	proto_done(&proto);
	ck_assert_int_eq(open_fds(), before);
}
END_TEST

/* A conversation and what it means. */
static const struct {
	struct message message;
	enum proto_kind kind;
	uint32_t id;
	unsigned vector;
} talk[] = {
	{ { 0, BARE }, PROTO_GREETED, 0, 0 },
	{ { 65535, BARE }, PROTO_OWN_ID, 65535, 0 },
	{ { -1, FD }, PROTO_MEMORY_FD, 0, 0 },
	{ { 0, FD }, PROTO_PEER_VECTOR, 0, 0 },
	{ { 0, FD }, PROTO_PEER_VECTOR, 0, 1 },
	{ { 258, FD }, PROTO_PEER_VECTOR, 258, 0 },
	{ { 258, LOST }, PROTO_PEER_VECTOR, 258, 1 },
	{ { 65535, FD }, PROTO_OWN_VECTOR, 65535, 0 },
	{ { 65535, FD }, PROTO_OWN_VECTOR, 65535, 1 },
	{ { 0, BARE }, PROTO_PEER_LEFT, 0, 0 },
	{ { 0, FD }, PROTO_PEER_VECTOR, 0, 0 },
	{ { 258, BARE }, PROTO_PEER_LEFT, 258, 0 },
};

static void expect_event(int row, const struct proto_event *ev)
{
	bool with = talk[row].message.with == FD;

	ck_assert_msg(ev->kind == talk[row].kind, "message %d: event %d, not %d",
		      row, (int)ev->kind, (int)talk[row].kind);
	ck_assert_uint_eq(ev->id, talk[row].id);
	ck_assert_uint_eq(ev->vector, talk[row].vector);
	ck_assert_msg((ev->fd >= 0) == with, "message %d: fd %d", row, ev->fd);
	if (with)
		ck_assert_int_eq(close(ev->fd), 0);
}

/*
 * Each message in two pieces of cut and 8 - cut bytes, the descriptor with the
 * first or the second: a socket may tell it with either.
 */
static void talk_cut(unsigned cut, bool fd_late)
{
	proto_init(&proto);
	for (int i = 0; i < ARRAY_LEN(talk); i++) {
		unsigned char bytes[PROTO_SIZE];
		struct proto_event ev;
		int fd = with_fd(talk[i].message.with), none = -1;

		proto_encode(talk[i].message.number, bytes);
		ck_assert_uint_eq(proto_wants(&proto), PROTO_SIZE);
		ck_assert_int_eq(proto_feed(&proto, bytes, cut,
					    fd_late ? &none : &fd, &ev),
				 (int)cut);
		ck_assert_int_eq(ev.kind, PROTO_NOTHING);
		ck_assert_uint_eq(proto_wants(&proto), PROTO_SIZE - cut);
		ck_assert_int_eq(proto_feed(&proto, bytes + cut, PROTO_SIZE - cut,
					    &fd, &ev),
				 (int)(PROTO_SIZE - cut));
		expect_event(i, &ev);
	}
	ck_assert_uint_eq(proto.messages, ARRAY_LEN(talk));
	proto_done(&proto);
}

START_TEST(cut_at_every_byte)
{
	int before = open_fds();

	for (unsigned cut = 1; cut < PROTO_SIZE; cut++) {
		talk_cut(cut, false);
		talk_cut(cut, true);
	}
	ck_assert_int_eq(open_fds(), before);
}
END_TEST

START_TEST(byte_by_byte)
{
	proto_init(&proto);
	for (int i = 0; i < ARRAY_LEN(talk); i++) {
		unsigned char bytes[PROTO_SIZE];
		struct proto_event ev = { .fd = -1 };
		int fd = with_fd(talk[i].message.with);

		proto_encode(talk[i].message.number, bytes);
		for (unsigned b = 0; b < PROTO_SIZE; b++) {
			ck_assert_int_eq(ev.kind, PROTO_NOTHING);
			ck_assert_int_eq(proto_feed(&proto, bytes + b, 1, &fd,
						    &ev), 1);
		}
		expect_event(i, &ev);
	}
	proto_done(&proto);
}
END_TEST

START_TEST(takes_one_message_of_many_bytes)
{
	unsigned char bytes[3 * PROTO_SIZE] = { 0 };
	struct proto_event ev;
	int none = -1;

	proto_init(&proto);
	proto_encode(9, bytes + PROTO_SIZE);
	ck_assert_int_eq(proto_feed(&proto, bytes, sizeof(bytes), &none, &ev), 8);
	ck_assert_int_eq(ev.kind, PROTO_GREETED);
	ck_assert_int_eq(proto_feed(&proto, bytes + 8, 13, &none, &ev), 8);
	ck_assert_int_eq(ev.kind, PROTO_OWN_ID);
	ck_assert_uint_eq(ev.id, 9);
	ck_assert_int_eq(proto_feed(&proto, bytes, 0, &none, &ev), 0);
	ck_assert_int_eq(ev.kind, PROTO_NOTHING);
}
END_TEST

START_TEST(two_descriptors_beside_one_message)
{
	unsigned char bytes[PROTO_SIZE] = { 0 };
	int before = open_fds();
	struct proto_event ev;
	int one = with_fd(FD), two = with_fd(FD);

	proto_init(&proto);
	ck_assert_int_eq(proto_feed(&proto, bytes, 3, &one, &ev), 3);
	ck_assert_int_eq(proto_feed(&proto, bytes, 5, &two, &ev), -BELL_EPROTO);
	ck_assert_int_eq(two, -1);
	ck_assert_int_eq(open_fds(), before);
}
END_TEST

START_TEST(unfinished_message_keeps_no_descriptor)
{
	unsigned char bytes[PROTO_SIZE] = { 0 };
	int before = open_fds();
	struct proto_event ev;
	int fd = with_fd(FD);

	proto_init(&proto);
	ck_assert_int_eq(proto_feed(&proto, bytes, 7, &fd, &ev), 7);
	proto_done(&proto);
	ck_assert_int_eq(open_fds(), before);
}
END_TEST

START_TEST(as_many_vectors_as_a_doorbell_names)
{
	static const struct message start[] = { GREETING };
	struct proto_event ev;

	proto_init(&proto);
	for (int i = 0; i < ARRAY_LEN(start); i++) {
		ck_assert_int_eq(feed(&start[i], &ev), 8);
		if (ev.fd >= 0)
			close(ev.fd);
	}
	for (unsigned v = 0; v < 256; v++) {
		ck_assert_int_eq(feed(&(struct message){ 5, LOST }, &ev), 8);
		ck_assert_uint_eq(ev.vector, v);
		ck_assert_int_eq(ev.fd, -1);
	}
	ck_assert_int_eq(feed(&(struct message){ 5, FD }, &ev), -BELL_EPROTO);
	ck_assert_ptr_nonnull(strstr(bell_detail(), "more than 256 vectors"));
}
END_TEST

START_TEST(encoding)
{
	static const struct {
		int64_t number;
		unsigned char bytes[PROTO_SIZE];
	} rows[] = {
		{ 0, { 0, 0, 0, 0, 0, 0, 0, 0 } },
		{ -1, { 255, 255, 255, 255, 255, 255, 255, 255 } },
		{ 0x1234, { 0x34, 0x12, 0, 0, 0, 0, 0, 0 } },
		{ INT64_MIN, { 0, 0, 0, 0, 0, 0, 0, 0x80 } },
	};

	for (int i = 0; i < ARRAY_LEN(rows); i++) {
		unsigned char out[PROTO_SIZE];

		proto_encode(rows[i].number, out);
		ck_assert_mem_eq(out, rows[i].bytes, PROTO_SIZE);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("proto");
	TCase *tc = tcase_create("decode");

	tcase_add_loop_test(tc, hostile_row, 0, ARRAY_LEN(hostile));
	tcase_add_test(tc, cut_at_every_byte);
	tcase_add_test(tc, byte_by_byte);
	tcase_add_test(tc, takes_one_message_of_many_bytes);
	tcase_add_test(tc, two_descriptors_beside_one_message);
	tcase_add_test(tc, unfinished_message_keeps_no_descriptor);
	tcase_add_test(tc, as_many_vectors_as_a_doorbell_names);
	suite_add_tcase(suite, tc);
	tc = tcase_create("encode");
	tcase_add_test(tc, encoding);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
