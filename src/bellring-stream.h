/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bellring-stream.h - byte streams between two peers; by <bellring.h>
 *
 * Like a socket: bytes in order both ways, half close, end of file, reset. Any
 * number at once between two peers, each with its own flow control: one whose
 * reader is slow does not stop the others, nor messages. They share a ring with
 * messages, so messages that nobody receives stop them once they fill it.
 *
 * Bytes that were not read yet lie in private memory, at most 1 MiB a stream.
 *
 * While a call waits, callbacks of bell_on_interrupt() and bell_on_peer() may be
 * called: they must not end the stream or listener that it waits for.
 */
#ifndef BELLRING_STREAM_H
#define BELLRING_STREAM_H

#include "bellring.h"

#ifdef __cplusplus
extern "C" {
#endif

struct bell_stream;
struct bell_listener;

#define BELL_SERVICE_MAX 63 /* longest name of a service, bytes without the NUL */

/**
 * bell_accept_fn - a peer opened a stream to a service of ours
 * @stream: the callee's from now on: bell_stream_close() frees it
 */
typedef void bell_accept_fn(struct bell_listener *listener,
			    struct bell_stream *stream, void *arg);

/**
 * bell_listen - offer a service to which peers can open streams
 * @service: 1 to BELL_SERVICE_MAX printable ASCII bytes without spaces; copied
 * @fn:      called from dispatch for each new stream; NULL: they are kept (up
 *           to 64, further ones are refused) for bell_accept()
 * @arg:     borrowed, passed on to @fn
 * @out:     gets it; bell_unlisten() or bell_leave() frees it
 *
 * As with sockets the other side's open succeeds before the program takes the
 * stream, and it may have written, ended it and left by then. One peer can have
 * 4096 streams open to us; further ones are refused.
 *
 * Returns 0, or -BELL_EINVAL (the name), -BELL_EEXIST (offered already),
 * -BELL_ENOMEM.
 */
BELL_API int bell_listen(struct bell_bus *bus, const char *service,
			 bell_accept_fn *fn, void *arg,
			 struct bell_listener **out);

/** bell_unlisten - stop offering; resets what was not taken; NULL is fine */
BELL_API void bell_unlisten(struct bell_listener *listener);

/**
 * bell_accept - take the next stream that was opened to a service
 * @timeout_ms: -1 for ever, 0 only looks (-BELL_EAGAIN: the next one makes
 *              bell_handle() readable)
 * @out:        gets it; bell_stream_close() frees it
 *
 * Returns 0, or -BELL_EAGAIN, -BELL_EBUSY (called from a callback with a
 * timeout other than 0), -BELL_ERESET, -BELL_EINTR, -BELL_EGONE, -BELL_EIO.
 */
BELL_API int bell_accept(struct bell_listener *listener, int timeout_ms,
			 struct bell_stream **out);

/**
 * bell_stream_open - open a stream to a service of another peer
 * @to:         peer id
 * @service:    as bell_listen()
 * @timeout_ms: how long to wait for the other side's answer; 0: not at all, the
 *              stream becomes writable, or fails, when the answer comes
 * @out:        gets it; bell_stream_close() frees it
 *
 * Returns 0, or
 *   -BELL_ENOSERVICE the peer does not offer it, or has too many waiting
 *   -BELL_EAGAIN     no answer in time, or the peer has not read 1 MiB of such
 *                    news; nothing was opened
 *   -BELL_EPIPE      the other side broke it off instead of an answer
 *   -BELL_EINVAL     the name
 *   -BELL_ENOPEER, -BELL_ENOSPC, -BELL_ENOMEM and as bell_send()
 */
BELL_API int bell_stream_open(struct bell_bus *bus, uint32_t to,
			      const char *service, int timeout_ms,
			      struct bell_stream **out);

/**
 * bell_stream_write - give bytes to the stream
 * @timeout_ms: how long to wait until at least one is taken
 *
 * Returns how many were taken, 1 to @len (0 if @len is 0), or
 *   -BELL_EAGAIN   none in time; BELL_STREAM_WRITABLE tells when to try again
 *   -BELL_EPIPE    the other side reset the stream, or closed it
 *   -BELL_EINVAL   bell_stream_shutdown() was called before, or NULL
 *   -BELL_ENOSERVICE as bell_stream_open(), told late
 *   -BELL_EBUSY    a bell_reserve() to this peer is not committed
 *   -BELL_ENOPEER, -BELL_ERESET the peer or the memory is gone
 *   -BELL_ECORRUPT the peer broke the rules, or a link to or from it is broken:
 *                  its streams are over
 *   -BELL_ENOSPC   all links of the memory are in use; try again
 *   -BELL_EINTR, -BELL_EGONE, -BELL_EIO, -BELL_ENOMEM
 */
BELL_API int64_t bell_stream_write(struct bell_stream *stream, const void *data,
				   size_t len, int timeout_ms);

/**
 * bell_stream_read - take bytes from the stream
 * @timeout_ms: how long to wait until at least one is there
 *
 * Returns how many were put into @buf, 1 to @size; 0: end of file, the other
 * side shut its half down or closed, and all that it wrote was read; or
 *   -BELL_EAGAIN   nothing in time; what comes makes bell_handle() readable
 *   -BELL_EINVAL   no room: @size is 0
 *   -BELL_EPIPE, -BELL_ENOPEER, ... as bell_stream_write(), once all that had
 *                  come before was read
 */
BELL_API int64_t bell_stream_read(struct bell_stream *stream, void *buf,
				  size_t size, int timeout_ms);

/** bell_stream_readable - bytes that can be read now without waiting */
BELL_API size_t bell_stream_readable(const struct bell_stream *stream);

/**
 * bell_stream_shutdown - write no more: the other side reads an end of file
 *
 * Reading goes on. All that was written before arrives first.
 * Never waits: without space in the ring the end goes as soon as there is some,
 * in a later call.
 * Returns 0 (also if it was shut down before), or what bell_stream_write() would
 * fail with.
 */
BELL_API int bell_stream_shutdown(struct bell_stream *stream);

/**
 * bell_stream_close - end the stream both ways and free it; NULL is fine
 *
 * What was written still arrives, then an end of file. If the other side has not
 * ended its half, or not all of it was read, its next write finds the stream
 * reset. Never waits, as bell_stream_shutdown(); bell_leave() waits for up to a
 * second until what is left of it has found space. Who has to know that all was
 * read shuts down and reads until end of file first.
 */
BELL_API void bell_stream_close(struct bell_stream *stream);

/**
 * bell_stream_reset - break the stream off and free it; NULL is fine
 *
 * The other side reads what came before, then -BELL_EPIPE and not an end of
 * file, unless bell_stream_shutdown() had been called.
 */
BELL_API void bell_stream_reset(struct bell_stream *stream);

/* What has become possible; bits, more than one in a call. */
#define BELL_STREAM_OPENED 1u   /* the other side accepted; told once */
#define BELL_STREAM_READABLE 2u /* bytes, or an end of file, to read */
#define BELL_STREAM_WRITABLE 4u /* after a write returned -BELL_EAGAIN */
#define BELL_STREAM_ENDED 8u    /* reset or peer gone: reads and writes tell why */

typedef void bell_stream_fn(struct bell_stream *stream, unsigned events,
			    void *arg);

/**
 * bell_on_stream - register a callback for what happens to a stream
 * @fn:  called from dispatch; NULL removes it. It may close the stream.
 * @arg: borrowed, passed on to @fn
 *
 * What is the case already (bytes to read, an end) is told at the first dispatch
 * after this call. BELL_STREAM_READABLE comes again at the next dispatch after
 * new bytes came; read until -BELL_EAGAIN, or it is told only when more comes.
 * BELL_STREAM_OPENED is for who opened it with a timeout of 0.
 */
BELL_API void bell_on_stream(struct bell_stream *stream, bell_stream_fn *fn,
			     void *arg);

/** bell_stream_peer - id of the other side */
BELL_API uint32_t bell_stream_peer(const struct bell_stream *stream);

/** bell_stream_service - its service's name; valid until it is closed */
BELL_API const char *bell_stream_service(const struct bell_stream *stream);

#ifdef __cplusplus
}
#endif

#endif
