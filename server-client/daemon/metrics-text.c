/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "metrics-text.h"

#include "inspect.h"
#include "os.h"

#include <event2/buffer.h>

/* Made of all peers. */
struct sums {
	uint64_t queued_bytes;
	uint64_t queued_largest;
	uint64_t on_bus;
};

struct page {
	struct evbuffer *out;
	bool failed;
};

static void add_peer(void *arg, const struct inspect_peer *peer)
{
	struct sums *sums = arg;

	sums->queued_bytes += peer->queued_bytes;
	if (peer->queued_bytes > sums->queued_largest)
		sums->queued_largest = peer->queued_bytes;
	sums->on_bus += peer->slot >= 0;
}

static void metric(struct page *p, const char *type, const char *name,
		   const char *help, uint64_t value)
{
	if (evbuffer_add_printf(p->out,
				"# HELP bellring_%s %s\n# TYPE bellring_%s %s\n"
				"bellring_%s %llu\n",
				name, help, name, type, name,
				(unsigned long long)value) < 0)
		p->failed = true;
}

static void gauge(struct page *p, const char *name, const char *help,
		  uint64_t value)
{
	metric(p, "gauge", name, help, value);
}

static void counter(struct page *p, const char *name, const char *help,
		    uint64_t value)
{
	metric(p, "counter", name, help, value);
}

/* The labels' values are ours, and need no escapes. */
static void put_build(struct page *p, const struct inspect_status *s)
{
	if (evbuffer_add_printf(p->out,
				"# HELP bellring_build_info Always 1; what serves, and what memory.\n"
				"# TYPE bellring_build_info gauge\n"
				"bellring_build_info{version=\"%s\",memory=\"%s\",store=\"%s\"} 1\n",
				PACKAGE_VERSION, s->memory_kind, s->store) < 0)
		p->failed = true;
}

static void put_peers(struct page *p, const struct inspect_status *s,
		      const struct sums *sums)
{
	gauge(p, "peers", "Peers that are connected.", s->peers);
	gauge(p, "peers_max", "Peers that may be connected at once.", s->peers_max);
	gauge(p, "peers_on_bus", "Peers that have joined the bus.", sums->on_bus);
	gauge(p, "ids_left", "Ids that newcomers can be given now.", s->ids_left);
	gauge(p, "queued_bytes", "Bytes that peers have not been sent yet.",
	      sums->queued_bytes);
	gauge(p, "queued_largest_bytes",
	      "Bytes that the slowest peer has not been sent yet.",
	      sums->queued_largest);
	gauge(p, "descriptors", "Descriptors that peers hold in the server.",
	      s->descriptors);
	gauge(p, "descriptors_max", "Descriptors that the server may have.",
	      s->descriptors_max);
}

static void put_memory(struct page *p, const struct inspect_status *s)
{
	gauge(p, "memory_bytes", "Size of the shared memory.", s->memory_size);
	gauge(p, "memory_sealed", "1 if nobody can cut the memory short.",
	      s->memory_sealed);
	gauge(p, "bus", "1 if a bus is in the memory, and its header is whole.",
	      s->bus);
	gauge(p, "bus_bytes", "Size of the bus.", s->bus_size);
	gauge(p, "slots", "Room for peers on the bus.", s->slots);
	gauge(p, "slots_live", "Slots that live peers have.", s->slots_live);
	gauge(p, "links", "Rings on the bus.", s->links);
	gauge(p, "links_open", "Rings that are in use.", s->links_open);
}

static void put_counters(struct page *p, const struct inspect_counters *c)
{
	counter(p, "joins_total", "Peers that joined.", c->joins);
	counter(p, "leaves_total", "Peers that left of themselves.", c->leaves);
	counter(p, "drops_total", "Peers that the server dropped.", c->drops);
	counter(p, "refusals_total", "Clients that were refused before they joined.",
		c->refusals);
	counter(p, "accept_pauses_total",
		"Pauses of accepting, for want of descriptors or memory.",
		c->accept_pauses);
	counter(p, "messages_total", "Messages of the server's protocol that were sent.",
		c->messages);
	counter(p, "marked_dead_total", "Slots of the bus that were marked dead.",
		c->marked_dead);
	counter(p, "links_freed_total", "Rings that were given back for the dead.",
		c->links_freed);
	counter(p, "restarts_total", "Restarts that kept the peers.", c->restarts);
}

int metrics_text(struct server *server, struct evbuffer *out)
{
	struct inspect_status status;
	struct page page = { .out = out };
	struct sums sums = { 0 };
	uint64_t now;

	inspect_status(server, &status);
	inspect_peers(server, add_peer, &sums);
	now = os_now_ns();
	put_build(&page, &status);
	gauge(&page, "uptime_seconds", "Since the first start; restarts that keep the "
	      "peers go on counting.",
	      now > status.started_ns ? (now - status.started_ns) / 1000000000u : 0);
	gauge(&page, "draining", "1 while newcomers are refused.", status.draining);
	put_peers(&page, &status, &sums);
	put_memory(&page, &status);
	put_counters(&page, &status.counters);
	return page.failed ? -BELL_ENOMEM : 0;
}
