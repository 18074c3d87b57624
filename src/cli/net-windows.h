/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * net-windows.h - what a net_t is on Windows: a row of a table
 */
#ifndef CLI_NET_WINDOWS_H
#define CLI_NET_WINDOWS_H

#include "net.h"
#include "pump.h"
#include "win.h"

enum net_kind { NET_FREE, NET_SOCKET, NET_PUMP, NET_FILE };

struct net_entry {
	enum net_kind kind;
	bool connecting; /* a socket, until that is decided */
	bool hung_up;    /* a socket's other side sends no more */
	bool drains;     /* a pump that is waited for when it is closed */
	DWORD error;     /* what broke the socket; 0 */
	SOCKET socket;
	struct pump *pump;
	HANDLE file;
};

/* Of an open net_t; valid until the next net_add(). */
struct net_entry *net_entry(net_t fd);
/* A row for it: the net_t, or -BELL_EIO (nothing was taken). */
int net_add(const struct net_entry *entry);
/* A row for a pump that takes the handle, also when it fails. */
int net_add_pump(HANDLE handle, enum pump_way way);

/* Set at each change of a pump or a socket; NULL: net_why(). */
HANDLE net_news(void);

/* For net_why(); return -BELL_EIO. */
int net_fail(DWORD error);
int net_fail_text(const char *text);

#endif
