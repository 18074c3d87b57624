/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bellring - messages and doorbells between QEMU machines and their host
 *
 * Parsing, help and dispatch read the table of commands.
 */
#include "cli.h"
#include "config.h"
#include "sys.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

/* In the order of enum bell_wait_mode. */
static const char *const wait_modes[] = { "interrupt", "poll", "adaptive",
					  NULL };

#define AT(field) offsetof(struct session, field)
enum { KEY_JSON = 256, KEY_NAME, KEY_WAIT };
static const struct option_row global_options[] = {
	{ 'a', "address", "ADDRESS", OPTION_TEXT, AT(address), 0, 0, NULL,
	  cli_addresses },
	{ KEY_JSON, "json", NULL, OPTION_FLAG, AT(json), 0, 0, NULL,
	  "one JSON object a line on stdout" },
	{ KEY_NAME, "name", "NAME", OPTION_TEXT, AT(name), 0, 0, NULL,
	  "own name on the bus; else HOST-PID" },
	{ KEY_WAIT, "wait", "MODE", OPTION_CHOICE, AT(wait), 0, 0, wait_modes,
	  "interrupt (default), poll or adaptive" },
	{ 't', "timeout", "SECONDS", OPTION_SECONDS, AT(timeout_ms), 0, 0, NULL,
	  "wait no longer; exit status 3 then" },
	{ 'v', "verbose", NULL, OPTION_FLAG, AT(verbose), 0, 0, NULL,
	  "say more on stderr" },
	{ 'V', "version", NULL, OPTION_FLAG, AT(version), 0, 0, NULL,
	  "print the version" },
	{ 0, NULL, NULL, OPTION_FLAG, 0, 0, 0, NULL, NULL },
};
#undef AT

static const char usage_line[] =
	"usage: bellring [-a ADDRESS] [--json] [--name NAME] [--wait MODE] "
	"[-t SECONDS] [-v]\n                COMMAND [ARGUMENT...]\n";

static void print_usage(const struct bell_cmd *cmd, FILE *file)
{
	if (cmd)
		fprintf(file, "usage: bellring %s%s%s\n", cmd->name,
			*cmd->usage ? " " : "", cmd->usage);
	else
		fputs(usage_line, file);
}

static void print_command_help(const struct bell_cmd *cmd)
{
	print_usage(cmd, stdout);
	printf("%s\n", cmd->summary);
	if (cmd->more)
		printf("\n%s", cmd->more);
	if (cmd->options) {
		fputs("\nOptions:\n", stdout);
		options_help(cmd->options, stdout);
	}
	fputs("\nOptions of all commands:\n", stdout);
	options_help(global_options, stdout);
}

static void print_help(void)
{
	int i;

	print_usage(NULL, stdout);
	fputs("\nCommands (bellring COMMAND --help tells more):\n", stdout);
	for (i = 0; cli_commands[i]; i++)
		printf("  %-8s %s\n", cli_commands[i]->name,
		       cli_commands[i]->summary);
	fputs("\nOptions:\n", stdout);
	options_help(global_options, stdout);
	fputs("  -h, --help                   print this, or a command's help\n"
	      "\nExit status: 0 done, 1 failed, 2 wrong usage, "
	      "3 timed out or peer absent.\n", stdout);
}

CLI_PRINTF(1, 0) static void say(const char *fmt,
							va_list args)
{
	/* Data before the talk about it, where both go to one terminal. */
	fflush(stdout);
	fputs("bellring: ", stderr);
	vfprintf(stderr, fmt, args);
}

int cli_usage(const struct bell_cmd *cmd, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	say(fmt, args);
	va_end(args);
	fputc('\n', stderr);
	print_usage(cmd, stderr);
	return CLI_USAGE;
}

int cli_fail(int code, const char *fmt, ...)
{
	const char *detail = bell_detail();
	va_list args;

	va_start(args, fmt);
	say(fmt, args);
	va_end(args);
	fprintf(stderr, ": %s%s%s\n", bell_strerror(code), *detail ? ": " : "",
		detail);
	return code == -BELL_EAGAIN || code == -BELL_ENOPEER ||
			       code == -BELL_ENOSERVICE ?
		       CLI_ABSENT :
		       CLI_FAILED;
}

int cli_error(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	say(fmt, args);
	va_end(args);
	fputc('\n', stderr);
	return CLI_FAILED;
}

int cli_no_memory(void)
{
	return cli_error("out of memory");
}

int cli_flush(void)
{
	/* An earlier failure leaves only the mark, not its errno. */
	bool failed = ferror(stdout) != 0;

	errno = 0;
	if (fflush(stdout) == 0 && !failed)
		return CLI_DONE;
	clearerr(stdout);
	return cli_error("writing to standard output: %s",
			 errno ? strerror(errno) : "failed");
}

static const struct bell_cmd *find_command(const char *name)
{
	int i;

	for (i = 0; cli_commands[i]; i++)
		if (strcmp(cli_commands[i]->name, name) == 0)
			return cli_commands[i];
	return NULL;
}

static int unknown_command(const char *name)
{
	const struct cli_elsewhere *e;

	for (e = cli_elsewhere; e->name; e++)
		if (strcmp(e->name, name) == 0)
			return cli_usage(NULL, "%s: %s", name, e->where);
	return cli_usage(NULL, "%s: unknown command; bellring --help lists them",
			 name);
}

static int run_command(const struct bell_cmd *cmd, struct session *s, int argc,
		       char **argv)
{
	_Alignas(max_align_t) char args[CLI_ARGS_MAX] = { 0 };
	struct option_set set[2] = { { cmd->options, args },
				     { global_options, s } };
	int first, n;

	if (cmd->defaults)
		memcpy(args, cmd->defaults, cmd->args_size);
	switch (options_parse(cmd->name, set, !cmd->options_first, argc, argv, &first)) {
	case OPTION_HELP:
		print_command_help(cmd);
		return CLI_DONE;
	case OPTION_WRONG:
		print_usage(cmd, stderr);
		return CLI_USAGE;
	case OPTION_OK:
		break;
	}
	n = argc - first;
	if (n < cmd->operands_min)
		return cli_usage(cmd, "%s: an argument is missing", cmd->name);
	if (n > cmd->operands_max)
		return cli_usage(cmd, "%s: %s: one argument too many", cmd->name,
				 argv[first + cmd->operands_max]);
	s->command = cmd->name;
	return cmd->run(s, args, n, argv + first);
}

static int dispatch(struct session *s, int argc, char **argv)
{
	struct option_set set[2] = { { global_options, s }, { NULL, NULL } };
	const struct bell_cmd *cmd;
	int first;

	switch (options_parse(NULL, set, false, argc, argv, &first)) {
	case OPTION_HELP:
		print_help();
		return CLI_DONE;
	case OPTION_WRONG:
		print_usage(NULL, stderr);
		return CLI_USAGE;
	case OPTION_OK:
		break;
	}
	if (s->version) {
		printf("bellring %s\n", PACKAGE_VERSION);
		return CLI_DONE;
	}
	if (first >= argc)
		return cli_usage(NULL, "a command is missing; "
				 "bellring --help lists them");
	cmd = find_command(argv[first]);
	if (!cmd)
		return unknown_command(argv[first]);
	return run_command(cmd, s, argc - first, argv + first);
}

int main(int argc, char **argv)
{
	struct session s = { .timeout_ms = -1, .wait = BELL_INTERRUPT };
	int rc, flushed;

	if (sys_begin(&argc, &argv) < 0)
		return cli_no_memory();
	sys_raise_limits();
	rc = dispatch(&s, argc, argv);
	session_close(&s);
	flushed = cli_flush();
	sys_end();
	return rc == CLI_DONE ? flushed : rc;
}
