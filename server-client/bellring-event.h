/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bellring-event.h - a bellring peer in a libevent loop
 *
 * All it does is watch bell_handle() and call bell_dispatch(), which calls what
 * was registered by bell_on_interrupt(), bell_on_peer() and bell_on_message().
 *
 * Threads: everything, callbacks too, in the thread that runs the loop.
 */
#ifndef BELLRING_EVENT_H
#define BELLRING_EVENT_H

#include <bellring.h>

#ifdef __cplusplus
extern "C" {
#endif

struct event_base;
struct bell_event;

/**
 * Called when bell_dispatch() fails
 * @code: what it returned; bell_detail() says more
 *
 * After -BELL_EGONE and -BELL_EIO the peer is no longer watched; after others
 * the loop goes on with it. May call everything, bell_event_free() and
 * bell_leave() too.
 */
typedef void bell_event_error_fn(struct bell_peer *peer, int code, void *arg);

/**
 * bell_event_new - watch a peer in a loop
 * @base:  borrowed until bell_event_free()
 * @peer:  borrowed until bell_event_free()
 * @error: called when dispatching fails; NULL ignores it
 * @arg:   borrowed, passed on to @error
 *
 * Dispatches once when the loop runs, for what came before. The callbacks of
 * the peer may call bell_event_free(), but as ever not bell_close().
 *
 * Returns the watch, or NULL if out of memory or if the peer has no handle
 * (it has no interrupts, only polling).
 */
BELL_API struct bell_event *bell_event_new(struct event_base *base,
					   struct bell_peer *peer,
					   bell_event_error_fn *error, void *arg);

/**
 * bell_event_free - watch no longer; NULL is fine
 *
 * Before bell_close() of the peer and event_base_free() of the loop.
 */
BELL_API void bell_event_free(struct bell_event *event);

#ifdef __cplusplus
}
#endif

#endif
