/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stream-buffer.h - bytes that came and were not read yet, in private memory
 *
 * Grows as bytes come and is given back when it is empty, so that an idle stream
 * costs nothing. Its user bounds it: by the window that was granted.
 */
#ifndef BELL_STREAM_BUFFER_H
#define BELL_STREAM_BUFFER_H

#include "ring.h"

/* All zero is an empty one. */
struct stream_buffer {
	unsigned char *data;
	size_t room; /* a power of two, or 0 */
	size_t at;   /* of the oldest byte */
	size_t len;
};

/* Adds len bytes of rec, from byte at. 0, or -BELL_ENOMEM and nothing is added. */
int stream_buffer_put(struct stream_buffer *b, const struct ring_record *rec,
		      uint32_t at, uint32_t len);
/* Takes at most size bytes, the oldest first; how many. */
size_t stream_buffer_take(struct stream_buffer *b, void *buf, size_t size);
/* Empties it and frees its memory. */
void stream_buffer_drop(struct stream_buffer *b);

#endif
