/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "options.h"

#include "peers.h"
#include "proto.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MEMORY_SIZE (UINT64_C(64) << 20)
#define QUEUE_BYTES 65536
#define MIN_QUEUE PROTO_SIZE

enum {
	OPT_MODE = 256,
	OPT_SLOTS,
	OPT_LINKS,
	OPT_RING_SIZE,
	OPT_BUS_SIZE,
	OPT_RAW,
	OPT_MAX_PEERS,
	OPT_QUEUE,
	OPT_READY_FD,
	OPT_CHECK
};

/* What getopt_long() and --help both read. */
static const struct {
	int key; /* a short option if it is a character */
	const char *name; /* NULL: it has a short form only */
	const char *value; /* NULL: it takes none */
	const char *text;
} table[] = {
	{ 'S', "socket", "PATH",
	  "listen on this UNIX socket (default: $XDG_RUNTIME_DIR/bellring.sock,\n"
	  "else /run/bellring.sock)" },
	{ OPT_MODE, "mode", "OCTAL", "mode of the socket (default: 0660)" },
	{ 'l', "size", "SIZE",
	  "shared memory, bytes or with K, M, G (default: 64M); rounded up to a\n"
	  "power of two" },
	{ 'n', "vectors", "N", "vectors of each client, 1..256 (default: 16)" },
	{ 'M', NULL, "NAME", "use this POSIX shared memory object; not sealed" },
	{ 'm', NULL, "DIR",
	  "put the memory into a file of this directory, as of hugetlbfs; not sealed" },
	{ OPT_RAW, "raw", NULL, "leave the memory all zero: no bus in it" },
	{ OPT_BUS_SIZE, "bus", "SIZE",
	  "part of the memory that the bus gets (default: all)" },
	{ OPT_SLOTS, "slots", "N", "room for peers on the bus" },
	{ OPT_LINKS, "links", "N", "rings on the bus, one a sender and receiver" },
	{ OPT_RING_SIZE, "ring-size", "SIZE", "bytes of each ring" },
	{ OPT_MAX_PEERS, "max-peers", "N",
	  "peers at once (default: 960 / vectors, as many as a QEMU with the "
	  "usual limit of 1,024 open files survives)" },
	{ OPT_QUEUE, "queue", "BYTES",
	  "what a client may leave unread after its greeting (default: 64K)" },
	{ 'p', "pid-file", "FILE", "write the process id there" },
	{ 'd', "daemon", NULL, "go to the background once ready; log to syslog" },
	{ 'F', "foreground", NULL, "stay in the foreground (the default)" },
	{ OPT_READY_FD, "ready-fd", "FD",
	  "write a newline to this descriptor once ready, and close it" },
	{ OPT_CHECK, "check", NULL, "look whether the options make sense, and exit" },
	{ 'v', "verbose", NULL, "say more" },
	{ 'h', "help", NULL, "print this and exit" },
	{ 'V', "version", NULL, "print the version and exit" },
};

#define ROWS (sizeof(table) / sizeof(table[0]))

static void print_help(void)
{
	puts("usage: bellring-server [OPTION]...\n"
	     "Serve shared memory and doorbells to ivshmem peers: QEMU machines "
	     "and host programs.\n");
	for (size_t i = 0; i < ROWS; i++) {
		char left[40] = "    ";

		if (table[i].key < 256)
			snprintf(left, sizeof(left), "-%c%s", table[i].key,
				 table[i].name ? ", " : "");
		snprintf(left + strlen(left), sizeof(left) - strlen(left),
			 "%s%s%s%s", table[i].name ? "--" : "",
			 table[i].name ? table[i].name : "",
			 table[i].value ? " " : "",
			 table[i].value ? table[i].value : "");
		printf("  %-24s", left);
		for (const char *c = table[i].text; *c; c++) {
			putchar(*c);
			if (*c == '\n')
				printf("%26s", "");
		}
		putchar('\n');
	}
	puts("\nExit status: 0 stopped by a signal, 1 failed, 2 wrong usage.");
}

static bool wrong(const char *what, const char *value, const char *why)
{
	fprintf(stderr, "bellring-server: %s '%s': %s\n", what, value, why);
	return false;
}

static unsigned suffix_shift(const char *suffix)
{
	if (suffix[0] != '\0' && suffix[1] == '\0') {
		switch (suffix[0]) {
		case 'K': case 'k': return 10;
		case 'M': case 'm': return 20;
		case 'G': case 'g': return 30;
		default: break;
		}
	}
	return UINT_MAX;
}

static bool parse_number(const char *what, const char *text, int base,
			 bool suffixes, uint64_t min, uint64_t max,
			 uint64_t *out)
{
	unsigned long long v;
	unsigned shift = 0;
	char range[80];
	char *end;

	errno = 0;
	v = strtoull(text, &end, base);
	/* strtoull() takes signs and leading blanks, too. */
	if (text[0] < '0' || text[0] > '9')
		return wrong(what, text, "not a number");
	if (*end != '\0')
		shift = suffixes ? suffix_shift(end) : UINT_MAX;
	if (shift == UINT_MAX)
		return wrong(what, text, base == 8 ? "not an octal number" :
			     suffixes ? "not a size; write bytes, or a number with "
					"K, M or G" : "not a number");
	if (errno == ERANGE || v > UINT64_MAX >> shift ||
	    (v << shift) < min || (v << shift) > max) {
		snprintf(range, sizeof(range),
			 base == 8 ? "not in %#llo..%#llo" : "not in %llu..%llu",
			 (unsigned long long)min, (unsigned long long)max);
		return wrong(what, text, range);
	}
	*out = v << shift;
	return true;
}

static bool parse_u32(const char *what, const char *text, uint32_t min,
		      uint32_t max, uint32_t *out)
{
	uint64_t v;

	if (!parse_number(what, text, 10, false, min, max, &v))
		return false;
	*out = (uint32_t)v;
	return true;
}

static bool parse_size(const char *what, const char *text, uint64_t min,
		       uint64_t max, uint64_t *out)
{
	return parse_number(what, text, 10, true, min, max, out);
}

static bool set_memory(struct options *o, int key, const char *value)
{
	struct server_config *s = &o->server;

	switch (key) {
	case 'l':
		return parse_size("--size", value, 1, SHM_MAX_SIZE,
				  &s->memory.size);
	case 'M':
		s->memory.name = value;
		return value[0] ? true : wrong("-M", value, "empty name");
	case 'm':
		s->memory.dir = value;
		return value[0] ? true : wrong("-m", value, "empty path");
	case OPT_RAW:
		s->raw = true;
		return true;
	case OPT_BUS_SIZE:
		return parse_size("--bus", value, 1, SHM_MAX_SIZE,
				  &s->bus.bus_size);
	case OPT_SLOTS:
		return parse_u32("--slots", value, 1, LAYOUT_MAX_SLOTS,
				 &s->bus.slot_count);
	case OPT_LINKS:
		return parse_u32("--links", value, 1, LAYOUT_MAX_LINKS,
				 &s->bus.link_count);
	case OPT_RING_SIZE:
		return parse_size("--ring-size", value, LAYOUT_MIN_RING,
				  LAYOUT_MAX_RING, &s->bus.ring_size);
	default:
		return false;
	}
}

static bool set_clients(struct options *o, int key, const char *value)
{
	struct server_config *s = &o->server;
	uint64_t v = 0;
	bool good;

	switch (key) {
	case 'S':
		s->socket.path = value;
		return true;
	case OPT_MODE:
		good = parse_number("--mode", value, 8, false, 0, 0777, &v);
		s->socket.mode = (mode_t)v;
		return good;
	case 'n':
		good = parse_number("--vectors", value, 10, false, 1,
				    PROTO_VECTORS, &v);
		s->vectors = (unsigned)v;
		return good;
	case OPT_MAX_PEERS:
		good = parse_number("--max-peers", value, 10, false, 1,
				    PEERS_IDS, &v);
		s->max_peers = (size_t)v;
		return good;
	case OPT_QUEUE:
		good = parse_size("--queue", value, MIN_QUEUE, INT_MAX, &v);
		s->queue_bytes = (size_t)v;
		return good;
	default:
		return set_memory(o, key, value);
	}
}

static bool set(struct options *o, int key, const char *value)
{
	uint64_t v;

	switch (key) {
	case 'p':
		o->pid_file = value;
		return true;
	case 'd':
		o->daemon = true;
		return true;
	case 'F':
		o->daemon = false;
		return true;
	case 'v':
		o->verbose = true;
		return true;
	case OPT_CHECK:
		o->check = true;
		return true;
	case OPT_READY_FD:
		if (!parse_number("--ready-fd", value, 10, false, 0, INT_MAX, &v))
			return false;
		o->ready_fd = (int)v;
		return true;
	default:
		return set_clients(o, key, value);
	}
}

/* The path lives as long as the program. */
static const char *default_socket(void)
{
	static char path[PATH_MAX];
	const char *dir = getenv("XDG_RUNTIME_DIR");

	snprintf(path, sizeof(path), "%s/bellring.sock",
		 dir && dir[0] ? dir : "/run");
	return path;
}

static void fill_getopt(struct option *longs, char *shorts)
{
	size_t n = 0;

	for (size_t i = 0; i < ROWS; i++) {
		if (table[i].key < 256) {
			*shorts++ = (char)table[i].key;
			if (table[i].value)
				*shorts++ = ':';
		}
		if (table[i].name)
			longs[n++] = (struct option){
				.name = table[i].name,
				.has_arg = table[i].value ? required_argument :
							    no_argument,
				.val = table[i].key,
			};
	}
	*shorts = '\0';
	longs[n] = (struct option){ 0 };
}

static enum options_result hint(void)
{
	fputs("Try 'bellring-server --help'.\n", stderr);
	return OPTIONS_WRONG;
}

static enum options_result finish(int argc, char **argv, struct options *o)
{
	if (optind < argc) {
		wrong("argument", argv[optind], "not expected");
		return hint();
	}
	if (o->server.memory.name && o->server.memory.dir) {
		fputs("bellring-server: -M and -m: only one of them\n", stderr);
		return hint();
	}
	if (!o->server.socket.path)
		o->server.socket.path = default_socket();
	return OPTIONS_RUN;
}

enum options_result options_read(int argc, char **argv, struct options *out)
{
	struct option longs[ROWS + 1];
	char shorts[2 * ROWS + 1];
	int key;

	*out = (struct options){
		.ready_fd = -1,
		.server = { .socket = { .mode = 0660, .uid = (uid_t)-1,
					.gid = (gid_t)-1 },
			    .memory.size = MEMORY_SIZE,
			    .vectors = 16, .queue_bytes = QUEUE_BYTES },
	};
	fill_getopt(longs, shorts);
	while ((key = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		if (key == 'h') {
			print_help();
			return OPTIONS_EXIT;
		}
		if (key == 'V') {
			puts("bellring-server " PACKAGE_VERSION);
			return OPTIONS_EXIT;
		}
		if (key == '?' || !set(out, key, optarg))
			return hint();
	}
	return finish(argc, argv, out);
}
