/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto.h"

#include "error.h"
#include "fd.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

void proto_encode(int64_t number, unsigned char out[PROTO_SIZE])
{
	uint64_t bits = (uint64_t)number;

	for (unsigned i = 0; i < PROTO_SIZE; i++)
		out[i] = (unsigned char)(bits >> (8 * i));
}

static int64_t decode(const unsigned char in[PROTO_SIZE])
{
	uint64_t bits = 0;

	for (unsigned i = 0; i < PROTO_SIZE; i++)
		bits |= (uint64_t)in[i] << (8 * i);
	return (int64_t)bits;
}

void proto_init(struct proto *p)
{
	memset(p, 0, sizeof(*p));
	p->fd = -1;
}

void proto_done(struct proto *p)
{
	fd_close(&p->fd);
}

size_t proto_wants(const struct proto *p)
{
	return PROTO_SIZE - p->have;
}

static bool has_fd(const struct proto *p)
{
	return p->fd != -1;
}

/* The message's descriptor for an event: a lost one is -1 there. */
static int give_fd(struct proto *p)
{
	int fd = fd_take(&p->fd);

	return fd >= 0 ? fd : -1;
}

static bool is_id(int64_t number)
{
	return number >= 0 && number < (int64_t)PROTO_IDS;
}

static const struct {
	int64_t number;
	int code;
	const char *text;
} refusals[] = {
	{ PROTO_REFUSED_ACCESS, BELL_EPERM,
	  "this user may not be a peer (bellring-server --allow-user, --allow-group)" },
	{ PROTO_REFUSED_FULL, BELL_ENOSPC,
	  "as many peers as it serves are connected (bellring-server --max-peers)" },
	{ PROTO_REFUSED_USER_FULL, BELL_ENOSPC,
	  "this user has as many peers as it may (bellring-server --max-peers-per-user)" },
	{ PROTO_REFUSED_NO_ID, BELL_ENOSPC,
	  "it has no id left until peers that have long been connected leave" },
	{ PROTO_REFUSED_DRAINING, BELL_EBUSY,
	  "it takes no newcomers and is about to stop" },
};

static int on_other_version(int64_t number)
{
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++)
		if (refusals[i].number == number)
			return error_detail(refusals[i].code,
					    "the server refuses: %s",
					    refusals[i].text);
	return error_detail(BELL_EVERSION,
			    "server speaks protocol version %" PRId64
			    ", this is version %d", number, PROTO_VERSION);
}

static int on_version(struct proto *p, int64_t number, struct proto_event *ev)
{
	if (number != PROTO_VERSION)
		return on_other_version(number);
	if (has_fd(p))
		return error_detail(BELL_EPROTO,
				    "descriptor beside the version");
	p->state = PROTO_WANT_ID;
	ev->kind = PROTO_GREETED;
	return 0;
}

static int on_own_id(struct proto *p, int64_t number, struct proto_event *ev)
{
	if (!is_id(number))
		return error_detail(BELL_EPROTO, "own id %" PRId64
				    " is not in 0..65535", number);
	if (has_fd(p))
		return error_detail(BELL_EPROTO, "descriptor beside the own id");
	p->own_id = (uint32_t)number;
	p->state = PROTO_WANT_MEMORY;
	ev->kind = PROTO_OWN_ID;
	ev->id = p->own_id;
	return 0;
}

static int on_memory(struct proto *p, int64_t number, struct proto_event *ev)
{
	if (number == (int64_t)p->own_id)
		return error_detail(BELL_EPROTO,
				    "own vector came before the memory");
	if (number != PROTO_MEMORY)
		return error_detail(BELL_EPROTO, "expected the memory (-1), got %"
				    PRId64, number);
	if (!has_fd(p))
		return error_detail(BELL_EPROTO,
				    "memory (-1) came without a descriptor");
	p->state = PROTO_RUNNING;
	ev->kind = PROTO_MEMORY_FD;
	ev->fd = give_fd(p);
	return 0;
}

static int on_left(struct proto *p, uint32_t id, struct proto_event *ev)
{
	if (id == p->own_id)
		return error_detail(BELL_EPROTO,
				    "server says that we (%u) left", id);
	if (p->vectors[id] == 0)
		return error_detail(BELL_EPROTO,
				    "peer %u left, but it was not there", id);
	p->vectors[id] = 0;
	ev->kind = PROTO_PEER_LEFT;
	ev->id = id;
	return 0;
}

static int on_vector(struct proto *p, uint32_t id, struct proto_event *ev)
{
	if (p->vectors[id] == PROTO_VECTORS)
		return error_detail(BELL_EPROTO, "peer %u: more than %u vectors",
				    id, PROTO_VECTORS);
	ev->kind = id == p->own_id ? PROTO_OWN_VECTOR : PROTO_PEER_VECTOR;
	ev->id = id;
	ev->vector = p->vectors[id]++;
	ev->fd = give_fd(p);
	return 0;
}

static int on_news(struct proto *p, int64_t number, struct proto_event *ev)
{
	if (number == PROTO_MEMORY)
		return error_detail(BELL_EPROTO, "memory (-1) came twice");
	if (!is_id(number))
		return error_detail(BELL_EPROTO, "peer id %" PRId64
				    " is not in 0..65535", number);
	if (has_fd(p))
		return on_vector(p, (uint32_t)number, ev);
	return on_left(p, (uint32_t)number, ev);
}

static int on_message(struct proto *p, struct proto_event *ev)
{
	int64_t number = decode(p->part);

	switch (p->state) {
	case PROTO_WANT_VERSION:
		return on_version(p, number, ev);
	case PROTO_WANT_ID:
		return on_own_id(p, number, ev);
	case PROTO_WANT_MEMORY:
		return on_memory(p, number, ev);
	case PROTO_RUNNING:
		return on_news(p, number, ev);
	case PROTO_BROKEN:
		break;
	}
	return error_detail(BELL_EPROTO, "bytes after a broken message");
}

static int fail(struct proto *p, int rc, int *fd)
{
	fd_close(fd);
	fd_close(&p->fd);
	*fd = -1;
	p->fd = -1;
	p->state = PROTO_BROKEN;
	return rc;
}

int proto_feed(struct proto *p, const void *data, size_t len, int *fd,
	       struct proto_event *ev)
{
	struct proto_event out = { .fd = -1 };
	size_t used = len < proto_wants(p) ? len : proto_wants(p);
	int rc;

	if (p->state == PROTO_BROKEN)
		return fail(p, error_detail(BELL_EPROTO,
					    "bytes after a broken message"), fd);
	if (*fd != -1 && has_fd(p))
		return fail(p, error_detail(BELL_EPROTO,
					    "two descriptors beside one message"),
			    fd);
	if (*fd != -1)
		p->fd = fd_take(fd);
	memcpy(p->part + p->have, data, used);
	p->have += (unsigned)used;
	if (p->have == PROTO_SIZE) {
		rc = on_message(p, &out);
		if (rc < 0)
			return fail(p, rc, fd);
		p->have = 0;
		p->fd = -1;
		p->messages++;
	}
	*ev = out;
	return (int)used;
}
