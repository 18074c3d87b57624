/* SPDX-License-Identifier: BSD-2-Clause */
/* Streams: opened, accepted, written, read and ended in all ways. */
#include "worker.h"

#include <string.h>

#define STREAMS 12
#define LISTENERS 3

static struct bell_stream *streams[STREAMS];
static struct bell_listener *listeners[LISTENERS];
static const char *const services[LISTENERS + 1] = { "one", "two", "three", "none" };

#define IN_STREAM                                                              \
	(CODE(EAGAIN) | CODE(EPIPE) | CODE(EINVAL) | CODE(ENOSERVICE) |        \
	 CODE(ENOPEER) | CODE(ECORRUPT) | CODE(ERESET) | CODE(EBUSY) |         \
	 CODE(ENOSPC))

static void on_stream(struct bell_stream *s, unsigned events, void *arg);

/* Takes it, in place of another one if there is no place. */
static void adopt(struct bell_stream *s)
{
	unsigned i = (unsigned)(dice() % STREAMS);

	if (streams[i])
		(void)CALL("bell_stream_reset", 0, 0, (bell_stream_reset(streams[i]), 0));
	streams[i] = s;
	if (dice() % 2)
		bell_on_stream(s, on_stream, NULL);
}

static void end(unsigned i)
{
	struct bell_stream *s = streams[i];

	streams[i] = NULL;
	if (dice() % 2)
		(void)CALL("bell_stream_close", 0, 0, (bell_stream_close(s), 0));
	else
		(void)CALL("bell_stream_reset", 0, 0, (bell_stream_reset(s), 0));
}

static void read_some(struct bell_stream *s, int timeout_ms)
{
	size_t size = 1 + some_size(LARGEST - 1);
	int64_t n = DO("bell_stream_read", timeout_ms, IN_STREAM,
		       bell_stream_read(s, me.in, size, timeout_ms));

	if (n > (int64_t)size)
		judge_wrong("read more than there was room for");
}

static void write_some(struct bell_stream *s, int timeout_ms)
{
	size_t len = some_size(LARGEST);
	int64_t n = DO("bell_stream_write", timeout_ms, IN_STREAM,
		       bell_stream_write(s, me.out, len, timeout_ms));

	if (n > (int64_t)len)
		judge_wrong("wrote more than there was");
}

static void on_stream(struct bell_stream *s, unsigned events, void *arg)
{
	(void)arg;
	touch(bell_stream_service(s), strlen(bell_stream_service(s)));
	if (events & BELL_STREAM_READABLE)
		read_some(s, 0);
	if (events & BELL_STREAM_WRITABLE)
		write_some(s, 0);
	for (unsigned i = 0; i < STREAMS && (events & BELL_STREAM_ENDED); i++)
		if (streams[i] == s)
			end(i);
	work_nested();
}

static void on_accept(struct bell_listener *listener, struct bell_stream *s, void *arg)
{
	(void)listener, (void)arg;
	adopt(s);
	work_nested();
}

static void listen_to(unsigned i)
{
	(void)DO("bell_listen", 0, CODE(EEXIST),
		 bell_listen(me.bus, services[i], dice() % 2 ? on_accept : NULL, NULL,
			     &listeners[i]));
}

static void open_one(void)
{
	struct bell_stream *s = NULL;
	int timeout_ms = some_timeout();
	uint32_t to = some_peer();

	if (DO("bell_stream_open", timeout_ms, SENDING | CODE(ENOSERVICE) | CODE(EPIPE),
	       bell_stream_open(me.bus, to, services[dice() % (LISTENERS + 1)],
				timeout_ms, &s)) == 0)
		adopt(s);
}

static void accept_one(unsigned i)
{
	struct bell_stream *s = NULL;
	int timeout_ms = some_timeout();

	if (DO("bell_accept", timeout_ms, CODE(EAGAIN) | CODE(ERESET),
	       bell_accept(listeners[i], timeout_ms, &s)) == 0)
		adopt(s);
}

static void use(unsigned i)
{
	struct bell_stream *s = streams[i];

	switch (dice() % 16) {
	case 0:
		end(i);
		break;
	case 1:
		(void)DO("bell_stream_shutdown", 0, IN_STREAM, bell_stream_shutdown(s));
		break;
	case 2:
		bell_on_stream(s, dice() % 2 ? on_stream : NULL, NULL);
		break;
	case 3:
	case 4:
	case 5:
	case 6:
	case 7:
	case 8:
		write_some(s, some_timeout());
		break;
	default:
		read_some(s, some_timeout());
		break;
	}
}

void streams_joined(void)
{
	for (unsigned i = 0; i < LISTENERS; i++)
		listen_to(i);
}

void streams_end(void)
{
	for (unsigned i = 0; i < STREAMS; i++)
		if (streams[i])
			end(i);
	for (unsigned i = 0; i < LISTENERS; i++)
		listeners[i] = NULL; /* bell_leave() frees them */
}

void work_streams(void)
{
	unsigned i = (unsigned)(dice() % STREAMS), j = (unsigned)(dice() % LISTENERS);

	if (dice() % 64 == 0) {
		(void)CALL("bell_unlisten", 0, 0, (bell_unlisten(listeners[j]), 0));
		listeners[j] = NULL;
		listen_to(j);
	}
	if (dice() % 8 == 0)
		accept_one(j);
	if (streams[i])
		use(i);
	else
		open_one();
}
