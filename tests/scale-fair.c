/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Many senders that all send as fast as they can to one receiver: each has its
 * turn, and one that waits for space gets it.
 *
 * The rule: a receiver takes at most TURN_LENGTH (src/recv.c) messages of one
 * sender in a row while others have some, and each who has some gets its turn
 * once a round. So a message that is there already comes after at most two turns
 * of each other sender, the ends of two rounds; and in any stretch of messages in
 * which all have some, turns differ by one at most. Counted in messages, never in
 * time.
 */
#include "scale.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SENDERS 64
#define TURN 64u /* TURN_LENGTH */
#define MESSAGE 264
#define ROUNDS 3u
#define WINDOW (ROUNDS * TURN * SENDERS)
#define AT_MOST ((ROUNDS + 1) * TURN) /* of one sender in a window */
#define AT_LEAST ((ROUNDS - 1) * TURN)

static uint32_t per_sender; /* 0: until the receiver stops */

struct message {
	uint32_t from, number;
	unsigned char rest[MESSAGE - 8];
};

static void run_sender(unsigned self)
{
	struct bell_peer *peer;
	struct bell_bus *bus = scale_join("sender", self, BELL_INTERRUPT, &peer);
	uint32_t to = scale_await(bus, "receiver", 0);
	struct message m = { .from = self };
	int rc = 0;

	for (; rc == 0 && (per_sender == 0 || m.number < per_sender); m.number++) {
		rc = bell_send(bus, to, &m, sizeof(m), 0);
		if (rc == -BELL_EAGAIN) {
			page->peer[self].full = true;
			rc = bell_send(bus, to, &m, sizeof(m), LONG_MS);
		}
		if (rc == 0)
			page->peer[self].sent++;
	}
	if (rc < 0 && !(page->stop && rc == -BELL_ENOPEER))
		scale_fail(rc, "sending message %u to the receiver", m.number - 1);
	bell_leave(bus);
	bell_close(peer);
}

/* ---- the receiver ------------------------------------------------------------ */

struct receiver {
	struct bell_peer *peer;
	struct bell_bus *bus;
	uint64_t total;
	uint64_t got[SENDERS];
	uint64_t at[SENDERS]; /* the total when its last one came */
	bool owed[SENDERS];   /* and the next one was there then already */
};

static void take(struct receiver *r)
{
	struct message m;
	int64_t rc = bell_recv(r->bus, &m, sizeof(m), NULL, LONG_MS);

	if (rc != sizeof(m))
		scale_fail(rc, "receiving message %llu", (unsigned long long)r->total);
	if (m.from >= SENDERS || m.number != r->got[m.from])
		scale_fail(0, "message %u of sender %u came, not %llu", m.number, m.from,
			   m.from < SENDERS ? (unsigned long long)r->got[m.from] : 0);
	if (r->owed[m.from] && r->total - r->at[m.from] > 2 * TURN * SENDERS)
		scale_fail(0, "message %u of sender %u was there and had to wait for %llu "
			   "others", m.number, m.from,
			   (unsigned long long)(r->total - r->at[m.from]));
	r->got[m.from]++;
	r->total++;
	r->at[m.from] = r->total;
	r->owed[m.from] = page->peer[m.from].sent > r->got[m.from];
}

/* It does not take any, but hears of those who came. */
static void look_up(const struct receiver *r)
{
	int rc = bell_dispatch(r->peer);

	if (rc < 0)
		scale_fail(rc, "dispatching after message %llu",
			   (unsigned long long)r->total);
}

static bool all_full(const void *arg)
{
	look_up(arg);
	for (unsigned i = 0; i < SENDERS; i++)
		if (!page->peer[i].full)
			return false;
	return true;
}

/* Who waits for space is told of it at 3/8 of a ring at the latest: that is more. */
static bool all_have_enough(const void *arg)
{
	const struct receiver *r = arg;

	look_up(r);
	for (unsigned i = 0; i < SENDERS; i++)
		if (page->peer[i].sent - r->got[i] < AT_MOST)
			return false;
	return true;
}

static void not_enough(const struct receiver *r, unsigned window)
{
	for (unsigned i = 0; i < SENDERS; i++)
		if (page->peer[i].sent - r->got[i] < AT_MOST)
			scale_fail(0, "window %u: sender %u sent %llu, of which %llu came, "
				   "and no more", window, i,
				   (unsigned long long)page->peer[i].sent,
				   (unsigned long long)r->got[i]);
	scale_fail(0, "window %u: another peer failed", window);
}

static void check_window(const struct receiver *r, const uint64_t before[SENDERS],
			 unsigned window)
{
	for (unsigned i = 0; i < SENDERS; i++) {
		uint64_t n = r->got[i] - before[i];

		if (n < AT_LEAST || n > AT_MOST)
			scale_fail(0, "window %u: %llu of %u messages are of sender %u; "
				   "%u to %u are fair", window, (unsigned long long)n,
				   WINDOW, i, AT_LEAST, AT_MOST);
	}
}

static void begin(struct receiver *r, const char *const options[])
{
	memset(r, 0, sizeof(*r));
	scale_begin(options);
	r->bus = scale_join("receiver", 0, BELL_INTERRUPT, &r->peer);
	for (unsigned i = 0; i < SENDERS; i++)
		scale_fork(i, run_sender);
	if (!scale_until(all_full, r))
		scale_fail(0, "some sender's ring does not become full");
}

static void end(struct receiver *r)
{
	page->stop = true;
	bell_leave(r->bus);
	bell_close(r->peer);
	scale_wait_all();
	scale_end();
}

START_TEST(all_get_their_share)
{
	static const char *const options[] = { "-l", "64M", "-n", "8", NULL };
	unsigned windows = scale_pick(5, 100);
	uint64_t before[SENDERS];
	struct receiver r;

	per_sender = 0;
	begin(&r, options);
	must(bell_max_piece(r.bus) / (MESSAGE + 8) > AT_MOST);
	for (unsigned w = 0; w < windows; w++) {
		if (!scale_until(all_have_enough, &r))
			not_enough(&r, w);
		memcpy(before, r.got, sizeof(before));
		for (unsigned i = 0; i < WINDOW; i++)
			take(&r);
		check_window(&r, before, w);
	}
	end(&r);
}
END_TEST

/* Whatever the size of the ring. */
static const char *const ring_sizes[] = { "4K", "16K", "256K" };

START_TEST(nobody_waits_for_ever)
{
	const char *options[] = { "-l", "64M",	       "-n",	       "8",
				  "--ring-size", ring_sizes[_i], NULL };
	struct receiver r;

	/* Each has filled its ring once before the first is taken. */
	per_sender = scale_pick(1500, 10000);
	begin(&r, options);
	while (r.total < (uint64_t)per_sender * SENDERS)
		take(&r);
	for (unsigned i = 0; i < SENDERS; i++)
		if (r.got[i] != per_sender)
			scale_fail(0, "sender %u: %llu of %u messages came", i,
				   (unsigned long long)r.got[i], per_sender);
	end(&r);
}
END_TEST

/*
 * A few who have one message at a time, the next one as soon as the receiver has
 * seen them empty, against one who has many.
 */
#define FEW 8u

START_TEST(the_busy_do_not_keep_the_turn)
{
	static const char *const options[] = { "-l", "64M", "-n", "1", NULL };
	struct bell_peer *peer[FEW + 1];
	struct bell_bus *bus[FEW + 1];
	uint32_t many = 600, previous = 1, waited = 0;

	scale_begin(options);
	for (uint32_t i = 0; i <= FEW; i++)
		bus[i] = scale_join("peer", i, BELL_INTERRUPT, &peer[i]);
	for (uint32_t i = 0; i < FEW; i++)
		for (uint32_t n = 0; n < (i == 0 ? many : 1); n++)
			ck_assert_int_eq(bell_send(bus[i], bell_id(peer[FEW]), &i,
						   sizeof(i), 0), 0);
	while (many > 0) {
		uint32_t from = FEW;
		int64_t rc = bell_recv(bus[FEW], &from, sizeof(from), NULL, LONG_MS);

		ck_assert_int_eq(rc, sizeof(from));
		ck_assert_uint_lt(from, FEW);
		waited = from == 0 ? 0 : waited + 1;
		ck_assert_msg(waited <= 2 * TURN * FEW, "%u of one sender are there and "
			      "%u of others came meanwhile", many, waited);
		many -= from == 0;
		if (from == 0 || from == previous)
			continue;
		rc = bell_send(bus[previous], bell_id(peer[FEW]), &previous,
			       sizeof(previous), 0);
		ck_assert_int_eq(rc, 0);
		previous = from;
	}
	for (uint32_t i = 0; i <= FEW; i++) {
		bell_leave(bus[i]);
		bell_close(peer[i]);
	}
	scale_end();
}
END_TEST

void add_fair(Suite *suite)
{
	TCase *tc = tcase_create("fair");

	tcase_set_timeout(tc, 150);
	tcase_add_test(tc, all_get_their_share);
	tcase_add_test(tc, the_busy_do_not_keep_the_turn);
	tcase_add_loop_test(tc, nobody_waits_for_ever, 0, ARRAY_LEN(ring_sizes));
	suite_add_tcase(suite, tc);
}
