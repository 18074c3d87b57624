/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * layout.h - what all peers agree on in the shared memory, byte by byte
 *
 * The only definition of the layout; doc/layout.md is its specification and
 * the asserts below freeze it. Fixed-width little-endian fields, no pointers.
 * A change that moves a byte is a new major version.
 */
#ifndef BELL_LAYOUT_H
#define BELL_LAYOUT_H

#include "atomic.h"

#include <stddef.h>

#define LAYOUT_MAGIC UINT64_C(0x00474e49524c4542) /* "BELRING\0" */
#define LAYOUT_MAJOR 1u
#define LAYOUT_MINOR 0u
#define LAYOUT_LINE 64u /* one writer a line */
#define LAYOUT_ALIGN 4096u /* rings and the bus's end */
#define LAYOUT_MIN_REGION 65536u
#define LAYOUT_MAX_SLOTS 1023u /* slot numbers have 10 bits */
#define LAYOUT_MAX_LINKS 65535u
#define LAYOUT_MIN_RING 4096u
#define LAYOUT_NAME_SIZE 32u /* of the region's name, with its NUL */
#define LAYOUT_MAX_RING (UINT64_C(1) << 31) /* a record's length has 32 bits */

/* At offset 0 of the region. Written by the formatter, magic last. */
struct layout_header {
	shm_u64 magic;
	shm_u16 major;
	shm_u16 minor;
	shm_u32 features; /* bits a peer must know to take part; none yet */
	shm_u64 session;  /* random, not 0, new at each formatting */
	shm_u64 bus_size; /* bytes from offset 0; raw memory follows */
	shm_u64 ring_size; /* bytes of each ring's data */
	shm_u64 ring_offset;
	shm_u32 slot_offset;
	shm_u32 slot_count;
	shm_u32 link_offset;
	shm_u32 link_count;
	_Alignas(64) shm_u64 format_word; /* FORMAT_BUSY | nonce while formatting */
	shm_u32 server_vectors; /* vectors that the server gives each peer, or 0 */
	shm_u32 reserved0;
	shm_u64 name[4]; /* of the region: bytes, NUL terminated, in u64 pieces */
	shm_u32 reserved1[4];
};

/* One of slot_count, from slot_offset: a peer. */
struct layout_slot {
	_Alignas(64) shm_u64 word; /* state, id, incarnation: slot_word() */
	shm_u32 kind;    /* enum bell_kind */
	shm_u32 vectors; /* that it can be rung on */
	shm_u32 vector;  /* the one that the bus rings */
	shm_u32 pid;
	shm_u32 reserved0[10];
	_Alignas(64) shm_u64 name[8]; /* bytes, NUL terminated, in u64 pieces */
	_Alignas(64) shm_u64 wake;    /* written by all: WAKE_* */
	shm_u64 reserved1[7];
	_Alignas(64) shm_u64 topics[8]; /* owner: which topics it wants, topic_bit() */
};

/* One of link_count, from link_offset: a ring from one sender to one receiver. */
struct layout_link {
	_Alignas(64) shm_u64 word; /* state, both slots, both incarnations */
	shm_u32 from_id; /* peer id of the sender, for the receiver to name it */
	shm_u32 reserved0[13];
	/* Sender writes: the consumed position at which it wants to be woken. */
	_Alignas(64) shm_u64 space_event;
	shm_u64 reserved1[7];
	/* Receiver writes: the position whose record is to wake it. */
	_Alignas(64) shm_u64 data_event;
	shm_u64 reserved2[7];
	/* Receiver writes: all before this position is free again. */
	_Alignas(64) shm_u64 consumed;
	shm_u64 reserved3[7];
};

#define ASSERT_AT(type, field, offset)                                         \
	_Static_assert(offsetof(struct type, field) == (offset), "shared ABI")
ASSERT_AT(layout_header, magic, 0);
ASSERT_AT(layout_header, major, 8);
ASSERT_AT(layout_header, minor, 10);
ASSERT_AT(layout_header, features, 12);
ASSERT_AT(layout_header, session, 16);
ASSERT_AT(layout_header, bus_size, 24);
ASSERT_AT(layout_header, ring_size, 32);
ASSERT_AT(layout_header, ring_offset, 40);
ASSERT_AT(layout_header, slot_offset, 48);
ASSERT_AT(layout_header, slot_count, 52);
ASSERT_AT(layout_header, link_offset, 56);
ASSERT_AT(layout_header, link_count, 60);
ASSERT_AT(layout_header, format_word, 64);
ASSERT_AT(layout_header, server_vectors, 72);
ASSERT_AT(layout_header, name, 80);
_Static_assert(sizeof(struct layout_header) == 128, "shared ABI");
ASSERT_AT(layout_slot, word, 0);
ASSERT_AT(layout_slot, kind, 8);
ASSERT_AT(layout_slot, vectors, 12);
ASSERT_AT(layout_slot, vector, 16);
ASSERT_AT(layout_slot, pid, 20);
ASSERT_AT(layout_slot, name, 64);
ASSERT_AT(layout_slot, wake, 128);
ASSERT_AT(layout_slot, topics, 192);
_Static_assert(sizeof(struct layout_slot) == 256, "shared ABI");
ASSERT_AT(layout_link, word, 0);
ASSERT_AT(layout_link, from_id, 8);
ASSERT_AT(layout_link, space_event, 64);
ASSERT_AT(layout_link, data_event, 128);
ASSERT_AT(layout_link, consumed, 192);
_Static_assert(sizeof(struct layout_link) == 256, "shared ABI");

/*
 * A record's header is one 64-bit word, 8-byte aligned, 0 until the record is
 * committed: bits 0..31 length, 32..47 the user's tag, 48..55 flags, 56..63 kind.
 */
#define RECORD_DATA 0x81u
#define RECORD_PING 0x82u
#define RECORD_PONG 0x83u
#define RECORD_PAD 0x84u    /* skipped */
#define RECORD_PART 0x85u   /* of a message larger than one record: PART_* */
#define RECORD_TOPIC 0x86u  /* a message; the topic's hash comes first */
#define RECORD_STREAM 0x87u /* a stream's; flags say what: enum stream_op */
#define RECORD_CALL 0x88u   /* a call's; flags say what: enum call_op */
#define RECORD_LAST RECORD_CALL
#define RECORD_HEADER 8u
#define RECORD_ALIGN 8u

/* Flags of RECORD_PART. The first carries the total, the last a check, as u64. */
#define PART_FIRST 1u
#define PART_LAST 2u
#define PART_BROKEN 4u /* with PART_LAST: given up, no check */

/* format_word: high half says that somebody formats, low half who. */
#define FORMAT_BUSY (UINT64_C(0x464d5421) << 32)
#define FORMAT_BUSY_MASK (UINT64_C(0xffffffff) << 32)

/*
 * layout_slot.word: bits 0..3 state, 4..11 and 12..27 process and device of the
 * peer's id, 28..47 incarnation, the rest 0.
 * Changed by compare-and-swap only.
 */
enum slot_state {
	SLOT_FREE = 0,    /* never used, or left; the incarnation stays */
	SLOT_JOINING = 1, /* its fields are being written */
	SLOT_LIVE = 2,
	SLOT_DEAD = 3 /* gone without leaving; may be taken over */
};

#define SLOT_DEVICE_SHIFT 12

static inline uint64_t slot_word(enum slot_state state, uint32_t id,
				 uint32_t incarnation)
{
	return (uint64_t)state | (uint64_t)(id >> 16 & 0xff) << 4 |
	       (uint64_t)(id & 0xffff) << SLOT_DEVICE_SHIFT |
	       (uint64_t)(incarnation & 0xfffff) << 28;
}

static inline enum slot_state slot_state(uint64_t w)
{
	return (enum slot_state)(w & 15);
}

static inline uint32_t slot_id(uint64_t w)
{
	return ((uint32_t)(w >> 12) & 0xffff) | ((uint32_t)(w >> 4) & 0xff) << 16;
}

/* Whose doorbell it is: the id without the process. */
static inline uint32_t slot_device(uint64_t w)
{
	return (uint32_t)(w >> 12) & 0xffff;
}

static inline uint32_t slot_incarnation(uint64_t w)
{
	return (uint32_t)(w >> 28) & 0xfffff;
}

/*
 * layout_link.word: bits 0..3 state, 4..13 sender's slot, 14..23 receiver's
 * slot, 24..43 and 44..63 their incarnations. Changed by compare-and-swap only.
 */
enum link_state {
	LINK_FREE = 0,
	LINK_CLAIMED = 1, /* the sender resets it */
	LINK_OPEN = 2,
	LINK_BROKEN = 3 /* the receiver found garbage; the sender frees it */
};

static inline uint64_t link_word(enum link_state state, uint32_t from,
				 uint32_t from_inc, uint32_t to, uint32_t to_inc)
{
	return (uint64_t)state | (uint64_t)(from & 0x3ff) << 4 |
	       (uint64_t)(to & 0x3ff) << 14 |
	       (uint64_t)(from_inc & 0xfffff) << 24 |
	       (uint64_t)(to_inc & 0xfffff) << 44;
}

static inline enum link_state link_state(uint64_t w)
{
	return (enum link_state)(w & 15);
}

static inline uint32_t link_from(uint64_t w)
{
	return (uint32_t)(w >> 4) & 0x3ff;
}

static inline uint32_t link_to(uint64_t w)
{
	return (uint32_t)(w >> 14) & 0x3ff;
}

static inline uint32_t link_from_inc(uint64_t w)
{
	return (uint32_t)(w >> 24) & 0xfffff;
}

static inline uint32_t link_to_inc(uint64_t w)
{
	return (uint32_t)(w >> 44) & 0xfffff;
}

/*
 * layout_slot.wake: what is new for this peer. A bit stands for all links whose
 * number is congruent to it modulo WAKE_LINKS: with more links than bits a look
 * may be in vain, but every wake-up stays one atomic operation. Writers only
 * set bits; the owner alone clears them, ASLEEP too.
 */
#define WAKE_LINKS 62u
#define WAKE_ALL_LINKS ((UINT64_C(1) << WAKE_LINKS) - 1)
#define WAKE_DIRECTORY (UINT64_C(1) << 62)
#define WAKE_ASLEEP (UINT64_C(1) << 63)

static inline uint64_t wake_bit(uint32_t link)
{
	return UINT64_C(1) << link % WAKE_LINKS;
}

/*
 * layout_slot.topics is a Bloom filter of 512 bits over the 64-bit hashes of the
 * topics that a peer wants: a publisher may send in vain, the receiver knows.
 */
#define TOPIC_BITS 4u

/* The i-th bit, 0..511, of a topic with that hash. */
static inline uint32_t topic_bit(uint64_t hash, unsigned i)
{
	return (uint32_t)(hash >> 9 * i) & 511;
}

/* Sizes and places, a private and checked copy of the header's. */
struct layout {
	uint64_t session;
	uint64_t bus_size;
	uint64_t ring_size;
	uint64_t ring_offset;
	uint32_t slot_offset;
	uint32_t slot_count;
	uint32_t link_offset;
	uint32_t link_count;
	uint32_t server_vectors; /* a hint */
	char name[LAYOUT_NAME_SIZE]; /* "" if it has none */
};

/* What a formatter may wish; 0 takes the default for the region's size. */
struct layout_wish {
	uint64_t bus_size; /* at most the region */
	uint64_t ring_size;
	uint32_t slot_count;
	uint32_t link_count;
	const char *name; /* layout_check_name() took it; NULL: none */
};

/*
 * Plans the places for a region of size bytes. -BELL_ELAYOUT with a detail if
 * the wishes do not fit or are out of range. Pure.
 */
int layout_plan(uint64_t size, const struct layout_wish *wish,
		struct layout *out);

/*
 * Formats the memory by that plan with a new session, whatever is in it.
 * For who owns the memory alone, as a server at its start.
 */
void layout_format(void *memory, const struct layout *plan, uint64_t session);

/*
 * Reads and checks the header of size bytes of memory. -BELL_ELAYOUT: not a
 * bus, or a broken header; -BELL_EVERSION: another major version or unknown
 * features. Reads each field once; what it returns is safe to use.
 */
int layout_read(const void *memory, size_t size, struct layout *out);

/*
 * A region's name has 1 to 31 printable ASCII characters, and none of space, ':',
 * ',' and '/', which addresses need. -BELL_EINVAL with a detail: the cause alone. Pure.
 */
int layout_check_name(const char *name);

/*
 * The name alone, of memory of which there is only the first page: "" if that is
 * not a bus of this version, or has no name.
 */
void layout_read_name(const void *memory, char name[LAYOUT_NAME_SIZE]);

/*
 * layout_read(), but formats memory that is all zero in its header, or (force)
 * whatever it holds. Peers that do this at once agree on one of them; one that
 * dies half-way is taken over after a second.
 */
int layout_attach(void *memory, size_t size, bool force, struct layout *out);

/*
 * Formats by that plan in place of somebody who does not go on: format_word is
 * still the one that was seen for a second, there is no magic number. False if
 * that changed, or somebody else took over meanwhile.
 */
bool layout_take_over(void *memory, const struct layout *plan, uint64_t seen);

static inline struct layout_header *layout_hdr(const void *memory)
{
	return (struct layout_header *)(uintptr_t)memory;
}

/* The memory still is of that session; nobody formats it anew meanwhile. */
static inline bool layout_same(const void *memory, const struct layout *l)
{
	struct layout_header *h = layout_hdr(memory);

	return shm_acquire(&h->magic) == LAYOUT_MAGIC &&
	       shm_acquire(&h->session) == l->session;
}

static inline struct layout_slot *layout_slot(const void *memory,
					      const struct layout *l, uint32_t i)
{
	return (struct layout_slot *)((uintptr_t)memory + l->slot_offset) + i;
}

static inline struct layout_link *layout_link(const void *memory,
					      const struct layout *l, uint32_t i)
{
	return (struct layout_link *)((uintptr_t)memory + l->link_offset) + i;
}

static inline unsigned char *layout_ring(const void *memory,
					 const struct layout *l, uint32_t i)
{
	return (unsigned char *)((uintptr_t)memory +
				 (uintptr_t)(l->ring_offset + i * l->ring_size));
}

#endif
