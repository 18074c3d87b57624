/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Buffers of sockets stay as the kernel makes them: TCP's grow with what is needed.
 * A pipe gets the largest size that needs no privilege: a writer then sleeps less often.
 */
#define _GNU_SOURCE /* F_SETPIPE_SZ */
#include "rival-bytes.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PIPE_SIZE (1 << 20)

static void join(struct rival_end *client, struct rival_end *server, const int client_fd[2],
		 const int server_fd[2])
{
	struct bytes_end *c = (struct bytes_end *)client, *s = (struct bytes_end *)server;

	c->in = s->others[0] = client_fd[0];
	c->out = s->others[1] = client_fd[1];
	s->in = c->others[0] = server_fd[0];
	s->out = c->others[1] = server_fd[1];
}

static void join_sockets(struct rival_end *client, struct rival_end *server, int client_fd,
			 int server_fd)
{
	struct bytes_end *c = (struct bytes_end *)client, *s = (struct bytes_end *)server;

	join(client, server, (int[]){ client_fd, client_fd }, (int[]){ server_fd, server_fd });
	c->others[1] = s->others[1] = -1;
}

static int make_pipe(int fd[2])
{
	if (pipe2(fd, O_CLOEXEC) < 0)
		return rival_fail("pipe: %s", strerror(errno));
	/* Where less is allowed, it stays as it is. */
	(void)fcntl(fd[1], F_SETPIPE_SZ, PIPE_SIZE);
	return 0;
}

int bytes_pair_pipes(struct rival_end *client, struct rival_end *server)
{
	int there[2], back[2];

	if (make_pipe(there) < 0 || make_pipe(back) < 0)
		return -1;
	join(client, server, (int[]){ back[0], there[1] }, (int[]){ there[0], back[1] });
	return 0;
}

int bytes_pair_unix(struct rival_end *client, struct rival_end *server)
{
	int fd[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd) < 0)
		return rival_fail("socketpair: %s", strerror(errno));
	join_sockets(client, server, fd[0], fd[1]);
	return 0;
}

/* Each message is sent at once. */
static int tcp_socket(void)
{
	int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) < 0)
		return rival_fail("a TCP socket: %s", strerror(errno));
	return fd;
}

/* On a port that is free; at gets which. */
static int tcp_listen(struct sockaddr_in *at)
{
	socklen_t len = sizeof(*at);
	int fd = tcp_socket();

	if (fd < 0)
		return -1;
	*at = (struct sockaddr_in){ .sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	if (bind(fd, (struct sockaddr *)at, sizeof(*at)) < 0 || listen(fd, 1) < 0 ||
	    getsockname(fd, (struct sockaddr *)at, &len) < 0)
		return rival_fail("127.0.0.1: listen: %s", strerror(errno));
	return fd;
}

/* The accepted one has its listener's TCP_NODELAY. */
int bytes_pair_tcp(struct rival_end *client, struct rival_end *server)
{
	struct sockaddr_in at;
	int listening = tcp_listen(&at), near_fd, far_fd;

	if (listening < 0)
		return -1;
	near_fd = tcp_socket();
	if (near_fd < 0)
		return -1;
	if (connect(near_fd, (struct sockaddr *)&at, sizeof(at)) < 0)
		return rival_fail("127.0.0.1: connect: %s", strerror(errno));
	far_fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
	if (far_fd < 0)
		return rival_fail("127.0.0.1: accept: %s", strerror(errno));
	(void)close(listening);
	join_sockets(client, server, near_fd, far_fd);
	return 0;
}
