/* SPDX-License-Identifier: BSD-2-Clause */
/* rivals.h - every rival by name: one symbol a file, or one a way of waiting */
#ifndef BENCH_RIVALS_H
#define BENCH_RIVALS_H

#include "rival.h"

/* The limits: rival-line.c, rival-copy.c, rival-eventfd.c, rival-eventfd-loop.c. */
extern const struct rival rival_line, rival_copy;
extern const struct rival rival_eventfd_read, rival_eventfd_poll, rival_eventfd_epoll,
	rival_eventfd_libevent;

/* Bellring: rival-bellring.c, and in a user's own loop. */
extern const struct rival rival_bellring_interrupt, rival_bellring_polling,
	rival_bellring_poll_only, rival_bellring_adaptive;
extern const struct rival rival_bellring_poll, rival_bellring_epoll,
	rival_bellring_libevent;

/* What one could take instead. */
extern const struct rival rival_zeromq, rival_nng;
extern const struct rival rival_unix_stream, rival_unix_seqpacket, rival_pipe, rival_tcp;
extern const struct rival rival_ck, rival_seed;

#endif
