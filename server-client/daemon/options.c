/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "options.h"

#include "conffile.h"
#include "error.h"
#include "log.h"

#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LONG_ONLY 256 /* and the row's number: no short option */

/* ---- help ---------------------------------------------------------------------- */

#define HELP_LEFT 28
#define HELP_WIDTH 80

/* Words with single blanks between them, from column HELP_LEFT on. */
static void print_words(const char *text, size_t *column)
{
	for (;;) {
		size_t len = strcspn(text, " ");

		if (*column + 1 + len >= HELP_WIDTH) {
			printf("\n%*s", HELP_LEFT - 1, "");
			*column = HELP_LEFT - 1;
		}
		printf(" %.*s", (int)len, text);
		*column += 1 + len;
		if (text[len] == '\0')
			break;
		text += len + 1;
	}
}

static void print_row(const struct setting *s)
{
	size_t column = HELP_LEFT - 1;
	char left[64] = "    ";

	if (s->letter)
		snprintf(left, sizeof(left), "-%c, ", s->letter);
	snprintf(left + 4, sizeof(left) - 4, "--%s%s%s", s->name,
		 s->value ? " " : "", s->value ? s->value : "");
	if (strlen(left) + 3 > HELP_LEFT)
		printf("  %s\n%*s", left, HELP_LEFT - 1, "");
	else
		printf("  %-*s", HELP_LEFT - 3, left);
	print_words(s->text, &column);
	if (s->preset) {
		char preset[64];

		snprintf(preset, sizeof(preset), "(default: %s)", s->preset);
		print_words(preset, &column);
	}
	putchar('\n');
}

static void print_help(void)
{
	enum settings_section section = SECTIONS;
	size_t count;
	const struct setting *rows = settings_table(&count);

	puts("usage: bellring-server [OPTION]...\n"
	     "Serve shared memory and doorbells to ivshmem peers: QEMU machines "
	     "and host programs.");
	for (size_t i = 0; i < count; i++) {
		if (rows[i].section != section)
			printf("\n%s:\n", settings_section_name(rows[i].section));
		section = rows[i].section;
		print_row(&rows[i]);
	}
	puts("\nAn option without a value can be taken back: --keep=no. The same "
	     "settings can be\nin a file: bellring-server.conf(5).\n"
	     "Exit status: 0 stopped by a signal, 1 failed, 2 wrong usage.");
}

/* ---- command line ---------------------------------------------------------------- */

struct getopt_tables {
	struct option longs[SETTINGS_MAX + 1];
	char shorts[2 * SETTINGS_MAX + 1];
};

/* help and version set nothing, so nothing can be taken back. */
static int arguments(const struct setting *s)
{
	if (s->value)
		return required_argument;
	return s->set ? optional_argument : no_argument;
}

static void fill_getopt(struct getopt_tables *t)
{
	size_t count;
	const struct setting *rows = settings_table(&count);
	char *shorts = t->shorts;

	for (size_t i = 0; i < count; i++) {
		t->longs[i] = (struct option){
			.name = rows[i].name,
			.has_arg = arguments(&rows[i]),
			.val = LONG_ONLY + (int)i,
		};
		if (!rows[i].letter)
			continue;
		*shorts++ = rows[i].letter;
		if (rows[i].value)
			*shorts++ = ':';
	}
	t->longs[count] = (struct option){ 0 };
	*shorts = '\0';
}

static enum options_result wrong(const char *what, const char *value,
				 const char *why)
{
	log_error("%s '%s': %s", what, value, why);
	log_bare("Try 'bellring-server --help'.");
	return OPTIONS_WRONG;
}

static enum options_result set(struct options *o, const struct setting *s,
			       const char *value)
{
	char what[64];

	if (!s->set) {
		if (s->letter == 'h')
			print_help();
		else
			puts("bellring-server " PACKAGE_VERSION);
		return OPTIONS_EXIT;
	}
	if (!value)
		value = "yes";
	if (settings_set(o, s, value, FROM_COMMAND_LINE, 0) == 0)
		return OPTIONS_RUN;
	snprintf(what, sizeof(what), "--%s", s->name);
	return wrong(what, value, bell_detail());
}

static enum options_result read_arguments(int argc, char **argv,
					  struct options *o)
{
	size_t count;
	const struct setting *rows = settings_table(&count);
	enum options_result result = OPTIONS_RUN;
	struct getopt_tables t;
	int key;

	fill_getopt(&t);
	while (result == OPTIONS_RUN &&
	       (key = getopt_long(argc, argv, t.shorts, t.longs, NULL)) != -1) {
		if (key == '?') {
			log_bare("Try 'bellring-server --help'.");
			return OPTIONS_WRONG;
		}
		result = set(o, key < LONG_ONLY ? settings_find_letter(key) :
						  &rows[key - LONG_ONLY], optarg);
	}
	if (result == OPTIONS_RUN && optind < argc)
		return wrong("argument", argv[optind], "not expected");
	return result;
}

/* ---- what depends on other settings ------------------------------------------------ */

static int set_default(struct options *o, const char *name, const char *value)
{
	int rc = settings_set(o, settings_find(name), value, FROM_PRESET, 0);

	if (rc < 0)
		log_error("--%s: the default, '%s': %s; name another one", name,
			  value, bell_detail());
	return rc;
}

/* Root's does not depend on who logged in, or a service's would differ from it. */
static int default_socket(struct options *o)
{
	const char *dir = geteuid() == 0 ? "/run" : getenv("XDG_RUNTIME_DIR");
	char path[PATH_MAX];

	if (!dir || !dir[0]) {
		log_error("no place for the socket: XDG_RUNTIME_DIR is not set; "
			  "name a path with -S, in a directory that only you can "
			  "write to");
		return -BELL_EINVAL;
	}
	snprintf(path, sizeof(path), "%s/bellring.sock", dir);
	return set_default(o, "socket", path);
}

static int default_control(struct options *o)
{
	char path[PATH_MAX];

	if (o->no_control) {
		o->control.path = NULL;
		return 0;
	}
	if (!o->control.path) {
		snprintf(path, sizeof(path), "%s.control", o->server.socket.path);
		return set_default(o, "control", path);
	}
	if (strcmp(o->control.path, o->server.socket.path) == 0) {
		log_error("--control '%s': that is the peers' socket, name another "
			  "path", o->control.path);
		return -BELL_EINVAL;
	}
	return 0;
}

/* A file's name that is not fit for one gives none. */
static int default_name(struct options *o)
{
	const char *slash = strrchr(o->server.socket.path, '/');
	const char *file = slash ? slash + 1 : o->server.socket.path;
	size_t len = strlen(file);
	char name[LAYOUT_NAME_SIZE];

	if (len > 5 && strcmp(file + len - 5, ".sock") == 0)
		len -= 5;
	if (o->server.bus.name || o->server.raw || len >= sizeof(name))
		return 0;
	snprintf(name, sizeof(name), "%.*s", (int)len, file);
	return layout_check_name(name) < 0 ? 0 : set_default(o, "name", name);
}

/* Also what cannot be told by one setting alone. */
static int complete(struct options *o)
{
	uid_t uid;
	gid_t gid;

	if (!o->server.socket.path && default_socket(o) < 0)
		return -BELL_EINVAL;
	if (default_control(o) < 0 || default_name(o) < 0)
		return -BELL_EINVAL;
	if (server_check(&o->server) == 0 &&
	    sandbox_ids(&o->sandbox, &uid, &gid) == 0)
		return 0;
	log_error("%s", bell_detail());
	return -BELL_EINVAL;
}

/* ---- in the place of QEMU's server ---------------------------------------------------
 *
 * By its name, ivshmem-server, this program has its defaults: scripts that rely on
 * them go on working. Its main.c is in QEMU's contrib/ivshmem-server.
 */

static bool is_in_place_of_qemus(const char *program)
{
	const char *slash = strrchr(program, '/');

	return strcmp(slash ? slash + 1 : program, "ivshmem-server") == 0;
}

static int preset_as_qemus(struct options *o)
{
	static const struct {
		const char *name, *value;
	} presets[] = { { "socket", "/tmp/ivshmem_socket" },
			{ "size", "4M" },
			{ "vectors", "1" },
			{ "daemon", "yes" } };
	int rc = 0;

	for (size_t i = 0; i < sizeof(presets) / sizeof(presets[0]) && rc == 0; i++)
		rc = settings_set(o, settings_find(presets[i].name),
				  presets[i].value, FROM_PRESET, 0);
	return rc;
}

/* It writes one only in the background. */
static int pid_file_as_qemus(struct options *o)
{
	if (!o->daemon || o->pid_file || geteuid() != 0)
		return 0;
	return set_default(o, "pid-file", "/var/run/ivshmem-server.pid");
}

/* ---- all of it ----------------------------------------------------------------------- */

static enum options_result read_all(int argc, char **argv, struct options *o)
{
	bool as_qemus = is_in_place_of_qemus(argv[0]);
	enum options_result result;

	if (options_init(o) < 0 || (as_qemus && preset_as_qemus(o) < 0)) {
		log_error("%s", bell_detail());
		return OPTIONS_WRONG;
	}
	result = read_arguments(argc, argv, o);
	if (result != OPTIONS_RUN)
		return result;
	if (o->config_file && !conffile_read(o, o->config_file))
		return OPTIONS_WRONG;
	if (complete(o) < 0 || (as_qemus && pid_file_as_qemus(o) < 0))
		return OPTIONS_WRONG;
	if (!o->check)
		return OPTIONS_RUN;
	log_info("the settings are valid");
	if (o->verbose)
		settings_print(o, stdout);
	return OPTIONS_EXIT;
}

enum options_result options_read(int argc, char **argv, struct options *out)
{
	struct options o = { 0 };
	enum options_result result = read_all(argc, argv, &o);

	if (result == OPTIONS_RUN)
		*out = o;
	else
		options_done(&o);
	return result;
}
