/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control-fixture.h - a control socket in a loop of our own, and its clients
 *
 * Server and clients are one thread: whoever waits lets the server run.
 */
#ifndef BELL_CONTROL_FIXTURE_H
#define BELL_CONTROL_FIXTURE_H

#include "control.h"
#include "fake-inspect.h"

#include <stdbool.h>
#include <stddef.h>

#define DEADLINE_NS UINT64_C(20000000000) /* only a failure takes that long */

extern struct server fake;
extern struct event_base *base;
extern struct control *control;
extern char path[96]; /* where a stage has its socket */

/* A loop and a directory; at its end no file and no descriptor may be left. */
void set_stage(void);
void clear_stage(void);
struct listener listen_here(void);
/* A stage with a control socket on it. */
void begin(void);
void finish(void);

/* Lets the server do what there is to do. */
void turn(void);

int dial_unix(void);
/* Sends all. */
void say_bytes(int fd, const char *data, size_t len);
void say(int fd, const char *text);

/* What was heard, and not taken yet: between open_ears() and close_ears(). */
extern struct evbuffer *got;
void open_ears(void);
void close_ears(void);
/* Adds what is there to it; false at the connection's end. */
bool hear(int fd);
/* Waits for the next line, which is the caller's. */
char *line_of(int fd);
/* The next line has to have text in it. */
void hears(int fd, const char *text);
/* Nothing more comes, but the end. */
void hears_end(int fd);
/* Asks for the status and takes the answer. */
void works(int fd);

#endif
