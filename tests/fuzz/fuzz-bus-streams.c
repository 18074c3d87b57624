/* SPDX-License-Identifier: BSD-2-Clause */
/* Streams: opened, accepted, written, read and ended in all ways. */
#include "fuzz-bus.h"

#include <string.h>

#define SERVICE "s"
#define IN_STREAM                                                              \
	(SENDING | CODE(EPIPE) | CODE(EINVAL) | CODE(ENOSERVICE))

static void on_stream(struct bell_stream *s, unsigned events, void *arg);

static void adopt(struct fuzz_peer *p, struct bell_stream *s)
{
	unsigned i = 0;

	while (i < STREAMS && p->streams[i])
		i++;
	if (i == STREAMS)
		bell_stream_reset(s);
	else
		p->streams[i] = s;
}

static void end(struct fuzz_peer *p, unsigned i, bool close)
{
	struct bell_stream *s = p->streams[i];

	p->streams[i] = NULL;
	if (close)
		bell_stream_close(s);
	else
		bell_stream_reset(s);
}

static void read_some(struct bell_stream *s, size_t size, int timeout_ms)
{
	static unsigned char got[SIZE];

	always(WAITS(bell_stream_read(s, got, size, timeout_ms), IN_STREAM) <=
	       (int64_t)size);
}

static void write_some(struct bell_stream *s, size_t len, int timeout_ms)
{
	always(WAITS(bell_stream_write(s, fuzz_bytes, len, timeout_ms), IN_STREAM) <=
	       (int64_t)len);
}

static void on_stream(struct bell_stream *s, unsigned events, void *arg)
{
	struct fuzz_peer *p = arg;

	always(events != 0);
	touch(bell_stream_service(s), strlen(bell_stream_service(s)));
	if (events & BELL_STREAM_READABLE)
		read_some(s, 100, 0);
	if (events & BELL_STREAM_WRITABLE)
		write_some(s, 100, 0);
	for (unsigned i = 0; i < STREAMS && (events & BELL_STREAM_ENDED); i++)
		if (p->streams[i] == s)
			end(p, i, true);
}

static void on_accept(struct bell_listener *listener, struct bell_stream *s, void *arg)
{
	(void)listener;
	adopt(arg, s);
}

static void open_one(struct fuzz_peer *p, struct input *in)
{
	uint32_t to = input_u8(in) % PEERS;
	struct bell_stream *s = NULL;
	int timeout_ms = some_timeout(in);

	if (WAITS(bell_stream_open(p->bus, to, SERVICE, timeout_ms, &s),
		  SENDING | CODE(ENOSERVICE) | CODE(EPIPE)) == 0)
		adopt(p, s);
}

static void flip_listener(struct fuzz_peer *p, struct input *in)
{
	bell_accept_fn *fn = input_u8(in) & 1 ? on_accept : NULL;

	if (p->listener) {
		bell_unlisten(p->listener);
		p->listener = NULL;
	} else {
		(void)may(bell_listen(p->bus, SERVICE, fn, p, &p->listener), 0);
	}
}

static void accept_one(struct fuzz_peer *p, struct input *in)
{
	int timeout_ms = some_timeout(in);
	struct bell_stream *s = NULL;

	if (p->listener && WAITS(bell_accept(p->listener, timeout_ms, &s),
				 CODE(EAGAIN) | CODE(ERESET)) == 0)
		adopt(p, s);
}

static void use(struct fuzz_peer *p, unsigned i, struct input *in)
{
	uint8_t how = input_u8(in);
	struct bell_stream *s = p->streams[i];
	size_t len;

	switch (how % 8) {
	case 0:
	case 1:
		len = some_size(in);
		write_some(s, len, some_timeout(in));
		break;
	case 2:
	case 3:
		len = 1 + some_size(in);
		read_some(s, len, some_timeout(in));
		break;
	case 4:
		(void)may(bell_stream_shutdown(s), IN_STREAM);
		break;
	case 5:
		end(p, i, how & 8);
		break;
	default:
		bell_on_stream(s, how & 8 ? on_stream : NULL, p);
		break;
	}
}

void streams_end(struct fuzz_peer *p)
{
	for (unsigned i = 0; i < STREAMS; i++)
		if (p->streams[i])
			end(p, i, i & 1);
	p->listener = NULL; /* bell_leave() frees it */
}

void step_streams(struct fuzz_peer *p, struct input *in)
{
	uint8_t b = input_u8(in);
	unsigned i = b >> 4 & (STREAMS - 1);

	switch (b % 8) {
	case 0:
		open_one(p, in);
		break;
	case 1:
		flip_listener(p, in);
		break;
	case 2:
		accept_one(p, in);
		break;
	default:
		if (p->streams[i])
			use(p, i, in);
		break;
	}
}
