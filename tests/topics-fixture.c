/* SPDX-License-Identifier: BSD-2-Clause */
#include "topics-fixture.h"

struct bell_peer *c, *d;
struct bell_bus *bus_c, *bus_d;

static void setup_four(void)
{
	setup();
	c = world->open();
	d = world->open();
	bus_c = join(c, "c");
	bus_d = join(d, "d");
}

static void teardown_four(void)
{
	bell_leave(bus_c);
	bell_leave(bus_d);
	bell_close(c);
	bell_close(d);
	bus_c = bus_d = NULL;
	c = d = NULL;
}

void subscribe(struct bell_bus *bus, const char *topic)
{
	int rc = bell_subscribe(bus, topic);

	if (rc < 0)
		ck_abort_msg("subscribe %s: %s: %s", topic, bell_strerror(rc),
			     bell_detail());
}

int publish_in(const char *topic, uint32_t number, int timeout_ms)
{
	uint32_t msg[MESSAGE / sizeof(number)] = { number };

	return bell_publish(bus_a, topic, 7, msg, sizeof(msg), timeout_ms);
}

int publish(const char *topic, uint32_t number)
{
	return publish_in(topic, number, 0);
}

struct bell_topic_stats stats_of(struct bell_bus *bus, const char *topic)
{
	struct bell_topic_stats stats = { 0 };

	ck_assert_int_eq(bell_get_topic_stats(bus, topic, &stats), 0);
	return stats;
}

/* The next message is that number. */
static struct bell_envelope take(struct bell_bus *bus, uint32_t number)
{
	uint32_t got[MESSAGE / sizeof(number)] = { 0 };
	struct bell_envelope env = { 0 };

	ck_assert_int_eq(bell_recv(bus, got, sizeof(got), &env, WAIT_MS), MESSAGE);
	ck_assert_uint_eq(got[0], number);
	ck_assert_uint_eq(env.peer, bell_id(a));
	ck_assert_uint_eq(env.len, MESSAGE);
	ck_assert_uint_eq(env.total, MESSAGE);
	ck_assert_uint_eq(env.flags, 0);
	return env;
}

void expect(struct bell_bus *bus, const char *topic, uint32_t number)
{
	struct bell_envelope env = take(bus, number);

	ck_assert_ptr_nonnull(env.topic);
	ck_assert_str_eq(env.topic, topic);
	ck_assert_uint_eq(env.tag, 7);
}

uint32_t fill_ring(struct bell_peer *to)
{
	uint32_t msg[MESSAGE / sizeof(uint32_t)] = { 0 };

	while (bell_send(bus_a, bell_id(to), msg, sizeof(msg), 0) == 0)
		msg[0]++;
	ck_assert_uint_gt(msg[0], 0);
	return msg[0];
}

void drain_ring(struct bell_bus *bus, uint32_t from, uint32_t end)
{
	for (uint32_t i = from; i < end; i++)
		ck_assert_ptr_null(take(bus, i).topic);
}

void expect_nothing(struct bell_bus *bus)
{
	char byte;

	ck_assert_int_eq(bell_recv(bus, &byte, 1, NULL, 0), -BELL_EAGAIN);
}

TCase *add_topic_case(Suite *suite, const char *name)
{
	TCase *tc = add_case(suite, name, setup_four);

	tcase_add_checked_fixture(tc, NULL, teardown_four);
	return tc;
}
