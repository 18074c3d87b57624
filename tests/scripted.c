/* SPDX-License-Identifier: BSD-2-Clause */
#define _GNU_SOURCE /* memfd_create */

#include "scripted.h"

#include "layout.h"
#include "proto.h"
#include "testing.h"

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* Whoever connected may be gone: that is its affair. Returns whether it is not. */
static bool send_with(int sock, const unsigned char *bytes, size_t len, int fd,
		      unsigned fds)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(2 * sizeof(int))];
	} control = { .room = { 0 } };
	struct iovec iov = { .iov_base = (void *)(uintptr_t)bytes,
			     .iov_len = len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (fds > 0) {
		struct cmsghdr *c;
		int both[2] = { fd, fd };

		msg.msg_control = &control;
		msg.msg_controllen = CMSG_SPACE(fds * sizeof(int));
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(fds * sizeof(int));
		memcpy(CMSG_DATA(c), both, fds * sizeof(int));
	}
	return sendmsg(sock, &msg, MSG_NOSIGNAL) > 0;
}

static void play(int sock, const struct step *step, const int *fds, int go)
{
	unsigned char bytes[PROTO_SIZE];
	int fd = step->fd > 0 ? fds[step->fd - 1] : -1;
	unsigned count = fd >= 0 ? 1 : 0;
	char byte;

	proto_encode(step->number, bytes);
	switch (step->kind) {
	case SEND:
		send_with(sock, bytes, PROTO_SIZE, fd, count);
		break;
	case BY_BYTES:
		for (unsigned i = 0; i < PROTO_SIZE; i++)
			send_with(sock, bytes + i, 1, fd, i == 0 ? count : 0);
		break;
	case HALF:
		send_with(sock, bytes, PROTO_SIZE / 2, fd, count);
		break;
	case TWO_FDS:
		send_with(sock, bytes, PROTO_SIZE, fd, 2);
		break;
	case FLOOD:
		while (send_with(sock, bytes, PROTO_SIZE, fd, count) &&
		       send_with(sock, bytes, PROTO_SIZE, -1, 0))
			;
		break;
	case AWAIT:
		if (read(go, &byte, 1) != 1)
			_exit(1);
		break;
	case CLOSE:
		shutdown(sock, SHUT_RDWR);
		break;
	}
}

static void run(int listener, const struct step *steps, int n, const int *fds,
		int go)
{
	int kept = -1;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		int sock = accept(listener, NULL, NULL);

		if (sock < 0)
			_exit(1);
		for (int i = 0; i < n; i++)
			play(sock, &steps[i], fds, go);
		/* Open until somebody else comes. */
		if (kept >= 0)
			close(kept);
		kept = sock;
	}
}

void scripted_start(struct scripted *s, const struct step *steps, int n,
		    const int *fds)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int listener, go[2];

	strcpy(s->dir, "/tmp/bellring-test-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(s->dir));
	snprintf(s->path, sizeof(s->path), "%s/socket", s->dir);
	snprintf(s->address, sizeof(s->address), "unix:%s", s->path);
	strcpy(at.sun_path, s->path);
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_ge(listener, 0);
	ck_assert_int_eq(bind(listener, (struct sockaddr *)&at, sizeof(at)), 0);
	ck_assert_int_eq(listen(listener, 8), 0);
	ck_assert_int_eq(pipe(go), 0);
	s->child = fork();
	ck_assert_int_ge(s->child, 0);
	if (s->child == 0) {
		close(go[1]);
		run(listener, steps, n, fds, go[0]);
	}
	close(go[0]);
	close(listener);
	s->go = go[1];
}

void scripted_go(struct scripted *s)
{
	ck_assert_int_eq(write(s->go, "g", 1), 1);
}

void scripted_kill(struct scripted *s)
{
	int status;

	if (s->child <= 0)
		return;
	kill(s->child, SIGKILL);
	ck_assert_int_eq(waitpid(s->child, &status, 0), s->child);
	close(s->go);
	s->child = 0;
}

void scripted_stop(struct scripted *s)
{
	scripted_kill(s);
	unlink(s->path);
	rmdir(s->dir);
}

int new_memory(size_t size)
{
	int fd = memfd_create("test", MFD_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ftruncate(fd, (off_t)size), 0);
	return fd;
}

int new_eventfd(void)
{
	int fd = eventfd(0, EFD_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	return fd;
}

static void format_promising(int fd)
{
	struct layout plan;
	void *at = mmap(NULL, MEMORY_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	ck_assert_ptr_ne(at, MAP_FAILED);
	ck_assert_int_eq(layout_plan(MEMORY_SIZE, NULL, &plan), 0);
	plan.server_vectors = 2;
	layout_format(at, &plan, 1);
	munmap(at, MEMORY_SIZE);
}

void make_gifts(int fds[GIFTS])
{
	char name[40];
	int pair[2];

	fds[MEMORY - 1] = new_memory(MEMORY_SIZE);
	fds[EMPTY - 1] = new_memory(0);
	fds[SHORT - 1] = new_memory(4095);
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fds[MEMORY - 1]);
	fds[READ_ONLY - 1] = open(name, O_RDONLY | O_CLOEXEC);
	ck_assert_int_ge(fds[READ_ONLY - 1], 0);
	fds[PROMISING - 1] = new_memory(MEMORY_SIZE);
	format_promising(fds[PROMISING - 1]);
	ck_assert_int_eq(pipe(pair), 0);
	close(pair[0]);
	fds[PIPE - 1] = pair[1];
	fds[SOCKET - 1] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	for (int i = V0; i <= V2; i++)
		fds[i - 1] = new_eventfd();
}
