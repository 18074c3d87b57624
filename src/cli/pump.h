/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pump.h - a thread at a pipe or a console, so that the loop need not wait there
 *
 * Windows cannot wait for those together with others: a thread reads ahead, or
 * writes behind, and sets an event at each change.
 */
#ifndef CLI_PUMP_H
#define CLI_PUMP_H

#include "win.h"

#include <stdint.h>

struct pump;

enum pump_way { PUMP_READS, PUMP_WRITES };

/*
 * Takes the handle, also when it fails. news, borrowed for good, is set whenever
 * pump_ready() may have changed. NULL: GetLastError().
 */
struct pump *pump_new(HANDLE handle, enum pump_way way, HANDLE news);

/* A read or write would do something. */
bool pump_ready(struct pump *p);
/* Bytes, 0 at the end, -BELL_EAGAIN, -BELL_EIO with the error. */
int64_t pump_read(struct pump *p, void *buf, size_t size, DWORD *error);
/* Bytes, -BELL_EAGAIN, -BELL_EPIPE (nobody reads any more), -BELL_EIO. */
int64_t pump_write(struct pump *p, const void *data, size_t len, DWORD *error);

/* What was written and did not leave yet still does; the handle is closed then. */
void pump_close(struct pump *p);
/* The same, and waits for that, or for stop. */
void pump_drain(struct pump *p, HANDLE stop);

/*
 * The one that reads standard input, begun by the first call; never closed. event
 * gets what it sets. NULL: GetLastError(). From then on nobody else may ask for
 * anything of that handle, or it waits as long as the thread does.
 */
struct pump *pump_standard_input(HANDLE *event);

#endif
