/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * forward.h - what the two sides of bellring forward share: their tunnels
 *
 * A tunnel is one connection: a socket here, a stream, a socket on the other
 * machine. It is opened step by step by its side (forward-near.c, forward-far.c),
 * then its bytes are carried (carry.h). One loop serves all and never waits for
 * one of them.
 */
#ifndef CLI_FORWARD_H
#define CLI_FORWARD_H

#include "carry.h"
#include "format.h"
#include "hello.h"
#include "loop.h"

/* The stream's service at the far side. */
#define FORWARD_SERVICE "forward"

struct forward;

struct tunnel {
	struct tunnel *next;
	struct forward *f;
	unsigned long number;
	int state;                  /* its side's; TUNNEL_CARRIES */
	struct bell_stream *stream; /* owned; carry has it in the end */
	net_t fd;                   /* owned; the same */
	int index;                  /* of fd in the set; -1: not there */
	unsigned want;              /* of fd, while it is opened */
	unsigned got;               /* what the last wait found of it */
	bool ended;                 /* the stream has, while it is opened */
	bool more;                  /* a step is due without a wait */
	struct hello hello;
	uint64_t begin_ns;
	uint64_t deadline_ns;       /* of the opening */
	uint64_t retry_ns;          /* a step is due then; SYS_NEVER */
	const struct far_target *target; /* the far side's; borrowed */
	size_t tried;                    /* of the target's numbers */
	char from[ENDPOINT_TEXT];
	char to[ENDPOINT_TEXT + BELL_NAME_MAX + 1];
	struct carry carry;
};

#define TUNNEL_CARRIES 100

/* What is different near and far. */
struct forward_side {
	/* A step of opening; ends the tunnel by tunnel_fail() if it fails. */
	void (*open_step)(struct tunnel *t);
	/* What it waits for besides its tunnels, and what came. CLI_DONE or told. */
	int (*want)(struct forward *f);
	int (*look)(struct forward *f);
};

struct forward {
	struct session *s;
	const struct forward_side *side;
	void *arg; /* the side's */
	struct loop loop;
	char *scratch;
	struct tunnel *first;
	unsigned long count; /* tunnels so far */
	bool closed;         /* one has ended, and gave its descriptors back */
	int timeout_ms;      /* of the side, for the next wait; -1 */
};

/* Serves until a signal. An enum cli_exit, failures told. */
int forward_run(struct forward *f);

/*
 * A new tunnel, which takes stream and fd; either may not be there yet. NULL: out
 * of memory, told, and both were ended.
 */
struct tunnel *tunnel_new(struct forward *f, struct bell_stream *stream, net_t *fd,
			  const char *from, const char *to);
/* Calls the stream's news to a step; once tunnel.stream was set. */
void tunnel_watch_stream(struct tunnel *t);
/* Opened: from now on its bytes are carried. */
void tunnel_carry(struct tunnel *t);
/* It could not be opened: told, and it is over. */
void tunnel_fail(struct tunnel *t, const char *fmt, ...)
	CLI_PRINTF(2, 3);
/* The same with what a failed call of the library says. */
void tunnel_fail_code(struct tunnel *t, int code);
/* It is over, without a word unless --verbose. */
void tunnel_end(struct tunnel *t, const char *why);

/* ---- the sides ---- */

/* listen and target as the user wrote them. An enum cli_exit, failures told. */
int forward_near(struct session *s, const char *listen, const char *peer_target);
int forward_far(struct session *s, const char *const *allowed, size_t count);

#endif
