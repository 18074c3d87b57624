/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * All at once: everybody to one and the one to all, and each with each.
 *
 * A peer sends whenever there is space, never waits in a send, and takes what
 * comes meanwhile; half of the peers by a callback, half by bell_recv(). Every
 * byte that arrives is checked, and that each sequence is complete and in order.
 */
#include "scale.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PEERS_MAX 65
#define TAG_DIRECT 1
#define TAG_ALL 2
#define BUFFER (1u << 20)
#define PART ((size_t)64 << 10) /* of a large message, composed at once */

/* What a case sends. */
static struct plan {
	unsigned peers;
	bool star;            /* peer 0 is the hub; else each with each */
	bool adaptive;        /* some peers, instead of interrupts for all */
	uint32_t messages;    /* from each to each of its partners */
	uint32_t published;   /* by the hub to all */
	uint32_t large_every; /* such a message is larger than one piece; 0: none */
} plan;

struct head {
	uint16_t from, to;
	uint32_t number;
};

/* What goes between this peer and another one. */
struct lane {
	uint32_t id;
	unsigned other;
	uint32_t sent, got, got_all;
	struct bell_outgoing *out; /* a large message under way */
	uint64_t at;               /* its bytes that went */
	uint64_t came;             /* of a large message that comes in pieces */
};

struct node {
	unsigned self;
	struct bell_peer *peer;
	struct bell_bus *bus;
	struct lane lane[PEERS_MAX];
	unsigned lanes;
	uint32_t published;
	unsigned char *buf;
};

/* ---- contents -------------------------------------------------------------- */

static size_t large_size(const struct bell_bus *bus)
{
	return bell_max_piece(bus) * 2 + 777;
}

static size_t length_of(const struct bell_bus *bus, unsigned from, uint32_t number)
{
	if (plan.large_every && number % plan.large_every == plan.large_every - 1)
		return large_size(bus) + number;
	return sizeof(struct head) + (number * 37 + from * 11) % 400;
}

static unsigned char byte_of(unsigned from, uint32_t number, uint64_t i)
{
	return (unsigned char)(i * 31 + (i >> 8) * 7 + number * 13 + from);
}

/* Bytes of a message, from byte at on, to n->buf. */
static void compose(const struct node *n, unsigned to, uint32_t number, uint64_t at,
		    size_t len)
{
	struct head h = { (uint16_t)n->self, (uint16_t)to, number };

	for (size_t i = 0; i < len; i++)
		n->buf[i] = byte_of(n->self, number, at + i);
	if (at == 0)
		memcpy(n->buf, &h, sizeof(h));
}

static void check_head(const struct lane *l, const void *data, uint32_t number,
		       unsigned to)
{
	struct head h;

	memcpy(&h, data, sizeof(h));
	if (h.from != l->other || h.to != to || h.number != number)
		scale_fail(0, "message %u of peer %u to %u came, not %u of peer %u to %u",
			   h.number, h.from, h.to, number, l->other, to);
}

static void check_piece(const struct node *n, struct lane *l,
			const struct bell_envelope *env, const unsigned char *data)
{
	bool all = env->tag == TAG_ALL;
	uint32_t number = all ? l->got_all : l->got;
	uint64_t len = length_of(n->bus, l->other, number), i = env->offset;
	uint64_t came = all ? 0 : l->came; /* what is published comes in between */

	if (env->flags & BELL_BROKEN)
		scale_fail(0, "message %u of peer %u is broken off", number, l->other);
	if (env->offset != came || env->offset + env->len > len || env->total != len ||
	    (env->offset == 0 && env->len < sizeof(struct head)))
		scale_fail(0, "message %u of peer %u: %llu bytes at %llu of %llu, not of %llu",
			   number, l->other, (unsigned long long)env->len,
			   (unsigned long long)env->offset,
			   (unsigned long long)env->total, (unsigned long long)len);
	if (i == 0) {
		check_head(l, data, number, all ? PEERS_MAX : n->self);
		i = sizeof(struct head);
	}
	for (; i < env->offset + env->len; i++)
		if (data[i - env->offset] != byte_of(l->other, number, i))
			scale_fail(0, "message %u of peer %u: byte %llu is wrong", number,
				   l->other, (unsigned long long)i);
}

static void take(struct node *n, const struct bell_envelope *env, const void *data)
{
	struct lane *l = n->lane;

	while (l < n->lane + n->lanes && l->id != env->peer)
		l++;
	if (l == n->lane + n->lanes)
		scale_fail(0, "a message of id %u, which is no partner", env->peer);
	check_piece(n, l, env, data);
	if (env->flags & BELL_MORE) {
		l->came += env->len;
		return;
	}
	if (env->tag == TAG_ALL) {
		l->got_all++;
		return;
	}
	l->came = 0;
	l->got++;
}

/* ---- sending --------------------------------------------------------------- */

/* More of a large message. 0, or as bell_continue(). */
static int64_t send_part(struct node *n, struct lane *l, size_t len)
{
	size_t part = len - l->at < PART ? (size_t)(len - l->at) : PART;
	int64_t rc;

	compose(n, l->other, l->sent, l->at, part);
	rc = bell_continue(l->out, n->buf, part, 0);
	if (rc > 0)
		l->at += (uint64_t)rc;
	return rc < 0 ? rc : 0;
}

/* Bit by bit. True once it is sent. */
static bool send_large(struct node *n, struct lane *l, size_t len)
{
	struct bell_envelope env = { .peer = l->id, .tag = TAG_DIRECT };
	int64_t rc = 0;

	if (!l->out) {
		l->at = 0;
		rc = bell_begin(n->bus, &env, len, &l->out);
	}
	while (rc == 0 && l->at < len)
		rc = send_part(n, l, len);
	if (rc == 0)
		rc = bell_finish(l->out, 0, 0);
	if (rc < 0 && rc != -BELL_EAGAIN)
		scale_fail(rc, "sending message %u to peer %u, at %llu of %zu", l->sent,
			   l->other, (unsigned long long)l->at, len);
	if (rc == 0)
		l->out = NULL;
	return rc == 0;
}

static bool send_next(struct node *n, struct lane *l)
{
	struct bell_envelope env = { .peer = l->id, .tag = TAG_DIRECT };
	size_t len = length_of(n->bus, n->self, l->sent);
	int rc;

	if (len > bell_max_piece(n->bus))
		return send_large(n, l, len);
	compose(n, l->other, l->sent, 0, len);
	rc = bell_post(n->bus, &env, n->buf, len, 0);
	if (rc < 0 && rc != -BELL_EAGAIN)
		scale_fail(rc, "sending message %u to peer %u", l->sent, l->other);
	return rc == 0;
}

static void publish_next(struct node *n)
{
	size_t len = length_of(n->bus, n->self, n->published);
	int rc;

	compose(n, PEERS_MAX, n->published, 0, len);
	rc = bell_publish(n->bus, BELL_ALL, TAG_ALL, n->buf, len, LONG_MS);
	if (rc < 0 || (unsigned)rc != n->lanes)
		scale_fail(rc, "publishing message %u: %d of %u got it", n->published, rc,
			   n->lanes);
	n->published++;
}

static bool may_publish(const struct node *n)
{
	return n->self == 0 && n->published < plan.published;
}

/* As much as there is space for. */
static void send_some(struct node *n)
{
	if (may_publish(n))
		publish_next(n);
	for (unsigned i = 0; i < n->lanes; i++) {
		struct lane *l = &n->lane[i];

		while (l->sent < plan.messages && send_next(n, l))
			l->sent++;
	}
}

/* ---- a peer ---------------------------------------------------------------- */

/* What is published to it. */
static uint32_t all_for(const struct node *n)
{
	return n->self == 0 ? 0 : plan.published;
}

static bool done(const struct node *n)
{
	if (may_publish(n))
		return false;
	for (unsigned i = 0; i < n->lanes; i++)
		if (n->lane[i].sent < plan.messages || n->lane[i].got < plan.messages ||
		    n->lane[i].got_all < all_for(n))
			return false;
	return true;
}

static void on_message(struct bell_bus *bus, const struct bell_envelope *env,
		       const void *data, void *arg)
{
	(void)bus;
	take(arg, env, data);
}

/* It is enough that bell_wait() returns. */
static void on_writable(struct bell_bus *bus, uint32_t to, void *arg)
{
	(void)bus;
	(void)to;
	(void)arg;
}

static void receive(struct node *n)
{
	struct bell_envelope env;
	int64_t rc;

	while ((rc = bell_recv(n->bus, n->buf, BUFFER, &env, 0)) >= 0)
		take(n, &env, n->buf);
	if (rc != -BELL_EAGAIN)
		scale_fail(rc, "receiving");
}

static void stuck(const struct node *n, int rc)
{
	uint32_t all = all_for(n);

	for (unsigned i = 0; i < n->lanes; i++) {
		const struct lane *l = &n->lane[i];

		if (l->got < plan.messages || l->sent < plan.messages ||
		    l->got_all < all)
			scale_fail(rc, "waits; sent %u of %u to peer %u, got %u, and %u of %u "
				   "published", l->sent, plan.messages, l->other, l->got,
				   l->got_all, all);
	}
	scale_fail(rc, "waits");
}

static void exchange(struct node *n)
{
	bool by_callback = n->self % 2 == 0;

	if (by_callback)
		bell_on_message(n->bus, on_message, n);
	bell_on_writable(n->bus, on_writable, NULL);
	for (;;) {
		int rc;

		if (!by_callback)
			receive(n);
		send_some(n);
		if (done(n))
			return;
		rc = bell_wait(n->peer, may_publish(n) ? 0 : LONG_MS);
		if (rc < 0 && !(rc == -BELL_EAGAIN && may_publish(n)))
			stuck(n, rc);
	}
}

static void find_partners(struct node *n)
{
	for (unsigned i = 0; i < plan.peers; i++) {
		if (i == n->self || (plan.star && n->self != 0 && i != 0))
			continue;
		n->lane[n->lanes].id = scale_await(n->bus, "peer", i);
		n->lane[n->lanes++].other = i;
	}
}

static void run_peer(unsigned self)
{
	enum bell_wait_mode mode = plan.adaptive && self % 3 != 0 ? BELL_ADAPTIVE :
								    BELL_INTERRUPT;
	struct node *n = calloc(1, sizeof(*n));

	must(n != NULL);
	n->self = self;
	n->buf = malloc(BUFFER);
	must(n->buf != NULL);
	n->bus = scale_join("peer", self, mode, &n->peer);
	must(large_size(n->bus) + plan.messages <= BUFFER);
	find_partners(n);
	exchange(n);
	bell_leave(n->bus);
	bell_close(n->peer);
	free(n->buf);
	free(n);
}

/* ---- cases ----------------------------------------------------------------- */

static void run_plan(const char *const options[])
{
	scale_begin(options);
	for (unsigned i = 0; i < plan.peers; i++)
		scale_fork(i, run_peer);
	scale_wait_all();
	scale_end();
}

/*
 * The memory and all else by default. So many vectors that a QEMU with its usual
 * 1,024 descriptors bears so many peers: with the default of 16 that is 60.
 */
static const char *const vectors_8[] = { "-l", "64M", "-n", "8", NULL };

static const struct {
	const char *name;
	unsigned peers;
	bool star, adaptive;
	const char *const *options;
} rows[] = {
	{ "64 to one and back, interrupts", 65, true, false, vectors_8 },
	{ "64 to one and back, some adaptive", 65, true, true, vectors_8 },
	{ "59 to one and back, defaults", 60, true, false, NULL },
	{ "16 each with each, interrupts", 16, false, false, NULL },
	{ "16 each with each, some adaptive", 16, false, true, NULL },
};

START_TEST(nothing_is_lost)
{
	plan = (struct plan){ .peers = rows[_i].peers,
			      .star = rows[_i].star,
			      .adaptive = rows[_i].adaptive };
	plan.messages = scale_pick(200, plan.star ? 5000 : 1500);
	plan.published = plan.star ? scale_pick(100, 2000) : 0;
	plan.large_every = scale_pick(200, plan.star ? 2500 : 300);
	printf("# %s: %u messages each, %u published\n", rows[_i].name, plan.messages,
	       plan.published);
	fflush(stdout);
	/* What is published goes in one piece. */
	must(plan.published < plan.large_every);
	run_plan(rows[_i].options);
}
END_TEST

void add_traffic(Suite *suite)
{
	TCase *tc = tcase_create("traffic");

	tcase_set_timeout(tc, 150);
	tcase_add_loop_test(tc, nothing_is_lost, 0, ARRAY_LEN(rows));
	suite_add_tcase(suite, tc);
}
