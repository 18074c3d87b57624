/* SPDX-License-Identifier: BSD-2-Clause */
#define _GNU_SOURCE /* memfd_create, mkostemp, F_ADD_SEALS */

#include "shm.h"

#include "error.h"
#include "fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

static int failed(const char *what, const char *call)
{
	int err = errno;

	return error_detail(from_errno(err), "memory: %s: %s: %s", what, call,
			    strerror(err));
}

uint64_t shm_round(uint64_t size)
{
	uint64_t rounded = SHM_MIN_SIZE;

	while (rounded < size)
		rounded *= 2;
	return rounded;
}

/* SHRINK keeps a client from killing all others, and us, by SIGBUS. */
static int open_memfd(uint64_t size, struct shm *shm)
{
	shm->fd = memfd_create("bellring", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (shm->fd < 0)
		return failed("memfd", "memfd_create");
	if (ftruncate(shm->fd, (off_t)size) < 0)
		return failed("memfd", "ftruncate");
	if (fcntl(shm->fd, F_ADD_SEALS,
		  F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
		return failed("memfd", "F_ADD_SEALS");
	shm->sealed = true;
	return 0;
}

/* An object that exists may be mapped by others: it is used as large as it is. */
static int size_named(const char *name, uint64_t size, int fd)
{
	struct stat st;

	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK)
			return failed(name, "flock");
		return error_detail(BELL_EBUSY,
				    "memory: %s: another server has it", name);
	}
	if (fstat(fd, &st) < 0)
		return failed(name, "fstat");
	if (st.st_size == 0 && ftruncate(fd, (off_t)size) < 0)
		return failed(name, "ftruncate");
	if (st.st_size != 0 && (uint64_t)st.st_size != size)
		return error_detail(BELL_EEXIST,
				    "memory: %s exists with %lld bytes, not %llu; "
				    "remove /dev/shm%s or give that size",
				    name, (long long)st.st_size,
				    (unsigned long long)size, name);
	return 0;
}

static int open_named(const char *name, uint64_t size, struct shm *shm)
{
	char path[256];
	int n = snprintf(path, sizeof(path), "/%s",
			 name[0] == '/' ? name + 1 : name);

	if (n < 2 || n >= (int)sizeof(path) || strchr(path + 1, '/'))
		return error_detail(BELL_EINVAL,
				    "memory: '%s' is no name of a shared memory object",
				    name);
	shm->fd = shm_open(path, O_RDWR | O_CREAT, 0600);
	if (shm->fd < 0)
		return failed(path, "shm_open");
	return size_named(path, size, shm->fd);
}

static int open_in_dir(const char *dir, uint64_t *size, struct shm *shm)
{
	char path[4096];
	struct statvfs fs;
	int n = snprintf(path, sizeof(path), "%s/bellring-XXXXXX", dir);

	if (n >= (int)sizeof(path))
		return error_detail(BELL_EINVAL, "memory: %s: path too long", dir);
	if (statvfs(dir, &fs) < 0)
		return failed(dir, "statvfs");
	/* On hugetlbfs the block is the page, and a file has whole ones. */
	if (fs.f_bsize > *size && fs.f_bsize <= SHM_MAX_SIZE)
		*size = shm_round(fs.f_bsize);
	shm->fd = mkostemp(path, O_CLOEXEC);
	if (shm->fd < 0)
		return failed(dir, "mkostemp");
	if (unlink(path) < 0)
		return failed(path, "unlink");
	if (ftruncate(shm->fd, (off_t)*size) < 0)
		return failed(dir, "ftruncate");
	return 0;
}

static int map(uint64_t size, struct shm *shm)
{
	void *at;

	if (size > SIZE_MAX)
		return error_detail(BELL_ENOMEM, "memory: too large here");
	at = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED,
		  shm->fd, 0);
	if (at == MAP_FAILED)
		return failed("region", "mmap");
	shm->memory = at;
	shm->size = (size_t)size;
	return 0;
}

int shm_new(const struct shm_wish *wish, struct shm *out)
{
	struct shm shm = { .fd = -1 };
	uint64_t size = shm_round(wish->size);
	int rc;

	if (wish->size > SHM_MAX_SIZE)
		return error_detail(BELL_EINVAL, "memory: more than 1 TiB");
	if (wish->name)
		rc = open_named(wish->name, size, &shm);
	else if (wish->dir)
		rc = open_in_dir(wish->dir, &size, &shm);
	else
		rc = open_memfd(size, &shm);
	if (rc == 0)
		rc = map(size, &shm);
	if (rc < 0) {
		shm_done(&shm);
		return rc;
	}
	*out = shm;
	return 0;
}

void shm_done(struct shm *shm)
{
	if (shm->memory)
		munmap(shm->memory, shm->size);
	shm->memory = NULL;
	fd_close(&shm->fd);
}
