/* SPDX-License-Identifier: BSD-2-Clause */
#include "checksum.h"

/* All of it from the header: no library for a static or a Windows program. */
#define XXH_INLINE_ALL
#include <stdlib.h>
#include <xxhash.h>

struct checksum {
	XXH3_state_t *state; /* owned; aligned beyond what malloc() promises */
};

struct checksum *checksum_new(void)
{
	struct checksum *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->state = XXH3_createState();
	if (!c->state) {
		checksum_free(c);
		return NULL;
	}
	checksum_reset(c);
	return c;
}

void checksum_free(struct checksum *c)
{
	if (!c)
		return;
	(void)XXH3_freeState(c->state); /* takes NULL, fails never */
	free(c);
}

/* These two fail only on a state that is NULL. */

void checksum_reset(struct checksum *c)
{
	(void)XXH3_64bits_reset(c->state);
}

void checksum_add(struct checksum *c, const void *data, size_t len)
{
	if (len > 0)
		(void)XXH3_64bits_update(c->state, data, len);
}

uint64_t checksum_value(const struct checksum *c)
{
	return XXH3_64bits_digest(c->state);
}

uint64_t checksum_carried(uint64_t value)
{
	return value ? value : 1;
}
