/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * server-control.h - asking a bellring-server on its control socket
 *
 * bellring-server-control(7) says what is spoken there.
 */
#ifndef CLI_SERVER_CONTROL_H
#define CLI_SERVER_CONTROL_H

#include <jansson.h>

struct control_ask {
	const char *path;
	const char *request; /* without its newline */
	int timeout_ms;      /* for all of it; -1: for ever */
	/* Gets each object of the answer but the last, which tells how it went. */
	void (*object)(void *arg, const json_t *object);
	void *arg;
};

/*
 * CLI_DONE; failures are told on stderr: CLI_ABSENT, when the server says that
 * there is no such peer, or it did not answer in time; CLI_FAILED.
 */
int control_ask(const struct control_ask *ask);

#endif
