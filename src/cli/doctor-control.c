/* SPDX-License-Identifier: BSD-2-Clause */
/* What a bellring-server says of itself, where its control socket is open to us. */
#include "cli.h"
#include "doctor-parts.h"
#include "doctor-tree.h"
#include "server-control.h"

#include <stdio.h>
#include <string.h>

#define SUFFIX ".control" /* CONTROL_SUFFIX in the server's control.h */
#define TIME_LIMIT_MS 3000

static json_int_t number(const json_t *o, const char *key)
{
	return json_integer_value(json_object_get(o, key));
}

static void judge_room(struct doctor *d, const json_t *o)
{
	json_int_t used = number(o, "descriptors"), max = number(o, "descriptors_max");
	json_int_t peers = number(o, "peers"), peers_max = number(o, "peers_max");

	if (peers >= peers_max || number(o, "ids_left") == 0) {
		doctor_try(d, "bellring-server --max-peers %" JSON_INTEGER_FORMAT " -S %s",
			   peers_max * 2, doctor_word(d));
		doctor_tell(d, DOCTOR_WARNING, "%" JSON_INTEGER_FORMAT " of %"
			    JSON_INTEGER_FORMAT " peers are there, with this one: hardly "
			    "anybody else may join", peers, peers_max);
	} else if (used >= max / 4 * 3) {
		doctor_try(d, "sudo prlimit --pid %" JSON_INTEGER_FORMAT " --nofile=524288",
			   number(o, "pid"));
		doctor_tell(d, DOCTOR_WARNING, "the server has opened %" JSON_INTEGER_FORMAT
			    " of %" JSON_INTEGER_FORMAT " files", used, max);
	} else {
		doctor_tell(d, DOCTOR_OK, "%" JSON_INTEGER_FORMAT " of %" JSON_INTEGER_FORMAT
			    " peers, %" JSON_INTEGER_FORMAT " of %" JSON_INTEGER_FORMAT
			    " descriptors", peers, peers_max, used, max);
	}
}

static void judge_memory(struct doctor *d, const json_t *o)
{
	const char *kind = json_string_value(json_object_get(o, "memory"));

	if (json_is_true(json_object_get(o, "memory_sealed"))) {
		doctor_tell(d, DOCTOR_OK, "%s, sealed: nobody can cut it short",
			    kind ? kind : "memory");
		return;
	}
	doctor_try(d, "bellring-server -S %s # without --memory-file, -dir, -name",
		   doctor_word(d));
	doctor_tell(d, DOCTOR_WARNING, "%s, not sealed: who may write the file can cut it short, "
		    "and SIGBUS then ends each QEMU", kind ? kind : "memory");
}

/* Of a process in another container the server knows no number. */
static void add_connected(struct doctor *d, long pid)
{
	if (pid <= 0)
		d->connected_known = false;
	else if (d->connected_count < DOCTOR_CONNECTED)
		d->connected[d->connected_count++] = pid;
}

static void take_object(void *arg, const json_t *o)
{
	const char *type = json_string_value(json_object_get(o, "type"));
	struct doctor *d = arg;

	if (strcmp(type, "peer") == 0)
		add_connected(d, (long)number(o, "pid"));
	if (strcmp(type, "status") != 0)
		return;
	judge_room(d, o);
	judge_memory(d, o);
	if (json_is_true(json_object_get(o, "draining"))) {
		doctor_try(d, "bellring server -S %s drain --cancel", doctor_word(d));
		doctor_tell(d, DOCTOR_WARNING, "the server lets nobody join any more, and "
			    "stops when the last peer has left");
	}
}

static int ask(struct doctor *d, const char *path, const char *request)
{
	struct control_ask a = { .path = path, .request = request,
				 .timeout_ms = TIME_LIMIT_MS, .object = take_object,
				 .arg = d };

	return control_ask(&a);
}

static void check_control(struct doctor *d)
{
	char path[TREE_PATH];

	snprintf(path, sizeof(path), "%s" SUFFIX, doctor_place(d));
	if (!tree_usable(path)) {
		doctor_tell(d, DOCTOR_SKIPPED, "%s is not open to this user: another server "
			    "than ours, or only root may ask it", path);
		return;
	}
	if (ask(d, path, "status") != CLI_DONE) {
		doctor_try(d, "bellring server --control %s status", doctor_word(d));
		doctor_tell(d, DOCTOR_WARNING, "the server did not say how it is");
		return;
	}
	d->connected_known = true;
	if (ask(d, path, "peers") != CLI_DONE || d->connected_count == DOCTOR_CONNECTED)
		d->connected_known = false;
}

const struct doctor_check doctor_control[] = {
	{ "server", DOCTOR_HOST, true, check_control },
	{ NULL, 0, false, NULL },
};
