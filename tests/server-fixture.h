/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * server-fixture.h - a real bellring-server for a test
 */
#ifndef BELL_SERVER_FIXTURE_H
#define BELL_SERVER_FIXTURE_H

/*
 * Starts the build's bellring-server in a folder of its own, with the options
 * in the NULL-terminated list, and waits until it listens. Gives its address,
 * "unix:...", valid until server_stop().
 */
const char *server_start(const char *const options[]);
/* SIGTERM, wait, remove the folder; the server must have left nothing in it. */
void server_stop(void);

#endif
