/* SPDX-License-Identifier: BSD-2-Clause */
/* Planning, writing and checking the region's header. */
#include "layout.h"

#include "error.h"
#include "os.h"

#include <stdio.h>
#include <string.h>

#define DEFAULT_SLOTS 128u
#define DEFAULT_SLOTS_SMALL 16u /* regions under 1 MiB */
#define DEFAULT_LINKS_MIN 8u
#define DEFAULT_LINKS_MAX 256u
#define DEFAULT_LINK_SHARE (128u << 10) /* bytes of region a link, about */
#define DEFAULT_RING_MAX (4u << 20)     /* larger ones leave the cache */
#define SLOTS_AT 256u
#define TAKE_OVER_NS UINT64_C(1000000000)
#define ATTACH_NS (4 * TAKE_OVER_NS) /* for all that a peer may do meanwhile */

_Static_assert(LAYOUT_NAME_SIZE == sizeof(((struct layout_header *)0)->name) &&
		       LAYOUT_NAME_SIZE == BELL_REGION_MAX + 1,
	       "a name fills its place in the header");

/* ---- the region's name --------------------------------------------------- */

static bool name_char(char c)
{
	return c > ' ' && c <= '~' && !strchr(":,/", c);
}

int layout_check_name(const char *name)
{
	size_t len = strlen(name);

	if (len < 1 || len > BELL_REGION_MAX)
		return error_detail(BELL_EINVAL,
				    "%llu bytes: 1 to %d are possible",
				    (unsigned long long)len, BELL_REGION_MAX);
	for (size_t i = 0; i < len; i++)
		if (!name_char(name[i]))
			return error_detail(BELL_EINVAL,
					    "byte %llu is not a printable ASCII character "
					    "other than space, ':', ',' and '/'",
					    (unsigned long long)i + 1);
	return 0;
}

/* What is not a name, as it may be in a broken header, is read as none. */
static void read_name(struct layout_header *h, char name[LAYOUT_NAME_SIZE])
{
	uint64_t words[LAYOUT_NAME_SIZE / sizeof(uint64_t)];

	for (size_t i = 0; i < LAYOUT_NAME_SIZE / sizeof(uint64_t); i++)
		words[i] = shm_peek(&h->name[i]);
	memcpy(name, words, sizeof(words));
	name[LAYOUT_NAME_SIZE - 1] = '\0';
	for (char *c = name; *c; c++)
		if (!name_char(*c))
			name[0] = '\0';
}

static void write_name(struct layout_header *h, const char name[LAYOUT_NAME_SIZE])
{
	uint64_t words[LAYOUT_NAME_SIZE / sizeof(uint64_t)];

	memcpy(words, name, sizeof(words));
	for (size_t i = 0; i < LAYOUT_NAME_SIZE / sizeof(uint64_t); i++)
		shm_set(&h->name[i], words[i]);
}

void layout_read_name(const void *memory, char name[LAYOUT_NAME_SIZE])
{
	struct layout_header *h = layout_hdr(memory);

	/* B2: pairs with A in write_header(). */
	if (shm_acquire(&h->magic) == LAYOUT_MAGIC &&
	    shm_peek(&h->major) == LAYOUT_MAJOR)
		read_name(h, name);
	else
		name[0] = '\0';
}

/* ---- planning ------------------------------------------------------------ */

static uint64_t align_up(uint64_t v, uint64_t to)
{
	return (v + to - 1) / to * to;
}

static uint32_t default_links(uint64_t bus_size, uint64_t ring_size)
{
	uint64_t n = bus_size / (ring_size ? ring_size : DEFAULT_LINK_SHARE);

	if (!ring_size && n < DEFAULT_LINKS_MIN)
		n = DEFAULT_LINKS_MIN;
	return n > DEFAULT_LINKS_MAX ? DEFAULT_LINKS_MAX : (uint32_t)n;
}

static uint64_t rings_at(const struct layout *l)
{
	return align_up(l->link_offset +
				(uint64_t)l->link_count * sizeof(struct layout_link),
			LAYOUT_ALIGN);
}

static int plan_rings(struct layout *l, const struct layout_wish *wish)
{
	uint64_t room;

	l->link_count = wish->link_count ? wish->link_count :
					   default_links(l->bus_size, wish->ring_size);
	/* A ring size that was asked for decides how many links fit. */
	while (!wish->link_count && wish->ring_size && l->link_count > 1 &&
	       rings_at(l) + l->link_count * wish->ring_size > l->bus_size)
		l->link_count--;
	if (l->link_count < 1 || l->link_count > LAYOUT_MAX_LINKS)
		return error_detail(BELL_ELAYOUT, "%u links: 1 to %u are possible",
				    l->link_count, LAYOUT_MAX_LINKS);
	l->ring_offset = rings_at(l);
	room = l->bus_size > l->ring_offset ? l->bus_size - l->ring_offset : 0;
	l->ring_size = room / l->link_count / LAYOUT_LINE * LAYOUT_LINE;
	if (!wish->link_count && l->ring_size > DEFAULT_RING_MAX)
		l->ring_size = DEFAULT_RING_MAX;
	if (wish->ring_size) {
		if (wish->ring_size > l->ring_size)
			l->ring_size = 0;
		else
			l->ring_size = wish->ring_size / LAYOUT_LINE * LAYOUT_LINE;
	}
	if (l->ring_size > LAYOUT_MAX_RING)
		l->ring_size = LAYOUT_MAX_RING;
	if (l->ring_size < LAYOUT_MIN_RING)
		return error_detail(BELL_ELAYOUT,
				    "%u links do not fit into %llu bytes with a useful ring: "
				    "fewer links, smaller rings (at least %u bytes) or more memory",
				    l->link_count, (unsigned long long)l->bus_size,
				    LAYOUT_MIN_RING);
	return 0;
}

int layout_plan(uint64_t size, const struct layout_wish *wish, struct layout *out)
{
	static const struct layout_wish none;
	struct layout l = { 0 };
	int rc;

	if (!wish)
		wish = &none;
	l.bus_size = wish->bus_size ? wish->bus_size : size;
	if (size < LAYOUT_MIN_REGION || l.bus_size < LAYOUT_MIN_REGION ||
	    l.bus_size > size)
		return error_detail(BELL_ELAYOUT,
				    "a bus of %llu bytes in a memory of %llu: at least %u "
				    "and at most the memory are possible",
				    (unsigned long long)l.bus_size,
				    (unsigned long long)size, LAYOUT_MIN_REGION);
	l.slot_offset = SLOTS_AT;
	l.slot_count = wish->slot_count ? wish->slot_count :
		       l.bus_size < (1u << 20) ? DEFAULT_SLOTS_SMALL : DEFAULT_SLOTS;
	if (l.slot_count > LAYOUT_MAX_SLOTS)
		return error_detail(BELL_ELAYOUT, "%u slots: 1 to %u are possible",
				    l.slot_count, LAYOUT_MAX_SLOTS);
	l.link_offset = l.slot_offset +
			l.slot_count * (uint32_t)sizeof(struct layout_slot);
	rc = plan_rings(&l, wish);
	if (rc < 0)
		return rc;
	l.bus_size = align_up(l.ring_offset + l.link_count * l.ring_size,
			      LAYOUT_ALIGN);
	if (l.bus_size > size)
		l.bus_size = size;
	if (wish->name)
		snprintf(l.name, sizeof(l.name), "%s", wish->name);
	*out = l;
	return 0;
}

/*
 * Clears what must be 0 before peers come: slots and links. Each store is a
 * compare-and-swap of what was read while the formatting was ours, so that a
 * formatter that slept through its own take-over (a machine can be paused)
 * undoes nothing of its successor's.
 */
static void clear_words(void *memory, const struct layout *l, uint64_t mine)
{
	struct layout_header *h = layout_hdr(memory);
	uintptr_t base = (uintptr_t)memory;
	uintptr_t end = base + l->link_offset +
			(uintptr_t)l->link_count * sizeof(struct layout_link);

	for (uintptr_t p = base + l->slot_offset; p < end; p += sizeof(uint64_t)) {
		uint64_t v = shm_acquire((shm_u64 *)p);

		if (v == 0)
			continue;
		if (shm_acquire(&h->format_word) != mine)
			return;
		(void)shm_cas((shm_u64 *)p, v, 0);
	}
}

static void write_header(void *memory, const struct layout *l, uint64_t session)
{
	struct layout_header *h = layout_hdr(memory);

	shm_set(&h->major, LAYOUT_MAJOR);
	shm_set(&h->minor, LAYOUT_MINOR);
	shm_set(&h->features, 0);
	shm_set(&h->session, session ? session : 1);
	shm_set(&h->bus_size, l->bus_size);
	shm_set(&h->ring_size, l->ring_size);
	shm_set(&h->ring_offset, l->ring_offset);
	shm_set(&h->slot_offset, l->slot_offset);
	shm_set(&h->slot_count, l->slot_count);
	shm_set(&h->link_offset, l->link_offset);
	shm_set(&h->link_count, l->link_count);
	shm_set(&h->server_vectors, l->server_vectors);
	write_name(h, l->name);
	/* A: pairs with B in read_fields(); all of the above comes first. */
	shm_release(&h->magic, LAYOUT_MAGIC);
}

void layout_format(void *memory, const struct layout *plan, uint64_t session)
{
	struct layout_header *h = layout_hdr(memory);

	/* Peers of an earlier session notice by the session's number, not by 0. */
	(void)shm_exchange(&h->magic, 0);
	(void)shm_exchange(&h->session, 0);
	(void)shm_exchange(&h->format_word, FORMAT_BUSY);
	clear_words(memory, plan, FORMAT_BUSY);
	shm_set(&h->format_word, 0);
	write_header(memory, plan, session);
}

static void read_fields(const struct layout_header *hdr, struct layout *l)
{
	struct layout_header *h = layout_hdr(hdr);

	l->session = shm_acquire(&h->session);
	l->bus_size = shm_peek(&h->bus_size);
	l->ring_size = shm_peek(&h->ring_size);
	l->ring_offset = shm_peek(&h->ring_offset);
	l->slot_offset = shm_peek(&h->slot_offset);
	l->slot_count = shm_peek(&h->slot_count);
	l->link_offset = shm_peek(&h->link_offset);
	l->link_count = shm_peek(&h->link_count);
	l->server_vectors = shm_peek(&h->server_vectors);
	read_name(h, l->name);
}

/* All places are inside bus_size, and that inside the memory. */
static bool sane(const struct layout *l, uint64_t size)
{
	if (l->session == 0 || l->bus_size > size ||
	    l->slot_offset < sizeof(struct layout_header) ||
	    (l->slot_offset | l->link_offset) % LAYOUT_LINE ||
	    l->slot_count < 1 || l->slot_count > LAYOUT_MAX_SLOTS ||
	    l->link_count < 1 || l->link_count > LAYOUT_MAX_LINKS ||
	    l->ring_size < LAYOUT_MIN_RING || l->ring_size > LAYOUT_MAX_RING ||
	    l->ring_size % LAYOUT_LINE || l->ring_offset % LAYOUT_LINE ||
	    l->ring_offset > l->bus_size)
		return false;
	if (l->slot_offset + (uint64_t)l->slot_count * sizeof(struct layout_slot) >
	    l->link_offset)
		return false;
	if (l->link_offset + (uint64_t)l->link_count * sizeof(struct layout_link) >
	    l->ring_offset)
		return false;
	return l->link_count * l->ring_size <= l->bus_size - l->ring_offset;
}

int layout_read(const void *memory, size_t size, struct layout *out)
{
	struct layout_header *h = layout_hdr(memory);
	struct layout l;
	uint32_t major, features;

	if (size < LAYOUT_MIN_REGION)
		return error_detail(BELL_ELAYOUT,
				    "memory of %llu bytes: a bus needs at least %u",
				    (unsigned long long)size, LAYOUT_MIN_REGION);
	/* B: pairs with A in write_header(). */
	if (shm_acquire(&h->magic) != LAYOUT_MAGIC)
		return error_detail(BELL_ELAYOUT, "the memory is not formatted as a bus");
	major = shm_peek(&h->major);
	features = shm_peek(&h->features);
	if (major != LAYOUT_MAJOR)
		return error_detail(BELL_EVERSION,
				    "the memory has layout version %u, this library knows %u: "
				    "use the same major version of Bellring everywhere",
				    major, LAYOUT_MAJOR);
	if (features != 0)
		return error_detail(BELL_EVERSION,
				    "the memory needs features 0x%x that this library does not "
				    "know: upgrade it", features);
	read_fields(h, &l);
	if (!sane(&l, size))
		return error_detail(BELL_ELAYOUT,
				    "the memory's header is damaged: restart the server, or "
				    "format the memory anew");
	*out = l;
	/* Formatted anew while we read? Then the fields may be mixed. */
	shm_fence_loads();
	if (!layout_same(memory, &l))
		return error_detail(BELL_ERESET, "the memory is being formatted");
	return 0;
}

static bool header_is_zero(const void *memory)
{
	shm_u64 *w = (shm_u64 *)(uintptr_t)memory;

	for (size_t i = 0; i < LAYOUT_ALIGN / sizeof(*w); i++)
		if (shm_peek(&w[i]) != 0)
			return false;
	return true;
}

/*
 * Formats as one of several who may try, having seen that magic; format_word
 * says that it is us. False if it does no more.
 */
static bool format_claimed(void *memory, const struct layout *plan, uint64_t magic,
			   uint64_t mine)
{
	struct layout_header *h = layout_hdr(memory);

	if (shm_acquire(&h->format_word) != mine)
		return false;
	(void)shm_cas(&h->magic, magic, 0);
	clear_words(memory, plan, mine);
	if (shm_acquire(&h->format_word) != mine)
		return false; /* taken over meanwhile */
	write_header(memory, plan, os_random());
	/* Never 0 again: a peer that saw 0 long ago must not claim it now. */
	(void)shm_cas(&h->format_word, mine, mine & ~FORMAT_BUSY_MASK);
	return true;
}

static void format_by_default(void *memory, size_t size, uint64_t mine)
{
	struct layout_header *h = layout_hdr(memory);
	uint64_t magic = shm_acquire(&h->magic);
	struct layout l;

	if (layout_plan(size, NULL, &l) < 0)
		return;
	/* What the server gives each peer stays true; from garbage it is but a hint. */
	l.server_vectors = shm_peek(&h->server_vectors);
	if (l.server_vectors > BELL_VECTOR_MAX + 1)
		l.server_vectors = 0;
	read_name(h, l.name);
	(void)format_claimed(memory, &l, magic, mine);
}

/* The value that format_word has while it is us who formats. */
static uint64_t own_format_word(void)
{
	return FORMAT_BUSY | (os_random() & ~FORMAT_BUSY_MASK) | 1;
}

bool layout_take_over(void *memory, const struct layout *plan, uint64_t seen)
{
	uint64_t mine = own_format_word();

	return shm_cas(&layout_hdr(memory)->format_word, seen, mine) &&
	       format_claimed(memory, plan, 0, mine);
}

int layout_attach(void *memory, size_t size, bool force, struct layout *out)
{
	struct layout_header *h = layout_hdr(memory);
	uint64_t mine = own_format_word();
	uint64_t seen = 0, begin = os_now_ns(), since = begin;

	while (os_now_ns() - begin < ATTACH_NS) {
		int rc = force ? -BELL_ELAYOUT : layout_read(memory, size, out);
		uint64_t word;

		if (rc != -BELL_ELAYOUT && rc != -BELL_ERESET)
			return rc;
		if (size < LAYOUT_MIN_REGION)
			return layout_read(memory, size, out);
		word = shm_acquire(&h->format_word);
		if ((word & FORMAT_BUSY_MASK) == FORMAT_BUSY) {
			if (word != seen) {
				seen = word;
				since = os_now_ns();
			}
			if (os_now_ns() - since < TAKE_OVER_NS) {
				os_sleep_ms(1);
				continue;
			}
		} else if (!force && !header_is_zero(memory)) {
			/* It may just have become a bus. */
			rc = layout_read(memory, size, out);
			return rc == -BELL_ERESET ? -BELL_ELAYOUT : rc;
		}
		if (shm_cas(&h->format_word, word, mine)) {
			format_by_default(memory, size, mine);
			force = false;
		}
	}
	return error_detail(BELL_EBUSY,
			    "other peers format the memory again and again");
}
