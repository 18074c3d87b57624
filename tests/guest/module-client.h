/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * module-client.h - the calls of ivshmem_doorbell.h, for programs that test the
 * module; no library of ours is beneath them
 */
#ifndef MODULE_CLIENT_H
#define MODULE_CLIENT_H

#include "kmod/ivshmem_doorbell.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096u
#define REG_POSITION 2 /* 32-bit words */
#define REG_DOORBELL 3

struct client {
	int fd;
	struct ivshmem_doorbell_info info;
	char *memory; /* whole; NULL before client_map() */
};

__attribute__((format(printf, 1, 2), noreturn)) static inline void die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf(": %s\n", strerror(errno));
	exit(1);
}

static inline struct client client_open(const char *path)
{
	struct client c = { .fd = open(path, O_RDWR | O_CLOEXEC) };

	if (c.fd < 0)
		die("open %s", path);
	if (ioctl(c.fd, IVSHMEM_DOORBELL_INFO, &c.info) < 0)
		die("INFO");
	return c;
}

static inline void client_map(struct client *c)
{
	c->memory = mmap(NULL, c->info.memory_size, PROT_READ | PROT_WRITE, MAP_SHARED,
			 c->fd, 0);
	if (c->memory == MAP_FAILED)
		die("mmap of %llu bytes", (unsigned long long)c->info.memory_size);
}

static inline volatile uint64_t *client_word(const struct client *c, uint64_t offset)
{
	return (volatile uint64_t *)(void *)(c->memory + offset);
}

static inline int client_ring(const struct client *c, uint32_t peer, uint32_t vector)
{
	struct ivshmem_doorbell_ring ring = { .peer_id = peer, .vector = vector };

	return ioctl(c->fd, IVSHMEM_DOORBELL_RING, &ring);
}

/* Only these vectors come by read(); a bit each of the first 64. */
static inline int client_want(const struct client *c, uint64_t bits)
{
	struct ivshmem_doorbell_mask mask = { .mask = { bits } };

	return ioctl(c->fd, IVSHMEM_DOORBELL_WANT, &mask);
}

static inline int client_eventfd(const struct client *c, uint32_t vector, int fd)
{
	struct ivshmem_doorbell_eventfd set = { .vector = vector, .fd = fd };

	return ioctl(c->fd, IVSHMEM_DOORBELL_EVENTFD, &set);
}

/* A new eventfd that grows by the vector. */
static inline int client_listen(const struct client *c, uint32_t vector)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	if (fd < 0 || client_eventfd(c, vector, fd) < 0)
		die("EVENTFD of vector %u", vector);
	return fd;
}

static inline int client_will(const struct client *c,
			      const struct ivshmem_doorbell_step *steps, uint32_t count)
{
	struct ivshmem_doorbell_will will = { .steps = (uintptr_t)steps, .count = count };

	return ioctl(c->fd, IVSHMEM_DOORBELL_WILL, &will);
}

/* What poll() tells of the descriptor, waiting that long. */
static inline int told(int fd, int timeout_ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, timeout_ms) < 0 ? -1 : p.revents;
}

#endif
