/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * number.h - which process of several that share a file this one is
 *
 * A number is held by a lock on the byte of that offset, which may lie behind
 * the file's end; nothing is written there. A lock of the open file description
 * (fcntl(2), F_OFD_SETLK) goes with the last reference to it, however the
 * process ends, and two opens in one process are two holders.
 */
#ifndef BELL_NUMBER_H
#define BELL_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Takes the lowest free number of first..last; fd must be open for writing, and
 * holds it until its last copy is closed and its last mapping is gone.
 *   -BELL_EBUSY  all are taken
 *   -BELL_EUNSUP this file cannot be locked
 * what: the object of the detail.
 */
int number_take(int fd, uint32_t first, uint32_t last, const char *what,
		uint32_t *out);

/* Another open file holds that number; true, too, if it cannot be told. */
bool number_is_taken(int fd, uint32_t number);

#endif
