/* SPDX-License-Identifier: BSD-2-Clause */
/* bellring info: what this peer has */
#include "cli.h"
#include "json.h"

#include <stdlib.h>

static void print_text(struct session *s, size_t size, uint64_t bus, int peers)
{
	char name[BELL_REGION_MAX + 1];

	bell_region_name(s->peer, name);
	printf("address   %s\n", session_address(s));
	printf("port      %s\n", bell_port_name(s->peer));
	printf("id        %u\n", (unsigned)bell_id(s->peer));
	printf("vectors   %u\n", bell_vectors(s->peer));
	printf("memory    %zu bytes\n", size);
	printf("name      %s\n", name[0] ? name : "none");
	if (bus > 0)
		printf("bus       %llu bytes\n", (unsigned long long)bus);
	else
		printf("bus       not formatted\n");
	printf("raw       %llu bytes\n", (unsigned long long)(size - bus));
	printf("peers     %d\n", peers);
}

static void print_json(struct session *s, size_t size, uint64_t bus, int peers)
{
	char name[BELL_REGION_MAX + 1];
	struct json j;

	json_begin(&j, stdout);
	json_text(&j, "address", session_address(s));
	json_text(&j, "port", bell_port_name(s->peer));
	json_uint(&j, "id", bell_id(s->peer));
	json_uint(&j, "vectors", bell_vectors(s->peer));
	json_uint(&j, "memory", size);
	json_text(&j, "name", bell_region_name(s->peer, name));
	json_bool(&j, "formatted", bus > 0);
	json_uint(&j, "bus", bus);
	json_uint(&j, "raw", size - bus);
	json_uint(&j, "peers", (uint64_t)peers);
	json_end(&j);
}

static int run(struct session *s, const void *args, int argc, char **argv)
{
	struct bell_peer_info *list = NULL;
	uint64_t bus;
	size_t size;
	int rc = session_open(s), peers;

	(void)args, (void)argc, (void)argv;
	if (rc != CLI_DONE)
		return rc;
	bell_memory(s->peer, &size);
	bus = bell_bus_size(s->peer);
	/* In a guest, memory without a bus tells of nobody: that is no failure. */
	peers = session_peers(s, &list);
	free(list);
	if (s->json)
		print_json(s, size, bus, peers < 0 ? 0 : peers);
	else
		print_text(s, size, bus, peers < 0 ? 0 : peers);
	return CLI_DONE;
}

const struct bell_cmd cmd_info = {
	.name = "info",
	.usage = "",
	.summary = "show the device: id, vectors, memory, bus",
	.run = run,
};
