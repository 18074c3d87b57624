/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fuzz-layout.c - any header, any directory: read them, list, find, mark
 *
 * Input: a byte of wishes, then what the memory begins with. A header that
 * passes the check has all its places inside the memory, so that walking all
 * of them stays there.
 */
#include "bellring.h"
#include "directory.h"
#include "hostile.h"
#include "layout.h"
#include "steward.h"

#include <string.h>

#define SIZE (2 * LAYOUT_MIN_REGION)

/* Wishes: make the header pass more of its checks. */
#define GOOD_MAGIC 1u
#define GOOD_HEADER 2u /* a real one; the input goes behind it */
#define ATTACH 4u
#define FORCE 8u

static void on_ring(void *arg, uint32_t id, unsigned vector)
{
	(void)arg;
	always(id <= UINT16_MAX && vector <= BELL_VECTOR_MAX);
}

static void touch(const void *memory, const void *at, size_t size)
{
	const volatile unsigned char *first = at;

	always((uintptr_t)at >= (uintptr_t)memory &&
	       (uintptr_t)at - (uintptr_t)memory + size <= SIZE);
	(void)first[0];
	(void)first[size - 1];
}

static void walk(void *memory, const struct layout *l)
{
	struct bell_peer_info info;
	uint32_t slot;
	uint64_t word;

	for (uint32_t i = 0; i < l->slot_count; i++) {
		touch(memory, layout_slot(memory, l, i), sizeof(struct layout_slot));
		if (!directory_read(memory, l, i, &info, &word))
			continue;
		always(memchr(info.name, 0, sizeof(info.name)) != NULL);
		always(info.id <= BELL_ID_MAX && info.kind <= BELL_KIND_WINDOWS);
		(void)directory_lookup(memory, l, info.id, &slot, &word);
	}
	for (uint32_t i = 0; i < l->link_count; i++) {
		touch(memory, layout_link(memory, l, i), sizeof(struct layout_link));
		touch(memory, layout_ring(memory, l, i), (size_t)l->ring_size);
	}
}

static void enter(void *memory, const struct layout *l)
{
	struct directory_entry e = { .id = 3, .name = "fuzz", .vectors = 4 };
	uint32_t slot = 0;
	uint64_t word = 0;

	if (directory_enter(memory, l, &e, &slot, &word) == 0) {
		always(slot < l->slot_count);
		directory_exit(memory, l, slot, word);
	}
}

static void as_a_peer(void *memory)
{
	struct bell_peer *peer = hostile_open(memory, SIZE, 1);
	struct bell_peer_info list[8];
	uint32_t id = 0;

	always(bell_peers(peer, list, 8) >= 1);
	always(bell_bus_size(peer) <= SIZE);
	(void)bell_find(peer, "fuzz", &id);
	(void)bell_find(peer, "2", &id);
	bell_close(peer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	uint8_t *memory = fenced_memory(SIZE);
	struct layout_header *h = layout_hdr(memory);
	uint8_t wishes = input_u8(&in);
	struct layout l;
	int rc;

	if (wishes & GOOD_HEADER) {
		always(layout_plan(SIZE, NULL, &l) == 0);
		layout_format(memory, &l, 1);
		(void)input_bytes(&in, memory + sizeof(*h), SIZE - sizeof(*h));
	} else {
		(void)input_bytes(&in, memory, SIZE);
	}
	if (wishes & GOOD_MAGIC) {
		shm_set(&h->magic, LAYOUT_MAGIC);
		shm_set(&h->major, LAYOUT_MAJOR);
		shm_set(&h->features, 0);
	}
	rc = wishes & ATTACH ? layout_attach(memory, SIZE, wishes & FORCE, &l) :
			       layout_read(memory, SIZE, &l);
	always(rc == 0 || rc == -BELL_ELAYOUT || rc == -BELL_EVERSION);
	if (rc == 0) {
		walk(memory, &l);
		enter(memory, &l);
		(void)steward_mark_dead(memory, &l, 2, on_ring, NULL);
		steward_tell_all(memory, &l, 2, on_ring, NULL);
	}
	as_a_peer(memory);
	return 0;
}
