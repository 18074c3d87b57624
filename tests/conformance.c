/* SPDX-License-Identifier: BSD-2-Clause */
/* What every port and the bus on it must do, through the public API. */
#define _GNU_SOURCE /* gettid() */
#include "testing.h"
#include "world.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WAIT_MS 5000

static const struct world *world;
static struct bell_peer *a, *b;
static struct bell_bus *bus_a, *bus_b;

static struct bell_bus *join(struct bell_peer *peer, const char *name)
{
	struct bell_bus_config cfg = { .name = name };
	struct bell_bus *bus;
	int rc = bell_join(peer, &cfg, &bus);

	if (rc < 0)
		ck_abort_msg("join %s: %s: %s", name, bell_strerror(rc), bell_detail());
	return bus;
}

/* Server news about b reach a before a test begins. */
static void setup_raw(void)
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

static void setup(void)
{
	setup_raw();
	bus_a = join(a, "a");
	bus_b = join(b, "b");
}

/* ---- interrupts ---- */

static unsigned hits[BELL_VECTOR_MAX + 1];

static void hit(struct bell_peer *peer, unsigned vector, void *arg)
{
	ck_assert_ptr_eq(arg, &hits);
	ck_assert_ptr_nonnull(peer);
	hits[vector]++;
}

START_TEST(every_vector_rings_its_callback)
{
	memset(hits, 0, sizeof(hits));
	for (unsigned v = 0; v < bell_vectors(b); v++)
		ck_assert_int_eq(bell_on_interrupt(b, v, hit, &hits), 0);
	for (unsigned v = 0; v < bell_vectors(b); v++) {
		ck_assert_int_eq(bell_ring(a, bell_id(b), v), 0);
		ck_assert_int_gt(bell_wait(b, WAIT_MS), 0);
		for (unsigned i = 0; i < bell_vectors(b); i++)
			ck_assert_uint_eq(hits[i], i <= v);
	}
	ck_assert_int_eq(bell_wait(b, 0), -BELL_EAGAIN);
}
END_TEST

START_TEST(handle_is_readable_after_a_ring)
{
	struct pollfd p = { .fd = bell_handle(b), .events = POLLIN };

	while (bell_dispatch(b) > 0)
		;
	ck_assert_int_eq(poll(&p, 1, 0), 0);
	ck_assert_int_eq(bell_ring(a, bell_id(b), 3), 0);
	ck_assert_int_eq(poll(&p, 1, WAIT_MS), 1);
	ck_assert_int_eq(bell_dispatch(b), 1);
	ck_assert_int_eq(poll(&p, 1, 0), 0);
}
END_TEST

START_TEST(ringing_oneself_works)
{
	memset(hits, 0, sizeof(hits));
	ck_assert_int_eq(bell_on_interrupt(a, 1, hit, &hits), 0);
	ck_assert_int_eq(bell_ring(a, bell_id(a), 1), 0);
	ck_assert_int_gt(bell_wait(a, WAIT_MS), 0);
	ck_assert_uint_eq(hits[1], 1);
}
END_TEST

static const struct {
	const char *name;
	uint32_t id;
	unsigned vector;
	int want;
} bad_rings[] = {
	{ "id out of range", 65536, 0, -BELL_EINVAL },
	{ "vector out of range", 0, 256, -BELL_EINVAL },
	{ "vector of 32 bits", 0, 0x80000001u, -BELL_EINVAL },
	{ "nobody", 60000, 0, -BELL_ENOPEER },
	{ "a vector that the peer has not", 0, 255, -BELL_ENOPEER },
};

START_TEST(bad_ring)
{
	ck_assert_msg(bell_ring(a, bad_rings[_i].id, bad_rings[_i].vector) ==
			      bad_rings[_i].want, "%s", bad_rings[_i].name);
	ck_assert_str_ne(bell_detail(), "");
}
END_TEST

START_TEST(bad_vector_registration)
{
	ck_assert_int_eq(bell_on_interrupt(a, bell_vectors(a), hit, NULL), -BELL_EINVAL);
}
END_TEST

static struct {
	uint32_t id;
	enum bell_peer_event event;
	int count;
} heard;

static void hear(struct bell_peer *peer, uint32_t id, enum bell_peer_event event,
		 void *arg)
{
	(void)peer;
	(void)arg;
	heard.id = id;
	heard.event = event;
	heard.count++;
}

static void wait_heard(struct bell_peer *peer)
{
	while (heard.count == 0)
		ck_assert_int_ge(bell_wait(peer, WAIT_MS), 0);
}

START_TEST(join_and_leave_are_told)
{
	struct bell_peer *c;
	uint32_t id;

	memset(&heard, 0, sizeof(heard));
	ck_assert_int_eq(bell_on_peer(a, hear, NULL), 0);
	c = world->open();
	id = bell_id(c);
	wait_heard(a);
	ck_assert_uint_eq(heard.id, id);
	ck_assert_int_eq(heard.event, BELL_PEER_JOINED);
	heard.count = 0;
	bell_close(c);
	wait_heard(a);
	ck_assert_uint_eq(heard.id, id);
	ck_assert_int_eq(heard.event, BELL_PEER_LEFT);
	ck_assert_int_eq(bell_ring(a, id, 0), -BELL_ENOPEER);
}
END_TEST

START_TEST(memory_is_shared_behind_the_bus_too)
{
	size_t size;
	unsigned char *ma = bell_memory(a, &size), *mb = bell_memory(b, NULL);

	ck_assert_uint_eq(size, 1u << 20);
	ma[size - 1] = 0x5a;
	ck_assert_uint_eq(mb[size - 1], 0x5a);
}
END_TEST

/* ---- messages ---- */

static const size_t sizes[] = { 0, 1, 8, 63, 64, 65, 4096, 65536 };

START_TEST(message_arrives_whole)
{
	size_t len = sizes[_i];
	unsigned char *msg = malloc(len + 1), *got = malloc(len + 1);
	struct bell_peer_info info;
	struct bell_envelope env;

	ck_assert_int_ge(bell_peers(a, &info, 1), 1); /* a has the lowest id */
	for (size_t i = 0; i < len; i++)
		msg[i] = (unsigned char)(i * 7 + len);
	for (int round = 0; round < 50; round++) { /* round the ring's end */
		ck_assert_int_eq(bell_send(bus_a, bell_id(b), len ? msg : NULL, len, 0), 0);
		ck_assert_int_eq(bell_recv(bus_b, got, len, &env, WAIT_MS), (int64_t)len);
		if (len)
			ck_assert_mem_eq(msg, got, len);
		ck_assert_uint_eq(env.peer, bell_id(a));
		ck_assert_uint_eq(env.incarnation, info.incarnation);
		ck_assert_uint_eq(env.len, len);
		ck_assert_uint_eq(env.tag, 0);
	}
	free(msg);
	free(got);
}
END_TEST

START_TEST(largest_message_and_one_byte_more)
{
	size_t max = bell_max_message(bus_a);
	unsigned char *msg = calloc(1, max + 1), *got = calloc(1, max);

	msg[max - 1] = 9;
	for (int round = 0; round < 3; round++) {
		ck_assert_int_eq(bell_send(bus_a, bell_id(b), msg, max, 0), 0);
		ck_assert_int_eq(bell_recv(bus_b, got, max, NULL, WAIT_MS), (int64_t)max);
		ck_assert_mem_eq(msg, got, max);
		ck_assert_int_eq(bell_send(bus_a, bell_id(b), "x", 1, 0), 0);
		ck_assert_int_eq(bell_recv(bus_b, got, max, NULL, WAIT_MS), 1);
	}
	ck_assert_int_eq(bell_send(bus_a, bell_id(b), msg, max + 1, 0), -BELL_EMSGSIZE);
	ck_assert_str_ne(bell_detail(), "");
	free(msg);
	free(got);
}
END_TEST

START_TEST(buffer_too_small_keeps_the_message)
{
	struct bell_envelope env = { 0 };
	char got[16];

	ck_assert_int_eq(bell_send(bus_a, bell_id(b), "0123456789", 10, 0), 0);
	ck_assert_int_eq(bell_recv(bus_b, got, 9, &env, WAIT_MS), -BELL_EMSGSIZE);
	ck_assert_uint_eq(env.len, 10);
	ck_assert_int_eq(bell_recv(bus_b, got, 10, &env, 0), 10);
	ck_assert_mem_eq(got, "0123456789", 10);
}
END_TEST

START_TEST(tag_and_flags_travel)
{
	struct bell_envelope env = { .peer = bell_id(b), .tag = 0xbeef,
				     .flags = BELL_MORE };

	ck_assert_int_eq(bell_post(bus_a, &env, "x", 1, 0), 0);
	memset(&env, 0, sizeof(env));
	ck_assert_int_eq(bell_recv(bus_b, &(char){ 0 }, 1, &env, WAIT_MS), 1);
	ck_assert_uint_eq(env.tag, 0xbeef);
	ck_assert_uint_eq(env.flags, BELL_MORE);
	env.peer = bell_id(b);
	env.flags = 0x8000;
	ck_assert_int_eq(bell_post(bus_a, &env, "x", 1, 0), -BELL_EINVAL);
}
END_TEST

START_TEST(nothing_comes_in_time)
{
	char c;

	ck_assert_int_eq(bell_recv(bus_b, &c, 1, NULL, 0), -BELL_EAGAIN);
	ck_assert_int_eq(bell_recv(bus_b, &c, 1, NULL, 20), -BELL_EAGAIN);
}
END_TEST

START_TEST(full_ring_says_again_and_loses_nothing)
{
	uint32_t n = 0, v;

	while (bell_send(bus_a, bell_id(b), &n, sizeof(n), 0) == 0)
		n++;
	ck_assert_int_eq(bell_send(bus_a, bell_id(b), &n, sizeof(n), 0), -BELL_EAGAIN);
	ck_assert_int_eq(bell_send(bus_a, bell_id(b), &n, sizeof(n), 20), -BELL_EAGAIN);
	for (uint32_t i = 0; i < n; i++) {
		ck_assert_int_eq(bell_recv(bus_b, &v, sizeof(v), NULL, WAIT_MS), 4);
		ck_assert_uint_eq(v, i);
	}
	ck_assert_int_eq(bell_recv(bus_b, &v, sizeof(v), NULL, 0), -BELL_EAGAIN);
}
END_TEST

START_TEST(sending_to_oneself_works)
{
	char got[4];

	ck_assert_int_eq(bell_send(bus_a, bell_id(a), "self", 4, 0), 0);
	ck_assert_int_eq(bell_recv(bus_a, got, 4, NULL, WAIT_MS), 4);
	ck_assert_mem_eq(got, "self", 4);
}
END_TEST

START_TEST(absent_peer)
{
	ck_assert_int_eq(bell_send(bus_a, 60000, "x", 1, 0), -BELL_ENOPEER);
	ck_assert_str_ne(bell_detail(), "");
	bell_leave(bus_b);
	bus_b = NULL;
	ck_assert_int_eq(bell_send(bus_a, bell_id(b), "x", 1, 0), -BELL_ENOPEER);
}
END_TEST

START_TEST(what_was_sent_before_leaving_arrives)
{
	uint32_t id = bell_id(a);
	struct bell_envelope env;
	char got[8];

	ck_assert_int_eq(bell_send(bus_a, bell_id(b), "last", 4, 0), 0);
	ck_assert_int_eq(bell_send(bus_a, bell_id(b), "words", 5, 0), 0);
	bell_leave(bus_a);
	bell_close(a);
	a = NULL;
	bus_a = NULL;
	ck_assert_int_eq(bell_recv(bus_b, got, 8, &env, WAIT_MS), 4);
	ck_assert_uint_eq(env.peer, id);
	ck_assert_int_eq(bell_recv(bus_b, got, 8, &env, WAIT_MS), 5);
	ck_assert_int_eq(bell_recv(bus_b, got, 8, &env, 0), -BELL_EAGAIN);
}
END_TEST

START_TEST(links_are_given_back)
{
	/* More comings and goings than there are links or slots. */
	for (int i = 0; i < 300; i++) {
		struct bell_bus *bus;
		char got[8];

		bell_leave(bus_b);
		bus = bus_b = join(b, "b");
		ck_assert_int_eq(bell_send(bus, bell_id(a), "x", 1, 0), 0);
		ck_assert_int_eq(bell_send(bus_a, bell_id(b), "y", 1, 0), 0);
		ck_assert_int_eq(bell_recv(bus_a, got, 8, NULL, WAIT_MS), 1);
		if (i % 2)
			ck_assert_int_eq(bell_recv(bus, got, 8, NULL, WAIT_MS), 1);
	}
}
END_TEST

START_TEST(ping_passes_queued_messages)
{
	uint64_t rtt = 0;
	char got[8];

	ck_assert_int_eq(bell_send(bus_b, bell_id(a), "wait", 4, 0), 0);
	/* Nobody dispatches b: no answer. */
	ck_assert_int_eq(bell_ping(bus_a, bell_id(b), 20, &rtt), -BELL_EAGAIN);
	ck_assert_int_eq(bell_recv(bus_b, got, 8, NULL, 0), -BELL_EAGAIN);
	/* The late answer is not taken for that of the next ping. */
	ck_assert_int_eq(bell_ping(bus_a, bell_id(b), 20, &rtt), -BELL_EAGAIN);
	ck_assert_int_eq(bell_recv(bus_a, got, 8, NULL, 0), 4);
	ck_assert_int_eq(bell_recv(bus_a, got, 8, NULL, 0), -BELL_EAGAIN);
	ck_assert_int_eq(bell_ping(bus_a, 60000, 20, &rtt), -BELL_ENOPEER);
}
END_TEST

/* ---- threads ---- */

struct flood {
	struct bell_bus *bus;
	uint32_t to;
	uint32_t count;
};

static void *flood(void *arg)
{
	struct flood *f = arg;
	unsigned char msg[300];

	memset(msg, 0, sizeof(msg));
	for (uint32_t i = 0; i < f->count; i++) {
		memcpy(msg, &i, sizeof(i));
		must(bell_send(f->bus, f->to, msg, sizeof(i) + i % 290, -1) == 0);
	}
	return NULL;
}

START_TEST(blocked_sender_is_woken)
{
	struct flood f = { bus_a, bell_id(b), 50000 };
	unsigned char got[300];
	pthread_t thread;
	uint32_t v;

	bell_set_wait(bus_a, (enum bell_wait_mode)_i);
	bell_set_wait(bus_b, (enum bell_wait_mode)((_i + 1) % 3));
	ck_assert_int_eq(pthread_create(&thread, NULL, flood, &f), 0);
	for (uint32_t i = 0; i < f.count; i++) {
		ck_assert_int_eq(bell_recv(bus_b, got, sizeof(got), NULL, WAIT_MS),
				 (int64_t)(sizeof(v) + i % 290));
		memcpy(&v, got, sizeof(v));
		ck_assert_uint_eq(v, i);
	}
	pthread_join(thread, NULL);
}
END_TEST

static _Atomic pid_t sender_tid;

/* Of that thread of ours, as in /proc/[pid]/stat: 'S' sleeps. */
static char thread_state(pid_t tid)
{
	char path[64], state = '?';
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", (int)tid);
	f = fopen(path, "r");
	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(fscanf(f, "%*d (%*[^)]) %c", &state), 1);
	fclose(f);
	return state;
}

static void *send_until_gone(void *arg)
{
	struct flood *f = arg;
	int rc;

	while ((rc = bell_send(f->bus, f->to, "xxxxxxxx", 8, 0)) == 0)
		;
	sender_tid = gettid(); /* full: what is sent from here on sleeps */
	while ((rc = bell_send(f->bus, f->to, "xxxxxxxx", 8, -1)) == 0)
		;
	f->count = (uint32_t)-rc;
	return NULL;
}

START_TEST(blocked_sender_learns_of_a_leave)
{
	struct flood f = { bus_a, bell_id(b), 0 };
	pthread_t thread;

	sender_tid = 0;
	ck_assert_int_eq(pthread_create(&thread, NULL, send_until_gone, &f), 0);
	while (sender_tid == 0 || thread_state(sender_tid) != 'S')
		poll(NULL, 0, 1);
	bell_leave(bus_b);
	bus_b = NULL;
	pthread_join(thread, NULL);
	ck_assert_uint_eq(f.count, BELL_ENOPEER);
}
END_TEST

/* ---- dispatch ---- */

static int delivered;

static void count_message(struct bell_bus *bus, const struct bell_envelope *env,
			  const void *data, void *arg)
{
	ck_assert_ptr_eq(arg, &delivered);
	ck_assert_uint_eq(env->len, 4);
	ck_assert_mem_eq(data, "ping", 4);
	ck_assert_int_eq(bell_send(bus, env->peer, "pong", 4, 0), 0);
	delivered++;
}

START_TEST(dispatch_delivers_and_leaves_armed)
{
	struct pollfd p = { .fd = bell_handle(b), .events = POLLIN };
	char got[4];

	delivered = 0;
	bell_on_message(bus_b, count_message, &delivered);
	while (bell_dispatch(b) > 0)
		;
	for (int i = 1; i <= 100; i++) {
		ck_assert_int_eq(poll(&p, 1, 0), 0);
		ck_assert_int_eq(bell_send(bus_a, bell_id(b), "ping", 4, 0), 0);
		ck_assert_int_eq(poll(&p, 1, WAIT_MS), 1);
		ck_assert_int_ge(bell_dispatch(b), 1);
		ck_assert_int_eq(delivered, i);
		ck_assert_int_eq(bell_recv(bus_a, got, 4, NULL, WAIT_MS), 4);
	}
}
END_TEST

START_TEST(recv_again_leaves_armed)
{
	struct pollfd p = { .fd = bell_handle(b), .events = POLLIN };
	char got[4];

	while (bell_recv(bus_b, got, 4, NULL, 0) >= 0 || bell_dispatch(b) > 0)
		;
	for (int i = 0; i < 100; i++) {
		ck_assert_int_eq(poll(&p, 1, 0), 0);
		ck_assert_int_eq(bell_send(bus_a, bell_id(b), "ping", 4, 0), 0);
		ck_assert_int_eq(poll(&p, 1, WAIT_MS), 1);
		ck_assert_int_ge(bell_dispatch(b), 1);
		ck_assert_int_eq(bell_recv(bus_b, got, 4, NULL, 0), 4);
		ck_assert_int_eq(bell_recv(bus_b, got, 4, NULL, 0), -BELL_EAGAIN);
	}
}
END_TEST

/* ---- names and the directory ---- */

START_TEST(names_find_ids)
{
	struct bell_peer_info info[8];
	uint32_t id = 77;

	ck_assert_int_eq(bell_find(a, "b", &id), 0);
	ck_assert_uint_eq(id, bell_id(b));
	ck_assert_int_eq(bell_find(a, "nobody", &id), -BELL_ENOPEER);
	ck_assert_int_eq(bell_find(a, "64000", &id), -BELL_ENOPEER);
	ck_assert_uint_eq(id, bell_id(b));
	ck_assert_int_eq(bell_peers(a, info, 8), 2);
	ck_assert_str_eq(info[0].name, "a");
	ck_assert_str_eq(info[1].name, "b");
	ck_assert_int_eq(info[1].state, BELL_STATE_LIVE);
	ck_assert_int_eq(info[1].kind, BELL_KIND_HOST);
	ck_assert_uint_eq(info[1].vectors, bell_vectors(b));
}
END_TEST

static const struct {
	const char *name;
	int want;
} names[] = {
	{ "", -BELL_EINVAL },
	{ "with space", -BELL_EINVAL },
	{ "new\nline", -BELL_EINVAL },
	{ "12345", -BELL_EINVAL },
	{ "b", -BELL_EEXIST },
	{ "web-1", 0 },
	{ "0123456789012345678901234567890123456789012345678901234567890-3", 0 },
	{ "0123456789012345678901234567890123456789012345678901234567890-34",
	  -BELL_EINVAL },
};

START_TEST(name_rules)
{
	struct bell_bus_config cfg = { .name = names[_i].name };
	int rc;

	bell_leave(bus_a);
	bus_a = NULL;
	rc = bell_join(a, &cfg, &bus_a);
	ck_assert_msg(rc == names[_i].want, "%s: %d", names[_i].name, rc);
	if (rc == 0)
		ck_assert_str_eq(bell_bus_name(bus_a), names[_i].name);
	else
		ck_assert_str_ne(bell_detail(), "");
}
END_TEST

START_TEST(one_bus_a_peer)
{
	struct bell_bus *second = NULL;

	ck_assert_int_eq(bell_join(a, NULL, &second), -BELL_EBUSY);
	ck_assert_ptr_null(second);
}
END_TEST

/* ---- damage ---- */

START_TEST(wiped_memory_is_noticed)
{
	size_t size;
	void *memory = bell_memory(a, &size);
	char got[8];

	ck_assert_int_eq(bell_send(bus_a, bell_id(b), "x", 1, 0), 0);
	memset(memory, _i ? 0xff : 0, size);
	ck_assert_int_eq(bell_recv(bus_b, got, 8, NULL, 0), -BELL_ERESET);
	ck_assert_int_eq(bell_send(bus_a, bell_id(b), "x", 1, 0), -BELL_ERESET);
	ck_assert_int_eq(bell_dispatch(b), -BELL_ERESET);
}
END_TEST

START_TEST(memory_formatted_anew_is_noticed)
{
	struct bell_bus_config cfg = { .name = "c", .flags = BELL_FORMAT };
	struct bell_peer *c = world->open();
	struct bell_bus *bus_c;
	char got[8];

	ck_assert_int_eq(bell_join(c, &cfg, &bus_c), 0);
	ck_assert_int_eq(bell_recv(bus_b, got, 8, NULL, 100), -BELL_ERESET);
	ck_assert_int_eq(bell_send(bus_a, bell_id(b), "x", 1, 0), -BELL_ERESET);
	bell_leave(bus_b);
	bus_b = join(b, "b");
	ck_assert_int_eq(bell_send(bus_c, bell_id(b), "again", 5, 0), 0);
	ck_assert_int_eq(bell_recv(bus_b, got, 8, NULL, WAIT_MS), 5);
	bell_leave(bus_c);
	bell_close(c);
}
END_TEST

START_TEST(broken_link_is_closed_and_the_next_one_works)
{
	struct bell_envelope env = { 0 };
	size_t size;
	uint64_t *memory = bell_memory(a, &size);
	char got[16];

	ck_assert_int_eq(bell_send(bus_a, bell_id(b), "\x11\x22\x33\x44\x55\x66\x77\x11",
				   8, 0), 0);
	/* The word before these bytes is the record's header. */
	for (size_t i = 1; i < size / 8; i++)
		if (memory[i] == UINT64_C(0x1177665544332211))
			memory[i - 1] = UINT64_MAX;
	ck_assert_int_eq(bell_recv(bus_b, got, 16, &env, 0), -BELL_ECORRUPT);
	ck_assert_uint_eq(env.peer, bell_id(a));
	ck_assert_int_eq(bell_recv(bus_b, got, 16, &env, 0), -BELL_EAGAIN);
	ck_assert_int_eq(bell_send(bus_a, bell_id(b), "x", 1, 0), -BELL_ECORRUPT);
	ck_assert_int_eq(bell_send(bus_a, bell_id(b), "y", 1, 0), 0);
	ck_assert_int_eq(bell_recv(bus_b, got, 16, &env, WAIT_MS), 1);
	ck_assert_int_eq(got[0], 'y');
}
END_TEST

static void add(Suite *suite, const char *name, void (*before)(void), TCase **tc)
{
	*tc = tcase_create(name);
	tcase_add_checked_fixture(*tc, before, teardown_raw);
	tcase_set_timeout(*tc, 60);
	suite_add_tcase(suite, *tc);
}

static void add_raw(Suite *suite)
{
	TCase *tc;

	add(suite, "raw", setup_raw, &tc);
	tcase_add_test(tc, every_vector_rings_its_callback);
	tcase_add_test(tc, handle_is_readable_after_a_ring);
	tcase_add_test(tc, ringing_oneself_works);
	tcase_add_loop_test(tc, bad_ring, 0, ARRAY_LEN(bad_rings));
	tcase_add_test(tc, bad_vector_registration);
	tcase_add_test(tc, join_and_leave_are_told);
	tcase_add_test(tc, memory_is_shared_behind_the_bus_too);
}

static void add_messages(Suite *suite)
{
	TCase *tc;

	add(suite, "messages", setup, &tc);
	tcase_add_loop_test(tc, message_arrives_whole, 0, ARRAY_LEN(sizes));
	tcase_add_test(tc, largest_message_and_one_byte_more);
	tcase_add_test(tc, buffer_too_small_keeps_the_message);
	tcase_add_test(tc, tag_and_flags_travel);
	tcase_add_test(tc, nothing_comes_in_time);
	tcase_add_test(tc, full_ring_says_again_and_loses_nothing);
	tcase_add_test(tc, sending_to_oneself_works);
	tcase_add_test(tc, absent_peer);
	tcase_add_test(tc, what_was_sent_before_leaving_arrives);
	tcase_add_test(tc, links_are_given_back);
	tcase_add_test(tc, ping_passes_queued_messages);
	tcase_add_loop_test(tc, blocked_sender_is_woken, 0, 3);
	tcase_add_test(tc, blocked_sender_learns_of_a_leave);
	tcase_add_test(tc, dispatch_delivers_and_leaves_armed);
	tcase_add_test(tc, recv_again_leaves_armed);
}

static void add_directory(Suite *suite)
{
	TCase *tc;

	add(suite, "directory", setup, &tc);
	tcase_add_test(tc, names_find_ids);
	tcase_add_loop_test(tc, name_rules, 0, ARRAY_LEN(names));
	tcase_add_test(tc, one_bus_a_peer);
	tcase_add_loop_test(tc, wiped_memory_is_noticed, 0, 2);
	tcase_add_test(tc, memory_formatted_anew_is_noticed);
	tcase_add_test(tc, broken_link_is_closed_and_the_next_one_works);
}

Suite *conformance_suite(const struct world *w)
{
	Suite *suite = suite_create(w->name);

	world = w;
	add_raw(suite);
	add_messages(suite);
	add_directory(suite);
	return suite;
}
