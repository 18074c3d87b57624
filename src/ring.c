/* SPDX-License-Identifier: BSD-2-Clause */
#include "ring.h"

#include "bellring.h"

#include <string.h>

/* The header word at an offset; offsets of records are multiples of 8. */
static shm_u64 *header_at(unsigned char *data, uint64_t off)
{
	return (shm_u64 *)(void *)(data + off);
}

static uint64_t advance(uint64_t off, uint64_t by, uint64_t size)
{
	off += by;
	return off >= size ? off - size : off;
}

void ring_reset(struct layout_link *ctl, unsigned char *data)
{
	shm_set(header_at(data, 0), 0);
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

/* Bytes needed for a record and the next header behind it. */
static uint64_t room_for(uint32_t len)
{
	return record_size(len) + RECORD_HEADER;
}

static uint64_t free_bytes(const struct ring_writer *w)
{
	return w->size - (w->pos - w->consumed);
}

int ring_has_space(struct ring_writer *w, uint32_t len)
{
	uint64_t consumed;

	if (free_bytes(w) >= room_for(len))
		return 1;
	/* C: pairs with D in ring_release(); those bytes are read. */
	consumed = shm_acquire(&w->ctl->consumed);
	if (consumed - w->consumed > w->pos - w->consumed ||
	    consumed % RECORD_ALIGN)
		return -BELL_ECORRUPT;
	w->consumed = consumed;
	return free_bytes(w) >= room_for(len);
}

static void copy_in(struct ring_writer *w, uint64_t off, const void *data,
		    uint32_t len)
{
	uint64_t first = w->size - off;

	if (len == 0)
		return;
	if (len <= first) {
		memcpy(w->data + off, data, len);
		return;
	}
	memcpy(w->data + off, data, first);
	memcpy(w->data, (const unsigned char *)data + first, len - first);
}

int ring_write(struct ring_writer *w, uint64_t header, const void *data,
	       uint32_t len)
{
	uint64_t size = record_size(len), off = w->off;
	int rc = ring_has_space(w, len);

	if (rc <= 0)
		return rc < 0 ? rc : -BELL_EAGAIN;
	copy_in(w, advance(off, RECORD_HEADER, w->size), data, len);
	w->off = advance(off, size, w->size);
	w->pos += size;
	shm_set(header_at(w->data, w->off), 0);
	/* E: pairs with F in read_record(); the record and the 0 behind it. */
	shm_release(header_at(w->data, off), header);
	return 0;
}

bool ring_data_wanted(const struct ring_writer *w, uint64_t before)
{
	/*
	 * Invariant: the sender sees the event, or the receiver sees the
	 * header. Relaxed: the fence orders it.
	 */
	shm_fence_writer(); /* F1: pairs with F2 in ring_arm() */
	return ring_crossed(shm_peek(&w->ctl->data_event), before, w->pos);
}

int ring_want_space(struct ring_writer *w, uint32_t len)
{
	uint64_t want = room_for(len), used = w->pos - w->consumed;

	if (want < w->size / 2)
		want = w->size / 2;
	/* Free bytes reach want when consumed reaches pos - (size - want). */
	if (used > w->size - want)
		shm_set(&w->ctl->space_event, w->pos - (w->size - want) - 1);
	shm_fence_sleeper(); /* F3: pairs with F4 in ring_space_wanted() */
	return ring_has_space(w, len);
}

static int read_record(const struct ring_reader *r, uint64_t pos, uint64_t off,
		       struct ring_record *rec)
{
	/* F: pairs with E in ring_write(). Read once: the sender may scribble. */
	uint64_t h = shm_acquire(header_at(r->data, off));
	uint64_t at, first;

	if (h == 0)
		return 0;
	rec->len = (uint32_t)h;
	rec->tag = (uint16_t)(h >> 32);
	rec->flags = (uint8_t)(h >> 48);
	rec->kind = (uint8_t)(h >> 56);
	rec->pos = pos;
	if (rec->kind < RECORD_DATA || rec->kind > RECORD_PAD ||
	    rec->len > ring_max_message(r->size))
		return -BELL_ECORRUPT;
	if (rec->kind == RECORD_PAD && off + record_size(rec->len) != r->size)
		return -BELL_ECORRUPT;
	at = advance(off, RECORD_HEADER, r->size);
	first = r->size - at;
	rec->piece[0] = r->data + at;
	rec->piece[1] = r->data;
	rec->piece_len[0] = rec->len <= first ? rec->len : (uint32_t)first;
	rec->piece_len[1] = rec->len - rec->piece_len[0];
	return 1;
}

int ring_peek(struct ring_reader *r, struct ring_record *rec)
{
	int rc;

	/* At most one padding, at the ring's end: after it the offset is 0. */
	while ((rc = read_record(r, r->pos, r->off, rec)) == 1 &&
	       rec->kind == RECORD_PAD)
		ring_release(r, rec);
	/* A scan saw a record here: a header does not become 0 again. */
	if (rc == 0 && r->scanned > r->pos)
		return -BELL_ECORRUPT;
	return rc;
}

void ring_release(struct ring_reader *r, const struct ring_record *rec)
{
	uint64_t size = record_size(rec->len);

	r->pos += size;
	r->off = advance(r->off, size, r->size);
	if (r->scanned < r->pos) {
		r->scanned = r->pos;
		r->scan_off = r->off;
	}
	/* D: pairs with C in ring_has_space(); our reads come before. */
	shm_release(&r->ctl->consumed, r->pos);
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

bool ring_has_data(const struct ring_reader *r)
{
	return shm_peek(header_at(r->data, r->scan_off)) != 0;
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
	int rc = read_record(r, r->scanned, r->scan_off, rec);

	if (rc != 1)
		return rc;
	size = record_size(rec->len);
	/* More than a ring of records not released: the sender went round us. */
	if (r->scanned + size - r->pos > r->size)
		return -BELL_ECORRUPT;
	r->scanned += size;
	r->scan_off = advance(r->scan_off, size, r->size);
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
