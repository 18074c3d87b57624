/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * scripted.h - an ivshmem server that does exactly what a test says
 *
 * A child process that plays the same script to everyone who connects.
 */
#ifndef BELL_SCRIPTED_H
#define BELL_SCRIPTED_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum step_kind {
	SEND = 0,  /* number, with fds[fd - 1] unless fd is 0 */
	BY_BYTES,  /* the same, a byte a system call, descriptor with the first */
	HALF,      /* only 4 bytes of it */
	TWO_FDS,   /* number, with the descriptor twice */
	FLOOD,     /* SEND, then number alone, over and over while somebody listens */
	AWAIT,     /* waits for scripted_go() */
	CLOSE      /* closes the connection */
};

struct step {
	int64_t number;
	int fd; /* 1, 2, ...; 0: none */
	enum step_kind kind;
};

struct scripted {
	char dir[40];
	char path[60];
	char address[70]; /* unix:PATH */
	int go;
	pid_t child;
};

/* Starts it; borrows fds during the call. Fails the test if it cannot. */
void scripted_start(struct scripted *s, const struct step *steps, int n,
		    const int *fds);
/* Lets one AWAIT pass. */
void scripted_go(struct scripted *s);
/* Ends it and waits for its end; its connections are closed then. */
void scripted_kill(struct scripted *s);
/* Also removes its directory. */
void scripted_stop(struct scripted *s);

/* New descriptors, for the caller to close. */
int new_memory(size_t size);
int new_eventfd(void);

/* What scripts of a host port's tests send, by step.fd. */
enum {
	MEMORY = 1,
	EMPTY,     /* memory of 0 bytes */
	SHORT,     /* of 4095 */
	READ_ONLY, /* MEMORY, opened for reading */
	PROMISING, /* memory whose header promises 2 vectors */
	PIPE,
	SOCKET,
	V0,
	V1,
	V2,
	GIFTS = V2
};

#define MEMORY_SIZE 65536u

/* Makes them all; they stay open until the process ends. */
void make_gifts(int fds[GIFTS]);

#define HELLO { 0, 0, SEND }, { 3, 0, SEND } /* we are 3 */
#define GREETING HELLO, { -1, MEMORY, SEND }
#define BYE { 0, 0, CLOSE }

#endif
