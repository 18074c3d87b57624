/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fuzz-bus.c - whole buses at work in a memory that somebody scribbles on
 *
 * Input: operations of up to three peers, and scribbles between them. Nothing
 * may crash, hang (libFuzzer's -timeout), touch a byte outside the memory, or
 * wait longer than it was told.
 */
#include "bellring.h"
#include "hostile.h"
#include "layout.h"
#include "os.h"
#include "steward.h"

#include <string.h>

#define SIZE LAYOUT_MIN_REGION
#define WORDS (SIZE / 8)
#define PEERS 3u
#define SHORT_MS 2

static struct {
	unsigned char *memory;
	struct bell_peer *peer[PEERS];
	struct bell_bus *bus[PEERS];
	bool calls_back[PEERS];
} all;

static void check_code(int64_t rc)
{
	always(rc >= -BELL_EINTR);
	always(rc != -BELL_EINVAL && rc != -BELL_EINTR && rc != -BELL_EIO);
}

static uint8_t sink;
static unsigned delivered;

static void on_message(struct bell_bus *bus, const struct bell_envelope *env,
		       const void *data, void *arg)
{
	const uint8_t *bytes = data;

	always(env->len <= bell_max_message(bus));
	for (uint64_t i = 0; i < env->len; i += 61)
		sink ^= bytes[i];
	if (env->len > 0)
		sink ^= bytes[env->len - 1];
	if (++delivered % 32 != 1)
		return; /* a flood of messages takes long enough */
	/* Calls back in all the ways that are allowed, and some that are not. */
	check_code(bell_send(bus, env->peer, "re", 2, 0));
	always(bell_dispatch(arg) == -BELL_EBUSY);
	always(bell_recv(bus, &sink, 1, NULL, 0) == -BELL_EBUSY);
	check_code(bell_ping(bus, env->peer, 0, NULL));
}

static void join(unsigned who, uint32_t flags)
{
	static const char *const names[PEERS] = { "a", "b", "c" };
	struct bell_bus_config cfg = { .name = names[who], .flags = flags };
	struct bell_bus *bus = NULL;

	if (all.bus[who] || bell_join(all.peer[who], &cfg, &bus) < 0)
		return;
	all.bus[who] = bus;
	all.calls_back[who] = false;
}

static void leave(unsigned who)
{
	bell_leave(all.bus[who]);
	all.bus[who] = NULL;
}

static int timeout(struct input *in)
{
	return input_u8(in) & 1 ? SHORT_MS : 0;
}

static void send_one(struct bell_bus *bus, struct input *in)
{
	static const unsigned char bytes[SIZE];
	struct bell_envelope env = { .peer = input_u8(in) % (PEERS + 1), .tag = 1 };
	size_t len = input_u8(in);

	/* Also long ones, to fill rings and to cross their ends. */
	len = (len & 128) ? len * 40 : len;
	check_code(bell_post(bus, &env, bytes, len, timeout(in)));
}

static void receive_one(struct bell_bus *bus, struct input *in)
{
	static unsigned char got[SIZE];
	struct bell_envelope env;
	uint64_t began = os_now_ns();
	int64_t rc = bell_recv(bus, got, sizeof(got), &env, timeout(in));

	check_code(rc);
	always(rc <= (int64_t)bell_max_message(bus));
	always(os_now_ns() - began < UINT64_C(1000000000));
}

static void list(unsigned who, struct input *in)
{
	struct bell_peer_info info[4];
	static const char *const names[] = { "a", "b", "1", "2", "nobody" };
	uint32_t id;

	check_code(bell_peers(all.peer[who], info, 4));
	check_code(bell_find(all.peer[who], names[input_u8(in) % 5], &id));
	always(bell_bus_size(all.peer[who]) <= SIZE);
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
		v = (uint64_t)(0x80 + (how >> 3) % 6) << 56 | input_u8(in) * 8u;
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
	uint64_t v = (uint64_t)(0x81 + input_u8(in) % 4) << 56;
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
					all.peer[who]);
}

static void on_bus(unsigned who, unsigned op, struct input *in)
{
	struct bell_bus *bus = all.bus[who];

	if (!bus)
		return;
	switch (op) {
	case 0:
	case 1:
		send_one(bus, in);
		break;
	case 2:
	case 3:
		receive_one(bus, in);
		break;
	case 4:
		check_code(bell_ping(bus, input_u8(in) % PEERS, timeout(in), NULL));
		break;
	case 5:
		bell_set_wait(bus, (enum bell_wait_mode)(input_u8(in) % 3));
		break;
	default:
		all.calls_back[who] = !all.calls_back[who];
		bell_on_message(bus, all.calls_back[who] ? on_message : NULL,
				all.peer[who]);
		break;
	}
}

static void step(struct input *in)
{
	unsigned b = input_u8(in), op = b & 15, who = (b >> 4) % PEERS;

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
		check_code(bell_dispatch(all.peer[who]));
		break;
	case 11:
		check_code(bell_wait(all.peer[who], timeout(in)));
		break;
	case 12:
		list(who, in);
		break;
	case 13:
	case 14:
		scribble(in);
		break;
	case 15:
		if (b & 128)
			flood(in);
		else
			mark_dead(who, in);
		break;
	default:
		on_bus(who, op, in);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };

	delivered = 0;
	all.memory = fenced_memory(SIZE);
	for (unsigned i = 0; i < PEERS; i++) {
		all.peer[i] = hostile_open(all.memory, SIZE, i);
		join(i, 0);
	}
	while (in.size > 0)
		step(&in);
	for (unsigned i = 0; i < PEERS; i++) {
		leave(i);
		bell_close(all.peer[i]);
	}
	return 0;
}
