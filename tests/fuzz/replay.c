/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * replay.c - runs a fuzz target on the inputs in files, without a fuzzer
 *
 * Says before each which one it is: after a crash the last one named did it.
 */
#include "hostile.h"

#include <stdio.h>
#include <stdlib.h>

#define LARGEST (1u << 20)

static int replay(const char *path)
{
	static uint8_t room[LARGEST];
	FILE *f = fopen(path, "rb");
	uint8_t *exact;
	size_t size;

	if (!f) {
		perror(path);
		return EXIT_FAILURE;
	}
	size = fread(room, 1, sizeof(room), f);
	fclose(f);
	/* Of its own size, so that a sanitizer sees a read past its end. */
	exact = malloc(size ? size : 1);
	always(exact != NULL);
	for (size_t i = 0; i < size; i++)
		exact[i] = room[i];
	printf("%s\n", path);
	fflush(stdout);
	(void)LLVMFuzzerTestOneInput(exact, size);
	free(exact);
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	int rc = EXIT_SUCCESS;

	for (int i = 1; i < argc; i++)
		if (replay(argv[i]) != EXIT_SUCCESS)
			rc = EXIT_FAILURE;
	return rc;
}
