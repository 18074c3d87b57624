/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * address.h - what follows the colon of an address: WHERE or WHERE,id=N
 */
#ifndef BELL_ADDRESS_H
#define BELL_ADDRESS_H

#include <limits.h>
#include <stdint.h>

#define ADDRESS_NO_ID -1

struct address {
	char where[PATH_MAX];
	int32_t id; /* 0..65535, or ADDRESS_NO_ID */
};

/*
 * Takes it apart; where may be "". 0, or -BELL_EINVAL with a detail (too long;
 * an id that is none). Pure.
 */
int address_parse(const char *rest, struct address *out);

/* -BELL_EINVAL if an id was given: here the device or server gives it. */
int address_without_id(const struct address *a);

#endif
