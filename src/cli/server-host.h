/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * server-host.h - what a system knows of servers and their users
 *
 * Implemented once a system (server-host-posix.c), chosen in the makefile.
 */
#ifndef CLI_SERVER_HOST_H
#define CLI_SERVER_HOST_H

#include <stdbool.h>
#include <stdint.h>

#define SERVER_USER 64

/* The name of the user with that number; false if there is none, or it is long. */
bool server_user(int64_t uid, char name[SERVER_USER]);

/*
 * Where this user's bellring-server has its socket, bellring.sock, by default;
 * NULL: nowhere.
 */
const char *server_directory(void);

#endif
