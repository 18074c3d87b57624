/* SPDX-License-Identifier: BSD-2-Clause */
#include "conformance-untold.h"

#include "conformance.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OPEN_MAX 64

static char *const *addresses;
static int address_count;
static int next; /* of them */
static uint32_t ids[OPEN_MAX]; /* of those that were opened */
static bool has_interrupts;

/* ---- what is left out ---------------------------------------------------- */

#define NO_NEWS "nobody tells here who is connected"
#define NOT_LISTED "nobody can tell here whether an id is connected"
#define NO_INTERRUPTS "this port has no interrupts"

static const struct omission {
	const char *name, *reason;
	int first; /* of a loop: leaves out this turn and what follows */
	bool silent; /* only where there are no interrupts */
} left_out[] = {
	{ "every_vector_rings_its_callback", NO_INTERRUPTS, 0, true },
	{ "handle_is_readable_after_a_ring", NO_INTERRUPTS, 0, true },
	{ "ringing_oneself_works", NO_INTERRUPTS, 0, true },
	{ "bad_vector_registration", NO_INTERRUPTS, 0, true },
	{ "a_batch_rings_once", NO_INTERRUPTS ", so nobody is rung", 0, true },
	{ "join_and_leave_are_told", NO_NEWS, 0, false },
	{ "bad_ring", NOT_LISTED, 3, false }, /* nobody, and a vector that is not there */
	{ "absent_ids_are_not_found", NOT_LISTED, 0, false },
};

static bool is_wanted(const char *name)
{
	const char *cases = getenv("CASES");
	char words[512], *rest = NULL, *word;

	if (!cases || !*cases)
		return true;
	snprintf(words, sizeof(words), "%s", cases);
	for (word = strtok_r(words, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
		if (strstr(name, word))
			return true;
	return false;
}

static const struct omission *find_omission(const char *name)
{
	for (int i = 0; i < ARRAY_LEN(left_out); i++)
		if (strcmp(left_out[i].name, name) == 0 &&
		    !(left_out[i].silent && has_interrupts))
			return &left_out[i];
	return NULL;
}

void __real__tcase_add_test(TCase *tc, const TTest *test, int signal,
			    int exit_value, int start, int end);
void __wrap__tcase_add_test(TCase *tc, const TTest *test, int signal,
			    int exit_value, int start, int end);

void __wrap__tcase_add_test(TCase *tc, const TTest *test, int signal,
			    int exit_value, int start, int end)
{
	const struct omission *o = find_omission(test->name);

	if (!is_wanted(test->name))
		return;
	for (int turn = o ? o->first : end; turn < end; turn++)
		printf("skip %s: %s\n", test->name, o->reason);
	if (o)
		end = o->first;
	if (start < end)
		__real__tcase_add_test(tc, test, signal, exit_value, start, end);
}

/* ---- the world ----------------------------------------------------------- */

static struct bell_peer *open_peer(void)
{
	struct bell_peer *peer;
	int rc;

	if (next == address_count)
		ck_abort_msg("all %d addresses are in use", address_count);
	rc = bell_open(addresses[next], -1, &peer);
	if (rc < 0)
		ck_abort_msg("%s: %s: %s", addresses[next], bell_strerror(rc),
			     bell_detail());
	ids[next++] = bell_id(peer);
	return peer;
}

/* ---- death --------------------------------------------------------------- */

static bool is_on_the_bus(struct bell_peer *peer)
{
	struct bell_peer_info info[OPEN_MAX];
	int n = bell_peers(peer, info, ARRAY_LEN(info));

	for (int i = 0; i < n && i < ARRAY_LEN(info); i++)
		if (info[i].id == bell_id(peer) && info[i].state == BELL_STATE_LIVE)
			return true;
	return false;
}

void __real_bell_close(struct bell_peer *peer);
void __wrap_bell_close(struct bell_peer *peer);

/* Where several share an address an heir gets the lowest free number: until it is. */
static void inherit(const char *address, uint32_t id)
{
	struct bell_peer *heir[OPEN_MAX];
	int count = 0;

	do {
		ck_assert_int_lt(count, OPEN_MAX);
		ck_assert_int_eq(bell_open(address, -1, &heir[count]), 0);
	} while (bell_id(heir[count++]) != id);
	while (count > 0)
		__real_bell_close(heir[--count]);
}

void __wrap_bell_close(struct bell_peer *peer)
{
	bool dies = peer && is_on_the_bus(peer);
	uint32_t id = peer ? bell_id(peer) : 0;

	__real_bell_close(peer);
	for (int i = 0; dies && i < next; i++) {
		if (ids[i] != id)
			continue;
		inherit(addresses[i], id);
		return;
	}
}

static void begin(void)
{
	struct bell_bus_config format = { .name = "format", .flags = BELL_FORMAT };
	struct bell_peer *peer;
	struct bell_bus *bus;
	size_t size;
	void *memory;
	int rc;

	next = 0;
	peer = open_peer();
	memory = bell_memory(peer, &size);
	memset(memory, 0, size);
	rc = bell_join(peer, &format, &bus);
	if (rc < 0)
		ck_abort_msg("formatting: %s: %s", bell_strerror(rc), bell_detail());
	bell_leave(bus);
	bell_close(peer);
	next = 0;
}

static void end(void)
{
}

/* ---- the fixtures, without waiting for news ---------------------------------- */

void __wrap_setup_raw(void);
void __wrap_setup(void);

void __wrap_setup_raw(void)
{
	world->begin();
	a = world->open();
	b = world->open();
}

void __wrap_setup(void)
{
	__wrap_setup_raw();
	bus_a = join(a, "a");
	bus_b = join(b, "b");
}

/* What the port can do is known before cases are added. */
static int look(void)
{
	struct bell_peer *peer;
	int rc = bell_open(addresses[0], -1, &peer);

	if (rc < 0) {
		fprintf(stderr, "%s: %s: %s\n", addresses[0], bell_strerror(rc),
			bell_detail());
		return rc;
	}
	has_interrupts = bell_vectors(peer) > 0;
	printf("port %s, %u vectors\n", bell_port_name(peer), bell_vectors(peer));
	__real_bell_close(peer);
	return 0;
}

int run_untold(const char *name, char *const *list, int count)
{
	static struct world untold = { NULL, begin, end, open_peer };

	if (count > OPEN_MAX)
		count = OPEN_MAX;
	untold.name = name;
	addresses = list;
	address_count = count;
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (look() < 0)
		return EXIT_FAILURE;
	return run_suite(conformance_suite(&untold));
}
