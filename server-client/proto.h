/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * proto.h - the words of an ivshmem server, version 0, as a pure codec
 *
 * The server's messages are 8 bytes each, a little-endian signed number with at
 * most one descriptor beside it: QEMU docs/specs/ivshmem-spec.rst, "Interrupts".
 * The decoder makes no system call except close(); whoever has a socket feeds
 * it what came, in pieces of any size.
 */
#ifndef BELL_PROTO_H
#define BELL_PROTO_H

#include <stddef.h>
#include <stdint.h>

#define PROTO_SIZE 8u        /* bytes of a message */
#define PROTO_VERSION 0      /* first message */
#define PROTO_MEMORY (-1)    /* number of the message with the memory */
#define PROTO_IDS 65536u     /* ids are below this */
#define PROTO_VECTORS 256u   /* what a doorbell can name */

/*
 * In place of the version, from our server to whom it does not serve. QEMU prints
 * the number and exits; a connection closed without a word makes it spin.
 */
enum proto_refusal {
	PROTO_NOT_REFUSED = 0,
	PROTO_REFUSED_ACCESS = -101,    /* this user may not be a peer */
	PROTO_REFUSED_FULL = -102,      /* as many peers as may be are there */
	PROTO_REFUSED_USER_FULL = -103, /* of this user as many as may be */
	PROTO_REFUSED_NO_ID = -104,     /* each id was seen by one who is there */
	PROTO_REFUSED_DRAINING = -105   /* the server is about to stop */
};

/* In place of a descriptor: one was sent, but this process had no room for it. */
#define PROTO_FD_LOST (-2)

enum proto_kind {
	PROTO_NOTHING = 0,  /* the message is not complete yet */
	PROTO_GREETED,      /* the version is ours */
	PROTO_OWN_ID,       /* id */
	PROTO_MEMORY_FD,    /* fd */
	PROTO_PEER_VECTOR,  /* id, vector, fd; vector 0 is that peer's joining */
	PROTO_OWN_VECTOR,   /* vector, fd */
	PROTO_PEER_LEFT     /* id */
};

struct proto_event {
	enum proto_kind kind;
	uint32_t id;
	unsigned vector;
	int fd; /* the receiver's from here on; -1 if there is none or it was lost */
};

enum proto_state {
	PROTO_WANT_VERSION = 0,
	PROTO_WANT_ID,
	PROTO_WANT_MEMORY,
	PROTO_RUNNING,
	PROTO_BROKEN
};

struct proto {
	enum proto_state state;
	unsigned char part[PROTO_SIZE];
	unsigned have;          /* bytes in part */
	int fd;                 /* that came with part; -1, or PROTO_FD_LOST */
	uint32_t own_id;
	unsigned long messages; /* complete ones so far */
	uint16_t vectors[PROTO_IDS]; /* announced so far, by id; 0: not there */
};

void proto_init(struct proto *p);
/* Closes a descriptor of an incomplete message. */
void proto_done(struct proto *p);

/*
 * Bytes that are missing from the message under way, 1..8. A stream socket
 * does not say to which byte a descriptor belongs, so read no more than this.
 */
size_t proto_wants(const struct proto *p);

/*
 * Decodes up to one message from len bytes and the descriptor that came with
 * them (takes *fd, also on failure; -1 if there was none). Returns the number
 * of bytes used, with *ev set; feed the rest again without the descriptor. Or
 *   -BELL_EVERSION the server speaks another version
 *   -BELL_EPERM, -BELL_ENOSPC, -BELL_EBUSY it refused us: enum proto_refusal
 *   -BELL_EPROTO   the message is not one that may come here
 * with a detail; from then on all further bytes are refused.
 */
int proto_feed(struct proto *p, const void *data, size_t len, int *fd,
	       struct proto_event *ev);

/* Puts the message of that number into out. */
void proto_encode(int64_t number, unsigned char out[PROTO_SIZE]);

#endif
