/* SPDX-License-Identifier: BSD-2-Clause */
#define _GNU_SOURCE /* pthread */

#include "crowd.h"

#include "error.h"
#include "fd.h"
#include "os.h"
#include "proto.h"
#include "sockfd.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define PATIENCE_MS 20000
#define EVENTS 64

struct client {
	int sock;
	unsigned char part[PROTO_SIZE];
	size_t have;
	bool fd_came;
	unsigned messages; /* until the id has come */
	int64_t id;
	unsigned vectors;          /* own ones that came */
	_Atomic unsigned of_others; /* of those that it has not seen leave */
};

struct crowd {
	struct sockaddr_un at;
	unsigned vectors;
	struct client *clients;
	unsigned count;
	int epoll_fd;
	pthread_t reader;
};

static void die(const char *what)
{
	fprintf(stderr, "bench-server: %s: %s\n", what, strerror(errno));
	exit(EXIT_FAILURE);
}

/* Version, own id, the memory, and then vectors (with an eventfd) and leaves. */
static void take(const struct crowd *crowd, struct client *c)
{
	int64_t number;

	memcpy(&number, c->part, sizeof(number));
	c->have = 0;
	if (c->messages < 3)
		c->messages++;
	if (c->messages == 2)
		c->id = number;
	if (c->messages < 3 || number < 0)
		return;
	if (!c->fd_came)
		c->of_others -= crowd->vectors;
	else if (number == c->id)
		c->vectors++;
	else
		c->of_others++;
}

/* 1: a message is there; 0: nothing now; -1: the server has closed. */
static int receive(struct client *c)
{
	int fd, n;

	if (c->have == 0)
		c->fd_came = false;
	n = sockfd_recv(c->sock, c->part + c->have, PROTO_SIZE - c->have, &fd);
	if (n == -BELL_EAGAIN)
		return 0;
	if (n <= 0)
		return -1;
	if (fd >= 0) {
		c->fd_came = true;
		fd_close(&fd);
	}
	c->have += (size_t)n;
	return c->have == PROTO_SIZE ? 1 : 0;
}

static void *read_all(void *arg)
{
	struct crowd *crowd = arg;
	struct epoll_event ev[EVENTS];

	for (;;) {
		int n = epoll_wait(crowd->epoll_fd, ev, EVENTS, -1);

		for (int i = 0; i < n; i++) {
			struct client *c = ev[i].data.ptr;

			if (!c)
				return NULL;
			while (receive(c) > 0)
				take(crowd, c);
		}
	}
}

static int try_connect(const struct crowd *crowd)
{
	int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (sock < 0)
		die("socket");
	if (connect(sock, (const struct sockaddr *)&crowd->at, sizeof(crowd->at)) == 0)
		return sock;
	(void)fd_close(&sock);
	return -1;
}

/* To a server that is only just starting, too. */
static int dial(const struct crowd *crowd)
{
	int sock;

	for (int ms = 0; ms < PATIENCE_MS; ms++) {
		sock = try_connect(crowd);
		if (sock >= 0)
			return sock;
		(void)poll(NULL, 0, 1);
	}
	return -1;
}

/* False: the server closed, or was silent. */
static bool be_greeted(const struct crowd *crowd, struct client *c)
{
	struct pollfd p = { c->sock, POLLIN, 0 };

	while (c->vectors < crowd->vectors) {
		int n = receive(c);

		if (n > 0)
			take(crowd, c);
		else if (n < 0 || poll(&p, 1, PATIENCE_MS) <= 0)
			return false;
	}
	return true;
}

static bool come(const struct crowd *crowd, struct client *c)
{
	*c = (struct client){ .sock = dial(crowd) };
	return c->sock >= 0 && be_greeted(crowd, c);
}

struct crowd *crowd_new(const char *socket_path, unsigned vectors)
{
	struct crowd *c = calloc(1, sizeof(*c));

	if (!c || strlen(socket_path) >= sizeof(c->at.sun_path))
		die(socket_path);
	c->at.sun_family = AF_UNIX;
	strcpy(c->at.sun_path, socket_path);
	c->vectors = vectors;
	c->clients = calloc(PROTO_IDS, sizeof(c->clients[0]));
	c->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (!c->clients || c->epoll_fd < 0)
		die("out of memory");
	if (pthread_create(&c->reader, NULL, read_all, c) != 0)
		die("pthread_create");
	return c;
}

/* Its end is an event without a client. */
static void stop_reader(struct crowd *c)
{
	struct epoll_event ev = { .events = EPOLLIN };
	int ends[2];

	if (pipe(ends) < 0 || epoll_ctl(c->epoll_fd, EPOLL_CTL_ADD, ends[0], &ev) < 0 ||
	    write(ends[1], "", 1) != 1)
		die("pipe");
	pthread_join(c->reader, NULL);
	fd_close(&ends[0]);
	fd_close(&ends[1]);
}

void crowd_free(struct crowd *c)
{
	stop_reader(c);
	for (unsigned i = 0; i < c->count; i++)
		fd_close(&c->clients[i].sock);
	fd_close(&c->epoll_fd);
	free(c->clients);
	free(c);
}

/* All know of all, and of nobody else: 0. Or they do not hear of it, -1. */
static int settle(struct crowd *c)
{
	unsigned wanted = (c->count - 1) * c->vectors;
	int ms = 0;

	for (unsigned i = 0; i < c->count; i++)
		for (; c->clients[i].of_others != wanted; ms++) {
			if (ms == PATIENCE_MS)
				return -1;
			(void)poll(NULL, 0, 1);
		}
	return 0;
}

int crowd_grow(struct crowd *c, unsigned count)
{
	while (c->count < count) {
		struct client *one = &c->clients[c->count];
		struct epoll_event ev = { .events = EPOLLIN, .data.ptr = one };

		if (!come(c, one)) {
			fd_close(&one->sock);
			return -1;
		}
		if (epoll_ctl(c->epoll_fd, EPOLL_CTL_ADD, one->sock, &ev) < 0)
			die("epoll_ctl");
		c->count++;
	}
	return settle(c);
}

uint64_t crowd_visit(struct crowd *c)
{
	uint64_t began = os_now_ns(), took;
	struct client visitor;
	bool greeted = come(c, &visitor);

	took = os_now_ns() - began;
	fd_close(&visitor.sock);
	return greeted && settle(c) == 0 ? took : 0;
}
