/* SPDX-License-Identifier: BSD-2-Clause */
/* The rules once more, in words of its own: nothing of src/ends.c is used. */
#include "steward-judge.h"

#include <string.h>

struct judge {
	const unsigned char *before, *after;
	const struct layout *l;
	steward_there_fn *there;
	void *arg;
	bool marked;
};

static uint64_t word_at(const unsigned char *memory, size_t at)
{
	uint64_t w;

	memcpy(&w, memory + at, sizeof(w));
	return w;
}

static size_t slot_at(const struct layout *l, uint32_t i)
{
	return l->slot_offset + i * sizeof(struct layout_slot);
}

static bool is_up(uint64_t w)
{
	return (w & 15) == SLOT_JOINING || (w & 15) == SLOT_LIVE;
}

static uint64_t fair_slot(const struct judge *j, uint64_t w)
{
	return is_up(w) && !j->there(j->arg, w >> 12 & 0xffff) ?
		       (w & UINT64_C(0xfffffffffff0)) | SLOT_DEAD : w;
}

static bool end_lives(const struct judge *j, uint64_t slot, uint64_t incarnation)
{
	uint64_t w;

	if (slot >= j->l->slot_count)
		return false;
	w = fair_slot(j, word_at(j->before, slot_at(j->l, (uint32_t)slot)));
	return is_up(w) && (w >> 28 & 0xfffff) == incarnation;
}

static uint64_t fair_link(const struct judge *j, uint64_t w)
{
	uint64_t from = w >> 4 & 0x3ff, to = w >> 14 & 0x3ff;

	if ((w & 15) == LINK_FREE)
		return 0;
	if (end_lives(j, from, w >> 24 & 0xfffff))
		return w;
	if ((w & 15) == LINK_OPEN && from < j->l->slot_count &&
	    end_lives(j, to, w >> 44))
		return w;
	return 0;
}

/* What the word of 8 bytes at that place should have become. */
static uint64_t fair(const struct judge *j, size_t at)
{
	uint64_t w = word_at(j->before, at);
	size_t slots = slot_at(j->l, 0), links = j->l->link_offset, in;

	if (at >= slots && at < slot_at(j->l, j->l->slot_count)) {
		in = (at - slots) % sizeof(struct layout_slot);
		if (in == 0)
			return fair_slot(j, w);
		if (in == offsetof(struct layout_slot, wake) && j->marked &&
		    (word_at(j->after, at - in) & 15) == SLOT_LIVE)
			return w | WAKE_DIRECTORY;
	} else if (at >= links && (at - links) / sizeof(struct layout_link) <
					  j->l->link_count) {
		if ((at - links) % sizeof(struct layout_link) == 0)
			return fair_link(j, w);
	}
	return w;
}

static const char *what_is(const struct layout *l, size_t at)
{
	if (at < l->slot_offset)
		return "the header is not as it should be";
	if (at < l->link_offset)
		return "a slot is not as it should be";
	if (at < l->ring_offset)
		return "a link is not as it should be";
	return "a ring, or what is behind them, was changed";
}

const char *steward_judge(const void *before, const void *after, size_t size,
			  const struct layout *l, steward_there_fn *there, void *arg)
{
	struct judge j = { before, after, l, there, arg, false };

	for (uint32_t i = 0; i < l->slot_count && !j.marked; i++) {
		uint64_t w = word_at(before, slot_at(l, i));

		j.marked = fair_slot(&j, w) != w;
	}
	for (size_t at = 0; at + sizeof(uint64_t) <= size; at += sizeof(uint64_t))
		if (word_at(after, at) != fair(&j, at))
			return what_is(l, at);
	return NULL;
}
