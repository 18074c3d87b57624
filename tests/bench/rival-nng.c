/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * nng over its ipc transport
 *
 * Pair sockets, version 0: version 1 adds a header. Messages are nng's own objects, as
 * its authors advise: one copy less than with nng_send(). One that came is sent back
 * as the same object. Queues, so that its threads work while the caller does: without
 * them each message waits for the one before, at a fifth of the rate.
 */
#include "rival.h"
#include "rivals.h"

#include <nng/nng.h>
#include <nng/protocol/pair0/pair.h>
#include <stdio.h>
#include <string.h>

#define QUEUE_BYTES ((size_t)1 << 20)
#define QUEUE_LEAST 4
#define QUEUE_MOST 1024

struct pair_end {
	struct rival_end end;
	nng_socket socket;
	nng_msg *spare; /* owned; came last, of the plan's size; or NULL */
};

static int nng_fail(const char *what, int rc)
{
	return rival_fail("%s: %s", what, nng_strerror(rc));
}

static inline int pair_put(struct pair_end *e, const void *message, size_t len)
{
	nng_msg *m = e->spare;
	int rc = m ? 0 : nng_msg_alloc(&m, len);

	if (rc != 0)
		return nng_fail("nng_msg_alloc", rc);
	e->spare = NULL;
	memcpy(nng_msg_body(m), message, len);
	rc = nng_sendmsg(e->socket, m, 0);
	if (rc == 0)
		return 0;
	nng_msg_free(m);
	return nng_fail("nng_sendmsg", rc);
}

static inline int pair_get(struct pair_end *e, void *buf, size_t len)
{
	int rc;

	if (e->spare)
		nng_msg_free(e->spare);
	e->spare = NULL;
	rc = nng_recvmsg(e->socket, &e->spare, 0);
	if (rc != 0)
		return nng_fail("nng_recvmsg", rc);
	if (nng_msg_len(e->spare) != len)
		return rival_fail("nng_recvmsg: %zu bytes, and not %zu, came",
				  nng_msg_len(e->spare), len);
	memcpy(buf, nng_msg_body(e->spare), len);
	return 0;
}

#define RIVAL pair
#include "rival-loops.h"

static int depth(size_t size)
{
	size_t n = QUEUE_BYTES / size;

	if (n < QUEUE_LEAST)
		return QUEUE_LEAST;
	return n < QUEUE_MOST ? (int)n : QUEUE_MOST;
}

static int set_up(struct pair_end *e)
{
	int rc = nng_pair0_open(&e->socket), messages = depth(e->end.plan->size);

	if (rc != 0)
		return nng_fail("nng_pair0_open", rc);
	rc = nng_socket_set_int(e->socket, NNG_OPT_SENDBUF, messages);
	if (rc == 0)
		rc = nng_socket_set_int(e->socket, NNG_OPT_RECVBUF, messages);
	if (rc == 0)
		rc = nng_socket_set_size(e->socket, NNG_OPT_RECVMAXSZ, 0);
	return rc == 0 ? 0 : nng_fail("an option", rc);
}

static int open_end(struct rival_end *end)
{
	struct pair_end *e = (struct pair_end *)end;
	char address[256];
	int n = snprintf(address, sizeof(address), "ipc://%s/nng", end->plan->folder);

	if (n < 0 || (size_t)n >= sizeof(address))
		return rival_fail("%s: the path is too long", end->plan->folder);
	if (set_up(e) < 0)
		return -1;
	if (end->side == RIVAL_SERVER)
		n = nng_listen(e->socket, address, NULL, 0);
	else
		n = nng_dial(e->socket, address, NULL, 0);
	return n == 0 ? 0 : nng_fail(address, n);
}

/* It throws away what it has not sent: but nobody closes before all are through. */
static void close_end(struct rival_end *end)
{
	struct pair_end *e = (struct pair_end *)end;

	nng_msg_free(e->spare);
	(void)nng_close(e->socket);
}

const struct rival rival_nng = {
	.name = "nng ipc",
	.end_size = sizeof(struct pair_end),
	.open = open_end,
	.trip = pair_trip,
	.echo = pair_echo,
	.send = pair_send,
	.receive = pair_receive,
	.close = close_end,
};
