/* SPDX-License-Identifier: BSD-2-Clause */
#include "server-print.h"

#include "server-host.h"

#include <stdbool.h>
#include <string.h>

#define NUMBER_TEXT 24

/* ---- fields ----------------------------------------------------------------------- */

/* Bytes of the control character at s; UTF-8 has some of two: c2 80 to c2 9f. */
static size_t control_at(const char *s)
{
	unsigned char c = (unsigned char)s[0];

	if (c == 0xc2)
		return (unsigned char)s[1] >= 0x80 && (unsigned char)s[1] < 0xa0 ? 2 : 0;
	return c < 0x20 || c == 0x7f;
}

const char *print_text(const json_t *object, const char *key,
		       char buf[PRINT_TEXT])
{
	const char *value = json_string_value(json_object_get(object, key));
	size_t n = 0;

	if (!value || !*value)
		value = "-";
	while (*value && n < PRINT_TEXT - 1) {
		size_t control = control_at(value);

		buf[n++] = control ? '?' : *value;
		value += control ? control : 1;
	}
	buf[n] = '\0';
	return buf;
}

static const char *number(const json_t *object, const char *key,
			  char buf[NUMBER_TEXT])
{
	const json_t *v = json_object_get(object, key);

	if (json_is_integer(v))
		snprintf(buf, NUMBER_TEXT, "%" JSON_INTEGER_FORMAT,
			 json_integer_value(v));
	else
		snprintf(buf, NUMBER_TEXT, "-");
	return buf;
}

static bool is_true(const json_t *object, const char *key)
{
	return json_is_true(json_object_get(object, key));
}

/* ---- lines ------------------------------------------------------------------------ */

static void line_text(const json_t *o, const char *label, const char *key)
{
	char buf[PRINT_TEXT];

	printf("%-12s %s\n", label, print_text(o, key, buf));
}

static void line_number(const json_t *o, const char *label, const char *key)
{
	char buf[NUMBER_TEXT];

	printf("%-12s %s\n", label, number(o, key, buf));
}

static void line_of(const json_t *o, const char *label, const char *key,
		    const char *max_key)
{
	char buf[NUMBER_TEXT], max[NUMBER_TEXT];

	printf("%-12s %s of %s\n", label, number(o, key, buf),
	       number(o, max_key, max));
}

static void line_memory(const json_t *o)
{
	char bytes[NUMBER_TEXT], kind[PRINT_TEXT];

	printf("%-12s %s bytes, %s, %s\n", "memory",
	       number(o, "memory_bytes", bytes), print_text(o, "memory", kind),
	       is_true(o, "memory_sealed") ? "sealed" : "not sealed");
}

static void print_bus(const json_t *o)
{
	char bytes[NUMBER_TEXT], session[PRINT_TEXT];

	if (!is_true(o, "bus")) {
		printf("%-12s %s\n", "bus", "none");
		return;
	}
	printf("%-12s %s bytes, session %s\n", "bus",
	       number(o, "bus_bytes", bytes), print_text(o, "session", session));
	line_of(o, "slots", "slots_live", "slots");
	line_of(o, "links", "links_open", "links");
}

void print_status(const json_t *o)
{
	char seconds[NUMBER_TEXT], since[PRINT_TEXT];

	line_text(o, "socket", "socket");
	line_text(o, "version", "version");
	line_number(o, "pid", "pid");
	printf("%-12s %s, %s s\n", "since", print_text(o, "since", since),
	       number(o, "uptime_seconds", seconds));
	printf("%-12s %s\n", "draining", is_true(o, "draining") ? "yes" : "no");
	line_of(o, "peers", "peers", "peers_max");
	line_number(o, "ids left", "ids_left");
	line_number(o, "vectors", "vectors");
	line_memory(o);
	print_bus(o);
	line_of(o, "descriptors", "descriptors", "descriptors_max");
	line_text(o, "sandbox", "sandbox");
	line_text(o, "store", "store");
}

void print_stats(const json_t *o)
{
	static const char *const rows[][2] = {
		{ "joins", "joins" },
		{ "leaves", "leaves" },
		{ "drops", "drops" },
		{ "refusals", "refusals" },
		{ "accept pauses", "accept_pauses" },
		{ "messages", "messages" },
		{ "marked dead", "marked_dead" },
		{ "links freed", "links_freed" },
		{ "restarts", "restarts" },
	};
	char buf[NUMBER_TEXT];
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		printf("%-14s %s\n", rows[i][0], number(o, rows[i][1], buf));
}

void print_kicked(const json_t *o)
{
	char id[NUMBER_TEXT];

	printf("peer %s is dropped\n", number(o, "id", id));
}

void print_drain(const json_t *o)
{
	json_int_t peers = json_integer_value(json_object_get(o, "peers"));

	if (!is_true(o, "draining"))
		puts("not draining");
	else if (peers == 0)
		puts("no peer is connected: the server stops");
	else
		printf("draining: the server stops when its peers have left; "
		       "now %" JSON_INTEGER_FORMAT "\n", peers);
}

/* ---- peers ------------------------------------------------------------------------ */

void print_peers_begin(struct table *t)
{
	static const char *const heads[] = { "ID", "NAME", "KIND", "SLOT", "VECTORS",
					     "PID", "USER", "SINCE", "QUEUED" };
	size_t i;

	table_init(t, "rllrrrllr");
	for (i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
		table_add(t, "%s", heads[i]);
}

static void add_user(struct table *t, const json_t *o)
{
	const json_t *uid = json_object_get(o, "uid");
	char buf[NUMBER_TEXT];
	char name[SERVER_USER];

	if (json_is_integer(uid) &&
	    server_user(json_integer_value(uid), name))
		table_add(t, "%s", name);
	else
		table_add(t, "%s", number(o, "uid", buf));
}

void print_peer(struct table *t, const json_t *o)
{
	char text[PRINT_TEXT], buf[NUMBER_TEXT];

	table_add(t, "%s", number(o, "id", buf));
	table_add(t, "%s", print_text(o, "name", text));
	table_add(t, "%s", print_text(o, "kind", text));
	table_add(t, "%s", number(o, "slot", buf));
	table_add(t, "%s", number(o, "vectors", buf));
	table_add(t, "%s", number(o, "pid", buf));
	add_user(t, o);
	table_add(t, "%s", print_text(o, "since", text));
	table_add(t, "%s", number(o, "queued_bytes", buf));
}
