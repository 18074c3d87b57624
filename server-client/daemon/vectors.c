/* SPDX-License-Identifier: BSD-2-Clause */
#include "vectors.h"

#include "error.h"
#include "fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct vectors *vectors_empty(unsigned count)
{
	struct vectors *v = malloc(sizeof(*v) + count * sizeof(v->fd[0]));

	if (!v)
		return NULL;
	v->count = count;
	for (unsigned i = 0; i < count; i++)
		v->fd[i] = -1;
	return v;
}

int vectors_new(unsigned count, struct vectors **out)
{
	struct vectors *v = vectors_empty(count);

	if (!v)
		return error_detail(BELL_ENOMEM, "eventfds: out of memory");
	for (unsigned i = 0; i < count; i++) {
		v->fd[i] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
		if (v->fd[i] < 0) {
			int rc = error_detail(from_errno(errno), "eventfd: %s",
					      strerror(errno));

			vectors_free(v);
			return rc;
		}
	}
	*out = v;
	return 0;
}

void vectors_free(struct vectors *v)
{
	if (!v)
		return;
	for (unsigned i = 0; i < v->count; i++)
		fd_close(&v->fd[i]);
	free(v);
}

uint64_t vectors_ident(int fd)
{
	static const char key[] = "eventfd-id:";
	char path[64], text[512];
	const char *at;
	ssize_t n;
	int info;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	info = open(path, O_RDONLY | O_CLOEXEC);
	if (info < 0)
		return 0;
	n = read(info, text, sizeof(text) - 1);
	fd_close(&info);
	text[n < 0 ? 0 : n] = '\0';
	at = strstr(text, key);
	/* They count from 0. */
	return at ? strtoull(at + sizeof(key) - 1, NULL, 10) + 1 : 0;
}
