/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bellring.h - interrupt-driven messages between QEMU machines and their host
 *
 * Two layers, each usable alone:
 *
 *   peer   an opened ivshmem device or server socket: raw memory, the doorbell,
 *          interrupts by vector, one pollable handle.
 *   bus    on top of a peer: named peers, messages, flow control.
 *
 * Threads: a peer and the bus on it belong to one thread at a time. Only
 * bell_ring() may be called from any thread. Different peers are independent.
 *
 * Errors: a function that returns int or int64_t returns a negative
 * -BELL_E... code on failure; bell_strerror() gives its text, bell_detail()
 * what exactly failed and what to do about it. Outputs change only on success.
 */
#ifndef BELLRING_H
#define BELLRING_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifndef BELL_API
#if defined(__GNUC__) && !defined(_WIN32)
#define BELL_API __attribute__((visibility("default")))
#else
#define BELL_API
#endif
#endif

/* What an event loop waits for: a file descriptor, or a HANDLE on Windows. */
#ifdef _WIN32
typedef void *bell_handle_t;
#else
typedef int bell_handle_t;
#endif

struct bell_peer;
struct bell_bus;

#define BELL_NAME_MAX 63    /* longest name of a peer, bytes, without the NUL */
#define BELL_VECTOR_MAX 255 /* highest vector a doorbell can name */

/* ---- errors ------------------------------------------------------------ */

/* X(name, number, text): the numbers are part of the ABI. */
#define BELL_ERRORS(X)                                                         \
	X(EAGAIN, 1, "nothing came in time")                                   \
	X(ENOPEER, 2, "peer not present")                                      \
	X(ECORRUPT, 3, "peer broke the shared layout")                         \
	X(EMSGSIZE, 4, "message too large")                                    \
	X(EINVAL, 5, "invalid argument")                                       \
	X(ENOMEM, 6, "out of memory")                                          \
	X(EPERM, 7, "permission denied")                                       \
	X(ENODEV, 8, "no such device or server")                               \
	X(EVERSION, 9, "unsupported version")                                  \
	X(EPROTO, 10, "server broke the protocol")                             \
	X(ELAYOUT, 11, "shared memory has another layout")                     \
	X(ERESET, 12, "shared memory was formatted anew")                      \
	X(ENOSPC, 13, "no room in the shared memory")                          \
	X(EEXIST, 14, "already exists")                                        \
	X(EUNSUP, 15, "not supported here")                                    \
	X(EIO, 16, "operating system error")                                   \
	X(EBUSY, 17, "in use")                                                 \
	X(ENOTUNIQ, 18, "ambiguous")                                           \
	X(EGONE, 19, "server or device went away")                             \
	X(EINTR, 20, "interrupted by a signal")

#define BELL_ERROR_ENUM(name, number, text) BELL_##name = number,
enum bell_error { BELL_ERRORS(BELL_ERROR_ENUM) };
#undef BELL_ERROR_ENUM

/**
 * bell_strerror - text of an error code
 * @code: a code, negative or positive; 0 is "success"
 *
 * Never NULL; unknown codes have a text too. The text is static.
 */
BELL_API const char *bell_strerror(int code);

/**
 * bell_detail - what the last failed call of this thread ran into
 *
 * Names the object, the action, the cause and where possible the remedy;
 * "" if the failure had nothing to add to bell_strerror(). Valid until the
 * next call of the library in this thread. Threads: per thread.
 */
BELL_API const char *bell_detail(void);

/* ---- peer: memory, doorbell, interrupts ---------------------------------- */

/**
 * bell_open - open a peer by address
 * @address: "unix:PATH" (ivshmem server on this host), "pci:" or
 *           "pci:0000:00:03.0" (the device in this guest); NULL takes
 *           $BELLRING_ADDRESS
 * @timeout_ms: bound on a server's greeting; -1 takes the default (5000)
 * @out:     gets the peer; bell_close() frees it
 *
 * Returns 0, or
 *   -BELL_EINVAL   not an address; the detail lists the forms
 *   -BELL_ENODEV   no server listens, no such device
 *   -BELL_EPERM    the socket or device may not be opened
 *   -BELL_EVERSION the server speaks another protocol version
 *   -BELL_EPROTO   the server's greeting is malformed or was cut short
 *   -BELL_EAGAIN   the greeting was not complete in time
 *   -BELL_ENOTUNIQ "pci:" fits several devices; the detail lists them
 *   -BELL_EBUSY    another driver or program holds the device
 *   -BELL_EUNSUP   no port on this system can use the device (the detail
 *                  says for each why not)
 *   -BELL_ENOMEM, -BELL_EIO
 */
BELL_API int bell_open(const char *address, int timeout_ms,
		       struct bell_peer **out);

/**
 * bell_close - close a peer and unmap its memory; NULL is fine
 *
 * A bus on it must have been left before.
 */
BELL_API void bell_close(struct bell_peer *peer);

/** bell_id - own peer id, 0..65535 */
BELL_API uint32_t bell_id(const struct bell_peer *peer);

/** bell_vectors - number of vectors on which this peer can be interrupted */
BELL_API unsigned bell_vectors(const struct bell_peer *peer);

/** bell_port_name - which port serves this peer: "unix", "vfio", ...; static */
BELL_API const char *bell_port_name(const struct bell_peer *peer);

/**
 * bell_memory - the shared memory
 * @size: gets its size in bytes; may be NULL
 *
 * Stays mapped until bell_close(). Other peers write it at any time. Where a
 * bus is in use its part (bell_bus_size()) is not the caller's to write.
 */
BELL_API void *bell_memory(const struct bell_peer *peer, size_t *size);

/**
 * bell_bus_size - bytes at the start of the memory that a bus occupies
 *
 * Returns 0 if the memory is not formatted for a bus. What lies behind is raw
 * memory for the user.
 */
BELL_API uint64_t bell_bus_size(const struct bell_peer *peer);

/**
 * bell_ring - interrupt a peer
 * @id:     peer id, 0..65535
 * @vector: 0..BELL_VECTOR_MAX
 *
 * Orders all earlier stores to the shared memory first. Never blocks.
 * Interrupts coalesce: one tells the receiver to look, it is never a count.
 * Threads: any, also while another thread waits on @peer.
 *
 * Returns 0, or
 *   -BELL_EINVAL  id or vector out of range
 *   -BELL_ENOPEER no such peer or vector; only the host can tell (in a guest
 *                 the device ignores it), and rings one that joins soon after
 *   -BELL_EIO
 */
BELL_API int bell_ring(struct bell_peer *peer, uint32_t id, unsigned vector);

/** Called from bell_dispatch() and everything that waits. */
typedef void bell_interrupt_fn(struct bell_peer *peer, unsigned vector,
			       void *arg);

/**
 * bell_on_interrupt - register a callback for a vector
 * @vector: one of 0..bell_vectors() - 1
 * @fn:     called once for any number of interrupts since; NULL removes it
 * @arg:    borrowed, passed on to @fn
 *
 * A bus uses vector 0; a callback on it sees the bus's doorbells too.
 * Interrupts that came before are kept until the next dispatch.
 * The callback may call everything except bell_close() and bell_leave().
 *
 * Returns 0, or
 *   -BELL_EINVAL no such vector
 *   -BELL_EUNSUP the peer has no interrupts at all
 */
BELL_API int bell_on_interrupt(struct bell_peer *peer, unsigned vector,
			       bell_interrupt_fn *fn, void *arg);

enum bell_peer_event {
	BELL_PEER_JOINED = 1, /* connected; its vectors may still be arriving */
	BELL_PEER_LEFT = 2,
	BELL_SERVER_LOST = 3 /* id is 0; known peers still ring each other */
};

typedef void bell_peer_fn(struct bell_peer *peer, uint32_t id,
			  enum bell_peer_event event, void *arg);

/**
 * bell_on_peer - register a callback for peers that come and go
 * @fn:  called from dispatch; NULL removes it
 * @arg: borrowed, passed on to @fn
 *
 * Tells what the server says; peers that were there before are not told again
 * (bell_peers() lists them).
 *
 * Returns 0, or
 *   -BELL_EUNSUP in guests: the device does not pass this on
 */
BELL_API int bell_on_peer(struct bell_peer *peer, bell_peer_fn *fn, void *arg);

/**
 * bell_handle - the one handle to watch in an event loop
 *
 * Readable (signalled, on Windows) after any interrupt or news from the server;
 * then call bell_dispatch(). Belongs to the peer: do not read or close it.
 */
BELL_API bell_handle_t bell_handle(const struct bell_peer *peer);

/**
 * bell_dispatch - call the callbacks for all that has happened; never blocks
 *
 * With a bus on this peer it also delivers messages to bell_on_message() and
 * leaves the bus armed: the next message makes the handle readable.
 * Without a message callback, follow it by bell_recv(..., 0) until
 * -BELL_EAGAIN, which arms the bus.
 *
 * Returns the number of events handled, or
 *   -BELL_ERESET   the bus's memory was formatted anew: leave and join again
 *   -BELL_ECORRUPT a peer broke a link; the link was closed, others go on
 *   -BELL_EGONE    the device was removed
 *   -BELL_EBUSY    called from a message callback
 *   -BELL_EIO
 */
BELL_API int bell_dispatch(struct bell_peer *peer);

/**
 * bell_wait - wait for an event, then dispatch
 * @timeout_ms: -1 waits for ever, 0 only looks
 *
 * Returns like bell_dispatch(), or
 *   -BELL_EAGAIN nothing came in time
 *   -BELL_EINTR  a signal handler ran while it slept
 */
BELL_API int bell_wait(struct bell_peer *peer, int timeout_ms);

/**
 * bell_bind - give this guest's device to the driver that a port needs
 * @address: "pci:" or "pci:0000:00:03.0"
 * @say:     called with one line of text (no newline) for each step done
 * @arg:     borrowed, passed on to @say
 *
 * On Linux: loads vfio-pci and binds the device to it. Needs root. Doing it
 * again is harmless.
 *
 * Returns 0, or
 *   -BELL_EINVAL, -BELL_ENODEV, -BELL_ENOTUNIQ as bell_open()
 *   -BELL_EPERM   not root
 *   -BELL_EUNSUP  no IOMMU, no such module, or not a system where this is needed;
 *                 the detail names the remedy
 *   -BELL_EBUSY   another driver does not let go of it
 *   -BELL_EIO
 */
BELL_API int bell_bind(const char *address,
		       void (*say)(void *arg, const char *line), void *arg);

/* ---- the directory --------------------------------------------------------- */

enum bell_kind {
	BELL_KIND_UNKNOWN = 0,
	BELL_KIND_HOST = 1,
	BELL_KIND_LINUX = 2,
	BELL_KIND_WINDOWS = 3
};

enum bell_state {
	BELL_STATE_RAW = 0,     /* connected, not on the bus */
	BELL_STATE_JOINING = 1, /* or died while joining */
	BELL_STATE_LIVE = 2,
	BELL_STATE_DEAD = 3 /* gone without leaving */
};

struct bell_peer_info {
	uint32_t id;
	uint32_t incarnation; /* grows when the same id joins again */
	uint32_t vectors;     /* 0: unknown */
	uint32_t pid;         /* as the peer itself sees it; 0: unknown */
	enum bell_kind kind;
	enum bell_state state;
	char name[BELL_NAME_MAX + 1]; /* printable; "" if it has none */
};

/** bell_kind_name - "host", "linux", "windows", "unknown"; static */
BELL_API const char *bell_kind_name(enum bell_kind kind);

/** bell_state_name - "raw", "joining", "live", "dead"; static */
BELL_API const char *bell_state_name(enum bell_state state);

/**
 * bell_peers - list the peers of this memory
 * @list: gets up to @max entries, sorted by id
 * @max:  room in @list, entries
 *
 * What the directory in the memory says and, on the host, what the server says
 * beyond it. Needs no bus of one's own.
 *
 * Returns the number of peers there are (it may exceed @max), or
 *   -BELL_ELAYOUT, -BELL_EVERSION the memory is not, or not yet, a bus of ours
 *                 and the port knows no peers either
 */
BELL_API int bell_peers(struct bell_peer *peer, struct bell_peer_info *list,
			size_t max);

/**
 * bell_find - id of a peer by id or name
 * @name: a decimal id, or the name of a live peer
 * @id:   gets the id
 *
 * Returns 0, or
 *   -BELL_ENOPEER  nobody has it
 *   -BELL_ENOTUNIQ several live peers have that name; the detail lists them
 */
BELL_API int bell_find(struct bell_peer *peer, const char *name, uint32_t *id);

/* ---- bus: messages ---------------------------------------------------------- */

/** How a receiver, or a sender that wants space, waits. */
enum bell_wait_mode {
	BELL_INTERRUPT = 0, /* sleep at once */
	BELL_POLL = 1,      /* never sleep: burns a core, rings no doorbell */
	BELL_ADAPTIVE = 2   /* spin only as long as it has paid lately */
};

struct bell_bus_config {
	const char *name; /* borrowed during the call; NULL: HOST-PID */
	enum bell_wait_mode wait;
	uint32_t flags; /* BELL_FORMAT or 0 */
};

/* bell_join(): format the memory even if it holds something else. */
#define BELL_FORMAT 1u

/**
 * bell_join - enter the directory and become reachable for messages
 * @peer: borrowed until bell_leave(); one bus a peer
 * @cfg:  borrowed during the call; NULL: default name, BELL_INTERRUPT
 * @out:  gets the bus
 *
 * Formats the memory if it is all zero, as under a server that does not.
 * An id that is in the directory already is taken over: its earlier
 * incarnation is dead.
 *
 * Returns 0, or
 *   -BELL_ELAYOUT  the memory holds something else, or is too small
 *   -BELL_EVERSION it holds a bus of another major version
 *   -BELL_ENOSPC   the directory is full
 *   -BELL_EINVAL   the name is too long, empty, or not printable
 *   -BELL_EEXIST   another live peer has that name
 *   -BELL_EBUSY    this peer has a bus already, or others keep formatting
 *   -BELL_ENOMEM
 */
BELL_API int bell_join(struct bell_peer *peer, const struct bell_bus_config *cfg,
		       struct bell_bus **out);

/**
 * bell_leave - leave the directory and free the bus; NULL is fine
 *
 * What was sent before is still delivered. Messages not yet received are lost.
 */
BELL_API void bell_leave(struct bell_bus *bus);

/** bell_bus_name - own name on the bus; valid until bell_leave() */
BELL_API const char *bell_bus_name(const struct bell_bus *bus);

/** bell_set_wait - change how this bus waits, from now on */
BELL_API void bell_set_wait(struct bell_bus *bus, enum bell_wait_mode mode);

/** bell_max_message - largest message, bytes, that bell_send() takes */
BELL_API size_t bell_max_message(const struct bell_bus *bus);

/* bell_envelope.flags: this message goes on in the next one of the sender. */
#define BELL_MORE 1u

/** What a message carries besides its bytes. */
struct bell_envelope {
	uint32_t peer;        /* to whom, or from whom */
	uint32_t incarnation; /* of the sender; ignored by bell_post() */
	uint16_t tag;         /* the user's; bell_send() sends 0 */
	uint16_t flags;       /* BELL_MORE or 0 */
	uint64_t len;         /* bytes; ignored by bell_post() */
};

/**
 * bell_send - send a message
 * @to:         peer id, as bell_find() gives it
 * @msg:        borrowed during the call; may be NULL if @len is 0
 * @len:        bytes, 0 is a legal message
 * @timeout_ms: how long to wait for space; -1 for ever, 0 not at all
 *
 * Messages of one sender to one receiver arrive in order and whole.
 * 0 means committed: it is delivered even if this peer dies now.
 *
 * Returns 0, or
 *   -BELL_EAGAIN   no space in time; nothing was sent
 *   -BELL_EMSGSIZE more than bell_max_message()
 *   -BELL_ENOPEER  the peer is not there, or left while we waited
 *   -BELL_ENOSPC   all links of the memory are in use
 *   -BELL_ECORRUPT the receiver broke the link, or found it broken; the next
 *                  send starts a new one
 *   -BELL_ERESET   the memory was formatted anew: leave and join again
 *   -BELL_EINTR    a signal handler ran while it slept; nothing was sent
 *   -BELL_EGONE, -BELL_EIO, -BELL_EINVAL
 */
BELL_API int bell_send(struct bell_bus *bus, uint32_t to, const void *msg,
		       size_t len, int timeout_ms);

/**
 * bell_post - bell_send() with a tag and flags
 * @env: peer, tag, flags; borrowed during the call
 *
 * Returns like bell_send(); -BELL_EINVAL also for unknown flags.
 */
BELL_API int bell_post(struct bell_bus *bus, const struct bell_envelope *env,
		       const void *msg, size_t len, int timeout_ms);

/**
 * bell_recv - take the oldest message of the next sender that has one
 * @buf:        gets one whole message
 * @size:       room in @buf, bytes
 * @env:        gets sender, tag, flags, length; may be NULL. Set also with
 *              -BELL_EMSGSIZE (the room needed) and -BELL_ECORRUPT (whose link)
 * @timeout_ms: -1 waits for ever, 0 only looks
 *
 * Senders are served in turn. Callbacks of bell_on_interrupt() and
 * bell_on_peer() may be called while waiting.
 *
 * Returns the message's length in bytes (0 is a legal message), or
 *   -BELL_EAGAIN   nothing came in time; the bus is armed: the next message
 *                  makes bell_handle() readable (not in BELL_POLL mode)
 *   -BELL_EMSGSIZE @buf too small; the message stays queued
 *   -BELL_ECORRUPT a peer broke the layout; its link was closed, go on
 *   -BELL_ERESET   the memory was formatted anew: leave and join again
 *   -BELL_EGONE    the device was removed
 *   -BELL_EINTR    a signal handler ran while it slept
 *   -BELL_EBUSY    called from a message callback
 *   -BELL_EIO, -BELL_ENOMEM
 */
BELL_API int64_t bell_recv(struct bell_bus *bus, void *buf, size_t size,
			   struct bell_envelope *env, int timeout_ms);

/** @data is in the shared memory or a copy; valid during the call only. */
typedef void bell_message_fn(struct bell_bus *bus,
			     const struct bell_envelope *env, const void *data,
			     void *arg);

/**
 * bell_on_message - deliver messages from bell_dispatch()
 * @fn:  NULL removes it; may call everything except bell_recv(), bell_leave(),
 *       bell_dispatch(), bell_wait(), bell_close()
 * @arg: borrowed, passed on to @fn
 *
 * The sender can change @data while @fn looks at it: copy before checking.
 */
BELL_API void bell_on_message(struct bell_bus *bus, bell_message_fn *fn,
			      void *arg);

/**
 * bell_ping - round trip to the library of another peer
 * @to:         peer id
 * @timeout_ms: how long to wait for the answer; -1 for ever
 * @rtt_ns:     gets the time from send to answer; may be NULL
 *
 * The other side answers by itself whenever it dispatches or receives.
 * Messages that come meanwhile stay queued.
 *
 * Returns 0, or -BELL_EAGAIN if no answer came in time, -BELL_EBUSY if called
 * (by a callback) while another ping is under way, or as bell_send().
 */
BELL_API int bell_ping(struct bell_bus *bus, uint32_t to, int timeout_ms,
		       uint64_t *rtt_ns);

/** Counters since bell_join(). */
struct bell_stats {
	uint64_t sent;      /* messages */
	uint64_t received;  /* messages */
	uint64_t doorbells; /* rung by this bus */
	uint64_t sleeps;    /* times this bus went to sleep */
	uint64_t wakes;     /* times it was woken by an interrupt */
};

/** bell_get_stats - copy the counters to @out */
BELL_API void bell_get_stats(const struct bell_bus *bus, struct bell_stats *out);

#ifdef __cplusplus
}
#endif

#endif
