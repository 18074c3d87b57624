/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * conformance-vfio.c - the conformance suite inside a guest, on the vfio port
 *
 *   conformance-vfio ADDRESS...
 *
 * CASES in the environment narrows it to cases whose name holds one of its words.
 *
 * A guest with several devices of one server is several peers; each case opens
 * the next ones of them. A case that needs what no guest has (news of who is
 * connected, one more device) is left out, and told: "skip NAME: REASON".
 *
 * Three things are replaced at link time (--wrap): the suite's fixtures, which
 * wait until the server's news of b has come to a; adding a case, which asks the
 * list of those that are left out; and bell_close(), see there.
 */
#include "../conformance.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *const *addresses;
static int address_count;
static int next; /* of them */
static uint32_t ids[64]; /* of those that were opened */

/* ---- what is left out ---------------------------------------------------- */

#define NO_NEWS "a guest is not told who is connected"
#define NOT_LISTED "a guest cannot tell whether an id is connected"

static const struct {
	const char *name, *reason;
	int first; /* of a loop: leaves out this turn and what follows */
} left_out[] = {
	{ "join_and_leave_are_told", NO_NEWS, 0 },
	{ "bad_ring", NOT_LISTED, 3 }, /* nobody, and a vector that is not there */
	{ "names_find_ids", NOT_LISTED ", and is not of kind host", 0 },
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

void __real__tcase_add_test(TCase *tc, const TTest *test, int signal,
			    int exit_value, int start, int end);
void __wrap__tcase_add_test(TCase *tc, const TTest *test, int signal,
			    int exit_value, int start, int end);

void __wrap__tcase_add_test(TCase *tc, const TTest *test, int signal,
			    int exit_value, int start, int end)
{
	if (!is_wanted(test->name))
		return;
	for (int i = 0; i < ARRAY_LEN(left_out); i++) {
		if (strcmp(left_out[i].name, test->name) != 0)
			continue;
		for (int turn = left_out[i].first; turn < end; turn++)
			printf("skip %s: %s\n", test->name, left_out[i].reason);
		end = left_out[i].first;
	}
	if (start < end)
		__real__tcase_add_test(tc, test, signal, exit_value, start, end);
}

/* ---- the world ----------------------------------------------------------- */

static struct bell_peer *open_peer(void)
{
	struct bell_peer *peer;
	int rc;

	if (next == address_count)
		ck_abort_msg("all %d devices are in use", address_count);
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
	struct bell_peer_info info[64];
	int n = bell_peers(peer, info, ARRAY_LEN(info));

	for (int i = 0; i < n && i < ARRAY_LEN(info); i++)
		if (info[i].id == bell_id(peer) && info[i].state == BELL_STATE_LIVE)
			return true;
	return false;
}

void __real_bell_close(struct bell_peer *peer);
void __wrap_bell_close(struct bell_peer *peer);

/*
 * Closed without leaving, a case's way to die: no server sees that of a process
 * in a guest, but the next one to open the device tells.
 */
void __wrap_bell_close(struct bell_peer *peer)
{
	bool dies = peer && is_on_the_bus(peer);
	uint32_t id = peer ? bell_id(peer) : 0;
	struct bell_peer *heir;

	__real_bell_close(peer);
	for (int i = 0; dies && i < next; i++) {
		if (ids[i] != id)
			continue;
		ck_assert_int_eq(bell_open(addresses[i], -1, &heir), 0);
		__real_bell_close(heir);
		return;
	}
}

/* The memory outlives each case: all of it as a server leaves it at its start. */
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

int main(int argc, char **argv)
{
	static const struct world vfio = { "vfio", begin, end, open_peer };

	if (argc < 3 || argc - 1 > ARRAY_LEN(ids)) {
		fprintf(stderr, "usage: conformance-vfio ADDRESS ADDRESS...\n");
		return 2;
	}
	addresses = argv + 1;
	address_count = argc - 1;
	setvbuf(stdout, NULL, _IOLBF, 0);
	return run_suite(conformance_suite(&vfio));
}
