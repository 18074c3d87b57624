/* SPDX-License-Identifier: BSD-2-Clause */
#include "four-peers.h"

#include "fake-port.h"

#include <poll.h>
#include <string.h>

#define REGION (1u << 20)

struct fake_hub *hub;
struct bell_peer *peer[PEERS];
struct bell_bus *bus[PEERS];
static const char *const names[PEERS] = { "a", "b", "c", "d" };

struct bell_bus *join(struct bell_peer *p, const char *name, uint32_t flags)
{
	struct bell_bus_config cfg = { .name = name, .flags = flags };
	struct bell_bus *b = NULL;
	int rc = bell_join(p, &cfg, &b);

	ck_assert_msg(rc == 0, "join %s: %s", name, bell_detail());
	return b;
}

static void setup(void)
{
	hub = fake_hub_new(REGION);
	for (int i = 0; i < PEERS; i++) {
		peer[i] = fake_hub_open(hub);
		bus[i] = join(peer[i], names[i], 0);
	}
}

void part(int i)
{
	bell_leave(bus[i]);
	bell_close(peer[i]);
	bus[i] = NULL;
	peer[i] = NULL;
}

static void teardown(void)
{
	for (int i = 0; i < PEERS; i++)
		part(i);
	fake_hub_free(hub);
}

int64_t receive(struct bell_bus *b, char *got, int timeout_ms)
{
	memset(got, 0, 64);
	return bell_recv(b, got, 64, NULL, timeout_ms);
}

void expect_text(struct bell_bus *b, const char *text)
{
	char got[64];

	ck_assert_int_eq(receive(b, got, 5000), (int64_t)strlen(text));
	ck_assert_str_eq(got, text);
}

void send_text(struct bell_bus *b, int to, const char *text)
{
	ck_assert_int_eq(bell_send(b, bell_id(peer[to]), text, strlen(text), 0), 0);
}

void settle(int i)
{
	struct pollfd p = { .fd = bell_handle(peer[i]), .events = POLLIN };
	char got[64];

	while (bell_dispatch(peer[i]) > 0 || receive(bus[i], got, 0) >= 0)
		;
	ck_assert_int_eq(poll(&p, 1, 0), 0);
}

bool readable(int i, int timeout_ms)
{
	struct pollfd p = { .fd = bell_handle(peer[i]), .events = POLLIN };

	return poll(&p, 1, timeout_ms) == 1;
}

struct bus_in *inbound(struct bell_bus *b)
{
	(void)bus_collect(b);
	ck_assert_uint_eq(b->active_count, 1);
	return b->active[0];
}

shm_u64 *word_at(struct bus_in *in, uint64_t off)
{
	return (shm_u64 *)(void *)(in->r.data + off);
}

void format_anew(void)
{
	bell_leave(bus[2]);
	bell_leave(bus[3]);
	bus[2] = join(peer[2], "c", BELL_FORMAT);
	bus[3] = join(peer[3], "d", 0);
	ck_assert_uint_eq(bus[3]->slot, bus[1]->slot);
}

TCase *add_four(Suite *suite, const char *name)
{
	TCase *tc = tcase_create(name);

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 20);
	suite_add_tcase(suite, tc);
	return tc;
}
