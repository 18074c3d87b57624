/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bellring-message.h - messages of any size; by <bellring.h>
 *
 * Messages of one sender to one receiver arrive in order and whole, or not at
 * all. Those of up to bell_max_piece() bytes travel in one piece; larger ones in
 * several, without bound, and use no more memory than the ring between the two.
 */
#ifndef BELLRING_MESSAGE_H
#define BELLRING_MESSAGE_H

#include "bellring.h"

#ifdef __cplusplus
extern "C" {
#endif

/* bell_envelope.flags, set by the library. */
#define BELL_MORE 1u   /* this piece is not the message's last */
#define BELL_BROKEN 2u /* the message ends here, unfinished: its sender died or gave up */

#define BELL_UNKNOWN UINT64_MAX /* total of a message whose end is not known yet */

/** What a message carries besides its bytes. */
struct bell_envelope {
	uint32_t peer;        /* to whom, or from whom */
	uint32_t incarnation; /* of the sender; ignored when sending */
	uint16_t tag;         /* the user's; bell_send() sends 0 */
	uint16_t flags;       /* BELL_MORE, BELL_BROKEN; 0 when sending */
	uint32_t reserved;    /* 0 */
	uint64_t len;         /* bytes of this piece; ignored when sending */
	uint64_t offset;      /* of this piece in its message */
	uint64_t total;       /* bytes of the whole message, or BELL_UNKNOWN */
	uint64_t check;       /* in the last piece: what bell_finish() was given */
	const char *topic;    /* what it was published on, NULL: sent to us alone */
};

/* A part of a message in the caller's memory. */
struct bell_part {
	const void *data; /* borrowed during the call; may be NULL if len is 0 */
	size_t len;       /* bytes */
};

/** bell_max_piece - largest message, bytes, that travels in one piece */
BELL_API size_t bell_max_piece(const struct bell_bus *bus);

/* ---- sending ------------------------------------------------------------- */

/**
 * bell_send - send a message
 * @to:         peer id, as bell_find() gives it
 * @msg:        borrowed during the call; may be NULL if @len is 0
 * @len:        bytes, 0 is a legal message
 * @timeout_ms: how long to wait for space; -1 for ever, 0 not at all
 *
 * 0 means committed: it is delivered even if this peer dies now. A message of
 * more than bell_max_piece() is delivered whole or, if this fails half-way, not
 * at all.
 *
 * Returns 0, or
 *   -BELL_EAGAIN   no space in time; nothing was sent
 *   -BELL_ENOPEER  the peer is not there, or left while we waited
 *   -BELL_ENOSPC   all links of the memory are in use
 *   -BELL_ECORRUPT the receiver broke the link, or found it broken; the next
 *                  send starts a new one
 *   -BELL_ERESET   the memory was formatted anew: leave and join again
 *   -BELL_EBUSY    a bell_begin() or bell_reserve() to this peer is unfinished
 *   -BELL_EINTR    a signal handler ran while it slept; nothing was sent
 *   -BELL_EGONE, -BELL_EIO, -BELL_EINVAL, -BELL_ENOMEM
 */
BELL_API int bell_send(struct bell_bus *bus, uint32_t to, const void *msg,
		       size_t len, int timeout_ms);

/**
 * bell_post - bell_send() with a tag
 * @env: peer and tag are taken; borrowed during the call
 *
 * Returns like bell_send(); -BELL_EINVAL also for flags that are not 0.
 */
BELL_API int bell_post(struct bell_bus *bus, const struct bell_envelope *env,
		       const void *msg, size_t len, int timeout_ms);

/**
 * bell_sendv - bell_post() of a message that lies in several parts
 * @parts: @count of them, sent one behind the other; borrowed during the call
 *
 * Returns like bell_post().
 */
BELL_API int bell_sendv(struct bell_bus *bus, const struct bell_envelope *env,
			const struct bell_part *parts, size_t count,
			int timeout_ms);

/**
 * bell_send_batch - send many messages for the price of one fence
 * @env:  peer and tag of all of them
 * @msgs: @count messages, each of at most bell_max_piece() bytes
 *
 * At most one doorbell, unless it has to wait for space.
 *
 * Returns how many were sent, from the first on: fewer than @count if the time
 * was over or something failed then; if nothing was sent, as bell_post(), or
 *   -BELL_EMSGSIZE the first is larger than bell_max_piece()
 *   -BELL_ECORRUPT as bell_post(), also if some were sent: they are lost with the link
 */
BELL_API int64_t bell_send_batch(struct bell_bus *bus,
				 const struct bell_envelope *env,
				 const struct bell_part *msgs, size_t count,
				 int timeout_ms);

/* A message that is being sent bit by bit. */
struct bell_outgoing;

/**
 * bell_begin - begin a message whose bytes come bit by bit
 * @env:   peer and tag; borrowed during the call
 * @total: its bytes, or BELL_UNKNOWN
 * @out:   gets it; bell_finish() or bell_abandon() frees it
 *
 * For what does not fit into memory, and for programs that must not wait: until
 * it ends no other message to this peer can be sent (-BELL_EBUSY); streams,
 * calls and topics go on.
 *
 * Returns 0, or -BELL_ENOMEM, or as bell_send().
 */
BELL_API int bell_begin(struct bell_bus *bus, const struct bell_envelope *env,
			uint64_t total, struct bell_outgoing **out);

/**
 * bell_continue - give more of the message's bytes
 *
 * Returns how many were taken, 1 to @len, or
 *   -BELL_EAGAIN   none in time; bell_on_writable() tells when to try again
 *   -BELL_EMSGSIZE more than @total of bell_begin()
 *   and as bell_send(): then the message is lost, only bell_abandon() is left
 */
BELL_API int64_t bell_continue(struct bell_outgoing *out, const void *data,
			       size_t len, int timeout_ms);

/**
 * bell_finish - end the message: now it is committed
 * @check: any number that the receiver is to get with the last piece, as a
 *         checksum
 *
 * Returns 0 and frees @out, or
 *   -BELL_EAGAIN   no space in time; try again
 *   -BELL_EMSGSIZE fewer bytes than @total of bell_begin()
 *   and as bell_continue()
 */
BELL_API int bell_finish(struct bell_outgoing *out, uint64_t check,
			 int timeout_ms);

/** bell_abandon - give the message up: it is not delivered; NULL is fine */
BELL_API void bell_abandon(struct bell_outgoing *out);

/* ---- receiving ----------------------------------------------------------- */

/**
 * bell_recv - take the oldest message of the next sender that has one
 * @buf:        gets one whole message
 * @size:       room in @buf, bytes
 * @env:        gets sender, tag, length; may be NULL. Set also with
 *              -BELL_EMSGSIZE (total: the room needed) and -BELL_ECORRUPT
 *              (whose link)
 * @timeout_ms: -1 waits for ever, 0 only looks
 *
 * Senders are served in turn. Large messages are put together in @buf, and, if
 * others have something meanwhile, in memory of at most @size bytes a sender.
 * One that its sender broke off is dropped. Callbacks of bell_on_interrupt()
 * and bell_on_peer() may be called while waiting.
 *
 * Returns the message's length in bytes (0 is a legal message), or
 *   -BELL_EAGAIN   nothing came in time; the bus is armed: the next message
 *                  makes bell_handle() readable (not while it polls)
 *   -BELL_EMSGSIZE @buf too small; the message stays queued. If env->total is
 *                  BELL_UNKNOWN only bell_recv_piece() can take it
 *   -BELL_ECORRUPT a peer broke the layout; its link was closed, go on
 *   -BELL_ERESET   the memory was formatted anew: leave and join again
 *   -BELL_EGONE    the device was removed
 *   -BELL_EINTR    a signal handler ran while it slept
 *   -BELL_EBUSY    called from a callback
 *   -BELL_EIO, -BELL_ENOMEM
 */
BELL_API int64_t bell_recv(struct bell_bus *bus, void *buf, size_t size,
			   struct bell_envelope *env, int timeout_ms);

/**
 * bell_recv_batch - take many messages with one call
 * @buf:   gets them, one behind the other, each at a multiple of 8 bytes from @buf
 * @size:  room in @buf, bytes
 * @msgs:  gets where each one is in @buf, and its bytes
 * @count: room in @msgs, 1 or more
 * @env:   gets sender and tag of all of them, and in len and total their bytes
 *         together; may be NULL. In errors as with bell_recv()
 *
 * Waits for the first one as bell_recv() does, and takes with it what is there
 * already of the same sender with the same tag, as far as there is room. What was
 * published on a topic, or is larger than bell_max_piece(), comes alone. Fewer may
 * come than are there: only -BELL_EAGAIN says that nothing is left, and arms the bus.
 *
 * Returns how many, or as bell_recv() of the first one: what failed for a later one
 * is told by the next call.
 */
BELL_API int64_t bell_recv_batch(struct bell_bus *bus, void *buf, size_t size,
				 struct bell_part *msgs, size_t count,
				 struct bell_envelope *env, int timeout_ms);

/**
 * bell_recv_piece - take the next piece of a message, whatever its size
 * @buf:  gets at most @size bytes, at least 1 must fit
 * @env:  gets sender, tag, offset, total, and in flags BELL_MORE if the message
 *        goes on, or BELL_BROKEN if it ends here unfinished
 *
 * Pieces of one message come in order; those of several senders mixed.
 *
 * Returns the piece's length in bytes, or as bell_recv() (never
 * -BELL_EMSGSIZE).
 */
BELL_API int64_t bell_recv_piece(struct bell_bus *bus, void *buf, size_t size,
				 struct bell_envelope *env, int timeout_ms);

/** @data is in the shared memory or a copy; valid during the call only. */
typedef void bell_message_fn(struct bell_bus *bus,
			     const struct bell_envelope *env, const void *data,
			     void *arg);

/**
 * bell_on_message - deliver messages from bell_dispatch()
 * @fn:  NULL removes it
 * @arg: borrowed, passed on to @fn
 *
 * A message of up to bell_max_piece() is one call. Of a larger one each piece
 * is a call, as bell_recv_piece() describes them.
 * The sender can change @data while @fn looks at it: copy before checking.
 */
BELL_API void bell_on_message(struct bell_bus *bus, bell_message_fn *fn,
			      void *arg);

/* ---- without a copy ------------------------------------------------------- */

#define BELL_HOLD_MAX 32 /* reserved or peeked at once, a link */

/**
 * bell_reserve - room for a message, in place and in one piece
 * @env:  peer and tag
 * @len:  bytes, at most bell_max_piece()
 * @data: gets where to write them; valid until bell_commit()
 *
 * Up to BELL_HOLD_MAX may be reserved to a peer; they are committed in order.
 * Other messages to this peer have to wait for that (-BELL_EBUSY).
 *
 * Returns 0, or -BELL_EMSGSIZE, -BELL_EBUSY (BELL_HOLD_MAX are out, or one of
 * bell_begin() is unfinished), or as bell_send().
 */
BELL_API int bell_reserve(struct bell_bus *bus, const struct bell_envelope *env,
			  size_t len, int timeout_ms, void **data);

/**
 * bell_commit - send the oldest reserved message to a peer
 * @len: its first bytes that are sent, at most what was reserved
 *
 * Returns 0, or
 *   -BELL_EINVAL   nothing is reserved, or less than @len
 *   -BELL_ENOPEER, -BELL_ECORRUPT, -BELL_ERESET as bell_send(): all that was
 *                  reserved to that peer is gone
 */
BELL_API int bell_commit(struct bell_bus *bus, uint32_t to, size_t len);

/** bell_cancel - give up the oldest reserved message; returns as bell_commit() */
BELL_API int bell_cancel(struct bell_bus *bus, uint32_t to);

/**
 * bell_peek - look at the next message in place and in one piece
 * @env:  gets sender, tag, length
 * @data: gets where it is; valid until bell_release()
 *
 * Up to BELL_HOLD_MAX of a sender may be held. Their space is free for the
 * sender only once they are released. The sender can change the bytes meanwhile.
 * Of a message of more than bell_max_piece() it gives one piece.
 *
 * Returns the length in bytes, or -BELL_EBUSY (BELL_HOLD_MAX of the sender
 * whose turn it is are held, or bell_recv() or bell_recv_piece() took a part of
 * its message), or as bell_recv() (never -BELL_EMSGSIZE).
 */
BELL_API int64_t bell_peek(struct bell_bus *bus, struct bell_envelope *env,
			   const void **data, int timeout_ms);

/**
 * bell_release - give back the oldest message held of a sender
 *
 * Returns 0, or -BELL_EINVAL if none of it is held. What is held of a sender
 * that broke the layout is given back by -BELL_ECORRUPT, and of all by -BELL_ERESET.
 */
BELL_API int bell_release(struct bell_bus *bus, uint32_t from);

#ifdef __cplusplus
}
#endif

#endif
