/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a receiver does for a message depends on the links that have something,
 * not on how many there are: counted by bell_stats.looks.
 *
 * One sender sends, waits for the answer, sends again, so that the receiver
 * sleeps before each; beside it nobody, or many that have a link and are silent.
 * A bit of the wake word stands for several links when there are more than 62 in
 * the memory: so many looks a wake-up may be in vain, and not more.
 */
#include "scale.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IDLE_MAX 200u

static unsigned exchanges; /* of the busy sender */

/* Says one word, and is there until the end. */
static void run_idle(unsigned self)
{
	struct bell_peer *peer;
	struct bell_bus *bus = scale_join("idle", self, BELL_INTERRUPT, &peer);
	int rc = bell_send(bus, scale_await(bus, "receiver", 0), NULL, 0, LONG_MS);

	if (rc < 0)
		scale_fail(rc, "sending to the receiver");
	page->ready++;
	while (!page->stop) {
		rc = bell_wait(peer, LONG_MS);
		if (rc < 0)
			scale_fail(rc, "waiting for the end");
	}
	bell_leave(bus);
	bell_close(peer);
}

static void run_busy(unsigned self)
{
	struct bell_peer *peer;
	struct bell_bus *bus = scale_join("busy", self, BELL_INTERRUPT, &peer);
	uint32_t to = scale_await(bus, "receiver", 0);

	for (uint32_t i = 0; i < exchanges; i++) {
		uint32_t answer = 0;
		int64_t rc = bell_send(bus, to, &i, sizeof(i), LONG_MS);

		if (rc == 0)
			rc = bell_recv(bus, &answer, sizeof(answer), NULL, LONG_MS);
		if (rc != sizeof(answer) || answer != i)
			scale_fail(rc, "exchange %u: answer %u", i, answer);
	}
	page->ready++;
	while (!page->stop)
		if (bell_wait(peer, LONG_MS) < 0)
			break;
	bell_leave(bus);
	bell_close(peer);
}

/* ---- the receiver ------------------------------------------------------------ */

struct receiver {
	struct bell_peer *peer;
	struct bell_bus *bus;
	unsigned answered;
};

static void answer(struct receiver *r, const struct bell_envelope *env,
		   const void *data)
{
	uint32_t number;
	int rc;

	if (env->len != sizeof(number))
		scale_fail(0, "a message of %llu bytes came", (unsigned long long)env->len);
	memcpy(&number, data, sizeof(number));
	if (number != r->answered)
		scale_fail(0, "message %u came, not %u", number, r->answered);
	rc = bell_send(r->bus, env->peer, &number, sizeof(number), LONG_MS);
	if (rc < 0)
		scale_fail(rc, "answering message %u", number);
	r->answered++;
}

static void by_recv(struct receiver *r)
{
	struct bell_envelope env;
	uint32_t data;
	int64_t rc = bell_recv(r->bus, &data, sizeof(data), &env, LONG_MS);

	if (rc < 0)
		scale_fail(rc, "receiving message %u", r->answered);
	answer(r, &env, &data);
}

static void on_message(struct bell_bus *bus, const struct bell_envelope *env,
		       const void *data, void *arg)
{
	(void)bus;
	answer(arg, env, data);
}

static void by_callback(struct receiver *r)
{
	int rc;

	bell_on_message(r->bus, on_message, r);
	rc = bell_wait(r->peer, LONG_MS);
	if (rc < 0)
		scale_fail(rc, "waiting for message %u", r->answered);
}

/* As programs with an event loop do: the handle, then bell_recv() till the end. */
static void by_handle(struct receiver *r)
{
	struct bell_envelope env;
	uint32_t data;
	int64_t rc;

	while ((rc = bell_recv(r->bus, &data, sizeof(data), &env, 0)) >= 0)
		answer(r, &env, &data);
	if (rc == -BELL_EAGAIN)
		rc = r->answered < exchanges ? bell_wait(r->peer, LONG_MS) : 0;
	if (rc < 0)
		scale_fail(rc, "waiting for message %u", r->answered);
}

typedef void serve_fn(struct receiver *r);

static void take_greetings(struct receiver *r, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		int64_t rc = bell_recv(r->bus, NULL, 0, NULL, LONG_MS);

		if (rc < 0)
			scale_fail(rc, "receiving the word of %u of %u", i, count);
	}
	if (!scale_until(scale_all_ready, &count))
		scale_fail(0, "%u of %u idle ones are there", page->ready, count);
	/* What their coming still has to tell is taken now, not while we count. */
	while (bell_recv(r->bus, NULL, 0, NULL, 0) != -BELL_EAGAIN)
		;
}

/* One busy sender beside idle ones: what that many exchanges cost the receiver. */
static struct bell_stats cost(unsigned idle, serve_fn *serve)
{
	static const char *const options[] = { "-l", "64M",	"-n",  "1",
					       "--slots", "256", NULL };
	struct bell_stats before, after;
	struct receiver r = { .answered = 0 };
	unsigned all = idle + 1;

	scale_begin(options);
	r.bus = scale_join("receiver", 0, BELL_INTERRUPT, &r.peer);
	for (unsigned i = 0; i < idle; i++)
		scale_fork(i, run_idle);
	take_greetings(&r, idle);
	bell_get_stats(r.bus, &before);
	scale_fork(idle, run_busy);
	while (r.answered < exchanges)
		serve(&r);
	bell_get_stats(r.bus, &after);
	if (!scale_until(scale_all_ready, &all))
		scale_fail(0, "the busy one does not end");
	page->stop = true;
	bell_leave(r.bus);
	bell_close(r.peer);
	scale_wait_all();
	scale_end();
	after.looks -= before.looks;
	after.received -= before.received;
	after.sleeps -= before.sleeps;
	after.wakes -= before.wakes;
	return after;
}

static const struct {
	const char *name;
	serve_fn *serve;
} ways[] = {
	{ "bell_recv()", by_recv },
	{ "a callback", by_callback },
	{ "the handle", by_handle },
};

static void say(const char *way, unsigned idle, const struct bell_stats *s)
{
	printf("# %s, %u idle: %.2f looks, %.2f sleeps a message\n", way, idle,
	       (double)s->looks / (double)s->received,
	       (double)s->sleeps / (double)s->received);
	fflush(stdout);
}

START_TEST(idle_links_cost_nothing)
{
	unsigned idle = scale_pick(100, IDLE_MAX);
	/* Other links behind the same bit; the answers' link is one, too. */
	unsigned share = (idle + 2) / WAKE_LINKS;
	struct bell_stats alone, crowd;

	exchanges = scale_pick(500, 5000);
	alone = cost(0, ways[_i].serve);
	crowd = cost(idle, ways[_i].serve);
	say(ways[_i].name, 0, &alone);
	say(ways[_i].name, idle, &crowd);
	ck_assert_uint_eq(alone.received, exchanges);
	ck_assert_uint_eq(crowd.received, exchanges);
	/* A look for each message at least: else they would not be counted. */
	ck_assert_uint_ge(alone.looks, exchanges);
	/*
	 * A look that finds it, and two rounds that find nothing: when it is taken,
	 * and before sleeping. The same, and a round more, if it comes just then.
	 */
	ck_assert_uint_le(alone.looks, 6 * exchanges);
	ck_assert_uint_le(crowd.looks, (6 + share) * exchanges + 4 * (idle + 1));
}
END_TEST

void add_cost(Suite *suite)
{
	TCase *tc = tcase_create("cost");

	tcase_set_timeout(tc, 150);
	tcase_add_loop_test(tc, idle_links_cost_nothing, 0, ARRAY_LEN(ways));
	suite_add_tcase(suite, tc);
}
