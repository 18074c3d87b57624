/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fuzz-steward.c - any memory: sweep it, look at its header, take it over
 *
 * Input: a byte of wishes, a byte that says which ids are there, then the memory:
 * bytes as they are behind a real header, or (WORDS) words for slots and links
 * that are nearly right. With SCRIBBLE more of them are written while the sweep
 * runs, whenever it asks or rings; without, all that it changed is judged.
 */
#include "hostile.h"
#include "steward.h"
#include "steward-judge.h"

#include <string.h>

#define SIZE LAYOUT_MIN_REGION

#define WORDS 1u
#define SCRIBBLE 2u
#define HEADER 4u    /* the input writes the header, too */
#define FORMATTER 8u /* one that does not go on */

static struct {
	struct input in;
	uint8_t *memory;
	struct layout l;
	uint8_t there;
	bool scribble;
} now;

/* Few ids, slots and incarnations, so that they meet. */
static void write_word(void)
{
	uint8_t where = input_u8(&now.in), a = input_u8(&now.in), b = input_u8(&now.in);
	uint64_t slot = slot_word(a & 7, a >> 3 & 7, a >> 6);
	uint64_t link = link_word(a & 7, a >> 3 & 7, a >> 6, b & 7, b >> 3 & 3);

	/* Also what no peer writes. */
	if (b & 128)
		link |= input_u64(&now.in);
	if (b & 64)
		slot |= input_u64(&now.in);
	if (where & 1)
		shm_set(&layout_slot(now.memory, &now.l, where / 2 % 8)->word, slot);
	else
		shm_set(&layout_link(now.memory, &now.l, where / 2 % 8)->word, link);
}

/* A word anywhere, at times in the header. */
static void scribble(void)
{
	uint8_t how = input_u8(&now.in);

	if (how & 1)
		write_word();
	else if (how & 2)
		shm_set(&layout_hdr(now.memory)->session, how >> 2);
}

static bool is_there(void *arg, uint32_t id)
{
	(void)arg;
	always(id <= UINT16_MAX);
	if (now.scribble)
		scribble();
	return now.there >> id % 8 & 1;
}

static void on_ring(void *arg, uint32_t id, unsigned vector)
{
	(void)arg;
	always(id <= UINT16_MAX && vector <= BELL_VECTOR_MAX);
	if (now.scribble)
		scribble();
}

static void fill(uint8_t wishes)
{
	size_t from = wishes & HEADER ? 0 : sizeof(struct layout_header);

	always(layout_plan(SIZE, NULL, &now.l) == 0);
	layout_format(now.memory, &now.l, 1);
	now.l.session = 1;
	if (wishes & WORDS)
		for (int i = input_u8(&now.in) % 64; i > 0; i--)
			write_word();
	else
		(void)input_bytes(&now.in, now.memory + from, SIZE - from);
}

static void sweep_twice(const struct layout *l)
{
	static uint8_t before[SIZE];
	struct steward_report first, again;
	const char *wrong;

	memcpy(before, now.memory, SIZE);
	steward_sweep(now.memory, l, is_there, on_ring, NULL, &first);
	always(first.marked <= l->slot_count);
	always(first.freed + first.mended <= l->link_count);
	if (now.scribble)
		return;
	wrong = steward_judge(before, now.memory, SIZE, l, is_there, NULL);
	if (wrong)
		always_failed(wrong, __FILE__, __LINE__);
	steward_sweep(now.memory, l, is_there, on_ring, NULL, &again);
	always(again.marked == 0 && again.freed == 0 && again.mended == 0);
}

/* Never a header that it does not know to be abandoned. */
static void look(void)
{
	struct steward_watch watch = { .session = 1 };
	struct layout l, plan;
	enum steward_header first, second;

	always(layout_plan(SIZE, NULL, &plan) == 0);
	first = steward_look(now.memory, SIZE, &watch, 1, &l);
	second = steward_look(now.memory, SIZE, &watch, 1 + STEWARD_PATIENCE_NS, &l);
	always(second == (first == STEWARD_OTHER ? STEWARD_SAME :
			  first == STEWARD_BUSY ? STEWARD_STUCK : first));
	if (second != STEWARD_STUCK)
		return;
	always(steward_take_over(now.memory, &plan, &watch));
	always(!steward_take_over(now.memory, &plan, &watch));
	always(layout_read(now.memory, SIZE, &l) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct layout l;
	uint8_t wishes;

	now.in = (struct input){ data, size };
	now.memory = fenced_memory(SIZE);
	wishes = input_u8(&now.in);
	now.there = input_u8(&now.in);
	now.scribble = wishes & SCRIBBLE;
	fill(wishes);
	if (layout_read(now.memory, SIZE, &l) == 0)
		sweep_twice(&l);
	if (wishes & FORMATTER) {
		shm_set(&layout_hdr(now.memory)->magic, input_u8(&now.in) & 1);
		shm_set(&layout_hdr(now.memory)->format_word, FORMAT_BUSY | 5);
	}
	look();
	return 0;
}
