/* SPDX-License-Identifier: BSD-2-Clause */
/* Topics by name: who wants which, and what was counted. */
#include "topic-set.h"

#include "error.h"

#include <stdlib.h>
#include <string.h>

_Static_assert(TOPIC_WORDS ==
		       sizeof(((struct layout_slot *)0)->topics) / sizeof(uint64_t),
	       "the filter's words");

#define TOPIC_DEPTH_MAX 65536u

uint64_t topic_hash(const char *name)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (const char *c = name; *c; c++)
		h = (h ^ (unsigned char)*c) * UINT64_C(0x100000001b3);
	/* FNV hardly mixes a short name's bits upwards; the filter uses 36. */
	h = (h ^ h >> 33) * UINT64_C(0xff51afd7ed558ccd);
	h = (h ^ h >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
	h ^= h >> 33;
	return h == TOPIC_ALL ? 1 : h;
}

static int check_name(const char *name)
{
	size_t len = strlen(name);

	if (len == 0 || len > BELL_TOPIC_MAX)
		return error_detail(BELL_EINVAL,
				    "topic of %zu bytes: 1 to %d are possible", len,
				    BELL_TOPIC_MAX);
	for (size_t i = 0; i < len; i++)
		if (name[i] <= ' ' || name[i] >= 0x7f)
			return error_detail(BELL_EINVAL,
					    "topic: byte %zu is not a printable ASCII "
					    "character (no spaces)", i + 1);
	return 0;
}

/* Where the topic with that hash is in the list, or would be. */
static size_t place_of(const struct topic_set *set, uint64_t hash)
{
	size_t low = 0, high = set->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (set->list[middle]->hash < hash)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct topic *find_hash(struct topic_set *set, uint64_t hash)
{
	size_t at = place_of(set, hash);

	if (hash == TOPIC_ALL)
		return &set->all;
	return at < set->count && set->list[at]->hash == hash ? set->list[at] : NULL;
}

static struct topic *find_name(struct topic_set *set, const char *name)
{
	struct topic *topic = NULL;

	if (set)
		topic = find_hash(set, name ? topic_hash(name) : TOPIC_ALL);
	return topic && name && strcmp(topic->name, name) != 0 ? NULL : topic;
}

static struct topic_set *need_set(struct bell_bus *bus)
{
	if (!bus->topics)
		bus->topics = calloc(1, sizeof(*bus->topics));
	return bus->topics;
}

static int make_room(struct topic_set *set)
{
	size_t room = set->room ? 2 * set->room : 8;
	struct topic **larger;

	if (set->count < set->room)
		return 0;
	larger = realloc(set->list, room * sizeof(larger[0]));
	if (!larger)
		return error_plain(BELL_ENOMEM);
	set->list = larger;
	set->room = room;
	return 0;
}

static int add(struct topic_set *set, const char *name, struct topic **out)
{
	uint64_t hash = topic_hash(name);
	struct topic *topic = find_hash(set, hash);
	size_t at = place_of(set, hash);

	if (topic)
		return error_detail(BELL_EINVAL,
				    "topic %s: has the hash of %s, take another name", name,
				    topic->name);
	if (make_room(set) < 0)
		return -BELL_ENOMEM;
	topic = calloc(1, sizeof(*topic));
	if (!topic)
		return error_plain(BELL_ENOMEM);
	topic->hash = hash;
	memcpy(topic->name, name, strlen(name) + 1);
	memmove(set->list + at + 1, set->list + at,
		(set->count - at) * sizeof(set->list[0]));
	set->list[at] = topic;
	set->count++;
	*out = topic;
	return 0;
}

int topic_get(struct bell_bus *bus, const char *name, struct topic **out)
{
	int rc = name ? check_name(name) : 0;
	struct topic_set *set;
	struct topic *topic;

	if (rc < 0)
		return rc;
	set = need_set(bus);
	if (!set)
		return error_plain(BELL_ENOMEM);
	topic = find_name(set, name);
	if (!topic)
		return add(set, name, out);
	*out = topic;
	return 0;
}

/*
 * Publishers may read the filter at any time: each word is stored once, with all
 * its bits. A bit that somebody scribbled away is back after this.
 */
static void write_filter(struct bell_bus *bus)
{
	const struct topic_set *set = bus->topics;
	uint64_t words[TOPIC_WORDS] = { 0 };

	for (size_t i = 0; i < set->count; i++) {
		for (unsigned n = 0; set->list[i]->subscribed && n < TOPIC_BITS; n++) {
			uint32_t bit = topic_bit(set->list[i]->hash, n);

			words[bit / 64] |= UINT64_C(1) << bit % 64;
		}
	}
	/* With release: whoever learns of the subscription afterwards sees it. */
	for (unsigned i = 0; i < TOPIC_WORDS; i++)
		shm_release(&bus->self->topics[i], words[i]);
}

int bell_subscribe(struct bell_bus *bus, const char *name)
{
	struct topic *topic;
	int rc;

	if (!name)
		return error_detail(BELL_EINVAL, "everybody is subscribed to BELL_ALL");
	rc = topic_get(bus, name, &topic);
	if (rc == 0)
		rc = bus_check(bus);
	if (rc < 0)
		return rc;
	topic->subscribed = true;
	write_filter(bus);
	return 0;
}

int bell_unsubscribe(struct bell_bus *bus, const char *name)
{
	struct topic *topic = name ? find_name(bus->topics, name) : NULL;

	if (!topic || !topic->subscribed)
		return error_detail(BELL_EINVAL, "topic %s: not subscribed to",
				    name ? name : "BELL_ALL");
	topic->subscribed = false;
	/* In another session the slot is another's. */
	if (bus_is_same(bus))
		write_filter(bus);
	return 0;
}

int bell_set_policy(struct bell_bus *bus, const char *name,
		    enum bell_policy policy, uint32_t depth)
{
	struct topic *topic;
	int rc;

	if ((unsigned)policy > BELL_DROP_OLDEST)
		return error_detail(BELL_EINVAL, "policy %d: unknown", (int)policy);
	if (policy == BELL_DROP_OLDEST && (depth < 1 || depth > TOPIC_DEPTH_MAX))
		return error_detail(BELL_EINVAL, "depth of %u messages: 1 to %u are possible",
				    depth, TOPIC_DEPTH_MAX);
	rc = topic_get(bus, name, &topic);
	if (rc < 0)
		return rc;
	topic->policy = policy;
	topic->depth = depth;
	return 0;
}

int bell_get_topic_stats(const struct bell_bus *bus, const char *name,
			 struct bell_topic_stats *out)
{
	struct topic *topic = find_name(bus->topics, name);

	if (!topic && name)
		return error_detail(BELL_EINVAL, "topic %s: never named on this bus", name);
	*out = topic ? topic->stats : (struct bell_topic_stats){ 0 };
	return 0;
}

const char *topic_name(struct bell_bus *bus, uint64_t hash)
{
	struct topic *topic;

	if (hash == TOPIC_ALL)
		return "";
	topic = bus->topics ? find_hash(bus->topics, hash) : NULL;
	return topic && topic->subscribed ? topic->name : NULL;
}

void topic_received(struct bell_bus *bus, uint64_t hash)
{
	/* BELL_ALL comes also to who never named a topic. */
	struct topic_set *set = hash == TOPIC_ALL ? need_set(bus) : bus->topics;
	struct topic *topic = set ? find_hash(set, hash) : NULL;

	if (topic)
		topic->stats.received++;
}

void topic_done(struct bell_bus *bus)
{
	struct topic_set *set = bus->topics;

	if (!set)
		return;
	topic_queue_free_all(bus);
	for (size_t i = 0; i < set->count; i++)
		free(set->list[i]);
	free(set->list);
	free(set);
	bus->topics = NULL;
}
