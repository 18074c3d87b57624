/* SPDX-License-Identifier: BSD-2-Clause */
/* What every port and the bus on it must do, through the public API. */
#include "conformance.h"

#include <poll.h>

const struct world *world;
struct bell_peer *a, *b;
struct bell_bus *bus_a, *bus_b;

struct bell_bus *join(struct bell_peer *peer, const char *name)
{
	struct bell_bus_config cfg = { .name = name };
	struct bell_bus *bus;
	int rc = bell_join(peer, &cfg, &bus);

	if (rc < 0)
		ck_abort_msg("join %s: %s: %s", name, bell_strerror(rc), bell_detail());
	return bus;
}

void set_two_ways(int pair)
{
	int one = pair % WAYS, other = (one + 1 + pair / WAYS) % WAYS;

	ck_assert_int_eq(bell_set_wait(bus_a, (enum bell_wait_mode)one), 0);
	ck_assert_int_eq(bell_set_wait(bus_b, (enum bell_wait_mode)other), 0);
}

void expect_quiet(struct bell_peer *peer)
{
	struct pollfd p = { .fd = bell_handle(peer), .events = POLLIN };

	if (bell_vectors(peer) > 0)
		ck_assert_int_eq(poll(&p, 1, 0), 0);
}

/* Server news about b reach a before a test begins. */
void setup_raw(void)
{
	struct bell_peer_info info[8];
	int n = 0;

	world->begin();
	a = world->open();
	b = world->open();
	for (int tries = 0; tries < 100; tries++) {
		n = bell_peers(a, info, 8);
		if (n >= 2 && info[n - 1].id == bell_id(b) &&
		    info[n - 1].vectors >= bell_vectors(b))
			return;
		(void)bell_wait(a, 50);
	}
	ck_abort_msg("a never heard of b: %d peers", n);
}

static void teardown_raw(void)
{
	bell_leave(bus_a);
	bell_leave(bus_b);
	bell_close(a);
	bell_close(b);
	bus_a = bus_b = NULL;
	world->end();
}

void setup(void)
{
	setup_raw();
	bus_a = join(a, "a");
	bus_b = join(b, "b");
}

TCase *add_case(Suite *suite, const char *name, void (*before)(void))
{
	TCase *tc = tcase_create(name);

	tcase_add_checked_fixture(tc, before, teardown_raw);
	tcase_set_timeout(tc, 60);
	suite_add_tcase(suite, tc);
	return tc;
}

Suite *conformance_suite(const struct world *w)
{
	Suite *suite = suite_create(w->name);

	world = w;
	add_raw(suite);
	add_messages(suite);
	add_waiting(suite);
	add_directory(suite);
	add_large(suite);
	add_sending(suite);
	add_batches(suite);
	add_inplace(suite);
	add_streams(suite);
	add_calls(suite);
	add_topics(suite);
	add_poll_only(suite);
	add_presence(suite);
	return suite;
}
