/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * shm-source.h - the files that shared memory can be
 */
#ifndef BELL_SHM_SOURCE_H
#define BELL_SHM_SOURCE_H

#include "shm.h"

/*
 * Opens what is wished with *size bytes, a power of two; raises *size to a page
 * where pages are larger. Sets fd, kind and sealed, fd also on failure: the
 * caller closes it. As shm_new().
 */
int shm_source_open(const struct shm_wish *wish, uint64_t *size,
		    struct shm *shm);

/* What an open memory is, for kind: by its seals, its name, its file system. */
const char *shm_source_kind(int fd, bool sealed);

/* Bytes of a page if the file has huge ones, or 0. */
uint64_t shm_source_hugepage(int fd);

/* -BELL_ENOMEM with a detail: how many pages are needed, and how many free. */
int shm_source_no_pages(uint64_t size, uint64_t page);

#endif
