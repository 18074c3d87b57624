/* SPDX-License-Identifier: BSD-2-Clause */
#include "doctor-tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

CLI_PRINTF(3, 0) static void
make_path(const struct doctor *d, char out[TREE_PATH], const char *fmt, va_list args)
{
	size_t used = (size_t)snprintf(out, TREE_PATH, "%s", d->root);

	if (used < TREE_PATH)
		vsnprintf(out + used, TREE_PATH - used, fmt, args);
}

void tree_path(const struct doctor *d, char out[TREE_PATH], const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	make_path(d, out, fmt, args);
	va_end(args);
}

bool tree_exists(const struct doctor *d, const char *fmt, ...)
{
	char path[TREE_PATH];
	va_list args;

	va_start(args, fmt);
	make_path(d, path, fmt, args);
	va_end(args);
	/* Also a link to nowhere: what is named is there. */
	return faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static size_t read_path(const char *path, char *buf, size_t size)
{
	FILE *file = fopen(path, "re");
	size_t n = 0;

	if (file) {
		n = fread(buf, 1, size - 1, file);
		fclose(file);
	}
	buf[n] = '\0';
	return n;
}

size_t tree_read(const struct doctor *d, char *buf, size_t size, const char *fmt, ...)
{
	char path[TREE_PATH];
	va_list args;

	va_start(args, fmt);
	make_path(d, path, fmt, args);
	va_end(args);
	return read_path(path, buf, size);
}

void tree_line(const struct doctor *d, char *buf, size_t size, const char *fmt, ...)
{
	char path[TREE_PATH];
	va_list args;

	va_start(args, fmt);
	make_path(d, path, fmt, args);
	va_end(args);
	(void)read_path(path, buf, size);
	buf[strcspn(buf, "\n")] = '\0';
}

bool tree_has(const struct doctor *d, const char *path, const char *word)
{
	char full[TREE_PATH], *line = NULL;
	size_t room = 0;
	bool found = false;
	FILE *file;

	tree_path(d, full, "%s", path);
	file = fopen(full, "re");
	if (!file)
		return false;
	while (!found && getline(&line, &room, file) >= 0)
		found = strstr(line, word) != NULL;
	free(line);
	fclose(file);
	return found;
}

void tree_link(const struct doctor *d, char *buf, size_t size, const char *fmt, ...)
{
	char path[TREE_PATH], target[TREE_PATH];
	const char *last;
	va_list args;
	ssize_t n;

	va_start(args, fmt);
	make_path(d, path, fmt, args);
	va_end(args);
	n = readlink(path, target, sizeof(target) - 1);
	target[n > 0 ? n : 0] = '\0';
	last = strrchr(target, '/');
	snprintf(buf, size, "%s", last ? last + 1 : target);
}

void tree_each(struct doctor *d, const char *path,
	       void (*fn)(struct doctor *d, const char *name, void *arg), void *arg)
{
	char full[TREE_PATH];
	struct dirent *entry;
	DIR *dir;

	tree_path(d, full, "%s", path);
	dir = opendir(full);
	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			fn(d, entry->d_name, arg);
	if (dir)
		closedir(dir);
}

bool tree_usable(const char *path)
{
	return faccessat(AT_FDCWD, path, R_OK | W_OK, AT_EACCESS) == 0;
}
