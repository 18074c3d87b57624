/* SPDX-License-Identifier: BSD-2-Clause */
/* What there is to open, as far as no system is asked: ports, names. */
#include "error.h"
#include "layout.h"
#include "peer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool serves(const struct bell_port_ops *ops, const char *address,
		   size_t scheme)
{
	return strlen(ops->scheme) == scheme &&
	       strncmp(ops->scheme, address, scheme) == 0;
}

static void ask(const struct bell_port_ops *ops, const char *rest,
		struct bell_way *way)
{
	memset(way, 0, sizeof(*way));
	snprintf(way->port, sizeof(way->port), "%s", ops->name);
	way->error = ops->usable ? ops->usable(rest) : 0;
	if (way->error < 0)
		snprintf(way->why, sizeof(way->why), "%s", bell_detail());
}

int bell_ways(const char *address, struct bell_way *list, size_t max)
{
	const char *colon;
	size_t n = 0;

	if (!address)
		address = getenv("BELLRING_ADDRESS");
	colon = address ? strchr(address, ':') : NULL;
	for (int i = 0; colon && bell_ports[i]; i++) {
		if (!serves(bell_ports[i], address, (size_t)(colon - address)))
			continue;
		if (n < max)
			ask(bell_ports[i], colon + 1, &list[n]);
		n++;
	}
	if (n == 0)
		return error_detail(BELL_EINVAL, "%s: not an address",
				    address ? address : "no address");
	return (int)n;
}

const char *bell_mapping_name(enum bell_mapping mapping)
{
	static const char *const names[] = { "unknown", "cached",
					     "write-combined", "uncached" };

	return (unsigned)mapping <= BELL_MAPPING_UNCACHED ? names[mapping] :
							    names[0];
}

const char *bell_region_name(const struct bell_peer *peer,
			     char name[BELL_REGION_MAX + 1])
{
	layout_read_name(peer->port->memory, name);
	return name;
}
