/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * More pairs of peers than links: who comes too late is told so, and what to do;
 * nobody else notices; and when somebody leaves there is room again.
 */
#include "scale.h"

#include <string.h>

#define PEERS 17u /* each with each: 272 pairs; by default there are 256 links */

static struct bell_peer *peer[PEERS];
static struct bell_bus *bus[PEERS];
static bool linked[PEERS][PEERS]; /* from, to */

struct message {
	uint32_t from, number;
};

/* What a peer without a link is told. */
static void check_refusal(int rc, const char *what)
{
	ck_assert_msg(rc == -BELL_ENOSPC, "%s: %d: %s", what, rc, bell_detail());
	ck_assert_msg(strstr(bell_detail(), "links") && strstr(bell_detail(), "--links"),
		      "%s: no remedy in: %s", what, bell_detail());
}

/* Each to each; returns how many have a link. */
static unsigned send_to_all(uint32_t number, unsigned first)
{
	unsigned count = 0;

	for (uint32_t i = first; i < PEERS; i++) {
		for (uint32_t j = first; j < PEERS; j++) {
			struct message m = { i, number };
			int rc = i == j ? 0 : bell_send(bus[i], bell_id(peer[j]), &m,
							sizeof(m), 0);

			if (rc < 0)
				check_refusal(rc, "sending");
			linked[i][j] = i != j && rc == 0;
			count += linked[i][j];
		}
	}
	return count;
}

/* What was sent came, and nothing else. */
static void receive_all(uint32_t number, unsigned first)
{
	for (uint32_t i = first; i < PEERS; i++) {
		bool came[PEERS] = { false };
		struct message m;
		int64_t rc;

		while ((rc = bell_recv(bus[i], &m, sizeof(m), NULL, 0)) >= 0) {
			ck_assert_int_eq(rc, sizeof(m));
			ck_assert_uint_lt(m.from, PEERS);
			ck_assert_uint_eq(m.number, number);
			ck_assert(!came[m.from]);
			came[m.from] = true;
		}
		ck_assert_msg(rc == -BELL_EAGAIN, "%s", bell_detail());
		for (uint32_t j = first; j < PEERS; j++)
			ck_assert_msg(came[j] == linked[j][i], "peer %u, from %u", i, j);
	}
}

static void publish_from(uint32_t from, uint32_t number)
{
	struct message m = { from, number };
	unsigned missing = 0, got = 0;
	int rc;

	for (uint32_t i = 0; i < PEERS; i++)
		missing += i != from && !linked[from][i];
	rc = bell_publish(bus[from], BELL_ALL, 0, &m, sizeof(m), LONG_MS);
	if (missing > 0)
		check_refusal(rc, "publishing");
	else
		ck_assert_int_eq(rc, PEERS - 1);
	for (uint32_t i = 0; i < PEERS; i++) {
		struct message in;
		int64_t len = bell_recv(bus[i], &in, sizeof(in), NULL, 0);

		ck_assert_int_eq(len, linked[from][i] ? (int64_t)sizeof(in) : -BELL_EAGAIN);
		got += len > 0;
	}
	ck_assert_uint_eq(got, PEERS - 1 - missing);
}

START_TEST(too_many_pairs)
{
	/* One process holds the vectors of all peers of all peers. */
	static const char *const options[] = { "-l", "64M", "-n", "1", NULL };
	struct scale_usage u;

	scale_begin(options);
	for (unsigned i = 0; i < PEERS; i++)
		bus[i] = scale_join("peer", i, BELL_INTERRUPT, &peer[i]);
	u = scale_usage(peer[0]);
	ck_assert_uint_lt(u.link_count, PEERS * (PEERS - 1));
	for (uint32_t n = 0; n < 3; n++) {
		ck_assert_uint_eq(send_to_all(n, 0), u.link_count);
		receive_all(n, 0);
		ck_assert_uint_eq(scale_usage(peer[0]).links, u.link_count);
	}
	publish_from(0, 3);
	publish_from(PEERS - 1, 4);

	/* One leaves. The others hear of it, and give its links back. */
	bell_leave(bus[0]);
	bell_close(peer[0]);
	for (unsigned i = 1; i < PEERS; i++)
		ck_assert_int_ge(bell_dispatch(peer[i]), 0);
	ck_assert_uint_eq(send_to_all(5, 1), (PEERS - 1) * (PEERS - 2));
	receive_all(5, 1);
	ck_assert_uint_eq(scale_usage(peer[1]).links, (PEERS - 1) * (PEERS - 2));
	for (unsigned i = 1; i < PEERS; i++) {
		bell_leave(bus[i]);
		bell_close(peer[i]);
	}
	scale_end();
}
END_TEST

void add_full(Suite *suite)
{
	TCase *tc = tcase_create("full");

	tcase_set_timeout(tc, 150);
	tcase_add_test(tc, too_many_pairs);
	suite_add_tcase(suite, tc);
}
