/* SPDX-License-Identifier: BSD-2-Clause */
#include "fdlimit.h"

#include "error.h"
#include "log.h"
#include "peers.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#define OTHERS 64 /* standard streams, loop, memory, log, what libraries open */

/*
 * What QEMU has where nobody raised it. It holds a descriptor for each vector of
 * each peer, and beyond its limit takes a lost one for a leave, which frees
 * twice and kills it (hw/misc/ivshmem.c, process_msg()).
 */
#define QEMU_FDS 1024

/* Other servers of the same user may send descriptors too. */
#define SHARERS 2
#define LEAST_UNREAD 6 /* no socket takes less: SOCK_MIN_SNDBUF */
#define MOST_UNREAD 256 /* about what a socket takes by itself */

static size_t default_clients(unsigned vectors)
{
	return vectors > QEMU_FDS - OTHERS ? 1 : (QEMU_FDS - OTHERS) / vectors;
}

/* What the kernel lets root raise it to; 0 if it does not say. */
static rlim_t highest(void)
{
	FILE *f = fopen("/proc/sys/fs/nr_open", "re");
	unsigned long long n = 0;

	if (f && fscanf(f, "%llu", &n) != 1)
		n = 0;
	if (f)
		fclose(f);
	return (rlim_t)n;
}

/*
 * As high as may be: it also bounds the descriptors that were sent and not read
 * yet, of all peers together (too_many_unix_fds() in Linux' net/core/scm.c).
 * Whoever started us with less than the kernel's usual 1,024 meant it.
 */
size_t fdlimit_raise(void)
{
	struct rlimit before, limit;

	if (getrlimit(RLIMIT_NOFILE, &before) < 0)
		return 1024;
	limit = before;
	if (limit.rlim_max >= 1024 && limit.rlim_max < highest())
		limit.rlim_max = highest();
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) == 0)
		return (size_t)limit.rlim_cur;
	/* Not root. */
	limit.rlim_cur = limit.rlim_max = before.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) == 0)
		return (size_t)limit.rlim_cur;
	log_error("limit of open files: stays at %llu: %s",
		  (unsigned long long)before.rlim_cur, strerror(errno));
	return (size_t)before.rlim_cur;
}

int fdlimit_clients(unsigned vectors, size_t wished, size_t *max)
{
	size_t limit = fdlimit_raise(), each = vectors + 1u;
	/* The next client's vectors are made before it is there. */
	size_t room = limit < OTHERS + vectors + each ?
			      0 : (limit - OTHERS - vectors) / each;

	if (room == 0)
		return error_detail(BELL_ENOMEM,
				    "limit of open files is %zu: too low for a client "
				    "of %u vectors (ulimit -n)", limit, vectors);
	if (room > PEERS_IDS)
		room = PEERS_IDS;
	if (wished > room)
		log_error("limit of open files is %zu: enough for %zu clients of %u "
			  "vectors, not for %zu (ulimit -n)",
			  limit, room, vectors, wished);
	if (wished == 0)
		wished = default_clients(vectors);
	*max = wished < room ? wished : room;
	return 0;
}

unsigned fdlimit_unread(size_t clients)
{
	struct rlimit limit = { .rlim_cur = 1024 };
	rlim_t each;

	getrlimit(RLIMIT_NOFILE, &limit);
	each = limit.rlim_cur / (SHARERS * clients);
	if (each < LEAST_UNREAD)
		return LEAST_UNREAD;
	return each < MOST_UNREAD ? (unsigned)each : MOST_UNREAD;
}
