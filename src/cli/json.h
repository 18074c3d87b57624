/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * json.h - output of flat JSON objects, one a line
 *
 * An emitter of our own and not a library: the tool only ever writes flat
 * objects, it is also built static for a guest's small initramfs and for
 * Windows with mingw, for which the distribution has no JSON library.
 * Fields are only ever added, never renamed or removed.
 */
#ifndef CLI_JSON_H
#define CLI_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct json {
	FILE *file; /* borrowed */
	bool comma;
};

/* Begins an object on file, and ends it with a newline and a flush. */
void json_begin(struct json *j, FILE *file);
void json_end(struct json *j);

/* Keys are plain ASCII that needs no escape. */
void json_text(struct json *j, const char *key, const char *text);
/* Bytes that are no valid UTF-8 become U+FFFD, one for each bad byte. */
void json_bytes(struct json *j, const char *key, const void *data, size_t len);
void json_uint(struct json *j, const char *key, uint64_t value);
/* Three digits behind the point; null if it is not finite. */
void json_real(struct json *j, const char *key, double value);
void json_bool(struct json *j, const char *key, bool value);
/* An array of texts. */
void json_list(struct json *j, const char *key, const char *const *texts,
	       size_t count);

/* All of data is valid UTF-8 (RFC 3629: no surrogates, shortest form). */
bool json_is_utf8(const void *data, size_t len);

#endif
