/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * peers-model.h - a model of each client, which knows what it has been told and
 * dies, as QEMU's device does, of a mistake
 */
#ifndef BELL_PEERS_MODEL_H
#define BELL_PEERS_MODEL_H

#include "peers.h"

#include <check.h>
#include <stdbool.h>
#include <stdint.h>

#define MODEL_IDS 65536

/* check writes the place of each of its assertions to a file: slow in a loop. */
#define MUST(condition, ...)                                                   \
	do {                                                                   \
		if (!(condition))                                              \
			ck_abort_msg(__VA_ARGS__);                             \
	} while (0)

/* What one connected client was told. */
struct model {
	bool greeted;
	bool own_vectors;
	unsigned char *known; /* a byte an id: KNOWS_* */
};

#define KNOWS_THERE 1
#define KNOWS_LEFT 2

#define CROWD 12 /* at once */

extern struct model *clients[MODEL_IDS]; /* NULL, or of model_new() */

struct model *model_new(void);
void model_free(uint32_t id);
/* All of it reaches the clients. */
void hear_all(const struct peers_list *list);
/* All who were greeted know exactly who is there; the others nothing. */
void check_all(void);

#endif
