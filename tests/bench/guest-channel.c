/* SPDX-License-Identifier: BSD-2-Clause */
#include "guest-channel.h"

#include "bellring.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SERVING "echo"

struct channel {
	int fd; /* -1: on the bus */
	struct bell_peer *peer;
	struct bell_bus *bus;
	uint32_t other;
};

void fail(const char *format, ...)
{
	va_list args;

	fputs("guest-echo: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(EXIT_FAILURE);
}

static void no_answer(int number)
{
	static const char text[] = "guest-echo: the other side does not answer\n";

	(void)number;
	(void)!write(STDERR_FILENO, text, sizeof(text) - 1);
	_exit(EXIT_FAILURE);
}

void channel_watch(unsigned seconds)
{
	signal(SIGALRM, no_answer);
	alarm(seconds);
}

/* ---- opening ------------------------------------------------------------------- */

static void check(int rc, const char *what)
{
	if (rc < 0)
		fail("%s: %s: %s", what, bell_strerror(rc), bell_detail());
}

static void open_bus(struct channel *c, const char *address, bool serving)
{
	struct bell_bus_config config = { .name = serving ? SERVING : NULL };

	check(bell_open(address, -1, &c->peer), address);
	check(bell_join(c->peer, &config, &c->bus), "joining");
	if (!serving)
		check(bell_await_peer(c->bus, SERVING, PATIENCE_S * 1000, &c->other),
		      "waiting for " SERVING);
}

static void no_delay(int fd)
{
	int on = 1;

	if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) < 0)
		fail("TCP_NODELAY: %s", strerror(errno));
}

static struct sockaddr_in at_port(const char *text)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
				     .sin_port = htons((uint16_t)atoi(text)) };
}

static void say_ready(void)
{
	puts("ready");
	fflush(stdout);
}

static int accept_one(const char *port)
{
	struct sockaddr_in at = at_port(port);
	int listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int on = 1, fd;

	setsockopt(listening, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(listening, (struct sockaddr *)&at, sizeof(at)) < 0 ||
	    listen(listening, 1) < 0)
		fail("listening on port %s: %s", port, strerror(errno));
	say_ready();
	fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
	if (fd < 0)
		fail("accepting on port %s: %s", port, strerror(errno));
	close(listening);
	no_delay(fd);
	return fd;
}

static int connect_to(const char *host_and_port)
{
	const char *colon = strchr(host_and_port, ':');
	char host[64];
	struct sockaddr_in at;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (!colon)
		fail("%s: no port", host_and_port);
	snprintf(host, sizeof(host), "%.*s", (int)(colon - host_and_port), host_and_port);
	at = at_port(colon + 1);
	if (inet_pton(AF_INET, host, &at.sin_addr) != 1 ||
	    connect(fd, (struct sockaddr *)&at, sizeof(at)) < 0)
		fail("connecting to %s: %s", host_and_port, strerror(errno));
	no_delay(fd);
	return fd;
}

static int open_device(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		fail("%s: %s", path, strerror(errno));
	return fd;
}

/* What follows the scheme, or NULL. */
static const char *after(const char *address, const char *scheme)
{
	size_t len = strlen(scheme);

	return strncmp(address, scheme, len) == 0 ? address + len : NULL;
}

static void open_any(struct channel *c, const char *address, bool serving)
{
	const char *rest;

	if ((rest = after(address, "bus:")))
		open_bus(c, rest, serving);
	else if ((rest = after(address, "fd:")))
		c->fd = dup(atoi(rest));
	else if ((rest = after(address, "dev:")))
		c->fd = open_device(rest);
	else if ((rest = after(address, "tcp:")))
		c->fd = connect_to(rest);
	else if ((rest = after(address, "listen:")))
		c->fd = accept_one(rest);
	else
		fail("%s: no such channel", address);
	if (!c->bus && c->fd < 0)
		fail("%s: %s", address, strerror(errno));
}

struct channel *channel_open(const char *address, bool serving)
{
	struct channel *c = calloc(1, sizeof(*c));

	if (!c)
		fail("out of memory");
	c->fd = -1;
	channel_watch(serving ? 0 : PATIENCE_S);
	open_any(c, address, serving);
	if (serving && !after(address, "listen:"))
		say_ready();
	return c;
}

void channel_close(struct channel *c)
{
	bell_leave(c->bus);
	bell_close(c->peer);
	if (c->fd >= 0)
		close(c->fd);
	free(c);
}

/* ---- messages ------------------------------------------------------------------- */

static void stream_send(int fd, const char *data, size_t size)
{
	while (size > 0) {
		ssize_t n = write(fd, data, size);

		if (n <= 0)
			fail("write: %s", n == 0 ? "nothing taken" : strerror(errno));
		data += n;
		size -= (size_t)n;
	}
}

static bool stream_recv(int fd, char *data, size_t size)
{
	while (size > 0) {
		ssize_t n = read(fd, data, size);

		if (n < 0)
			fail("read: %s", strerror(errno));
		if (n == 0)
			return false;
		data += n;
		size -= (size_t)n;
	}
	return true;
}

static void bus_recv(struct channel *c, void *data, size_t size)
{
	struct bell_envelope env;
	int64_t n = bell_recv(c->bus, data, size, &env, -1);

	if (n < 0)
		fail("receiving: %s: %s", bell_strerror((int)n), bell_detail());
	if ((size_t)n != size)
		fail("a message of %lld bytes, not %zu", (long long)n, size);
	c->other = env.peer;
}

void channel_send(struct channel *c, const void *data, size_t size)
{
	if (c->bus)
		check(bell_send(c->bus, c->other, data, size, -1), "sending");
	else
		stream_send(c->fd, data, size);
}

bool channel_recv(struct channel *c, void *data, size_t size)
{
	if (!c->bus)
		return stream_recv(c->fd, data, size);
	bus_recv(c, data, size);
	return true;
}

uint64_t channel_doorbells(const struct channel *c)
{
	struct bell_stats stats = { 0 };

	if (c->bus)
		bell_get_stats(c->bus, &stats);
	return stats.doorbells;
}
