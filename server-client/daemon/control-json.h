/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control-json.h - what is said on the control socket: JSON objects, one a line
 *
 * ASCII only, whatever the names of peers are. An answer ends with an object of
 * type "end" or "error". Fields are only ever added, never renamed or removed.
 */
#ifndef BELL_CONTROL_JSON_H
#define BELL_CONTROL_JSON_H

#include "inspect.h"

struct evbuffer;

/* Each adds to answer; 0, or -BELL_ENOMEM, and then answer is not whole. */
int control_say_status(const struct inspect_status *status,
		       struct evbuffer *answer);
int control_say_stats(const struct inspect_counters *counters,
		      struct evbuffer *answer);
int control_say_peer(const struct inspect_peer *peer, struct evbuffer *answer);
int control_say_kicked(uint32_t id, struct evbuffer *answer);
int control_say_drain(bool on, size_t peers, struct evbuffer *answer);
int control_say_end(struct evbuffer *answer);
/* code is one of enum bell_error, of either sign. */
int control_say_error(int code, const char *text, struct evbuffer *answer);

#endif
