/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * news.c - who is told what, and when a newcomer is greeted
 *
 * A newcomer is greeted only when the others have heard of it: the device of a
 * guest's QEMU drops a doorbell to a peer that it has not been told of, without
 * a word (ivshmem_io_write() in hw/misc/ivshmem.c). Nobody knows of a newcomer
 * before it is greeted, so from then on it may take it that all can ring it.
 */
#include "log.h"
#include "os.h"
#include "proto.h"
#include "server.h"

#include <event2/event.h>

/*
 * How long a newcomer waits for the others to hear of it, and when it is useless:
 * who has not read for that long is stopped, or hangs. We look after a little
 * while, and then less and less often.
 */
#define HEARD_NS UINT64_C(50000000)
#define HOPELESS_NS UINT64_C(1000000000)
#define FIRST_LOOK_US 20
#define LAST_LOOK_US 2000

static int queue_greeting(struct client *c)
{
	int rc = queue_number(&c->queue, PROTO_VERSION, QUEUE_PLAIN);

	if (rc == 0)
		rc = queue_number(&c->queue, c->id, QUEUE_PLAIN);
	if (rc == 0)
		rc = queue_number(&c->queue, PROTO_MEMORY, QUEUE_MEMORY);
	return rc;
}

static int queue_news(struct server *s, struct client *to,
		      const struct peers_news *news)
{
	switch (news->kind) {
	case PEERS_GREETING:
		return queue_greeting(to);
	case PEERS_VECTORS:
		return queue_vectors(&to->queue, news->about, 0,
				     s->clients[news->about]->vectors->count);
	case PEERS_LEFT:
		if (queue_forget(&to->queue, news->about))
			return 0;
		return queue_number(&to->queue, news->about, QUEUE_PLAIN);
	}
	return 0;
}

void news_distribute(struct server *s, const struct peers_list *list)
{
	state_change(s->state);
	for (size_t i = 0; i < list->count; i++) {
		const struct peers_news *news = &list->news[i];
		struct client *to = s->clients[news->to];

		if (to->fate)
			continue;
		if (client_has_read_all(to))
			to->behind_ns = os_now_ns();
		if (queue_news(s, to, news) < 0)
			client_doom(to, "dropped: out of memory for its news");
		else if (to->queue.bytes > to->bound)
			client_doom(to, "dropped: it does not read what it is sent");
		else
			client_send(to);
	}
}

void news_greet_later(struct server *s, struct client *c)
{
	struct client **at = &s->waiting;

	while (*at)
		at = &(*at)->next_waiting;
	*at = c;
}

void news_wait_no_more(struct server *s, const struct client *c)
{
	struct client **at = &s->waiting;

	while (*at && *at != c)
		at = &(*at)->next_waiting;
	if (*at)
		*at = c->next_waiting;
}

/*
 * Whether other may soon hear of c, who has joined. Who was greeted later hears
 * of it in that greeting, without which it can do nothing.
 */
static bool is_unaware(const struct client *other, const struct client *c,
		       uint64_t now)
{
	return other->greeted_ns != 0 && other->greeted_ns <= c->joined_ns &&
	       !other->fate && now - other->behind_ns < HOPELESS_NS &&
	       !client_has_read_all(other);
}

/* NULL if there is none. */
static const struct client *find_unaware(const struct server *s,
					 const struct client *c, uint64_t now)
{
	for (size_t i = 0; i < peers_count(s->peers); i++) {
		const struct client *other = s->clients[peers_id(s->peers, i)];

		if (is_unaware(other, c, now))
			return other;
	}
	return NULL;
}

/* One that does not read delays nobody for longer than that. */
static bool may_greet(const struct server *s, const struct client *c)
{
	uint64_t now = os_now_ns();
	const struct client *other = find_unaware(s, c, now);

	if (!other)
		return true;
	if (now - c->joined_ns < HEARD_NS)
		return false;
	log_debug("client %u: is greeted, though client %u does not read what it "
		  "is sent", c->id, other->id);
	return true;
}

/* Who came before an upgrade may have another number of vectors. */
static size_t greeting_bytes(const struct server *s)
{
	size_t messages = 3;

	for (size_t i = 0; i < peers_count(s->peers); i++)
		messages += s->clients[peers_id(s->peers, i)]->vectors->count;
	return messages * PROTO_SIZE;
}

static void greet(struct server *s, struct client *c)
{
	struct peers_list list;

	if (peers_greet(s->peers, c->id, &list) < 0) {
		client_doom(c, "dropped: it cannot be greeted");
		return;
	}
	c->bound = s->cfg->queue_bytes + greeting_bytes(s);
	c->greeted_ns = os_now_ns();
	news_distribute(s, &list);
}

static void look_again(struct server *s)
{
	struct timeval soon = { 0 };

	s->look_us = s->look_us == 0 ? FIRST_LOOK_US : 2 * s->look_us;
	if (s->look_us > LAST_LOOK_US)
		s->look_us = LAST_LOOK_US;
	soon.tv_usec = (suseconds_t)s->look_us;
	event_add(s->heard, &soon);
}

/* In order: whoever is waited for by one is waited for by all behind it. */
void news_greet_waiting(struct server *s)
{
	while (s->waiting) {
		struct client *c = s->waiting;

		if (!c->fate && !may_greet(s, c)) {
			look_again(s);
			return;
		}
		news_wait_no_more(s, c);
		s->look_us = 0;
		if (!c->fate)
			greet(s, c);
	}
}

void news_on_heard(int none, short what, void *server)
{
	(void)none;
	(void)what;
	news_greet_waiting(server);
}
