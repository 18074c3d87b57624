/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bellring-call.h - request and reply; by <bellring.h>
 *
 * A call carries an id and a deadline. The other side's handler answers at once
 * or later; it is told when the caller dies, gives up or runs out of time.
 * Request and reply are at most bell_max_call() bytes each.
 *
 * Requests are handled and callbacks called in bell_dispatch() and bell_wait()
 * only. A peer without a handler refuses at once, whatever it is doing.
 */
#ifndef BELLRING_CALL_H
#define BELLRING_CALL_H

#include "bellring.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * bell_max_call - largest request or reply, bytes
 *
 * What a ring can hold, and at most a little less than 512 KiB.
 */
BELL_API size_t bell_max_call(const struct bell_bus *bus);

/* ---- the caller ------------------------------------------------------------ */

/**
 * bell_call - call another peer and wait for its reply
 * @to:         peer id
 * @method:     which handler is meant; the user's numbers
 * @request:    borrowed during the call; may be NULL if @len is 0
 * @reply:      gets the reply, at most @size bytes; may be NULL if @size is 0
 * @timeout_ms: deadline, also told to the other side; -1 for ever, 0 is of no use
 *
 * Nothing that comes meanwhile is lost: messages stay queued, callbacks are
 * called by the next dispatch. Requests of others wait for that too, so two
 * peers that bell_call() each other at once wait in vain; bell_call_start()
 * does not have that trap.
 *
 * Returns the reply's length in bytes, or
 *   -BELL_EAGAIN     no reply in time; the other side is told to cancel
 *   -BELL_ENOSERVICE the peer has no handler for @method
 *   -BELL_EREMOTE    the handler failed; bell_detail() has what it said
 *   -BELL_EBUSY      the peer has too many requests waiting; or a bell_reserve()
 *                    to it is not committed; or called from a callback (use
 *                    bell_call_start())
 *   -BELL_EMSGSIZE   request too large; or reply larger than @size (it is lost)
 *   -BELL_ENOPEER    the peer is not there, or died before it answered
 *   -BELL_ECORRUPT   the link broke: whether the peer did it is not known
 *   -BELL_EINTR      a signal handler ran; the other side is told to cancel
 *   -BELL_EINVAL     @to is this peer, which can't answer meanwhile
 *   -BELL_ENOMEM and as bell_send()
 */
BELL_API int64_t bell_call(struct bell_bus *bus, uint32_t to, uint16_t method,
			   const void *request, size_t len, void *reply,
			   size_t size, int timeout_ms);

/**
 * bell_reply_fn - how a call ended
 * @id:     as bell_call_start() gave it
 * @result: length of the reply, or a negative code as of bell_call()
 * @reply:  a copy, valid during the call; NULL unless @result is 0 or more
 * @arg:    as bell_call_start() was given it
 *
 * bell_detail() tells more of a failure; for -BELL_EREMOTE what the handler said.
 */
typedef void bell_reply_fn(struct bell_bus *bus, uint64_t id, int64_t result,
			   const void *reply, void *arg);

/**
 * bell_call_start - call another peer; a callback tells of the reply
 * @timeout_ms: deadline; -1 none. It is seen by the dispatch that follows it:
 *              bell_wait() returns for it, an event loop sets its own timer by
 *              bell_next_deadline()
 * @fn:         called exactly once from dispatch, never from this call, unless
 *              bell_call_cancel() or bell_leave() comes first
 * @arg:        borrowed, passed on to @fn
 * @id:         gets the call's id; may be NULL
 *
 * May be called from a callback, and to oneself. Never waits: what finds no
 * space is kept and sent when there is some. Thousands may be in flight.
 *
 * Returns 0, or
 *   -BELL_EBUSY    the peer does not read, and 1 MiB is kept for it already
 *   -BELL_EMSGSIZE request too large
 *   -BELL_ENOPEER  the peer is not there
 *   -BELL_EINVAL   no callback
 *   -BELL_ENOSPC, -BELL_ECORRUPT, -BELL_ERESET, -BELL_EGONE as bell_send();
 *                  -BELL_ENOMEM
 * and then @fn is not called.
 */
BELL_API int bell_call_start(struct bell_bus *bus, uint32_t to, uint16_t method,
			     const void *request, size_t len, int timeout_ms,
			     bell_reply_fn *fn, void *arg, uint64_t *id);

/**
 * bell_call_cancel - give a call up: its callback is not called any more
 *
 * The other side is told. Returns 0, or -BELL_EINVAL if there is no such call (any more).
 */
BELL_API int bell_call_cancel(struct bell_bus *bus, uint64_t id);

/**
 * bell_next_deadline - ms until the next call or request runs out of time
 *
 * -1 if none does, 0 if one has. For event loops: then call bell_dispatch().
 */
BELL_API int bell_next_deadline(const struct bell_bus *bus);

/* ---- the side that answers -------------------------------------------------- */

struct bell_request;

/**
 * bell_handler_fn - a request came
 * @request: the callee's from now on: bell_reply() or bell_fail() frees it, now
 *           or later; so does bell_leave()
 */
typedef void bell_handler_fn(struct bell_bus *bus, struct bell_request *request,
			     void *arg);

/* Any method that has no handler of its own. */
#define BELL_ANY_METHOD 0x10000u

/**
 * bell_on_call - register the handler of a method
 * @method: 0..65535, or BELL_ANY_METHOD
 * @fn:     called from dispatch; NULL removes it
 * @arg:    borrowed, passed on to @fn
 *
 * At most 1024 requests, of 64 MiB together, wait for their handler or its
 * answer; callers beyond get -BELL_EBUSY.
 *
 * Returns 0, or -BELL_EINVAL (no such method), -BELL_ENOMEM.
 */
BELL_API int bell_on_call(struct bell_bus *bus, uint32_t method,
			  bell_handler_fn *fn, void *arg);

/**
 * bell_request_data - the request's bytes, a private copy
 * @len: gets how many
 *
 * Never NULL; valid until the request is answered. A zero byte, not counted,
 * follows them, for text.
 */
BELL_API const void *bell_request_data(const struct bell_request *request,
				       size_t *len);

/** bell_request_peer - id of the caller */
BELL_API uint32_t bell_request_peer(const struct bell_request *request);

/** bell_request_method - the method it named */
BELL_API uint16_t bell_request_method(const struct bell_request *request);

/** bell_request_left_ms - time until its deadline, 0 if over, -1 if it has none */
BELL_API int bell_request_left_ms(const struct bell_request *request);

/** @code: why nobody waits for the answer any more: see bell_on_cancel() */
typedef void bell_cancel_fn(struct bell_request *request, int code, void *arg);

/**
 * bell_on_cancel - be told when nobody waits for the answer any more
 * @fn:  called at most once from dispatch, with -BELL_ECANCELED (the caller gave
 *       up, or the link to it broke), -BELL_ENOPEER (it is gone) or -BELL_EAGAIN
 *       (its deadline is over; bell_wait() returns for it). NULL removes it.
 * @arg: borrowed, passed on to @fn
 *
 * The request stays to be answered, which then only frees it. One that nobody
 * waits for any more before its handler was called is dropped without a word.
 */
BELL_API void bell_on_cancel(struct bell_request *request, bell_cancel_fn *fn,
			     void *arg);

/**
 * bell_reply - answer a request and free it
 * @reply: borrowed during the call; may be NULL if @len is 0
 *
 * Never waits: what finds no space is kept and sent when there is some; what is
 * still kept at bell_leave() is lost, and the caller gets -BELL_ENOPEER.
 *
 * Returns 0, or
 *   -BELL_EMSGSIZE more than bell_max_call(); the request stays
 *   -BELL_ENOMEM, -BELL_EINVAL the request stays
 *   -BELL_ECANCELED, -BELL_ENOPEER, -BELL_EAGAIN nobody waits for it, as of
 *                  bell_on_cancel(); it was freed
 *   -BELL_ECORRUPT, -BELL_ERESET it can't be sent any more; it was freed
 */
BELL_API int bell_reply(struct bell_request *request, const void *reply,
			size_t len);

/**
 * bell_fail - answer that it could not be done, and free the request
 * @why: text for the caller's bell_detail(), at most 200 bytes are sent; may be
 *       NULL
 *
 * Returns as bell_reply().
 */
BELL_API int bell_fail(struct bell_request *request, const char *why);

#ifdef __cplusplus
}
#endif

#endif
