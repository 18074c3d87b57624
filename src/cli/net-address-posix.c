/* SPDX-License-Identifier: BSD-2-Clause */
/* Addresses: looked up, listened on, connected to. */
#include "config.h"
#include "net.h"
#include "net-lookup.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define NUMBERS_MAX 8
#define BACKLOG 128
#define SOCKET_MODE 0600

struct number {
	union {
		struct sockaddr any;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
		struct sockaddr_un un;
	} a;
	socklen_t len;
};

struct net_address {
	struct number numbers[NUMBERS_MAX];
	size_t count;
	/* The socket's file that net_listen() made. */
	dev_t dev;
	ino_t ino;
};

/* ---- looking up ---- */

static void add(struct net_address *a, const void *address, socklen_t len)
{
	if (a->count == NUMBERS_MAX || len > sizeof(a->numbers[0].a))
		return;
	memcpy(&a->numbers[a->count].a, address, len);
	a->numbers[a->count++].len = len;
}

static void add_unix(struct net_address *a, const char *path)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };

	_Static_assert(sizeof(un.sun_path) == ENDPOINT_PATH, "unix(7)");
	memcpy(un.sun_path, path, strlen(path) + 1);
	add(a, &un, sizeof(un));
}

/* Without the resolver: also where it has no files to read, as in a guest. */
static void add_localhost(struct net_address *a, uint16_t port)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(port),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6,
				    .sin6_port = htons(port),
				    .sin6_addr = IN6ADDR_LOOPBACK_INIT };

	add(a, &in, sizeof(in));
	add(a, &in6, sizeof(in6));
}

static bool add_number(struct net_address *a, const char *host, uint16_t port)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6,
				    .sin6_port = htons(port) };

	if (inet_pton(AF_INET, host, &in.sin_addr) == 1)
		add(a, &in, sizeof(in));
	else if (inet_pton(AF_INET6, host, &in6.sin6_addr) == 1)
		add(a, &in6, sizeof(in6));
	return a->count > 0;
}

static void add_found(void *arg, const struct sockaddr *address, unsigned len)
{
	add(arg, address, (socklen_t)len);
}

struct net_address *net_resolve(const struct endpoint *e, const char **why)
{
	struct net_address *a = calloc(1, sizeof(*a));
	uint16_t port;

	if (!a) {
		*why = net_why();
		return NULL;
	}
	port = (uint16_t)strtoul(e->port, NULL, 10);
	if (e->kind == ENDPOINT_UNIX) {
		add_unix(a, e->path);
	} else if (strcmp(e->host, "localhost") == 0) {
		add_localhost(a, port);
	} else if (!add_number(a, e->host, port) &&
		   !net_lookup(e, add_found, a, why)) {
		net_address_free(a);
		return NULL;
	}
	return a;
}

void net_address_free(struct net_address *a)
{
	free(a);
}

size_t net_address_count(const struct net_address *a)
{
	return a->count;
}

/* "tcp:127.0.0.1:80"; "unix:PATH", or "a UNIX socket" without a name. */
static void print_number(const struct number *n, char text[ENDPOINT_TEXT])
{
	char host[INET6_ADDRSTRLEN] = "?";

	switch (n->a.any.sa_family) {
	case AF_INET:
		inet_ntop(AF_INET, &n->a.in.sin_addr, host, sizeof(host));
		snprintf(text, ENDPOINT_TEXT, "tcp:%s:%u", host,
			 ntohs(n->a.in.sin_port));
		break;
	case AF_INET6:
		inet_ntop(AF_INET6, &n->a.in6.sin6_addr, host, sizeof(host));
		snprintf(text, ENDPOINT_TEXT, "tcp:[%s]:%u", host,
			 ntohs(n->a.in6.sin6_port));
		break;
	default:
		if (n->len > offsetof(struct sockaddr_un, sun_path) &&
		    n->a.un.sun_path[0])
			snprintf(text, ENDPOINT_TEXT, "unix:%.*s",
				 ENDPOINT_PATH - 1, n->a.un.sun_path);
		else
			snprintf(text, ENDPOINT_TEXT, "a UNIX socket");
	}
}

/* ---- listening ---- */

static int new_socket(int family)
{
	int on = 1, fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return errno == EMFILE || errno == ENFILE ? -BELL_ENOSPC : -BELL_EIO;
	/* What comes is passed on at once: Nagle would only delay it. */
	if (family != AF_UNIX)
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return fd;
}

static int close_failed(int fd, int code)
{
	int saved = errno;

	close(fd);
	errno = saved;
	return code;
}

/*
 * Is it a socket where nobody listens? Only a refusal says so; a file that is no
 * socket refuses too.
 */
static bool is_stale(const struct number *n)
{
	struct stat st;
	bool refused;
	int fd;

	if (lstat(n->a.un.sun_path, &st) < 0 || !S_ISSOCK(st.st_mode))
		return false;
	fd = new_socket(AF_UNIX);
	if (fd < 0)
		return false;
	refused = connect(fd, &n->a.any, n->len) < 0 && errno == ECONNREFUSED;
	close(fd);
	return refused;
}

static int bind_unix(int fd, const struct number *n)
{
	/* From its first moment on: a mode set later would come too late. */
	mode_t before = umask(0777 & ~SOCKET_MODE);
	int rc = bind(fd, &n->a.any, n->len);

	if (rc < 0 && errno == EADDRINUSE) {
		if (is_stale(n) && unlink(n->a.un.sun_path) == 0)
			rc = bind(fd, &n->a.any, n->len);
		else
			errno = EADDRINUSE;
	}
	umask(before);
	return rc;
}

static int bind_any(int fd, const struct number *n)
{
	int on = 1;

	if (n->a.any.sa_family == AF_UNIX)
		return bind_unix(fd, n);
	/* Else the port is blocked for a minute by what was connected before. */
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	return bind(fd, &n->a.any, n->len);
}

static void note_file(struct net_address *a)
{
	struct stat st;

	if (lstat(a->numbers[0].a.un.sun_path, &st) < 0)
		return;
	a->dev = st.st_dev;
	a->ino = st.st_ino;
}

int net_listen(struct net_address *a, net_t *out, char text[ENDPOINT_TEXT])
{
	const struct number *n = &a->numbers[0];
	struct number bound = { .len = sizeof(bound.a) };
	int fd = new_socket(n->a.any.sa_family);

	if (fd < 0)
		return fd;
	if (bind_any(fd, n) < 0)
		return close_failed(fd, errno == EADDRINUSE ? -BELL_EBUSY :
							      -BELL_EIO);
	if (listen(fd, BACKLOG) < 0 ||
	    getsockname(fd, &bound.a.any, &bound.len) < 0)
		return close_failed(fd, -BELL_EIO);
	if (n->a.any.sa_family == AF_UNIX)
		note_file(a);
	print_number(&bound, text);
	*out = fd;
	return 0;
}

void net_unlisten(const struct net_address *a, net_t *fd)
{
	const struct number *n = &a->numbers[0];
	struct stat st;

	if (*fd >= 0 && n->a.any.sa_family == AF_UNIX &&
	    lstat(n->a.un.sun_path, &st) == 0 && st.st_dev == a->dev &&
	    st.st_ino == a->ino)
		(void)unlink(n->a.un.sun_path);
	net_close(fd);
}

int net_accept(net_t listener, net_t *out, char who[ENDPOINT_TEXT])
{
	struct number n = { .len = sizeof(n.a) };
	int fd, on = 1;

	do
		fd = accept4(listener, &n.a.any, &n.len, SOCK_CLOEXEC | SOCK_NONBLOCK);
	while (fd < 0 && (errno == EINTR || errno == ECONNABORTED));
	if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
		       errno == ENOMEM))
		return -BELL_ENOSPC;
	if (fd < 0)
		return errno == EAGAIN ? -BELL_EAGAIN : -BELL_EIO;
	if (n.a.any.sa_family != AF_UNIX)
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	print_number(&n, who);
	*out = fd;
	return 0;
}

/* ---- connecting ---- */

int net_connect(const struct net_address *a, size_t i, net_t *out)
{
	const struct number *n = &a->numbers[i];
	int fd = new_socket(n->a.any.sa_family);

	if (fd < 0)
		return -BELL_EIO;
	if (connect(fd, &n->a.any, n->len) < 0 && errno != EINPROGRESS &&
	    errno != EINTR)
		return close_failed(fd, errno == EAGAIN ? -BELL_EAGAIN : -BELL_EIO);
	*out = fd;
	return 0;
}

int net_connected(net_t fd)
{
	socklen_t len = sizeof(int);
	int error = 0;

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
		return -BELL_EIO;
	if (error == 0)
		return 0;
	errno = error;
	return -BELL_EIO;
}
