/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bellring.h - interrupt-driven messages between QEMU machines and their host
 *
 * Two layers, each usable alone:
 *
 *   peer   an opened ivshmem device or server socket: raw memory, the doorbell,
 *          interrupts by vector, one pollable handle.
 *   bus    on top of a peer: named peers, messages of any size, streams,
 *          calls, topics. bellring-bus.h, which this header includes, and its
 *          sisters tell of it.
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

/* On Windows nothing: bellring.def names what the DLL exports, and a call needs no import. */
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
#define BELL_REGION_MAX 31  /* longest name of a region, bytes, without the NUL */

/* ---- ids --------------------------------------------------------------- */

/*
 * A peer's id: the number of its device or of its connection to the server in
 * bits 0..15; above that which process of that machine it is, where several can
 * share a device (0 is the first, and the only one elsewhere). People write "3"
 * and "3.1".
 */
#define BELL_ID_DEVICE_MAX 65535u
#define BELL_ID_PROCESS_MAX 255u
#define BELL_ID_MAX 0xffffffu
#define BELL_ID_DEVICE(id) ((uint32_t)(id) & 0xffffu)
#define BELL_ID_PROCESS(id) ((uint32_t)(id) >> 16)
#define BELL_ID_TEXT 12 /* room for the longest text of an id, with its NUL */

/** bell_id_text - writes an id as people do: "3", "3.1"; returns @buf */
BELL_API const char *bell_id_text(uint32_t id, char buf[BELL_ID_TEXT]);

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
	X(EINTR, 20, "interrupted by a signal")                                \
	X(EPIPE, 21, "stream was reset")                                       \
	X(ENOSERVICE, 22, "nobody serves that")                                \
	X(ECANCELED, 23, "cancelled")                                          \
	X(EREMOTE, 24, "the other side reported a failure")

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
 * @address: "unix:PATH" (ivshmem server on this host), "pci:",
 *           "pci:0000:00:03.0" or "pci:NAME" (the device in this guest, the
 *           last by its region's name); NULL takes $BELLRING_ADDRESS
 * @timeout_ms: bound on a server's greeting, and on Windows on a device that has
 *           no memory yet; -1 takes the default (5000)
 * @out:     gets the peer; bell_close() frees it
 *
 * Returns 0, or
 *   -BELL_EINVAL   not an address; the detail lists the forms
 *   -BELL_ENODEV   no server listens, no such device
 *   -BELL_EPERM    the socket or device may not be opened
 *   -BELL_EVERSION the server speaks another protocol version
 *   -BELL_EPROTO   the server's greeting is malformed or was cut short
 *   -BELL_EAGAIN   the greeting was not complete in time, the device not ready
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

/** bell_id - own peer id, 0..BELL_ID_MAX */
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
 * bell_sync - have what was stored in the memory on the disk
 *
 * Of use where the memory is a file on a disk ("file:PATH"): there it waits until
 * all that was stored before would survive a crash of the host. Elsewhere there
 * is nothing to do. Other peers see stores at once, and need no sync.
 *
 * Returns 0, or -BELL_EIO.
 */
BELL_API int bell_sync(struct bell_peer *peer);

/**
 * bell_ring - interrupt a peer
 * @id:     peer id; the doorbell is its device's, whichever process it names
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
 * A bus uses vector 0, in the n-th process of a machine vector n modulo
 * bell_vectors(); a callback on it sees the bus's doorbells too. All processes
 * that listen on a vector are told. Interrupts that came before are kept until
 * the next dispatch, except where several processes share a device.
 * The callback may call everything except bell_close() and bell_leave().
 *
 * Returns 0, or
 *   -BELL_EINVAL no such vector
 *   -BELL_EUNSUP the peer has no interrupts at all
 *   -BELL_EBUSY  on Windows: 16 vectors have had one already
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
 * @port:    "module", "vfio", or NULL for the driver that has it, else the best
 *           that there is
 * @say:     called with one line of text (no newline) for each step done
 * @arg:     borrowed, passed on to @say
 *
 * On Linux: loads ivshmem_doorbell or vfio-pci and binds the device to it. Needs
 * root. Doing it again is harmless.
 *
 * Returns 0, or
 *   -BELL_EINVAL, -BELL_ENODEV, -BELL_ENOTUNIQ as bell_open()
 *   -BELL_EPERM   not root
 *   -BELL_EUNSUP  no IOMMU, no such module, or not a system where this is needed;
 *                 the detail names the remedy
 *   -BELL_EBUSY   another driver does not let go of it
 *   -BELL_EIO
 */
BELL_API int bell_bind(const char *address, const char *port,
		       void (*say)(void *arg, const char *line), void *arg);

/* ---- what there is to open ------------------------------------------------- */

/* One port that serves addresses of a kind. */
struct bell_way {
	char port[16];  /* as bell_port_name() */
	int error;      /* 0: would probably do; else what bell_open() would give */
	char why[512];  /* bell_detail() of that error: the cause and the remedy */
};

/**
 * bell_ways - by which ports an address can be opened
 * @address: as for bell_open(); NULL takes $BELLRING_ADDRESS
 * @list:    gets up to @max entries
 * @max:     room in @list, entries
 *
 * In the order in which bell_open() tries them: it goes on after -BELL_EUNSUP, and
 * ends with the first one whose error is 0 or another one. Nothing is opened for
 * that, and nobody disturbed; so it is a forecast, and a port that cannot tell
 * counts as one that would do.
 *
 * Returns the number of ports there are (it may exceed @max), or
 *   -BELL_EINVAL not an address
 */
BELL_API int bell_ways(const char *address, struct bell_way *list, size_t max);

/* How a machine maps a device's memory: it decides how fast that is. */
enum bell_mapping {
	BELL_MAPPING_UNKNOWN = 0,
	BELL_MAPPING_CACHED = 1,   /* write-back, as ordinary memory */
	BELL_MAPPING_COMBINED = 2, /* write-combining: slow to read */
	BELL_MAPPING_UNCACHED = 3  /* slow */
};

/** bell_mapping_name - "cached", "write-combined", "uncached", "unknown"; static */
BELL_API const char *bell_mapping_name(enum bell_mapping mapping);

/* An ivshmem device of this machine. */
struct bell_device_info {
	char address[64]; /* for bell_open(): "pci:0000:00:03.0" */
	char name[BELL_REGION_MAX + 1]; /* of its region; "" if it has none */
	int name_error;     /* 0, or why the name could not be read */
	uint64_t memory;    /* bytes */
	int doorbell;       /* 1 ivshmem-doorbell, 0 ivshmem-plain, -1 unknown */
	unsigned vectors;   /* 0: none, or unknown */
	enum bell_mapping mapping; /* by the driver that it has now */
	char mapping_from[64];     /* how that is known */
	char driver[64];    /* "" if none is bound */
};

/**
 * bell_devices - list the ivshmem devices of this machine
 * @list: gets up to @max entries, sorted by address
 * @max:  room in @list, entries
 *
 * Opens none of them. Who is not root may see less.
 *
 * Returns the number of devices there are (it may exceed @max), 0 also where
 * there can be none, or
 *   -BELL_ENOMEM
 */
BELL_API int bell_devices(struct bell_device_info *list, size_t max);

/**
 * bell_region_name - the name of a peer's memory, which a server gives
 * @name: gets it; "" if it has none, as it is without a bus
 *
 * Returns @name. "pci:NAME" finds the device with that memory.
 */
BELL_API const char *bell_region_name(const struct bell_peer *peer,
				      char name[BELL_REGION_MAX + 1]);

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
 * @list: gets up to @max entries, sorted by device, then by process
 * @max:  room in @list, entries
 *
 * What the directory in the memory says and, on the host, what the server says
 * beyond it. Needs no bus of one's own.
 *
 * Returns the number of peers there are (it may exceed @max), or
 *   -BELL_ELAYOUT, -BELL_EVERSION, -BELL_ERESET the memory is not, or not yet, a
 *                 bus of ours, and the port knows no peers either
 *   -BELL_ENOMEM
 */
BELL_API int bell_peers(struct bell_peer *peer, struct bell_peer_info *list,
			size_t max);

/**
 * bell_find - id of a peer by id or name
 * @name: an id ("3", "3.1"), or the name of a live peer
 * @id:   gets the id
 *
 * Returns 0, or
 *   -BELL_ENOPEER  nobody has it
 *   -BELL_ENOTUNIQ several live peers have that name; the detail lists them
 *   and as bell_peers()
 */
BELL_API int bell_find(struct bell_peer *peer, const char *name, uint32_t *id);

#ifdef __cplusplus
}
#endif

#include "bellring-bus.h"
#include "bellring-call.h"
#include "bellring-message.h"
#include "bellring-stream.h"
#include "bellring-topic.h"

#endif
