/* SPDX-License-Identifier: BSD-2-Clause */
/* bellring peers: who is there */
#include "cli.h"
#include "json.h"
#include "table.h"

#include <stdlib.h>

static int print_table(const struct bell_peer_info *list, int n)
{
	char id[BELL_ID_TEXT];
	struct table t;
	int i, rc;

	table_init(&t, "rllrl");
	table_add(&t, "ID");
	table_add(&t, "NAME");
	table_add(&t, "KIND");
	table_add(&t, "VECTORS");
	table_add(&t, "STATE");
	for (i = 0; i < n; i++) {
		table_add(&t, "%s", bell_id_text(list[i].id, id));
		table_add(&t, "%s", list[i].name[0] ? list[i].name : "-");
		table_add(&t, "%s", bell_kind_name(list[i].kind));
		if (list[i].vectors)
			table_add(&t, "%u", (unsigned)list[i].vectors);
		else
			table_add(&t, "-");
		table_add(&t, "%s", bell_state_name(list[i].state));
	}
	rc = table_print(&t, stdout);
	return rc < 0 ? cli_no_memory() : CLI_DONE;
}

static void print_json(const struct bell_peer_info *p)
{
	struct json j;

	json_begin(&j, stdout);
	json_uint(&j, "id", p->id);
	json_text(&j, "name", p->name);
	json_text(&j, "kind", bell_kind_name(p->kind));
	json_uint(&j, "vectors", p->vectors);
	json_text(&j, "state", bell_state_name(p->state));
	json_uint(&j, "pid", p->pid);
	json_uint(&j, "incarnation", p->incarnation);
	json_end(&j);
}

static int run(struct session *s, const void *args, int argc, char **argv)
{
	struct bell_peer_info *list = NULL;
	int rc = session_open(s), n, i;

	(void)args, (void)argc, (void)argv;
	if (rc != CLI_DONE)
		return rc;
	n = session_peers(s, &list);
	if (n < 0)
		return cli_fail(n, "peers");
	if (!s->json)
		rc = print_table(list, n);
	else
		for (i = 0; i < n; i++)
			print_json(&list[i]);
	free(list);
	return rc;
}

const struct bell_cmd cmd_peers = {
	.name = "peers",
	.usage = "",
	.summary = "list the peers: id, name, kind, vectors, state",
	.more = "States: live (on the bus), raw (connected, not on the bus), "
		"joining, dead.\nThis command itself is one of the raw peers.\n",
	.run = run,
};
