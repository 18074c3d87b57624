/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bus.h - what the files of the bus share
 *
 *   bus.c      join, leave, settings
 *   link.c     claiming a link to a receiver, attaching to one from a sender
 *   send.c     bell_send(), bell_post()
 *   recv.c     the next record of any sender, bell_recv()
 *   wait.c     arm, look again, sleep; spinning; taking the wake word
 *   deliver.c  dispatch, pings
 */
#ifndef BELL_BUS_H
#define BELL_BUS_H

#include "directory.h"
#include "peer.h"
#include "ring.h"

#define BUS_VECTOR 0u /* the one vector that every device has */

/* A link to a receiver. */
struct bus_out {
	struct ring_writer w;
	uint64_t slot_word; /* the receiver's while it lives */
	uint64_t link_word; /* while the link is ours and whole */
	struct layout_slot *slot;
	uint32_t link;
	uint32_t id;
	struct bus_out *next;
};

/* A link from a sender. */
struct bus_in {
	struct ring_reader r;
	uint64_t slot_word; /* the sender's while it lives */
	uint64_t link_word;
	struct layout_slot *slot; /* the sender's */
	uint32_t link;
	uint32_t id;
	bool active; /* in bell_bus.active */
	bool gone;   /* the sender is; free the link when it is empty */
	bool broken; /* a scan met garbage; told when it is received */
};

struct bell_bus {
	struct bell_peer *peer;
	void *memory;
	struct layout layout;
	struct layout_slot *self;
	uint32_t slot;
	uint64_t slot_word;
	char name[BELL_NAME_MAX + 1];

	enum bell_wait_mode mode;
	bool announced;   /* ASLEEP is set in our wake word */
	uint64_t waits_ns; /* adaptive: how long waits lasted lately */
	uint32_t looks;   /* in bus_idle() so far */
	bool reminded;    /* the handle was made readable for what may be left */
	uint32_t probe;    /* adaptive: counts waits that were slept through */

	struct bus_out *outs;
	struct bus_in *delivering; /* not to be freed: a callback looks at it */

	struct bus_in **in;       /* by link number */
	struct bus_in **active;   /* those that may have records, unarmed */
	uint32_t active_count;
	uint32_t turn;            /* whose turn it is in active */
	uint32_t taken;           /* records taken in that turn */
	uint32_t corrupt_id;      /* sender of the link found broken last */

	bell_message_fn *on_message;
	void *on_message_arg;
	unsigned char *bounce; /* a message that crossed the ring's end */
	size_t bounce_size;

	uint64_t ping_nonce; /* of the ping under way, 0: none */
	bool pong;

	struct bell_stats stats;
};

/* ---- link.c ---- */

/* The link to a live peer, claimed if need be. -BELL_ENOPEER, _ENOSPC, ... */
int link_to_peer(struct bell_bus *bus, uint32_t id, struct bus_out **out);
/* Frees the link and *out. */
void link_drop_out(struct bell_bus *bus, struct bus_out *out);
/* Our inbound link of that number, attached now if it is ours and new, or NULL. */
struct bus_in *link_from_peer(struct bell_bus *bus, uint32_t link);
/* Frees the link; state is what its word becomes: LINK_FREE or LINK_BROKEN. */
void link_drop_in(struct bell_bus *bus, struct bus_in *in, enum link_state state);
/* Puts the link among those to be looked at. */
void link_activate(struct bell_bus *bus, struct bus_in *in);
void link_deactivate(struct bell_bus *bus, struct bus_in *in);
/* The directory changed: finds links of the dead, and new ones to us. */
void link_review(struct bell_bus *bus);

/* ---- send.c ---- */

/* Sends one record; as bell_post(). */
int bus_send(struct bell_bus *bus, uint32_t to, uint64_t header, const void *msg,
	     uint32_t len, int timeout_ms);
/* Sets the link's bit in the wake word of whose slot it is; rings if it sleeps. */
void bus_wake(struct bell_bus *bus, struct layout_slot *slot, uint32_t id,
	      uint32_t link);

/* ---- recv.c ---- */

/* 1: the next message is in rec, still queued; 0: none; negative: an error. */
int bus_next(struct bell_bus *bus, struct bus_in **in, struct ring_record *rec);
/* What the envelope tells of a record. */
void bus_fill_envelope(struct bell_envelope *env, const struct bus_in *in,
		       const struct ring_record *rec);
/* Gives it back, wakes its sender if that is due. */
void bus_release(struct bell_bus *bus, struct bus_in *in,
		 const struct ring_record *rec);

/* ---- wait.c ---- */

#define BUS_FOREVER UINT64_MAX
#define BUS_LOOKS_MAX 64 /* in vain, by a call that may not wait */

/* Deadline for a timeout in ms; 0 stays 0: do not wait. */
uint64_t bus_deadline(int timeout_ms);
/* Milliseconds until then for the port, rounded up; -1: for ever. */
int bus_remaining_ms(uint64_t deadline);
/* The memory is still of this session and our slot ours. 0, or -BELL_ERESET. */
int bus_check(const struct bell_bus *bus);
/* Takes what the wake word tells. 0, or -BELL_ERESET. */
int bus_take_news(struct bell_bus *bus);

static inline bool bus_is_same(const struct bell_bus *bus)
{
	return layout_same(bus->memory, &bus->layout) &&
	       shm_peek(&bus->self->word) == bus->slot_word;
}

static inline bool bus_has_news(const struct bell_bus *bus)
{
	return shm_peek(&bus->self->wake) != (bus->announced ? WAKE_ASLEEP : 0);
}

/* Checks the session, then takes the news if there is any. 0, or -BELL_ERESET. */
static inline int bus_collect(struct bell_bus *bus)
{
	return bus_is_same(bus) && !bus_has_news(bus) ? 0 : bus_take_news(bus);
}

/* Arms all links and announces sleep. 1: look again instead; 0: armed. */
int bus_arm(struct bell_bus *bus);
/*
 * Around a call that may wait for something else than messages, and so take
 * their doorbells off the handle: if the bus was armed or reminded before it, the
 * handle is made readable again unless nothing came.
 */
bool bus_is_armed(const struct bell_bus *bus);
void bus_rearm(struct bell_bus *bus, bool was_armed, uint32_t looks_before);
/* Makes the own handle readable, since something may be left. 0, or -BELL_EIO. */
int bus_remind(struct bell_bus *bus);
/*
 * Waits in the bus's mode until there may be something: a record, or (out) space
 * for len bytes to it, or news in the wake word. 0, -BELL_EAGAIN at the
 * deadline, or an error. Callbacks and the directory's news may free *out:
 * look it up again.
 */
int bus_idle(struct bell_bus *bus, struct bus_out *out, uint32_t len,
	     uint64_t deadline);

/* ---- deliver.c ---- */

/* What bell_dispatch() does for the bus: messages delivered, or an error. */
int bus_dispatch(struct bell_bus *bus);
/* A PING or PONG, wherever it was seen. */
void bus_control(struct bell_bus *bus, struct bus_in *in,
		 const struct ring_record *rec);

#endif
