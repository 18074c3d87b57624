/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * conformance-win.c - the conformance suite in a Windows guest
 *
 *   conformance-win ADDRESS ADDRESS...
 *
 * On several devices of one server, a peer each, all in one process: no fork there,
 * so that a case that crashes ends the run.
 */
#include "../conformance-untold.h"

#include <stdio.h>

int main(int argc, char **argv)
{
	if (argc < 3) {
		fprintf(stderr, "usage: conformance-win ADDRESS ADDRESS...\n");
		return 2;
	}
	return run_untold("driver", argv + 1, argc - 1);
}
