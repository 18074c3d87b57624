/* SPDX-License-Identifier: BSD-2-Clause */
#define _GNU_SOURCE /* struct ucred */

#include "keeper.h"

#include "error.h"
#include "fd.h"
#include "keeper-loop.h"
#include "os.h"
#include "sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define SUFFIX ".keep"
#define BUSY_NS UINT64_C(2000000000)
#define SHORTAGE_NS UINT64_C(1000000000)

static const struct timeval patience = { .tv_sec = 5 };

static int failed(const char *path, const char *call)
{
	int err = errno;

	return error_detail(from_errno(err), "keeper: %s: %s: %s", path, call,
			    strerror(err));
}

int keeper_path(const char *server_socket, char *out, size_t room)
{
	size_t max = sizeof(((struct sockaddr_un *)0)->sun_path);
	int n = snprintf(out, room, "%s" SUFFIX, server_socket);

	if (n < 0 || (size_t)n >= room || (size_t)n >= max)
		return error_detail(BELL_EINVAL,
				    "keeper: %s" SUFFIX ": longer than %zu bytes",
				    server_socket, max - 1);
	return 0;
}

/* What the system has too little of now, it may have soon. */
static bool passes(int err)
{
	return err == EINTR || err == ENOBUFS || err == ENOMEM ||
	       err == ETOOMANYREFS;
}

int keeper_send(int sock, const char *text, const int *fds, size_t count)
{
	uint64_t deadline = os_now_ns() + SHORTAGE_NS;
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(KEEPER_FDS * sizeof(int))];
	} control;
	struct iovec iov = { .iov_base = (void *)(uintptr_t)text,
			     .iov_len = strlen(text) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *c;
	ssize_t n;

	if (count > 0) {
		memset(&control, 0, sizeof(control));
		msg.msg_control = &control;
		msg.msg_controllen = CMSG_SPACE(count * sizeof(int));
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(count * sizeof(int));
		memcpy(CMSG_DATA(c), fds, count * sizeof(int));
	}
	while ((n = sendmsg(sock, &msg, MSG_NOSIGNAL)) < 0 && passes(errno) &&
	       os_now_ns() < deadline)
		os_sleep_ms(5);
	return n < 0 ? -1 : 0;
}

/* ---- looking for one ---- */

static int dial_keeper(const char *path, int *sock)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };

	strcpy(to.sun_path, path);
	*sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (*sock < 0)
		return failed(path, "socket");
	setsockopt(*sock, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	setsockopt(*sock, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (connect(*sock, (const struct sockaddr *)&to, sizeof(to)) == 0)
		return 1;
	if (errno == ENOENT || errno == ENOTDIR || errno == ECONNREFUSED) {
		fd_close(sock);
		return 0;
	}
	return failed(path, "connect");
}

/* Who listens there could be anybody, and would get the peers' sockets. */
static int check_owner(int sock, const char *path)
{
	struct ucred who;
	socklen_t len = sizeof(who);

	if (getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &who, &len) < 0)
		return failed(path, "SO_PEERCRED");
	if (who.uid != geteuid() && who.uid != 0)
		return error_detail(BELL_EPERM,
				    "keeper: %s: belongs to user %lu, not to us",
				    path, (unsigned long)who.uid);
	return 0;
}

/* Until it says that that was all. */
static int take_all(int sock, const char *path, struct inherit *in)
{
	struct keeper_message m;
	int rc;

	for (;;) {
		rc = keeper_receive(sock, &m);
		if (rc == -BELL_EGONE)
			return error_detail(BELL_EBUSY, "keeper: %s: another server "
					    "is connected to it", path);
		if (rc == -BELL_ENOMEM)
			return error_detail(BELL_ENOMEM, "keeper: %s: not all that it "
					    "holds could be taken: the limit of open "
					    "files (ulimit -n)", path);
		if (rc < 0)
			return failed(path, "recvmsg");
		if (strcmp(m.text, KEEPER_ALL) == 0)
			return 1;
		for (size_t i = 0; i < m.count; i++) {
			int one = inherit_add(in, m.text, &m.fds[i]);

			rc = rc < 0 ? rc : one;
		}
		if (rc < 0)
			return rc;
	}
}

static int find_once(const char *path, int *out, struct inherit *in)
{
	int sock = -1, rc = dial_keeper(path, &sock);

	if (rc > 0)
		rc = check_owner(sock, path);
	if (rc == 0 && sock >= 0)
		rc = take_all(sock, path, in);
	if (rc > 0)
		*out = fd_take(&sock);
	fd_close(&sock);
	return rc;
}

/* One that was killed just now may not be gone yet. */
int keeper_find(const char *path, int *out, struct inherit *in)
{
	uint64_t deadline = os_now_ns() + BUSY_NS;
	int rc;

	while ((rc = find_once(path, out, in)) == -BELL_EBUSY &&
	       os_now_ns() < deadline) {
		inherit_done(in); /* half of it, perhaps */
		os_sleep_ms(20);
	}
	return rc;
}

/* ---- starting one ---- */

/* The path is beside the server's socket, which is ours: a stale one is too. */
static int listen_there(const char *path, int *listener)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	struct stat st;
	mode_t before;
	int rc;

	strcpy(at.sun_path, path);
	if (lstat(path, &st) == 0 && S_ISSOCK(st.st_mode))
		unlink(path);
	*listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (*listener < 0)
		return failed(path, "socket");
	before = umask(0177);
	rc = bind(*listener, (const struct sockaddr *)&at, sizeof(at));
	umask(before);
	if (rc < 0)
		return failed(path, "bind");
	return listen(*listener, 8) < 0 ? failed(path, "listen") : 0;
}

/* Nothing but these two is to outlive the server. */
static void close_others(int *listener, int *sock)
{
	int high[2] = { fcntl(*listener, F_DUPFD, 5), fcntl(*sock, F_DUPFD, 5) };

	*listener = dup2(high[0], 3);
	*sock = dup2(high[1], 4);
	close_range(5, ~0u, 0);
}

static void become_keeper(const char *path, bool no_sandbox, int listener, int sock)
{
	static const int ignored[] = { SIGHUP, SIGINT, SIGPIPE };
	static const int deadly[] = { SIGTERM, SIGALRM };
	int null;

	setsid();
	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		signal(ignored[i], SIG_IGN);
	for (size_t i = 0; i < sizeof(deadly) / sizeof(deadly[0]); i++)
		signal(deadly[i], SIG_DFL);
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (int fd = 0; fd <= 2 && null >= 0; fd++)
		dup2(null, fd);
	close_others(&listener, &sock);
	if (sandbox_enter(&(struct sandbox_wish){ .off = no_sandbox }) < 0)
		_exit(EXIT_FAILURE);
	keeper_loop(path, listener, sock);
	_exit(EXIT_SUCCESS);
}

/* Twice, so that it is nobody's child and leaves no zombie. */
static int fork_twice(const char *path, bool no_sandbox, int listener, int sock)
{
	pid_t child = fork(), second;
	int status;

	if (child < 0)
		return failed(path, "fork");
	if (child == 0) {
		second = fork();
		if (second == 0)
			become_keeper(path, no_sandbox, listener, sock);
		_exit(second < 0 ? EXIT_FAILURE : EXIT_SUCCESS);
	}
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return failed(path, "waitpid");
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return error_detail(BELL_EIO, "keeper: %s: cannot be started", path);
	return 0;
}

int keeper_start(const char *path, bool no_sandbox, int *out)
{
	int pair[2] = { -1, -1 }, listener = -1;
	int rc = listen_there(path, &listener);

	if (rc == 0 && socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		rc = failed(path, "socketpair");
	if (rc == 0)
		rc = fork_twice(path, no_sandbox, listener, pair[1]);
	if (rc == 0)
		*out = fd_take(&pair[0]);
	fd_close(&pair[0]);
	fd_close(&pair[1]);
	fd_close(&listener);
	return rc;
}
