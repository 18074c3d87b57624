/* SPDX-License-Identifier: BSD-2-Clause */
#include "json.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* Table 3-7 of the Unicode standard: what may be the second byte. */
static bool second_ok(unsigned char first, unsigned char second)
{
	switch (first) {
	case 0xe0:
		return second >= 0xa0 && second <= 0xbf;
	case 0xed:
		return second >= 0x80 && second <= 0x9f;
	case 0xf0:
		return second >= 0x90 && second <= 0xbf;
	case 0xf4:
		return second >= 0x80 && second <= 0x8f;
	default:
		return second >= 0x80 && second <= 0xbf;
	}
}

/* Bytes of the valid character at p, 0 if there is none. */
static size_t character(const unsigned char *p, size_t left)
{
	size_t want, i;

	if (p[0] < 0x80)
		return 1;
	if (p[0] >= 0xc2 && p[0] <= 0xdf)
		want = 2;
	else if (p[0] >= 0xe0 && p[0] <= 0xef)
		want = 3;
	else if (p[0] >= 0xf0 && p[0] <= 0xf4)
		want = 4;
	else
		return 0;
	if (left < want || !second_ok(p[0], p[1]))
		return 0;
	for (i = 2; i < want; i++)
		if (p[i] < 0x80 || p[i] > 0xbf)
			return 0;
	return want;
}

bool json_is_utf8(const void *data, size_t len)
{
	const unsigned char *p = data;
	size_t n;

	for (; len > 0; p += n, len -= n) {
		n = character(p, len);
		if (n == 0)
			return false;
	}
	return true;
}

void json_begin(struct json *j, FILE *file)
{
	j->file = file;
	j->comma = false;
	fputc('{', file);
}

void json_end(struct json *j)
{
	fputs("}\n", j->file);
	fflush(j->file);
}

static void put_key(struct json *j, const char *key)
{
	fprintf(j->file, "%s\"%s\":", j->comma ? "," : "", key);
	j->comma = true;
}

static void put_ascii(FILE *file, unsigned char c)
{
	if (c == '"' || c == '\\')
		fprintf(file, "\\%c", c);
	else if (c == '\n')
		fputs("\\n", file);
	else if (c == '\t')
		fputs("\\t", file);
	else if (c < 0x20 || c == 0x7f)
		fprintf(file, "\\u%04x", c);
	else
		fputc(c, file);
}

static void put_bytes(struct json *j, const void *data, size_t len)
{
	const unsigned char *p = data;
	size_t n;

	fputc('"', j->file);
	while (len > 0) {
		n = character(p, len);
		if (n == 0)
			fputs("\\ufffd", j->file);
		else if (n == 1)
			put_ascii(j->file, *p);
		else
			fwrite(p, 1, n, j->file);
		n += n == 0;
		p += n;
		len -= n;
	}
	fputc('"', j->file);
}

void json_bytes(struct json *j, const char *key, const void *data, size_t len)
{
	put_key(j, key);
	put_bytes(j, data, len);
}

void json_list(struct json *j, const char *key, const char *const *texts,
	       size_t count)
{
	put_key(j, key);
	fputc('[', j->file);
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			fputc(',', j->file);
		put_bytes(j, texts[i], strlen(texts[i]));
	}
	fputc(']', j->file);
}

void json_text(struct json *j, const char *key, const char *text)
{
	json_bytes(j, key, text, strlen(text));
}

void json_uint(struct json *j, const char *key, uint64_t value)
{
	put_key(j, key);
	fprintf(j->file, "%llu", (unsigned long long)value);
}

void json_real(struct json *j, const char *key, double value)
{
	put_key(j, key);
	/* Neither infinite nor no number; isfinite() of MinGW draws a warning. */
	if (fabs(value) <= DBL_MAX)
		fprintf(j->file, "%.3f", value);
	else
		fputs("null", j->file);
}

void json_bool(struct json *j, const char *key, bool value)
{
	put_key(j, key);
	fputs(value ? "true" : "false", j->file);
}
