/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * guest-channel.h - a way on which two programs talk: bus, virtio-serial, TCP
 *
 * All of them sleep in the kernel until something comes. What fails ends the
 * program with a text; channel_watch() makes a failure of silence.
 */
#ifndef GUEST_CHANNEL_H
#define GUEST_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PATIENCE_S 30 /* of the side that measures */

struct channel;

/* Prints and ends the program with status 1. */
_Noreturn void fail(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

/*
 * Opens one by its address:
 *   bus:ADDRESS     bellring, as bell_open() takes it
 *   fd:NUMBER       an open stream; it stays open
 *   dev:PATH        a character device
 *   tcp:HOST:PORT   connects
 *   listen:PORT     waits for one to connect
 * serving: on the bus this is the side that is called. Prints "ready" once the
 * other side can begin.
 */
struct channel *channel_open(const char *address, bool serving);
void channel_close(struct channel *c);

/* A message; both sides know its size, at most CHANNEL_MAX bytes. */
#define CHANNEL_MAX (1u << 20)
void channel_send(struct channel *c, const void *data, size_t size);
/* False if the other side has closed the stream. */
bool channel_recv(struct channel *c, void *data, size_t size);

/* Doorbells that this side has rung so far; 0 where there are none. */
uint64_t channel_doorbells(const struct channel *c);

/* Ends the program unless it is called again within that time; 0: no end. */
void channel_watch(unsigned seconds);
#define WATCH_EVERY 256u /* messages: the call takes time, too */

#endif
