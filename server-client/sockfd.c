/* SPDX-License-Identifier: BSD-2-Clause */
#include "sockfd.h"

#include "error.h"
#include "fd.h"
#include "proto.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

/*
 * Room for one more than we take, so that a second descriptor is seen and not
 * mistaken for one that this process had no room for: cmsg(3), MSG_CTRUNC.
 */
#define TAKE_MAX 2

union control {
	struct cmsghdr align;
	char room[CMSG_SPACE(TAKE_MAX * sizeof(int))];
};

static int from_send_errno(int err)
{
	switch (err) {
	case EAGAIN:
		return BELL_EAGAIN;
	case EPIPE:
	case ECONNRESET:
		return BELL_EGONE;
	case ENOBUFS:
	case ENOMEM:
	case ETOOMANYREFS: /* too many descriptors in flight: unix(7) */
		return BELL_ENOMEM;
	default:
		return BELL_EIO;
	}
}

int sockfd_send(int sock, const void *data, size_t len, int fd)
{
	struct iovec iov = { .iov_base = (void *)(uintptr_t)data,
			     .iov_len = len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	union control control;
	struct cmsghdr *c;
	ssize_t n;

	if (fd >= 0) {
		memset(&control, 0, sizeof(control));
		msg.msg_control = &control;
		msg.msg_controllen = CMSG_SPACE(sizeof(int));
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &fd, sizeof(int));
	}
	do
		n = sendmsg(sock, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -from_send_errno(errno);
	return (int)n;
}

/* Takes the first descriptor into *fd, closes others; returns how many came. */
static unsigned take_fds(struct msghdr *msg, int *fd)
{
	unsigned came = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t at = CMSG_LEN(0); at + sizeof(int) <= c->cmsg_len;
		     at += sizeof(int)) {
			int one;

			memcpy(&one, (char *)c + at, sizeof(int));
			if (came++ == 0)
				*fd = fd_take(&one);
			fd_close(&one);
		}
	}
	return came;
}

static int recv_failed(int err)
{
	if (err == EAGAIN)
		return error_plain(BELL_EAGAIN);
	if (err == ECONNRESET)
		return error_detail(BELL_EGONE, "connection reset");
	return error_detail(from_errno(err), "recvmsg: %s", strerror(err));
}

int sockfd_recv(int sock, void *data, size_t len, int *fd)
{
	struct iovec iov = { .iov_base = data, .iov_len = len };
	union control control;
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1,
			      .msg_control = &control,
			      .msg_controllen = sizeof(control) };
	unsigned came;
	ssize_t n;

	*fd = -1;
	do
		n = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return recv_failed(errno);
	came = take_fds(&msg, fd);
	if (came > 1 || (came == 1 && (msg.msg_flags & MSG_CTRUNC))) {
		fd_close(fd);
		return error_detail(BELL_EPROTO,
				    "several descriptors beside one message");
	}
	if (came == 0 && (msg.msg_flags & MSG_CTRUNC))
		*fd = PROTO_FD_LOST;
	return (int)n;
}
