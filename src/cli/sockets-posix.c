/* SPDX-License-Identifier: BSD-2-Clause */
#include "sockets.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A socket that is in the list already is not added under another name. */
struct finder {
	struct sockets *out;
	dev_t dev[SOCKETS_MAX];
	ino_t ino[SOCKETS_MAX];
};

static void add(struct finder *f, const char *path)
{
	struct sockets *out = f->out;
	struct stat st;

	if (out->count == SOCKETS_MAX || strlen(path) >= SOCKETS_PATH ||
	    stat(path, &st) < 0 || !S_ISSOCK(st.st_mode))
		return;
	for (size_t i = 0; i < out->count; i++)
		if (f->dev[i] == st.st_dev && f->ino[i] == st.st_ino)
			return;
	f->dev[out->count] = st.st_dev;
	f->ino[out->count] = st.st_ino;
	strcpy(out->path[out->count++], path);
}

static bool is_name(const char *file)
{
	size_t len = strlen(file);

	return len > 5 && strcmp(file + len - 5, ".sock") == 0;
}

/* The one of the default server of that folder, then those of networks. */
static void add_folder(struct finder *f, const char *run)
{
	char path[512];
	struct dirent *entry;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/bellring.sock", run);
	add(f, path);
	snprintf(path, sizeof(path), "%s/bellring", run);
	dir = opendir(path);
	if (!dir)
		return;
	while ((entry = readdir(dir))) {
		if (!is_name(entry->d_name))
			continue;
		snprintf(path, sizeof(path), "%s/bellring/%s", run, entry->d_name);
		add(f, path);
	}
	closedir(dir);
}

const char sockets_places[] = "/run, /run/bellring or $XDG_RUNTIME_DIR";

void sockets_find(const char *first, struct sockets *out)
{
	const char *own = getenv("XDG_RUNTIME_DIR");
	struct finder f = { .out = out };

	out->count = 0;
	if (first)
		add(&f, first);
	if (own && *own && geteuid() != 0)
		add_folder(&f, own);
	add_folder(&f, "/run");
	if (own && *own)
		add_folder(&f, own);
	add(&f, "/tmp/ivshmem_socket"); /* where QEMU's example server listens */
}

bool sockets_file(const char *path, struct sockets_file *out)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return false;
	out->is_socket = S_ISSOCK(st.st_mode);
	out->is_regular = S_ISREG(st.st_mode);
	out->size = (uint64_t)st.st_size;
	out->mode = st.st_mode & 07777;
	return true;
}

bool sockets_kvm(void)
{
	return access("/dev/kvm", R_OK | W_OK) == 0;
}
