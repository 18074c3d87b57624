/* SPDX-License-Identifier: BSD-2-Clause */
#include "stream-buffer.h"

#include "error.h"

#include <stdlib.h>
#include <string.h>

#define ROOM_MIN 4096u
#define ROOM_KEPT 16384u /* so little stays when it is empty */

static size_t first_part(const struct stream_buffer *b, size_t at, size_t len)
{
	size_t room = b->room - at;

	return len < room ? len : room;
}

static int grow(struct stream_buffer *b, size_t need)
{
	size_t room = ROOM_MIN, first = first_part(b, b->at, b->len);
	unsigned char *data;

	while (room < need)
		room *= 2;
	data = malloc(room);
	if (!data)
		return error_plain(BELL_ENOMEM);
	if (b->len > 0) {
		memcpy(data, b->data + b->at, first);
		memcpy(data + first, b->data, b->len - first);
	}
	free(b->data);
	b->data = data;
	b->room = room;
	b->at = 0;
	return 0;
}

int stream_buffer_put(struct stream_buffer *b, const struct ring_record *rec,
		      uint32_t at, uint32_t len)
{
	size_t end, first;

	if (len == 0)
		return 0;
	if (b->len + len > b->room && grow(b, b->len + len) < 0)
		return -BELL_ENOMEM;
	end = (b->at + b->len) & (b->room - 1);
	first = first_part(b, end, len);
	ring_copy_out(rec, at, b->data + end, (uint32_t)first);
	if (first < len)
		ring_copy_out(rec, at + (uint32_t)first, b->data,
			      len - (uint32_t)first);
	b->len += len;
	return 0;
}

size_t stream_buffer_take(struct stream_buffer *b, void *buf, size_t size)
{
	size_t n = size < b->len ? size : b->len;
	size_t first = first_part(b, b->at, n);

	if (n == 0)
		return 0;
	memcpy(buf, b->data + b->at, first);
	memcpy((unsigned char *)buf + first, b->data, n - first);
	b->at = (b->at + n) & (b->room - 1);
	b->len -= n;
	if (b->len == 0) {
		b->at = 0;
		if (b->room > ROOM_KEPT)
			stream_buffer_drop(b);
	}
	return n;
}

void stream_buffer_drop(struct stream_buffer *b)
{
	free(b->data);
	*b = (struct stream_buffer){ NULL, 0, 0, 0 };
}
