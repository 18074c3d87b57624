/* SPDX-License-Identifier: BSD-2-Clause */
#include "net-lookup.h"

#include <errno.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>

bool net_lookup(const struct endpoint *e, net_lookup_fn *fn, void *arg,
		const char **why)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *list, *at;
	int rc = getaddrinfo(e->host, e->port, &hints, &list);

	if (rc != 0) {
		*why = rc == EAI_SYSTEM ? strerror(errno) : gai_strerror(rc);
		return false;
	}
	for (at = list; at; at = at->ai_next)
		fn(arg, at->ai_addr, at->ai_addrlen);
	freeaddrinfo(list);
	return true;
}
