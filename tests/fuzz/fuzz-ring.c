/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fuzz-ring.c - a reader and a writer on a ring that somebody else scribbles on
 *
 * Input: where both ends begin, then operations. The control block ends, and the
 * data begin and end, where the next byte faults. What an honest pair may
 * expect is checked until the first scribble.
 */
#include "bellring.h"
#include "hostile.h"
#include "ring.h"

#include <string.h>

#define SIZE LAYOUT_MIN_RING
#define PAGE 4096u

struct pair {
	struct layout_link *ctl;
	unsigned char *data;
	struct ring_writer w;
	struct ring_reader r;
	bool honest;
	uint64_t written, read; /* records */
};

static void check_record(const struct pair *p, const struct ring_record *rec)
{
	const unsigned char *end = p->data + SIZE;
	static unsigned char copy[SIZE];

	always(rec->len <= ring_max_message(SIZE));
	always(rec->piece_len[0] + (uint64_t)rec->piece_len[1] == rec->len);
	for (int i = 0; i < 2; i++)
		always(rec->piece_len[i] == 0 ||
		       (rec->piece[i] >= p->data &&
			rec->piece_len[i] <= (size_t)(end - rec->piece[i])));
	ring_copy_out(rec, 0, copy, rec->len);
	if (rec->len > 3)
		ring_copy_out(rec, rec->len / 2, copy, rec->len - rec->len / 2);
}

static void do_write(struct pair *p, struct input *in)
{
	static const unsigned char bytes[SIZE];
	uint64_t before = p->w.pos;
	uint32_t len = (uint32_t)(input_u64(in) % (ring_max_message(SIZE) + 1));
	int rc = ring_write(&p->w, record_header(RECORD_DATA, 0, 7, len), bytes, len);

	always(rc == 0 || rc == -BELL_EAGAIN || (rc == -BELL_ECORRUPT && !p->honest));
	if (rc < 0)
		return;
	p->written++;
	(void)ring_data_wanted(&p->w, before);
}

static void do_read(struct pair *p, bool release)
{
	struct ring_record rec;
	int rc = ring_peek(&p->r, &rec);

	always(rc == 0 || rc == 1 || rc == -BELL_ECORRUPT);
	if (p->honest)
		always(rc == (p->written > p->read));
	if (rc != 1)
		return;
	check_record(p, &rec);
	if (!release)
		return;
	ring_release(&p->r, &rec);
	p->read++;
	if (ring_space_due(&p->r))
		(void)ring_space_wanted(&p->r);
}

static void do_scan(struct pair *p)
{
	struct ring_record rec;
	int rc = 1;

	/* Ends by itself, whatever is there. */
	for (unsigned n = 0; rc == 1; n++) {
		always(n <= SIZE / RECORD_HEADER);
		rc = ring_scan(&p->r, &rec);
		if (rc == 1)
			check_record(p, &rec);
	}
	always(rc == 0 || (rc == -BELL_ECORRUPT && !p->honest));
}

static void do_space(struct pair *p, struct input *in)
{
	uint32_t len = (uint32_t)(input_u64(in) % (ring_max_message(SIZE) + 1));
	int rc = ring_want_space(&p->w, len);

	always(rc == 0 || rc == 1 || (rc == -BELL_ECORRUPT && !p->honest));
	/* An empty ring has room for anything. */
	if (p->honest && p->written == p->read)
		always(rc == 1);
}

/* A word of the data, or one of the control block. */
static void scribble(struct pair *p, struct input *in, bool control)
{
	unsigned at = input_u8(in) | (unsigned)input_u8(in) << 8;
	shm_u64 *word;

	if (control)
		word = (shm_u64 *)(void *)p->ctl +
		       at % (sizeof(*p->ctl) / sizeof(shm_u64));
	else
		word = (shm_u64 *)(void *)p->data + at % (SIZE / sizeof(shm_u64));
	shm_set(word, input_u64(in));
	p->honest = false;
}

static void step(struct pair *p, struct input *in)
{
	switch (input_u8(in) % 9) {
	case 0:
	case 1:
		do_write(p, in);
		break;
	case 2:
	case 3:
		do_read(p, true);
		break;
	case 4:
		do_read(p, false);
		break;
	case 5:
		do_scan(p);
		break;
	case 6:
		do_space(p, in);
		(void)ring_arm(&p->r);
		break;
	case 7:
		scribble(p, in, true);
		break;
	default:
		scribble(p, in, false);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	unsigned char *block = fenced_memory(PAGE);
	struct pair p = { .honest = true };

	p.ctl = (struct layout_link *)(void *)(block + PAGE - sizeof(*p.ctl));
	/* Another size, so that it is another mapping with fences of its own. */
	p.data = (unsigned char *)fenced_memory(2 * PAGE) + PAGE;
	always(SIZE == PAGE);
	ring_reset(p.ctl, p.data);
	ring_writer_init(&p.w, p.ctl, p.data, SIZE);
	ring_reader_init(&p.r, p.ctl, p.data, SIZE);
	if (input_u8(&in) & 1) {
		/* Data as the input says, from the start. */
		(void)input_bytes(&in, p.data, SIZE / 2);
		p.honest = false;
	}
	while (in.size > 0)
		step(&p, &in);
	return 0;
}
