/* SPDX-License-Identifier: BSD-2-Clause */
#include "loopback.h"

#include "error.h"
#include "fd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define BACKLOG 16

union address {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

static bool is_loopback(const union address *a)
{
	if (a->any.sa_family == AF_INET)
		return ntohl(a->in.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
	return a->any.sa_family == AF_INET6 &&
	       IN6_IS_ADDR_LOOPBACK(&a->in6.sin6_addr);
}

/* Digits alone, and 65535 at most. */
static bool parse_port(const char *text, uint16_t *port)
{
	size_t len = strspn(text, "0123456789");
	unsigned long v = strtoul(text, NULL, 10);

	*port = (uint16_t)v;
	return len > 0 && len <= 5 && text[len] == '\0' && v <= UINT16_MAX;
}

/* "NUMBER:PORT", "[NUMBER]:PORT"; its length, 0 if it is neither. */
static socklen_t parse_number(const char *text, union address *a)
{
	const char *colon = strrchr(text, ':');
	char host[INET6_ADDRSTRLEN + 2];
	size_t len = colon ? (size_t)(colon - text) : 0;
	uint16_t port;

	memset(a, 0, sizeof(*a));
	if (len == 0 || len >= sizeof(host) || !parse_port(colon + 1, &port))
		return 0;
	memcpy(host, text, len);
	host[len] = '\0';
	if (inet_pton(AF_INET, host, &a->in.sin_addr) == 1) {
		a->in.sin_family = AF_INET;
		a->in.sin_port = htons(port);
		return sizeof(a->in);
	}
	if (host[0] != '[' || host[len - 1] != ']')
		return 0;
	host[len - 1] = '\0';
	if (inet_pton(AF_INET6, host + 1, &a->in6.sin6_addr) != 1)
		return 0;
	a->in6.sin6_family = AF_INET6;
	a->in6.sin6_port = htons(port);
	return sizeof(a->in6);
}

static int parse(const char *text, union address *a, socklen_t *len)
{
	*len = parse_number(text, a);
	if (*len == 0)
		return error_detail(BELL_EINVAL,
				    "%s: not an address; write 127.0.0.1:PORT, "
				    "[::1]:PORT or unix:PATH", text);
	if (!is_loopback(a))
		return error_detail(BELL_EINVAL,
				    "%s: can be reached from other machines, and anybody "
				    "could read there; write 127.0.0.1:PORT, [::1]:PORT "
				    "or unix:PATH", text);
	return 0;
}

int loopback_check(const char *address)
{
	union address a;
	socklen_t len;

	return parse(address, &a, &len);
}

static int failed(const char *address, const char *call)
{
	int err = errno;

	if (err == EADDRINUSE)
		return error_detail(BELL_EBUSY, "%s: another program listens on this "
				    "port; choose another", address);
	return error_detail(from_errno(err), "%s: %s: %s", address, call,
			    strerror(err));
}

static void print(const union address *a, char text[LOOPBACK_TEXT])
{
	char host[INET6_ADDRSTRLEN] = "?";

	if (a->any.sa_family == AF_INET) {
		inet_ntop(AF_INET, &a->in.sin_addr, host, sizeof(host));
		snprintf(text, LOOPBACK_TEXT, "%s:%u", host, ntohs(a->in.sin_port));
	} else {
		inet_ntop(AF_INET6, &a->in6.sin6_addr, host, sizeof(host));
		snprintf(text, LOOPBACK_TEXT, "[%s]:%u", host,
			 ntohs(a->in6.sin6_port));
	}
}

int loopback_listen(const char *address, int *sock, char text[LOOPBACK_TEXT])
{
	union address a;
	socklen_t len;
	int on = 1, fd, rc = parse(address, &a, &len);

	if (rc < 0)
		return rc;
	fd = socket(a.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return failed(address, "socket");
	/* Else the port is blocked for a minute by what was connected before. */
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0)
		rc = failed(address, "SO_REUSEADDR");
	else if (bind(fd, &a.any, len) < 0)
		rc = failed(address, "bind");
	else if (listen(fd, BACKLOG) < 0)
		rc = failed(address, "listen");
	else if (getsockname(fd, &a.any, &len) < 0)
		rc = failed(address, "getsockname");
	if (rc == 0) {
		print(&a, text);
		*sock = fd_take(&fd);
	}
	fd_close(&fd);
	return rc;
}

static in_port_t port_of(const union address *a)
{
	return a->any.sa_family == AF_INET ? a->in.sin_port : a->in6.sin6_port;
}

static bool same_number(const union address *a, const union address *b)
{
	if (a->any.sa_family != b->any.sa_family)
		return false;
	if (a->any.sa_family == AF_INET)
		return a->in.sin_addr.s_addr == b->in.sin_addr.s_addr;
	return memcmp(&a->in6.sin6_addr, &b->in6.sin6_addr,
		      sizeof(a->in6.sin6_addr)) == 0;
}

bool loopback_is(const char *address, int sock)
{
	union address wished, is;
	socklen_t len, room = sizeof(is), size = sizeof(int);
	int listens = 0;

	memset(&is, 0, sizeof(is));
	if (parse(address, &wished, &len) < 0 ||
	    getsockname(sock, &is.any, &room) < 0 ||
	    getsockopt(sock, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) < 0)
		return false;
	return listens && same_number(&wished, &is) &&
	       (port_of(&wished) == 0 || port_of(&wished) == port_of(&is));
}
