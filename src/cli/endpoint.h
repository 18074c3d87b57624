/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * endpoint.h - "tcp:HOST:PORT", "tcp:PORT", "unix:PATH" as a user writes them
 */
#ifndef CLI_ENDPOINT_H
#define CLI_ENDPOINT_H

#include <stdbool.h>

#define ENDPOINT_HOST 254 /* longest name of a host and a NUL: RFC 1035 */
#define ENDPOINT_PATH 108 /* of a UNIX socket, with its NUL: unix(7) */
#define ENDPOINT_TEXT 272

enum endpoint_kind { ENDPOINT_TCP, ENDPOINT_UNIX };

struct endpoint {
	enum endpoint_kind kind;
	char host[ENDPOINT_HOST]; /* TCP: a name or number, without brackets */
	char port[6];             /* TCP: decimal */
	char path[ENDPOINT_PATH]; /* UNIX */
	/* One spelling of it: "tcp:80" is "tcp:localhost:80", an IPv6 number has []. */
	char text[ENDPOINT_TEXT];
};

/* False, and out is unchanged, if text is none. */
bool endpoint_parse(const char *text, struct endpoint *out);

/* Where in "PEER:ENDPOINT" the endpoint begins; NULL: nowhere. */
const char *endpoint_in(const char *text);

#endif
