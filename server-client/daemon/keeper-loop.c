/* SPDX-License-Identifier: BSD-2-Clause */
#include "keeper-loop.h"

#include "error.h"
#include "fd.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

/* A server that does not take what it asked for. */
static const struct timeval patience = { .tv_sec = 5 };

static void take_fds(struct msghdr *msg, struct keeper_message *m)
{
	m->count = 0;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		m->count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(m->fds, CMSG_DATA(c), m->count * sizeof(int));
	}
}

int keeper_receive(int sock, struct keeper_message *m)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(KEEPER_FDS * sizeof(int))];
	} control;
	struct iovec iov = { .iov_base = m->text, .iov_len = KEEPER_TEXT };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1,
			      .msg_control = &control,
			      .msg_controllen = sizeof(control) };
	ssize_t n;

	do
		n = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == ECONNRESET ? -BELL_EGONE : -BELL_EIO;
	if (n == 0)
		return -BELL_EGONE;
	m->text[n] = '\0';
	take_fds(&msg, m);
	if (!(msg.msg_flags & MSG_CTRUNC))
		return 0;
	for (size_t i = 0; i < m->count; i++)
		fd_close(&m->fds[i]);
	return -BELL_ENOMEM;
}

/* The value of a line "KEY=value", or NULL. */
static const char *value_of(const char *text, const char *key, char *out,
			    size_t room)
{
	size_t len = strlen(key);

	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, key, len) != 0 || line[len] != '=')
			continue;
		line += len + 1;
		snprintf(out, room, "%.*s", (int)strcspn(line, "\n"), line);
		return out;
	}
	return NULL;
}

static void forget(struct inherit *held, const char *name)
{
	size_t kept = 0;

	for (size_t i = 0; i < held->count; i++) {
		if (strcmp(held->fds[i].name, name) == 0)
			fd_close(&held->fds[i].fd);
		else
			held->fds[kept++] = held->fds[i];
	}
	held->count = kept;
}

/* Returns whether to go on. */
static bool obey(struct inherit *held, struct keeper_message *m)
{
	char name[sizeof(held->fds[0].name)], yes[8];
	bool store = value_of(m->text, "FDSTORE", yes, sizeof(yes)) != NULL;
	bool named = value_of(m->text, "FDNAME", name, sizeof(name)) != NULL;

	for (size_t i = 0; i < m->count; i++) {
		/* Out of memory: that one is lost; the next server sees that. */
		if (store && named)
			inherit_add(held, name, &m->fds[i]);
		fd_close(&m->fds[i]);
	}
	if (named && value_of(m->text, "FDSTOREREMOVE", yes, sizeof(yes)))
		forget(held, name);
	return strcmp(m->text, KEEPER_END) != 0;
}

/* Those of one name go together, in the order in which they came. */
static size_t same_name(const struct inherit *held, size_t at, int *fds)
{
	size_t n = 0;

	while (at + n < held->count && n < KEEPER_FDS &&
	       strcmp(held->fds[at + n].name, held->fds[at].name) == 0) {
		fds[n] = held->fds[at + n].fd;
		n++;
	}
	return n;
}

static int give_all(int sock, const struct inherit *held)
{
	int fds[KEEPER_FDS];

	for (size_t at = 0, n; at < held->count; at += n) {
		n = same_name(held, at, fds);
		if (keeper_send(sock, held->fds[at].name, fds, n) < 0)
			return -1;
	}
	return keeper_send(sock, KEEPER_ALL, NULL, 0);
}

/* Of two servers the second is sent away: its connection ends without a word. */
static void welcome(int listener, int *server, const struct inherit *held)
{
	int sock = accept(listener, NULL, NULL);

	if (sock < 0) {
		/* Out of descriptors, perhaps: it knocks on. */
		poll(NULL, 0, 100);
		return;
	}
	setsockopt(sock, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (*server < 0 && give_all(sock, held) == 0)
		*server = fd_take(&sock);
	fd_close(&sock);
}

void keeper_loop(const char *path, int listener, int server)
{
	struct inherit held = { 0 };
	struct keeper_message m;
	bool on = true;

	while (on) {
		struct pollfd p[2] = { { .fd = listener, .events = POLLIN },
				       { .fd = server, .events = POLLIN } };

		if (poll(p, 2, -1) < 0)
			continue;
		/* First of a server that is gone, so that the next one may come. */
		if (p[1].revents) {
			int rc = keeper_receive(server, &m);

			if (rc == 0)
				on = obey(&held, &m);
			else if (rc != -BELL_ENOMEM)
				fd_close(&server);
		} else if (p[0].revents) {
			welcome(listener, &server, &held);
		}
	}
	unlink(path);
	inherit_done(&held);
	fd_close(&listener);
	fd_close(&server);
}
