/* SPDX-License-Identifier: BSD-2-Clause */
#define _GNU_SOURCE /* asprintf, get_current_dir_name */

#include "ownfile.h"

#include "error.h"
#include "fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A daemon changes its directory later. NULL if out of memory. */
static char *absolute(const char *path)
{
	char *dir, *full;

	if (path[0] == '/')
		return strdup(path);
	dir = get_current_dir_name();
	if (!dir)
		return NULL;
	if (asprintf(&full, "%s/%s", dir, path) < 0)
		full = NULL;
	free(dir);
	return full;
}

int ownfile_note(struct ownfile *f, const char *path)
{
	struct ownfile mine;
	struct stat st;

	if (lstat(path, &st) < 0)
		return error_detail(from_errno(errno), "%s: lstat: %s", path,
				    strerror(errno));
	mine = (struct ownfile){ absolute(path), st.st_dev, st.st_ino, -1 };
	if (!mine.path)
		return error_detail(BELL_ENOMEM, "%s: its absolute path: %s", path,
				    strerror(errno));
	*f = mine;
	return 0;
}

void ownfile_remove(struct ownfile *f)
{
	struct stat st;

	if (!f->path)
		return;
	if (lstat(f->path, &st) == 0 && st.st_dev == f->dev &&
	    st.st_ino == f->ino)
		unlink(f->path);
	fd_close(&f->fd);
	free(f->path);
	f->path = NULL;
}

int ownfile_write_pid(struct ownfile *f, const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
		      0644);
	int rc;

	if (fd < 0)
		return error_detail(from_errno(errno), "%s: open: %s", path,
				    strerror(errno));
	rc = ownfile_note(f, path);
	if (rc < 0) {
		fd_close(&fd);
		return rc;
	}
	f->fd = fd_take(&fd);
	if (dprintf(f->fd, "%ld\n", (long)getpid()) < 0)
		return error_detail(from_errno(errno), "%s: write: %s", path,
				    strerror(errno));
	return 0;
}
