/* SPDX-License-Identifier: BSD-2-Clause */
#include "standin-linux.h"

enum {
	NR_READ = 0,
	NR_WRITE = 1,
	NR_OPEN = 2,
	NR_CLOSE = 3,
	NR_POLL = 7,
	NR_LSEEK = 8,
	NR_GETPID = 39,
	NR_SOCKET = 41,
	NR_CONNECT = 42,
	NR_RECVMSG = 47,
	NR_FCNTL = 72,
	NR_EVENTFD2 = 290
};

enum {
	AF_UNIX = 1,
	SOCK_STREAM = 1,
	SOL_SOCKET = 1,
	SCM_RIGHTS = 1,
	SEEK_END = 2,
	F_GETFL = 3,
	F_SETFL = 4,
	O_RDWR = 02,
	O_NONBLOCK = 04000,
	O_CLOEXEC = 02000000,
	MSG_CMSG_CLOEXEC = 0x40000000
};

struct iovec {
	void *base;
	uint64_t len;
};

struct msghdr {
	void *name;
	uint32_t name_len;
	struct iovec *iov;
	uint64_t iov_len;
	void *control;
	uint64_t control_len;
	uint32_t flags;
};

struct rights {
	uint64_t len;
	int32_t level;
	int32_t type;
	int32_t fd;
	int32_t pad;
};

struct sockaddr_un {
	uint16_t family;
	char path[LINUX_SOCKET_PATH];
};

static int64_t call(int64_t nr, int64_t a, int64_t b, int64_t c)
{
	int64_t rc;

	__asm__ volatile("syscall"
			 : "=a"(rc)
			 : "a"(nr), "D"(a), "S"(b), "d"(c)
			 : "rcx", "r11", "memory");
	return rc;
}

static int64_t at(const void *p)
{
	return (int64_t)(intptr_t)p;
}

/* A caught call answers with a Windows status, which is no pid. */
int linux_check(void)
{
	int64_t pid = call(NR_GETPID, 0, 0, 0);

	if (pid <= 0 || pid > 4194304) /* PID_MAX_LIMIT, include/linux/threads.h */
		return -1;
	return call(NR_READ, -1, 0, 0) == -9 /* EBADF */ ? 0 : -1;
}

int linux_getpid(void)
{
	return (int)call(NR_GETPID, 0, 0, 0);
}

void linux_close(int fd)
{
	if (fd >= 0)
		call(NR_CLOSE, fd, 0, 0);
}

int linux_open(const char *path)
{
	return (int)call(NR_OPEN, at(path), O_RDWR | O_CLOEXEC, 0);
}

int64_t linux_size(int fd)
{
	return call(NR_LSEEK, fd, 0, SEEK_END);
}

int linux_eventfd(void)
{
	return (int)call(NR_EVENTFD2, 0, O_CLOEXEC | O_NONBLOCK, 0);
}

int linux_raise(int fd)
{
	uint64_t one = 1;

	return (int)call(NR_WRITE, fd, at(&one), sizeof(one));
}

int linux_take(int fd)
{
	uint64_t count;

	return call(NR_READ, fd, at(&count), sizeof(count)) == sizeof(count);
}

void linux_nonblocking(int fd)
{
	int64_t flags = call(NR_FCNTL, fd, F_GETFL, 0);

	if (flags >= 0)
		call(NR_FCNTL, fd, F_SETFL, flags | O_NONBLOCK);
}

int linux_poll(struct linux_pollfd *fds, size_t count, int timeout_ms)
{
	return (int)call(NR_POLL, at(fds), (int64_t)count, timeout_ms);
}

int linux_connect(const char *path)
{
	struct sockaddr_un name = {AF_UNIX, ""};
	size_t len = 0;
	int64_t rc;
	int sock;

	while (path[len] && len < LINUX_SOCKET_PATH - 1) {
		name.path[len] = path[len];
		len++;
	}
	sock = (int)call(NR_SOCKET, AF_UNIX, SOCK_STREAM | O_CLOEXEC, 0);
	if (sock < 0)
		return sock;
	rc = call(NR_CONNECT, sock, at(&name), sizeof(name));
	if (rc < 0) {
		linux_close(sock);
		return (int)rc;
	}
	return sock;
}

int64_t linux_receive(int sock, void *buf, size_t size, int *fd)
{
	struct rights rights = {0, 0, 0, -1, 0};
	struct iovec iov = {buf, size};
	struct msghdr msg = {NULL, 0, &iov, 1, &rights, sizeof(rights), 0};
	int64_t rc;

	do {
		rc = call(NR_RECVMSG, sock, at(&msg), MSG_CMSG_CLOEXEC);
	} while (rc == -LINUX_EINTR);
	*fd = -1;
	if (rc > 0 && msg.control_len && rights.level == SOL_SOCKET &&
	    rights.type == SCM_RIGHTS)
		*fd = rights.fd;
	return rc;
}
