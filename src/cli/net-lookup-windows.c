/* SPDX-License-Identifier: BSD-2-Clause */
#include "net-lookup.h"
#include "win.h"

#include <ws2tcpip.h>

bool net_lookup(const struct endpoint *e, net_lookup_fn *fn, void *arg,
		const char **why)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *list, *at;
	int rc = getaddrinfo(e->host, e->port, &hints, &list);

	if (rc != 0) {
		*why = win_text((DWORD)rc);
		return false;
	}
	for (at = list; at; at = at->ai_next)
		fn(arg, at->ai_addr, (unsigned)at->ai_addrlen);
	freeaddrinfo(list);
	return true;
}
