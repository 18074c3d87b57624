/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Several processes that share a device: peers of their own, woken for their own
 * messages only, and missed at once when they die.
 */
#include "bus.h"
#include "fake-port.h"
#include "id.h"
#include "steward.h"
#include "testing.h"

#include <poll.h>
#include <string.h>

#define SIZE (1u << 22)
#define WAIT_MS 10000
#define DEVICE 40u

static struct fake_hub *hub;
static struct bell_peer *host, *one, *two; /* one and two share DEVICE */
static struct bell_bus *host_bus, *one_bus, *two_bus;

static struct bell_bus *join(struct bell_peer *peer, const char *name)
{
	const struct bell_bus_config cfg = { .name = name };
	struct bell_bus *bus;

	ck_assert_int_eq(bell_join(peer, &cfg, &bus), 0);
	return bus;
}

static void setup(void)
{
	hub = fake_hub_new(SIZE);
	host = fake_hub_open(hub);
	one = fake_hub_open_process(hub, DEVICE, 0);
	two = fake_hub_open_process(hub, DEVICE, 1);
	host_bus = join(host, "host");
	one_bus = join(one, "one");
	two_bus = join(two, "two");
}

static void leave(struct bell_peer **peer, struct bell_bus **bus)
{
	bell_leave(*bus);
	bell_close(*peer);
	*bus = NULL;
	*peer = NULL;
}

static void teardown(void)
{
	leave(&one, &one_bus);
	leave(&two, &two_bus);
	leave(&host, &host_bus);
	fake_hub_free(hub);
}

/* Until nothing is left to look at, so that the handle is silent. */
static void settle(struct bell_peer *peer, struct bell_bus *bus)
{
	char buf[64];

	while (bell_recv(bus, buf, sizeof(buf), NULL, 0) != -BELL_EAGAIN)
		;
	while (bell_dispatch(peer) > 0)
		;
}

static bool is_readable(const struct bell_peer *peer)
{
	struct pollfd p = { .fd = bell_handle(peer), .events = POLLIN };

	return poll(&p, 1, 0) == 1;
}

static void send_and_take(struct bell_bus *from, const char *name, struct bell_peer *peer,
			  struct bell_bus *to)
{
	struct bell_envelope env;
	char buf[16];
	uint32_t id;

	ck_assert_int_eq(bell_await_peer(from, name, WAIT_MS, &id), 0);
	ck_assert_uint_eq(id, bell_id(peer));
	ck_assert_int_eq(bell_send(from, id, name, strlen(name), WAIT_MS), 0);
	ck_assert_int_eq(bell_recv(to, buf, sizeof(buf), &env, WAIT_MS),
			 (int64_t)strlen(name));
	ck_assert(memcmp(buf, name, strlen(name)) == 0);
}

START_TEST(each_is_a_peer_of_its_own)
{
	ck_assert_uint_eq(bell_id(one), DEVICE);
	ck_assert_uint_eq(bell_id(two), DEVICE | 1 << 16);
	send_and_take(host_bus, "one", one, one_bus);
	send_and_take(host_bus, "two", two, two_bus);
	send_and_take(one_bus, "two", two, two_bus);
	send_and_take(two_bus, "one", one, one_bus);
	send_and_take(two_bus, "host", host, host_bus);
}
END_TEST

START_TEST(only_the_receiver_is_woken)
{
	uint32_t id = bell_id(two);

	settle(one, one_bus);
	settle(two, two_bus);
	ck_assert(!is_readable(one) && !is_readable(two));
	ck_assert_int_eq(bell_send(host_bus, id, "x", 1, WAIT_MS), 0);
	ck_assert(is_readable(two));
	ck_assert(!is_readable(one));
}
END_TEST

static unsigned seen;

static void count(struct bell_peer *peer, unsigned vector, void *arg)
{
	(void)peer, (void)arg;
	seen |= 1u << vector;
}

START_TEST(a_raw_doorbell_is_for_all_who_listen)
{
	seen = 0;
	ck_assert_int_eq(bell_on_interrupt(one, 5, count, NULL), 0);
	ck_assert_int_eq(bell_on_interrupt(two, 5, count, NULL), 0);
	ck_assert_int_eq(bell_on_interrupt(two, 6, count, NULL), 0);
	ck_assert_int_eq(bell_ring(host, bell_id(two), 5), 0);
	ck_assert_int_gt(bell_wait(one, WAIT_MS), 0);
	ck_assert_uint_eq(seen, 1u << 5);
	seen = 0;
	ck_assert_int_gt(bell_wait(two, WAIT_MS), 0);
	ck_assert_uint_eq(seen, 1u << 5);
	seen = 0;
	ck_assert_int_eq(bell_ring(host, DEVICE, 6), 0);
	ck_assert_int_gt(bell_wait(two, WAIT_MS), 0);
	ck_assert_uint_eq(seen, 1u << 6);
	ck_assert_int_eq(bell_dispatch(one), 0);
}
END_TEST

static enum bell_state state_of(struct bell_peer *who, uint32_t id)
{
	struct bell_peer_info list[16];
	int n = bell_peers(who, list, 16);

	for (int i = 0; i < n && i < 16; i++)
		if (list[i].id == id)
			return list[i].state;
	return BELL_STATE_RAW;
}

static enum bell_presence event;

static void on_presence(struct bell_bus *bus, enum bell_presence what,
			const struct bell_peer_info *info, void *arg)
{
	(void)bus, (void)arg;
	if (strcmp(info->name, "two") == 0)
		event = what;
}

/* Without a server, a socket or a neighbour that tells. */
START_TEST(a_death_is_told_to_those_who_sleep)
{
	uint32_t id = bell_id(two);

	ck_assert_int_eq(bell_on_presence(host_bus, on_presence, NULL), 0);
	settle(host, host_bus);
	settle(two, two_bus);
	event = 0;
	fake_process_die(two);
	two = NULL;
	ck_assert_int_gt(bell_wait(host, WAIT_MS), 0);
	ck_assert_int_eq(event, BELL_DIED);
	ck_assert_int_eq(state_of(host, id), BELL_STATE_DEAD);
	ck_assert_int_eq(state_of(host, DEVICE), BELL_STATE_LIVE);
	ck_assert_int_eq(bell_send(host_bus, id, "x", 1, 0), -BELL_ENOPEER);
	send_and_take(host_bus, "one", one, one_bus);
	/* The private half of the bus of a process that is no more. */
	two = fake_hub_open_process(hub, DEVICE, 1);
	two_bus->peer = two;
	two_bus->self = NULL;
	bell_leave(two_bus);
	two_bus = join(two, "two");
	send_and_take(host_bus, "two", two, two_bus);
}
END_TEST

/* One that came after the last look is told as soon as the will was written. */
START_TEST(the_will_names_who_came_later)
{
	struct bell_peer *late = fake_hub_open(hub);
	struct bell_bus *late_bus = join(late, "late");
	uint32_t id = bell_id(two);

	settle(two, two_bus);
	settle(late, late_bus);
	fake_process_die(two);
	two = NULL;
	ck_assert(is_readable(late));
	ck_assert_int_eq(state_of(late, id), BELL_STATE_DEAD);
	leave(&late, &late_bus);
	two = fake_hub_open_process(hub, DEVICE, 1);
	two_bus->peer = two;
	two_bus->self = NULL;
	bell_leave(two_bus);
	two_bus = join(two, "two");
}
END_TEST

START_TEST(who_leaves_leaves_no_will)
{
	uint32_t id = bell_id(two);

	bell_leave(two_bus);
	two_bus = NULL;
	fake_process_die(two);
	two = fake_hub_open_process(hub, DEVICE, 1);
	two_bus = join(two, "two");
	ck_assert_int_eq(state_of(host, id), BELL_STATE_LIVE);
}
END_TEST

/* The next process of that number is the next incarnation; its neighbour stays. */
START_TEST(the_next_of_that_number_buries)
{
	struct bell_peer *again = fake_hub_open_process(hub, DEVICE, 1);

	ck_assert_int_eq(state_of(host, bell_id(again)), BELL_STATE_DEAD);
	ck_assert_int_eq(state_of(host, DEVICE), BELL_STATE_LIVE);
	bell_close(again);
}
END_TEST

static void no_ring(void *arg, uint32_t id, unsigned vector)
{
	(void)arg, (void)id, (void)vector;
}

/* As the server does it when the machine's connection ends. */
START_TEST(a_machine_goes_with_all_its_processes)
{
	ck_assert(steward_mark_dead(fake_hub_memory(hub), &host_bus->layout, DEVICE,
				    no_ring, NULL));
	ck_assert_int_eq(state_of(host, bell_id(one)), BELL_STATE_DEAD);
	ck_assert_int_eq(state_of(host, bell_id(two)), BELL_STATE_DEAD);
	ck_assert_int_eq(state_of(host, bell_id(host)), BELL_STATE_LIVE);
}
END_TEST

/* Its process was killed, and another one listens to the doorbell without a bus. */
START_TEST(a_device_is_found_while_it_is_connected)
{
	struct bell_peer *third = fake_hub_open(hub);
	struct bell_bus *third_bus = join(third, "third");
	uint32_t id = bell_id(third), found = BELL_ID_MAX;

	ck_assert(steward_mark_dead(fake_hub_memory(hub), &host_bus->layout, id, no_ring,
				    NULL));
	ck_assert_int_eq(bell_find(host, ID_TEXT(id), &found), 0);
	ck_assert_uint_eq(found, id);
	ck_assert_int_eq(bell_find(host, "third", &found), -BELL_ENOPEER);
	leave(&third, &third_bus);
	ck_assert_int_eq(bell_find(host, ID_TEXT(id), &found), -BELL_ENOPEER);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("processes");
	TCase *tc = tcase_create("of one device");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, each_is_a_peer_of_its_own);
	tcase_add_test(tc, only_the_receiver_is_woken);
	tcase_add_test(tc, a_raw_doorbell_is_for_all_who_listen);
	tcase_add_test(tc, a_death_is_told_to_those_who_sleep);
	tcase_add_test(tc, the_will_names_who_came_later);
	tcase_add_test(tc, who_leaves_leaves_no_will);
	tcase_add_test(tc, the_next_of_that_number_buries);
	tcase_add_test(tc, a_machine_goes_with_all_its_processes);
	tcase_add_test(tc, a_device_is_found_while_it_is_connected);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
