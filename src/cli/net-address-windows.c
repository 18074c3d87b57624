/* SPDX-License-Identifier: BSD-2-Clause */
/* Addresses: looked up, listened on, connected to. */
#include "net-lookup.h"
#include "net-windows.h"

#include <stdlib.h>
#include <string.h>
#include <ws2tcpip.h>

#define NUMBERS_MAX 8
#define BACKLOG 128

struct number {
	union {
		struct sockaddr any;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} a;
	int len;
};

struct net_address {
	struct number numbers[NUMBERS_MAX];
	size_t count;
};

/* Before all else; Windows ends it with the process. */
static bool start(void)
{
	static bool started;
	WSADATA data;

	if (!started)
		started = WSAStartup(MAKEWORD(2, 2), &data) == 0;
	return started;
}

/* ---- looking up ---- */

static void add(struct net_address *a, const void *address, size_t len)
{
	if (a->count == NUMBERS_MAX || len > sizeof(a->numbers[0].a))
		return;
	memcpy(&a->numbers[a->count].a, address, len);
	a->numbers[a->count++].len = (int)len;
}

static void add_localhost(struct net_address *a, uint16_t port)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6,
				    .sin6_port = htons(port) };

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	in6.sin6_addr = in6addr_loopback;
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
	add(arg, address, len);
}

static bool find(struct net_address *a, const struct endpoint *e, const char **why)
{
	uint16_t port = (uint16_t)strtoul(e->port, NULL, 10);

	if (e->kind == ENDPOINT_UNIX) {
		*why = "no UNIX sockets on Windows: give tcp:PORT";
		return false;
	}
	if (strcmp(e->host, "localhost") == 0) {
		add_localhost(a, port);
		return true;
	}
	return add_number(a, e->host, port) || net_lookup(e, add_found, a, why);
}

struct net_address *net_resolve(const struct endpoint *e, const char **why)
{
	struct net_address *a = calloc(1, sizeof(*a));

	*why = "out of memory";
	if (a && !start())
		*why = "Winsock 2.2 does not start";
	else if (a && find(a, e, why))
		return a;
	net_address_free(a);
	return NULL;
}

void net_address_free(struct net_address *a)
{
	free(a);
}

size_t net_address_count(const struct net_address *a)
{
	return a->count;
}

/* "tcp:127.0.0.1:80" */
static void print_number(const struct number *n, char text[ENDPOINT_TEXT])
{
	char host[INET6_ADDRSTRLEN] = "?";

	if (n->a.any.sa_family == AF_INET) {
		inet_ntop(AF_INET, &n->a.in.sin_addr, host, sizeof(host));
		snprintf(text, ENDPOINT_TEXT, "tcp:%s:%u", host,
			 ntohs(n->a.in.sin_port));
	} else {
		inet_ntop(AF_INET6, &n->a.in6.sin6_addr, host, sizeof(host));
		snprintf(text, ENDPOINT_TEXT, "tcp:[%s]:%u", host,
			 ntohs(n->a.in6.sin6_port));
	}
}

/* ---- sockets ---- */

/* Closes it, keeps the failure. */
static int close_failed(SOCKET s)
{
	int error = WSAGetLastError();

	closesocket(s);
	if (error == WSAEADDRINUSE || error == WSAEACCES) {
		net_fail((DWORD)error);
		return -BELL_EBUSY;
	}
	return net_fail((DWORD)error);
}

/* Never waits; what comes is passed on at once: Nagle would only delay it. */
static int set_up(SOCKET s)
{
	u_long yes = 1;
	int on = 1;

	if (ioctlsocket(s, (long)FIONBIO, &yes) != 0)
		return close_failed(s);
	SetHandleInformation((HANDLE)s, HANDLE_FLAG_INHERIT, 0);
	(void)setsockopt(s, IPPROTO_TCP, TCP_NODELAY, (const char *)&on, sizeof(on));
	return 0;
}

static int new_socket(int family, SOCKET *out)
{
	SOCKET s = WSASocketW(family, SOCK_STREAM, IPPROTO_TCP, NULL, 0,
			      WSA_FLAG_OVERLAPPED);
	int rc;

	if (s == INVALID_SOCKET)
		return net_fail((DWORD)WSAGetLastError());
	rc = set_up(s);
	if (rc == 0)
		*out = s;
	return rc;
}

static int add_socket(SOCKET s, bool connecting)
{
	struct net_entry e = { .kind = NET_SOCKET, .socket = s,
			       .connecting = connecting };
	int fd = net_add(&e);

	if (fd < 0)
		closesocket(s);
	return fd;
}

/* ---- listening ---- */

int net_listen(struct net_address *a, net_t *out, char text[ENDPOINT_TEXT])
{
	const struct number *n = &a->numbers[0];
	struct number bound = { .len = sizeof(bound.a) };
	int on = 1, fd, rc;
	SOCKET s = INVALID_SOCKET;

	rc = new_socket(n->a.any.sa_family, &s);
	if (rc < 0)
		return rc;
	/* Else any other program may listen on the same port, too. */
	(void)setsockopt(s, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, (const char *)&on,
			 sizeof(on));
	if (bind(s, &n->a.any, n->len) != 0 || listen(s, BACKLOG) != 0 ||
	    getsockname(s, &bound.a.any, &bound.len) != 0)
		return close_failed(s);
	fd = add_socket(s, false);
	if (fd < 0)
		return fd;
	print_number(&bound, text);
	*out = fd;
	return 0;
}

void net_unlisten(const struct net_address *a, net_t *fd)
{
	(void)a;
	net_close(fd);
}

int net_accept(net_t listener, net_t *out, char who[ENDPOINT_TEXT])
{
	struct number n = { .len = sizeof(n.a) };
	SOCKET s;
	int fd, error = 0;

	do {
		s = accept(net_entry(listener)->socket, &n.a.any, &n.len);
		error = s == INVALID_SOCKET ? WSAGetLastError() : 0;
	} while (error == WSAECONNRESET);
	if (error == WSAEWOULDBLOCK)
		return -BELL_EAGAIN;
	if (error != 0)
		net_fail((DWORD)error);
	if (error == WSAEMFILE || error == WSAENOBUFS)
		return -BELL_ENOSPC;
	if (error != 0 || set_up(s) < 0)
		return -BELL_EIO;
	fd = add_socket(s, false);
	if (fd < 0)
		return -BELL_ENOSPC;
	print_number(&n, who);
	*out = fd;
	return 0;
}

/* ---- connecting ---- */

int net_connect(const struct net_address *a, size_t i, net_t *out)
{
	const struct number *n = &a->numbers[i];
	HANDLE news = net_news();
	SOCKET s = INVALID_SOCKET;
	int fd;

	if (!news || new_socket(n->a.any.sa_family, &s) < 0)
		return -BELL_EIO;
	/* Before it begins: the failure is asked for as an event. */
	(void)WSAEventSelect(s, news, FD_CONNECT);
	if (connect(s, &n->a.any, n->len) != 0 && WSAGetLastError() != WSAEWOULDBLOCK) {
		(void)close_failed(s);
		return -BELL_EIO;
	}
	fd = add_socket(s, true);
	if (fd < 0)
		return fd;
	*out = fd;
	return 0;
}

int net_connected(net_t fd)
{
	struct net_entry *e = net_entry(fd);
	int error = 0, len = sizeof(error);

	e->connecting = false;
	if (!e->error && getsockopt(e->socket, SOL_SOCKET, SO_ERROR, (char *)&error,
				    &len) != 0)
		return net_fail((DWORD)WSAGetLastError());
	if (e->error || error)
		return net_fail(e->error ? e->error : (DWORD)error);
	return 0;
}
