/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * occupied.c - first ask the kernel, then connect
 *
 * A connection is not free of harm: on bellring-server it uses up an id and
 * interrupts everybody, and QEMU's example server ends if one is closed during
 * its greeting (contrib/ivshmem-server). /proc/net/unix disturbs nobody, but
 * knows neither other network namespaces nor what a relative path was relative
 * to; so a socket that is not in there is stale only if it refuses.
 */
#include "occupied.h"

#include "bellring.h"
#include "dial.h"
#include "fd.h"
#include "os.h"
#include "proto.h"
#include "sockfd.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define LISTENS 0x10000u /* __SO_ACCEPTCON in Linux' include/linux/net.h */

#define DIAL_NS UINT64_C(1000000000)
#define FIRST_MS 1000 /* a full server greets nobody */
#define QUIET_MS 100
#define GREETING_NS UINT64_C(5000000000)

/* The same file, or at least the same name. */
static bool is_same(const char *name, const char *path)
{
	struct stat one, other;

	if (strcmp(name, path) == 0)
		return true;
	return stat(name, &one) == 0 && stat(path, &other) == 0 &&
	       one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

/*
 * A line: number, references, protocol, flags, type, state, inode, path;
 * unix_seq_show() in Linux' net/unix/af_unix.c. The heading has no flags.
 */
static bool line_names(char *line, const char *path, uint64_t *inode)
{
	unsigned flags;
	int at = 0;

	line[strcspn(line, "\n")] = '\0';
	if (sscanf(line, "%*s %*x %*x %x %*x %*x %" SCNu64 " %n", &flags, inode,
		   &at) != 2)
		return false;
	return at > 0 && (flags & LISTENS) && line[at] != '\0' &&
	       is_same(line + at, path);
}

struct listed {
	bool known;  /* the socket with the inode that was asked for */
	bool others;
};

/* All false also if that file cannot be read. */
static struct listed look_up(const char *path, uint64_t mine)
{
	struct listed found = { false, false };
	FILE *list = fopen("/proc/net/unix", "re");
	uint64_t inode;
	char *line = NULL;
	size_t room = 0;

	if (!list)
		return found;
	while (getline(&line, &room, list) > 0) {
		if (!line_names(line, path, &inode))
			continue;
		if (inode == mine)
			found.known = true;
		else
			found.others = true;
	}
	free(line);
	fclose(list);
	return found;
}

static bool is_readable(int sock, int ms)
{
	struct pollfd p = { .fd = sock, .events = POLLIN };
	int n;

	do
		n = poll(&p, 1, ms);
	while (n < 0 && errno == EINTR);
	return n > 0;
}

/* Until it is quiet, or for as long as a greeting can take. */
static void take_greeting(int sock)
{
	uint64_t deadline = os_now_ns() + GREETING_NS;
	unsigned char bytes[PROTO_SIZE];
	int ms = FIRST_MS, n, fd;

	while (os_now_ns() < deadline && is_readable(sock, ms)) {
		n = sockfd_recv(sock, bytes, sizeof(bytes), &fd);
		fd_close(&fd);
		if (n <= 0 && n != -BELL_EAGAIN && n != -BELL_EPROTO)
			return;
		ms = QUIET_MS;
	}
}

int occupied(const char *path)
{
	int sock, rc;

	if (look_up(path, 0).others)
		return 1;
	rc = dial(path, os_now_ns() + DIAL_NS, &sock);
	if (rc == -BELL_ENODEV) /* a live socket of another type is not stale */
		return errno == EPROTOTYPE;
	if (rc == -BELL_EAGAIN) /* so many wait that there is no room for us */
		return 1;
	if (rc < 0)
		return rc;
	take_greeting(sock);
	fd_close(&sock);
	return 1;
}

bool occupied_by_another(const char *path, int fd)
{
	struct listed found;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return true;
	found = look_up(path, st.st_ino);
	return found.others || !found.known;
}
