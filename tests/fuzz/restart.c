/* SPDX-License-Identifier: BSD-2-Clause */
#include "restart.h"

#include "fd.h"
#include "hostile.h"
#include "server.h"

#include <fcntl.h>

/* The old server lets go of what is its successor's. */
static void let_go(struct server *s)
{
	for (size_t i = 0; i < peers_count(s->peers); i++) {
		struct client *c = s->clients[peers_id(s->peers, i)];

		(void)fd_take(&c->sock);
		for (unsigned v = 0; v < c->vectors->count; v++)
			(void)fd_take(&c->vectors->fd[v]);
	}
	(void)fd_take(&s->shm.fd);
	(void)fd_take(&s->listener.fd);
}

void restart_by_exec(struct server **server, struct inherit *in)
{
	struct server *s = *server;
	int state = server_prepare_exec(s);

	always(state >= 0);
	state = fcntl(state, F_DUPFD_CLOEXEC, 0);
	always(state >= 0 && server_resume(&state, in) == 0);
	let_go(s);
	server_free(s);
	*server = NULL;
}

/* ---- as a store would ------------------------------------------------------------ */

static void give(struct inherit *in, uint64_t *lost, const char *name, int fd)
{
	bool without = *lost & 1;

	*lost >>= 1;
	if (without || fd < 0)
		return;
	fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	always(fd >= 0 && inherit_add(in, name, &fd) == 0);
}

static void give_peer(struct inherit *in, uint64_t *lost, const struct client *c,
		      bool backwards)
{
	unsigned n = c->vectors->count;
	char name[24];

	snapshot_name(c->join, name);
	for (unsigned v = 0; v < n; v++)
		give(in, lost, name, c->vectors->fd[backwards ? n - 1 - v : v]);
	give(in, lost, name, c->sock);
}

void restart_by_kill(struct server **server, uint64_t lost, struct inherit *in)
{
	struct server *s = *server;
	bool backwards = s->store->kind == STORE_SYSTEMD;

	for (size_t i = 0; i < peers_count(s->peers); i++)
		give_peer(in, &lost, s->clients[peers_id(s->peers, i)], backwards);
	give(in, &lost, "memory", s->shm.fd);
	give(in, &lost, "state", state_fd(s->state));
	server_free(s);
	*server = NULL;
}
