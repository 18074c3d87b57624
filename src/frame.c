/* SPDX-License-Identifier: BSD-2-Clause */
/* Frames: what streams and calls send, now or once there is space. */
#include "bus.h"

#include "error.h"

#include <stdlib.h>
#include <string.h>

/* One that waits. */
struct frame {
	uint64_t header;
	struct frame *next;
	uint32_t len;
	unsigned char data[];
};

static uint64_t with_length(uint64_t header, const struct bell_part *parts,
			    size_t count, size_t *total)
{
	*total = 0;
	for (size_t i = 0; i < count; i++)
		*total += parts[i].len;
	return header | (uint32_t)*total;
}

static void pop(struct bell_bus *bus, struct bus_out *out)
{
	struct frame *f = out->kept;

	out->kept = f->next;
	out->kept_bytes -= f->len + sizeof(*f);
	if (!out->kept) {
		out->kept_end = NULL;
		bus->thirsty--;
	}
	free(f);
}

static int keep(struct bell_bus *bus, struct bus_out *out, uint64_t header,
		const struct bell_part *parts, size_t count, size_t len)
{
	struct frame *f;
	size_t at = 0;

	if (out->kept_bytes + sizeof(*f) + len > FRAMES_KEPT_MAX)
		return error_detail(BELL_EBUSY,
				    "peer %s does not read: too much waits for it",
				    ID_TEXT(out->to.id));
	f = malloc(sizeof(*f) + len);
	if (!f)
		return error_plain(BELL_ENOMEM);
	f->header = header;
	f->len = (uint32_t)len;
	f->next = NULL;
	for (size_t i = 0; i < count; i++) {
		if (parts[i].len > 0)
			memcpy(f->data + at, parts[i].data, parts[i].len);
		at += parts[i].len;
	}
	if (!out->kept)
		bus->thirsty++;
	*(out->kept ? out->kept_end : &out->kept) = f;
	out->kept_end = &f->next;
	out->kept_bytes += sizeof(*f) + len;
	bus_thirst(bus);
	return 0;
}

int frame_flush(struct bell_bus *bus, struct bus_out *out)
{
	while (out->kept) {
		const struct frame *f = out->kept;
		struct bell_part part = { f->data, f->len };
		int rc = bus_try(bus, out, f->header, &part, 1, f->len);

		if (rc < 0)
			return rc;
		pop(bus, out);
	}
	return 0;
}

uint32_t frame_len(const struct bus_out *out)
{
	return out->kept->len;
}

uint32_t frame_need(const struct bell_bus *bus, const struct bus_remote *to,
		    uint32_t len)
{
	const struct bus_out *out = bus->outs;

	while (out && (out->to.slot != to->slot || out->to.word != to->word))
		out = out->next;
	return out && out->kept && frame_len(out) > len ? frame_len(out) : len;
}

void frame_drop_all(struct bus_out *out)
{
	struct frame *f;

	while ((f = out->kept) != NULL) {
		out->kept = f->next;
		free(f);
	}
}

/* Behind what was kept before, or -BELL_EAGAIN with *out to keep it for. */
static int try_frame(struct bell_bus *bus, const struct bus_remote *to,
		     uint64_t header, const struct bell_part *parts, size_t count,
		     size_t len, struct bus_out **out)
{
	int rc = link_to_remote(bus, to, out);

	if (rc == 0)
		rc = frame_flush(bus, *out);
	if (rc == 0)
		rc = bus_try(bus, *out, header, parts, count, (uint32_t)len);
	return rc;
}

int frame_try(struct bell_bus *bus, const struct bus_remote *to, uint64_t header,
	      const struct bell_part *parts, size_t count)
{
	struct bus_out *out;
	size_t len;

	header = with_length(header, parts, count, &len);
	return try_frame(bus, to, header, parts, count, len, &out);
}

int frame_send(struct bell_bus *bus, const struct bus_remote *to, uint64_t header,
	       const struct bell_part *parts, size_t count)
{
	struct bus_out *out;
	size_t len;
	int rc;

	header = with_length(header, parts, count, &len);
	rc = try_frame(bus, to, header, parts, count, len, &out);
	return rc == -BELL_EAGAIN ? keep(bus, out, header, parts, count, len) : rc;
}
