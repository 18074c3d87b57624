/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * net-lookup.h - numbers of a host's name
 *
 * Apart from net-address-posix.c, as a static program has to do without:
 * glibc's resolver wants its shared libraries there.
 */
#ifndef CLI_NET_LOOKUP_H
#define CLI_NET_LOOKUP_H

#include "endpoint.h"

struct sockaddr;

/* A sockaddr of len bytes, valid during the call. */
typedef void net_lookup_fn(void *arg, const struct sockaddr *address, unsigned len);

/* Calls fn with each number. False: none, and why gets a static text. */
bool net_lookup(const struct endpoint *e, net_lookup_fn *fn, void *arg,
		const char **why);

#endif
