/* SPDX-License-Identifier: BSD-2-Clause */
#include "deaths.h"

#include "server-fixture.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#define OWN_LINKS 2u /* r to w, w to r */
#define OWN_SLOTS 2u

const char *place, *place_what = "";
struct bell_peer *r_peer, *w_peer, *x_peer;
struct bell_bus *r, *w, *x;
struct testament *will;
struct seen seen;
unsigned char message[MESSAGES][MESSAGE_MAX];
struct bell_stream *r_stream;
static struct bell_listener *listener;
static uint32_t greetings; /* between r and w, both ways */

int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- what r sees ------------------------------------------------------------- */

/* Made before, so that nobody is single-stepped through that. */
static void make_messages(void)
{
	for (uint32_t n = 0; n < MESSAGES; n++) {
		memcpy(message[n], &n, sizeof(n));
		for (uint32_t i = sizeof(n); i < MESSAGE_MAX; i++)
			message[n][i] = (unsigned char)(n * 31 + i);
	}
}

unsigned char stream_byte(uint32_t at)
{
	return (unsigned char)(at * 7 + 3);
}

/* Whole messages begin with their number; large ones are checked at each piece. */
static void take_message(const struct bell_envelope *env, const unsigned char *data)
{
	if (env->flags & BELL_BROKEN) {
		ck_assert_uint_gt(seen.piece, 0);
		seen.broken++;
		seen.piece = 0;
		return;
	}
	ck_assert_uint_eq(env->offset, seen.piece);
	ck_assert_uint_le(env->offset + env->len, MESSAGE_MAX);
	ck_assert_msg(memcmp(message[seen.messages % MESSAGES] + env->offset, data,
			     (size_t)env->len) == 0,
		      "%s: message %u is not what was sent", place_what, seen.messages);
	seen.piece += (uint32_t)env->len;
	if (env->flags & BELL_MORE)
		return;
	ck_assert_uint_eq(env->total, seen.piece);
	seen.piece = 0;
	will->came = ++seen.messages;
}

static void on_message(struct bell_bus *bus, const struct bell_envelope *env,
		       const void *data, void *arg)
{
	(void)arg;
	if ((w && env->peer == bell_id(w_peer)) || env->peer == bell_id(r_peer))
		greetings++;
	else if (bus == r && !(x && env->peer == bell_id(x_peer)))
		take_message(env, data);
}

static void on_presence(struct bell_bus *bus, enum bell_presence event,
			const struct bell_peer_info *info, void *arg)
{
	(void)bus, (void)arg;
	if (strcmp(info->name, "v") != 0)
		return;
	if (event == BELL_CAME || event == BELL_BACK)
		seen.came++;
	else
		seen.gone++;
}

static void on_stream(struct bell_stream *s, unsigned events, void *arg)
{
	unsigned char buf[512];
	int64_t n;

	(void)events, (void)arg;
	while ((n = bell_stream_read(s, buf, sizeof(buf), 0)) > 0)
		for (int64_t i = 0; i < n; i++)
			ck_assert_uint_eq(buf[i], stream_byte(seen.bytes++));
	if (n == -BELL_EAGAIN)
		return;
	seen.end = n;
	bell_stream_close(s);
	r_stream = NULL;
}

static void on_accept(struct bell_listener *l, struct bell_stream *s, void *arg)
{
	(void)l, (void)arg;
	ck_assert_ptr_null(r_stream);
	r_stream = s;
	seen.end = 1;
	bell_on_stream(s, on_stream, NULL);
}

static void on_request(struct bell_bus *bus, struct bell_request *request, void *arg)
{
	(void)bus, (void)arg;
	(void)bell_reply(request, "yes", 3); /* the caller may be gone */
}

static void on_writable(struct bell_bus *bus, uint32_t to, void *arg)
{
	(void)bus, (void)to, (void)arg;
	seen.writable++;
}

/* ---- the place ----------------------------------------------------------------- */

void place_begin_at(const char *address)
{
	will = mmap(NULL, sizeof(*will), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	must(will != MAP_FAILED);
	make_messages();
	place = address;
}

void place_begin(void)
{
	static const char *const options[] = { "-l", "64K", "--slots", "8",
					       "--links", "8", "--ring-size", "4096",
					       "-n", "2", NULL };

	place_begin_at(server_start(options));
}

void place_end(void)
{
	server_stop();
}

struct bell_peer *place_open(void)
{
	struct bell_peer *peer = NULL;

	if (bell_open(place, -1, &peer) < 0)
		fprintf(stderr, "%s: %s\n", place, bell_detail());
	must(peer != NULL);
	return peer;
}

struct bell_bus *place_join(struct bell_peer *peer, const char *name)
{
	struct bell_bus_config cfg = { .name = name };
	struct bell_bus *bus = NULL;

	if (bell_join(peer, &cfg, &bus) < 0)
		fprintf(stderr, "%s: join %s: %s\n", place_what, name, bell_detail());
	must(bus != NULL);
	return bus;
}

static void greet(struct bell_bus *from, struct bell_peer *to)
{
	int rc = bell_send(from, bell_id(to), "hello", 5, WAIT_MS);

	ck_assert_msg(rc == 0, "%s: %s: %s", place_what, bell_strerror(rc), bell_detail());
}

void place_greet(void)
{
	uint32_t before = greetings;

	greet(r, w_peer);
	greet(w, r_peer);
	UNTIL(greetings == before + 2)
		;
}

void place_setup(void)
{
	r_peer = place_open();
	r = place_join(r_peer, "r");
	w_peer = place_open();
	w = place_join(w_peer, "w");
	place_forget();
	for (int i = 0; i < 2; i++) {
		struct bell_bus *bus = i ? w : r;

		bell_on_message(bus, on_message, NULL);
		ck_assert_int_eq(bell_subscribe(bus, TOPIC), 0);
	}
	ck_assert_int_eq(bell_on_presence(r, on_presence, NULL), 0);
	ck_assert_int_eq(bell_listen(r, SERVICE, on_accept, NULL, &listener), 0);
	ck_assert_int_eq(bell_on_call(r, METHOD, on_request, NULL), 0);
	bell_on_writable(r, on_writable, NULL);
	place_greet();
	ck_assert_uint_eq(links_used(), OWN_LINKS);
	ck_assert_uint_eq(slots_used(), OWN_SLOTS);
}

void place_teardown(void)
{
	bell_leave(r); /* and its listener */
	bell_leave(w);
	bell_close(r_peer);
	bell_close(w_peer);
	r = w = NULL;
}

void x_join(void)
{
	x_peer = place_open();
	x = place_join(x_peer, "x");
}

void x_leave(void)
{
	bell_leave(x);
	bell_close(x_peer);
	x = NULL;
	x_peer = NULL;
}

void place_forget(void)
{
	memset(&seen, 0, sizeof(seen));
	seen.end = 1;
	memset(will, 0, sizeof(*will));
}

/* ---- going on --------------------------------------------------------------------- */

/* True if somebody had something. */
static bool pump_for(int timeout_ms)
{
	struct bell_peer *all[] = { r_peer, w_peer, x_peer };
	struct pollfd p[3];
	nfds_t n = 0;

	for (int i = 0; i < 3; i++)
		if (all[i])
			p[n++] = (struct pollfd){ bell_handle(all[i]), POLLIN, 0 };
	if (poll(p, n, timeout_ms) == 0)
		return false;
	for (int i = 0; i < 3; i++) {
		int rc = all[i] ? bell_dispatch(all[i]) : 0;

		ck_assert_msg(rc >= 0, "%s: %s: %s", place_what, bell_strerror(rc),
			      bell_detail());
	}
	return true;
}

void pump(void)
{
	(void)pump_for(1);
}

void pump_quiet(void)
{
	while (pump_for(0))
		;
}

/* ---- what is left ------------------------------------------------------------------- */

static void read_layout(struct layout *l)
{
	size_t size;
	const void *memory = bell_memory(r_peer, &size);

	ck_assert_int_eq(layout_read(memory, size, l), 0);
}

uint32_t slots_used(void)
{
	struct layout l;
	uint32_t n = 0;

	read_layout(&l);
	for (uint32_t i = 0; i < l.slot_count; i++) {
		enum slot_state s = slot_state(shm_acquire(
			&layout_slot(bell_memory(r_peer, NULL), &l, i)->word));

		n += s == SLOT_LIVE || s == SLOT_JOINING;
	}
	return n;
}

static bool is_there(const struct layout *l, uint32_t slot, uint32_t incarnation)
{
	uint64_t word = shm_acquire(
		&layout_slot(bell_memory(r_peer, NULL), l, slot)->word);

	return (slot_state(word) == SLOT_LIVE || slot_state(word) == SLOT_JOINING) &&
	       slot_incarnation(word) == incarnation;
}

/* By doc/layout.md, and not by the code that is tested. */
uint32_t links_used(void)
{
	struct layout l;
	uint32_t n = 0;

	read_layout(&l);
	for (uint32_t i = 0; i < l.link_count; i++) {
		uint64_t word = shm_acquire(
			&layout_link(bell_memory(r_peer, NULL), &l, i)->word);
		bool from = is_there(&l, link_from(word), link_from_inc(word));
		bool to = is_there(&l, link_to(word), link_to_inc(word));

		if (link_state(word) == LINK_OPEN)
			n += from || to;
		else if (link_state(word) != LINK_FREE)
			n += from;
	}
	return n;
}

void place_check(void)
{
	UNTIL(slots_used() == OWN_SLOTS)
		;
	UNTIL(links_used() == OWN_LINKS)
		;
	UNTIL(!r_stream)
		;
	UNTIL(seen.gone == seen.came && seen.replies == seen.calls)
		;
	ck_assert_uint_le(will->committed, will->attempted);
	ck_assert_msg(seen.messages >= will->committed && seen.messages <= will->attempted,
		      "%s: %u messages came; %u were committed, %u tried", place_what,
		      seen.messages, will->committed, will->attempted);
	/* What came of a large one was said to be broken off. */
	ck_assert_uint_eq(seen.piece, 0);
	ck_assert_uint_ge(seen.bytes, will->written);
	ck_assert_uint_le(seen.bytes, will->writing);
	/* An end of file is no lie: it is told only of who shut its stream down. */
	if (seen.end == 0)
		ck_assert_uint_eq(will->finished, 1);
	place_greet();
}
