/* SPDX-License-Identifier: BSD-2-Clause */
#include "fd.h"

#include "bellring.h"

#include <errno.h>
#include <unistd.h>

int fd_take(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

void fd_close(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		close(fd_take(fd));
	errno = saved;
}

int from_errno(int err)
{
	switch (err) {
	case ENOMEM:
	case EMFILE:
	case ENFILE:
		return BELL_ENOMEM;
	case EACCES:
	case EPERM:
		return BELL_EPERM;
	case ENOENT:
	case ENODEV:
	case ENXIO:
	case ECONNREFUSED:
		return BELL_ENODEV;
	case EBUSY:
		return BELL_EBUSY;
	case EINVAL:
	case ENAMETOOLONG:
		return BELL_EINVAL;
	default:
		return BELL_EIO;
	}
}
