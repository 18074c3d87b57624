/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * shm.h - making the shared memory that the server gives away
 *
 * It is sparse: a page takes room only when somebody writes (or reads) it. What
 * the machine or the file system could never hold is refused at once.
 *
 * All clients get the descriptor, so only a seal keeps one of them from cutting
 * the memory short, which kills whoever touches it by SIGBUS, as a file system
 * does that runs full. The server itself survives both: see shm-guard.h.
 */
#ifndef BELL_SHM_H
#define BELL_SHM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SHM_MIN_SIZE UINT64_C(65536)
#define SHM_MAX_SIZE (UINT64_C(1) << 40)

/* One of name, dir, file and hugepage at most; without any a usual memfd. */
struct shm_wish {
	uint64_t size;    /* bytes, at most SHM_MAX_SIZE */
	const char *name; /* POSIX shared memory object, or NULL */
	const char *dir;  /* directory for an unlinked file, or NULL */
	const char *file; /* path of a named file others map too, or NULL */
	uint64_t hugepage; /* bytes of a page, 0: usual ones */
};

struct shm {
	int fd;
	void *memory; /* all of it, mapped read-write */
	size_t size;
	bool sealed;  /* nobody can cut it short */
	const char *kind; /* static: "memfd", "hugetlb", "file", "shm", "directory" */
};

/* The next power of two, at least SHM_MIN_SIZE: what a PCI BAR can be. */
uint64_t shm_round(uint64_t size);

/*
 * Makes and maps the memory: a power of two, and whole pages.
 *   memfd, hugetlb   sealed
 *   directory        a file without a name; not sealed
 *   shm, file        named, and there afterwards; not sealed; locked by flock(2)
 *                    while a server has it. An existing one must be a regular
 *                    file of that size, or empty, and keeps its owner and mode.
 *
 * A new named one has mode 0600. Clients of the socket get a descriptor and need
 * no more; that the socket's group may write to the socket does not open the
 * file to it, since lists of users may say otherwise. For others who shall open
 * it by name, make it beforehand, empty, with the owner, group and mode that
 * they need. A symbolic link in its place is refused.
 *
 * Returns 0, or with a detail
 *   -BELL_EBUSY  another server has the named one
 *   -BELL_EEXIST the named one has another size, or is no regular file
 *   -BELL_ENOMEM no such memory: no pages reserved, no room, address space
 *   -BELL_EINVAL no such page size, bad name, more than one wish
 *   -BELL_EPERM, -BELL_EIO
 */
int shm_new(const struct shm_wish *wish, struct shm *out);

/*
 * Takes the memory of a former server, leaves -1 in *fd, and maps it. What
 * flock(2) holds, it holds on. Returns 0, or with *fd left alone and a detail
 *   -BELL_EINVAL no regular file open for writing, or no size that we make
 *   -BELL_ENOMEM, -BELL_EIO
 */
int shm_adopt(int *fd, struct shm *out);

/*
 * Makes sure that the file system has room for the first len bytes, so that
 * writing them cannot fail; call before formatting. 0, or -BELL_ENOMEM,
 * -BELL_EIO with a detail.
 */
int shm_hold(const struct shm *shm, uint64_t len);

/* Unmaps and closes. A named one stays. All zero with fd -1 is fine. */
void shm_done(struct shm *shm);

#endif
