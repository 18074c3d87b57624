/* SPDX-License-Identifier: BSD-2-Clause */
#define _GNU_SOURCE /* F_GET_SEALS, fallocate */

#include "shm.h"

#include "error.h"
#include "fd.h"
#include "shm-guard.h"
#include "shm-source.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static int failed(const char *call)
{
	int err = errno;

	return error_detail(from_errno(err), "memory: %s: %s", call,
			    strerror(err));
}

uint64_t shm_round(uint64_t size)
{
	uint64_t rounded = SHM_MIN_SIZE;

	while (rounded < size)
		rounded *= 2;
	return rounded;
}

/* Huge pages are reserved by mapping them, so it fails here if there are none. */
static int map_failed(const struct shm *shm, uint64_t size)
{
	uint64_t page;

	if (errno != ENOMEM)
		return failed("mmap");
	page = shm_source_hugepage(shm->fd);
	if (page)
		return shm_source_no_pages(size, page);
	return error_detail(BELL_ENOMEM,
			    "memory: mapping %llu bytes: out of memory or address "
			    "space (ulimit -v); choose a smaller --size",
			    (unsigned long long)size);
}

static int map(uint64_t size, struct shm *shm)
{
	void *at;

	if (size > SIZE_MAX)
		return error_detail(BELL_ENOMEM,
				    "memory: %" PRIu64 " MiB do not fit in the address space of a %zu-bit program; use a 64-bit one, or choose a smaller --size",
				    size >> 20, 8 * sizeof(size_t));
	at = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED,
		  shm->fd, 0);
	if (at == MAP_FAILED)
		return map_failed(shm, size);
	/* What machines tell each other has no place in a core file of ours. */
	(void)madvise(at, (size_t)size, MADV_DONTDUMP);
	shm->memory = at;
	shm->size = (size_t)size;
	return shm_guard(at, shm->size);
}

int shm_new(const struct shm_wish *wish, struct shm *out)
{
	struct shm shm = { .fd = -1 };
	uint64_t size = shm_round(wish->size);
	int rc;

	if (wish->size > SHM_MAX_SIZE)
		return error_detail(BELL_EINVAL, "memory: more than 1 TiB");
	rc = shm_source_open(wish, &size, &shm);
	if (rc == 0)
		rc = map(size, &shm);
	if (rc < 0) {
		shm_done(&shm);
		return rc;
	}
	*out = shm;
	return 0;
}

static bool is_a_size(off_t size)
{
	uint64_t u = (uint64_t)size;

	return size > 0 && u >= SHM_MIN_SIZE && u <= SHM_MAX_SIZE &&
	       (u & (u - 1)) == 0;
}

int shm_adopt(int *fd, struct shm *out)
{
	struct shm shm = { .fd = *fd };
	struct stat st;
	int flags = fcntl(*fd, F_GETFL), seals, rc;

	if (flags < 0 || fstat(*fd, &st) < 0)
		return failed("of the former server");
	if (!S_ISREG(st.st_mode) || (flags & O_ACCMODE) != O_RDWR)
		return error_detail(BELL_EINVAL,
				    "memory of the former server: not a file open for "
				    "reading and writing");
	if (!is_a_size(st.st_size))
		return error_detail(BELL_EINVAL,
				    "memory of the former server: %lld bytes are not a "
				    "power of two from 64 KiB to 1 TiB",
				    (long long)st.st_size);
	if (fcntl(*fd, F_SETFD, FD_CLOEXEC) < 0)
		return failed("FD_CLOEXEC");
	/* Only files in memory can tell of seals. */
	seals = fcntl(*fd, F_GET_SEALS);
	shm.sealed = seals >= 0 && (seals & F_SEAL_SHRINK);
	shm.kind = shm_source_kind(*fd, shm.sealed);
	rc = map((uint64_t)st.st_size, &shm);
	if (rc < 0) {
		shm.fd = -1; /* still the caller's */
		shm_done(&shm);
		return rc;
	}
	*fd = -1;
	*out = shm;
	return 0;
}

int shm_hold(const struct shm *shm, uint64_t len)
{
	int rc;

	if (len > shm->size)
		len = shm->size;
	do
		rc = fallocate(shm->fd, 0, 0, (off_t)len);
	while (rc < 0 && errno == EINTR);
	if (rc == 0 || errno == EOPNOTSUPP)
		return 0;
	if (errno != ENOSPC && errno != ENOMEM && errno != EDQUOT)
		return failed("fallocate");
	return error_detail(BELL_ENOMEM,
			    "memory: no room for its first %llu bytes: %s; make "
			    "room where it lies, or choose a smaller --size",
			    (unsigned long long)len, strerror(errno));
}

void shm_done(struct shm *shm)
{
	if (shm->memory) {
		shm_unguard();
		munmap(shm->memory, shm->size);
	}
	shm->memory = NULL;
	fd_close(&shm->fd);
}
