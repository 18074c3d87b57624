/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * shm.h - making the shared memory that the server gives away
 */
#ifndef BELL_SHM_H
#define BELL_SHM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SHM_MIN_SIZE UINT64_C(65536)
#define SHM_MAX_SIZE (UINT64_C(1) << 40)

struct shm_wish {
	uint64_t size;    /* bytes, at most SHM_MAX_SIZE */
	const char *name; /* POSIX shared memory object, or NULL */
	const char *dir;  /* directory for an unlinked file, or NULL */
};

struct shm {
	int fd;
	void *memory; /* all of it, mapped read-write */
	size_t size;
	bool sealed;  /* nobody can cut it short */
};

/* The next power of two, at least SHM_MIN_SIZE: what a PCI BAR can be. */
uint64_t shm_round(uint64_t size);

/*
 * Makes and maps the memory: a sealed memfd unless a name or a directory is
 * wished. Returns 0, or with a detail
 *   -BELL_EBUSY  another server has the named object
 *   -BELL_EEXIST the named object has another size
 *   -BELL_EINVAL, -BELL_EPERM, -BELL_ENOMEM, -BELL_EIO
 */
int shm_new(const struct shm_wish *wish, struct shm *out);
/* Unmaps and closes. A named object stays. All zero with fd -1 is fine. */
void shm_done(struct shm *shm);

#endif
