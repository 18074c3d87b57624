/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * standin-linux.h - the Linux system calls that the stand-in driver makes
 *
 * Under Wine a driver is a program of the user's: the kernel below is Linux, and
 * the instruction syscall reaches it. Each call returns what the kernel does, a
 * result or a negative errno. Numbers and structures are those of Linux on x86-64:
 * arch/x86/entry/syscalls/syscall_64.tbl and include/uapi of its source.
 */
#ifndef STANDIN_LINUX_H
#define STANDIN_LINUX_H

#include <stddef.h>
#include <stdint.h>

#define LINUX_EINTR 4
#define LINUX_EAGAIN 11
#define LINUX_POLLIN 1
#define LINUX_SOCKET_PATH 108u /* bytes of sun_path, with the final zero */

struct linux_pollfd {
	int32_t fd;
	int16_t events;
	int16_t revents;
};

/* Whether system calls reach Linux: 0, or -1 where Wine catches them. */
int linux_check(void);

int linux_getpid(void);
void linux_close(int fd); /* -1 is fine */

/* A file, read and written; flags of open(2) are O_RDWR | O_CLOEXEC. */
int linux_open(const char *path);
int64_t linux_size(int fd);

/* A new non-blocking eventfd(2), its count raised by one, and taken: 1 if it was not 0. */
int linux_eventfd(void);
int linux_raise(int fd);
int linux_take(int fd);

void linux_nonblocking(int fd);

/* timeout_ms: -1 waits for ever. Returns how many are ready. */
int linux_poll(struct linux_pollfd *fds, size_t count, int timeout_ms);

/* A connected AF_UNIX stream socket. */
int linux_connect(const char *path);

/*
 * Bytes that came, 0 at the end of the stream. *fd is a descriptor that came with
 * them, the caller's from here on, or -1.
 */
int64_t linux_receive(int sock, void *buf, size_t size, int *fd);

#endif
