/* SPDX-License-Identifier: BSD-2-Clause */
#include "fake-inspect.h"

#include "error.h"

#include <string.h>

void fake_inspect_init(struct server *s)
{
	memset(s, 0, sizeof(*s));
	s->status = (struct inspect_status){
		.socket_path = "/run/vm.sock", .memory_kind = "memfd",
		.sandbox = "user 998, seccomp", .store = "none",
		.memory_size = 1u << 26, .memory_sealed = true, .bus = true,
		.bus_size = 1u << 25, .session = UINT64_C(0xfedcba9876543210),
		.slots = 16, .slots_live = 1, .links = 8, .links_open = 2,
		.vectors = 16, .peers_max = 60, .ids_left = 65500,
		.descriptors = 34, .descriptors_max = 1024,
		.counters = { 1, 2, 3, 4, 5, 6, 7, 8, 9 },
	};
	s->peers[0] = (struct inspect_peer){
		.id = 3, .slot = 5, .name = "web-1", .kind = "linux", .pid = 77,
		.uid = 1001, .gid = 1002, .vectors = 16, .queued_bytes = 8,
		.queued_max = 65536, .greeted = true,
	};
	s->peers[1] = (struct inspect_peer){ .id = 4, .slot = -1, .kind = "" };
	s->count = 2;
}

void inspect_status(struct server *s, struct inspect_status *out)
{
	s->looks++;
	*out = s->status;
	out->peers = s->count;
}

void inspect_peers(struct server *s, inspect_peer_fn *fn, void *arg)
{
	for (size_t i = 0; i < s->count; i++)
		for (size_t n = 0; n <= s->repeat; n++)
			fn(arg, &s->peers[i]);
}

int inspect_kick(struct server *s, uint32_t id)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->peers[i].id == id) {
			s->peers[i] = s->peers[--s->count];
			s->kicks++;
			return 0;
		}
	return error_detail(BELL_ENOPEER, "peer %u: is not connected", (unsigned)id);
}

void inspect_drain(struct server *s, bool on)
{
	s->status.draining = on;
	s->drains++;
}
