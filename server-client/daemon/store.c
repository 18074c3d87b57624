/* SPDX-License-Identifier: BSD-2-Clause */
#include "store.h"

#include "fd.h"
#include "keeper.h"
#include "log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

/* The service manager reads at its leisure; but a hung one must not hang us. */
static const struct timeval patience = { .tv_sec = 5 };

void store_init(struct store *st)
{
	*st = (struct store){ .sock = -1 };
}

void store_keeper(struct store *st, int *sock)
{
	store_done(st);
	st->kind = STORE_KEEPER;
	st->sock = fd_take(sock);
	setsockopt(st->sock, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
}

/* "@" is for the abstract ones: sd_notify(3). */
static int connect_notify(const char *path)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	size_t len = strlen(path);
	int sock;

	if (len == 0 || len >= sizeof(to.sun_path))
		return -1;
	memcpy(to.sun_path, path, len);
	if (path[0] == '@')
		to.sun_path[0] = '\0';
	sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (sock < 0)
		return -1;
	setsockopt(sock, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (connect(sock, (const struct sockaddr *)&to,
		    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len +
				(path[0] != '@'))) < 0)
		fd_close(&sock);
	return sock;
}

void store_systemd(struct store *st)
{
	const char *path = getenv("NOTIFY_SOCKET");

	if (!path || st->kind != STORE_NONE)
		return;
	st->sock = connect_notify(path);
	if (st->sock < 0) {
		log_error("$NOTIFY_SOCKET %s: %s", path, strerror(errno));
		return;
	}
	st->kind = STORE_SYSTEMD;
}

void store_done(struct store *st)
{
	fd_close(&st->sock);
	store_init(st);
}

const char *store_text(const struct store *st)
{
	static const char *const texts[] = { "none", "systemd", "keeper" };

	return texts[st->sock < 0 ? STORE_NONE : st->kind];
}

/* A keeper that is gone stays so: without one a restart loses the peers. */
static void tell(struct store *st, const char *text, const int *fds, size_t n)
{
	if (st->sock < 0)
		return;
	if (keeper_send(st->sock, text, fds, n) == 0) {
		st->failed = false;
		return;
	}
	if (!st->failed)
		log_error("%s: %s; a restart would lose peers", store_text(st),
			  strerror(errno));
	st->failed = true;
	if (st->kind == STORE_KEEPER)
		fd_close(&st->sock);
}

void store_add(struct store *st, const char *name, const int *fds, size_t count)
{
	char text[128];

	/* Those that hung up stay too, so that none vanishes unseen. */
	snprintf(text, sizeof(text), "FDSTORE=1\nFDPOLL=0\nFDNAME=%s", name);
	while (count > 0) {
		size_t n = count < KEEPER_FDS ? count : KEEPER_FDS;

		tell(st, text, fds, n);
		fds += n;
		count -= n;
	}
}

void store_remove(struct store *st, const char *name)
{
	char text[128];

	if (!name[0])
		return;
	snprintf(text, sizeof(text), "FDSTOREREMOVE=1\nFDNAME=%s", name);
	tell(st, text, NULL, 0);
}

void store_notify(struct store *st, const char *lines)
{
	if (st->kind == STORE_SYSTEMD)
		tell(st, lines, NULL, 0);
}

void store_end(struct store *st)
{
	if (st->kind == STORE_KEEPER)
		tell(st, KEEPER_END, NULL, 0);
}
