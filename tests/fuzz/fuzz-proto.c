/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fuzz-proto.c - a server's bytes, in pieces of any size, descriptors anywhere
 *
 * Input: pieces, each a byte that says how long it is (bits 0..3) and what
 * comes with it (bits 4..5: nothing, a descriptor, one that was lost), then the
 * piece. Every descriptor is given on or closed.
 */
#include "bellring.h"
#include "hostile.h"
#include "proto.h"

#include <unistd.h>

static int lowest_free_fd(void)
{
	int fd = dup(STDERR_FILENO);

	always(fd >= 0);
	close(fd);
	return fd;
}

static int descriptor(unsigned what)
{
	int fd = -1;

	if (what == 1)
		fd = dup(STDERR_FILENO);
	else if (what == 2)
		fd = PROTO_FD_LOST;
	return fd;
}

static void check_event(struct proto_event *ev)
{
	always(ev->kind >= PROTO_NOTHING && ev->kind <= PROTO_PEER_LEFT);
	always(ev->id < PROTO_IDS && ev->vector < PROTO_VECTORS);
	always(ev->fd >= -1);
	always(ev->fd == -1 || ev->kind == PROTO_MEMORY_FD ||
	       ev->kind == PROTO_PEER_VECTOR || ev->kind == PROTO_OWN_VECTOR);
	if (ev->fd >= 0)
		close(ev->fd);
}

/* Broken, of another version, or a server that says why it refuses. */
static bool is_refusal(int code)
{
	return code == -BELL_EPROTO || code == -BELL_EVERSION || code == -BELL_EPERM ||
	       code == -BELL_ENOSPC || code == -BELL_EBUSY;
}

/* Feeds one piece; false once the decoder has given up. */
static bool feed(struct proto *p, const uint8_t *piece, size_t len, int fd)
{
	do {
		struct proto_event ev = { .fd = -1 };
		int used = proto_feed(p, piece, len, &fd, &ev);

		always(fd == -1); /* taken, also on failure */
		if (used < 0) {
			always(is_refusal(used));
			always(p->state == PROTO_BROKEN);
			return false;
		}
		always((size_t)used <= len && (used > 0 || len == 0));
		always(proto_wants(p) >= 1 && proto_wants(p) <= PROTO_SIZE);
		check_event(&ev);
		piece += used;
		len -= (size_t)used;
	} while (len > 0);
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct proto p;
	struct input in = { data, size };
	int before = lowest_free_fd();
	bool alive = true;

	proto_init(&p);
	while (in.size > 0) {
		uint8_t piece[16], how = input_u8(&in);
		size_t len = input_bytes(&in, piece, how & 15);

		if (len > 0) {
			bool fed = feed(&p, piece, len, descriptor(how >> 4 & 3));

			always(alive || !fed); /* broken stays broken */
			alive = fed;
		}
	}
	proto_done(&p);
	always(lowest_free_fd() == before);
	return 0;
}
