/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * state.h - what the server knows, in a memory that outlives it
 *
 * A memfd that a keeper or the service manager holds too. In it is one whole
 * snapshot, put in place by a single store, and the messages that were sent since
 * then. So whoever reads it after a SIGKILL at any instruction finds a state that
 * was, and knows of each message whether it was sent: sendmmsg(2) writes the
 * length of a message that it sent into the log itself, before it returns to a
 * process that may be no more. (___sys_sendmsg() and the put_user() after it, in
 * Linux' net/socket.c: a signal cannot come between them.)
 *
 * A snapshot is bytes here; snapshot.h knows their meaning. Not thread-safe.
 */
#ifndef BELL_STATE_H
#define BELL_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mmsghdr;
struct state;

/* Has to put a new snapshot in place by state_begin() and state_commit(). */
typedef int state_save_fn(void *arg);

/* An empty state. 0, or -BELL_ENOMEM, -BELL_EIO with a detail. */
int state_new(struct state **out);
/*
 * That of a former server: takes *fd, on success only. 0, or -BELL_EVERSION (of
 * another version of this program), -BELL_ECORRUPT, -BELL_ENOMEM, -BELL_EIO with
 * a detail.
 */
int state_adopt(int *fd, struct state **out);
void state_free(struct state *st); /* NULL is fine; the memory lives on with others */

int state_fd(const struct state *st); /* borrowed */
/* PEERS_IDS numbers for peers_new(). They are as they are now, not as saved. */
uint64_t *state_left(const struct state *st);

/* How to save, from now on. */
void state_on_save(struct state *st, state_save_fn *save, void *arg);
/* What is saved is no longer what is. */
void state_change(struct state *st);
/*
 * Saves if need be. On failure there is nothing for a successor until it succeeds.
 * 0, or -BELL_ENOMEM, -BELL_EIO with a detail.
 */
int state_save(struct state *st);

/* ---- for who saves ---- */

/* Room for a snapshot of that many bytes. NULL: out of memory, with a detail. */
void *state_begin(struct state *st, size_t size);
/* What is in there now is the snapshot, and nothing was sent since. */
void state_commit(struct state *st);

/* ---- for who sends ----
 *
 * Room to send up to wanted messages to client id, one at least, saving first if
 * need be; *got says how many. Fill in msg_hdr of each and call sendmmsg() with
 * them, then say how many were sent. Works also when saving fails.
 */
struct mmsghdr *state_sending(struct state *st, uint32_t id, unsigned wanted,
			      unsigned *got);
void state_sent(struct state *st, unsigned sent);

/* ---- for a successor ---- */

/* The snapshot, or NULL if there is none. */
const void *state_snapshot(const struct state *st, size_t *size);
/* Calls fn for each message that was sent since, in order. */
void state_each_sent(const struct state *st, void (*fn)(void *arg, uint32_t id),
		     void *arg);

#endif
