/* SPDX-License-Identifier: BSD-2-Clause */
#include "announce.h"

#include "log.h"

#include <stdio.h>

static void print_size(size_t size, char *out, size_t room)
{
	static const char *const units[] = { "bytes", "KiB", "MiB", "GiB", "TiB" };
	size_t unit = 0;

	for (; size % 1024 == 0 && size > 0 && unit < 4; unit++)
		size /= 1024;
	snprintf(out, room, "%zu %s", size, units[unit]);
}

void announce(const struct server *server, const struct options *o)
{
	size_t size = server_memory_size(server);
	size_t wished = (size_t)o->server.memory.size;
	char text[32], wish[32];

	print_size(size, text, sizeof(text));
	print_size(wished, wish, sizeof(wish));
	if (size != wished && server_is_successor(server))
		log_info("memory: stays %s, not %s, as long as it is kept", text, wish);
	else if (size != wished)
		log_info("memory: %s rounded up to %s", wish, text);
	if (!server_memory_is_sealed(server))
		log_info("memory: not sealed: whoever maps it can cut it short and "
			 "kill all others");
	log_info("listening on %s, memory %s, %u vectors",
		 o->server.socket.path, text, o->server.vectors);
}
