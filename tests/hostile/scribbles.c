/* SPDX-License-Identifier: BSD-2-Clause */
#include "scribbles.h"

#include "bellring.h"
#include "layout.h"
#include "ring.h"

#include <string.h>

#define WALK_MAX 4096 /* records of a ring, to find its end */

void scribbles_init(struct target *t, void *memory, uint64_t seed)
{
	static const struct {
		unsigned burst, pause_us, ruin;
	} manners[] = {
		{ 1, 4000, 2000 },  /* gently: each damage can take effect */
		{ 4, 1000, 2000 },
		{ 16, 1000, 500 },
		{ 256, 20000, 5000 }, /* storms */
		{ 64, 50, 5000 },   /* without mercy */
	};
	unsigned i;

	memset(t, 0, sizeof(*t));
	t->memory = memory;
	t->random = seed;
	i = (unsigned)(dice(t) % (sizeof(manners) / sizeof(manners[0])));
	t->burst = manners[i].burst;
	t->pause_us = manners[i].pause_us;
	t->ruin = manners[i].ruin;
}

/* splitmix64 */
uint64_t dice(struct target *t)
{
	uint64_t z = t->random += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

/* The header if it still makes sense, else what a server would have planned. */
static void see(struct target *t, struct layout *l)
{
	if (layout_read(t->memory, t->size, l) < 0)
		(void)layout_plan(t->size, NULL, l);
}

static shm_u64 *word_at(const struct target *t, uint64_t offset)
{
	return (shm_u64 *)(void *)((char *)t->memory + (offset & ~UINT64_C(7)) % t->size);
}

static uint64_t offset_of(const struct target *t, const void *p)
{
	return (uint64_t)((uintptr_t)p - (uintptr_t)t->memory);
}

/* Low numbers are in use: those more often. */
static uint32_t some_slot(struct target *t, const struct layout *l)
{
	return (uint32_t)(dice(t) % (dice(t) % 4 ? 6 : l->slot_count)) % l->slot_count;
}

static uint32_t some_link(struct target *t, const struct layout *l)
{
	return (uint32_t)(dice(t) % (dice(t) % 4 ? 12 : l->link_count)) % l->link_count;
}

/* ---- places ---- */

/*
 * Behind the last record that the receiver has not taken: what is written there
 * it reads next. Or one of the records before it.
 */
static uint64_t hot_record(struct target *t, const struct layout *l, uint32_t link)
{
	unsigned char *ring = layout_ring(t->memory, l, link);
	uint64_t off = shm_peek(&layout_link(t->memory, l, link)->consumed) %
		       l->ring_size & ~UINT64_C(7);
	bool last = dice(t) % 3 != 0;

	for (int i = 0; i < WALK_MAX; i++) {
		uint64_t h = shm_peek(ring_header(ring, off));
		uint32_t len = (uint32_t)h;

		if (h == 0 || len > ring_max_message(l->ring_size) ||
		    (!last && dice(t) % 4 == 0))
			break;
		off = ring_advance(off, record_size(len), l->ring_size);
	}
	return offset_of(t, ring) + off;
}

static uint64_t slot_place(struct target *t, const struct layout *l)
{
	static const unsigned fields[] = { 0, 0, 0, 8, 16, 64, 120, 128, 128, 192, 248 };
	struct layout_slot *s = layout_slot(t->memory, l, some_slot(t, l));

	return offset_of(t, s) + fields[dice(t) % (sizeof(fields) / sizeof(fields[0]))];
}

static uint64_t link_place(struct target *t, const struct layout *l)
{
	static const unsigned fields[] = { 0, 0, 0, 8, 64, 128, 192, 192, 192 };
	struct layout_link *c = layout_link(t->memory, l, some_link(t, l));

	return offset_of(t, c) + fields[dice(t) % (sizeof(fields) / sizeof(fields[0]))];
}

static uint64_t ring_place(struct target *t, const struct layout *l)
{
	uint32_t link = some_link(t, l);
	uint64_t ring = offset_of(t, layout_ring(t->memory, l, link));

	switch (dice(t) % 6) {
	case 0:
		return ring;
	case 1:
		return ring + l->ring_size - 8;
	case 2:
		return ring + dice(t) % l->ring_size;
	default:
		return hot_record(t, l, link) + (dice(t) % 4 ? 0 : dice(t) % 5 * 8);
	}
}

static uint64_t some_place(struct target *t, const struct layout *l)
{
	switch (dice(t) % 16) {
	case 0:
		return dice(t) % t->size;
	case 1:
		return dice(t) % t->ruin ? dice(t) % 512 + 256 : dice(t) % 128;
	case 2:
	case 3:
	case 4:
		return slot_place(t, l);
	case 5:
	case 6:
	case 7:
		return link_place(t, l);
	default:
		return ring_place(t, l);
	}
}

/* ---- words ---- */

static uint64_t some_length(struct target *t, const struct layout *l)
{
	switch (dice(t) % 8) {
	case 0:
		return dice(t) % 64;
	case 1:
		return dice(t) % 64 * 8;
	case 2:
		return dice(t) % l->ring_size;
	case 3:
		return l->ring_size - dice(t) % 40;
	case 4:
		return UINT32_MAX - dice(t) % 40;
	case 5:
		return UINT64_C(1) << dice(t) % 33;
	default:
		return dice(t) % 5 * 8;
	}
}

static uint64_t some_header(struct target *t, const struct layout *l)
{
	uint8_t kind = (uint8_t)(RECORD_DATA - 1 + dice(t) % (RECORD_LAST - RECORD_DATA + 3));
	uint8_t flags = (uint8_t)(dice(t) % (dice(t) % 8 ? 8 : 256));
	uint16_t tag = (uint16_t)(dice(t) % (dice(t) % 8 ? 6 : 65536));

	return record_header(kind, flags, tag, (uint32_t)some_length(t, l));
}

static uint64_t some_slot_word(struct target *t, const struct layout *l)
{
	uint64_t w = shm_peek(&layout_slot(t->memory, l, some_slot(t, l))->word);

	switch (dice(t) % 4) {
	case 0:
		return (w & ~UINT64_C(15)) | dice(t) % 5;
	case 1:
		return slot_word(SLOT_LIVE, (uint32_t)(dice(t) % 8), slot_incarnation(w));
	case 2:
		return slot_word(SLOT_LIVE, slot_id(w), slot_incarnation(w) + 1);
	default:
		return w;
	}
}

/* Between peers that are there, in their present incarnations. */
static uint64_t some_link_word(struct target *t, const struct layout *l)
{
	uint32_t from = some_slot(t, l), to = some_slot(t, l);
	uint64_t from_word = shm_peek(&layout_slot(t->memory, l, from)->word);
	uint64_t to_word = shm_peek(&layout_slot(t->memory, l, to)->word);
	uint64_t w = shm_peek(&layout_link(t->memory, l, some_link(t, l))->word);

	switch (dice(t) % 4) {
	case 0:
		return (w & ~UINT64_C(15)) | dice(t) % 5;
	case 1:
		return w;
	default:
		return link_word((enum link_state)(dice(t) % 8 ? LINK_OPEN : dice(t) % 5),
				 from, slot_incarnation(from_word), to,
				 slot_incarnation(to_word));
	}
}

static uint64_t some_word(struct target *t, const struct layout *l, uint64_t old)
{
	switch (dice(t) % 12) {
	case 0:
		return 0;
	case 1:
		return UINT64_MAX;
	case 2:
		return old ^ UINT64_C(1) << dice(t) % 64;
	case 3:
		return old + (dice(t) % 17 - 8) * 8;
	case 4:
		return old + (dice(t) % 2 ? l->ring_size : -l->ring_size);
	case 5:
		return some_slot_word(t, l);
	case 6:
		return some_link_word(t, l);
	case 7:
		return dice(t) % 16;
	case 8:
		return dice(t);
	case 9:
		return shm_peek(word_at(t, some_place(t, l)));
	default:
		return some_header(t, l);
	}
}

/* ---- damages ---- */

static void one_word(struct target *t, const struct layout *l)
{
	shm_u64 *word = word_at(t, some_place(t, l));

	shm_set(word, some_word(t, l, shm_peek(word)));
}

/* A record with a body that its kind would have, and no end behind it or one. */
static void one_record(struct target *t, const struct layout *l)
{
	uint64_t at = hot_record(t, l, some_link(t, l));
	uint64_t words = dice(t) % 5;

	for (uint64_t i = 1; i <= words; i++)
		shm_set(word_at(t, at + 8 * i),
			dice(t) % 2 ? dice(t) % 8 : some_word(t, l, 0));
	if (dice(t) % 2)
		shm_set(word_at(t, at + 8 * (words + 1)), 0);
	shm_release(word_at(t, at), dice(t) % 4 ?
				    (some_header(t, l) & ~UINT64_C(0xffffffff)) | words * 8 :
				    some_header(t, l));
}

/* Equal records up to all of a ring: no end anywhere. */
static void flood(struct target *t, const struct layout *l)
{
	unsigned char *ring = layout_ring(t->memory, l, some_link(t, l));
	uint64_t len = dice(t) % 4 * 8, step = (8 + len) / 8, words = l->ring_size / 8;
	uint64_t header = (some_header(t, l) & ~UINT64_C(0xffffffff)) | len;
	uint64_t body = dice(t) % 2 ? dice(t) % 4 : dice(t);

	for (uint64_t i = 0; i < words; i++)
		shm_set(ring_header(ring, 8 * i), i % step == 0 ? header : body);
}

static void clear(struct target *t, uint64_t at, uint64_t size, uint64_t v)
{
	for (uint64_t i = 0; i < size; i += 8)
		shm_set(word_at(t, at + i), v);
}

static void swap_lines(struct target *t, const struct layout *l)
{
	uint64_t a = some_place(t, l) & ~UINT64_C(63), b = some_place(t, l) & ~UINT64_C(63);

	for (uint64_t i = 0; i < LAYOUT_LINE; i += 8) {
		uint64_t v = shm_peek(word_at(t, a + i));

		shm_set(word_at(t, a + i), shm_peek(word_at(t, b + i)));
		shm_set(word_at(t, b + i), v);
	}
}

static void format_anew(struct target *t)
{
	struct layout_wish wish = {
		.slot_count = (uint32_t)(dice(t) % 3 * 30),
		.ring_size = dice(t) % 3 * 8192,
	};
	struct layout l;

	if (layout_plan(t->size, &wish, &l) == 0)
		layout_format(t->memory, &l, dice(t));
}

static void ruin(struct target *t, const struct layout *l)
{
	switch (dice(t) % 6) {
	case 0:
		clear(t, 0, t->size, 0);
		break;
	case 1:
		clear(t, 0, l->ring_offset, dice(t) % 2 ? 0 : UINT64_MAX);
		break;
	case 2:
		clear(t, 0, LAYOUT_ALIGN, 0);
		break;
	case 3:
		shm_set(word_at(t, dice(t) % 128), some_word(t, l, 0));
		break;
	default:
		format_anew(t);
		break;
	}
}

void scribble(struct target *t)
{
	struct layout l;

	see(t, &l);
	if (dice(t) % t->ruin == 0) {
		ruin(t, &l);
		return;
	}
	switch (dice(t) % 64) {
	case 0:
		flood(t, &l);
		break;
	case 1:
		clear(t, some_place(t, &l) & ~UINT64_C(63), LAYOUT_LINE, 0);
		break;
	case 2:
	case 3:
		swap_lines(t, &l);
		break;
	case 4:
		if (dice(t) % 16 == 0)
			clear(t, offset_of(t, layout_ring(t->memory, &l, some_link(t, &l))),
			      l.ring_size, dice(t) % 2 ? 0 : dice(t));
		break;
	default:
		if (dice(t) % 2)
			one_record(t, &l);
		else
			one_word(t, &l);
		break;
	}
}
