/* SPDX-License-Identifier: BSD-2-Clause */
/* bellring ring: interrupt a peer */
#include "cli.h"

static int run(struct session *s, const void *args, int argc, char **argv)
{
	char label[SESSION_LABEL];
	struct bell_peer_info info;
	uint64_t vector;
	uint32_t id;
	int rc;

	(void)args, (void)argc;
	if (!options_number(argv[1], 0, BELL_VECTOR_MAX, &vector))
		return cli_usage(&cmd_ring, "ring %s %s: vector out of range: "
				 "not a number from 0 to %u", argv[0], argv[1],
				 BELL_VECTOR_MAX);
	rc = session_open(s);
	if (rc == CLI_DONE)
		rc = session_find(s, argv[0], &id);
	if (rc != CLI_DONE)
		return rc;
	/* In a guest the device would ignore it without a word. */
	if (session_peer_info(s, id, &info) && info.vectors > 0 &&
	    vector >= info.vectors)
		return cli_error("ring %s %u: vector out of range: %s has "
				 "0 to %u", argv[0], (unsigned)vector,
				 session_label(s, id, label),
				 (unsigned)info.vectors - 1);
	rc = bell_ring(s->peer, id, (unsigned)vector);
	if (rc < 0)
		return cli_fail(rc, "ring %s %u", argv[0], (unsigned)vector);
	return CLI_DONE;
}

const struct bell_cmd cmd_ring = {
	.name = "ring",
	.usage = "PEER VECTOR",
	.summary = "interrupt a peer",
	.more = "PEER is an id or a name. Interrupts coalesce: ringing twice "
		"may be seen once.\n",
	.operands_min = 2,
	.operands_max = 2,
	.run = run,
};
