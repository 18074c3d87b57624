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

#include "layout.h"

struct ring_writer {
	struct layout_link *ctl;
	unsigned char *data;
	uint64_t size;
	uint64_t pos;      /* next record's position */
	uint64_t off;      /* pos modulo size */
	uint64_t consumed; /* the receiver's, as last seen */
};

struct ring_reader {
	struct layout_link *ctl;
	unsigned char *data;
	uint64_t size;
	uint64_t pos; /* oldest record not released */
	uint64_t off;
	uint64_t told;    /* consumed position of the last look at space_event */
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

#define RING_NO_EVENT UINT64_MAX /* crossed by nothing */

/* Sets the shared words of a link whose ring starts empty: armed at 0. */
void ring_reset(struct layout_link *ctl, unsigned char *data);
void ring_writer_init(struct ring_writer *w, struct layout_link *ctl,
		      unsigned char *data, uint64_t size);
void ring_reader_init(struct ring_reader *r, struct layout_link *ctl,
		      unsigned char *data, uint64_t size);

/*
 * Copies a record in and commits it. 0, -BELL_EAGAIN (no space now), or
 * -BELL_ECORRUPT. The caller checked len against ring_max_message().
 */
int ring_write(struct ring_writer *w, uint64_t header, const void *data,
	       uint32_t len);

/* After ring_write() moved from position before: must the receiver be woken? */
bool ring_data_wanted(const struct ring_writer *w, uint64_t before);

/* 1: a record of len bytes fits now; 0: not; -BELL_ECORRUPT. */
int ring_has_space(struct ring_writer *w, uint32_t len);

/*
 * Asks to be woken when a useful amount is free: half the ring, or what len
 * bytes need if that is more. Returns as ring_has_space(), looked at after the
 * wish was stored: only 0 may sleep.
 */
int ring_want_space(struct ring_writer *w, uint32_t len);

/* 1: the oldest record is in rec; 0: none; -BELL_ECORRUPT. */
int ring_peek(struct ring_reader *r, struct ring_record *rec);

/* Gives the record back, from ring_peek() and still the oldest. */
void ring_release(struct ring_reader *r, const struct ring_record *rec);

/* So much was released since the sender's wish was looked at that it is due. */
static inline bool ring_space_due(const struct ring_reader *r)
{
	return r->pos - r->told >= r->size / 8;
}

/* Looks at the sender's wish: true if it has to be woken. */
bool ring_space_wanted(struct ring_reader *r);

/*
 * Asks to be woken for the record at the end of what was scanned or read.
 * Returns true if it is there already: then do not sleep.
 */
bool ring_arm(struct ring_reader *r);

/* Is there a record at that end? One load. */
bool ring_has_data(const struct ring_reader *r);

/*
 * Like ring_peek(), for the next record not seen by a scan; it stays queued.
 */
int ring_scan(struct ring_reader *r, struct ring_record *rec);

/* Copies len bytes of rec, from byte at, to buf. The bounds are the caller's. */
void ring_copy_out(const struct ring_record *rec, uint32_t at, void *buf,
		   uint32_t len);

#endif
