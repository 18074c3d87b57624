/* SPDX-License-Identifier: BSD-2-Clause */
/* leave.c - who goes */
#include "log.h"
#include "server.h"

#include <event2/event.h>

static void drop(struct server *s, struct client *c)
{
	struct peers_list list;

	log_info("client %u (pid %ld, uid %lu): %s", c->id, (long)c->who.pid,
		 (unsigned long)c->who.uid, c->fate);
	if (c->left)
		s->counters.leaves++;
	else
		s->counters.drops++;
	s->clients[c->id] = NULL;
	news_wait_no_more(s, c);
	if (peers_leave(s->peers, c->id, &list) == 0)
		news_distribute(s, &list);
	tend_mark_dead(s, c->id);
}

/*
 * What is kept of a client goes last: a successor takes one that it finds kept,
 * but not in the snapshot, for a newcomer or for one that was dropped, by its
 * number.
 */
static void let_go(struct server *s, struct client *gone)
{
	char name[24];

	state_save(s->state);
	while (gone) {
		struct client *c = gone;

		gone = c->next_dead;
		snapshot_name(c->join, name);
		store_remove(s->store, name);
		client_free(c);
	}
}

void leave_reap(struct server *s)
{
	struct client *gone = NULL;

	while (s->dead) {
		struct client *c = s->dead;

		s->dead = c->next_dead;
		drop(s, c);
		c->next_dead = gone;
		gone = c;
	}
	if (gone) {
		tend(s);
		let_go(s, gone);
		admit_again(s);
	}
	if (s->draining && s->drained && peers_count(s->peers) == 0)
		s->drained(s->drained_arg);
}

void leave_doomed(void *server, struct client *c)
{
	struct server *s = server;

	c->next_dead = s->dead;
	s->dead = c;
	event_active(s->reap, 0, 0);
}

void leave_on_reap(int none, short what, void *server)
{
	(void)none;
	(void)what;
	leave_reap(server);
}
