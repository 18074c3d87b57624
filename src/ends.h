/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ends.h - whether anybody still uses a link
 *
 * An end is there while its slot is JOINING or LIVE with the incarnation that the
 * link names. Incarnations only grow: an end that is gone stays gone until 2^20
 * peers had that slot, and nobody writes a word that names it any more. So a
 * compare-and-swap from a word of which this said true hits no link in use,
 * however long ago it was said; but in another session the same word can be
 * another's, so who stores looks at the session first.
 */
#ifndef BELL_ENDS_H
#define BELL_ENDS_H

#include "layout.h"

/* Slots and state are such as a peer writes. */
bool ends_are_sane(const struct layout *l, uint64_t word);

/*
 * Nobody uses the link with that word any more: it is free, or its sender is
 * gone, and of an open one the receiver too. While one end is there the link is
 * that end's to free: it may be copying right now. Words that no peer writes
 * belong to their sender, too, if there is one.
 */
bool ends_are_gone(const void *memory, const struct layout *l, uint64_t word);

#endif
