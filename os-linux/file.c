/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * file.c - the port "file:PATH": ivshmem-plain's memory, on the host
 *
 * The file that QEMU was given as memory-backend-file, or one of /dev/shm. There
 * is no server: nobody rings anybody, and processes number themselves by locks
 * on the file (number.h), from 0 on; guests are above them (guest-linux/plain.h).
 * The number of a process that died is free again, and who takes it next buries
 * what it left in the directory.
 */
#include "address.h"
#include "error.h"
#include "fd.h"
#include "number.h"
#include "port.h"
#include "ticker.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define HOST_ID_MAX 16383u

extern const struct bell_port_ops bell_port_file;

struct file_port {
	struct bell_port base;
	struct ticker ticker;
	int fd; /* holds the number */
	struct address address;
};

static struct file_port *of(const struct bell_port *base)
{
	return (struct file_port *)(uintptr_t)base;
}

/* ---- opening and closing -------------------------------------------------- */

static void file_close(struct bell_port *port)
{
	struct file_port *p = of(port);

	if (p->base.memory)
		munmap(p->base.memory, p->base.size);
	fd_close(&p->fd);
	ticker_done(&p->ticker);
	free(p);
}

static int open_failed(const char *path)
{
	switch (errno) {
	case ENOENT:
		return error_detail(BELL_ENODEV,
				    "file:%s: no such file; start QEMU with -object memory-backend-file,mem-path=FILE,size=16M,share=on, or make one: truncate -s 16M FILE",
				    path);
	case EACCES:
	case EPERM:
		return error_detail(BELL_EPERM,
				    "file:%s: %s; give your user rights to read and write it",
				    path, strerror(errno));
	case EISDIR:
		return error_detail(BELL_EINVAL, "file:%s: a folder, not a file", path);
	default:
		return error_detail(from_errno(errno), "file:%s: opening it: %s", path,
				    strerror(errno));
	}
}

/* O_NONBLOCK: a FIFO would wait for its other end. */
static int open_file(const char *path, int *fd)
{
	*fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	return *fd < 0 ? open_failed(path) : 0;
}

/* A device (a ramdisk, /dev/dax) may do, but says nothing of its size. */
static int check_file(const char *path, int fd, size_t *size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	struct stat st;

	if (fstat(fd, &st) < 0)
		return error_detail(from_errno(errno), "file:%s: fstat: %s", path,
				    strerror(errno));
	if (!S_ISREG(st.st_mode))
		return error_detail(BELL_EINVAL,
				    "file:%s: not a regular file; for an ivshmem server's socket the address is unix:%s",
				    path, path);
	if (st.st_size <= 0 || (uintmax_t)st.st_size > SIZE_MAX ||
	    (uintmax_t)st.st_size % page != 0)
		return error_detail(BELL_EINVAL,
				    "file:%s: has %lld bytes, not a multiple of %zu; QEMU takes powers of two: truncate -s 16M FILE",
				    path, (long long)st.st_size, page);
	*size = (size_t)st.st_size;
	return 0;
}

static int map_file(struct file_port *p, size_t size)
{
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, p->fd, 0);

	if (at == MAP_FAILED)
		return error_detail(from_errno(errno), "file:%s: mapping %zu bytes: %s",
				    p->address.where, size, strerror(errno));
	p->base.memory = at;
	p->base.size = size;
	return 0;
}

static int take_id(struct file_port *p)
{
	uint32_t first = 0, last = HOST_ID_MAX;

	if (p->address.id != ADDRESS_NO_ID)
		first = last = (uint32_t)p->address.id;
	return number_take(p->fd, first, last, p->address.where, &p->base.id);
}

static int set_up(struct file_port *p)
{
	size_t size;
	int rc = ticker_init(&p->ticker);

	if (rc == 0)
		rc = open_file(p->address.where, &p->fd);
	if (rc == 0)
		rc = check_file(p->address.where, p->fd, &size);
	if (rc == 0)
		rc = take_id(p);
	if (rc == 0)
		rc = map_file(p, size);
	return rc;
}

static int file_open(const char *rest, int timeout_ms, struct bell_port **out)
{
	struct file_port *p = calloc(1, sizeof(*p));
	int rc;

	(void)timeout_ms; /* nothing here waits for anybody */
	if (!p)
		return error_detail(BELL_ENOMEM, "file:%s: opening", rest);
	p->base.ops = &bell_port_file;
	p->base.kind = BELL_KIND_HOST;
	p->base.silent = true;
	p->fd = -1;
	ticker_clear(&p->ticker);
	rc = address_parse(rest, &p->address);
	if (rc == 0)
		rc = set_up(p);
	if (rc < 0)
		file_close(&p->base);
	else
		*out = &p->base;
	return rc;
}

static int file_usable(const char *rest)
{
	struct address a;
	size_t size;
	int fd = -1, rc;

	rc = address_parse(rest, &a);
	if (rc == 0)
		rc = open_file(a.where, &fd);
	if (rc == 0)
		rc = check_file(a.where, fd, &size);
	fd_close(&fd);
	return rc;
}

/* ---- in use ---------------------------------------------------------------- */

/* Oneself is no other: an event loop is to look again. */
static int file_ring(struct bell_port *port, uint32_t id, unsigned vector)
{
	struct file_port *p = of(port);

	(void)vector;
	if (id != BELL_ID_DEVICE(p->base.id))
		return error_detail(BELL_ENOPEER,
				    "file:%s: memory without doorbells; peers look at it by themselves",
				    p->address.where);
	ticker_ring(&p->ticker);
	return 0;
}

static bell_handle_t file_handle(const struct bell_port *port)
{
	return of(port)->ticker.handle;
}

static int file_wait(struct bell_port *port, int timeout_ms,
		     const struct port_sink *sink)
{
	(void)sink; /* nobody is told anything */
	return ticker_wait(&of(port)->ticker, timeout_ms);
}

/* Of guests nothing is known. */
static bool file_there(const struct bell_port *port, uint32_t id)
{
	return id > HOST_ID_MAX || number_is_taken(of(port)->fd, id);
}

static void file_active(struct bell_port *port)
{
	ticker_active(&of(port)->ticker);
}

static int file_sync(struct bell_port *port)
{
	struct file_port *p = of(port);

	if (msync(p->base.memory, p->base.size, MS_SYNC) == 0)
		return 0;
	return error_detail(BELL_EIO, "file:%s: msync: %s", p->address.where,
			    strerror(errno));
}

const struct bell_port_ops bell_port_file = {
	.name = "file",
	.scheme = "file",
	.form = "file:PATH (the memory of an ivshmem-plain device)",
	.open = file_open,
	.ring = file_ring,
	.handle = file_handle,
	.wait = file_wait,
	.peers = NULL, /* nobody tells */
	.close = file_close,
	.there = file_there,
	.usable = file_usable,
	.active = file_active,
	.sync = file_sync,
};
