/* SPDX-License-Identifier: BSD-2-Clause */
/* handover.c - being the same server after execve(2) */
#include "error.h"
#include "fd.h"
#include "server.h"
#include "snapshot.h"

#include <fcntl.h>

static void set_inherited(int fd, bool inherited)
{
	if (fd >= 0)
		fcntl(fd, F_SETFD, inherited ? 0 : FD_CLOEXEC);
}

static void set_all(struct server *s, bool inherited)
{
	set_inherited(state_fd(s->state), inherited);
	set_inherited(s->shm.fd, inherited);
	set_inherited(s->listener.fd, inherited);
	set_inherited(s->control_fd, inherited);
	set_inherited(s->metrics_fd, inherited);
	for (size_t i = 0; i < peers_count(s->peers); i++) {
		const struct client *c = s->clients[peers_id(s->peers, i)];

		set_inherited(c->sock, inherited);
		for (unsigned v = 0; v < c->vectors->count; v++)
			set_inherited(c->vectors->fd[v], inherited);
	}
}

int server_prepare_exec(struct server *s)
{
	int rc;

	leave_reap(s);
	state_change(s->state);
	rc = state_save(s->state);
	if (rc < 0)
		return rc;
	set_all(s, true);
	return state_fd(s->state);
}

void server_keep_on(struct server *s)
{
	set_all(s, false);
}

static int add_peer(struct snapshot_reader *r, struct inherit *in)
{
	struct snapshot_member m;
	struct snapshot_vector v;
	struct snapshot_item item;
	char name[24];
	int rc = snapshot_read(r, &m, sizeof(m));

	if (rc < 0)
		return rc;
	snapshot_name(m.join, name);
	rc = inherit_add(in, name, &m.sock);
	for (uint32_t i = 0; i < m.vectors && rc == 0; i++) {
		rc = snapshot_read(r, &v, sizeof(v));
		if (rc == 0)
			rc = inherit_add(in, name, &v.fd);
	}
	for (uint64_t i = 0; i < m.items && rc == 0; i++)
		rc = snapshot_read(r, &item, sizeof(item));
	return rc;
}

static int add_all(struct snapshot_reader *r, struct inherit *in)
{
	struct snapshot_head head;
	struct {
		const char *name;
		int *fd;
	} ones[] = { { "memory", &head.memory }, { "socket", &head.socket },
		     { "control", &head.control }, { "metrics", &head.metrics } };
	int rc = snapshot_read(r, &head, sizeof(head));

	/* Otherwise it comes as it came to us: as a socket of somebody else. */
	if (rc == 0 && !head.owns_socket)
		ones[1].name = "listener";
	for (size_t i = 0; i < sizeof(ones) / sizeof(ones[0]) && rc == 0; i++)
		if (*ones[i].fd >= 0)
			rc = inherit_add(in, ones[i].name, ones[i].fd);
	for (uint64_t i = 0; i < head.members && rc == 0; i++)
		rc = add_peer(r, in);
	return rc;
}

int server_resume(int *fd, struct inherit *in)
{
	struct snapshot_reader r = { 0 };
	struct state *state;
	int copy = fcntl(*fd, F_DUPFD_CLOEXEC, 0);
	int rc = state_adopt(fd, &state);

	if (rc < 0) {
		fd_close(&copy);
		return rc;
	}
	r.at = state_snapshot(state, &r.left);
	rc = r.at ? add_all(&r, in) :
		    error_detail(BELL_ECORRUPT, "state: it holds nothing");
	state_free(state);
	if (rc == 0)
		rc = inherit_add(in, "state", &copy);
	fd_close(&copy);
	return rc;
}
