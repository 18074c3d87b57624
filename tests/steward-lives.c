/* SPDX-License-Identifier: BSD-2-Clause */
#include "steward-lives.h"

#include "bus.h"
#include "fake-port.h"
#include "steward.h"
#include "testing.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#define REGION LAYOUT_MIN_REGION
#define PEERS 3
#define LINKS 7 /* one more than who lives can use: those of the dead are needed */
#define SLOTS 4
#define TALKS 40
#define MESSAGE 600

static struct fake_hub *hub;
static struct bell_peer *peers[PEERS];
static _Atomic bool there[PEERS];
static _Atomic unsigned lives, deaths, delivered, freed, running;

struct message {
	uint32_t slot, incarnation; /* the sender's: a life has its own pair */
	uint32_t number;
	unsigned char bytes[MESSAGE];
};

/* Of who we are, and what came from whom. */
struct life {
	unsigned self;
	uint64_t seed;
	struct bell_bus *bus;
	uint32_t next[PEERS]; /* number of the next message to each */
	struct message last[PEERS];
};

static uint32_t choose(struct life *me, uint32_t n)
{
	me->seed = me->seed * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (uint32_t)(me->seed >> 33) % n;
}

static size_t length_of(uint32_t number)
{
	return offsetof(struct message, bytes) + number * 37 % MESSAGE;
}

static void say(struct life *me)
{
	uint32_t to = (me->self + 1 + choose(me, PEERS - 1)) % PEERS;
	struct message m = { .slot = me->bus->slot,
			     .incarnation = slot_incarnation(me->bus->slot_word),
			     .number = me->next[to] };
	int rc;

	memset(m.bytes, (int)(m.number + m.incarnation), sizeof(m.bytes));
	rc = bell_send(me->bus, to, &m, length_of(m.number), 0);
	if (rc == 0)
		me->next[to]++;
	else if (rc != -BELL_ENOPEER && rc != -BELL_EAGAIN && rc != -BELL_ENOSPC)
		printf("# peer %u to %u: %s\n", me->self, to, bell_detail());
	must(rc == 0 || rc == -BELL_ENOPEER || rc == -BELL_EAGAIN || rc == -BELL_ENOSPC);
}

/* In order within one life, from its first message to this one of ours. */
static void check(struct life *me, uint32_t from, const struct message *m, size_t len)
{
	struct message *last = &me->last[from];

	must(len == length_of(m->number));
	for (size_t i = 0; i < len - offsetof(struct message, bytes); i++)
		must(m->bytes[i] == (unsigned char)(m->number + m->incarnation));
	if (m->slot == last->slot && m->incarnation == last->incarnation)
		must(m->number > last->number);
	*last = *m;
	delivered++;
}

static void listen(struct life *me)
{
	struct bell_envelope env;
	struct message m;
	int64_t n;

	while ((n = bell_recv(me->bus, &m, sizeof(m), &env, 0)) >= 0) {
		must(env.peer < PEERS);
		must(env.incarnation == m.incarnation);
		check(me, env.peer, &m, (size_t)n);
	}
	must(n == -BELL_EAGAIN);
}

/* Its process is gone: it does nothing more, and then it is marked. */
static void die(struct life *me)
{
	there[me->self] = false;
	deaths++;
	while (shm_acquire(&me->bus->self->word) == me->bus->slot_word)
		sched_yield();
	bell_leave(me->bus);
	there[me->self] = true;
}

static void live(struct life *me)
{
	char name[8];
	struct bell_bus_config cfg = { .name = name, .wait = BELL_POLL };
	void *room;

	snprintf(name, sizeof(name), "p%u", me->self);
	must(bell_join(peers[me->self], &cfg, &me->bus) == 0);
	memset(me->next, 0, sizeof(me->next));
	for (uint32_t n = choose(me, TALKS); n > 0; n--) {
		say(me);
		listen(me);
		sched_yield(); /* so that they meet on one processor, too */
	}
	switch (choose(me, 3)) {
	case 0:
		bell_leave(me->bus);
		break;
	case 1:
		/* In the midst of writing, too. */
		(void)bell_reserve(me->bus,
				   &(struct bell_envelope){ .peer = (me->self + 1) % PEERS },
				   100, 0, &room);
		die(me);
		break;
	default:
		die(me);
	}
}

struct task {
	unsigned self, lives;
};

/* Until it was worth it; whether they meet is for the machine to say. */
static void *run(void *arg)
{
	const struct task *task = arg;
	struct life me = { .self = task->self, .seed = task->self + 1 };

	for (unsigned i = 0; i < task->lives || delivered < task->lives || freed == 0;
	     i++, lives++)
		live(&me);
	running--;
	return NULL;
}

static bool is_there(void *arg, uint32_t id)
{
	(void)arg;
	must(id < PEERS);
	return there[id];
}

static void ring(void *arg, uint32_t id, unsigned vector)
{
	(void)arg;
	(void)bell_ring(peers[0], id, vector);
}

static void begin(struct layout *l)
{
	struct layout_wish wish = { .slot_count = SLOTS, .link_count = LINKS };

	hub = fake_hub_new(REGION);
	must(layout_plan(REGION, &wish, l) == 0);
	layout_format(fake_hub_memory(hub), l, 42);
	must(layout_read(fake_hub_memory(hub), REGION, l) == 0);
	lives = deaths = delivered = freed = 0;
	running = PEERS;
	for (unsigned i = 0; i < PEERS; i++) {
		peers[i] = fake_hub_open(hub);
		there[i] = true;
	}
}

/* How many it marked. */
static unsigned sweep(const struct layout *l)
{
	struct steward_report now;

	steward_sweep(fake_hub_memory(hub), l, is_there, ring, NULL, &now);
	must(now.mended == 0);
	freed += now.freed;
	return now.marked;
}

static void must_be_empty(const struct layout *l)
{
	const void *memory = fake_hub_memory(hub);

	for (uint32_t i = 0; i < l->slot_count; i++) {
		uint64_t w = shm_acquire(&layout_slot(memory, l, i)->word);

		must(slot_state(w) == SLOT_FREE || slot_state(w) == SLOT_DEAD);
	}
	for (uint32_t i = 0; i < l->link_count; i++)
		must(shm_acquire(&layout_link(memory, l, i)->word) == 0);
}

void steward_lives(unsigned each)
{
	unsigned marked = 0;
	struct task tasks[PEERS];
	pthread_t threads[PEERS];
	struct layout l;

	begin(&l);
	for (unsigned i = 0; i < PEERS; i++) {
		tasks[i] = (struct task){ i, each };
		must(pthread_create(&threads[i], NULL, run, &tasks[i]) == 0);
	}
	while (running > 0) {
		marked += sweep(&l);
		sched_yield();
	}
	for (unsigned i = 0; i < PEERS; i++)
		must(pthread_join(threads[i], NULL) == 0);
	marked += sweep(&l);
	must_be_empty(&l);
	printf("# %u lives, %u deaths, %u links freed, %u messages\n", lives, marked,
	       freed, delivered);
	must(marked == deaths);
	for (unsigned i = 0; i < PEERS; i++)
		bell_close(peers[i]);
	fake_hub_free(hub);
}
