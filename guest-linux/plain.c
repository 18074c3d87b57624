/* SPDX-License-Identifier: BSD-2-Clause */
#include "plain.h"

#include "fd.h"
#include "identity.h"
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
	return n > 0 ? identity_mix(hash, text, (size_t)n) : hash;
}

uint32_t plain_id(const char *root, const char *device)
{
	uint64_t hash = IDENTITY_BEGIN;
	char name[256];

	for (unsigned i = 0; i < sizeof(identity_files) / sizeof(*identity_files); i++)
		hash = mix_file(hash, root, identity_files[i]);
	os_hostname(name, sizeof(name));
	hash = identity_mix(hash, name, strlen(name) + 1);
	hash = identity_mix(hash, device, strlen(device));
	return identity_id(hash);
}
