/* SPDX-License-Identifier: BSD-2-Clause */
#include "settings.h"

#include "error.h"
#include "peers.h"
#include "proto.h"
#include "setters.h"

#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#define SOCKET_PATH (sizeof(((struct sockaddr_un *)0)->sun_path) - 1)
#define FIELD(name)                                                            \
	.at = offsetof(struct options, name),                                  \
	.width = sizeof(((struct options *)0)->name)

#define WHOEVER_STARTS "not in a file: it is for who starts the server to say"
#define ABOUT_THIS "not in a file: it is a question to this call of the program"

static const struct setting table[] = {
	/* ---- socket ---- */
	{ .section = SECTION_SOCKET, .name = "socket", .letter = 'S',
	  .value = "PATH", .set = set_path, FIELD(server.socket.path),
	  .max = SOCKET_PATH,
	  .text = "listen on this UNIX socket (default: /run/bellring.sock for root, "
		  "$XDG_RUNTIME_DIR/bellring.sock for others)" },
	{ .section = SECTION_SOCKET, .name = "mode", .value = "OCTAL",
	  .preset = "0660", .set = set_octal, FIELD(server.socket.mode),
	  .max = 0777, .text = "mode of the socket" },
	{ .section = SECTION_SOCKET, .name = "owner", .value = "USER",
	  .set = set_user, FIELD(server.socket.uid),
	  .text = "owner of the socket" },
	{ .section = SECTION_SOCKET, .name = "group", .value = "GROUP",
	  .set = set_group, FIELD(server.socket.gid),
	  .text = "group of the socket" },
	{ .section = SECTION_SOCKET, .name = "allow-user", .value = "LIST",
	  .set = add_users, .list = true,
	  .text = "only these users may be peers, and who is in a group of "
		  "--allow-group (default: everybody whom the mode lets in)" },
	{ .section = SECTION_SOCKET, .name = "allow-group", .value = "LIST",
	  .set = add_groups, .list = true,
	  .text = "the same with groups" },
	{ .section = SECTION_SOCKET, .name = "max-peers", .value = "N",
	  .set = set_number, FIELD(server.max_peers), .min = 1,
	  .max = PEERS_IDS,
	  .text = "peers at once (default: 960 / vectors, as many as a QEMU with "
		  "the usual limit of 1,024 open files survives)" },
	{ .section = SECTION_SOCKET, .name = "max-peers-per-user", .value = "N",
	  .set = set_number, FIELD(server.access.max_peers_per_user), .min = 1,
	  .max = PEERS_IDS,
	  .text = "peers at once of one user (default: no limit of its own)" },
	{ .section = SECTION_SOCKET, .name = "vectors", .letter = 'n',
	  .value = "N", .preset = "16", .set = set_number,
	  FIELD(server.vectors), .min = 1, .max = PROTO_VECTORS,
	  .text = "vectors of each peer, 1..256" },
	{ .section = SECTION_SOCKET, .name = "queue", .value = "BYTES",
	  .preset = "64K", .set = set_size, FIELD(server.queue_bytes),
	  .min = PROTO_SIZE, .max = INT_MAX,
	  .text = "what a peer may leave unread after its greeting" },

	/* ---- memory ---- */
	{ .section = SECTION_MEMORY, .name = "size", .letter = 'l',
	  .value = "SIZE", .preset = "64M", .set = set_size,
	  FIELD(server.memory.size), .min = 1, .max = SHM_MAX_SIZE,
	  .text = "shared memory, bytes or with K, M, G, T; rounded up to a power "
		  "of two" },
	{ .section = SECTION_MEMORY, .name = "hugepages", .value = "SIZE",
	  .group = GROUP_MEMORY, .set = set_page_size,
	  FIELD(server.memory.hugepage), .min = 65536,
	  .max = UINT64_C(16) << 30,
	  .text = "of huge pages of this size, as 2M or 1G; sealed" },
	{ .section = SECTION_MEMORY, .name = "memory-file", .value = "PATH",
	  .group = GROUP_MEMORY, .set = set_path, FIELD(server.memory.file),
	  .max = PATH_MAX - 1,
	  .text = "a file that others map, too; not sealed" },
	{ .section = SECTION_MEMORY, .name = "memory-dir", .letter = 'm',
	  .value = "DIR", .group = GROUP_MEMORY, .set = set_path,
	  FIELD(server.memory.dir), .max = PATH_MAX - 1,
	  .text = "an unnamed file of this directory, as of hugetlbfs; not sealed" },
	{ .section = SECTION_MEMORY, .name = "memory-name", .letter = 'M',
	  .value = "NAME", .group = GROUP_MEMORY, .set = set_path,
	  FIELD(server.memory.name), .max = NAME_MAX,
	  .text = "this POSIX shared memory object; not sealed" },

	/* ---- bus ---- */
	{ .section = SECTION_BUS, .name = "raw", .set = set_flag,
	  FIELD(server.raw),
	  .text = "leave the memory all zero: no bus in it" },
	{ .section = SECTION_BUS, .name = "bus", .value = "SIZE",
	  .set = set_size, FIELD(server.bus.bus_size), .min = 1,
	  .max = SHM_MAX_SIZE,
	  .text = "part of the memory that the bus gets (default: all)" },
	{ .section = SECTION_BUS, .name = "slots", .value = "N",
	  .set = set_number, FIELD(server.bus.slot_count), .min = 1,
	  .max = LAYOUT_MAX_SLOTS, .text = "room for peers on the bus" },
	{ .section = SECTION_BUS, .name = "links", .value = "N",
	  .set = set_number, FIELD(server.bus.link_count), .min = 1,
	  .max = LAYOUT_MAX_LINKS,
	  .text = "rings on the bus, one a sender and receiver" },
	{ .section = SECTION_BUS, .name = "ring-size", .value = "SIZE",
	  .set = set_size, FIELD(server.bus.ring_size), .min = LAYOUT_MIN_RING,
	  .max = LAYOUT_MAX_RING, .text = "bytes of each ring" },
	{ .section = SECTION_BUS, .name = "name", .value = "NAME",
	  .set = set_region_name, FIELD(server.bus.name),
	  .text = "of the memory, by which guests find their device as pci:NAME "
		  "(default: that of the socket's file, without \".sock\")" },

	/* ---- process ---- */
	{ .section = SECTION_PROCESS, .name = "user", .value = "USER",
	  .set = set_user_name, FIELD(sandbox.user),
	  .text = "become this user once everything is open" },
	{ .section = SECTION_PROCESS, .name = "user-group", .value = "GROUP",
	  .set = set_group_name, FIELD(sandbox.group),
	  .text = "with this group (default: that user's own)" },
	{ .section = SECTION_PROCESS, .name = "sandbox", .value = "yes|no",
	  .preset = "yes", .set = set_flag_off, FIELD(sandbox.off),
	  .text = "give up all system calls that the server does not need" },
	{ .section = SECTION_PROCESS, .name = "keep", .set = set_flag,
	  FIELD(keep),
	  .text = "let a small second process hold what is open, so that a server "
		  "that is started again goes on with all peers" },
	{ .section = SECTION_PROCESS, .name = "pid-file", .letter = 'p',
	  .value = "FILE", .set = set_path, FIELD(pid_file),
	  .max = PATH_MAX - 1, .text = "write the process id there" },
	{ .section = SECTION_PROCESS, .name = "daemon", .letter = 'd',
	  .set = set_flag, FIELD(daemon), .not_in_file = WHOEVER_STARTS,
	  .text = "go to the background once ready; log to syslog" },
	{ .section = SECTION_PROCESS, .name = "foreground", .letter = 'F',
	  .set = set_flag_off, FIELD(daemon), .not_in_file = WHOEVER_STARTS,
	  .text = "stay in the foreground (the default)" },
	{ .section = SECTION_PROCESS, .name = "ready-fd", .value = "FD",
	  .set = set_number, FIELD(ready_fd), .max = INT_MAX,
	  .not_in_file = WHOEVER_STARTS,
	  .text = "write a newline to this descriptor once ready, and close it" },

	/* ---- control ---- */
	{ .section = SECTION_CONTROL, .name = "control", .value = "PATH",
	  .group = GROUP_CONTROL, .set = set_path, FIELD(control.path),
	  .max = SOCKET_PATH,
	  .text = "socket for 'bellring server' (default: the path of --socket, and "
		  "\".control\")" },
	{ .section = SECTION_CONTROL, .name = "control-mode", .value = "OCTAL",
	  .preset = "0600", .set = set_octal, FIELD(control.mode), .max = 0777,
	  .text = "mode of that socket" },
	{ .section = SECTION_CONTROL, .name = "no-control",
	  .group = GROUP_CONTROL, .set = set_flag, FIELD(no_control),
	  .text = "no such socket" },
	{ .section = SECTION_CONTROL, .name = "metrics", .value = "ADDRESS",
	  .set = set_metrics, FIELD(metrics),
	  .text = "serve metrics over HTTP at unix:PATH, 127.0.0.1:PORT or "
		  "[::1]:PORT (default: nowhere)" },

	/* ---- messages ---- */
	{ .section = SECTION_MESSAGES, .name = "verbose", .letter = 'v',
	  .set = set_flag, FIELD(verbose), .text = "say more" },
	{ .section = SECTION_MESSAGES, .name = "log-rate", .value = "N",
	  .preset = "50", .set = set_number, FIELD(log_rate), .max = 1000000,
	  .text = "like messages a second before they are only counted; 0: any "
		  "number" },

	/* ---- this ---- */
	{ .section = SECTION_THIS, .name = "config", .letter = 'c',
	  .value = "FILE", .set = set_path, FIELD(config_file),
	  .max = PATH_MAX, .not_in_file = "not in a file: a file cannot include others",
	  .text = "read settings from this file, too; what the command line says wins; "
		  "with a \"-\" before it, it need not exist" },
	{ .section = SECTION_THIS, .name = "check", .set = set_flag,
	  FIELD(check), .not_in_file = ABOUT_THIS,
	  .text = "look whether the settings make sense, and exit; with --verbose, "
		  "print them" },
	{ .section = SECTION_THIS, .name = "help", .letter = 'h',
	  .not_in_file = ABOUT_THIS, .text = "print this and exit" },
	{ .section = SECTION_THIS, .name = "version", .letter = 'V',
	  .not_in_file = ABOUT_THIS, .text = "print the version and exit" },
};

#define ROWS (sizeof(table) / sizeof(table[0]))
_Static_assert(ROWS <= SETTINGS_MAX, "struct options has a state for each");

static const char *const sections[SECTIONS] = {
	[SECTION_SOCKET] = "Socket and peers",
	[SECTION_MEMORY] = "Memory",
	[SECTION_BUS] = "Bus",
	[SECTION_PROCESS] = "Process",
	[SECTION_CONTROL] = "Control",
	[SECTION_MESSAGES] = "Messages",
	[SECTION_THIS] = "Settings",
};

const struct setting *settings_table(size_t *count)
{
	*count = ROWS;
	return table;
}

const char *settings_section_name(enum settings_section section)
{
	return sections[section];
}

const struct setting *settings_find(const char *name)
{
	for (size_t i = 0; i < ROWS; i++)
		if (strcmp(table[i].name, name) == 0)
			return &table[i];
	return NULL;
}

const struct setting *settings_find_letter(int letter)
{
	for (size_t i = 0; i < ROWS; i++)
		if (table[i].letter && table[i].letter == letter)
			return &table[i];
	return NULL;
}

/* ---- setting ------------------------------------------------------------------- */

static struct setting_state *state_of(struct options *o,
				      const struct setting *s)
{
	return &o->state[s - table];
}

/* "no-control = no" takes nobody's place. */
static bool counts(const struct setting *s, const char *text)
{
	return s->value || strcmp(text, "no") != 0;
}

/* Another of the group that is set from there; NULL if none is. */
static const struct setting *rival(const struct options *o,
				   const struct setting *s,
				   enum settings_from from)
{
	for (size_t i = 0; s->group != GROUP_NONE && i < ROWS; i++) {
		const struct setting_state *st = &o->state[i];

		if (&table[i] != s && table[i].group == s->group && st->text &&
		    st->from == from && counts(&table[i], st->text))
			return &table[i];
	}
	return NULL;
}

bool settings_overridden(const struct options *o, const struct setting *s)
{
	return o->state[s - table].from == FROM_COMMAND_LINE ||
	       rival(o, s, FROM_COMMAND_LINE);
}

static int check_place(const struct options *o, const struct setting *s,
		       const char *value, enum settings_from from)
{
	const struct setting_state *st = &o->state[s - table];
	const struct setting *other = rival(o, s, from);

	if (from == FROM_FILE && st->from == FROM_FILE)
		return error_detail(BELL_EINVAL, "line %u says it already",
				    st->line);
	if (other && counts(s, value))
		return error_detail(BELL_EINVAL, "%s is set, too: only one of them",
				    other->name);
	return 0;
}

/* With what a list has so far. NULL if out of memory. */
static char *new_text(const struct setting *s, const char *old,
		      const char *value)
{
	size_t len = s->list && old ? strlen(old) + 1 : 0;
	char *text = malloc(len + strlen(value) + 1);

	if (!text)
		return NULL;
	if (len > 0) {
		memcpy(text, old, len - 1);
		text[len - 1] = ',';
	}
	strcpy(text + len, value);
	return text;
}

int settings_set(struct options *o, const struct setting *s, const char *value,
		 enum settings_from from, unsigned line)
{
	struct setting_state *st = state_of(o, s);
	int rc = check_place(o, s, value, from);
	char *text;

	if (rc < 0)
		return rc;
	text = new_text(s, st->text, value);
	if (!text)
		return error_detail(BELL_ENOMEM, "out of memory");
	rc = s->set(s, o, s->list ? value : text);
	if (rc < 0) {
		free(text);
		return rc;
	}
	free(st->text);
	*st = (struct setting_state){ text, from, line };
	return 0;
}

int options_init(struct options *o)
{
	int rc = 0;

	*o = (struct options){
		.ready_fd = -1,
		.server.socket = { .uid = (uid_t)-1, .gid = (gid_t)-1 },
		.control = { .uid = (uid_t)-1, .gid = (gid_t)-1 },
	};
	for (size_t i = 0; i < ROWS && rc == 0; i++)
		if (table[i].preset)
			rc = settings_set(o, &table[i], table[i].preset,
					  FROM_PRESET, 0);
	return rc;
}

void options_done(struct options *o)
{
	for (size_t i = 0; i < ROWS; i++)
		free(o->state[i].text);
	access_done(&o->server.access);
	*o = (struct options){ .ready_fd = -1 };
}

/* ---- showing ------------------------------------------------------------------- */

static void print_row(const struct setting *s, const char *text, FILE *to)
{
	if (text)
		fprintf(to, "%s = %s\n", s->name, text);
	else
		fprintf(to, "# %s = %s\n", s->name, s->value ? s->value : "no");
}

void settings_print(const struct options *o, FILE *to)
{
	enum settings_section section = SECTIONS;

	for (size_t i = 0; i < ROWS; i++) {
		if (table[i].not_in_file)
			continue;
		if (table[i].section != section)
			fprintf(to, "%s# %s\n", i ? "\n" : "",
				sections[table[i].section]);
		section = table[i].section;
		print_row(&table[i], o->state[i].text, to);
	}
}
