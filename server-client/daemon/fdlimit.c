/* SPDX-License-Identifier: BSD-2-Clause */
#include "fdlimit.h"

#include "error.h"
#include "log.h"
#include "peers.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>

#define OTHERS 64 /* standard streams, loop, memory, log, what libraries open */

/*
 * What QEMU has where nobody raised it. It holds a descriptor for each vector of
 * each peer, and beyond its limit takes a lost one for a leave, which frees
 * twice and kills it (hw/misc/ivshmem.c, process_msg()).
 */
#define QEMU_FDS 1024

static size_t default_clients(unsigned vectors)
{
	return vectors > QEMU_FDS - OTHERS ? 1 : (QEMU_FDS - OTHERS) / vectors;
}

static size_t raise_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return 1024;
	if (limit.rlim_cur < limit.rlim_max) {
		rlim_t before = limit.rlim_cur;

		limit.rlim_cur = limit.rlim_max;
		if (setrlimit(RLIMIT_NOFILE, &limit) < 0) {
			log_error("limit of open files: stays at %llu: %s",
				  (unsigned long long)before, strerror(errno));
			limit.rlim_cur = before;
		}
	}
	return (size_t)limit.rlim_cur;
}

int fdlimit_clients(unsigned vectors, size_t wished, size_t *max)
{
	size_t limit = raise_limit(), each = vectors + 1u;
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
