/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control-lines.h - what a line on the control socket asks for
 *
 * Words between blanks: "status", "peers", "stats", "kick ID", "drain",
 * "drain off".
 */
#ifndef BELL_CONTROL_LINES_H
#define BELL_CONTROL_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONTROL_LINE_MAX 256u

enum control_verb {
	CONTROL_STATUS,
	CONTROL_PEERS,
	CONTROL_STATS,
	CONTROL_KICK, /* id */
	CONTROL_DRAIN /* on */
};

struct control_request {
	enum control_verb verb;
	uint32_t id;
	bool on;
};

/*
 * Reads a line of len bytes, whatever they are. 0, or -BELL_EINVAL with a detail,
 * which repeats nothing of the line.
 */
int control_parse(const char *line, size_t len, struct control_request *out);

#endif
