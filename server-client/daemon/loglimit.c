/* SPDX-License-Identifier: BSD-2-Clause */
#include "loglimit.h"

#include "printable.h"

#include <stddef.h>
#include <string.h>

#define SECOND_NS UINT64_C(1000000000)

/* FNV-1a, without digits if they do not matter; never 0. */
static uint64_t hash_of(const char *text, bool digits)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (; *text; text++) {
		if (!digits && *text >= '0' && *text <= '9')
			continue;
		hash ^= (unsigned char)*text;
		hash *= UINT64_C(0x100000001b3);
	}
	return hash ? hash : 1;
}

static bool is_over(const struct loglimit_kind *k, uint64_t now_ns)
{
	return now_ns - k->since_ns >= SECOND_NS;
}

static struct loglimit_kind *find(struct loglimit *l, uint64_t hash,
				  uint64_t now_ns)
{
	struct loglimit_kind *room = &l->kinds[LOGLIMIT_KINDS - 1];

	for (size_t i = 0; i < LOGLIMIT_KINDS; i++)
		if (l->kinds[i].hash == hash)
			return &l->kinds[i];
	for (size_t i = 0; i < LOGLIMIT_KINDS; i++) {
		struct loglimit_kind *k = &l->kinds[i];

		if (!k->hash || (k->held == 0 && is_over(k, now_ns))) {
			room = k;
			room->told = 0;
			room->since_ns = now_ns;
			break;
		}
	}
	room->hash = hash;
	return room;
}

static bool holds_any(const struct loglimit *l)
{
	for (size_t i = 0; i < LOGLIMIT_KINDS; i++)
		if (l->kinds[i].held > 0)
			return true;
	return false;
}

bool loglimit_pass(struct loglimit *l, uint64_t now_ns, int priority,
		   const char *fmt, const char *line, bool *first)
{
	bool plain = strcmp(fmt, "%s") == 0;
	struct loglimit_kind *k;

	if (l->rate == 0)
		return true;
	k = find(l, hash_of(plain ? line : fmt, !plain), now_ns);
	if (k->held == 0 && is_over(k, now_ns)) {
		k->since_ns = now_ns;
		k->told = 0;
	}
	if (k->told < l->rate) {
		k->told++;
		return true;
	}
	*first = !holds_any(l);
	k->held++;
	k->priority = priority;
	printable(line, k->last, sizeof(k->last)); /* cuts no character */
	return false;
}

void loglimit_over(struct loglimit *l, uint64_t now_ns, loglimit_tell_fn *tell,
		   void *arg)
{
	for (size_t i = 0; i < LOGLIMIT_KINDS; i++) {
		struct loglimit_kind *k = &l->kinds[i];

		if (k->held == 0 || !is_over(k, now_ns))
			continue;
		tell(arg, k->priority, k->held, k->last);
		k->held = 0;
	}
}
