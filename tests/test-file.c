/* SPDX-License-Identifier: BSD-2-Clause */
/* The port "file:" and what it is made of: addresses, numbers, the ticker. */
#define _GNU_SOURCE /* memfd_create(), mkdtemp() */
#include "address.h"
#include "bellring.h"
#include "layout.h"
#include "testing.h"
#include "ticker.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SIZE (1u << 20)

static char folder[] = "/tmp/bellring-file-XXXXXX";
static char path[64], address[80];

static void begin(void)
{
	strcpy(folder + strlen(folder) - 6, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/memory", folder);
	snprintf(address, sizeof(address), "file:%s", path);
}

static void end(void)
{
	(void)remove(path);
	ck_assert_int_eq(rmdir(folder), 0);
}

static void make(off_t size)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ftruncate(fd, size), 0);
	ck_assert_int_eq(close(fd), 0);
}

static struct bell_peer *must_open(const char *where)
{
	struct bell_peer *peer;
	int rc = bell_open(where, -1, &peer);

	if (rc < 0)
		ck_abort_msg("%s: %s: %s", where, bell_strerror(rc), bell_detail());
	return peer;
}

/* ---- addresses ------------------------------------------------------------- */

static const struct {
	const char *rest;
	int want;
	const char *where;
	int32_t id;
} addresses[] = {
	{ "", 0, "", ADDRESS_NO_ID },
	{ "/dev/shm/x", 0, "/dev/shm/x", ADDRESS_NO_ID },
	{ "/dev/shm/x,id=0", 0, "/dev/shm/x", 0 },
	{ "00:03.0,id=65535", 0, "00:03.0", 65535 },
	{ ",id=7", 0, "", 7 },
	{ "a,b,id=7", 0, "a,b", 7 },
	{ "a,id=7,b", 0, "a,id=7,b", ADDRESS_NO_ID }, /* a file's name may be that */
	{ "x,id=65536", -BELL_EINVAL, NULL, 0 },
	{ "x,id=99999999999999999999", -BELL_EINVAL, NULL, 0 },
	{ "x,id=", -BELL_EINVAL, NULL, 0 },
	{ "x,id=-1", -BELL_EINVAL, NULL, 0 },
	{ "x,id=1x", -BELL_EINVAL, NULL, 0 },
};

START_TEST(addresses_are_taken_apart)
{
	struct address a = { .where = "untouched", .id = 4711 };
	int rc = address_parse(addresses[_i].rest, &a);

	ck_assert_msg(rc == addresses[_i].want, "%s: %d", addresses[_i].rest, rc);
	ck_assert_str_eq(a.where, rc < 0 ? "untouched" : addresses[_i].where);
	ck_assert_int_eq(a.id, rc < 0 ? 4711 : addresses[_i].id);
}
END_TEST

START_TEST(address_too_long)
{
	static char text[PATH_MAX + 1];
	struct address a;

	memset(text, 'x', PATH_MAX);
	ck_assert_int_eq(address_parse(text, &a), -BELL_EINVAL);
	text[PATH_MAX - 1] = '\0';
	ck_assert_int_eq(address_parse(text, &a), 0);
}
END_TEST

/* ---- what is no memory -------------------------------------------------------- */

static void nothing_there(void)
{
}

static void a_folder(void)
{
	ck_assert_int_eq(mkdir(path, 0700), 0);
}

static void a_fifo(void)
{
	ck_assert_int_eq(mkfifo(path, 0600), 0);
}

static void empty(void)
{
	make(0);
}

static void odd_size(void)
{
	make(SIZE + 1);
}

static const struct {
	const char *name;
	void (*make)(void);
	int want;
	const char *says;
} refusals[] = {
	{ "nothing there", nothing_there, -BELL_ENODEV, "truncate -s 16M" },
	{ "a folder", a_folder, -BELL_EINVAL, "a folder" },
	{ "a FIFO", a_fifo, -BELL_EINVAL, "not a regular file" },
	{ "empty", empty, -BELL_EINVAL, "has 0 bytes" },
	{ "odd size", odd_size, -BELL_EINVAL, "multiple of" },
};

START_TEST(what_is_no_memory_is_refused)
{
	struct bell_way way;
	struct bell_peer *peer = NULL;
	int before, rc;

	refusals[_i].make();
	before = open_fds();
	rc = bell_open(address, -1, &peer);
	ck_assert_msg(rc == refusals[_i].want, "%s: %d: %s", refusals[_i].name, rc,
		      bell_detail());
	ck_assert_ptr_nonnull(strstr(bell_detail(), refusals[_i].says));
	ck_assert_ptr_nonnull(strstr(bell_detail(), path));
	ck_assert_ptr_null(peer);
	ck_assert_int_eq(bell_ways(address, &way, 1), 1);
	ck_assert_int_eq(way.error, refusals[_i].want);
	ck_assert_int_eq(open_fds(), before);
}
END_TEST

START_TEST(a_file_is_mapped_as_it_is)
{
	size_t size;
	int before = open_fds();
	struct bell_peer *peer;
	unsigned char *memory;
	unsigned char byte;
	int fd;

	make(3 * SIZE); /* QEMU wants powers of two, we do not */
	peer = must_open(address);
	memory = bell_memory(peer, &size);
	ck_assert_uint_eq(size, 3 * SIZE);
	ck_assert_uint_eq(bell_vectors(peer), 0);
	ck_assert_str_eq(bell_port_name(peer), "file");
	memory[size - 1] = 0x5a;
	ck_assert_int_eq(bell_sync(peer), 0);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	ck_assert_int_eq(pread(fd, &byte, 1, (off_t)size - 1), 1);
	ck_assert_uint_eq(byte, 0x5a);
	close(fd);
	bell_close(peer);
	ck_assert_int_eq(open_fds(), before);
}
END_TEST

/* ---- numbers ----------------------------------------------------------------- */

START_TEST(each_has_the_lowest_free_number)
{
	struct bell_peer *peer[4];

	make(SIZE);
	for (uint32_t i = 0; i < 3; i++) {
		peer[i] = must_open(address);
		ck_assert_uint_eq(bell_id(peer[i]), i);
	}
	bell_close(peer[1]);
	peer[1] = must_open(address);
	ck_assert_uint_eq(bell_id(peer[1]), 1);
	peer[3] = must_open(address);
	ck_assert_uint_eq(bell_id(peer[3]), 3);
	for (int i = 0; i < 4; i++)
		bell_close(peer[i]);
}
END_TEST

START_TEST(a_chosen_id_is_one_process_s)
{
	struct bell_peer *first, *second = NULL;
	char chosen[96];

	make(SIZE);
	snprintf(chosen, sizeof(chosen), "%s,id=20000", address);
	first = must_open(chosen);
	ck_assert_uint_eq(bell_id(first), 20000);
	ck_assert_int_eq(bell_open(chosen, -1, &second), -BELL_EBUSY);
	ck_assert_ptr_nonnull(strstr(bell_detail(), "20000"));
	bell_close(first);
	bell_close(must_open(chosen));
}
END_TEST

/* In a process of its own: joins, says so, and waits for its death. */
static pid_t start_victim(void)
{
	struct bell_bus_config cfg = { .name = "victim" };
	int ready[2];
	pid_t pid;
	char c;

	ck_assert_int_eq(pipe2(ready, O_CLOEXEC), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		struct bell_peer *peer;
		struct bell_bus *bus;

		must(bell_open(address, -1, &peer) == 0);
		must(bell_join(peer, &cfg, &bus) == 0);
		must(write(ready[1], "", 1) == 1);
		for (;;)
			pause();
	}
	close(ready[1]);
	ck_assert_int_eq(read(ready[0], &c, 1), 1);
	close(ready[0]);
	return pid;
}

START_TEST(the_next_one_buries_the_dead)
{
	struct bell_peer_info info[4];
	struct bell_peer *heir, *looker;
	pid_t victim;

	make(SIZE);
	victim = start_victim();
	looker = must_open(address);
	ck_assert_uint_eq(bell_id(looker), 1);
	ck_assert_int_ge(bell_peers(looker, info, 4), 1);
	ck_assert_uint_eq(info[0].id, 0);
	ck_assert_int_eq(info[0].state, BELL_STATE_LIVE);
	ck_assert_int_eq(kill(victim, SIGKILL), 0);
	ck_assert_int_eq(waitpid(victim, NULL, 0), victim);
	heir = must_open(address);
	ck_assert_uint_eq(bell_id(heir), 0);
	ck_assert_int_ge(bell_peers(looker, info, 4), 1);
	ck_assert_int_ne(info[0].state, BELL_STATE_LIVE);
	bell_close(heir);
	bell_close(looker);
}
END_TEST

/* ---- doorbells ----------------------------------------------------------------- */

START_TEST(nobody_is_rung)
{
	struct bell_peer *peer;

	make(SIZE);
	peer = must_open(address);
	ck_assert_int_eq(bell_ring(peer, 1, 0), -BELL_ENOPEER);
	ck_assert_ptr_nonnull(strstr(bell_detail(), "without doorbells"));
	ck_assert_int_eq(bell_on_interrupt(peer, 0, NULL, NULL), -BELL_EUNSUP);
	ck_assert_int_eq(bell_on_peer(peer, NULL, NULL), -BELL_EUNSUP);
	bell_close(peer);
}
END_TEST

/* Whom nobody rings would sleep for ever: such a memory is not joined. */
START_TEST(a_memory_of_peers_with_doorbells_is_refused)
{
	struct bell_peer *peer;
	struct bell_bus *bus = NULL;
	struct layout l;

	make(SIZE);
	peer = must_open(address);
	ck_assert_int_eq(layout_attach(bell_memory(peer, NULL), SIZE, false, &l), 0);
	if (_i == 0)
		shm_set(&layout_hdr(bell_memory(peer, NULL))->server_vectors, 16);
	else
		*layout_slot(bell_memory(peer, NULL), &l, 2) = (struct layout_slot){
			.word = slot_word(SLOT_LIVE, 7, 1), .vectors = 1
		};
	ck_assert_int_eq(bell_join(peer, NULL, &bus), -BELL_EUNSUP);
	ck_assert_ptr_nonnull(strstr(bell_detail(), "unix:"));
	ck_assert_ptr_null(bus);
	bell_close(peer);
}
END_TEST

/* ---- the ticker ------------------------------------------------------------------ */

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Ticks of a time in which nothing happens. */
static int ticks_in(struct ticker *t, uint64_t ns)
{
	uint64_t until = now() + ns;
	int n = 0;

	for (; now() < until; n++)
		ck_assert_int_eq(ticker_wait(t, -1), 0);
	return n;
}

START_TEST(ticks_grow_rare)
{
	struct ticker t;

	ck_assert_int_eq(ticker_init(&t), 0);
	/* 44 while it slows down, then one in 4 ms; late ones are fewer. */
	ck_assert_int_le(ticks_in(&t, 200000000), 44 + 50 + 5);
	ck_assert_uint_eq(t.tick_ns, TICKER_MAX_NS);
	ticker_active(&t);
	ck_assert_uint_eq(t.tick_ns, TICKER_MIN_NS);
	ticker_done(&t);
}
END_TEST

START_TEST(a_tick_that_nobody_takes_is_the_last)
{
	struct pollfd p = { .events = POLLIN };
	struct ticker t;
	uint64_t count;

	ck_assert_int_eq(ticker_init(&t), 0);
	p.fd = t.handle;
	ck_assert_int_eq(poll(&p, 1, 5000), 1);
	ck_assert_int_eq(poll(&p, 1, 20), 1);
	ck_assert_int_eq(read(t.handle, &count, sizeof(count)), sizeof(count));
	ck_assert_uint_eq(count, 1);
	ck_assert_int_eq(poll(&p, 1, 20), 0);
	ticker_done(&t);
}
END_TEST

START_TEST(ringing_makes_it_readable_at_once)
{
	struct pollfd p = { .events = POLLIN };
	struct ticker t;

	ck_assert_int_eq(ticker_init(&t), 0);
	p.fd = t.handle;
	t.active = 0; /* long ago: ticks of 4 ms from here on */
	ck_assert_int_eq(ticker_wait(&t, -1), 0);
	ck_assert_uint_eq(t.tick_ns, TICKER_MAX_NS);
	for (int i = 0; i < 100; i++) {
		uint64_t before = now();

		ck_assert_int_eq(ticker_wait(&t, 0), 0);
		ticker_ring(&t);
		ck_assert_int_eq(poll(&p, 1, 5000), 1);
		if (now() - before < TICKER_MAX_NS / 4) {
			ticker_done(&t);
			return;
		}
	}
	ck_abort_msg("never sooner than by its tick");
}
END_TEST

START_TEST(waits_no_longer_than_told)
{
	uint64_t before;
	struct ticker t;

	ck_assert_int_eq(ticker_init(&t), 0);
	t.active = 0;
	ck_assert_int_eq(ticker_wait(&t, -1), 0);
	before = now();
	ck_assert_int_eq(ticker_wait(&t, 0), 0);
	ck_assert_int_eq(ticker_wait(&t, 60000), 0); /* but a tick ends it */
	ck_assert_uint_lt(now() - before, UINT64_C(5000000000));
	ticker_done(&t);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("file");
	TCase *tc = tcase_create("file");

	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_loop_test(tc, addresses_are_taken_apart, 0, ARRAY_LEN(addresses));
	tcase_add_test(tc, address_too_long);
	tcase_add_loop_test(tc, what_is_no_memory_is_refused, 0, ARRAY_LEN(refusals));
	tcase_add_test(tc, a_file_is_mapped_as_it_is);
	tcase_add_test(tc, each_has_the_lowest_free_number);
	tcase_add_test(tc, a_chosen_id_is_one_process_s);
	tcase_add_test(tc, the_next_one_buries_the_dead);
	tcase_add_test(tc, nobody_is_rung);
	tcase_add_loop_test(tc, a_memory_of_peers_with_doorbells_is_refused, 0, 2);
	tcase_add_test(tc, ticks_grow_rare);
	tcase_add_test(tc, a_tick_that_nobody_takes_is_the_last);
	tcase_add_test(tc, ringing_makes_it_readable_at_once);
	tcase_add_test(tc, waits_no_longer_than_told);
	tcase_set_timeout(tc, 60);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
