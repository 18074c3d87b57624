/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * conformance-guest.c - the conformance suite inside a guest
 *
 *   conformance-guest PORT ADDRESS ADDRESS...
 *
 * On the port that serves the first address, which has to be PORT. A guest with
 * several devices of one server is several peers, and so is one device where
 * processes can share it: then its address is given several times.
 */
#include "../conformance-untold.h"

#include <stdio.h>
#include <string.h>

static int check_port(const char *port, const char *address)
{
	struct bell_peer *peer;
	int rc = bell_open(address, -1, &peer);

	if (rc < 0) {
		fprintf(stderr, "%s: %s: %s\n", address, bell_strerror(rc),
			bell_detail());
		return rc;
	}
	if (strcmp(bell_port_name(peer), port) != 0) {
		fprintf(stderr, "%s: served by the port %s, not by %s\n", address,
			bell_port_name(peer), port);
		rc = -BELL_EUNSUP;
	}
	bell_close(peer);
	return rc;
}

int main(int argc, char **argv)
{
	if (argc < 4) {
		fprintf(stderr, "usage: conformance-guest PORT ADDRESS ADDRESS...\n");
		return 2;
	}
	if (check_port(argv[1], argv[2]) < 0)
		return 2;
	return run_untold(argv[1], argv + 2, argc - 2);
}
