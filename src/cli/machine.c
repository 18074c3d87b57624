/* SPDX-License-Identifier: BSD-2-Clause */
#include "machine.h"

#include "sockets.h"
#include "sys.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define QEMU_OWN_FILES 64 /* beside those of vectors, about */

/* In the order of enum machine_arch. */
static const char *const archs[] = { "x86_64", "aarch64", NULL };

#define AT(field) offsetof(struct machine_args, field)
enum { KEY_PLAIN = 256, KEY_ID, KEY_VFIO, KEY_ARCH };
const struct option_row machine_options[] = {
	{ KEY_PLAIN, "plain", "FILE", OPTION_TEXT, AT(plain), 0, 0, NULL,
	  "this file's memory without doorbells, and no server" },
	{ 'n', "vectors", "N", OPTION_NUMBER, AT(vectors), 1, BELL_VECTOR_MAX + 1,
	  NULL, "vectors (default: as many as the server gives)" },
	{ KEY_ID, "id", "ID", OPTION_TEXT, AT(id), 0, 0, NULL,
	  "what the device is called (default: the memory's name)" },
	{ KEY_VFIO, "vfio", NULL, OPTION_FLAG, AT(vfio), 0, 0, NULL,
	  "with a virtual IOMMU, for guests without our module" },
	{ KEY_ARCH, "arch", "ARCH", OPTION_CHOICE, AT(arch), 0, 0, archs,
	  "x86_64 (default) or aarch64" },
	{ 0, NULL, NULL, OPTION_FLAG, 0, 0, 0, NULL, NULL },
};
#undef AT

static bool power_of_two(uint64_t n)
{
	return n && !(n & (n - 1));
}

/* ---- where ------------------------------------------------------------------ */

/* Whoever starts the machine may do so in another folder. */
static int set_path(const struct session *s, const char *path, struct machine *m)
{
	if (!sys_absolute(path, m->path_room, sizeof(m->path_room)))
		return cli_error("%s: %s: %s", s->command, path, strerror(errno));
	m->path = m->path_room;
	return CLI_DONE;
}

static int several(const struct session *s, const struct sockets *sockets)
{
	int rc = cli_error("%s: several servers, name one by -a:", s->command);

	for (size_t i = 0; i < sockets->count; i++)
		fprintf(stderr, "  -a unix:%s\n", sockets->path[i]);
	return rc;
}

/* Without an address: the server that there is. */
static int choose_server(struct session *s, char address[SOCKETS_PATH + 8])
{
	const char *env = getenv("BELLRING_ADDRESS");
	struct sockets sockets;

	if (s->address || (env && *env))
		return CLI_DONE;
	sockets_find(NULL, &sockets);
	if (sockets.count == 0)
		return cli_error("%s: no server's socket in /run, /run/bellring or "
				 "$XDG_RUNTIME_DIR; start bellring-server, or name "
				 "its socket by -a unix:PATH", s->command);
	if (sockets.count > 1)
		return several(s, &sockets);
	snprintf(address, SOCKETS_PATH + 8, "unix:%s", sockets.path[0]);
	s->address = address;
	return CLI_DONE;
}

/* ---- a server ---------------------------------------------------------------- */

/* The first in the list of those that share its device, and alive. */
static bool counts(const struct bell_peer_info *list, int i)
{
	if (list[i].state == BELL_STATE_DEAD)
		return false;
	for (int j = 0; j < i; j++)
		if (list[j].state != BELL_STATE_DEAD &&
		    BELL_ID_DEVICE(list[j].id) == BELL_ID_DEVICE(list[i].id))
			return false;
	return true;
}

/* With this command's own peer, which stands for the new machine. */
static unsigned connected(struct session *s)
{
	struct bell_peer_info *list = NULL;
	int peers = session_peers(s, &list);
	unsigned n = 0;

	for (int i = 0; i < peers; i++)
		n += counts(list, i);
	free(list);
	return n > 0 ? n : 1;
}

/* A QEMU holds an eventfd for each vector of each peer, its own ones too. */
static void warn_of_files(struct session *s, unsigned vectors)
{
	uint64_t need = (uint64_t)connected(s) * vectors + QEMU_OWN_FILES;
	uint64_t limit = sys_files_limit();

	if (need > limit)
		cli_error("%s: warning: with the peers there are QEMU needs about "
			  "%llu open files and may have %llu here: "
			  "ulimit -n %llu", s->command, (unsigned long long)need,
			  (unsigned long long)limit, (unsigned long long)need * 2);
}

static void warn_of_tcg(const struct session *s)
{
	if (!sockets_kvm())
		cli_error("%s: warning: no access to /dev/kvm: an emulated machine "
			  "with one CPU loses wake-ups; give QEMU -smp 2, or -smp "
			  "1,maxcpus=2", s->command);
}

static int check_vectors(const struct session *s, const struct machine_args *args,
			 struct machine *m)
{
	unsigned given = bell_vectors(s->peer);

	if (args->vectors > given)
		return cli_error("%s: %llu vectors, and the server gives %u: QEMU "
				 "would abort; start bellring-server with "
				 "--vectors %llu", s->command,
				 (unsigned long long)args->vectors, given,
				 (unsigned long long)args->vectors);
	m->vectors = args->vectors ? (unsigned)args->vectors : given;
	return CLI_DONE;
}

static int ask_server(struct session *s, const struct machine_args *args,
		      struct machine *m)
{
	size_t size;
	int rc = session_open(s);

	if (rc != CLI_DONE)
		return rc;
	bell_memory(s->peer, &size);
	m->memory = size;
	bell_region_name(s->peer, m->id);
	rc = check_vectors(s, args, m);
	if (rc == CLI_DONE)
		warn_of_files(s, bell_vectors(s->peer));
	return rc;
}

static int find_server(struct session *s, const struct machine_args *args,
		       struct machine *m)
{
	char address[SOCKETS_PATH + 8];
	struct sockets_file file;
	int rc = choose_server(s, address);

	if (rc != CLI_DONE)
		return rc;
	if (strncmp(session_address(s), "unix:", 5) != 0)
		return cli_error("%s: %s: not a server's socket; on the host, name "
				 "one by -a unix:PATH", s->command,
				 session_address(s));
	rc = ask_server(s, args, m);
	if (rc == CLI_DONE)
		rc = set_path(s, session_address(s) + 5, m);
	if (rc == CLI_DONE && sockets_file(m->path, &file))
		m->mode = file.mode;
	s->address = NULL; /* it was in this function's room, perhaps */
	return rc;
}

/* ---- a file ------------------------------------------------------------------- */

static int find_file(const struct session *s, const struct machine_args *args,
		     struct machine *m)
{
	struct sockets_file file;
	int rc;

	if (args->vectors || args->vfio)
		return cli_error("%s: --plain has no interrupts, so neither "
				 "--vectors nor --vfio", s->command);
	if (!sockets_file(args->plain, &file))
		return cli_error("%s: %s: %s; make it by: truncate -s 64M %s",
				 s->command, args->plain, strerror(errno),
				 args->plain);
	if (!file.is_regular)
		return cli_error("%s: %s: not a regular file", s->command,
				 args->plain);
	rc = set_path(s, args->plain, m);
	m->plain = true;
	m->memory = file.size;
	m->mode = file.mode;
	return rc;
}

/* ---- both --------------------------------------------------------------------- */

/* What QEMU takes for an id: id_wellformed() in util/id.c. */
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define ID_CHARS LETTERS "0123456789-._"

static int check_id(const struct session *s, const char *id)
{
	size_t len = strlen(id);

	if (len > 0 && len <= BELL_REGION_MAX && strchr(LETTERS, id[0]) &&
	    strspn(id, ID_CHARS) == len)
		return CLI_DONE;
	return cli_error("%s: --id %s: 1 to %d letters, digits, '-', '.' and '_', a "
			 "letter first", s->command, id, BELL_REGION_MAX);
}

/* The memory's name may have more characters. */
static void choose_id(const struct machine_args *args, struct machine *m)
{
	if (args->id)
		snprintf(m->id, sizeof(m->id), "%s", args->id);
	for (char *c = m->id; *c; c++)
		if (!strchr(ID_CHARS, *c))
			*c = '-';
	if (!m->id[0] || !strchr(LETTERS, m->id[0]))
		snprintf(m->id, sizeof(m->id), "bellring0");
}

int machine_find(struct session *s, const struct machine_args *args,
		 struct machine *out)
{
	struct machine *m = out;
	int rc = CLI_DONE;

	memset(m, 0, sizeof(*m));
	m->vfio = args->vfio;
	m->arch = (enum machine_arch)args->arch;
	if (args->id)
		rc = check_id(s, args->id);
	if (rc == CLI_DONE)
		rc = args->plain ? find_file(s, args, m) : find_server(s, args, m);
	if (rc != CLI_DONE)
		return rc;
	if (!power_of_two(m->memory))
		return cli_error("%s: %s: %llu bytes of memory, no power of two: QEMU "
				 "would abort", s->command, m->path,
				 (unsigned long long)m->memory);
	choose_id(args, m);
	warn_of_tcg(s);
	return CLI_DONE;
}
