/* SPDX-License-Identifier: BSD-2-Clause */
#include "fake-port.h"

#include "atomic.h"
#include "error.h"
#include "eventset.h"
#include "fd.h"
#include "testing.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#define NEWS 64

struct fake_end {
	struct bell_port port;
	struct fake_hub *hub;
	struct eventset set;
	int news_fd;
	struct {
		uint32_t id;
		enum bell_peer_event event;
	} news[NEWS];
	unsigned news_count;
	bool wanted[FAKE_VECTORS];
	struct port_step *will;
	size_t steps;
};

struct fake_hub {
	pthread_mutex_t lock;
	void *memory;
	size_t size;
	struct fake_end *ends[FAKE_ENDS]; /* NULL: never joined, or left */
	uint32_t next_id;
	_Atomic unsigned rings;
};

extern const struct bell_port_ops bell_port_fake, bell_port_fake_process;

struct fake_hub *fake_hub_new(size_t size)
{
	struct fake_hub *hub = calloc(1, sizeof(*hub));

	must(hub != NULL);
	pthread_mutex_init(&hub->lock, NULL);
	hub->size = size;
	hub->memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	must(hub->memory != MAP_FAILED);
	return hub;
}

void fake_hub_free(struct fake_hub *hub)
{
	munmap(hub->memory, hub->size);
	pthread_mutex_destroy(&hub->lock);
	free(hub);
}

void *fake_hub_memory(struct fake_hub *hub)
{
	return hub->memory;
}

unsigned fake_hub_rings(const struct fake_hub *hub)
{
	return hub->rings;
}

static void signal_fd(int fd)
{
	uint64_t one = 1;

	must(write(fd, &one, sizeof(one)) == sizeof(one));
}

static void tell_others(struct fake_hub *hub, uint32_t id,
			enum bell_peer_event event)
{
	for (int i = 0; i < FAKE_ENDS; i++) {
		struct fake_end *end = hub->ends[i];

		if (!end || end->port.id == id || end->news_count == NEWS)
			continue;
		end->news[end->news_count].id = id;
		end->news[end->news_count++].event = event;
		signal_fd(end->news_fd);
	}
}

static struct fake_end *new_end(struct fake_hub *hub, const struct bell_port_ops *ops)
{
	struct fake_end *end = calloc(1, sizeof(*end));

	must(end != NULL);
	end->port = (struct bell_port){ .ops = ops,
					.memory = hub->memory,
					.size = hub->size,
					.vectors = FAKE_VECTORS,
					.kind = BELL_KIND_HOST };
	end->hub = hub;
	must(eventset_init(&end->set) == 0);
	for (unsigned v = 0; v < FAKE_VECTORS; v++) {
		int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

		must(eventset_add_vector(&end->set, v, &fd) == 0);
	}
	end->news_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	must(eventset_add_other(&end->set, EVENTSET_OTHER, end->news_fd) == 0);
	return end;
}

struct bell_peer *fake_hub_open(struct fake_hub *hub)
{
	struct fake_end *end = new_end(hub, &bell_port_fake);
	struct bell_peer *peer;

	memset(end->wanted, true, sizeof(end->wanted));
	pthread_mutex_lock(&hub->lock);
	must(hub->next_id < FAKE_ENDS);
	end->port.id = hub->next_id++;
	hub->ends[end->port.id] = end;
	tell_others(hub, end->port.id, BELL_PEER_JOINED);
	pthread_mutex_unlock(&hub->lock);
	must(peer_from_port(&end->port, &peer) == 0);
	return peer;
}

struct bell_peer *fake_hub_open_process(struct fake_hub *hub, uint32_t device,
					uint32_t process)
{
	struct fake_end *end = new_end(hub, &bell_port_fake_process);
	struct bell_peer *peer;
	int i = FAKE_ENDS - 1;

	end->port.id = device | process << 16;
	pthread_mutex_lock(&hub->lock);
	while (hub->ends[i])
		i--;
	hub->ends[i] = end;
	pthread_mutex_unlock(&hub->lock);
	must(peer_from_port(&end->port, &peer) == 0);
	return peer;
}

static struct fake_end *end_of(const struct bell_port *port)
{
	return (struct fake_end *)(uintptr_t)port;
}

static int fake_ring(struct bell_port *port, uint32_t id, unsigned vector)
{
	struct fake_hub *hub = end_of(port)->hub;
	int rc = -BELL_ENOPEER;

	pthread_mutex_lock(&hub->lock);
	for (int i = 0; i < FAKE_ENDS && vector < FAKE_VECTORS; i++) {
		struct fake_end *end = hub->ends[i];

		if (!end || BELL_ID_DEVICE(end->port.id) != id)
			continue;
		rc = 0;
		if (end->wanted[vector])
			signal_fd(end->set.vector_fd[vector]);
	}
	hub->rings += rc == 0;
	pthread_mutex_unlock(&hub->lock);
	return rc < 0 ? error_detail(BELL_ENOPEER, "no end %u", id) : 0;
}

static bell_handle_t fake_handle(const struct bell_port *port)
{
	return end_of(port)->set.epoll_fd;
}

static int tell_news(struct fake_end *end, const struct port_sink *sink)
{
	struct fake_end copy;
	uint64_t count;

	pthread_mutex_lock(&end->hub->lock);
	(void)!read(end->news_fd, &count, sizeof(count));
	memcpy(copy.news, end->news, sizeof(copy.news));
	copy.news_count = end->news_count;
	end->news_count = 0;
	pthread_mutex_unlock(&end->hub->lock);
	/* Unlocked: whoever is told may ring. */
	for (unsigned i = 0; i < copy.news_count; i++)
		sink->peer(sink->arg, copy.news[i].id, copy.news[i].event);
	return (int)copy.news_count;
}

static int fake_wait(struct bell_port *port, int timeout_ms,
		     const struct port_sink *sink)
{
	struct fake_end *end = end_of(port);
	uint32_t tags[FAKE_VECTORS + 1];
	int n = eventset_wait(&end->set, timeout_ms, tags, FAKE_VECTORS + 1);

	for (int i = 0; i < n; i++) {
		if (tags[i] < EVENTSET_OTHER)
			sink->interrupt(sink->arg, tags[i]);
		else
			(void)tell_news(end, sink);
	}
	return n;
}

static size_t fake_peers(const struct bell_port *port, struct bell_peer_info *list,
			 size_t max)
{
	struct fake_hub *hub = end_of(port)->hub;
	size_t n = 0;

	pthread_mutex_lock(&hub->lock);
	for (uint32_t i = 0; i < FAKE_ENDS; i++) {
		if (!hub->ends[i] || hub->ends[i]->port.id != i || i == port->id)
			continue;
		if (n < max)
			list[n] = (struct bell_peer_info){ .id = i,
							   .vectors = FAKE_VECTORS };
		n++;
	}
	pthread_mutex_unlock(&hub->lock);
	return n;
}

static void fake_close(struct bell_port *port)
{
	struct fake_end *end = end_of(port);
	struct fake_hub *hub = end->hub;

	pthread_mutex_lock(&hub->lock);
	for (int i = 0; i < FAKE_ENDS; i++)
		if (hub->ends[i] == end)
			hub->ends[i] = NULL;
	tell_others(hub, port->id, BELL_PEER_LEFT);
	pthread_mutex_unlock(&hub->lock);
	fd_close(&end->news_fd);
	eventset_done(&end->set);
	free(end->will);
	free(end);
}

static int process_listen(struct bell_port *port, unsigned vector)
{
	end_of(port)->wanted[vector] = true;
	return 0;
}

static int process_will(struct bell_port *port, const struct port_step *steps,
			size_t count)
{
	struct fake_end *end = end_of(port);

	free(end->will);
	end->will = calloc(count + 1, sizeof(*steps));
	must(end->will != NULL);
	if (count > 0)
		memcpy(end->will, steps, count * sizeof(*steps));
	end->steps = count;
	return 0;
}

static void ring_at(struct fake_end *end, const struct port_step *s, uint64_t who)
{
	shm_u64 *vector = (shm_u64 *)((uintptr_t)end->hub->memory + (uintptr_t)s->b);

	if ((who & 15) == s->a)
		(void)fake_ring(&end->port, who >> s->shift & BELL_ID_DEVICE_MAX,
				(uint32_t)shm_acquire(vector));
}

void fake_process_die(struct bell_peer *peer)
{
	struct fake_end *end = end_of(peer->port);

	bool on = true;

	for (size_t i = 0; on && i < end->steps; i++) {
		const struct port_step *s = &end->will[i];
		shm_u64 *word = (shm_u64 *)((uintptr_t)end->hub->memory +
					   (uintptr_t)s->offset);

		if (s->what == PORT_WILL_REPLACE)
			(void)shm_cas(word, s->a, s->b);
		else if (s->what == PORT_WILL_OR)
			(void)shm_fetch_or(word, s->a);
		else if (s->what == PORT_WILL_IF)
			on = shm_acquire(word) == s->a;
		else if (s->what == PORT_WILL_RING)
			(void)fake_ring(peer->port, (uint32_t)s->a, (unsigned)s->b);
		else
			ring_at(end, s, shm_acquire(word));
	}
	end->steps = 0;
	fake_close(peer->port);
	free(peer);
}

/* As if the module told which numbers are open. */
static bool process_there(const struct bell_port *port, uint32_t id)
{
	struct fake_hub *hub = end_of(port)->hub;
	bool there = BELL_ID_DEVICE(id) != BELL_ID_DEVICE(port->id);

	pthread_mutex_lock(&hub->lock);
	for (int i = 0; i < FAKE_ENDS; i++)
		there = there || (hub->ends[i] && hub->ends[i]->port.id == id);
	pthread_mutex_unlock(&hub->lock);
	return there;
}

static int fake_open(const char *rest, int timeout_ms, struct bell_port **out)
{
	(void)timeout_ms;
	(void)out;
	return error_detail(BELL_EUNSUP, "fake:%s: opened by fake_hub_open() only",
			    rest);
}

const struct bell_port_ops bell_port_fake = {
	.name = "fake",
	.scheme = "fake",
	.open = fake_open,
	.ring = fake_ring,
	.handle = fake_handle,
	.wait = fake_wait,
	.peers = fake_peers,
	.close = fake_close,
};

const struct bell_port_ops bell_port_fake_process = {
	.name = "fake",
	.scheme = "fake",
	.open = fake_open,
	.ring = fake_ring,
	.handle = fake_handle,
	.wait = fake_wait,
	.peers = NULL,
	.close = fake_close,
	.listen = process_listen,
	.will = process_will,
	.there = process_there,
};
