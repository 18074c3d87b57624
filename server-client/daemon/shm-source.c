/* SPDX-License-Identifier: BSD-2-Clause */
#define _GNU_SOURCE /* memfd_create, mkostemp, F_ADD_SEALS */

#include "shm-source.h"

#include "error.h"
#include "fd.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <linux/memfd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysinfo.h>
#include <sys/vfs.h>
#include <unistd.h>

static int failed(const char *what, const char *call)
{
	int err = errno;

	return error_detail(from_errno(err), "memory: %s: %s: %s", what, call,
			    strerror(err));
}

/* ---- what it can hold --------------------------------------------------------
 *
 * Filling the memory in advance would tell for sure, but takes what a sparse one
 * does not need, and the time for it. So only what could never fit is refused;
 * what others use up later hits whoever touches the page that is missing.
 */

static int fits_machine(uint64_t size)
{
	struct sysinfo s;
	uint64_t all;

	if (sysinfo(&s) < 0)
		return failed("memfd", "sysinfo");
	all = ((uint64_t)s.totalram + s.totalswap) * s.mem_unit;
	if (size <= all)
		return 0;
	return error_detail(BELL_ENOMEM,
			    "memory: %" PRIu64 " MiB do not fit: this machine has "
			    "%" PRIu64 " MiB, swap included; choose a smaller --size",
			    size >> 20, all >> 20);
}

/* An unlimited one, as hugetlbfs is by default, says 0 or -1 blocks. */
static int fits_file_system(const char *what, uint64_t size, int fd)
{
	struct statvfs fs;
	struct stat st;
	uint64_t room;

	if (fstatvfs(fd, &fs) < 0 || fstat(fd, &st) < 0)
		return failed(what, "fstatvfs");
	if (fs.f_blocks == 0 || fs.f_blocks == (fsblkcnt_t)-1)
		return 0;
	room = (uint64_t)fs.f_bavail * fs.f_frsize + (uint64_t)st.st_blocks * 512;
	if (size <= room)
		return 0;
	return error_detail(BELL_ENOMEM,
			    "memory: %s: %" PRIu64 " MiB do not fit: its file system "
			    "has room for %" PRIu64 " MiB; make room, or choose a "
			    "smaller --size", what, size >> 20, room >> 20);
}

/* ---- huge pages ---------------------------------------------------------------- */

uint64_t shm_source_hugepage(int fd)
{
	struct statfs fs;

	if (fstatfs(fd, &fs) < 0 || (uint32_t)fs.f_type != HUGETLBFS_MAGIC)
		return 0;
	return (uint64_t)fs.f_bsize;
}

#define POOLS "/sys/kernel/mm/hugepages"

/* One of the figures of the pool of pages of that size; 0 if there is none. */
static uint64_t pool(uint64_t page, const char *figure)
{
	uint64_t value = 0;
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), POOLS "/hugepages-%" PRIu64 "kB/%s",
		 page >> 10, figure);
	f = fopen(path, "re");
	if (!f)
		return 0;
	if (fscanf(f, "%" SCNu64, &value) != 1)
		value = 0;
	fclose(f);
	return value;
}

int shm_source_no_pages(uint64_t size, uint64_t page)
{
	uint64_t kept = pool(page, "resv_hugepages");
	uint64_t open = pool(page, "free_hugepages");
	uint64_t needed = (size + page - 1) / page;

	open = open > kept ? open - kept : 0;
	return error_detail(BELL_ENOMEM,
			    "memory: %" PRIu64 " huge pages of %" PRIu64 " KiB are "
			    "needed, %" PRIu64 " are free; as root write a number that "
			    "is larger by %" PRIu64 " to " POOLS "/hugepages-%" PRIu64
			    "kB/nr_hugepages",
			    needed, page >> 10, open,
			    needed > open ? needed - open : needed, page >> 10);
}

/* A file of huge pages has whole ones. */
static void raise_to_page(int fd, uint64_t *size)
{
	uint64_t page = shm_source_hugepage(fd);

	if (page > *size)
		*size = page;
}

static int no_page_size(uint64_t page)
{
	if (errno != ENODEV && errno != EINVAL)
		return failed("huge pages", "memfd_create");
	return error_detail(BELL_EINVAL,
			    "memory: there are no huge pages of %" PRIu64 " KiB here; "
			    "for the sizes that there are see " POOLS, page >> 10);
}

/* memfd_create(2) takes the page's size as its logarithm. */
static int page_flag(uint64_t page, unsigned *out)
{
	unsigned shift = 0;

	while (shift < 63 && UINT64_C(1) << shift < page)
		shift++;
	if (page != UINT64_C(1) << shift || page < SHM_MIN_SIZE ||
	    page > SHM_MAX_SIZE)
		return error_detail(BELL_EINVAL,
				    "memory: huge pages of %" PRIu64 " bytes: not a size "
				    "of pages, such as 2M or 1G", page);
	*out = MFD_HUGETLB | shift << MFD_HUGE_SHIFT;
	return 0;
}

/* ---- the kinds ------------------------------------------------------------------- */

/* SHRINK keeps a client from killing all others by SIGBUS. */
static int size_and_seal(const char *what, uint64_t size, struct shm *shm)
{
	if (ftruncate(shm->fd, (off_t)size) < 0)
		return failed(what, "ftruncate");
	if (fcntl(shm->fd, F_ADD_SEALS,
		  F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
		return failed(what, "F_ADD_SEALS");
	shm->sealed = true;
	return 0;
}

static int open_memfd(uint64_t size, struct shm *shm)
{
	int rc = fits_machine(size);

	if (rc < 0)
		return rc;
	shm->kind = "memfd";
	shm->fd = memfd_create("bellring", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (shm->fd < 0)
		return failed("memfd", "memfd_create");
	return size_and_seal("memfd", size, shm);
}

static int open_hugetlb(uint64_t page, uint64_t *size, struct shm *shm)
{
	unsigned flag = 0;
	int rc = page_flag(page, &flag);

	if (rc < 0)
		return rc;
	if (*size < page)
		*size = page;
	shm->kind = "hugetlb";
	shm->fd = memfd_create("bellring", MFD_CLOEXEC | MFD_ALLOW_SEALING | flag);
	if (shm->fd < 0)
		return no_page_size(page);
	return size_and_seal("huge pages", *size, shm);
}

static int lock(const char *what, int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return failed(what, "fstat");
	if (!S_ISREG(st.st_mode))
		return error_detail(BELL_EEXIST,
				    "memory: %s exists and is no regular file; choose "
				    "another name", what);
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return 0;
	if (errno != EWOULDBLOCK)
		return failed(what, "flock");
	return error_detail(BELL_EBUSY, "memory: %s: another server has it, or peers of "
			    "one that is gone still do", what);
}

/*
 * One that exists may be mapped by others: it is used as large as it is. An
 * empty one was made for us, or left by a server that died just then.
 */
static int size_named(const char *what, const char *path, uint64_t size, int fd)
{
	struct stat st;
	int rc = fits_file_system(what, size, fd);

	if (rc < 0)
		return rc;
	if (fstat(fd, &st) < 0)
		return failed(what, "fstat");
	if (st.st_size == 0 && ftruncate(fd, (off_t)size) < 0)
		return failed(what, "ftruncate");
	if (st.st_size != 0 && (uint64_t)st.st_size != size)
		return error_detail(BELL_EEXIST,
				    "memory: %s exists with %lld bytes, not %" PRIu64 "; "
				    "remove %s or give that --size",
				    what, (long long)st.st_size, size, path);
	return 0;
}

static int open_object(const char *name, uint64_t size, struct shm *shm)
{
	char path[256], file[280];
	int n = snprintf(path, sizeof(path), "/%s",
			 name[0] == '/' ? name + 1 : name);
	int rc;

	if (n < 2 || n >= (int)sizeof(path) || strchr(path + 1, '/'))
		return error_detail(BELL_EINVAL,
				    "memory: '%s' is no name of a shared memory object",
				    name);
	shm->kind = "shm";
	shm->fd = shm_open(path, O_RDWR | O_CREAT, 0600);
	if (shm->fd < 0)
		return failed(path, "shm_open");
	rc = lock(path, shm->fd);
	if (rc < 0)
		return rc;
	snprintf(file, sizeof(file), "/dev/shm%s", path);
	return size_named(path, file, size, shm->fd);
}

/* O_NONBLOCK: a FIFO must not make us wait; lock() refuses it then. */
static int open_file(const char *path, uint64_t *size, struct shm *shm)
{
	int rc;

	shm->kind = "file";
	shm->fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC,
		       0600);
	if (shm->fd < 0 && errno == ELOOP)
		return error_detail(BELL_EEXIST,
				    "memory: %s is a symbolic link; give the path of "
				    "the file itself", path);
	if (shm->fd < 0)
		return failed(path, "open");
	rc = lock(path, shm->fd);
	if (rc < 0)
		return rc;
	raise_to_page(shm->fd, size);
	return size_named(path, path, *size, shm->fd);
}

static int open_in_dir(const char *dir, uint64_t *size, struct shm *shm)
{
	char path[4096];
	struct statvfs fs;
	int n = snprintf(path, sizeof(path), "%s/bellring-XXXXXX", dir), rc;

	if (n >= (int)sizeof(path))
		return error_detail(BELL_EINVAL, "memory: %s: path too long", dir);
	if (statvfs(dir, &fs) < 0)
		return failed(dir, "statvfs");
	shm->kind = "directory";
	shm->fd = mkostemp(path, O_CLOEXEC);
	if (shm->fd < 0)
		return failed(dir, "mkostemp");
	if (unlink(path) < 0)
		return failed(path, "unlink");
	raise_to_page(shm->fd, size);
	rc = fits_file_system(dir, *size, shm->fd);
	if (rc < 0)
		return rc;
	return ftruncate(shm->fd, (off_t)*size) < 0 ? failed(dir, "ftruncate") : 0;
}

int shm_source_open(const struct shm_wish *wish, uint64_t *size,
		    struct shm *shm)
{
	if (!!wish->name + !!wish->dir + !!wish->file + !!wish->hugepage > 1)
		return error_detail(BELL_EINVAL,
				    "memory: a name, a directory, a file, huge pages: "
				    "only one of them");
	if (wish->name)
		return open_object(wish->name, *size, shm);
	if (wish->file)
		return open_file(wish->file, size, shm);
	if (wish->dir)
		return open_in_dir(wish->dir, size, shm);
	if (wish->hugepage)
		return open_hugetlb(wish->hugepage, size, shm);
	return open_memfd(*size, shm);
}

const char *shm_source_kind(int fd, bool sealed)
{
	static const char objects[] = "/dev/shm/";
	char link[64], to[sizeof(objects)] = "";
	struct stat st;

	if (sealed)
		return shm_source_hugepage(fd) ? "hugetlb" : "memfd";
	if (fstat(fd, &st) == 0 && st.st_nlink == 0)
		return "directory";
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	if (readlink(link, to, sizeof(to) - 1) < 0)
		return "file";
	return strcmp(to, objects) == 0 ? "shm" : "file";
}
