/* SPDX-License-Identifier: BSD-2-Clause */
#define _GNU_SOURCE /* F_OFD_SETLK */
#include "number.h"

#include "error.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static struct flock lock_of(uint32_t at)
{
	return (struct flock){ .l_type = F_WRLCK,
			       .l_whence = SEEK_SET,
			       .l_start = (off_t)at,
			       .l_len = 1 };
}

static int lock_byte(int fd, uint32_t at)
{
	struct flock lock = lock_of(at);

	return fcntl(fd, F_OFD_SETLK, &lock);
}

bool number_is_taken(int fd, uint32_t number)
{
	struct flock lock = lock_of(number);

	return fcntl(fd, F_OFD_GETLK, &lock) < 0 || lock.l_type != F_UNLCK;
}

int number_take(int fd, uint32_t first, uint32_t last, const char *what,
		uint32_t *out)
{
	for (uint32_t n = first; n <= last; n++) {
		if (lock_byte(fd, n) == 0) {
			*out = n;
			return 0;
		}
		if (errno != EAGAIN && errno != EACCES)
			return error_detail(BELL_EUNSUP,
					    "%s: its file system has no locks, which number its users: %s",
					    what, strerror(errno));
	}
	if (first == last)
		return error_detail(BELL_EBUSY, "%s: another process has id %u; choose another one",
				    what, first);
	return error_detail(BELL_EBUSY, "%s: %u processes have it open, and no more can",
			    what, last - first + 1);
}
