/* SPDX-License-Identifier: BSD-2-Clause */
#include "fdcheck.h"

#include "error.h"
#include "fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#define MIN_MEMORY 4096

int fdcheck_memory(int fd, size_t *size)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return error_detail(from_errno(errno), "memory: fstat: %s",
				    strerror(errno));
	if (!S_ISREG(st.st_mode))
		return error_detail(BELL_EPROTO,
				    "memory: the descriptor is not a file");
	if (st.st_size < MIN_MEMORY)
		return error_detail(BELL_EPROTO,
				    "memory: %lld bytes, at least a page (%d) is needed",
				    (long long)st.st_size, MIN_MEMORY);
	if ((uintmax_t)st.st_size > SIZE_MAX)
		return error_detail(BELL_ENOMEM,
				    "memory: too large for this process");
	*size = (size_t)st.st_size;
	return 0;
}

/*
 * Anything but an eventfd could block us or raise SIGPIPE when rung. Anonymous
 * inodes have no file type. O_NONBLOCK is shared by all holders of the eventfd
 * (QEMU sets it too), so it is set and never cleared.
 */
int fdcheck_eventfd(int fd)
{
	struct stat st;
	int flags;

	if (fstat(fd, &st) < 0)
		return error_detail(from_errno(errno), "vector: fstat: %s",
				    strerror(errno));
	if ((st.st_mode & S_IFMT) != 0)
		return error_detail(BELL_EPROTO,
				    "vector: the descriptor is not an eventfd");
	flags = fcntl(fd, F_GETFL);
	if (flags >= 0 && !(flags & O_NONBLOCK))
		flags = fcntl(fd, F_SETFL, flags | O_NONBLOCK);
	if (flags < 0)
		return error_detail(from_errno(errno), "vector: fcntl: %s",
				    strerror(errno));
	return 0;
}
