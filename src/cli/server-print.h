/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * server-print.h - what a bellring-server says, for people
 *
 * A field that is missing, or of another type than expected, is printed as "-".
 */
#ifndef CLI_SERVER_PRINT_H
#define CLI_SERVER_PRINT_H

#include "table.h"

#include <jansson.h>

#define PRINT_TEXT 256

/* A field of text without control characters; returns buf. */
const char *print_text(const json_t *object, const char *key,
		       char buf[PRINT_TEXT]);

/* An object on stdout, lines of "KEY  VALUE". */
void print_status(const json_t *status);
void print_stats(const json_t *stats);
/* A sentence about what was done. */
void print_kicked(const json_t *kicked);
void print_drain(const json_t *drain);

/* A table of peers, to be printed with table_print(). */
void print_peers_begin(struct table *t);
void print_peer(struct table *t, const json_t *peer);

#endif
