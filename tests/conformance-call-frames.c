/* SPDX-License-Identifier: BSD-2-Clause */
/* Frames of calls that no library sends. */
#include "calls-fixture.h"

#include "call-wire.h"
#include "ring.h"

#include <string.h>

/*
 * A message becomes a frame: its header in the ring is written anew. Nobody may
 * look meanwhile.
 */
static void forge(struct bell_bus *bus, uint32_t to, uint64_t header,
		  const void *bytes, size_t sent)
{
	size_t size, found = 0;
	uint64_t *memory = bell_memory(a, &size), first;

	memcpy(&first, bytes, sizeof(first));
	ck_assert_int_eq(bell_send(bus, to, bytes, sent, 0), 0);
	for (size_t i = 1; i < size / 8; i++) {
		if (memory[i] == first &&
		    memory[i - 1] == record_header(RECORD_DATA, 0, 0, (uint32_t)sent)) {
			memory[i - 1] = header;
			found++;
		}
	}
	ck_assert_uint_eq(found, 1);
}

#define TRUE_ID UINT64_MAX /* that of the call in flight */

static const struct {
	const char *name;
	uint8_t op;
	uint32_t len;  /* as the header says; the same number of words is there */
	uint64_t word[4];
	bool by_other; /* not by the peer that was called */
} forged[] = {
	{ "reply without a whole id", CALL_REPLY, 7, { TRUE_ID }, false },
	{ "reply of one byte", CALL_REPLY, 1, { TRUE_ID }, false },
	{ "reply with an unknown id", CALL_REPLY, 16, { 0x1234567, 1 }, false },
	{ "reply by another peer", CALL_REPLY, 16, { TRUE_ID, 1 }, true },
	{ "failure by another peer", CALL_FAILED, 16, { TRUE_ID, 1 }, true },
	{ "refusal by another peer", CALL_REFUSED, 16, { TRUE_ID, 1 }, true },
	{ "refusal without a reason", CALL_REFUSED, 8, { TRUE_ID }, false },
	{ "refusal with half a reason", CALL_REFUSED, 12, { TRUE_ID, 1 }, false },
	{ "request without a deadline", CALL_REQUEST, 8, { 0x7777777 }, false },
	{ "request with half a deadline", CALL_REQUEST, 15, { 0x7777777, 5 }, false },
	{ "cancel of nothing", CALL_CANCEL, 8, { 0x7777777 }, false },
	{ "cancel of our own call", CALL_CANCEL, 8, { TRUE_ID }, false },
	{ "cancel without a whole id", CALL_CANCEL, 3, { TRUE_ID }, false },
	{ "operation 0", 0, 16, { TRUE_ID, 1 }, false },
	{ "operation 6", 6, 16, { TRUE_ID, 1 }, false },
	{ "operation 255", 255, 24, { TRUE_ID, 1, 1 }, false },
};

START_TEST(forged_frame_is_ignored)
{
	struct bell_peer *c = world->open();
	struct bell_bus *bus_c = join(c, "c");
	uint64_t id = call_b(HOLD, "x", 1, -1), word[4];
	uint32_t len = forged[_i].len;
	/* a serves requests, too. */
	uint16_t method = forged[_i].op == CALL_REQUEST ? ECHO : HOLD;

	UNTIL(held_count == 1);
	ck_assert_int_eq(bell_on_call(bus_a, ECHO, serve, NULL), 0);
	memcpy(word, forged[_i].word, sizeof(word));
	if (word[0] == TRUE_ID)
		word[0] = id;
	forge(forged[_i].by_other ? bus_c : bus_b, bell_id(a),
	      record_header(RECORD_CALL, forged[_i].op, method, len), word,
	      (len + 7) / 8 * 8);
	TURNS(5);
	ck_assert_msg(ended == 0, "%s: ended the call", forged[_i].name);
	ck_assert_int_eq(cancelled, 0);
	ck_assert_int_eq(handled, 1);
	ck_assert_int_eq(bell_reply(held[0], "true", 4), 0);
	UNTIL(ended == 1);
	ck_assert_int_eq(last_result, 4);
	ck_assert_mem_eq(last_reply, "true", 4);
	bell_leave(bus_c);
	bell_close(c);
}
END_TEST

static const struct {
	const char *name;
	uint8_t op;
	uint32_t len;
	uint64_t second;
	int want;
} answers[] = {
	{ "refusal for an unknown reason", CALL_REFUSED, 16, 77, -BELL_EREMOTE },
	{ "refusal with more than a reason", CALL_REFUSED, 24, CALL_BUSY, -BELL_EBUSY },
	{ "failure without a text", CALL_FAILED, 8, 0, -BELL_EREMOTE },
	{ "failure with zeros", CALL_FAILED, 24, 0, -BELL_EREMOTE },
	{ "failure with a long text", CALL_FAILED, 4096, UINT64_MAX, -BELL_EREMOTE },
};

/* They end a call, once, though no library sends them so; the second is nobody's. */
START_TEST(strange_answer_ends_the_call_once)
{
	uint64_t id = call_b(HOLD, "x", 1, -1), word[512] = { 0 };

	UNTIL(held_count == 1);
	word[0] = id;
	word[1] = answers[_i].second;
	forge(bus_b, bell_id(a),
	      record_header(RECORD_CALL, answers[_i].op, HOLD, answers[_i].len), word,
	      answers[_i].len);
	forge(bus_b, bell_id(a), record_header(RECORD_CALL, CALL_REPLY, HOLD, 16), word, 16);
	UNTIL(ended == 1);
	ck_assert_msg(last_result == answers[_i].want, "%s: %lld", answers[_i].name,
		      (long long)last_result);
	ck_assert_int_eq(bell_reply(held[0], "true", 4), 0);
	TURNS(5);
	ck_assert_int_eq(ended, 1);
}
END_TEST

START_TEST(same_request_twice_is_handled_once)
{
	uint64_t word[3] = { 0x4242424242, CALL_NO_DEADLINE, 0 };

	for (int i = 0; i < 3; i++)
		forge(bus_a, bell_id(b),
		      record_header(RECORD_CALL, CALL_REQUEST, HOLD, sizeof(word)), word,
		      sizeof(word));
	UNTIL(held_count == 1);
	TURNS(5);
	ck_assert_int_eq(held_count, 1);
	ck_assert_int_eq(bell_request_left_ms(held[0]), -1);
	ck_assert_int_eq(bell_reply(held[0], "x", 1), 0);
}
END_TEST

static const uint64_t deadlines[] = { UINT64_MAX - 1, UINT64_MAX / 1000000 + 1,
				      INT64_MAX, 86400000 };

START_TEST(forged_deadline_is_far_away)
{
	uint64_t word[2] = { 0x4242424242, deadlines[_i] };

	forge(bus_a, bell_id(b), record_header(RECORD_CALL, CALL_REQUEST, HOLD, sizeof(word)),
	      word, sizeof(word));
	UNTIL(held_count == 1);
	ck_assert(bell_request_left_ms(held[0]) == -1 ||
		  bell_request_left_ms(held[0]) > 86000000);
	ck_assert_int_eq(bell_fail(held[0], NULL), 0);
}
END_TEST

/* Whatever comes, in whatever order: the library goes on. */
START_TEST(random_frames_harm_nothing)
{
	static int hold = HOLD;
	uint64_t seed = (uint64_t)_i + 1, id = call_b(HOLD, "x", 1, -1);

	UNTIL(held_count == 1);
	ck_assert_int_eq(bell_on_call(bus_a, BELL_ANY_METHOD, serve, &hold), 0);
	for (uint64_t n = 0; n < 300; n++) {
		/* The first word tells them apart; ids are few, so that they meet. */
		uint64_t word[4] = { n % 5 ? (uint64_t)1 << 40 | n / 8 : id + n / 60,
				     n % 3 ? n % 4 : CALL_NO_DEADLINE, n, n };
		uint32_t len, sent;
		uint8_t op;

		seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
		op = (uint8_t)((seed >> 40) % 7);
		len = 1 + (uint32_t)(seed >> 48) % 32;
		sent = (len + 7) / 8 * 8;
		forge(bus_b, bell_id(a),
		      record_header(RECORD_CALL, op, (uint16_t)(seed >> 33), len), word,
		      sent);
		if (seed >> 63)
			turn();
	}
	TURNS(5);
	ck_assert_int_gt(held_count, 1);
	ck_assert_int_le(held_count, 301);
	for (int i = 0; i < held_count; i++)
		(void)bell_reply(held[i], "x", 1);
	TURNS(5);
	ck_assert_int_eq(ended, 1);
	call_b(ECHO, "hello", 5, -1);
	UNTIL(ended == 1);
	ck_assert_int_eq(last_result, 5);
}
END_TEST

void add_call_frames(Suite *suite)
{
	TCase *tc = add_case(suite, "call-frames", setup_calls);

	tcase_add_loop_test(tc, forged_frame_is_ignored, 0, ARRAY_LEN(forged));
	tcase_add_loop_test(tc, strange_answer_ends_the_call_once, 0, ARRAY_LEN(answers));
	tcase_add_test(tc, same_request_twice_is_handled_once);
	tcase_add_loop_test(tc, random_frames_harm_nothing, 0, 8);
	tcase_add_loop_test(tc, forged_deadline_is_far_away, 0, ARRAY_LEN(deadlines));
}
