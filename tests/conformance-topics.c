/* SPDX-License-Identifier: BSD-2-Clause */
/* One to many: who gets what. */
#include "topics-fixture.h"

#include "layout.h"
#include "topic-set.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- who gets what ---- */

START_TEST(subscribers_get_it_and_others_do_not)
{
	subscribe(bus_a, "news");
	subscribe(bus_b, "news");
	subscribe(bus_c, "news");
	subscribe(bus_c, "news"); /* again: harmless */
	subscribe(bus_d, "weather");
	ck_assert_int_eq(publish("news", 1), 2);
	ck_assert_int_eq(publish("weather", 2), 1);
	ck_assert_int_eq(publish("sports", 3), 0);
	expect(bus_b, "news", 1);
	expect(bus_c, "news", 1);
	expect(bus_d, "weather", 2);
	expect_nothing(bus_a); /* not to oneself */
	expect_nothing(bus_b);
	expect_nothing(bus_c);
	expect_nothing(bus_d);
	ck_assert_uint_eq(stats_of(bus_a, "news").published, 1);
	ck_assert_uint_eq(stats_of(bus_a, "news").sent, 2);
	ck_assert_uint_eq(stats_of(bus_a, "news").dropped, 0);
	ck_assert_uint_eq(stats_of(bus_a, "news").received, 0);
	ck_assert_uint_eq(stats_of(bus_c, "news").received, 1);
	ck_assert_uint_eq(stats_of(bus_a, "sports").sent, 0);
}
END_TEST

START_TEST(all_get_what_is_for_all)
{
	ck_assert_int_eq(publish(BELL_ALL, 1), 3);
	subscribe(bus_b, "news"); /* changes nothing */
	ck_assert_int_eq(publish(BELL_ALL, 2), 3);
	for (uint32_t n = 1; n <= 2; n++) {
		expect(bus_b, "", n);
		expect(bus_c, "", n);
		expect(bus_d, "", n);
	}
	expect_nothing(bus_a);
	ck_assert_uint_eq(stats_of(bus_a, BELL_ALL).published, 2);
	ck_assert_uint_eq(stats_of(bus_a, BELL_ALL).sent, 6);
	ck_assert_uint_eq(stats_of(bus_d, BELL_ALL).received, 2);
	ck_assert_uint_eq(stats_of(bus_a, BELL_ALL).received, 0);
}
END_TEST

START_TEST(many_topics_are_kept_apart)
{
	char name[16];

	for (uint32_t i = 0; i < 200; i++) {
		snprintf(name, sizeof(name), "topic-%u", i);
		subscribe(i % 2 ? bus_b : bus_c, name);
	}
	/* b wants 100 topics: its filter is fairly full, what it gets is not. */
	for (uint32_t i = 0; i < 200; i++) {
		snprintf(name, sizeof(name), "topic-%u", i);
		ck_assert_int_ge(publish(name, i), 1);
		expect(i % 2 ? bus_b : bus_c, name, i);
		expect_nothing(i % 2 ? bus_c : bus_b);
	}
}
END_TEST

START_TEST(order_with_other_messages)
{
	struct bell_envelope env;
	uint32_t got;

	subscribe(bus_b, "news");
	for (uint32_t i = 0; i < 60; i += 3) {
		ck_assert_int_eq(publish("news", i), 1);
		got = i + 1;
		ck_assert_int_eq(bell_send(bus_a, bell_id(b), &got, sizeof(got), 0), 0);
		ck_assert_int_eq(publish(BELL_ALL, i + 2), 3);
	}
	for (uint32_t i = 0; i < 60; i += 3) {
		expect(bus_b, "news", i);
		ck_assert_int_eq(bell_recv(bus_b, &got, sizeof(got), &env, WAIT_MS), 4);
		ck_assert_uint_eq(got, i + 1);
		ck_assert_ptr_null(env.topic);
		expect(bus_b, "", i + 2);
	}
}
END_TEST

static const char *const wrong_names[] = {
	"", "with space", "tab\t", "\x7f", "\xc3\xbc",
	"0123456789012345678901234567890123456789012345678901234567890123",
};

START_TEST(wrong_name)
{
	const char *name = wrong_names[_i];
	struct bell_topic_stats stats;

	ck_assert_int_eq(bell_subscribe(bus_a, name), -BELL_EINVAL);
	ck_assert_str_ne(bell_detail(), "");
	ck_assert_int_eq(bell_unsubscribe(bus_a, name), -BELL_EINVAL);
	ck_assert_int_eq(publish(name, 1), -BELL_EINVAL);
	ck_assert_int_eq(bell_set_policy(bus_a, name, BELL_BLOCK, 0), -BELL_EINVAL);
	ck_assert_int_eq(bell_get_topic_stats(bus_a, name, &stats), -BELL_EINVAL);
}
END_TEST

START_TEST(wrong_arguments)
{
	ck_assert_int_eq(bell_subscribe(bus_a, BELL_ALL), -BELL_EINVAL);
	ck_assert_int_eq(bell_unsubscribe(bus_a, BELL_ALL), -BELL_EINVAL);
	ck_assert_int_eq(bell_publish(bus_a, "x", 0, NULL, 1, 0), -BELL_EINVAL);
	ck_assert_int_eq(bell_set_policy(bus_a, "x", (enum bell_policy)3, 1),
			 -BELL_EINVAL);
	ck_assert_int_eq(bell_set_policy(bus_a, "x", BELL_DROP_OLDEST, 0), -BELL_EINVAL);
	ck_assert_int_eq(bell_set_policy(bus_a, "x", BELL_DROP_OLDEST, 65537),
			 -BELL_EINVAL);
	ck_assert_int_eq(bell_set_policy(bus_a, "x", BELL_DROP_OLDEST, 65536), 0);
}
END_TEST

static const size_t lengths[] = { 0, 1, 7, 8, 9, 4096 };

START_TEST(message_arrives_whole)
{
	size_t len = lengths[_i];
	unsigned char *msg = malloc(len + 1), *got = malloc(len + 1);
	struct bell_envelope env;

	subscribe(bus_b, "bytes");
	for (size_t i = 0; i < len; i++)
		msg[i] = (unsigned char)(i * 7 + len);
	for (int round = 0; round < 100; round++) { /* round the ring's end */
		ck_assert_int_eq(bell_publish(bus_a, "bytes", 0, len ? msg : NULL, len, 0),
				 1);
		ck_assert_int_eq(bell_recv(bus_b, got, len, &env, WAIT_MS), (int64_t)len);
		if (len)
			ck_assert_mem_eq(msg, got, len);
		ck_assert_str_eq(env.topic, "bytes");
	}
	free(msg);
	free(got);
}
END_TEST

START_TEST(largest_message_and_one_byte_more)
{
	size_t max = bell_max_piece(bus_a) - 16;
	unsigned char *msg = calloc(1, max + 1), *got = calloc(1, max);

	subscribe(bus_b, "bytes");
	msg[max - 1] = 9;
	for (int round = 0; round < 5; round++) {
		ck_assert_int_eq(bell_publish(bus_a, "bytes", 0, msg, max, 0), 1);
		ck_assert_int_eq(bell_recv(bus_b, got, max, NULL, WAIT_MS), (int64_t)max);
		ck_assert_mem_eq(msg, got, max);
	}
	ck_assert_int_eq(bell_publish(bus_a, "bytes", 0, msg, max + 1, 0),
			 -BELL_EMSGSIZE);
	ck_assert_str_ne(bell_detail(), "");
	expect_nothing(bus_b);
	free(msg);
	free(got);
}
END_TEST

START_TEST(unsubscribe_drops_what_is_queued)
{
	ck_assert_int_eq(bell_unsubscribe(bus_b, "news"), -BELL_EINVAL);
	subscribe(bus_b, "news");
	subscribe(bus_b, "other");
	ck_assert_int_eq(publish("news", 1), 1);
	ck_assert_int_eq(publish("other", 2), 1);
	ck_assert_int_eq(bell_unsubscribe(bus_b, "news"), 0);
	ck_assert_int_eq(bell_unsubscribe(bus_b, "news"), -BELL_EINVAL);
	expect(bus_b, "other", 2);
	expect_nothing(bus_b);
	ck_assert_int_eq(publish("news", 3), 0);
	ck_assert_int_eq(publish("other", 4), 1);
	expect(bus_b, "other", 4);
	ck_assert_uint_eq(stats_of(bus_b, "news").received, 0);
	subscribe(bus_b, "news");
	ck_assert_int_eq(publish("news", 5), 1);
	expect(bus_b, "news", 5);
}
END_TEST

START_TEST(next_incarnation_subscribes_anew)
{
	subscribe(bus_b, "news");
	ck_assert_int_eq(publish("news", 1), 1);
	bell_leave(bus_b);
	ck_assert_int_eq(publish("news", 2), 0);
	bus_b = join(b, "b");
	ck_assert_int_eq(publish("news", 3), 0);
	subscribe(bus_b, "news");
	ck_assert_int_eq(publish("news", 4), 1);
	expect(bus_b, "news", 4);
	expect_nothing(bus_b);
}
END_TEST

/* ---- callbacks ---- */

static struct told_message {
	int count;
	uint32_t number;
	char topic[BELL_TOPIC_MAX + 1];
	int published;
} told;

static void on_message(struct bell_bus *bus, const struct bell_envelope *env,
		       const void *data, void *arg)
{
	uint32_t number;

	(void)arg;
	ck_assert_uint_eq(env->len, MESSAGE);
	ck_assert_ptr_nonnull(env->topic);
	memcpy(&number, data, sizeof(number));
	told.count++;
	told.number = number;
	strcpy(told.topic, env->topic);
	number++;
	told.published = bell_publish(bus, "echo", 7, &number, sizeof(number), 0);
}

static void dispatch_until(struct bell_peer *peer, const int *counter, int value)
{
	struct pollfd p = { .fd = bell_handle(peer), .events = POLLIN };

	while (bell_dispatch(peer) >= 0 && *counter < value)
		ck_assert_int_eq(poll(&p, 1, WAIT_MS), 1);
	ck_assert_int_eq(*counter, value);
}

START_TEST(callback_is_told_the_topic_and_may_publish)
{
	struct bell_envelope env;
	uint32_t got;

	memset(&told, 0, sizeof(told));
	bell_on_message(bus_b, on_message, NULL);
	subscribe(bus_b, "news");
	subscribe(bus_a, "echo");
	subscribe(bus_c, "echo");
	while (bell_dispatch(b) > 0)
		;
	for (int i = 1; i <= 50; i++) {
		ck_assert_int_eq(publish("news", (uint32_t)i * 10), 1);
		dispatch_until(b, &told.count, i);
		ck_assert_uint_eq(told.number, (uint32_t)i * 10);
		ck_assert_str_eq(told.topic, "news");
		ck_assert_int_eq(told.published, 2);
		ck_assert_int_eq(bell_recv(bus_a, &got, 4, &env, WAIT_MS), 4);
		ck_assert_uint_eq(got, (uint32_t)i * 10 + 1);
		ck_assert_uint_eq(env.peer, bell_id(b));
		ck_assert_int_eq(bell_recv(bus_c, &got, 4, &env, WAIT_MS), 4);
		ck_assert_str_eq(env.topic, "echo");
	}
}
END_TEST

/* ---- the filter ---- */

/* As doc/layout.md says, computed by another program. */
static const struct vector {
	const char *name;
	uint64_t hash;
	uint32_t bits[TOPIC_BITS];
	int different; /* of them */
} vectors[] = {
	{ "a", UINT64_C(0x82a2a958a9bece5b), { 91, 359, 111, 277 }, 4 },
	{ "b", UINT64_C(0x6e673288764ad2d0), { 208, 361, 402, 270 }, 4 },
	{ "news", UINT64_C(0x512538bfa8bf202f), { 47, 400, 47, 501 }, 3 },
	{ "sensors/1/temperature", UINT64_C(0xe4a29ce68841e97e), { 382, 244, 16, 209 }, 4 },
};

static struct layout_slot *slot_of(struct bell_peer *peer)
{
	struct layout layout;
	size_t size;
	void *memory = bell_memory(a, &size);
	struct layout_slot *slot;

	ck_assert_int_eq(layout_read(memory, size, &layout), 0);
	for (uint32_t i = 0; i < layout.slot_count; i++) {
		slot = layout_slot(memory, &layout, i);
		if (slot_state(slot->word) == SLOT_LIVE &&
		    slot_id(slot->word) == bell_id(peer))
			return slot;
	}
	ck_abort_msg("peer %u has no slot", bell_id(peer));
	return NULL;
}

static int bits_set(struct layout_slot *slot)
{
	int n = 0;

	for (int i = 0; i < 8; i++)
		n += __builtin_popcountll(slot->topics[i]);
	return n;
}

START_TEST(filter_has_the_bits_of_the_hash)
{
	const struct vector *v = &vectors[_i];
	struct layout_slot *slot = slot_of(b);

	ck_assert_int_eq(bits_set(slot), 0);
	ck_assert_uint_eq(topic_hash(v->name), v->hash);
	subscribe(bus_b, v->name);
	for (unsigned i = 0; i < TOPIC_BITS; i++)
		ck_assert(slot->topics[v->bits[i] / 64] >> v->bits[i] % 64 & 1);
	ck_assert_int_eq(bits_set(slot), v->different);
	subscribe(bus_b, "another");
	ck_assert_int_gt(bits_set(slot), v->different);
	ck_assert_int_eq(bell_unsubscribe(bus_b, "another"), 0);
	ck_assert_int_eq(bits_set(slot), v->different);
	ck_assert_int_eq(bell_unsubscribe(bus_b, v->name), 0);
	ck_assert_int_eq(bits_set(slot), 0);
}
END_TEST

START_TEST(false_positive_is_dropped_silently)
{
	struct layout_slot *slot = slot_of(b);

	subscribe(bus_b, "news");
	for (int i = 0; i < 8; i++)
		slot->topics[i] = UINT64_MAX;
	ck_assert_int_eq(publish("unwanted", 1), 1); /* in vain */
	ck_assert_int_eq(publish("news", 2), 1);
	ck_assert_int_eq(publish("unwanted", 3), 1);
	expect(bus_b, "news", 2);
	expect_nothing(bus_b);
	ck_assert_uint_eq(stats_of(bus_b, "news").received, 1);
	/* Space is given back: many rings full of them do not block. */
	for (uint32_t i = 0; i < 5000; i++) {
		ck_assert_int_eq(publish("unwanted", i), 1);
		if (i % 50 == 0)
			expect_nothing(bus_b);
	}
}
END_TEST

START_TEST(scribbled_filter_is_healed_by_subscribing)
{
	struct layout_slot *slot = slot_of(b);

	subscribe(bus_b, "news");
	for (int i = 0; i < 8; i++)
		slot->topics[i] = 0;
	ck_assert_int_eq(publish("news", 1), 0);
	subscribe(bus_b, "news");
	ck_assert_int_eq(publish("news", 2), 1);
	expect(bus_b, "news", 2);
}
END_TEST

/* Gives the records with these 8 bytes of message another length. */
static void set_record_length(uint64_t message, uint32_t len)
{
	size_t size;
	_Atomic uint64_t *memory = bell_memory(a, &size);

	for (size_t i = 2; i < size / sizeof(message); i++)
		if (memory[i] == message && memory[i - 2] >> 56 == RECORD_TOPIC)
			memory[i - 2] = record_header(RECORD_TOPIC, 0, 7, len);
}

START_TEST(record_too_short_for_its_hash)
{
	uint64_t message = UINT64_C(0x6567617362726167);
	struct bell_envelope env = { 0 };

	subscribe(bus_b, "news");
	ck_assert_int_eq(bell_publish(bus_a, "news", 7, &message, sizeof(message), 0), 1);
	set_record_length(message, (uint32_t)_i);
	ck_assert_int_eq(bell_recv(bus_b, &message, 8, &env, WAIT_MS), -BELL_ECORRUPT);
	ck_assert_uint_eq(env.peer, bell_id(a));
	/* The link is broken for the next one; the one after it has a new link. */
	ck_assert_int_eq(publish("news", 1), 0);
	ck_assert_uint_eq(stats_of(bus_a, "news").dropped, 1);
	ck_assert_int_eq(publish("news", 2), 1);
	expect(bus_b, "news", 2);
	expect_nothing(bus_b);
}
END_TEST

void add_topics(Suite *suite)
{
	TCase *tc = add_topic_case(suite, "topics");

	tcase_add_test(tc, subscribers_get_it_and_others_do_not);
	tcase_add_test(tc, all_get_what_is_for_all);
	tcase_add_test(tc, many_topics_are_kept_apart);
	tcase_add_test(tc, order_with_other_messages);
	tcase_add_loop_test(tc, wrong_name, 0, ARRAY_LEN(wrong_names));
	tcase_add_test(tc, wrong_arguments);
	tcase_add_loop_test(tc, message_arrives_whole, 0, ARRAY_LEN(lengths));
	tcase_add_test(tc, largest_message_and_one_byte_more);
	tcase_add_test(tc, unsubscribe_drops_what_is_queued);
	tcase_add_test(tc, next_incarnation_subscribes_anew);
	tcase_add_test(tc, callback_is_told_the_topic_and_may_publish);
	tcase_add_loop_test(tc, filter_has_the_bits_of_the_hash, 0, ARRAY_LEN(vectors));
	tcase_add_test(tc, false_positive_is_dropped_silently);
	tcase_add_test(tc, scribbled_filter_is_healed_by_subscribing);
	tcase_add_loop_test(tc, record_too_short_for_its_hash, 0, TOPIC_PREFIX);
	add_topic_policies(suite);
}
