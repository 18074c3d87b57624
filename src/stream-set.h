/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stream-set.h - what the files of the streams share
 *
 *   stream.c        what a program does with a stream
 *   stream-listen.c services, and streams that others open to them
 *   stream-frame.c  frames that came
 *   stream-send.c   frames that go: control now or once there is space, data
 *   stream-set.c    all streams of a bus; callbacks, review, the end
 *   stream-buffer.c bytes that were not read yet
 *
 * A frame may be seen inside any call that waits: it changes what is here, and
 * notes which callbacks are due. A stream that the program holds is freed by the
 * program only; others by stream_settle(), when nothing is left to be sent.
 */
#ifndef BELL_STREAM_SET_H
#define BELL_STREAM_SET_H

#include "stream-buffer.h"
#include "stream-wire.h"
#include "stream.h"

#define STREAMS_OF_PEER 4096u /* that one peer may have opened to us */
#define STREAM_BACKLOG 64u    /* that wait for bell_accept() */

/* What is still to be sent, in this order; bits of bell_stream.owed. */
#define OWED_ACCEPT 1u
#define OWED_CREDIT 2u
#define OWED_FIN 4u
#define OWED_RESET 8u
#define OWED_SPACE 16u /* nothing: a write found the ring full */

/* In a list of streams; both NULL: in none. */
struct stream_node {
	struct stream_node *prev, *next;
};

struct bell_stream {
	struct bell_bus *bus;
	struct bus_remote remote;
	uint32_t number; /* the opener's */
	bool ours;       /* we are the opener */
	bool held;       /* the program has it, or it waits in a backlog */
	bool open;       /* accepted */
	bool shut;       /* we write no more; the FIN is sent or to be sent */
	bool fin;        /* the other side writes no more */
	bool told_open;  /* BELL_STREAM_OPENED was told, or need not be */
	bool want_write; /* a write returned -BELL_EAGAIN */
	int write_error; /* why writes fail: a positive BELL_E... code, or 0 */
	int read_error;  /* the same for reads, once in is empty and not fin */

	uint64_t sent;     /* bytes */
	uint64_t limit;    /* that sent may reach */
	uint64_t received; /* bytes */
	uint64_t granted;  /* that received may reach */
	uint32_t window;   /* bytes that may wait to be read */
	struct stream_buffer in;
	unsigned char *sink; /* of a read that waits, with in empty */
	size_t sink_room, sink_got;

	unsigned owed;
	enum stream_reset reset; /* of OWED_RESET */
	unsigned events;         /* due to be told */
	bell_stream_fn *fn;
	void *arg;
	struct stream_node owed_node, due_node;
	struct bell_listener *listener; /* in whose backlog it waits */
	struct bell_stream *backlog_next;
	struct bell_stream *next; /* in its bucket */
	char service[BELL_SERVICE_MAX + 1];
};

struct bell_listener {
	struct bell_bus *bus;
	bell_accept_fn *fn;
	void *arg;
	struct bell_stream *first, **end; /* backlog, oldest first */
	uint32_t count;
	struct bell_listener *next;
	char service[BELL_SERVICE_MAX + 1];
};

struct stream_set {
	struct bell_stream **buckets;
	uint32_t bucket_count; /* a power of two */
	uint32_t count;
	uint32_t next_number;
	uint32_t *of_slot; /* streams that each slot's peers opened to us */
	struct bell_listener *listeners;
	struct stream_node owed, due; /* heads */
	uint32_t due_count;
};

/* ---- stream-set.c ---- */

/* The bus's, made if need be; NULL: out of memory. */
struct stream_set *stream_set_need(struct bell_bus *bus);
/* Streams that the peer in that slot opened to us. */
uint32_t *stream_count_of(const struct bell_bus *bus, const struct bus_remote *r);
/* A number that no stream of ours to that peer has. */
uint32_t stream_next_number(struct bell_bus *bus, const struct bus_remote *r);
struct bell_stream *stream_find(const struct bell_bus *bus,
				const struct bus_remote *r, uint32_t number,
				bool ours);
/* A held one, not open. NULL: out of memory. */
struct bell_stream *stream_new(struct bell_bus *bus, const struct bus_remote *r,
			       uint32_t number, bool ours, const char *service);
/* Frees it if nobody holds it and nothing is left to be sent. */
void stream_settle(struct bell_stream *s);
/* Frees it in any case, with what it has in lists. */
void stream_free(struct bell_stream *s);
/* Puts it into the list, or takes it out of it, whether it is there or not. */
void stream_owe(struct bell_stream *s, unsigned owed);
void stream_paid(struct bell_stream *s);
/* These are to be told at the next dispatch, if somebody listens. */
void stream_due(struct bell_stream *s, unsigned events);

/* ---- stream.c ---- */

/*
 * As bus_idle(), for who may be called with a deadline of 0: -BELL_EAGAIN then
 * leaves the bus armed, or whoever called back does.
 */
int stream_idle(struct bell_bus *bus, const struct bus_remote *space_to,
		uint32_t len, uint64_t deadline);

/* ---- stream-send.c ---- */

/* Sends what is in owed, as far as possible; ends the stream if it can't be. */
void stream_push(struct bell_stream *s);
/* Adds to owed and pushes. */
void stream_send(struct bell_stream *s, unsigned owed);
/* Bytes that the next DATA may have, of len: 0 without credit. */
uint32_t stream_piece(const struct bell_stream *s, size_t len);
/* Sends so many bytes now: 0, -BELL_EAGAIN, -BELL_EBUSY, or why it failed. */
int stream_send_data(struct bell_stream *s, const void *data, uint32_t len);
/* BELL_STREAM_WRITABLE is to be told once there is credit and space. */
void stream_want_write(struct bell_stream *s);
/* The frame that opens it; as frame_send(). */
int stream_send_open(struct bell_stream *s);
/* A reset for a stream that we do not have; kept if there is no space, or not. */
void stream_refuse(struct bell_bus *bus, const struct bus_remote *to,
		   const struct stream_head *head, enum stream_reset code, bool keep);
/* Gives credit for what was read, if it has become worth a frame. */
void stream_grant(struct bell_stream *s);
/* How many bytes a stream's reader may leave unread. */
uint32_t stream_window(const struct bell_bus *bus, uint32_t others);

/* ---- stream-frame.c ---- */

/* Nothing comes any more, and nothing can be written. */
bool stream_is_over(const struct bell_stream *s);
/* It is over, for that reason; what came before can still be read. */
void stream_end(struct bell_stream *s, int code);
/* The same, and the other side is to be told. False: it was over before. */
bool stream_break(struct bell_stream *s, int code);

/* ---- stream-listen.c ---- */

/* 0, or -BELL_EINVAL. */
int stream_check_service(const char *service, size_t len);
void stream_take_open(struct bell_bus *bus, const struct bus_remote *from,
		      const struct stream_head *head, const struct ring_record *rec);
/* Takes it out of the backlog that it waits in; it stays held. */
void stream_backlog_remove(struct bell_stream *s);
/* Calls the callbacks of listeners; how many. */
int stream_tell_accepts(struct bell_bus *bus);
void stream_free_listeners(struct bell_bus *bus);

#endif
