/* SPDX-License-Identifier: BSD-2-Clause */
#include "conffile.h"

#include "error.h"
#include "log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLANKS " \t"

struct parser {
	struct options *options;
	struct options unused; /* takes what the command line has overridden */
	conffile_tell_fn *tell;
	void *arg;
	unsigned line;
	size_t errors;
};

static void tell(struct parser *p, const char *text)
{
	p->errors++;
	p->tell(p->arg, p->line, text);
}

static void tell_of(struct parser *p, const char *key, const char *what)
{
	char text[CONFFILE_LINE + 256];

	snprintf(text, sizeof(text), "%s: %s", key, what);
	tell(p, text);
}

static char *trim(char *text)
{
	size_t len;

	text += strspn(text, BLANKS);
	len = strlen(text);
	while (len > 0 && strchr(BLANKS, text[len - 1]))
		text[--len] = '\0';
	return text;
}

/* What would be taken as it stands, and is not meant so. NULL: nothing. */
static const char *misleading(const char *value)
{
	for (const char *c = value; *c; c++) {
		if (*c == '#' && c > value && strchr(BLANKS, c[-1]))
			return "a comment needs a line of its own";
		if ((unsigned char)*c < ' ' && *c != '\t')
			return "control character in the value";
	}
	if (value[0] == '"' || value[0] == '\'')
		return "a value has no quotes";
	return NULL;
}

static void set(struct parser *p, const struct setting *s, const char *value)
{
	struct options *to = settings_overridden(p->options, s) ? &p->unused :
								  p->options;
	char text[CONFFILE_LINE + 1280];

	if (settings_set(to, s, value, FROM_FILE, p->line) == 0)
		return;
	snprintf(text, sizeof(text), "%s '%s': %s", s->name, value,
		 bell_detail());
	tell(p, text);
}

static void read_pair(struct parser *p, const char *key, const char *value)
{
	const struct setting *s = settings_find(key);

	if (!s)
		tell_of(p, key, "no such setting; bellring-server.conf(5) lists them");
	else if (s->not_in_file)
		tell_of(p, key, s->not_in_file);
	else if (value[0] == '\0')
		tell_of(p, key, "value is missing");
	else if (misleading(value))
		tell_of(p, key, misleading(value));
	else
		set(p, s, value);
}

/* An editor's CR before the newline is no part of the line. */
static size_t without_cr(const char *text, size_t len)
{
	return len > 0 && text[len - 1] == '\r' ? len - 1 : len;
}

static void read_line(struct parser *p, const char *text, size_t len)
{
	char line[CONFFILE_LINE + 1];
	char *start, *equals;

	len = without_cr(text, len);
	if (len > CONFFILE_LINE) {
		tell(p, "line is longer than 4096 bytes");
		return;
	}
	if (memchr(text, '\0', len)) {
		tell(p, "NUL byte: this is no text");
		return;
	}
	memcpy(line, text, len);
	line[len] = '\0';
	start = trim(line);
	if (start[0] == '\0' || start[0] == '#')
		return;
	equals = strchr(start, '=');
	if (!equals) {
		tell_of(p, start, "no '='; write: key = value");
		return;
	}
	*equals = '\0';
	if (equals == start)
		tell(p, "no key before the '='");
	else
		read_pair(p, trim(start), trim(equals + 1));
}

/* Some editors begin a file with one; nobody sees it. */
static size_t byte_order_mark(const char *text, size_t len)
{
	return len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
}

size_t conffile_parse(struct options *o, const char *text, size_t len,
		      conffile_tell_fn *tell_fn, void *arg)
{
	struct parser p = { .options = o, .tell = tell_fn, .arg = arg };
	size_t mark = byte_order_mark(text, len);

	text += mark;
	len -= mark;
	while (len > 0) {
		const char *end = memchr(text, '\n', len);
		size_t here = end ? (size_t)(end - text) : len;
		size_t used = end ? here + 1 : here;

		p.line++;
		read_line(&p, text, here);
		text += used;
		len -= used;
	}
	options_done(&p.unused);
	return p.errors;
}

/* ---- file ---------------------------------------------------------------------- */

static void tell_log(void *arg, unsigned line, const char *text)
{
	const char *const *path = arg;

	log_bare("%s:%u: %s", *path, line, text);
}

static bool failed(const char *path, FILE *f)
{
	log_error("%s: %s", path, strerror(errno));
	if (f)
		fclose(f);
	return false;
}

bool conffile_read(struct options *o, const char *path)
{
	bool optional = path[0] == '-';
	size_t len, errors;
	char *text;
	FILE *f;

	path += optional;
	f = fopen(path, "re");
	if (!f)
		return (optional && errno == ENOENT) || failed(path, NULL);
	text = malloc(CONFFILE_MAX + 1);
	if (!text)
		return failed(path, f);
	len = fread(text, 1, CONFFILE_MAX + 1, f);
	if (ferror(f)) {
		free(text);
		return failed(path, f);
	}
	fclose(f);
	if (len > CONFFILE_MAX) {
		log_error("%s: larger than 65536 bytes: no configuration file", path);
		free(text);
		return false;
	}
	errors = conffile_parse(o, text, len, tell_log, &path);
	free(text);
	return errors == 0;
}
