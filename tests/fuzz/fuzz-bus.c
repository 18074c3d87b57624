/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fuzz-bus.c - whole buses at work in a memory that somebody scribbles on
 *
 * Input: operations of up to three peers, and scribbles between them. Nothing
 * may crash, hang (libFuzzer's -timeout), touch a byte outside the memory, or
 * wait longer than it was told.
 */
#include "fuzz-bus.h"
#include "os.h"
#include "steward.h"

#include <string.h>

#define WORDS (SIZE / 8)
#define SHORT_MS 2
/* The clock goes on by half a ms a look: what waits looks at it so often. */
#define LATE_NS UINT64_C(1000000000)

static struct {
	unsigned char *memory;
	struct fuzz_peer peers[PEERS];
} all;

const unsigned char fuzz_bytes[SIZE];

int64_t may(int64_t rc, uint32_t allowed)
{
	always(rc >= 0 || (rc > -32 && (allowed >> -rc & 1)));
	return rc;
}

static uint64_t began_ns[8];
static unsigned waiting; /* callbacks may wait, too */

void wait_begin(void)
{
	always(waiting < 8);
	began_ns[waiting++] = os_now_ns();
}

int64_t wait_end(int64_t rc, uint32_t allowed)
{
	always(os_now_ns() - began_ns[--waiting] < LATE_NS);
	return may(rc, allowed);
}

int some_timeout(struct input *in)
{
	return input_u8(in) % (SHORT_MS + 1);
}

size_t some_size(struct input *in)
{
	uint8_t b = input_u8(in);

	return b & 128 ? (size_t)(b & 127) * 130 : b;
}

void touch(const void *data, size_t len)
{
	static volatile uint8_t sink;
	const volatile uint8_t *bytes = data;

	for (size_t i = 0; i < len; i += 61)
		sink = sink ^ bytes[i];
	if (len > 0)
		sink = sink ^ bytes[len - 1];
}

static void join(unsigned who, uint32_t flags)
{
	static const char *const names[PEERS] = { "a", "b", "c" };
	struct bell_bus_config cfg = { .name = names[who], .flags = flags };
	struct fuzz_peer *p = &all.peers[who];
	struct bell_peer *peer = p->peer;
	struct bell_bus *bus = NULL;

	if (p->bus || may(bell_join(peer, &cfg, &bus),
			  CODE(ELAYOUT) | CODE(EVERSION) | CODE(ENOSPC) | CODE(EEXIST) |
				  CODE(EBUSY)) < 0)
		return;
	*p = (struct fuzz_peer){ .peer = peer, .bus = bus };
}

static void leave(unsigned who)
{
	struct fuzz_peer *p = &all.peers[who];

	if (!p->bus)
		return;
	messages_end(p);
	streams_end(p);
	calls_end(p);
	bell_leave(p->bus);
	p->bus = NULL;
}

static void send_one(struct fuzz_peer *p, struct input *in)
{
	struct bell_envelope env = { .peer = input_u8(in) % (PEERS + 1), .tag = 1 };
	size_t len = some_size(in);
	int timeout_ms = some_timeout(in);

	(void)WAITS(bell_post(p->bus, &env, fuzz_bytes, len, timeout_ms), SENDING);
}

static void receive_one(struct fuzz_peer *p, struct input *in)
{
	static unsigned char got[SIZE];
	struct bell_envelope env;
	uint8_t b = input_u8(in);
	size_t size = b & 128 ? b & 127 : sizeof(got);
	int64_t rc = WAITS(bell_recv(p->bus, got, size, &env, b % (SHORT_MS + 1)),
			   RECEIVING | CODE(EMSGSIZE));

	always(rc <= (int64_t)size);
	if (rc >= 0)
		always(env.len == (uint64_t)rc && env.total == env.len);
	if (rc == -BELL_ECORRUPT)
		messages_forget_held(p);
}

static void list(unsigned who, struct input *in)
{
	static const char *const names[] = { "a", "b", "1", "2", "nobody" };
	struct bell_peer *peer = all.peers[who].peer;
	struct bell_peer_info info[4];
	uint32_t id;

	(void)may(bell_peers(peer, info, 4), 0);
	(void)may(bell_find(peer, names[input_u8(in) % 5], &id),
		  CODE(ENOPEER) | CODE(ENOTUNIQ));
	always(bell_bus_size(peer) <= SIZE);
}

/* Words that decide something are hit more often than the rings' bytes. */
static shm_u64 *some_word(struct input *in)
{
	static const uint16_t offsets[] = {
		0, 8, 16, 24, 32, 40, 48, 56, 64, 72, /* the header */
		256, 264, 272, 384, 512, 520, 640, 768, 896, /* slots 0..2 */
		256 + 16 * 256, 256 + 16 * 256 + 8, 256 + 16 * 256 + 64,
		256 + 16 * 256 + 128, 256 + 16 * 256 + 192, /* link 0 */
		256 + 17 * 256, 256 + 17 * 256 + 64, 256 + 17 * 256 + 128,
		256 + 17 * 256 + 192, /* link 1 */
		8192, 8200, 8208, 8216, 8224, 8232, 8240, 8248, /* ring 0 */
		8192 + 7168, 8200 + 7168, 8208 + 7168, 8216 + 7168, /* ring 1 */
	};
	unsigned at = input_u8(in);

	if (at < 192)
		at = offsets[at % (sizeof(offsets) / sizeof(offsets[0]))] / 8;
	else
		at = at << 8 | input_u8(in);
	return (shm_u64 *)(void *)all.memory + at % WORDS;
}

static void scribble(struct input *in)
{
	shm_u64 *word = some_word(in);
	uint64_t v = shm_peek(word);
	uint8_t how = input_u8(in);

	switch (how & 7) {
	case 0:
		v = 0;
		break;
	case 1:
		v = UINT64_MAX;
		break;
	case 2:
		v ^= UINT64_C(1) << (how >> 3 | (input_u8(in) & 1) << 5);
		break;
	case 3:
		v += (uint64_t)(int64_t)(int8_t)input_u8(in);
		break;
	case 4:
		v = shm_peek(some_word(in));
		break;
	case 5: /* a plausible record */
		v = (uint64_t)(0x80 + (how >> 3) % 10) << 56 |
		    (uint64_t)(input_u8(in) & 7) << 48 | input_u8(in) * 8u;
		break;
	default:
		v = input_u64(in);
		break;
	}
	shm_set(word, v);
}

/* Many equal records in a ring, up to all of it: no end mark anywhere. */
static void flood(struct input *in)
{
	uint8_t b = input_u8(in);
	uint64_t v = (uint64_t)(0x81 + b % 8) << 56 | (uint64_t)(b >> 4 & 7) << 48;
	unsigned from = (8192 + input_u8(in) % 8u * 7168) / 8;
	unsigned count = input_u8(in) * 4u;

	v |= input_u8(in) % 3 * 8u;
	for (unsigned i = from; i < from + count && i < WORDS; i++)
		shm_set((shm_u64 *)(void *)all.memory + i, v);
}

static void on_ring(void *arg, uint32_t id, unsigned vector)
{
	(void)bell_ring(arg, id, vector);
}

static void mark_dead(unsigned who, struct input *in)
{
	struct layout l;

	if (layout_read(all.memory, SIZE, &l) == 0)
		(void)steward_mark_dead(all.memory, &l, input_u8(in) % PEERS, on_ring,
					all.peers[who].peer);
}

static void dispatch(struct fuzz_peer *p, int timeout_ms)
{
	uint32_t allowed = CODE(ERESET) | CODE(ECORRUPT);
	int64_t rc;

	p->deep = 0;
	if (timeout_ms < 0)
		rc = WAITS(bell_dispatch(p->peer), allowed);
	else
		rc = WAITS(bell_wait(p->peer, timeout_ms), allowed | CODE(EAGAIN));
	if (rc == -BELL_ECORRUPT)
		messages_forget_held(p);
}

/* Seldom for good. */
static void set_wait(struct fuzz_peer *p, unsigned byte)
{
	(void)bell_set_wait(p->bus, byte == UINT8_MAX ? BELL_POLL_ONLY :
							(enum bell_wait_mode)(byte % 3));
}

/* What needs a bus. */
static void on_bus(struct fuzz_peer *p, unsigned op, struct input *in)
{
	uint32_t to;
	int timeout_ms;

	switch (op) {
	case 0:
		send_one(p, in);
		break;
	case 1:
		step_messages(p, in);
		break;
	case 2:
		receive_one(p, in);
		break;
	case 3:
		step_streams(p, in);
		break;
	case 4:
		to = input_u8(in) % PEERS;
		timeout_ms = some_timeout(in);
		(void)WAITS(bell_ping(p->bus, to, timeout_ms, NULL), SENDING);
		break;
	case 5:
		set_wait(p, input_u8(in));
		break;
	case 6:
		messages_flip_callback(p);
		break;
	default:
		step_calls(p, in);
		break;
	}
}

static void step(struct input *in)
{
	unsigned b = input_u8(in), op = b & 15, who = (b >> 4) % PEERS;
	struct fuzz_peer *p = &all.peers[who];

	switch (op) {
	case 7:
		leave(who);
		break;
	case 8:
		join(who, 0);
		break;
	case 9:
		leave(who);
		join(who, BELL_FORMAT);
		break;
	case 10:
		dispatch(p, -1);
		break;
	case 11:
		dispatch(p, some_timeout(in));
		break;
	case 12:
		list(who, in);
		break;
	case 13:
		scribble(in);
		break;
	case 15:
		if (b & 128)
			flood(in);
		else
			mark_dead(who, in);
		break;
	default:
		if (p->bus)
			on_bus(p, op, in);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };

	all.memory = fenced_memory(SIZE);
	for (unsigned i = 0; i < PEERS; i++) {
		all.peers[i] = (struct fuzz_peer){
			.peer = hostile_open(all.memory, SIZE, i)
		};
		join(i, 0);
	}
	while (in.size > 0)
		step(&in);
	for (unsigned i = 0; i < PEERS; i++) {
		leave(i);
		bell_close(all.peers[i].peer);
	}
	return 0;
}
