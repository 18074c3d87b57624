/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * layout-example ADDRESS - the example of doc/layout.md, from a real memory
 *
 * Prints the 16-byte lines of a bus that are not all zero: fresh, with a message
 * under way, and with the message received. test-examples.py compares.
 */
#include "bellring.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE 16u

static void must(int64_t rc, const char *what)
{
	if (rc >= 0)
		return;
	fprintf(stderr, "%s: %s: %s\n", what, bell_strerror((int)rc),
		bell_detail());
	exit(1);
}

static void dump(const struct bell_peer *peer, const char *title)
{
	static const unsigned char zero[LINE];
	size_t size;
	const unsigned char *memory = bell_memory(peer, &size);

	printf("== %s\n", title);
	for (size_t at = 0; at < size; at += LINE) {
		if (memcmp(memory + at, zero, LINE) == 0)
			continue;
		printf("%08zx ", at);
		for (size_t i = 0; i < LINE; i++)
			printf(" %02x", memory[at + i]);
		printf("\n");
	}
}

static struct bell_bus *join(struct bell_peer *peer, const char *name)
{
	struct bell_bus_config cfg = { .name = name };
	struct bell_bus *bus = NULL;

	must(bell_join(peer, &cfg, &bus), name);
	return bus;
}

/* Receives what is there, and leaves the bus armed and asleep. */
static int drain(struct bell_bus *bus)
{
	char buf[64];
	int n = 0;

	while (bell_recv(bus, buf, sizeof(buf), NULL, 0) >= 0)
		n++;
	return n;
}

int main(int argc, char **argv)
{
	struct bell_peer *host, *web;
	struct bell_bus *from, *to;
	struct bell_envelope env = { .tag = 7 };

	if (argc != 2) {
		fprintf(stderr, "usage: layout-example ADDRESS\n");
		return 2;
	}
	must(bell_open(argv[1], -1, &host), "open");
	must(bell_open(argv[1], -1, &web), "open");
	dump(host, "fresh");
	to = join(web, "web-1");
	from = join(host, "host");
	drain(to);
	env.peer = bell_id(web);
	must(bell_post(from, &env, "hello", 5, 0), "post");
	dump(host, "sent");
	must(drain(to) == 1 ? 0 : -BELL_EAGAIN, "receive");
	dump(host, "received");
	bell_leave(from);
	bell_leave(to);
	bell_close(host);
	bell_close(web);
	return 0;
}
