/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * steward.h - what who knows of a death does for the others
 *
 * For the server, and for host peers under a server that does not know the bus.
 * Everything here is idempotent, holds no lock, is bounded by the layout, and
 * survives any contents of the memory, also such as change all the time: the
 * layout is the caller's checked copy.
 */
#ifndef BELL_STEWARD_H
#define BELL_STEWARD_H

#include "layout.h"

/* Rings a vector of a device; failures are the callee's to tell or to ignore. */
typedef void steward_ring_fn(void *arg, uint32_t id, unsigned vector);

/*
 * Device id is gone: marks the slots of all its processes dead, tells all live
 * peers that the directory changed and rings those that sleep; again if they are
 * marked or left already, since who did that may have died before telling.
 * Returns true if it was this call that marked one. A device of which nobody was
 * on the bus is no error (false).
 */
bool steward_mark_dead(void *memory, const struct layout *l, uint32_t id,
		       steward_ring_fn *ring, void *arg);

/*
 * The same for all peers of whom there() says false, asked after the slot's word
 * was read: whoever takes the slot meanwhile has changed that. Who has the id self,
 * left and did not tell is told of, too.
 */
typedef bool steward_lives_fn(void *arg, uint32_t id, uint32_t vectors);
bool steward_bury(void *memory, const struct layout *l, uint32_t self,
		  steward_lives_fn *lives, steward_ring_fn *ring, void *arg);

#define STEWARD_NOBODY UINT32_MAX /* as self: tells really all */

/* The directory changed: sets that bit for all live peers but self, rings. */
void steward_tell_all(void *memory, const struct layout *l, uint32_t self,
		      steward_ring_fn *ring, void *arg);

/* ---- sweeping ------------------------------------------------------------------ */

/*
 * Whether the device with that id is there: it is connected, or it was and its
 * process may still store into the memory. There is no third answer, because
 * peers reuse links by themselves, going by the slots' words alone: a slot that
 * is marked dead gives up all of its peer's links. Whoever is still to be kept
 * from that has to be told as there.
 */
typedef bool steward_there_fn(void *arg, uint32_t id);

struct steward_report {
	uint32_t marked; /* slots, dead */
	uint32_t freed;  /* links that nobody uses any more */
	uint32_t mended; /* words of links that no peer writes, free again */
};

/*
 * Gives back what is nobody's: marks dead the slots of ids that are not there,
 * frees links, tells all if it marked one. out is set always. For a server that
 * gives out all ids of this memory, in the thread that does so: an id that is
 * not there must not come to be while this runs.
 *
 * Why it disturbs nobody who lives: it stores by compare-and-swap only.
 * - Slots: an id is looked up after the word that names it was read, and a peer
 *   is known to the server before it can join; so who is not there then is gone,
 *   and whoever takes the slot meanwhile has changed the word: a new incarnation.
 * - Links: freed by the rule of ends.h, like any sender that takes one over.
 *   Two that do it at once exclude each other by the word.
 * - What it cannot tell apart it leaves alone: a slot of an id that is there, a
 *   link whose word names an end that is there. Their owners know.
 * - Free and dead slots stay as they are: both can be taken, and from one that
 *   is dead others still read that its peer did not leave.
 * - If the memory is formatted anew meanwhile it stops. Between that look and
 *   the store can lie another formatting, as for every peer that frees a link:
 *   then one link of the new session may be lost, which its ends notice.
 */
void steward_sweep(void *memory, const struct layout *l, steward_there_fn *there,
		   steward_ring_fn *ring, void *arg, struct steward_report *out);

/* ---- the header ---------------------------------------------------------------- */

enum steward_header {
	STEWARD_SAME,  /* as formatted, or as at the last look */
	STEWARD_OTHER, /* somebody has formatted the memory: another session */
	STEWARD_BUSY,  /* somebody is formatting: look again after STEWARD_PATIENCE_NS */
	STEWARD_STUCK, /* who formats does not go on: may be taken over */
	STEWARD_LOST   /* no bus, and nobody makes one: wiped, or used for something else */
};

#define STEWARD_PATIENCE_NS UINT64_C(1000000000) /* as all peers wait */

/* Begins with the session that was formatted, and zeros. */
struct steward_watch {
	uint64_t session;
	uint64_t format_word; /* of who is formatting */
	uint64_t since_ns;    /* when it was first seen */
};

/*
 * What became of the header; now_ns is os_now_ns(). Gives the layout if there
 * is one (SAME, OTHER), and notes its session: OTHER is said once.
 */
enum steward_header steward_look(const void *memory, size_t size,
				 struct steward_watch *watch, uint64_t now_ns,
				 struct layout *out);

/*
 * After STUCK: formats by that plan, in place of who began it. By then no peer
 * uses the memory, since there is no magic number; those that were on the bus
 * sleep, perhaps, and have to be rung. False if somebody else did, or does.
 *
 * A memory that is LOST is never formatted here: it may be a program's data, and
 * it is for a peer to say (BELL_FORMAT), or to find it all zero.
 */
bool steward_take_over(void *memory, const struct layout *plan,
		       const struct steward_watch *watch);

#endif
