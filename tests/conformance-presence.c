/* SPDX-License-Identifier: BSD-2-Clause */
/* Who comes, leaves, dies and comes back; waiting for somebody. */
#include "asleep.h"
#include "conformance.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EVENTS 64

/* What a was told, as "CAME b", in order. */
static char events[EVENTS][BELL_NAME_MAX + 8];
static uint32_t event_ids[EVENTS];
static int event_count;

static void note(const char *what, const char *name, uint32_t id)
{
	ck_assert_int_lt(event_count, EVENTS);
	snprintf(events[event_count], sizeof(events[0]), "%s %s", what, name);
	event_ids[event_count++] = id;
}

static void note_presence(struct bell_bus *bus, enum bell_presence event,
			  const struct bell_peer_info *info, void *arg)
{
	static const char *const what[] = { "?", "CAME", "BACK", "LEFT", "DIED" };

	ck_assert_ptr_eq(bus, bus_a);
	ck_assert_ptr_eq(arg, events);
	ck_assert_uint_ne(info->id, bell_id(a));
	note(what[event], info->name, info->id);
}

static void note_message(struct bell_bus *bus, const struct bell_envelope *env,
			 const void *data, void *arg)
{
	(void)bus, (void)arg;
	ck_assert_uint_eq(env->len, 2);
	note("MESSAGE", ((const char *)data)[0] == 'm' ? "m" : "?", env->peer);
}

static void watch(void)
{
	event_count = 0;
	ck_assert_int_eq(bell_on_presence(bus_a, note_presence, events), 0);
}

/* Dispatches a until so many were told, all by its handle. */
static void await_events(int count)
{
	struct pollfd p = { .fd = bell_handle(a), .events = POLLIN };

	while (event_count < count) {
		ck_assert_msg(poll(&p, 1, WAIT_MS) == 1, "told %d of %d", event_count, count);
		ck_assert_int_ge(bell_dispatch(a), 0);
	}
	/* And no more than those. */
	while (poll(&p, 1, 0) == 1)
		ck_assert_int_ge(bell_dispatch(a), 0);
	ck_assert_int_eq(event_count, count);
}

#define TOLD(i, text) ck_assert_str_eq(events[i], text)

/* As one that is killed: its bus is never left. */
static struct bell_bus *volatile dead_bus[EVENTS];
static int dead_count;

static void die(struct bell_peer **peer, struct bell_bus **bus)
{
	dead_bus[dead_count++] = *bus; /* not a leak: nobody is there to free it */
	*bus = NULL;
	bell_close(*peer);
	*peer = NULL;
}

static int was_told(const char *text)
{
	int n = 0;

	for (int i = 0; i < event_count; i++)
		n += strcmp(events[i], text) == 0;
	return n;
}

/* ---- bell_on_presence() ---- */

START_TEST(came_left_back)
{
	watch();
	await_events(1);
	TOLD(0, "CAME b");
	bell_leave(bus_b);
	await_events(2);
	TOLD(1, "LEFT b");
	bus_b = join(b, "b");
	await_events(3);
	TOLD(2, "BACK b");
	bell_leave(bus_b);
	bus_b = join(b, "other"); /* the same id, another name */
	await_events(5);
	TOLD(3, "DIED b");
	TOLD(4, "CAME other");
	ck_assert_uint_eq(event_ids[4], bell_id(b));
}
END_TEST

START_TEST(died_and_back_with_another_id)
{
	uint32_t id = bell_id(b);

	watch();
	await_events(1);
	die(&b, &bus_b);
	await_events(2);
	TOLD(1, "DIED b");
	ck_assert_uint_eq(event_ids[1], id);
	b = world->open();
	bus_b = join(b, "b");
	await_events(3);
	TOLD(2, "BACK b");
	ck_assert_uint_ne(event_ids[2], id);
}
END_TEST

START_TEST(replaced_between_two_looks)
{
	watch();
	await_events(1);
	for (int i = 0; i < 5; i++) {
		bell_leave(bus_b);
		bus_b = join(b, "b");
	}
	await_events(3);
	TOLD(1, "DIED b");
	TOLD(2, "BACK b");
	/* Gone in one slot, and the name in another. */
	bell_leave(bus_b);
	bell_close(b);
	b = world->open();
	bus_b = join(b, "b");
	await_events(5);
	ck_assert_msg(strcmp(events[3], "LEFT b") == 0 || strcmp(events[3], "DIED b") == 0,
		      "%s", events[3]);
	TOLD(4, "BACK b");
}
END_TEST

START_TEST(several_at_once)
{
	struct bell_peer *peers[10];
	struct bell_bus *buses[10];
	char name[16];

	watch();
	await_events(1);
	for (int i = 0; i < 10; i++) {
		peers[i] = world->open();
		snprintf(name, sizeof(name), "n%d", i);
		buses[i] = join(peers[i], name);
	}
	await_events(11);
	for (int i = 0; i < 10; i++) {
		snprintf(name, sizeof(name), "CAME n%d", i);
		ck_assert_int_eq(was_told(name), 1);
	}
	for (int i = 0; i < 10; i++) {
		if (i % 2) {
			die(&peers[i], &buses[i]);
			continue;
		}
		bell_leave(buses[i]);
		bell_close(peers[i]);
	}
	await_events(21);
	for (int i = 0; i < 10; i++) {
		snprintf(name, sizeof(name), i % 2 ? "DIED n%d" : "LEFT n%d", i);
		ck_assert_int_eq(was_told(name), 1);
	}
}
END_TEST

static void once(struct bell_bus *bus, enum bell_presence event,
		 const struct bell_peer_info *info, void *arg)
{
	note_presence(bus, event, info, arg);
	ck_assert_int_eq(bell_on_presence(bus, NULL, NULL), 0);
}

static void change(struct bell_bus *bus, enum bell_presence event,
		   const struct bell_peer_info *info, void *arg)
{
	(void)info;
	ck_assert_int_eq(event, BELL_CAME);
	++*(int *)arg;
	ck_assert_int_eq(bell_on_presence(bus, note_presence, events), 0);
}

START_TEST(callback_removed_or_changed_by_itself)
{
	struct bell_peer *c = world->open();
	struct bell_bus *bus_c = join(c, "c");
	int changed = 0;

	event_count = 0;
	ck_assert_int_eq(bell_on_presence(bus_a, NULL, NULL), 0);
	ck_assert_int_eq(bell_on_presence(bus_a, once, events), 0);
	await_events(1);
	/* All that are there are told to the next one. */
	ck_assert_int_eq(bell_on_presence(bus_a, change, &changed), 0);
	await_events(3);
	ck_assert_int_eq(changed, 1);
	ck_assert_int_eq(was_told("CAME c"), 1 + (strcmp(events[0], "CAME c") == 0));
	ck_assert_int_eq(bell_on_presence(bus_a, NULL, NULL), 0);
	bell_leave(bus_c);
	bell_close(c);
	await_events(3);
}
END_TEST

START_TEST(messages_come_before_a_death)
{
	enum { MESSAGES = 40 };

	watch();
	bell_on_message(bus_a, note_message, NULL);
	await_events(1);
	for (int i = 0; i < MESSAGES; i++)
		ck_assert_int_eq(bell_send(bus_b, bell_id(a), "m", 2, 0), 0);
	if (_i == 0) {
		bell_leave(bus_b);
		bus_b = NULL;
	} else {
		die(&b, &bus_b);
	}
	await_events(MESSAGES + 2);
	for (int i = 1; i <= MESSAGES; i++)
		TOLD(i, "MESSAGE m");
	TOLD(MESSAGES + 1, _i == 0 ? "LEFT b" : "DIED b");
}
END_TEST

static int many;

static void count_message(struct bell_bus *bus, const struct bell_envelope *env,
			  const void *data, void *arg)
{
	(void)bus, (void)env, (void)data, (void)arg;
	ck_assert_int_eq(event_count, 1); /* CAME b, and no news of it yet */
	many++;
}

START_TEST(more_messages_than_a_dispatch_delivers)
{
	struct bell_peer *c = world->open();
	uint32_t id;
	int sent = 0;

	watch();
	bell_on_message(bus_a, count_message, NULL);
	await_events(1);
	many = 0;
	while (bell_send(bus_b, bell_id(a), NULL, 0, 0) == 0)
		sent++;
	die(&b, &bus_b);
	while (bell_find(c, "b", &id) == 0) /* c gets to know, a does not look */
		ck_assert_int_ge(bell_wait(c, WAIT_MS), 0);
	/* The next of that name is to wait for the end of this one, too. */
	b = world->open();
	bus_b = join(b, "b");
	if (_i == 1) /* sees all that came, and delivers nothing */
		ck_assert_int_eq(bell_await_peer(bus_a, "nobody", 20, &id), -BELL_EAGAIN);
	await_events(3);
	TOLD(1, "DIED b");
	TOLD(2, "BACK b");
	ck_assert_int_eq(many, sent);
	bell_close(c);
}
END_TEST

START_TEST(death_is_told_though_nobody_receives)
{
	char got[8];

	watch();
	await_events(1);
	ck_assert_int_eq(bell_send(bus_b, bell_id(a), "m", 2, 0), 0);
	bell_leave(bus_b);
	bus_b = NULL;
	while (event_count < 2)
		ck_assert_int_ge(bell_wait(a, WAIT_MS), 0);
	TOLD(1, "LEFT b");
	ck_assert_int_eq(bell_recv(bus_a, got, 8, NULL, 0), 2);
	await_events(2);
}
END_TEST

/* ---- bell_await_peer() ---- */

static const struct {
	const char *name;
	int timeout_ms, want;
} awaited[] = {
	{ "b", 0, 0 },
	{ "b", WAIT_MS, 0 },
	{ "a", 0, 0 },
	{ "b's id", 0, 0 },
	{ "c", 0, -BELL_EAGAIN },
	{ "c", 20, -BELL_EAGAIN },
	{ "777", 0, -BELL_EAGAIN },
	{ "777", 20, -BELL_EAGAIN },
	{ "1.1", 0, -BELL_EAGAIN },
	{ "16777216", 0, -BELL_EINVAL },
	{ "1.256", 0, -BELL_EINVAL },
	{ "65536.0", 0, -BELL_EINVAL },
	{ "99999999999999999999999", 0, -BELL_EINVAL },
	{ "", 0, -BELL_EINVAL },
	{ "two words", WAIT_MS, -BELL_EINVAL },
};

START_TEST(await_who_is_there_or_not)
{
	const char *name = awaited[_i].name;
	char text[BELL_ID_TEXT];
	uint32_t id = 4711;
	int rc;

	if (strcmp(name, "b's id") == 0)
		name = bell_id_text(bell_id(b), text);
	rc = bell_await_peer(bus_a, name, awaited[_i].timeout_ms, &id);
	ck_assert_msg(rc == awaited[_i].want, "%s: %d: %s", name, rc, bell_detail());
	if (rc < 0)
		ck_assert_str_ne(bell_detail(), "");
	ck_assert_uint_eq(id, rc < 0               ? 4711 :
			      awaited[_i].name[0] == 'a' ? bell_id(a) : bell_id(b));
}
END_TEST

struct awaiting {
	const char *name;
	_Atomic int thread;
	int rc;
	uint32_t id;
};

static void *await(void *arg)
{
	struct awaiting *w = arg;

	w->thread = this_thread();
	w->rc = bell_await_peer(bus_a, w->name, -1, &w->id);
	return NULL;
}

START_TEST(await_sleeps_until_it_comes)
{
	/* c's id: in some worlds a and b share a device. */
	const char *id = BELL_ID_PROCESS(bell_id(b)) > 0 ? "1" : "2";
	struct awaiting w = { .name = _i ? id : "c" };
	struct bell_peer *c;
	struct bell_bus *bus_c;
	struct bell_stats stats;
	pthread_t thread;

	must(pthread_create(&thread, NULL, await, &w) == 0);
	while (w.thread == 0 || !is_asleep(w.thread))
		must(poll(NULL, 0, 1) == 0);
	/* Others that come wake it in vain, and messages stay queued. */
	ck_assert_int_eq(bell_send(bus_b, bell_id(a), "m", 2, 0), 0);
	bell_leave(bus_b);
	bus_b = join(b, "d");
	c = world->open();
	bus_c = join(c, "c");
	must(pthread_join(thread, NULL) == 0);
	ck_assert_int_eq(w.rc, 0);
	ck_assert_uint_eq(w.id, bell_id(c));
	bell_get_stats(bus_a, &stats);
	ck_assert_uint_ge(stats.sleeps, 1);
	ck_assert_int_eq(bell_recv(bus_a, &(char[2]){ 0 }, 2, NULL, 0), 2);
	bell_leave(bus_c);
	bell_close(c);
}
END_TEST

/* Two of a name can't join; memory that was tampered with can have them. */
START_TEST(await_an_ambiguous_name)
{
	struct bell_peer *c = world->open();
	struct bell_bus *bus_c = join(c, "unlikely");
	char name[8] = "unlikely", other[8] = "b";
	uint64_t was, now;
	size_t size;
	uint64_t *memory = bell_memory(a, &size);
	uint32_t id = 4711;

	memcpy(&was, name, sizeof(was));
	memcpy(&now, other, sizeof(now));
	for (size_t i = 0; i < size / sizeof(was); i++)
		if (memory[i] == was)
			memory[i] = now;
	ck_assert_int_eq(bell_await_peer(bus_a, "b", WAIT_MS, &id), -BELL_ENOTUNIQ);
	ck_assert_uint_eq(id, 4711);
	bell_leave(bus_c);
	bell_close(c);
}
END_TEST

static void await_in_callback(struct bell_bus *bus, enum bell_presence event,
			      const struct bell_peer_info *info, void *arg)
{
	uint32_t id = 4711;

	(void)info, (void)arg;
	ck_assert_int_eq(event, BELL_CAME);
	ck_assert_int_eq(bell_await_peer(bus, "c", WAIT_MS, &id), -BELL_EBUSY);
	ck_assert_int_eq(bell_await_peer(bus, "c", 0, &id), -BELL_EAGAIN);
	ck_assert_int_eq(bell_await_peer(bus, "b", 0, &id), 0);
	ck_assert_uint_eq(id, bell_id(b));
	note("CAME", "b", id);
}

START_TEST(await_in_a_callback_only_looks)
{
	event_count = 0;
	ck_assert_int_eq(bell_on_presence(bus_a, await_in_callback, NULL), 0);
	await_events(1);
}
END_TEST

START_TEST(await_notices_a_memory_formatted_anew)
{
	struct bell_bus_config cfg = { .name = "c", .flags = BELL_FORMAT };
	struct bell_peer *c = world->open();
	struct bell_bus *bus_c;
	uint32_t id;

	watch();
	ck_assert_int_eq(bell_join(c, &cfg, &bus_c), 0);
	ck_assert_int_eq(bell_await_peer(bus_a, "c", _i ? WAIT_MS : 0, &id), -BELL_ERESET);
	ck_assert_int_eq(bell_dispatch(a), -BELL_ERESET);
	ck_assert_int_eq(event_count, 0);
	bell_leave(bus_c);
	bell_close(c);
}
END_TEST

void add_presence(Suite *suite)
{
	TCase *tc = add_case(suite, "presence", setup);

	tcase_add_test(tc, came_left_back);
	tcase_add_test(tc, died_and_back_with_another_id);
	tcase_add_test(tc, replaced_between_two_looks);
	tcase_add_test(tc, several_at_once);
	tcase_add_test(tc, callback_removed_or_changed_by_itself);
	tcase_add_loop_test(tc, messages_come_before_a_death, 0, 2);
	tcase_add_loop_test(tc, more_messages_than_a_dispatch_delivers, 0, 2);
	tcase_add_test(tc, death_is_told_though_nobody_receives);
	tcase_add_loop_test(tc, await_who_is_there_or_not, 0, ARRAY_LEN(awaited));
	tcase_add_loop_test(tc, await_sleeps_until_it_comes, 0, 2);
	tcase_add_test(tc, await_an_ambiguous_name);
	tcase_add_test(tc, await_in_a_callback_only_looks);
	tcase_add_loop_test(tc, await_notices_a_memory_formatted_anew, 0, 2);
}
