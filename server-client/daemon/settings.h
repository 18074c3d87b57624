/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * settings.h - what the server can be told, in one table
 *
 * A row is an option of the command line and, by the same name, a key of the
 * configuration file. Both go through settings_set().
 */
#ifndef BELL_SETTINGS_H
#define BELL_SETTINGS_H

#include "sandbox.h"
#include "serverd.h"

#include <stdio.h>

#define SETTINGS_MAX 64 /* rows, at most */

enum settings_section {
	SECTION_SOCKET,
	SECTION_MEMORY,
	SECTION_BUS,
	SECTION_PROCESS,
	SECTION_CONTROL,
	SECTION_MESSAGES,
	SECTION_THIS, /* about the settings themselves */
	SECTIONS
};

/* Of two in a group only one makes sense. */
enum settings_group { GROUP_NONE, GROUP_MEMORY, GROUP_CONTROL };

/* The later ones win. */
enum settings_from { FROM_NOWHERE, FROM_PRESET, FROM_FILE, FROM_COMMAND_LINE };

struct options;
struct setting;

/* value outlives o. 0, or -BELL_EINVAL, -BELL_ENOMEM with a detail: the cause. */
typedef int setting_fn(const struct setting *s, struct options *o,
		       const char *value);

struct setting {
	const char *name;        /* long option, and key */
	const char *value;       /* what help calls the value; NULL: yes or no */
	const char *preset;      /* or NULL */
	const char *text;        /* for help */
	const char *not_in_file; /* why; or NULL */
	setting_fn *set;
	size_t at, width;        /* of what it sets, in struct options */
	uint64_t min, max;       /* of numbers; max of a path's length, 0: any */
	enum settings_section section;
	enum settings_group group;
	bool list;               /* a second value is added to the first */
	char letter;             /* short option, or 0 */
};

/* What a row was last set to. */
struct setting_state {
	char *text; /* owned; NULL: never set */
	enum settings_from from;
	unsigned line; /* of the file */
};

struct options {
	struct server_config server;
	struct listener_wish control; /* path NULL: none */
	const char *metrics;          /* "unix:PATH", "127.0.0.1:PORT", "[::1]:PORT"; NULL: none */
	struct sandbox_wish sandbox;
	bool keep;                    /* a keeper process holds what is open */
	uint32_t log_rate;            /* like messages a second; 0: any number */
	const char *pid_file;         /* or NULL */
	const char *config_file;      /* as given; or NULL */
	int ready_fd;                 /* or -1 */
	bool daemon;
	bool verbose;
	bool check;
	bool no_control;              /* control.path is NULL then */
	struct setting_state state[SETTINGS_MAX];
};

/* Rows in the order of sections; *count gets their number. */
const struct setting *settings_table(size_t *count);
const char *settings_section_name(enum settings_section section);
/* NULL: there is none. */
const struct setting *settings_find(const char *name);
const struct setting *settings_find_letter(int letter);

/* Everything preset. 0, or -BELL_ENOMEM; options_done() also then. */
int options_init(struct options *o);
/* Frees what o owns: every string in it. All zero is fine. */
void options_done(struct options *o);

/*
 * Sets a row by its text, which is copied. line: of the file, else 0. 0, or with
 * a detail that says the cause alone
 *   -BELL_EINVAL the value; a line of the file set it before; or another of its
 *                group is set from the same place
 *   -BELL_ENOMEM
 */
int settings_set(struct options *o, const struct setting *s, const char *value,
		 enum settings_from from, unsigned line);

/* The command line has set it, or another of its group: a file does not count. */
bool settings_overridden(const struct options *o, const struct setting *s);

/* All that a file can hold, as a file; what is not set as comments. */
void settings_print(const struct options *o, FILE *to);

#endif
