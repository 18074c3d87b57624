/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * deaths-memory.c - what all share dies: the server, the memory, a doorbell
 *
 * Rows "server ...", "memory ..." and "doorbell lost" of doc/deaths.md.
 */
#include "deaths-server.h"
#include "deaths-victim.h"

#include "peer.h"

#include <poll.h>
#include <string.h>
#include <sys/resource.h>

#define SLACK_MS 3000

/* ---- server ------------------------------------------------------------------------ */

static void note_lost(struct bell_peer *peer, uint32_t id, enum bell_peer_event event,
		      void *arg)
{
	(void)peer, (void)id;
	if (event == BELL_SERVER_LOST)
		++*(int *)arg;
}

static uint32_t id_of(const char *name)
{
	uint32_t id;

	UNTIL(bell_find(r_peer, name, &id) == 0)
		;
	return id;
}

START_TEST(server_gone)
{
	struct bell_peer *peer = NULL;
	pid_t pid = sleeper_start(60000);
	uint32_t v = id_of("v");
	static int lost;
	int64_t since;
	int rc = 0;

	ck_assert_int_eq(bell_on_peer(r_peer, note_lost, &lost), 0);
	server_kill();
	UNTIL(lost == 1)
		;
	/* All go on, and wake each other. */
	place_greet();
	ck_assert_int_eq(bell_send(r, v, "hello", 5, 0), 0);
	sleeper_expect(5, false, now_ms());
	/* Nobody joins. */
	ck_assert_int_eq(bell_open(place, -1, &peer), -BELL_ENODEV);
	/* Of a death nobody hears; nobody waits longer than it said. */
	victim_kill(pid);
	since = now_ms();
	ck_assert_int_eq(bell_ping(r, v, 100, NULL), -BELL_EAGAIN);
	for (int i = 0; rc == 0 && i < 64; i++)
		rc = bell_send(r, v, message[i], 700, 100);
	ck_assert_int_eq(rc, -BELL_EAGAIN);
	ck_assert_int_le(now_ms() - since, 200 + SLACK_MS);
	ck_assert_uint_eq(slots_used(), 3);
	place_greet();
	/* Who leaves tells by itself. */
	bell_leave(w);
	w = NULL;
	ck_assert_int_eq(bell_send(r, bell_id(w_peer), "?", 1, 100), -BELL_ENOPEER);
	ck_assert(server_begin(NULL)); /* for teardown */
}
END_TEST

START_TEST(server_again_with_new_memory)
{
	struct bell_peer *peer;
	struct bell_bus *bus;
	uint32_t id;

	server_kill();
	ck_assert(server_begin(NULL));
	peer = place_open();
	bus = place_join(peer, "r"); /* nobody there has that name */
	ck_assert_int_eq(bell_find(peer, "w", &id), -BELL_ENOPEER);
	place_greet();
	/* Who wants to be there opens again. */
	bell_leave(w);
	bell_close(w_peer);
	w_peer = place_open();
	w = place_join(w_peer, "w");
	ck_assert_int_eq(bell_await_peer(bus, "w", WAIT_MS, &id), 0);
	ck_assert_int_eq(bell_ping(w, bell_id(peer), 1, NULL), -BELL_EAGAIN);
	ck_assert_int_eq(bell_send(bus, id, "hello", 5, WAIT_MS), 0);
	bell_leave(bus);
	bell_close(peer);
}
END_TEST

static void again(struct bell_peer **peer, struct bell_bus **bus, const char *name,
		  uint32_t flags)
{
	struct bell_bus_config cfg = { .name = name, .flags = flags };
	int rc;

	bell_leave(*bus);
	*bus = NULL;
	rc = bell_join(*peer, &cfg, bus);
	ck_assert_msg(rc == 0, "%s: join: %s", place_what, bell_detail());
}

static void again_and_talk(uint32_t flags)
{
	char buf[8];

	again(&r_peer, &r, "r", flags);
	again(&w_peer, &w, "w", 0);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(bell_send(i ? w : r, bell_id(i ? r_peer : w_peer), "hello",
					   5, WAIT_MS), 0);
		ck_assert_int_eq(bell_recv(i ? r : w, buf, sizeof(buf), NULL, WAIT_MS), 5);
	}
}

START_TEST(server_again_with_the_same_memory)
{
	server_kill();
	/* The old peers have it: it is not formatted under them. */
	ck_assert(!server_begin(mortal_memory));
	place_greet();
	bell_leave(r);
	bell_leave(w);
	r = w = NULL;
	bell_close(r_peer);
	bell_close(w_peer);
	ck_assert(server_begin(mortal_memory));
	r_peer = place_open();
	w_peer = place_open();
	again_and_talk(0);
	ck_assert_uint_eq(slots_used(), 2);
}
END_TEST

/* ---- memory -------------------------------------------------------------------------- */

static void no_reply(struct bell_bus *bus, uint64_t id, int64_t result,
		     const void *reply, void *arg)
{
	(void)bus, (void)id, (void)result, (void)reply, (void)arg;
}

/* Everything that r can do says so, without waiting. */
static void all_say_reset(void)
{
	struct bell_envelope env = { .peer = bell_id(w_peer) };
	struct bell_stream *s;
	int64_t since = now_ms();
	uint32_t to = env.peer, id;
	char buf[64];
	void *data;
	const void *cdata;

#define RESET(call) ck_assert_msg((call) == -BELL_ERESET, "%s: %s", place_what, #call)
	RESET(bell_send(r, to, "x", 1, WAIT_MS));
	RESET(bell_send(r, to, message, sizeof(message), WAIT_MS));
	RESET(bell_reserve(r, &env, 10, WAIT_MS, &data));
	RESET(bell_recv(r, buf, sizeof(buf), NULL, WAIT_MS));
	RESET(bell_recv_piece(r, buf, sizeof(buf), NULL, WAIT_MS));
	RESET(bell_peek(r, NULL, &cdata, WAIT_MS));
	RESET(bell_ping(r, to, WAIT_MS, NULL));
	RESET(bell_call(r, to, METHOD, "x", 1, buf, sizeof(buf), WAIT_MS));
	RESET(bell_call_start(r, to, METHOD, "x", 1, WAIT_MS, no_reply, NULL, NULL));
	RESET(bell_stream_open(r, to, SERVICE, WAIT_MS, &s));
	RESET(bell_publish(r, TOPIC, 0, "x", 1, WAIT_MS));
	RESET(bell_subscribe(r, "other"));
	RESET(bell_await_peer(r, "nobody", WAIT_MS, &id));
	RESET(bell_dispatch(r_peer));
	RESET(bell_wait(r_peer, WAIT_MS));
#undef RESET
	ck_assert_int_le(now_ms() - since, SLACK_MS);
}

/* Parts of the memory, as offset and length. */
static void wipe(uint64_t at, uint64_t len)
{
	memset((char *)bell_memory(r_peer, NULL) + at, 0, (size_t)len);
}

static struct layout plan;

static void read_plan(void)
{
	size_t size;
	const void *memory = bell_memory(r_peer, &size);

	ck_assert_int_eq(layout_read(memory, size, &plan), 0);
}

START_TEST(memory_wiped)
{
	static const char *const parts[] = { "all", "first page", "header", "slots" };
	uint64_t at[] = { 0, 0, 0, 0 }, len[] = { 65536, 4096, 128, 0 };
	pid_t pid = sleeper_start(SLEEP_MS);

	read_plan();
	place_what = parts[_i];
	at[3] = plan.slot_offset;
	len[3] = plan.slot_count * sizeof(struct layout_slot);
	wipe(at[_i], len[_i]);
	all_say_reset();
	/* Nobody rang it: it notices when it looks. */
	sleeper_expect(-BELL_ERESET, true, now_ms());
	victim_kill(pid);
	/* Zeros are formatted by the first; anything else only on request. */
	again_and_talk(_i == 2 ? BELL_FORMAT : 0);
}
END_TEST

START_TEST(memory_wiped_links)
{
	uint32_t to = bell_id(w_peer);
	char buf[8];

	read_plan();
	bell_on_message(w, NULL, NULL);
	ck_assert_int_eq(bell_send(r, to, "lost", 4, 0), 0);
	wipe(plan.link_offset, plan.link_count * sizeof(struct layout_link));
	ck_assert_int_eq(bell_send(r, to, "hello", 5, 0), -BELL_ECORRUPT);
	ck_assert_int_eq(bell_send(r, to, "again", 5, 0), 0);
	ck_assert_int_eq(bell_recv(w, buf, sizeof(buf), NULL, WAIT_MS), 5);
	ck_assert_int_eq(memcmp(buf, "again", 5), 0);
	again_and_talk(0);
}
END_TEST

START_TEST(memory_wiped_rings)
{
	uint32_t to = bell_id(w_peer);
	int64_t since;
	char buf[64];
	int rc = 0;

	read_plan();
	bell_on_message(w, NULL, NULL);
	ck_assert_int_eq(bell_send(r, to, "lost", 4, 0), 0);
	wipe(plan.ring_offset, plan.link_count * plan.ring_size);
	since = now_ms();
	for (int i = 0; rc == 0 && i < 64; i++)
		rc = bell_send(r, to, message[i], 700, 100);
	/* The link stands still until one of both gives it up. */
	ck_assert_int_eq(rc, -BELL_EAGAIN);
	ck_assert_int_eq(bell_recv(w, buf, sizeof(buf), NULL, 100), -BELL_EAGAIN);
	ck_assert_int_le(now_ms() - since, 200 + SLACK_MS);
	again_and_talk(0);
}
END_TEST

START_TEST(memory_formatted)
{
	struct bell_bus_config cfg = { .name = "x", .flags = BELL_FORMAT };
	pid_t pid = sleeper_start(60000);

	ck_assert_int_eq(bell_send(r, bell_id(w_peer), "lost", 4, 0), 0);
	x_peer = place_open();
	ck_assert_int_eq(bell_join(x_peer, &cfg, &x), 0);
	all_say_reset();
	sleeper_expect(-BELL_ERESET, false, now_ms()); /* it was rung */
	victim_kill(pid);
	again_and_talk(0);
	ck_assert_uint_eq(slots_used(), 3);
	x_leave();
}
END_TEST

static void format(struct victim *v)
{
	struct bell_bus_config cfg = { .name = "v", .flags = BELL_FORMAT };

	must(bell_join(v->peer, &cfg, &v->bus) == 0);
}

static void only_open(struct victim *v)
{
	(void)v;
}

/* Whoever comes next finds out that nobody formats any more, after a second. */
START_TEST(killed_while_formatting)
{
	static const struct deed deed = { "format", NULL, only_open, NULL, format, NULL };
	static const uint32_t instants[] = { 1, 9, 25 };

	ck_assert(victim_die(&deed, NEWS_SERVER, instants[_i]));
	/* At first it has only said that it will. */
	if (_i == 0)
		place_greet();
	else
		all_say_reset();
	again_and_talk(0);
	ck_assert_uint_eq(slots_used(), 2);
}
END_TEST

/* ---- doorbell ------------------------------------------------------------------------- */

static int ring_nobody(struct bell_port *port, uint32_t id, unsigned vector)
{
	(void)port, (void)id, (void)vector;
	return 0;
}

/* r's doorbells are lost on the way. */
static struct bell_port_ops silent;

static void silence(void)
{
	silent = *r_peer->port->ops;
	silent.ring = ring_nobody;
	r_peer->port->ops = &silent;
}

START_TEST(doorbell_lost)
{
	pid_t pid = sleeper_start(SLEEP_MS);

	silence();
	ck_assert_int_eq(bell_send(r, id_of("v"), "hello", 5, 0), 0);
	sleeper_expect(5, true, now_ms());
	victim_kill(pid);
}
END_TEST

START_TEST(doorbell_lost_and_another_comes)
{
	pid_t pid = sleeper_start(60000);

	silence();
	ck_assert_int_eq(bell_send(r, id_of("v"), "hello", 5, 0), 0);
	ck_assert_int_eq(bell_send(w, id_of("v"), "good-bye", 8, 0), 0);
	for (int64_t end = now_ms() + WAIT_MS; sleeper->done_ms == 0; poll(NULL, 0, 1))
		ck_assert_int_lt(now_ms(), end);
	ck_assert(sleeper->result == 5 || sleeper->result == 8);
	victim_kill(pid);
}
END_TEST

/* Two peers in one process hold all the vectors of 50 others. */
static void raise_limit(void)
{
	struct rlimit limit;

	must(getrlimit(RLIMIT_NOFILE, &limit) == 0);
	limit.rlim_cur = limit.rlim_max < 4096 ? limit.rlim_max : 4096;
	must(setrlimit(RLIMIT_NOFILE, &limit) == 0);
}

int main(void)
{
	Suite *suite = suite_create("deaths");
	TCase *tc = tcase_create("memory"), *named = tcase_create("named");

	tcase_add_checked_fixture(tc, mortal_setup, mortal_teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, server_gone);
	tcase_add_test(tc, server_again_with_new_memory);
	tcase_add_loop_test(tc, memory_wiped, 0, 4);
	tcase_add_test(tc, memory_wiped_links);
	tcase_add_test(tc, memory_wiped_rings);
	tcase_add_test(tc, memory_formatted);
	tcase_add_loop_test(tc, killed_while_formatting, 0, 3);
	tcase_add_test(tc, doorbell_lost);
	tcase_add_test(tc, doorbell_lost_and_another_comes);
	add_paused(tc);
	suite_add_tcase(suite, tc);
	tcase_add_checked_fixture(named, mortal_setup_named,
				  mortal_teardown);
	tcase_add_test(named, server_again_with_the_same_memory);
	suite_add_tcase(suite, named);
	raise_limit();
	return run_suite(suite);
}
