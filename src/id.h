/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * id.h - ids of peers as people write them
 */
#ifndef BELL_ID_H
#define BELL_ID_H

#include "bellring.h"

#include <stdbool.h>

/* Text has the form of an id: "3", "3.1". A name may not. */
bool id_is_number(const char *text);

/*
 * The id of "3" or "3.1", or of a whole id as one number. -BELL_EINVAL with a
 * detail if it is out of range; text has that form.
 */
int id_parse(const char *text, uint32_t *id);

/* The id's text for an error, until the end of the block. */
#define ID_TEXT(id) bell_id_text(id, (char[BELL_ID_TEXT]){ 0 })

#endif
