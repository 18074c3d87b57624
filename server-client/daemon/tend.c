/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tend.c - the server as the steward of the bus: steward.h
 *
 * When somebody left, and after a restart. It looks at the header each time, since
 * a peer may have formatted the memory anew, or wiped it; a timer there is only
 * while somebody formats.
 */
#include "doorbell.h"
#include "layout.h"
#include "log.h"
#include "os.h"
#include "server.h"
#include "shm-guard.h"

#include <errno.h>
#include <event2/event.h>
#include <string.h>

static void ring(void *server, uint32_t id, unsigned vector)
{
	struct server *s = server;
	struct client *c = id < PEERS_IDS ? s->clients[id] : NULL;

	if (c && vector < c->vectors->count && !doorbell_ring(c->vectors->fd[vector]))
		log_debug("client %u: ringing vector %u: %s", id, vector,
			  strerror(errno));
}

static bool is_there(void *server, uint32_t id)
{
	const struct server *s = server;

	return id < PEERS_IDS && s->clients[id];
}

/* So that guests, whom no socket tells, learn of it too. */
void tend_mark_dead(struct server *s, uint32_t id)
{
	struct layout layout;

	if (layout_read(s->shm.memory, s->shm.size, &layout) < 0 ||
	    !steward_mark_dead(s->shm.memory, &layout, id, ring, s))
		return;
	s->counters.marked_dead++;
	log_debug("client %u: was on the bus; its slot is marked dead", id);
}

static void sweep(struct server *s, const struct layout *layout)
{
	struct steward_report report;

	steward_sweep(s->shm.memory, layout, is_there, ring, s, &report);
	s->counters.marked_dead += report.marked;
	s->counters.links_freed += report.freed + report.mended;
	if (report.mended > 0)
		log_info("bus: %u links that made no sense are free again",
			 report.mended);
}

/* Those that were on the bus sleep, perhaps, and do not see that it is another. */
static void wake_all(struct server *s)
{
	for (size_t i = 0; i < peers_count(s->peers); i++)
		ring(s, peers_id(s->peers, i), 0);
}

static void take_over(struct server *s)
{
	struct layout plan;

	if (layout_plan(s->shm.size, &s->cfg->bus, &plan) < 0)
		return;
	plan.server_vectors = s->cfg->vectors;
	if (!steward_take_over(s->shm.memory, &plan, &s->watch))
		return;
	log_error("bus: who formatted it died meanwhile; it is formatted now, and "
		  "empty: its peers have to join again");
	wake_all(s);
}

static void look_again(struct server *s)
{
	static const struct timeval patience = {
		.tv_sec = STEWARD_PATIENCE_NS / 1000000000,
		.tv_usec = STEWARD_PATIENCE_NS % 1000000000 / 1000 + 1000,
	};

	event_add(s->tend, &patience);
}

/* Once, until there is a bus again. */
static void tell_lost(struct server *s)
{
	if (!s->lost && s->watch.session != 0)
		log_error("bus: gone from the memory%s: a peer has overwritten it, "
			  "and peers have to format it (BELL_FORMAT) to use it again",
			  shm_guard_hit() ? ", which was cut short" : "");
	s->lost = true;
}

void tend(struct server *s)
{
	struct layout layout;

	switch (steward_look(s->shm.memory, s->shm.size, &s->watch, os_now_ns(),
			     &layout)) {
	case STEWARD_OTHER:
		log_info("bus: a peer has formatted it anew");
		state_change(s->state);
		/* fall through */
	case STEWARD_SAME:
		s->lost = false;
		sweep(s, &layout);
		return;
	case STEWARD_BUSY:
		look_again(s);
		return;
	case STEWARD_STUCK:
		take_over(s);
		return;
	case STEWARD_LOST:
		tell_lost(s);
		return;
	}
}

void tend_after_restart(struct server *s)
{
	struct layout layout;

	tend(s);
	/* Its predecessor may have died before it told. */
	if (layout_read(s->shm.memory, s->shm.size, &layout) == 0)
		steward_tell_all(s->shm.memory, &layout, STEWARD_NOBODY, ring, s);
}

void tend_on_time(int none, short what, void *server)
{
	(void)none;
	(void)what;
	tend(server);
}
