/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * doctor-users.h - names of users and groups
 *
 * A program without shared libraries cannot look them up: doctor-users-none.c.
 */
#ifndef CLI_DOCTOR_USERS_H
#define CLI_DOCTOR_USERS_H

#include <stdbool.h>
#include <stdint.h>

#define USERS_NAME 64

/* Name of the user or group, else its number; returns buf. */
const char *users_user(uint32_t uid, char buf[USERS_NAME]);
const char *users_group(uint32_t gid, char buf[USERS_NAME]);

/* Whether the group's list has the user: at the next login, if not in this one. */
bool users_member(const char *group, const char *user);

#endif
