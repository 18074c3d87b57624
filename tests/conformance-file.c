/* SPDX-License-Identifier: BSD-2-Clause */
/* The conformance suite on the port "file:", all peers in one process. */
#include "conformance-untold.h"
#include "testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define SIZE (1u << 20) /* the suite knows it */
#define PEERS 16

int main(void)
{
	char path[] = "/dev/shm/bellring-conformance-XXXXXX";
	char address[PEERS][80], *addresses[PEERS];
	int fd = mkstemp(path), status;

	must(fd >= 0 && ftruncate(fd, SIZE) == 0);
	/* An id for each: the lowest free one would be that of the last who died. */
	for (int i = 0; i < PEERS; i++) {
		snprintf(address[i], sizeof(address[i]), "file:%s,id=%d", path, i);
		addresses[i] = address[i];
	}
	status = run_untold("file", addresses, PEERS);
	must(unlink(path) == 0 && close(fd) == 0);
	return status;
}
