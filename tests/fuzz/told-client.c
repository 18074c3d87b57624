/* SPDX-License-Identifier: BSD-2-Clause */
#include "told-client.h"

#include "hostile.h"
#include "proto.h"
#include "sockfd.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void drop_fd(struct told_client *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
}

void told_close(struct told_client *c)
{
	if (c->sock >= 0)
		close(c->sock);
	c->sock = -1;
	drop_fd(c);
}

bool told_connect(struct told_client *c, int door)
{
	struct sockaddr_un at;
	socklen_t len = sizeof(at);

	*c = (struct told_client){ .fd = -1 };
	always(getsockname(door, (struct sockaddr *)&at, &len) == 0);
	c->sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	always(c->sock >= 0);
	if (connect(c->sock, (const struct sockaddr *)&at, len) == 0)
		return true;
	always(errno == EAGAIN);
	told_close(c);
	return false;
}

bool told_is_greeted(const struct told_client *c)
{
	return c->messages > 3 && c->vectors[c->id] == TOLD_VECTORS;
}

/* Version, own id, memory; or why there is nothing of all that. */
static void first_messages(struct told_client *c, int64_t number)
{
	always((c->fd >= 0) == (c->messages == 2));
	if (c->messages == 0) {
		c->refused = number != PROTO_VERSION;
		always(!c->refused || (number >= PROTO_REFUSED_DRAINING &&
				       number <= PROTO_REFUSED_ACCESS));
	} else if (c->messages == 1) {
		always(number >= 0 && number < TOLD_IDS);
		c->id = (uint32_t)number;
	} else {
		always(number == PROTO_MEMORY);
	}
}

static void vector(struct told_client *c, int64_t id)
{
	always(!c->left[id]);
	always(c->vectors[id] < TOLD_VECTORS);
	/* Its own come last of a greeting: then all that were there are known. */
	if (!told_is_greeted(c) && id == c->id)
		for (uint32_t i = 0; i < TOLD_IDS; i++)
			always(i == c->id || c->vectors[i] % TOLD_VECTORS == 0);
	c->vectors[id]++;
}

static void leave(struct told_client *c, int64_t id)
{
	always(id != c->id && c->vectors[id] > 0);
	c->vectors[id] = 0;
	c->left[id] = true;
}

static void whole(struct told_client *c)
{
	uint64_t number = 0;

	always(!c->refused);
	for (size_t i = 0; i < sizeof(c->part); i++)
		number |= (uint64_t)c->part[i] << 8 * i;
	if (c->messages < 3) {
		first_messages(c, (int64_t)number);
	} else {
		always(number < TOLD_IDS);
		if (c->fd >= 0)
			vector(c, (int64_t)number);
		else
			leave(c, (int64_t)number);
	}
	drop_fd(c);
	c->messages++;
	c->have = 0;
}

bool told_read(struct told_client *c, size_t bytes)
{
	size_t room = sizeof(c->part) - c->have;
	int fd = -1, n;

	if (c->sock < 0 || c->ended || bytes == 0)
		return false;
	n = sockfd_recv(c->sock, c->part + c->have, bytes < room ? bytes : room, &fd);
	if (n == -BELL_EAGAIN)
		return false;
	if (n <= 0) {
		/* Closed with something unread in it, it is reset. */
		always(n == 0 || n == -BELL_EGONE);
		c->ended = true;
		return false;
	}
	always(fd == -1 || (fd >= 0 && c->have == 0 && c->fd < 0));
	if (fd >= 0)
		c->fd = fd;
	c->have += (size_t)n;
	if (c->have == sizeof(c->part))
		whole(c);
	return true;
}
