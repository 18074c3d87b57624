/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bus.h - what the files of the bus share
 *
 *   bus.c      join, leave, settings
 *   link.c     claiming a link to a receiver, attaching to one from a sender
 *   send.c     messages of one record
 *   outgoing.c larger ones
 *   inplace.c  reserve and commit, peek and release
 *   turn.c     the next record of any sender
 *   recv.c     bell_recv(), bell_recv_piece(), bell_peek()
 *   recv-batch.c, bus-plain.h bell_recv_batch(), and what it shares with recv.c
 *   incoming.c pieces of messages
 *   frame.c    records that no program sees: sent now, or kept until there is space
 *   wait.c     arm, look again, sleep; spinning; taking the wake word
 *   settle.c   the short wait of who has caught up with a stream
 *   deliver.c  dispatch and what it tells; pings
 *
 * On top of these, each with a header of its own: stream.c, call.c, topic.c,
 * presence.c.
 */
#ifndef BELL_BUS_H
#define BELL_BUS_H

#include "directory.h"
#include "id.h"
#include "peer.h"
#include "ring.h"

/* Kept out of the way of what every message does. */
#if defined(__GNUC__)
#define BELL_COLD __attribute__((cold, noinline))
#else
#define BELL_COLD
#endif

/* A peer in one of its incarnations: whom a stream or a call belongs to. */
struct bus_remote {
	struct layout_slot *slot;
	uint64_t word; /* the slot's while it lives */
	uint32_t id;
};

/* Reserved in a ring, not committed yet. */
struct bus_reserved {
	uint64_t off;    /* of its header */
	uint64_t before; /* the position that the receiver was not told of yet */
	uint32_t len;
	uint16_t tag;
};

/* A link to a receiver. */
struct bus_out {
	struct ring_writer w;
	struct bus_remote to;
	uint64_t link_word; /* while the link is ours and whole */
	uint64_t serial;    /* no two links of a bus have the same */
	uint32_t link;
	uint32_t straight_max; /* bytes of the largest message in one piece */
	uint32_t wanted;   /* bytes that somebody did not find; 0: nobody */
	bool writable;     /* they are there: bell_on_writable() is to be told */
	bool busy;         /* with a message of bell_begin() */
	struct bus_reserved *reserved; /* BELL_HOLD_MAX, or NULL */
	uint32_t reserved_first, reserved_count;
	struct frame *kept, **kept_end; /* frames that wait for space, oldest first */
	size_t kept_bytes;
	uint32_t settle_skip; /* so many waits for half of the ring are not worth it */
	struct bus_out *next;
};

/* A message of which not all pieces were taken yet. */
struct bus_part {
	bool open;
	uint16_t tag;
	uint64_t pos;   /* of its first record */
	uint64_t total; /* as its sender said */
	uint64_t got;   /* bytes taken from the ring so far */
	unsigned char *buf; /* bell_recv() puts it together here, or NULL */
	uint64_t given; /* bytes of buf handed out by bell_recv_piece() */
	bool in_pieces; /* some were handed out already */
};

/* A link from a sender. */
struct bus_in {
	struct ring_reader r;
	struct bus_remote from;
	uint64_t link_word;
	uint32_t link;
	uint32_t taken; /* bytes of the head record already handed out */
	uint32_t served; /* the round in which it had its turn last */
	bool active; /* in bell_bus.active */
	bool gone;   /* the sender is; free the link when it is empty */
	bool broken; /* a scan met garbage; told when it is received */
	bool lost;   /* with it: the link is another's, but the program holds records */
	uint64_t settled; /* position at the last wait */
	struct bell_envelope plain; /* of its messages, with neither tag nor length */
	struct bus_part part;
	uint64_t held[BELL_HOLD_MAX]; /* ends of peeked records, oldest first */
	uint32_t held_first;          /* r.held of them */
	unsigned char *bounce;        /* a peeked record that crossed the ring's end */
};

struct bell_bus {
	struct bell_peer *peer;
	void *memory;
	struct layout layout;
	struct layout_slot *self;
	uint32_t slot;
	uint64_t slot_word;
	uint32_t vector; /* the one on which it is rung */
	char name[BELL_NAME_MAX + 1];

	enum bell_wait_mode mode; /* BELL_POLL_ONLY is BELL_POLL and poll_only */
	bool poll_only;   /* for good: all links are active, and their senders know */
	bool announced;   /* ASLEEP is set in our wake word */
	bool armed;       /* all links were armed since one was last activated */
	uint64_t settled;     /* messages received until the last wait */
	uint64_t answered;    /* and sent */
	bool converses;       /* something was sent between the last two */
	uint64_t settle_ns;    /* how long the last wait settled, if it did and it paid */
	uint64_t settle_end;   /* of it */
	uint64_t settle_begin; /* of one that was slept through after all, or 0 */
	uint32_t settle_vain; /* so many in a row were much too short */
	uint32_t settle_skip; /* so many waits after a burst are not worth it */
	uint64_t waits_ns; /* adaptive: how long waits lasted lately */
	uint32_t looks;   /* in bus_idle() so far */
	bool flooded;     /* the last look took all frames that it may: more are there */
	uint32_t port_due; /* messages until the port is looked at, if it never sleeps */
	bool reminded;    /* the handle was made readable for what may be left */
	uint32_t probe;    /* adaptive: counts waits that were slept through */
	uint32_t probe_gap; /* of them, until some are not */

	struct bus_out *outs;
	uint64_t serial;   /* of the youngest */
	uint32_t thirsty;  /* wishes for space of outs: kept frames, wanted */
	bool space_lost;   /* a link with such a wish is gone */
	uint32_t *lost;    /* their peers: bell_on_writable() is to be told */
	uint32_t lost_count;
	struct bus_in *delivering; /* not to be freed: a callback looks at it */
	struct bus_in *direct;     /* its message goes straight to bell_recv()'s buf: */
	unsigned char *direct_buf;
	struct bus_in *peeked;     /* the last one of which something was peeked */
	bool calling;      /* a callback runs */
	bool pending;      /* something is to be told to callbacks */
	bool dispatching;
	bool review;       /* somebody may be gone: streams and calls are to look */

	struct bus_in **in;       /* by link number */
	struct bus_in **active;   /* those that may have records, unarmed */
	uint32_t active_count;
	uint32_t turn;            /* whose turn it is in active */
	uint32_t round;           /* how often the turn went through active */
	uint32_t taken;           /* records taken in that turn */
	uint32_t corrupt_id;      /* sender of the link found broken last */

	bell_message_fn *on_message;
	void *on_message_arg;
	bell_writable_fn *on_writable;
	void *on_writable_arg;
	struct stream_set *streams; /* each NULL until it is used */
	struct call_set *calls;
	struct topic_set *topics;
	struct presence *presence;
	uint64_t ping_nonce; /* of the ping under way, 0: none */
	bool pong;

	struct bell_stats stats;
};

/* ---- bus.c, wait.c ---- */

/* What a call that may wait does at its begin, and at its end with its result. */
struct bus_call {
	bool armed;
	uint32_t looks;
};
static inline struct bus_call bus_begin(const struct bell_bus *bus)
{
	return (struct bus_call){ bus->announced && bus->armed, bus->looks };
}
/*
 * If it waited it may have taken the doorbell of something else off the handle:
 * makes that readable again unless nothing came.
 */
void bus_end(struct bell_bus *bus, struct bus_call call);
/* -BELL_EBUSY with a detail in a callback, else 0. */
int bus_no_callback(const struct bell_bus *bus);

/* ---- link.c ---- */

/* The link to a live peer, claimed if need be. -BELL_ENOPEER, _ENOSPC, ... */
int link_to_peer(struct bell_bus *bus, uint32_t id, struct bus_out **out);
/* The same to one incarnation: -BELL_ENOPEER if it is another one by now. */
int link_to_remote(struct bell_bus *bus, const struct bus_remote *to,
		   struct bus_out **out);
/* A live peer in its present incarnation. -BELL_ENOPEER, -BELL_ERESET. */
int link_find_remote(struct bell_bus *bus, uint32_t id, struct bus_remote *out);
/* Why that incarnation is not there: -BELL_ENOPEER, or -BELL_ERESET. */
int link_left(const struct bell_bus *bus, const struct bus_remote *r);
/* The peer left or died, and all that it had sent was seen. */
bool link_remote_gone(const struct bell_bus *bus, const struct bus_remote *r);
/* A link to or from it broke: its streams and calls may miss something, and end. */
void link_lost(struct bell_bus *bus, const struct bus_remote *r);
/* Frees the link and *out. */
void link_drop_out(struct bell_bus *bus, struct bus_out *out);
/* Our inbound link of that number, attached now if it is ours and new, or NULL. */
struct bus_in *link_from_peer(struct bell_bus *bus, uint32_t link);
/* Frees the link; state is what its word becomes: LINK_FREE or LINK_BROKEN. */
void link_drop_in(struct bell_bus *bus, struct bus_in *in, enum link_state state);
/* Frees the private half only. */
void link_free_in(struct bell_bus *bus, struct bus_in *in);
void link_free_out(struct bell_bus *bus, struct bus_out *out);
/* Tells the senders of all links that there are that we poll for good. */
void link_poll_only(struct bell_bus *bus);
/* Puts the link among those to be looked at. */
void link_activate(struct bell_bus *bus, struct bus_in *in);
void link_deactivate(struct bell_bus *bus, struct bus_in *in);
/* The directory changed: finds links of the dead, and new ones to us. */
void link_review(struct bell_bus *bus);

/* ---- send.c ---- */

/*
 * Sends one message record; as bell_post(). Of several parts when data is NULL
 * and parts are given.
 */
int bus_send(struct bell_bus *bus, uint32_t to, uint64_t header,
	     const struct bell_part *parts, size_t count, uint32_t len,
	     uint64_t *deadline, int timeout_ms);
/* The link for a message; -BELL_EBUSY if an earlier one is unfinished. */
int bus_link_for_message(struct bell_bus *bus, uint32_t to, struct bus_out **out);
/*
 * The ring is full for a record of len bytes: waits for space, taking frames
 * meanwhile. *deadline is 0 at first. 0: try again; -BELL_EAGAIN: the time is
 * over, and bell_on_writable() will be told.
 */
int bus_full(struct bell_bus *bus, struct bus_out *out, uint32_t len,
	     uint64_t *deadline, int timeout_ms);
/*
 * One try of a record to a link that was just found. -BELL_EAGAIN leaves *out,
 * any other error drops it.
 */
int bus_try(struct bell_bus *bus, struct bus_out *out, uint64_t header,
	    const struct bell_part *parts, size_t count, uint32_t len);
/* Checks that out is whole; else drops it and tells why. */
int bus_check_out(struct bell_bus *bus, struct bus_out *out);
/* The receiver broke it: drops it. -BELL_ECORRUPT, or -BELL_ERESET. */
int bus_break_out(struct bell_bus *bus, struct bus_out *out);
/* Wakes the receiver for what was committed from position before on. */
void bus_announce(struct bell_bus *bus, struct bus_out *out, uint64_t before);
/* Somebody found no space for len bytes: stream_flush() and others are told. */
void bus_want_space(struct bell_bus *bus, struct bus_out *out, uint32_t len);
/* Something was sent or received: a port that polls looks more often. */
static inline void bus_active(const struct bell_bus *bus)
{
	struct bell_port *port = bus->peer->port;

	if (port->ops->active)
		port->ops->active(port);
}

/* Sets the link's bit in the wake word of that peer; rings if it sleeps. */
void bus_wake(struct bell_bus *bus, const struct bus_remote *r, uint32_t link);

/* ---- frame.c ---- */

/* At most so much is kept for a peer that does not read. */
#define FRAMES_KEPT_MAX (1u << 20)

/*
 * Sends a frame to that incarnation, or keeps a copy of it until there is space;
 * never waits. Frames to one peer stay in order. 0, or -BELL_EBUSY (too much is
 * kept), -BELL_ENOPEER, -BELL_ENOSPC, -BELL_ENOMEM, -BELL_ECORRUPT, -BELL_ERESET.
 */
int frame_send(struct bell_bus *bus, const struct bus_remote *to, uint64_t header,
	       const struct bell_part *parts, size_t count);
/* The same, but -BELL_EAGAIN instead of keeping it. */
int frame_try(struct bell_bus *bus, const struct bus_remote *to, uint64_t header,
	      const struct bell_part *parts, size_t count);
/* Sends what was kept for it, as far as there is space. 0, or as bus_try(). */
int frame_flush(struct bell_bus *bus, struct bus_out *out);
void frame_drop_all(struct bus_out *out);
/* Bytes of the oldest that is kept; there is one. */
uint32_t frame_len(const struct bus_out *out);
/* The longest record for which there has to be space: what is kept goes first. */
uint32_t frame_need(const struct bell_bus *bus, const struct bus_remote *to,
		    uint32_t len);

/* What a message record hands out: bytes of rec from at on. */
struct bus_piece {
	struct bell_envelope env;
	uint64_t topic; /* hash of the topic that it was published on */
	uint32_t at;
};

/* ---- turn.c ---- */

/*
 * 1: the next message record is in rec, still queued; 0: none; negative: an
 * error. A record of kind 0 says that the message under way in *in ends
 * unfinished: release it as any other.
 */
int bus_next(struct bell_bus *bus, struct bus_in **in, struct ring_record *rec);
#define TURN_LENGTH 64u /* records of one sender in a row while others wait too */
static inline bool bus_turn_is_over(const struct bell_bus *bus)
{
	return bus->taken >= TURN_LENGTH;
}
/* Gives it back, wakes its sender if that is due. */
void bus_release(struct bell_bus *bus, struct bus_in *in,
		 const struct ring_record *rec);
/* Tells the sender of the space that was freed, if it waits for it. */
void bus_tell_space(struct bell_bus *bus, struct bus_in *in);
/*
 * Takes the frames of a link, also those behind messages, which stay queued.
 * Garbage is told when it is received.
 */
void bus_take_frames(struct bell_bus *bus, struct bus_in *in);
/* As ring_peek() of garbage: drops the link, wakes its sender. -BELL_ECORRUPT. */
int bus_corrupt(struct bell_bus *bus, struct bus_in *in);

/* ---- inplace.c ---- */

/* A piece in one piece: in the ring, or a copy of what crossed its end; or NULL. */
const void *inplace_data(struct bus_in *in, const struct ring_record *rec,
			 const struct bus_piece *piece);
/* Goes on behind a record that is looked at until bell_release(). */
void inplace_hold(struct bell_bus *bus, struct bus_in *in,
		  const struct ring_record *rec);

/* ---- incoming.c ---- */

/*
 * Checks a record of bus_next() and what it is of a message. 1: a piece; 0:
 * nothing for a program, it was released; -BELL_ECORRUPT: the link was dropped.
 */
int incoming_piece(struct bell_bus *bus, struct bus_in *in,
		   const struct ring_record *rec, struct bus_piece *piece);
/* The piece was handed out: the record is given back. */
void incoming_done(struct bell_bus *bus, struct bus_in *in,
		   const struct ring_record *rec, const struct bus_piece *piece);
/* The same, but the record is still looked at. */
void incoming_pass(struct bell_bus *bus, struct bus_in *in,
		   const struct ring_record *rec, const struct bus_piece *piece);
/* Forgets the message under way. */
void incoming_close(struct bus_in *in);
/* The record begins a message, though another one may be under way. */
bool incoming_begins(const struct bus_in *in, const struct ring_record *rec);

static inline bool bus_is_message(const struct ring_record *rec)
{
	return rec->kind == RECORD_DATA || rec->kind == RECORD_PART ||
	       rec->kind == RECORD_TOPIC;
}

/* ---- wait.c ---- */

#define BUS_FOREVER UINT64_MAX
#define BUS_LOOKS_MAX 64 /* in vain, by a call that may not wait */

/* What a look in vain counts: one that took no end of frames took its time. */
static inline int bus_look(const struct bell_bus *bus)
{
	return bus->flooded ? BUS_LOOKS_MAX / 4 : 1;
}

/* Deadline for a timeout in ms; 0 stays 0: do not wait. */
uint64_t bus_deadline(int timeout_ms);
/* Milliseconds until then for the port, rounded up; -1: for ever. */
int bus_remaining_ms(uint64_t deadline);
/*
 * What to say when the memory is not of this session any more: -BELL_ERESET, or
 * -BELL_EGONE if the device went and took it along. With a detail.
 */
int bus_reset(const struct bell_bus *bus);
/* One of these: nothing on this bus works again. */
static inline bool bus_is_over(int rc)
{
	return rc == -BELL_ERESET || rc == -BELL_EGONE;
}
/* The memory is still of this session and our slot ours. 0, or as bus_reset(). */
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

/* Arms all links and wishes for space, announces sleep. 1: look again; 0: armed. */
int bus_arm(struct bell_bus *bus);
/* Behind a last look: arms, unless the bus polls. 1: look again. */
int bus_rest(struct bell_bus *bus);
bool bus_is_armed(const struct bell_bus *bus);
/*
 * What is waited for is there: records, news, or (out) space for len bytes. A look
 * without a write to shared memory.
 */
bool bus_sees(const struct bell_bus *bus, struct bus_out *out, uint32_t len);
/* There is space for len bytes, or waiting for it is in vain. */
bool bus_space_or_gone(struct bus_out *out, uint32_t len);
/* The receiver is there, and has not given the link up. */
static inline bool bus_out_is_whole(const struct bus_out *out)
{
	return shm_peek(&out->to.slot->word) == out->to.word &&
	       shm_peek(&out->w.ctl->word) == out->link_word;
}
/* Sends what was kept, and lets those who want space know of it. */
void bus_serve_space(struct bell_bus *bus);
/* Looks at the port: what it was told, and doorbells that it owes to newcomers. 0. */
BELL_COLD int bus_look_at_port(struct bell_bus *bus);

/*
 * For what a busy program does again and again: one that always finds something
 * never sleeps, and would never hear of anything but messages.
 */
static inline bool bus_count_down(struct bell_bus *bus)
{
	return bus->port_due-- == 0;
}
static inline int bus_count(struct bell_bus *bus)
{
	return bus_count_down(bus) ? bus_look_at_port(bus) : 0;
}
/* So many messages at once count as so many, at the next bus_count(). */
static inline void bus_count_more(struct bell_bus *bus, size_t messages)
{
	bus->port_due = messages < bus->port_due ? bus->port_due - (uint32_t)messages : 0;
}
/* Makes the own handle readable, since something may be left. 0, or -BELL_EIO. */
int bus_remind(struct bell_bus *bus);
/* A wish for space came up: if the bus is armed, a dispatch has to arm that too. */
void bus_thirst(struct bell_bus *bus);
/* Something is to be told to callbacks: the handle is readable until it was. */
void bus_pend(struct bell_bus *bus);
/*
 * Waits in the bus's mode until there may be something: a record behind what was
 * scanned or read, or (space_to) space for len bytes, or news in the wake word.
 * 0, -BELL_EAGAIN at the deadline, or an error. Links may be gone afterwards.
 * Who waits for something else than messages:
 *
 *	for (;;) {
 *		rc = bus_scan(bus);
 *		if (rc < 0 || CONDITION)
 *			...
 *		rc = bus_idle(bus, NULL, 0, deadline);
 *		...
 *	}
 */
int bus_idle(struct bell_bus *bus, const struct bus_remote *space_to, uint32_t len,
	     uint64_t deadline);

/* ---- deliver.c ---- */

/* What bell_dispatch() does for the bus: messages delivered, or an error. */
int bus_dispatch(struct bell_bus *bus);
/*
 * Looks at all that came, past messages, which stay queued: takes frames, sends
 * what was kept, lets streams and calls know of peers that are gone. 0, or
 * -BELL_ERESET.
 */
int bus_scan(struct bell_bus *bus);
/* A frame, wherever it was seen. */
void bus_control(struct bell_bus *bus, struct bus_in *in,
		 const struct ring_record *rec);

#endif
