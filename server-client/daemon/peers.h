/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * peers.h - who is told what, and which id a newcomer gets
 *
 * The server's policy as a state machine: a join, a greeting or a leave in, a
 * list of news out. No socket, no clock, no loop.
 *
 * A newcomer joins first, of which all who were greeted are told, and is greeted
 * later: when, the caller decides. Until then it is told nothing.
 *
 * QEMU 7.2's device dies of some mistakes (hw/misc/ivshmem.c): of a newcomer
 * with an id that it saw leave before, of a leave that it is told twice or for
 * a peer that it does not know. So ids count upwards, and one is given again
 * only when no client that is still connected has ever seen it.
 */
#ifndef BELL_PEERS_H
#define BELL_PEERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PEERS_IDS 65536u
#define PEERS_WAITING UINT64_MAX

enum peers_kind {
	PEERS_GREETING = 1, /* version, own id (about), memory */
	PEERS_VECTORS,      /* all vectors of peer about */
	PEERS_LEFT          /* peer about left */
};

/* One piece of news for one client. */
struct peers_news {
	enum peers_kind kind;
	uint32_t to;
	uint32_t about;
};

/* What one call has to tell, in the order of sending; valid until the next. */
struct peers_list {
	const struct peers_news *news;
	size_t count;
};

struct peers;

/*
 * max: clients at once, 1..65536. left: PEERS_IDS numbers, all 0 or those of the
 * peers that are restored, borrowed; it is how a successor knows which ids were
 * ever given. 0, or -BELL_EINVAL, -BELL_ENOMEM.
 */
int peers_new(size_t max, uint64_t *left, struct peers **out);
void peers_free(struct peers *p); /* NULL is fine */

/* ---- for a successor ----
 *
 * What it has to be told besides the members and the left numbers. A left number
 * may be from a later time than the rest: that of a leave that is then told once
 * more, with a later number.
 */
struct peers_book {
	uint64_t events;
	uint32_t next_id;
};

struct peers_book peers_book(const struct peers *p);
/* When that member was greeted, as a number; PEERS_WAITING: not yet. */
uint64_t peers_greeted(const struct peers *p, size_t index);
void peers_restore_book(struct peers *p, const struct peers_book *book);
/*
 * A member of former times, in the order of joining. 0, or -BELL_EINVAL: that
 * cannot be, -BELL_ENOSPC.
 */
int peers_restore(struct peers *p, uint32_t id, uint64_t greeted);

/* Clients that are connected. */
size_t peers_count(const struct peers *p);
/* Id of one of them; index < peers_count(), as they came. */
uint32_t peers_id(const struct peers *p, size_t index);
/*
 * Ids that could be given now, 0..65536. *oldest_id gets the id of the client that
 * keeps most others from being given again: it was greeted first, or came first
 * if none was; it is not touched if there is no client.
 */
uint32_t peers_ids_left(struct peers *p, uint32_t *oldest_id);
/* Whether that many are left; counts them only when that is in doubt. */
bool peers_has_ids(struct peers *p, uint32_t many);
/* peers_join() would succeed. */
bool peers_has_room(const struct peers *p);

/*
 * Somebody connected: gives its id and what to tell the others. 0, or
 * -BELL_ENOSPC with a detail: as many clients as may be are connected, or each
 * of the 65,536 ids was seen by one of them.
 */
int peers_join(struct peers *p, uint32_t *id, struct peers_list *out);

/*
 * Client id is greeted: gives what to tell it, among it the vectors of all that
 * are there now, greeted or not, and its own ones last. 0, or -BELL_ENOPEER: it
 * is not there, -BELL_EINVAL: it was greeted before.
 */
int peers_greet(struct peers *p, uint32_t id, struct peers_list *out);

/* Client id is gone. 0, or -BELL_ENOPEER: it was not there. */
int peers_leave(struct peers *p, uint32_t id, struct peers_list *out);

#endif
