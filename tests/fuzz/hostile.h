/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hostile.h - what the fuzz targets share: fenced memory, a port, a clock
 *
 * A target is a function of its input alone: time is counted here, not read
 * (hostile.c stands in for os-linux/os.c), and nothing ever sleeps.
 */
#ifndef BELL_HOSTILE_H
#define BELL_HOSTILE_H

#include "peer.h"

#include <stddef.h>
#include <stdint.h>

/* The input, taken from its front; 0 once it is used up. */
struct input {
	const uint8_t *data;
	size_t size;
};

uint8_t input_u8(struct input *in);
uint64_t input_u64(struct input *in);
/* Copies what there is, up to size bytes; returns how many. */
size_t input_bytes(struct input *in, void *to, size_t size);

/* The condition holds whatever the input is; else says so, and aborts. */
#define always(condition)                                                      \
	((condition) ? (void)0 : always_failed(#condition, __FILE__, __LINE__))
void always_failed(const char *condition, const char *file, int line);

/*
 * Memory of size bytes (a multiple of the page) between two pages that fault.
 * Made once a size and kept; given all zero.
 */
void *fenced_memory(size_t size);

#define HOSTILE_PEERS 4
#define HOSTILE_VECTORS 4

/* Opens peer id on that memory; bell_close() ends it. Rings reach each other. */
struct bell_peer *hostile_open(void *memory, size_t size, uint32_t id);

/* libFuzzer's entry point. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
