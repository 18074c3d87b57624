/* SPDX-License-Identifier: BSD-2-Clause */
#include "directory.h"

#include "error.h"
#include "id.h"

#include <stdio.h>
#include <string.h>

_Static_assert(BELL_NAME_MAX + 1 ==
		       sizeof(((struct layout_slot *)0)->name),
	       "a name fills its place in the slot");

#define NAME_WORDS ((BELL_NAME_MAX + 1) / sizeof(uint64_t))

static bool printable(char c)
{
	return c > ' ' && c < 0x7f;
}

int directory_check_name(const char *name)
{
	size_t len = strlen(name);

	if (len == 0 || len > BELL_NAME_MAX)
		return error_detail(BELL_EINVAL,
				    "name of %zu bytes: 1 to %d are possible", len,
				    BELL_NAME_MAX);
	for (size_t i = 0; i < len; i++)
		if (!printable(name[i]))
			return error_detail(BELL_EINVAL,
					    "name: byte %zu is not a printable ASCII character "
					    "(no spaces)", i + 1);
	if (id_is_number(name))
		return error_detail(BELL_EINVAL,
				    "name %s: a number would be taken for an id", name);
	return 0;
}

static void read_name(struct layout_slot *s, char name[BELL_NAME_MAX + 1])
{
	uint64_t words[NAME_WORDS];

	for (size_t i = 0; i < NAME_WORDS; i++)
		words[i] = shm_peek(&s->name[i]);
	memcpy(name, words, sizeof(words));
	name[BELL_NAME_MAX] = '\0';
	for (char *c = name; *c; c++)
		if (!printable(*c))
			*c = '?';
}

static void write_name(struct layout_slot *s, const char *name)
{
	uint64_t words[NAME_WORDS] = { 0 };

	memcpy(words, name, strlen(name));
	for (size_t i = 0; i < NAME_WORDS; i++)
		shm_set(&s->name[i], words[i]);
}

static enum bell_state public_state(enum slot_state state)
{
	switch (state) {
	case SLOT_JOINING:
		return BELL_STATE_JOINING;
	case SLOT_LIVE:
		return BELL_STATE_LIVE;
	default:
		return BELL_STATE_DEAD;
	}
}

bool directory_read(const void *memory, const struct layout *l, uint32_t slot,
		    struct bell_peer_info *info, uint64_t *word)
{
	struct layout_slot *s = layout_slot(memory, l, slot);
	uint64_t w = shm_acquire(&s->word);
	uint32_t kind;

	if (slot_state(w) == SLOT_FREE || slot_state(w) > SLOT_DEAD)
		return false;
	memset(info, 0, sizeof(*info));
	info->id = slot_id(w);
	info->incarnation = slot_incarnation(w);
	info->state = public_state(slot_state(w));
	info->vectors = shm_peek(&s->vectors);
	info->pid = shm_peek(&s->pid);
	kind = shm_peek(&s->kind);
	info->kind = kind <= BELL_KIND_WINDOWS ? (enum bell_kind)kind :
						 BELL_KIND_UNKNOWN;
	read_name(s, info->name);
	*word = w;
	/* The fields are this word's only if nobody took the slot meanwhile. */
	shm_fence_loads();
	return shm_peek(&s->word) == w;
}

int directory_lookup(const void *memory, const struct layout *l, uint32_t id,
		     uint32_t *slot, uint64_t *word)
{
	for (uint32_t i = 0; i < l->slot_count; i++) {
		uint64_t w = shm_acquire(&layout_slot(memory, l, i)->word);

		if (slot_state(w) == SLOT_LIVE && slot_id(w) == id) {
			*slot = i;
			*word = w;
			return 0;
		}
	}
	return -BELL_ENOPEER;
}

/* Does a live peer other than slot self have this name? */
static bool name_taken(const void *memory, const struct layout *l,
		       const char *name, uint32_t self_id, uint32_t *id)
{
	for (uint32_t i = 0; i < l->slot_count; i++) {
		struct bell_peer_info info;
		uint64_t w;

		if (directory_read(memory, l, i, &info, &w) &&
		    info.state == BELL_STATE_LIVE && info.id != self_id &&
		    strcmp(info.name, name) == 0) {
			*id = info.id;
			return true;
		}
	}
	return false;
}

static bool may_take(uint64_t w, uint32_t id, int pass)
{
	switch (pass) {
	case 0:
		return slot_state(w) != SLOT_FREE && slot_id(w) == id;
	case 1:
		return slot_state(w) == SLOT_FREE;
	default:
		return slot_state(w) >= SLOT_DEAD;
	}
}

/* Finds a slot and makes it JOINING under this id, next incarnation. */
static int claim_slot(void *memory, const struct layout *l, uint32_t id,
		      uint32_t *slot, uint64_t *word)
{
	for (int pass = 0; pass < 3; pass++) {
		for (uint32_t i = 0; i < l->slot_count; i++) {
			struct layout_slot *s = layout_slot(memory, l, i);
			uint64_t w = shm_acquire(&s->word);
			uint64_t mine = slot_word(SLOT_JOINING, id,
						  slot_incarnation(w) + 1);

			if (!may_take(w, id, pass) || !shm_cas(&s->word, w, mine))
				continue;
			*slot = i;
			*word = mine;
			return 0;
		}
	}
	return error_detail(BELL_ENOSPC,
			    "the directory has %u slots and all are in use: start the "
			    "server with more (--slots)", l->slot_count);
}

static int name_error(const char *name, uint32_t id)
{
	return error_detail(BELL_EEXIST,
			    "peer %s is already called %s: choose another name",
			    ID_TEXT(id), name);
}

int directory_enter(void *memory, const struct layout *l,
		    const struct directory_entry *e, uint32_t *slot,
		    uint64_t *word)
{
	struct layout_slot *s;
	uint32_t n = 0, other;
	uint64_t w, live;
	int rc;

	if (name_taken(memory, l, e->name, e->id, &other))
		return name_error(e->name, other);
	rc = claim_slot(memory, l, e->id, &n, &w);
	if (rc < 0)
		return rc;
	s = layout_slot(memory, l, n);
	shm_set(&s->kind, (uint32_t)e->kind);
	shm_set(&s->vectors, e->vectors);
	shm_set(&s->vector, e->vector);
	shm_set(&s->pid, e->pid);
	write_name(s, e->name);
	for (size_t i = 0; i < sizeof(s->topics) / sizeof(s->topics[0]); i++)
		shm_set(&s->topics[i], 0);
	live = slot_word(SLOT_LIVE, e->id, slot_incarnation(w));
	if (!shm_cas(&s->word, w, live))
		return error_detail(BELL_EBUSY,
				    "peer %s: another program joined under the same id",
				    ID_TEXT(e->id));
	/* Two may have joined under one name at once: then neither stays. */
	if (name_taken(memory, l, e->name, e->id, &other)) {
		directory_exit(memory, l, n, live);
		return name_error(e->name, other);
	}
	*slot = n;
	*word = live;
	return 0;
}

void directory_exit(void *memory, const struct layout *l, uint32_t slot,
		    uint64_t word)
{
	(void)shm_cas(&layout_slot(memory, l, slot)->word, word,
		      slot_word(SLOT_FREE, slot_id(word), slot_incarnation(word)));
}
