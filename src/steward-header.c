/* SPDX-License-Identifier: BSD-2-Clause */
/* Watching over the region's header. */
#include "os.h"
#include "steward.h"

/*
 * Of a formatting that was left half done: its claim, and no magic number. With
 * any other one the memory holds something else, or has been damaged.
 */
static bool is_being_formatted(const void *memory, uint64_t *word)
{
	struct layout_header *h = layout_hdr(memory);

	*word = shm_acquire(&h->format_word);
	return (*word & FORMAT_BUSY_MASK) == FORMAT_BUSY &&
	       shm_acquire(&h->magic) == 0;
}

static enum steward_header look_at_formatter(const void *memory,
					     struct steward_watch *watch,
					     uint64_t now_ns)
{
	uint64_t word;

	if (!is_being_formatted(memory, &word)) {
		watch->format_word = 0;
		return STEWARD_LOST;
	}
	if (word != watch->format_word) {
		watch->format_word = word;
		watch->since_ns = now_ns;
	}
	return now_ns - watch->since_ns < STEWARD_PATIENCE_NS ? STEWARD_BUSY :
								STEWARD_STUCK;
}

enum steward_header steward_look(const void *memory, size_t size,
				 struct steward_watch *watch, uint64_t now_ns,
				 struct layout *out)
{
	struct layout l;

	if (layout_read(memory, size, &l) < 0)
		return look_at_formatter(memory, watch, now_ns);
	watch->format_word = 0;
	*out = l;
	if (l.session == watch->session)
		return STEWARD_SAME;
	watch->session = l.session;
	return STEWARD_OTHER;
}

bool steward_take_over(void *memory, const struct layout *plan,
		       const struct steward_watch *watch)
{
	return layout_take_over(memory, plan, watch->format_word);
}
