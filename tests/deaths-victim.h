/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * deaths-victim.h - processes that do one thing and are killed in the midst of it
 *
 * A killed process leaves nothing but what it has written to the shared memory
 * and whom it has rung. So two instants between which it did neither are the
 * same death, and to die at each instruction is to die after each change: the
 * victim is single-stepped, and after each instruction its memory is compared
 * with what it was. Nobody else runs meanwhile.
 */
#ifndef BELL_DEATHS_VICTIM_H
#define BELL_DEATHS_VICTIM_H

#include "deaths.h"

struct victim {
	struct bell_peer *peer;
	struct bell_bus *bus;
	uint32_t r, w, x; /* ids */
};

/* What a victim does when it dies. Any of them may be NULL. */
struct deed {
	const char *name;
	void (*begin)(void);                /* before it is born, in the test */
	void (*prepare)(struct victim *v);  /* then, in the victim; NULL: it joins */
	void (*feed)(void);                 /* then, in the test */
	void (*commit)(struct victim *v);   /* in the midst of it, it is killed */
	void (*end)(void);                  /* when all was checked, in the test */
};

extern const struct deed deeds[];
extern const int deed_count;

/* How the others learn of the death. */
enum news {
	NEWS_SERVER, /* the server sees the socket closed */
	NEWS_REOPEN, /* as in a guest: its device is opened again */
	NEWS_REJOIN, /* as in a guest: its device is joined again */
};

/* Single-stepping is allowed here. */
bool victim_possible(void);

/*
 * A fresh victim commits the deed and is killed after so many changes. False if
 * it had finished before. Nobody knows of the death yet.
 */
bool victim_die(const struct deed *deed, enum news news, uint32_t changes);
/* Tells of it, in that way, and checks what has to hold. */
void victim_bury(const struct deed *deed, enum news news);

/* The same in two parts: the victim stands still, then goes on to the end. */
pid_t victim_stop(const struct deed *deed, uint32_t changes);
void victim_kill(pid_t pid);

/* For deeds, in the victim: a message to r that counts. */
void victim_send(struct victim *v, uint32_t len);

#endif
