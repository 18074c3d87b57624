/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ring.h - one sender, one receiver, records of any length in shared memory
 *
 * Each side keeps its own position privately and never reads it back; the other
 * side's words are read once and range-checked, so that whatever is in the
 * memory nothing outside the ring is touched.
 *
 * A record's header is its own commit flag: 0 until everything before it in
 * time, the record's bytes and the next header's 0, is in place. The receiver
 * looks at one cache line for a small message, and a sender that dies half-way
 * has published nothing.
 *
 * Positions are 64-bit, in bytes, free running; they never wrap in practice.
 */
#ifndef BELL_RING_H
#define BELL_RING_H

#include "bellring.h"
#include "layout.h"
#include "os.h"

#include <string.h>

struct ring_writer {
	struct layout_link *ctl;
	unsigned char *data;
	uint64_t size;
	uint64_t pos;      /* next record's position */
	uint64_t off;      /* pos modulo size */
	uint64_t consumed; /* the receiver's, as last seen */
};

/* Records that become visible all at once, with the first one's header. */
struct ring_batch {
	uint64_t off;    /* of the first */
	uint64_t header; /* its; 0: the batch is empty */
};

struct ring_reader {
	struct layout_link *ctl;
	unsigned char *data;
	uint64_t size;
	uint64_t pos; /* next record */
	uint64_t off;
	uint64_t freed;   /* the sender may use all before it again */
	uint32_t held;    /* records before pos that are still looked at */
	uint64_t told;    /* freed position of the last look at space_event */
	uint64_t scanned; /* records before it were seen by ring_scan() */
	uint64_t scan_off;
};

/* A record in place. Bytes that cross the ring's end are in two pieces. */
struct ring_record {
	uint32_t len;
	uint16_t tag;
	uint8_t flags;
	uint8_t kind;
	uint64_t pos;
	const unsigned char *piece[2];
	uint32_t piece_len[2];
};

static inline uint64_t record_header(uint8_t kind, uint8_t flags, uint16_t tag,
				     uint32_t len)
{
	return (uint64_t)kind << 56 | (uint64_t)flags << 48 |
	       (uint64_t)tag << 32 | len;
}

static inline uint64_t record_size(uint64_t len)
{
	return RECORD_HEADER + (len + RECORD_ALIGN - 1) / RECORD_ALIGN * RECORD_ALIGN;
}

/* Largest record: one header stays free behind it, for the next. */
static inline uint64_t ring_max_message(uint64_t ring_size)
{
	return ring_size - 2 * RECORD_HEADER;
}

/* event lies in [from, to): what passed it has to wake its owner. */
static inline bool ring_crossed(uint64_t event, uint64_t from, uint64_t to)
{
	return event - from < to - from;
}

#define RING_LONG 2048u /* bytes for which the CPU's own way to copy counts */
#define RING_AHEAD 1024u /* bytes from a record to what the sender asks for */
#define RING_NO_EVENT UINT64_MAX /* crossed by nothing */

/* Sets the shared words of a link whose ring starts empty: armed at 0. */
void ring_reset(struct layout_link *ctl, unsigned char *data);
void ring_writer_init(struct ring_writer *w, struct layout_link *ctl,
		      unsigned char *data, uint64_t size);
void ring_reader_init(struct ring_reader *r, struct layout_link *ctl,
		      unsigned char *data, uint64_t size);

/*
 * The path of every message, inline: a call for each step would cost as much as
 * the steps.
 */

/* The header word at an offset; offsets of records are multiples of 8. */
static inline shm_u64 *ring_header(unsigned char *data, uint64_t off)
{
	return (shm_u64 *)(void *)(data + off);
}

static inline uint64_t ring_advance(uint64_t off, uint64_t by, uint64_t size)
{
	off += by;
	return off >= size ? off - size : off;
}

/* Bytes needed for a record and the next header behind it. */
static inline uint64_t ring_room(uint32_t len)
{
	return record_size(len) + RECORD_HEADER;
}

static inline uint64_t ring_free(const struct ring_writer *w)
{
	return w->size - (w->pos - w->consumed);
}

/* 1: so many bytes are free now; 0: not; -BELL_ECORRUPT. */
static inline int ring_has_bytes(struct ring_writer *w, uint64_t bytes)
{
	uint64_t consumed;

	if (ring_free(w) >= bytes)
		return 1;
	/* C: pairs with D in ring_publish_freed(); those bytes are read. */
	consumed = shm_acquire(&w->ctl->consumed);
	if (consumed - w->consumed > w->pos - w->consumed ||
	    consumed % RECORD_ALIGN)
		return -BELL_ECORRUPT;
	w->consumed = consumed;
	return ring_free(w) >= bytes;
}

/* The same for a record of len bytes. */
static inline int ring_has_space(struct ring_writer *w, uint32_t len)
{
	return ring_has_bytes(w, ring_room(len));
}

static inline void ring_copy_long(void *restrict to, const void *restrict from,
				  size_t len)
{
	if (len < RING_LONG)
		memcpy(to, from, len);
	else
		os_copy(to, from, len);
}

/*
 * memcpy() for messages that are shorter than a call of it is long, RING_SHORT bytes at
 * most: two moves of a fixed size, which may overlap.
 */
#define RING_SHORT 64u
static ALWAYS_INLINE void ring_copy_short(void *restrict to, const void *restrict from,
					  size_t len)
{
	unsigned char *t = to;
	const unsigned char *f = from;

	if (len > 32) {
		memcpy(t, f, 32);
		memcpy(t + len - 32, f + len - 32, 32);
	} else if (len >= 16) {
		memcpy(t, f, 16);
		memcpy(t + len - 16, f + len - 16, 16);
	} else if (len >= 8) {
		memcpy(t, f, 8);
		memcpy(t + len - 8, f + len - 8, 8);
	} else if (len >= 4) {
		memcpy(t, f, 4);
		memcpy(t + len - 4, f + len - 4, 4);
	} else if (len > 0) {
		t[0] = f[0];
		t[len / 2] = f[len / 2];
		t[len - 1] = f[len - 1];
	}
}

static ALWAYS_INLINE void ring_copy(void *restrict to, const void *restrict from, size_t len)
{
	if (len > RING_SHORT)
		ring_copy_long(to, from, len);
	else
		ring_copy_short(to, from, len);
}

static inline void ring_copy_in(struct ring_writer *w, uint64_t off, const void *data,
		    uint32_t len)
{
	size_t first = (size_t)(w->size - off);

	if (len == 0)
		return;
	if (len <= first) {
		ring_copy_long(w->data + off, data, len);
		return;
	}
	ring_copy_long(w->data + off, data, first);
	ring_copy_long(w->data, (const unsigned char *)data + first, len - first);
}

/*
 * Copies a record in and commits it. 0, -BELL_EAGAIN (no space now), or
 * -BELL_ECORRUPT. The caller checked len against ring_max_message().
 */
static inline int ring_write(struct ring_writer *w, uint64_t header, const void *data,
	       uint32_t len)
{
	uint64_t size = record_size(len), off = w->off;
	int rc = ring_has_space(w, len);

	if (rc <= 0)
		return rc < 0 ? rc : -BELL_EAGAIN;
	ring_copy_in(w, ring_advance(off, RECORD_HEADER, w->size), data, len);
	w->off = ring_advance(off, size, w->size);
	w->pos += size;
	shm_set(ring_header(w->data, w->off), 0);
	/* E: pairs with F in ring_read(); the record and the 0 behind it. */
	shm_release(ring_header(w->data, off), header);
	return 0;
}

/*
 * Copies in a record where that needs no care: it and the next header do not cross
 * the ring's end, and there is space that was seen already. Not committed. False, and
 * nothing done: ring_write() knows better.
 */
static ALWAYS_INLINE bool ring_put_straight(struct ring_writer *w, const void *data,
					    uint32_t len)
{
	uint64_t size = record_size(len), off = w->off, next = off + size;
	uint64_t pos = w->pos + size;
	unsigned char *ring = w->data;

	if (next >= w->size || pos + RECORD_HEADER - w->consumed > w->size)
		return false;
	/* The receiver read those lines one round ago: ask for them in time. */
	cpu_prefetch_write(ring + next + RING_AHEAD);
	cpu_prefetch_write(ring + next + RING_AHEAD + LAYOUT_LINE);
	ring_copy(ring + off + RECORD_HEADER, data, len);
	w->off = next;
	w->pos = pos;
	shm_set(ring_header(ring, next), 0);
	return true;
}

/* As ring_write(), or false as ring_put_straight(). */
static ALWAYS_INLINE bool ring_write_straight(struct ring_writer *w, uint64_t header,
					      const void *data, uint32_t len)
{
	shm_u64 *at = ring_header(w->data, w->off);

	if (!ring_put_straight(w, data, len))
		return false;
	/* E: pairs with F in ring_read(); the record and the 0 behind it. */
	shm_release(at, header);
	return true;
}

/* The same into a batch. */
static ALWAYS_INLINE bool ring_add_straight(struct ring_writer *w, uint64_t header,
					    const void *data, uint32_t len,
					    struct ring_batch *batch)
{
	uint64_t off = w->off;

	if (!ring_put_straight(w, data, len))
		return false;
	if (batch->header == 0)
		*batch = (struct ring_batch){ off, header };
	else /* behind a header that is still 0: nobody looks at it yet */
		shm_set(ring_header(w->data, off), header);
	return true;
}

/*
 * Copies in a record of several parts, and commits it unless it goes into a
 * batch. As ring_write().
 */
int ring_write_parts(struct ring_writer *w, uint64_t header,
		     const struct bell_part *parts, size_t count, uint32_t len,
		     struct ring_batch *batch);
/* Commits what is in the batch, and empties it. */
void ring_commit_batch(struct ring_writer *w, struct ring_batch *batch);

/*
 * Room for a record of len bytes in one piece: *off gets its header's offset, *at
 * its first byte. Committed by ring_commit_at(). Pads to the ring's end if it
 * must. 1, 0 (no space now) or -BELL_ECORRUPT.
 */
int ring_reserve(struct ring_writer *w, uint32_t len, uint64_t *off, void **at);
/* Bytes that ring_reserve() of len needs now, as those of a record of so many. */
uint32_t ring_reserve_len(const struct ring_writer *w, uint32_t len);
/* Commits len bytes of a record for which room bytes were reserved at off. */
void ring_commit_at(struct ring_writer *w, uint64_t off, uint32_t room,
		    uint64_t header, uint32_t len);
/* Largest record for which ring_reserve() finds room in an empty ring. */
static inline uint64_t ring_max_piece(uint64_t ring_size)
{
	return ring_size / 2 - 2 * RECORD_HEADER;
}

/* After ring_write() moved from position before: must the receiver be woken? */
static inline bool ring_data_wanted(const struct ring_writer *w, uint64_t before)
{
	/* For good, so that an early look is as right as a late one. */
	if (shm_peek(&w->ctl->data_event) == RING_NO_EVENT)
		return false;
	/*
	 * Invariant: the sender sees the event, or the receiver sees the
	 * header. Relaxed: the fence orders it.
	 */
	shm_fence_writer(); /* F1: pairs with F2 in ring_arm() */
	return ring_crossed(shm_peek(&w->ctl->data_event), before, w->pos);
}

static inline int ring_read(const struct ring_reader *r, uint64_t pos, uint64_t off,
		       struct ring_record *rec)
{
	/* F: pairs with E in ring_write(). Read once: the sender may scribble. */
	uint64_t h = shm_acquire(ring_header(r->data, off));
	uint64_t at, first;

	if (h == 0)
		return 0;
	rec->len = (uint32_t)h;
	rec->tag = (uint16_t)(h >> 32);
	rec->flags = (uint8_t)(h >> 48);
	rec->kind = (uint8_t)(h >> 56);
	rec->pos = pos;
	if (rec->kind < RECORD_DATA || rec->kind > RECORD_LAST ||
	    rec->len > ring_max_message(r->size))
		return -BELL_ECORRUPT;
	at = ring_advance(off, RECORD_HEADER, r->size);
	first = r->size - at;
	rec->piece[0] = r->data + at;
	rec->piece[1] = r->data;
	rec->piece_len[0] = rec->len <= first ? rec->len : (uint32_t)first;
	rec->piece_len[1] = rec->len - rec->piece_len[0];
	return 1;
}

/* Goes on to the record at that position. */
static inline void ring_step(struct ring_reader *r, uint64_t pos, uint64_t off)
{
	r->pos = pos;
	r->off = off;
	if (r->scanned < pos) {
		r->scanned = pos;
		r->scan_off = off;
	}
}

/* Goes on behind the record, from ring_peek(), which is not given back yet. */
static inline void ring_pass(struct ring_reader *r, const struct ring_record *rec)
{
	uint64_t size = record_size(rec->len);

	ring_step(r, r->pos + size, ring_advance(r->off, size, r->size));
}

/* All before that position is the sender's again. */
static inline void ring_publish_freed(struct ring_reader *r, uint64_t pos)
{
	r->freed = pos;
	/* D: pairs with C in ring_has_bytes(); our reads come before. */
	shm_release(&r->ctl->consumed, pos);
}

/* Gives the record back; if older ones are held, together with them. */
static inline void ring_release(struct ring_reader *r, const struct ring_record *rec)
{
	ring_pass(r, rec);
	if (r->held == 0)
		ring_publish_freed(r, r->pos);
}

/* 1: the oldest record is in rec; 0: none; -BELL_ECORRUPT. */
static inline int ring_peek(struct ring_reader *r, struct ring_record *rec)
{
	int rc = ring_read(r, r->pos, r->off, rec);

	/* A scan saw a record here: a header does not become 0 again. */
	if (rc == 0 && r->scanned > r->pos)
		return -BELL_ECORRUPT;
	/* More than a ring of records not given back: the sender went round us. */
	if (rc == 1 && r->held > 0 &&
	    r->pos + record_size(rec->len) - r->freed > r->size)
		return -BELL_ECORRUPT;
	return rc;
}

/* The header of the next record, or 0. Read once: the sender may scribble. */
static ALWAYS_INLINE uint64_t ring_next_header(const struct ring_reader *r)
{
	/* F: pairs with E in ring_write(). */
	return shm_acquire(ring_header(r->data, r->off));
}

/*
 * Takes the message with that header where it needs no care: RECORD_DATA of at most
 * room bytes that does not cross the ring's end, none before it held. Copies it to
 * buf; it is not given back yet. False, and nothing done: ring_peek() knows better.
 * is_short, a constant: the caller knows that it is, and there is no call of memcpy(),
 * for which registers had to be saved.
 */
static ALWAYS_INLINE bool ring_pull_straight(struct ring_reader *r, uint64_t header,
					     void *buf, size_t room, bool is_short)
{
	uint64_t off = r->off, pos = r->pos, size = record_size((uint32_t)header);
	const unsigned char *ring = r->data;
	uint64_t next = off + size;

	/* What ends before the ring's end is no longer than the longest message. */
	if (header >> 56 != RECORD_DATA || next >= r->size || (uint32_t)header > room ||
	    r->held > 0)
		return false;
	if (is_short)
		ring_copy_short(buf, ring + off + RECORD_HEADER, (uint32_t)header);
	else
		ring_copy(buf, ring + off + RECORD_HEADER, (uint32_t)header);
	ring_step(r, pos + size, next);
	return true;
}

/* The same, and gives it back. */
static ALWAYS_INLINE bool ring_take_straight(struct ring_reader *r, uint64_t header,
					     void *buf, size_t room, bool is_short)
{
	if (!ring_pull_straight(r, header, buf, room, is_short))
		return false;
	ring_publish_freed(r, r->pos);
	return true;
}

/* Is there a record at the end of what was scanned or read? One load. */
static inline bool ring_has_data(const struct ring_reader *r)
{
	return shm_peek(ring_header(r->data, r->scan_off)) != 0;
}

/*
 * Asks to be woken when a useful amount is free: half the ring, or what len
 * bytes need if that is more. Returns as ring_has_space(), looked at after the
 * wish was stored: only 0 may sleep.
 */
int ring_want_space(struct ring_writer *w, uint32_t len);

/* So much was released since the sender's wish was looked at that it is due. */
static inline bool ring_space_due(const struct ring_reader *r)
{
	return r->freed - r->told >= r->size / 8;
}

/* Looks at the sender's wish: true if it has to be woken. */
bool ring_space_wanted(struct ring_reader *r);

/*
 * Asks to be woken for the record at the end of what was scanned or read.
 * Returns true if it is there already: then do not sleep.
 */
bool ring_arm(struct ring_reader *r);

/* Tells the sender that the reader never sleeps; ring_arm() is not called any more. */
void ring_poll_for_good(struct ring_reader *r);

/*
 * Like ring_peek(), for the next record not seen by a scan; it stays queued.
 */
int ring_scan(struct ring_reader *r, struct ring_record *rec);

/* Copies len bytes of rec, from byte at, to buf. The bounds are the caller's. */
void ring_copy_out(const struct ring_record *rec, uint32_t at, void *buf,
		   uint32_t len);

#endif
