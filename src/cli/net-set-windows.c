/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Waiting for many: three handles, however many connections there are. WSAPoll()
 * says which of them is ready, and cannot wait for the others; WSAEventSelect() has
 * all of them set one event, and is asked anew before each sleep, because it then
 * also tells what is there already, and what it told before and nobody took.
 */
#include "net-windows.h"

#include "sys.h"

#include <stdlib.h>

/*
 * A socket's end is an event once, so of a reset after it nothing tells: who has one
 * looks by the clock.
 */
#define RESET_MS 1000

struct item {
	net_t fd;
	unsigned want, got;
};

struct net_set {
	struct item *items; /* owned */
	WSAPOLLFD *polls;   /* owned; of the sockets among them, in that order */
	size_t count, room;
	ULONG sockets;
};

struct net_set *net_set_new(void)
{
	return calloc(1, sizeof(struct net_set));
}

void net_set_free(struct net_set *set)
{
	if (!set)
		return;
	free(set->items);
	free(set->polls);
	free(set);
}

void net_set_clear(struct net_set *set)
{
	set->count = 0;
}

static bool grow(struct net_set *set)
{
	size_t room = set->room ? 2 * set->room : 16;
	struct item *items = realloc(set->items, room * sizeof(*items));
	WSAPOLLFD *polls;

	if (!items)
		return false;
	set->items = items;
	polls = realloc(set->polls, room * sizeof(*polls));
	if (!polls)
		return false;
	set->polls = polls;
	set->room = room;
	return true;
}

int net_set_add(struct net_set *set, net_t fd, unsigned want)
{
	if (set->count == set->room && !grow(set))
		return -BELL_ENOMEM;
	set->items[set->count] = (struct item){ fd, want, 0 };
	return (int)set->count++;
}

unsigned net_set_got(const struct net_set *set, int index)
{
	return set->items[index].got;
}

/* ---- what is ready ---- */

static DWORD socket_error(SOCKET s, DWORD otherwise)
{
	int error = 0, len = sizeof(error);

	if (getsockopt(s, SOL_SOCKET, SO_ERROR, (char *)&error, &len) != 0 || error == 0)
		return otherwise;
	return (DWORD)error;
}

/*
 * WSAPoll() says hung up of a socket whose other side has sent its end, as of one
 * that was reset.
 */
static unsigned judge(struct net_entry *e, unsigned want, short revents)
{
	char byte;
	int n;

	if (e->connecting) {
		e->error = socket_error(e->socket, WSAECONNREFUSED);
		return NET_WRITE | NET_ERROR;
	}
	n = recv(e->socket, &byte, 1, MSG_PEEK);
	/* A reset after the end: the end is still what is read. */
	if (n == 0 && (revents & POLLERR)) {
		e->error = WSAECONNRESET;
		return NET_ERROR;
	}
	if (n >= 0 || WSAGetLastError() == WSAEWOULDBLOCK) {
		e->hung_up = true;
		return want & NET_READ;
	}
	e->error = socket_error(e->socket, (DWORD)WSAGetLastError());
	return NET_ERROR;
}

/* Before Windows 10 of 2020 WSAPoll() says nothing of a connection that failed. */
static unsigned decided(struct net_entry *e)
{
	WSANETWORKEVENTS events;

	if (WSAEnumNetworkEvents(e->socket, NULL, &events) != 0 ||
	    !(events.lNetworkEvents & FD_CONNECT))
		return 0;
	e->error = (DWORD)events.iErrorCode[FD_CONNECT_BIT];
	return NET_WRITE | (e->error ? NET_ERROR : 0);
}

static unsigned socket_got(struct net_entry *e, unsigned want, short revents)
{
	unsigned got = 0;

	if ((revents & POLLRDNORM) && (want & NET_READ))
		got |= NET_READ;
	if ((revents & POLLWRNORM) && (want & NET_WRITE))
		got |= NET_WRITE;
	if (revents & (POLLERR | POLLHUP | POLLNVAL))
		got |= judge(e, want, revents);
	if (e->connecting && !got)
		got = decided(e);
	return got;
}

static void ask(struct net_set *set)
{
	struct net_entry *e;
	size_t i;

	set->sockets = 0;
	for (i = 0; i < set->count; i++) {
		e = net_entry(set->items[i].fd);
		if (e->kind != NET_SOCKET)
			continue;
		set->polls[set->sockets++] = (WSAPOLLFD){
			.fd = e->socket,
			.events = (short)((set->items[i].want & NET_READ ? POLLRDNORM : 0) |
					  (set->items[i].want & NET_WRITE ? POLLWRNORM : 0)),
		};
	}
}

/* What is ready now: 1 if anything is, 0, or -BELL_EIO. */
static int look(struct net_set *set)
{
	struct item *item;
	struct net_entry *e;
	size_t i;
	ULONG s = 0;
	int any = 0;

	ask(set);
	if (set->sockets > 0 && WSAPoll(set->polls, set->sockets, 0) == SOCKET_ERROR)
		return net_fail((DWORD)WSAGetLastError());
	for (i = 0; i < set->count; i++) {
		item = &set->items[i];
		e = net_entry(item->fd);
		if (e->kind == NET_SOCKET)
			item->got = socket_got(e, item->want, set->polls[s++].revents);
		else if (e->kind == NET_FILE || pump_ready(e->pump))
			item->got = item->want;
		else
			item->got = 0;
		any |= item->got != 0;
	}
	return any;
}

/* ---- sleeping ---- */

static long events_of(const struct net_entry *e, unsigned want)
{
	/* An end that was seen is not told again and again to who does not read. */
	return (want & NET_READ ? FD_READ | FD_ACCEPT : 0) |
	       (want & NET_WRITE ? FD_WRITE | FD_CONNECT : 0) |
	       (e->hung_up ? 0 : FD_CLOSE);
}

static int arm(struct net_set *set, HANDLE news)
{
	struct net_entry *e;
	size_t i;

	for (i = 0; i < set->count; i++) {
		e = net_entry(set->items[i].fd);
		/*
		 * Selected before it began, net_connect(): selecting anew may clear a
		 * failure that came since the look, and nothing tells it again.
		 */
		if (e->kind == NET_SOCKET && !e->connecting &&
		    WSAEventSelect(e->socket, news,
				   events_of(e, set->items[i].want)) != 0)
			return net_fail((DWORD)WSAGetLastError());
	}
	return 0;
}

static int until_reset(const struct net_set *set, int timeout_ms)
{
	size_t i;

	for (i = 0; i < set->count; i++)
		if (net_entry(set->items[i].fd)->hung_up &&
		    (timeout_ms < 0 || timeout_ms > RESET_MS))
			return RESET_MS;
	return timeout_ms;
}

static int sleep_for(HANDLE handle, HANDLE news, int timeout_ms)
{
	HANDLE all[] = { handle, sys_stop_handle(), news };
	DWORD rc;

	console_show(stdout);
	console_show(stderr);
	rc = WaitForMultipleObjects(3, all, FALSE,
				    timeout_ms < 0 ? INFINITE : (DWORD)timeout_ms);
	return rc == WAIT_FAILED ? net_fail(GetLastError()) : rc == WAIT_OBJECT_0;
}

int net_set_wait(struct net_set *set, bell_handle_t handle, int timeout_ms)
{
	HANDLE news = net_news();
	int any, rc = 0, bell;

	if (!news)
		return -BELL_EIO;
	any = look(set);
	if (any == 0)
		rc = arm(set, news);
	if (any < 0 || rc < 0)
		return -BELL_EIO;
	bell = sleep_for(handle, news, any ? 0 : until_reset(set, timeout_ms));
	if (bell < 0 || any)
		return bell;
	return look(set) < 0 ? -BELL_EIO : bell;
}
