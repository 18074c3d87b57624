/* SPDX-License-Identifier: BSD-2-Clause */
#include "hello.h"

#include <string.h>

#define VERSION 1

static size_t text_len(const struct hello *h)
{
	return (size_t)h->buf[2] | (size_t)h->buf[3] << 8;
}

void hello_set(struct hello *h, unsigned char code, const char *text)
{
	size_t len = strlen(text);

	if (len > HELLO_TEXT)
		len = HELLO_TEXT;
	h->at = 0;
	h->buf[0] = VERSION;
	h->buf[1] = code;
	h->buf[2] = (unsigned char)(len & 0xff);
	h->buf[3] = (unsigned char)(len >> 8);
	memcpy(h->buf + HELLO_HEAD, text, len);
	h->buf[HELLO_HEAD + len] = '\0';
}

void hello_clear(struct hello *h)
{
	memset(h, 0, sizeof(*h));
}

unsigned char hello_code(const struct hello *h)
{
	return h->buf[1];
}

const char *hello_text(const struct hello *h)
{
	return (const char *)h->buf + HELLO_HEAD;
}

int hello_send(struct hello *h, struct bell_stream *stream)
{
	size_t len = HELLO_HEAD + text_len(h);
	int64_t n;

	while (h->at < len) {
		n = bell_stream_write(stream, h->buf + h->at, len - h->at, 0);
		if (n == -BELL_EAGAIN)
			return 0;
		if (n < 0)
			return (int)n;
		h->at += (size_t)n;
	}
	return 1;
}

/* Up to len bytes in all, and none of what comes behind. */
static int fill(struct hello *h, struct bell_stream *stream, size_t len)
{
	int64_t n;

	while (h->at < len) {
		n = bell_stream_read(stream, h->buf + h->at, len - h->at, 0);
		if (n == -BELL_EAGAIN)
			return 0;
		if (n <= 0)
			return n < 0 ? (int)n : -BELL_EPIPE;
		h->at += (size_t)n;
	}
	return 1;
}

int hello_receive(struct hello *h, struct bell_stream *stream)
{
	int rc = fill(h, stream, HELLO_HEAD);
	size_t len, i;

	if (rc != 1)
		return rc;
	len = text_len(h);
	if (h->buf[0] != VERSION || len > HELLO_TEXT)
		return -BELL_EPROTO;
	rc = fill(h, stream, HELLO_HEAD + len);
	if (rc != 1)
		return rc;
	for (i = HELLO_HEAD; i < HELLO_HEAD + len; i++)
		if (h->buf[i] < ' ' || h->buf[i] == 0x7f)
			h->buf[i] = '?';
	h->buf[HELLO_HEAD + len] = '\0';
	return 1;
}
