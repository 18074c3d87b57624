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

/* As ring_copy_in(), from at bytes behind off on. */
static void copy_part(struct ring_writer *w, uint64_t off, uint64_t at,
		      const struct bell_part *part)
{
	ring_copy_in(w, ring_advance(off, at, w->size), part->data,
		     (uint32_t)part->len);
}

int ring_write_parts(struct ring_writer *w, uint64_t header,
		     const struct bell_part *parts, size_t count, uint32_t len,
		     struct ring_batch *batch)
{
	uint64_t size = record_size(len), off = w->off, at = RECORD_HEADER;
	int rc = ring_has_space(w, len);

	if (rc <= 0)
		return rc < 0 ? rc : -BELL_EAGAIN;
	for (size_t i = 0; i < count; i++) {
		copy_part(w, off, at, &parts[i]);
		at += parts[i].len;
	}
	w->off = ring_advance(off, size, w->size);
	w->pos += size;
	shm_set(ring_header(w->data, w->off), 0);
	if (!batch) {
		/* E: pairs with F in ring_read(). */
		shm_release(ring_header(w->data, off), header);
	} else if (batch->header == 0) {
		*batch = (struct ring_batch){ off, header };
	} else {
		/* Behind a header that is still 0: nobody looks at it yet. */
		shm_set(ring_header(w->data, off), header);
	}
	return 0;
}

void ring_commit_batch(struct ring_writer *w, struct ring_batch *batch)
{
	if (batch->header != 0)
		/* E: pairs with F in ring_read(); all of the batch comes before. */
		shm_release(ring_header(w->data, batch->off), batch->header);
	batch->header = 0;
}

/* Bytes to leave out so that len bytes behind a header at off are in one piece. */
static uint64_t padding(const struct ring_writer *w, uint64_t off, uint32_t len)
{
	uint64_t at = ring_advance(off, RECORD_HEADER, w->size);

	return at + len <= w->size ? 0 : w->size - off;
}

uint32_t ring_reserve_len(const struct ring_writer *w, uint32_t len)
{
	return len + (uint32_t)padding(w, w->off, len);
}

/*
 * The receiver read those lines one round ago, and a program writes them word by word.
 * No more than what a core's own cache holds until it does, and may not use in the end.
 */
#define CLAIM_LEAST RING_LONG
#define CLAIM_MOST 65536u

static void claim(void *at, uint32_t len)
{
	if (len >= CLAIM_LEAST)
		os_claim(at, len < CLAIM_MOST ? len : CLAIM_MOST);
}

int ring_reserve(struct ring_writer *w, uint32_t len, uint64_t *off, void **at)
{
	uint64_t pad = padding(w, w->off, len);
	int rc = ring_has_bytes(w, pad + ring_room(len));

	if (rc <= 0)
		return rc;
	if (pad > 0) {
		shm_set(ring_header(w->data, 0), 0);
		/* E: the padding, once all before it is committed. */
		shm_release(ring_header(w->data, w->off),
			    record_header(RECORD_PAD, 0, 0,
					  (uint32_t)(pad - RECORD_HEADER)));
		w->pos += pad;
		w->off = 0;
	}
	*off = w->off;
	*at = w->data + ring_advance(w->off, RECORD_HEADER, w->size);
	w->off = ring_advance(w->off, record_size(len), w->size);
	w->pos += record_size(len);
	shm_set(ring_header(w->data, w->off), 0);
	claim(*at, len);
	return 1;
}

void ring_commit_at(struct ring_writer *w, uint64_t off, uint32_t room,
		    uint64_t header, uint32_t len)
{
	uint64_t used = record_size(len), rest = record_size(room) - used;

	/* What was not used is padding, which nobody sees before the record. */
	if (rest > 0)
		shm_set(ring_header(w->data, ring_advance(off, used, w->size)),
			record_header(RECORD_PAD, 0, 0,
				      (uint32_t)(rest - RECORD_HEADER)));
	/* E: pairs with F in ring_read(). */
	shm_release(ring_header(w->data, off), header);
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

	if (before == r->freed)
		return false;
	r->told = r->freed;
	/* Invariant: we see the sender's wish, or it sees our position. */
	shm_fence_writer(); /* F4: pairs with F3 in ring_want_space() */
	return ring_crossed(shm_peek(&r->ctl->space_event), before, r->freed);
}

bool ring_arm(struct ring_reader *r)
{
	shm_set(&r->ctl->data_event, r->scanned);
	shm_fence_sleeper(); /* F2: pairs with F1 in ring_data_wanted() */
	return ring_has_data(r);
}

void ring_poll_for_good(struct ring_reader *r)
{
	shm_set(&r->ctl->data_event, RING_NO_EVENT);
}

int ring_scan(struct ring_reader *r, struct ring_record *rec)
{
	uint64_t size;
	int rc = ring_read(r, r->scanned, r->scan_off, rec);

	if (rc != 1)
		return rc;
	size = record_size(rec->len);
	/* More than a ring of records not given back: the sender went round us. */
	if (r->scanned + size - r->freed > r->size)
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
		ring_copy_long(buf, rec->piece[0] + at, first);
		at = 0;
	} else {
		at -= rec->piece_len[0];
	}
	if (len > first)
		ring_copy_long((unsigned char *)buf + first, rec->piece[1] + at,
			       len - first);
}
