/* SPDX-License-Identifier: BSD-2-Clause */
/* bellring server: look at a bellring-server of this host, and control it */
#include "cli.h"
#include "server-control.h"
#include "server-host.h"
#include "server-print.h"

#include <stdlib.h>
#include <string.h>

#define TIME_LIMIT_MS 5000
#define PATH_ROOM 4096
#define SUFFIX ".control" /* CONTROL_SUFFIX in the server's control.h */

struct args {
	const char *socket;  /* the server's */
	const char *control; /* its control socket */
	bool cancel;
};

#define AT(field) offsetof(struct args, field)
enum { KEY_CONTROL = 512, KEY_CANCEL };
static const struct option_row options[] = {
	{ 'S', "socket", "PATH", OPTION_TEXT, AT(socket), 0, 0, NULL,
	  "the server's socket" },
	{ KEY_CONTROL, "control", "PATH", OPTION_TEXT, AT(control), 0, 0, NULL,
	  "its control socket; else that of the server, with .control behind" },
	{ KEY_CANCEL, "cancel", NULL, OPTION_FLAG, AT(cancel), 0, 0, NULL,
	  "drain: let newcomers join again" },
	{ 0, NULL, NULL, OPTION_FLAG, 0, 0, 0, NULL, NULL },
};
#undef AT

static const char unix_prefix[] = "unix:";

/* ---- where ------------------------------------------------------------------------ */

/* PATH of "unix:PATH", or NULL. */
static const char *unix_path(const char *address)
{
	size_t len = strlen(unix_prefix);

	return address && strncmp(address, unix_prefix, len) == 0 ? address + len :
								    NULL;
}

/* As bellring-server finds its own default. */
static int find_default(char out[PATH_ROOM])
{
	const char *dir = server_directory();

	if (!dir)
		return cli_error("server: which one? name its socket with -S; "
				 "XDG_RUNTIME_DIR, where it is by default, is not set");
	snprintf(out, PATH_ROOM, "%s/bellring.sock" SUFFIX, dir);
	return CLI_DONE;
}

/* What is cut off here is far too long for a socket, which is told there. */
static int find_control(const struct session *s, const struct args *a,
			char out[PATH_ROOM])
{
	const char *server = a->socket;

	if (a->control) {
		snprintf(out, PATH_ROOM, "%s", a->control);
		return CLI_DONE;
	}
	if (!server && s->address && !unix_path(s->address))
		return cli_usage(&cmd_server, "server: %s: only a unix:PATH has a "
				 "server here", s->address);
	if (!server)
		server = unix_path(session_address(s));
	if (!server)
		return find_default(out);
	snprintf(out, PATH_ROOM, "%s" SUFFIX, server);
	return CLI_DONE;
}

/* ---- what the server says ------------------------------------------------------------ */

static void show_json(void *arg, const json_t *o)
{
	(void)arg;
	/* Failed writes are seen when stdout is flushed. */
	(void)json_dumpf(o, stdout, JSON_COMPACT);
	putchar('\n');
}

static void show_object(void *arg, const json_t *o)
{
	static const struct {
		const char *type;
		void (*print)(const json_t *o);
	} prints[] = { { "status", print_status }, { "stats", print_stats },
		       { "kicked", print_kicked }, { "drain", print_drain } };
	const char *type = json_string_value(json_object_get(o, "type"));
	size_t i;

	if (strcmp(type, "peer") == 0)
		print_peer(arg, o);
	for (i = 0; i < sizeof(prints) / sizeof(prints[0]); i++)
		if (strcmp(type, prints[i].type) == 0)
			prints[i].print(o);
}

static int ask(const struct session *s, const char *path, const char *request,
	       bool peers)
{
	struct table t;
	struct control_ask a = {
		.path = path, .request = request, .arg = &t,
		.timeout_ms = s->timeout_ms < 0 ? TIME_LIMIT_MS : s->timeout_ms,
		.object = s->json ? show_json : show_object,
	};
	int rc;

	print_peers_begin(&t);
	rc = control_ask(&a);
	if (rc == CLI_DONE && peers && !s->json && table_print(&t, stdout) < 0)
		rc = cli_no_memory();
	table_done(&t);
	return rc;
}

/* ---- what is asked ------------------------------------------------------------------- */

static bool is_plain(const char *verb)
{
	return strcmp(verb, "status") == 0 || strcmp(verb, "peers") == 0 ||
	       strcmp(verb, "stats") == 0;
}

/* The request, or NULL, told. */
static const char *make_request(const struct args *a, int argc, char **argv,
				char room[32])
{
	bool kick = strcmp(argv[0], "kick") == 0;
	uint64_t id;

	if (!kick && !is_plain(argv[0]) && strcmp(argv[0], "drain") != 0) {
		cli_usage(&cmd_server, "server: %s: not one of status, peers, stats, "
			  "kick, drain", argv[0]);
		return NULL;
	}
	if (argc != (kick ? 2 : 1)) {
		cli_usage(&cmd_server, kick ? "server: kick: an id is missing" :
					      "server: %s: takes no argument", argv[0]);
		return NULL;
	}
	if (a->cancel && strcmp(argv[0], "drain") != 0) {
		cli_usage(&cmd_server, "server: --cancel: only of drain");
		return NULL;
	}
	if (kick && !options_number(argv[1], 0, 65535, &id)) {
		cli_usage(&cmd_server, "server: kick %s: not an id from 0 to 65535",
			  argv[1]);
		return NULL;
	}
	if (!kick)
		return a->cancel ? "drain off" : argv[0];
	snprintf(room, 32, "kick %u", (unsigned)id);
	return room;
}

static int run(struct session *s, const void *args, int argc, char **argv)
{
	char path[PATH_ROOM], room[32];
	const char *request = make_request(args, argc, argv, room);
	int rc;

	if (!request)
		return CLI_USAGE;
	rc = find_control(s, args, path);
	if (rc != CLI_DONE)
		return rc;
	return ask(s, path, request, strcmp(request, "peers") == 0);
}

const struct bell_cmd cmd_server = {
	.name = "server",
	.usage = "[-S PATH | --control PATH] status | peers | stats | kick ID | "
		 "drain [--cancel]",
	.summary = "look at a bellring-server of this host, and control it",
	.more = "status  what it serves, its limits, its memory\n"
		"peers   who is connected\n"
		"stats   what it has counted since it started\n"
		"kick    drop the peer with that id\n"
		"drain   let nobody join any more, and stop when all have left\n"
		"\nThe server's socket is that of -S, else of -a or BELLRING_ADDRESS, "
		"else\nwhere a server listens by default.\n",
	.options = options,
	.args_size = sizeof(struct args),
	.operands_min = 1,
	.operands_max = 2,
	.run = run,
};
