/* SPDX-License-Identifier: BSD-2-Clause */
#include "ring.h"

#include "bellring.h"

#include <string.h>

void ring_reset(struct layout_link *ctl, unsigned char *data)
{
	shm_set(ring_header(data, 0), 0);
	shm_set(&ctl->consumed, 0);
	shm_set(&ctl->space_event, RING_NO_EVENT);
	shm_set(&ctl->data_event, 0);
}

void ring_writer_init(struct ring_writer *w, struct layout_link *ctl,
		      unsigned char *data, uint64_t size)
{
	*w = (struct ring_writer){ .ctl = ctl, .data = data, .size = size };
}

void ring_reader_init(struct ring_reader *r, struct layout_link *ctl,
		      unsigned char *data, uint64_t size)
{
	*r = (struct ring_reader){ .ctl = ctl, .data = data, .size = size };
}

int ring_want_space(struct ring_writer *w, uint32_t len)
{
	uint64_t want = ring_room(len), used = w->pos - w->consumed;

	if (want < w->size / 2)
		want = w->size / 2;
	/* Free bytes reach want when consumed reaches pos - (size - want). */
	if (used > w->size - want)
		shm_set(&w->ctl->space_event, w->pos - (w->size - want) - 1);
	shm_fence_sleeper(); /* F3: pairs with F4 in ring_space_wanted() */
	return ring_has_space(w, len);
}

bool ring_space_wanted(struct ring_reader *r)
{
	uint64_t before = r->told;

	if (before == r->pos)
		return false;
	r->told = r->pos;
	/* Invariant: we see the sender's wish, or it sees our position. */
	shm_fence_writer(); /* F4: pairs with F3 in ring_want_space() */
	return ring_crossed(shm_peek(&r->ctl->space_event), before, r->pos);
}

bool ring_arm(struct ring_reader *r)
{
	shm_set(&r->ctl->data_event, r->scanned);
	shm_fence_sleeper(); /* F2: pairs with F1 in ring_data_wanted() */
	return ring_has_data(r);
}

int ring_scan(struct ring_reader *r, struct ring_record *rec)
{
	uint64_t size;
	int rc = ring_read(r, r->scanned, r->scan_off, rec);

	if (rc != 1)
		return rc;
	size = record_size(rec->len);
	/* More than a ring of records not released: the sender went round us. */
	if (r->scanned + size - r->pos > r->size)
		return -BELL_ECORRUPT;
	r->scanned += size;
	r->scan_off = ring_advance(r->scan_off, size, r->size);
	return 1;
}

void ring_copy_out(const struct ring_record *rec, uint32_t at, void *buf,
		   uint32_t len)
{
	uint32_t first = 0;

	if (at < rec->piece_len[0]) {
		first = rec->piece_len[0] - at;
		if (first > len)
			first = len;
		memcpy(buf, rec->piece[0] + at, first);
		at = 0;
	} else {
		at -= rec->piece_len[0];
	}
	if (len > first)
		memcpy((unsigned char *)buf + first, rec->piece[1] + at, len - first);
}
