/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * checksum.h - the checksum that a transfer carries at its end
 *
 * XXH3 with 64 bit over all bytes, what `xxhsum -H3` prints: against what goes
 * wrong between two programs, not against malice. Faster than the copy it rides
 * on, so that it is always there.
 */
#ifndef CLI_CHECKSUM_H
#define CLI_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

struct checksum;

/* Of nothing yet; NULL: out of memory. */
struct checksum *checksum_new(void);
void checksum_free(struct checksum *c);

void checksum_reset(struct checksum *c);
void checksum_add(struct checksum *c, const void *data, size_t len);
uint64_t checksum_value(const struct checksum *c);

/* The value as bell_finish() carries it: 0 is none there, so 0 becomes 1. */
uint64_t checksum_carried(uint64_t value);

#endif
