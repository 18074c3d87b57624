/* SPDX-License-Identifier: BSD-2-Clause */
#include "vectors.h"

#include "error.h"
#include "fd.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

int vectors_new(unsigned count, struct vectors **out)
{
	struct vectors *v = calloc(1, sizeof(*v) + count * sizeof(v->fd[0]));

	if (!v)
		return error_detail(BELL_ENOMEM, "eventfds: out of memory");
	v->refs = 1;
	for (; v->count < count; v->count++) {
		int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

		if (fd < 0) {
			int rc = error_detail(from_errno(errno), "eventfd: %s",
					      strerror(errno));

			vectors_unref(v);
			return rc;
		}
		v->fd[v->count] = fd;
	}
	*out = v;
	return 0;
}

struct vectors *vectors_ref(struct vectors *v)
{
	v->refs++;
	return v;
}

void vectors_unref(struct vectors *v)
{
	if (!v || --v->refs > 0)
		return;
	for (unsigned i = 0; i < v->count; i++)
		fd_close(&v->fd[i]);
	free(v);
}
