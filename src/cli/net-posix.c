/* SPDX-License-Identifier: BSD-2-Clause */
/* Connections, standard streams, waiting; net-address-posix.c has the rest. */
#include "net.h"

#include "sys.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

const char *net_why(void)
{
	return strerror(errno);
}

/* ---- one connection ---- */

int64_t net_read(net_t fd, void *buf, size_t size)
{
	ssize_t n;

	do
		n = read(fd, buf, size);
	while (n < 0 && errno == EINTR);
	if (n >= 0)
		return n;
	return errno == EAGAIN ? -BELL_EAGAIN : -BELL_EIO;
}

int64_t net_write(net_t fd, const void *data, size_t len)
{
	ssize_t n;

	do
		n = write(fd, data, len);
	while (n < 0 && errno == EINTR);
	if (n >= 0)
		return n;
	if (errno == EPIPE)
		return -BELL_EPIPE;
	return errno == EAGAIN ? -BELL_EAGAIN : -BELL_EIO;
}

void net_shutdown(net_t fd)
{
	/* Not connected any more: then the other side knows. */
	(void)shutdown(fd, SHUT_WR);
}

void net_close(net_t *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = NET_NONE;
}

void net_abort(net_t *fd)
{
	struct linger at_once = { .l_onoff = 1, .l_linger = 0 };

	/* TCP sends a reset then; a UNIX socket only closes. */
	if (*fd >= 0)
		(void)setsockopt(*fd, SOL_SOCKET, SO_LINGER, &at_once,
				 sizeof(at_once));
	net_close(fd);
}

/* ---- standard input and output ---- */

/*
 * O_NONBLOCK belongs to the open file, which the shell and others share: so a
 * pipe or a terminal is opened anew, where /proc tells how.
 */
static int open_anew(int fd, int flags)
{
	char path[32];
	struct stat st;

	if (fstat(fd, &st) < 0 || !(S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode)))
		return -BELL_EUNSUP;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	fd = open(path, flags | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	return fd < 0 ? -BELL_EIO : fd;
}

static bool is_file(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
}

/* Leaves /dev/null behind, so that no other file gets its number. */
static int take(int fd, int flags, net_t *out, bool *waits)
{
	int null, taken = open_anew(fd, flags);

	*waits = taken < 0 && !is_file(fd);
	if (taken < 0)
		taken = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (taken < 0)
		return -BELL_EIO;
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0 || dup2(null, fd) < 0) {
		close(taken);
		net_close(&null);
		return -BELL_EIO;
	}
	if (null != fd)
		close(null);
	*out = taken;
	return 0;
}

int net_take_input(net_t *fd, bool *waits)
{
	return take(STDIN_FILENO, O_RDONLY, fd, waits);
}

int net_take_output(net_t *fd, bool *waits)
{
	return take(STDOUT_FILENO, O_WRONLY, fd, waits);
}

/* ---- waiting for many ---- */

#define SLOTS_OWN 2 /* the bus's handle, the signals */

struct net_set {
	struct pollfd *fds; /* owned; the first SLOTS_OWN are ours */
	size_t count, room;
};

struct net_set *net_set_new(void)
{
	struct net_set *set = calloc(1, sizeof(*set));

	if (!set)
		return NULL;
	set->room = 16;
	set->count = SLOTS_OWN;
	set->fds = calloc(set->room, sizeof(*set->fds));
	if (!set->fds) {
		net_set_free(set);
		return NULL;
	}
	return set;
}

void net_set_free(struct net_set *set)
{
	if (!set)
		return;
	free(set->fds);
	free(set);
}

void net_set_clear(struct net_set *set)
{
	set->count = SLOTS_OWN;
}

int net_set_add(struct net_set *set, net_t fd, unsigned want)
{
	struct pollfd *larger;
	short events = 0;

	if (set->count == set->room) {
		larger = realloc(set->fds, 2 * set->room * sizeof(*larger));
		if (!larger)
			return -BELL_ENOMEM;
		set->fds = larger;
		set->room *= 2;
	}
	if (want & NET_READ)
		events |= POLLIN;
	if (want & NET_WRITE)
		events |= POLLOUT;
	set->fds[set->count] = (struct pollfd){ .fd = fd, .events = events };
	return (int)set->count++;
}

unsigned net_set_got(const struct net_set *set, int index)
{
	short got = set->fds[index].revents;

	return ((got & POLLIN) ? NET_READ : 0) | ((got & POLLOUT) ? NET_WRITE : 0) |
	       ((got & (POLLERR | POLLNVAL)) ? NET_ERROR : 0) |
	       ((got & POLLHUP) ? NET_HUNG_UP : 0);
}

int net_set_wait(struct net_set *set, bell_handle_t handle, int timeout_ms)
{
	size_t i;

	set->fds[0] = (struct pollfd){ .fd = handle, .events = POLLIN };
	set->fds[1] = (struct pollfd){ .fd = sys_stop_handle(), .events = POLLIN };
	if (poll(set->fds, (nfds_t)set->count, timeout_ms) < 0) {
		if (errno != EINTR)
			return -BELL_EIO;
		for (i = 0; i < set->count; i++)
			set->fds[i].revents = 0;
	}
	return set->fds[0].revents != 0;
}
