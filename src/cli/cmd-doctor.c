/* SPDX-License-Identifier: BSD-2-Clause */
/* bellring doctor: what is wrong here, and what to do about it */
#include "cli.h"
#include "doctor.h"
#include "json.h"

#include <stdlib.h>
#include <string.h>

#define ADDRESS_ROOM 4096

static void print_json(const struct doctor_line *line)
{
	struct json j;

	json_begin(&j, stdout);
	json_text(&j, "check", line->check);
	json_text(&j, "result", doctor_result_name(line->result));
	json_text(&j, "what", line->what);
	json_text(&j, "remedy", line->remedy);
	json_end(&j);
}

static void print_line(void *arg, const struct doctor_line *line)
{
	const struct session *s = arg;

	if (s->json) {
		print_json(line);
		return;
	}
	printf("%-8s %-12s %s\n", doctor_result_name(line->result), line->check,
	       line->what);
	if (*line->remedy)
		printf("%-8s %-12s %s\n", "", "try:", line->remedy);
	fflush(stdout);
}

static void print_summary(const struct doctor *d)
{
	printf("%u ok, %u warning%s, %u failure%s, %u skipped (%s)\n",
	       d->count[DOCTOR_OK], d->count[DOCTOR_WARNING],
	       d->count[DOCTOR_WARNING] == 1 ? "" : "s", d->count[DOCTOR_FAILURE],
	       d->count[DOCTOR_FAILURE] == 1 ? "" : "s", d->count[DOCTOR_SKIPPED],
	       d->address ? d->address : "no address");
}

static const char *wanted(const struct session *s, int argc, char **argv)
{
	const char *address = argc > 0 ? argv[0] : s->address;

	if (!address)
		address = getenv("BELLRING_ADDRESS");
	return address && *address ? address : NULL;
}

static int examine(struct doctor *d, const struct session *s)
{
	d->side = doctor_side_of(d->address);
	if (!d->side)
		return cli_usage(&cmd_doctor, "doctor: %s: not unix:PATH, pci:, "
				 "pci:0000:00:03.0 or file:PATH", d->address);
	doctor_run(d, NULL);
	if (!s->json)
		print_summary(d);
	return d->count[DOCTOR_FAILURE] > 0 ? CLI_FAILED : CLI_DONE;
}

static int run(struct session *s, const void *args, int argc, char **argv)
{
	char found[ADDRESS_ROOM];
	struct doctor *d = calloc(1, sizeof(*d));
	int rc = CLI_FAILED;

	(void)args;
	if (!d)
		return cli_no_memory();
	d->root = "";
	d->timeout_ms = s->timeout_ms;
	d->line = print_line;
	d->arg = s;
	d->address = wanted(s, argc, argv);
	if (!d->address && doctor_find(d, found, sizeof(found)))
		d->address = found;
	if (d->address)
		rc = examine(d, s);
	else if (!s->json)
		print_summary(d);
	doctor_done(d);
	free(d);
	return rc;
}

const struct bell_cmd cmd_doctor = {
	.name = "doctor",
	.usage = "[ADDRESS]",
	.summary = "say what is wrong here, and what to do about it",
	.more = "Goes through what goes wrong in practice, on a host or in a guest. "
		"Without an\nADDRESS it looks at the device of this machine, or where "
		"a server listens by default.\nJoins no bus and changes nothing. Exit "
		"status 1 if there is a failure.\n",
	.operands_max = 1,
	.run = run,
};
