/* SPDX-License-Identifier: BSD-2-Clause */
#include "plain.h"

#include "bellring.h"
#include "fd.h"
#include "os.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *const identity_files[] = {
	"/sys/class/dmi/id/product_uuid", /* absent where there is no SMBIOS */
	"/etc/machine-id",
};

/* FNV-1a, 64 bits: http://www.isthe.com/chongo/tech/comp/fnv/ */
static uint64_t mix(uint64_t hash, const void *data, size_t len)
{
	const unsigned char *byte = data;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ byte[i]) * UINT64_C(0x100000001b3);
	return hash;
}

static uint64_t mix_file(uint64_t hash, const char *root, const char *file)
{
	char path[PATH_MAX], text[64];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%s%s", root, file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return hash;
	n = read(fd, text, sizeof(text));
	fd_close(&fd);
	return n > 0 ? mix(hash, text, (size_t)n) : hash;
}

uint32_t plain_id(const char *root, const char *device)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);
	char name[256];

	for (unsigned i = 0; i < sizeof(identity_files) / sizeof(*identity_files); i++)
		hash = mix_file(hash, root, identity_files[i]);
	os_hostname(name, sizeof(name));
	hash = mix(hash, name, strlen(name) + 1);
	hash = mix(hash, device, strlen(device));
	/* Multiplying carries upwards only: the upper half knows of all bytes. */
	return PLAIN_ID_MIN + (uint32_t)((hash >> 32) % (BELL_ID_DEVICE_MAX + 1 - PLAIN_ID_MIN));
}
