/* SPDX-License-Identifier: BSD-2-Clause */
#include "told.h"

#include "testing.h"

#include <poll.h>
#include <unistd.h>

struct told told;

static void on_interrupt(void *arg, unsigned vector)
{
	(void)arg;
	told.interrupts[vector]++;
}

static void on_peer(void *arg, uint32_t id, enum bell_peer_event event)
{
	(void)arg;
	switch (event) {
	case BELL_PEER_JOINED:
		told.joined[id]++;
		break;
	case BELL_PEER_LEFT:
		told.left[id]++;
		break;
	case BELL_SERVER_LOST:
		told.lost++;
		break;
	}
}

const struct port_sink told_sink = { on_interrupt, on_peer, NULL };

void told_wait(struct bell_port *port, const unsigned *counter, unsigned value)
{
	for (int i = 0; i < 100 && *counter < value; i++)
		ck_assert_int_ge(port->ops->wait(port, 100, &told_sink), 0);
	ck_assert_uint_eq(*counter, value);
}

uint64_t drain(int fd)
{
	uint64_t count = 0;
	struct pollfd p = { .fd = fd, .events = POLLIN };

	if (poll(&p, 1, 0) == 1)
		ck_assert_int_eq(read(fd, &count, sizeof(count)), sizeof(count));
	return count;
}
