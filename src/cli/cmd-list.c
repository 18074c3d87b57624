/* SPDX-License-Identifier: BSD-2-Clause */
/* bellring list: what there is to open on this machine, and by which port */
#include "cli.h"
#include "json.h"
#include "sockets.h"

#include <stdlib.h>
#include <string.h>

#define DEVICES_MAX 64
#define WAYS_MAX 8
#define SERVER_MS 1000

/* ---- which port ------------------------------------------------------------- */

struct ways {
	struct bell_way way[WAYS_MAX];
	int count;
	int best; /* index; -1: none */
};

/* bell_open() goes on to the next port after -BELL_EUNSUP only. */
static void find_ways(const char *address, struct ways *w)
{
	w->best = -1;
	w->count = bell_ways(address, w->way, WAYS_MAX);
	if (w->count > WAYS_MAX)
		w->count = WAYS_MAX;
	for (int i = 0; i < w->count; i++) {
		if (w->way[i].error == 0)
			w->best = i;
		if (w->way[i].error != -BELL_EUNSUP)
			return;
	}
}

/* What there is to say of a port that is not taken. */
static const char *why_not(const struct ways *w, int i, char *buf, size_t size)
{
	const struct bell_way *way = &w->way[i];

	if (way->error == 0 && w->best >= 0)
		snprintf(buf, size, "would do, after %s", w->way[w->best].port);
	else if (way->error == 0)
		snprintf(buf, size, "would do, but an earlier one fails");
	else
		snprintf(buf, size, "%s%s%s", bell_strerror(way->error),
			 way->why[0] ? ": " : "", way->why);
	return buf;
}

static void ways_text(const struct ways *w)
{
	char buf[640];

	printf("  port      %s\n", w->best < 0 ? "none" : w->way[w->best].port);
	for (int i = 0; i < w->count; i++)
		if (i != w->best)
			printf("  not %-5s %s\n", w->way[i].port,
			       why_not(w, i, buf, sizeof(buf)));
}

static void ways_json(struct json *j, const struct ways *w)
{
	char key[32], buf[640];

	if (w->best >= 0)
		json_text(j, "port", w->way[w->best].port);
	for (int i = 0; i < w->count; i++) {
		if (i == w->best)
			continue;
		snprintf(key, sizeof(key), "not_%s", w->way[i].port);
		json_text(j, key, why_not(w, i, buf, sizeof(buf)));
	}
}

/* ---- devices ----------------------------------------------------------------- */

static const char *name_text(const struct bell_device_info *d)
{
	if (d->name_error)
		return bell_strerror(d->name_error);
	return d->name[0] ? d->name : "none";
}

static void device_text(const struct bell_device_info *d, const struct ways *w)
{
	printf("%s\n", d->address);
	printf("  name      %s%s\n", d->name_error ? "unknown: " : "", name_text(d));
	printf("  memory    %llu bytes\n", (unsigned long long)d->memory);
	if (d->doorbell < 0)
		printf("  kind      unknown: only root can see whether it has interrupts\n");
	else if (d->doorbell == 0)
		printf("  kind      plain: memory without doorbells\n");
	else if (d->vectors == 0)
		printf("  kind      doorbell; its vectors are counted when it is opened\n");
	else
		printf("  kind      doorbell, %u vectors\n", d->vectors);
	printf("  driver    %s\n", d->driver[0] ? d->driver : "none");
	printf("  mapping   %s%s%s%s\n", bell_mapping_name(d->mapping),
	       d->mapping_from[0] ? " (" : "", d->mapping_from,
	       d->mapping_from[0] ? ")" : "");
	ways_text(w);
}

static void device_json(const struct bell_device_info *d, const struct ways *w)
{
	struct json j;

	json_begin(&j, stdout);
	json_text(&j, "type", "device");
	json_text(&j, "address", d->address);
	if (!d->name_error)
		json_text(&j, "name", d->name);
	json_uint(&j, "memory", d->memory);
	if (d->doorbell >= 0)
		json_bool(&j, "doorbell", d->doorbell > 0);
	if (d->vectors > 0 || d->doorbell == 0)
		json_uint(&j, "vectors", d->vectors);
	json_text(&j, "driver", d->driver);
	json_text(&j, "mapping", bell_mapping_name(d->mapping));
	json_text(&j, "mapping_from", d->mapping_from);
	ways_json(&j, w);
	json_end(&j);
}

/* How many there are; negative: told, and failed. */
static int list_devices(const struct session *s)
{
	struct bell_device_info *list = calloc(DEVICES_MAX, sizeof(*list));
	struct ways w;
	int n;

	if (!list) {
		cli_no_memory();
		return -1;
	}
	n = bell_devices(list, DEVICES_MAX);
	if (n < 0)
		cli_fail(n, "list");
	for (int i = 0; i < n && i < DEVICES_MAX; i++) {
		find_ways(list[i].address, &w);
		(s->json ? device_json : device_text)(&list[i], &w);
	}
	free(list);
	return n;
}

/* ---- servers ------------------------------------------------------------------ */

static void server_text(const char *address, const struct bell_peer *peer,
			const char *why)
{
	char name[BELL_REGION_MAX + 1];
	size_t size;

	printf("%s\n", address);
	if (!peer) {
		printf("  kind      a socket, but %s\n", why);
		return;
	}
	bell_memory(peer, &size);
	bell_region_name(peer, name);
	printf("  name      %s\n", name[0] ? name : "none");
	printf("  memory    %zu bytes\n", size);
	printf("  kind      server, %u vectors\n", bell_vectors(peer));
	printf("  port      %s\n", bell_port_name(peer));
}

static void server_json(const char *address, const struct bell_peer *peer,
			const char *why)
{
	char name[BELL_REGION_MAX + 1];
	struct json j;
	size_t size;

	json_begin(&j, stdout);
	json_text(&j, "type", "server");
	json_text(&j, "address", address);
	if (peer) {
		bell_memory(peer, &size);
		json_text(&j, "name", bell_region_name(peer, name));
		json_uint(&j, "memory", size);
		json_uint(&j, "vectors", bell_vectors(peer));
		json_text(&j, "port", bell_port_name(peer));
	} else {
		json_text(&j, "not_unix", why);
	}
	json_end(&j);
}

/* Only who is greeted knows what a server has. */
static void list_server(const struct session *s, const char *path)
{
	char address[SOCKETS_PATH + 8], why[640] = "";
	struct bell_peer *peer = NULL;
	int rc;

	snprintf(address, sizeof(address), "unix:%s", path);
	rc = bell_open(address, s->timeout_ms > 0 ? s->timeout_ms : SERVER_MS, &peer);
	if (rc < 0)
		snprintf(why, sizeof(why), "%s: %s", bell_strerror(rc), bell_detail());
	(s->json ? server_json : server_text)(address, peer, why);
	bell_close(peer);
}

static const char *own_socket(const struct session *s)
{
	const char *address = session_address(s);

	return strncmp(address, "unix:", 5) == 0 ? address + 5 : NULL;
}

static int run(struct session *s, const void *args, int argc, char **argv)
{
	struct sockets sockets;
	int devices = list_devices(s);

	(void)args, (void)argc, (void)argv;
	if (devices < 0)
		return CLI_FAILED;
	fflush(stdout);
	sockets_find(own_socket(s), &sockets);
	for (size_t i = 0; i < sockets.count; i++)
		list_server(s, sockets.path[i]);
	if (devices == 0)
		cli_error("list: no ivshmem device in this machine%s%s",
			  sockets.count || !*sockets_places ? "" :
			  ", and no server's socket in ",
			  sockets.count ? "" : sockets_places);
	return devices == 0 && sockets.count == 0 ? CLI_ABSENT : CLI_DONE;
}

const struct bell_cmd cmd_list = {
	.name = "list",
	.usage = "",
	.summary = "list devices and servers, and the ports that would serve them",
	.more = "In a guest: its ivshmem devices, with the port that pci: would "
		"take and why not\nthe others. On a host: the sockets of servers "
		"that it finds.\n-t bounds the wait for each server; the default is "
		"1 second.\n",
	.run = run,
};
