/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * net.h - sockets and standard streams without waiting
 *
 * Implemented once a system (net-posix.c), chosen in the makefile. What fails
 * with -BELL_EIO has its cause in net_why().
 */
#ifndef CLI_NET_H
#define CLI_NET_H

#include "bellring.h"
#include "endpoint.h"

#include <stdbool.h>

typedef int net_t;
#define NET_NONE (-1)

/* Text of the last failure; valid until the next call. */
const char *net_why(void);

/* ---- one connection ---- */

/* Bytes, 0 at the end, -BELL_EAGAIN, -BELL_EIO. */
int64_t net_read(net_t fd, void *buf, size_t size);
/* Bytes, -BELL_EAGAIN, -BELL_EPIPE (nobody reads any more), -BELL_EIO. */
int64_t net_write(net_t fd, const void *data, size_t len);
/* The other side of a socket reads an end of file. */
void net_shutdown(net_t fd);
/* Closes and sets NET_NONE; NET_NONE is fine. Abort: TCP's other side is reset. */
void net_close(net_t *fd);
void net_abort(net_t *fd);

/* ---- standard input and output ---- */

/*
 * Takes standard input or output over, so that net_close() ends it. waits is
 * set if it could not be kept from waiting: then it takes a wait before each
 * read or write, of at most NET_POLITE bytes. 0, -BELL_EIO.
 */
#define NET_POLITE 4096u
int net_take_input(net_t *fd, bool *waits);
int net_take_output(net_t *fd, bool *waits);

/* ---- addresses ---- */

struct net_address;

/* Looks the host up. NULL: why gets a static text. */
struct net_address *net_resolve(const struct endpoint *e, const char **why);
void net_address_free(struct net_address *a);

/*
 * Listens on its first number. A UNIX socket whose listener is gone is taken
 * over; only its owner may connect. text gets the endpoint listened on. 0, or
 * -BELL_EIO, -BELL_EBUSY if another one listens there.
 */
int net_listen(struct net_address *a, net_t *fd, char text[ENDPOINT_TEXT]);
/* Closes; the socket's file goes too, if it is still ours. */
void net_unlisten(const struct net_address *a, net_t *fd);
/*
 * The next connection, and who it is. 0, -BELL_EAGAIN, -BELL_ENOSPC (no
 * descriptor is left: look again when one is closed), -BELL_EIO.
 */
int net_accept(net_t listener, net_t *fd, char who[ENDPOINT_TEXT]);

/* Numbers that the address has. */
size_t net_address_count(const struct net_address *a);
/*
 * Begins to connect to its i-th number. 0: writable, or failed, when it is
 * decided, then net_connected(); -BELL_EAGAIN: its queue is full, try again in
 * a moment; -BELL_EIO.
 */
int net_connect(const struct net_address *a, size_t i, net_t *fd);
/* 0, -BELL_EIO. */
int net_connected(net_t fd);

/* ---- waiting for many ---- */

#define NET_READ 1u
#define NET_WRITE 2u
#define NET_ERROR 4u   /* told without being asked for */
#define NET_HUNG_UP 8u /* the same: gone in both directions */

struct net_set;

struct net_set *net_set_new(void);
void net_set_free(struct net_set *set);
void net_set_clear(struct net_set *set);
/* Its index, or -BELL_ENOMEM. */
int net_set_add(struct net_set *set, net_t fd, unsigned want);
/* What the last net_set_wait() found at that index. */
unsigned net_set_got(const struct net_set *set, int index);
/*
 * Waits for one of them, the handle, a signal, or timeout_ms (-1: for ever). 1
 * if the handle was signalled, 0, or -BELL_EIO.
 */
int net_set_wait(struct net_set *set, bell_handle_t handle, int timeout_ms);

#endif
