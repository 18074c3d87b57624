/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * directory.h - slots: who is on the bus, under which name
 */
#ifndef BELL_DIRECTORY_H
#define BELL_DIRECTORY_H

#include "bellring.h"
#include "layout.h"

/* What a peer tells of itself. */
struct directory_entry {
	uint32_t id;
	enum bell_kind kind;
	uint32_t vectors;
	uint32_t vector; /* that the bus rings */
	uint32_t pid;
	const char *name;
};

/* 0, or -BELL_EINVAL with a detail: 1..BELL_NAME_MAX, printable, no id. */
int directory_check_name(const char *name);

/*
 * Takes a slot: that of an earlier incarnation of this id, else a free one, else
 * a dead one's. Gives its number and word (live). -BELL_ENOSPC, -BELL_EEXIST.
 */
int directory_enter(void *memory, const struct layout *l,
		    const struct directory_entry *e, uint32_t *slot,
		    uint64_t *word);

/* Gives the slot back if it still holds that word. */
void directory_exit(void *memory, const struct layout *l, uint32_t slot,
		    uint64_t word);

/* Copies a slot out, its name made printable. False: free, or it changed. */
bool directory_read(const void *memory, const struct layout *l, uint32_t slot,
		    struct bell_peer_info *info, uint64_t *word);

/* Slot of a live peer by id, with its word; -BELL_ENOPEER without a detail. */
int directory_lookup(const void *memory, const struct layout *l, uint32_t id,
		     uint32_t *slot, uint64_t *word);

#endif
