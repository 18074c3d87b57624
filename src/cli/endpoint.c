/* SPDX-License-Identifier: BSD-2-Clause */
#include "endpoint.h"

#include "options.h"

#include <string.h>

#define PORT_MAX 65535
#define TCP "tcp:"
#define UNIX "unix:"

static bool starts(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* Without what the canonical text could not tell apart, or a log not show. */
static bool is_host(const char *host, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (host[i] <= ' ' || host[i] > '~' || strchr("[]/", host[i]))
			return false;
	return len > 0 && len < ENDPOINT_HOST;
}

static bool set_tcp(struct endpoint *e, const char *host, size_t len,
		    const char *port)
{
	bool number6 = memchr(host, ':', len) != NULL;
	uint64_t value;

	if (!is_host(host, len) || !options_number(port, 0, PORT_MAX, &value))
		return false;
	e->kind = ENDPOINT_TCP;
	memcpy(e->host, host, len);
	snprintf(e->port, sizeof(e->port), "%u", (unsigned)value);
	snprintf(e->text, sizeof(e->text), number6 ? TCP "[%s]:%s" : TCP "%s:%s",
		 e->host, e->port);
	return true;
}

static bool parse_tcp(const char *text, struct endpoint *e)
{
	const char *colon = strrchr(text, ':');
	size_t len;

	if (!colon)
		return set_tcp(e, "localhost", strlen("localhost"), text);
	len = (size_t)(colon - text);
	if (len > 2 && text[0] == '[' && text[len - 1] == ']' &&
	    memchr(text, ':', len))
		return set_tcp(e, text + 1, len - 2, colon + 1);
	/* An IPv6 number without brackets: which colon is the port's? */
	if (memchr(text, ':', len))
		return false;
	return set_tcp(e, text, len, colon + 1);
}

static bool parse_unix(const char *path, struct endpoint *e)
{
	size_t len = strlen(path), i;

	if (len == 0 || len >= ENDPOINT_PATH)
		return false;
	for (i = 0; i < len; i++)
		if ((unsigned char)path[i] < ' ' || path[i] == 0x7f)
			return false;
	e->kind = ENDPOINT_UNIX;
	memcpy(e->path, path, len);
	snprintf(e->text, sizeof(e->text), UNIX "%s", path);
	return true;
}

bool endpoint_parse(const char *text, struct endpoint *out)
{
	struct endpoint e;
	bool ok = false;

	memset(&e, 0, sizeof(e));
	if (starts(text, TCP))
		ok = parse_tcp(text + strlen(TCP), &e);
	else if (starts(text, UNIX))
		ok = parse_unix(text + strlen(UNIX), &e);
	if (ok)
		*out = e;
	return ok;
}

const char *endpoint_in(const char *text)
{
	const char *at = text;

	while ((at = strchr(at, ':')) != NULL) {
		at++;
		if (starts(at, TCP) || starts(at, UNIX))
			return at;
	}
	return NULL;
}
