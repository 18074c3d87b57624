/* SPDX-License-Identifier: BSD-2-Clause */
/* The server's memory: its kinds, sizes, seals, and what becomes of it. */
#define _GNU_SOURCE /* F_GET_SEALS, memfd_create */

#include "bellring.h"
#include "fd.h"
#include "shm-guard.h"
#include "shm.h"
#include "testing.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <unistd.h>

#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)

static char place[] = "/tmp/bellring-shm-XXXXXX";
static int fds_before;

static void make_place(void)
{
	fds_before = open_fds();
	strcpy(strrchr(place, '-') + 1, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(place));
}

/* Nothing may be left in it but what the test removed. */
static void remove_place(void)
{
	ck_assert_int_eq(rmdir(place), 0);
	ck_assert_int_eq(open_fds(), fds_before);
}

static const char *in_place(const char *name)
{
	static char path[64];

	snprintf(path, sizeof(path), "%s/%s", place, name);
	return path;
}

static uint64_t machine_bytes(void)
{
	struct sysinfo s;

	ck_assert_int_eq(sysinfo(&s), 0);
	return ((uint64_t)s.totalram + s.totalswap) * s.mem_unit;
}

static struct stat stat_of(int fd)
{
	struct stat st;

	ck_assert_int_eq(fstat(fd, &st), 0);
	return st;
}

static void fails(const struct shm_wish *wish, int code, const char *text)
{
	struct shm shm = { .fd = -7 };

	ck_assert_int_eq(shm_new(wish, &shm), code);
	ck_assert_msg(strstr(bell_detail(), text), "'%s' is not in: %s", text,
		      bell_detail());
	ck_assert_int_eq(shm.fd, -7);
}

/* ---- memfd --------------------------------------------------------------------- */

static const struct {
	uint64_t wished, got;
} sizes[] = {
	{ 1, SHM_MIN_SIZE },
	{ 65536, 65536 },
	{ 65537, 131072 },
	{ 64 * MIB, 64 * MIB },
	{ GIB + 1, 2 * GIB },
	{ 8 * GIB, 8 * GIB },
};

START_TEST(usual_sizes)
{
	uint64_t got = sizes[_i].got;
	struct shm shm;

	if (got > SIZE_MAX) {
		fails(&(struct shm_wish){ .size = sizes[_i].wished }, -BELL_ENOMEM,
		      "address space of a 32-bit program");
		return;
	}
	if (got > machine_bytes()) {
		fails(&(struct shm_wish){ .size = sizes[_i].wished }, -BELL_ENOMEM,
		      "this machine has");
		return;
	}
	ck_assert_int_eq(shm_new(&(struct shm_wish){ .size = sizes[_i].wished },
				 &shm), 0);
	ck_assert_uint_eq(shm.size, got);
	ck_assert_uint_eq((uint64_t)stat_of(shm.fd).st_size, got);
	ck_assert_msg(stat_of(shm.fd).st_blocks == 0, "it is not sparse");
	ck_assert(shm.sealed);
	ck_assert_str_eq(shm.kind, "memfd");
	ck_assert_int_eq(fcntl(shm.fd, F_GET_SEALS),
			 F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
	ck_assert_int_lt(ftruncate(shm.fd, 0), 0);
	ck_assert(fcntl(shm.fd, F_GETFD) & FD_CLOEXEC);
	((char *)shm.memory)[0] = 1;
	((char *)shm.memory)[got - 1] = 1;
	ck_assert_int_lt(stat_of(shm.fd).st_blocks, 32);
	shm_done(&shm);
	shm_done(&shm);
}
END_TEST

START_TEST(larger_than_the_machine)
{
	if (machine_bytes() < SHM_MAX_SIZE)
		fails(&(struct shm_wish){ .size = SHM_MAX_SIZE }, -BELL_ENOMEM,
		      "choose a smaller --size");
	fails(&(struct shm_wish){ .size = SHM_MAX_SIZE + 1 }, -BELL_EINVAL,
	      "more than 1 TiB");
}
END_TEST

START_TEST(only_one_wish)
{
	const struct shm_wish wishes[] = {
		{ .size = MIB, .name = "a", .dir = "/tmp" },
		{ .size = MIB, .name = "a", .hugepage = 2 * MIB },
		{ .size = MIB, .file = "a", .dir = "/tmp" },
	};

	for (int i = 0; i < ARRAY_LEN(wishes); i++)
		fails(&wishes[i], -BELL_EINVAL, "only one of them");
}
END_TEST

START_TEST(room_for_what_is_written_first)
{
	struct shm shm;

	ck_assert_int_eq(shm_new(&(struct shm_wish){ .size = MIB }, &shm), 0);
	ck_assert_int_eq(shm_hold(&shm, 256 * 1024), 0);
	ck_assert_int_eq(stat_of(shm.fd).st_blocks, 256 * 1024 / 512);
	ck_assert_int_eq(shm_hold(&shm, UINT64_MAX), 0);
	ck_assert_int_eq(stat_of(shm.fd).st_blocks, MIB / 512);
	shm_done(&shm);
}
END_TEST

/* ---- huge pages: working ones are in test-server-rights.py ----------------------- */

static const struct {
	uint64_t page;
	const char *text;
} bad_pages[] = {
	{ 3 * MIB, "not a size of pages" },
	{ 4096, "not a size of pages" },
	{ 1, "not a size of pages" },
	{ UINT64_MAX, "not a size of pages" },
	{ 128 * 1024, "there are no huge pages of 128 KiB here" },
};

START_TEST(no_such_page)
{
	fails(&(struct shm_wish){ .size = MIB, .hugepage = bad_pages[_i].page },
	      -BELL_EINVAL, bad_pages[_i].text);
}
END_TEST

static uint64_t usual_huge_page(void)
{
	FILE *f = fopen("/proc/meminfo", "re");
	unsigned long kib = 0;
	char line[128];

	ck_assert_ptr_nonnull(f);
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "Hugepagesize: %lu kB", &kib) == 1)
			break;
	fclose(f);
	return kib * UINT64_C(1024);
}

START_TEST(too_few_huge_pages)
{
	struct shm_wish wish = { .size = SHM_MAX_SIZE,
				 .hugepage = usual_huge_page() };

	if (wish.hugepage == 0) /* a kernel without any */
		return;
	if (SHM_MAX_SIZE > SIZE_MAX) /* more than there can be here, anyway */
		wish.size = GIB;
	fails(&wish, -BELL_ENOMEM, "are free; as root write a number");
	ck_assert_ptr_nonnull(strstr(bell_detail(), "kB/nr_hugepages"));
}
END_TEST

/* ---- with a name, or in a directory ------------------------------------------------ */

START_TEST(new_file)
{
	struct shm_wish wish = { .size = MIB, .file = in_place("memory") };
	struct shm shm, other;

	umask(0);
	ck_assert_int_eq(shm_new(&wish, &shm), 0);
	ck_assert_str_eq(shm.kind, "file");
	ck_assert(!shm.sealed);
	ck_assert_uint_eq(stat_of(shm.fd).st_mode, S_IFREG | 0600);
	ck_assert_int_eq(stat_of(shm.fd).st_size, (off_t)MIB);
	fails(&wish, -BELL_EBUSY, "another server has it");
	((char *)shm.memory)[7] = 7;
	shm_done(&shm);
	ck_assert_int_eq(shm_new(&wish, &other), 0);
	ck_assert_int_eq(((char *)other.memory)[7], 7);
	shm_done(&other);
	ck_assert_int_eq(unlink(wish.file), 0);
}
END_TEST

/* What somebody made for us keeps its mode. */
START_TEST(existing_file)
{
	struct shm_wish wish = { .size = MIB, .file = in_place("memory") };
	int fd = open(wish.file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	struct shm shm;

	ck_assert_int_eq(fchmod(fd, 0640), 0);
	ck_assert_int_eq(shm_new(&wish, &shm), 0);
	ck_assert_int_eq(stat_of(fd).st_size, (off_t)MIB);
	ck_assert_uint_eq(stat_of(fd).st_mode, S_IFREG | 0640);
	shm_done(&shm);
	wish.size = 2 * MIB;
	fails(&wish, -BELL_EEXIST, "exists with 1048576 bytes, not 2097152; remove");
	ck_assert_int_eq(stat_of(fd).st_size, (off_t)MIB);
	close(fd);
	ck_assert_int_eq(unlink(wish.file), 0);
}
END_TEST

START_TEST(no_regular_file)
{
	struct shm_wish wish = { .size = MIB, .file = in_place("memory") };

	ck_assert_int_eq(symlink("/etc/passwd", wish.file), 0);
	fails(&wish, -BELL_EEXIST, "is a symbolic link");
	ck_assert_int_eq(unlink(wish.file), 0);
	ck_assert_int_eq(mkfifo(wish.file, 0600), 0);
	fails(&wish, -BELL_EEXIST, "is no regular file");
	ck_assert_int_eq(unlink(wish.file), 0);
	wish.file = place;
	fails(&wish, -BELL_EIO, "open: Is a directory");
	wish.file = "/dev/null";
	fails(&wish, -BELL_EEXIST, "is no regular file");
}
END_TEST

START_TEST(directory)
{
	struct shm_wish wish = { .size = MIB, .dir = place };
	struct shm shm;

	ck_assert_int_eq(shm_new(&wish, &shm), 0);
	ck_assert_str_eq(shm.kind, "directory");
	ck_assert(!shm.sealed);
	ck_assert_uint_eq(stat_of(shm.fd).st_nlink, 0);
	shm_done(&shm);
}
END_TEST

START_TEST(more_than_the_file_system)
{
	struct shm_wish wish = { .size = SHM_MAX_SIZE, .dir = place };
	struct statvfs fs;

	ck_assert_int_eq(statvfs(place, &fs), 0);
	if (fs.f_bavail * fs.f_frsize < SHM_MAX_SIZE)
		fails(&wish, -BELL_ENOMEM, "its file system has room for");
}
END_TEST

/* ---- from a former server --------------------------------------------------------- */

static const char *const kinds[] = { "memfd", "file", "shm", "directory" };

static struct shm_wish wish_for(const char *kind, char *name, size_t room)
{
	struct shm_wish wish = { .size = MIB };

	snprintf(name, room, "/bellring-test-%ld", (long)getpid());
	if (strcmp(kind, "file") == 0)
		wish.file = in_place("memory");
	else if (strcmp(kind, "shm") == 0)
		wish.name = name;
	else if (strcmp(kind, "directory") == 0)
		wish.dir = place;
	return wish;
}

START_TEST(adopted)
{
	char name[64];
	struct shm_wish wish = wish_for(kinds[_i], name, sizeof(name));
	struct shm former, shm;
	int fd;

	ck_assert_int_eq(shm_new(&wish, &former), 0);
	strcpy(former.memory, "is here");
	fd = dup(former.fd);
	shm_done(&former);
	ck_assert_int_eq(shm_adopt(&fd, &shm), 0);
	ck_assert_int_eq(fd, -1);
	ck_assert_str_eq(shm.memory, "is here");
	ck_assert_uint_eq(shm.size, MIB);
	ck_assert_str_eq(shm.kind, kinds[_i]);
	ck_assert_int_eq(shm.sealed, _i == 0);
	ck_assert(fcntl(shm.fd, F_GETFD) & FD_CLOEXEC);
	if (wish.file || wish.name) /* the lock is the descriptor's */
		fails(&wish, -BELL_EBUSY, "another server has it");
	shm_done(&shm);
	if (wish.file)
		ck_assert_int_eq(unlink(wish.file), 0);
	if (wish.name)
		ck_assert_int_eq(shm_unlink(wish.name), 0);
}
END_TEST

static const struct {
	const char *name;
	off_t size; /* of a memfd; or */
	const char *path;
	int flags;
	const char *text;
} strangers[] = {
	{ "no power of two", 96 << 10, NULL, 0, "98304 bytes are not a power" },
	{ "too small", 32 << 10, NULL, 0, "32768 bytes are not a power" },
	{ "empty", 0, NULL, 0, "0 bytes are not a power" },
	{ "device", 0, "/dev/null", O_RDWR, "not a file open for reading and" },
	{ "directory", 0, "/", O_RDONLY, "not a file open for reading and" },
	{ "read-only", 0, "/proc/self/exe", O_RDONLY, "not a file open for" },
};

START_TEST(not_adopted)
{
	int fd, was;
	struct shm shm = { .fd = -7 };

	if (strangers[_i].path) {
		fd = open(strangers[_i].path, strangers[_i].flags | O_CLOEXEC);
	} else {
		fd = memfd_create("stranger", MFD_CLOEXEC);
		ck_assert_int_eq(ftruncate(fd, strangers[_i].size), 0);
	}
	was = fd;
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(shm_adopt(&fd, &shm), -BELL_EINVAL);
	ck_assert_msg(strstr(bell_detail(), strangers[_i].text), "%s: %s",
		      strangers[_i].name, bell_detail());
	ck_assert_int_eq(fd, was);
	ck_assert_int_eq(shm.fd, -7);
	close(fd);
}
END_TEST

/* ---- taken away -------------------------------------------------------------------- */

START_TEST(cut_short)
{
	struct shm_wish wish = { .size = MIB, .dir = place };
	volatile char *memory;
	struct shm shm;

	ck_assert_int_eq(shm_new(&wish, &shm), 0);
	memory = shm.memory;
	memory[MIB - 1] = 'x';
	ck_assert(!shm_guard_hit());
	ck_assert_int_eq(ftruncate(shm.fd, 0), 0);
	ck_assert_int_eq(memory[MIB - 1], 0);
	ck_assert(shm_guard_hit());
	memory[0] = 'y';
	ck_assert_int_eq(memory[0], 'y');
	shm_done(&shm);
}
END_TEST

/* A mapping that is not the server's memory: a defect must not be hidden. */
static void die_elsewhere(void)
{
	struct shm shm;
	int fd = memfd_create("other", MFD_CLOEXEC);
	volatile char *other;

	if (shm_new(&(struct shm_wish){ .size = MIB }, &shm) < 0 ||
	    ftruncate(fd, 4096) < 0)
		_exit(1);
	other = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (other == MAP_FAILED || ftruncate(fd, 0) < 0)
		_exit(2);
	other[0] = 1;
	_exit(3);
}

START_TEST(another_bus_error_kills)
{
	int status;
	pid_t child = fork();

	if (child == 0)
		die_elsewhere();
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS,
		      "status %#x", (unsigned)status);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("shm");
	TCase *tc = tcase_create("shm");

	tcase_add_checked_fixture(tc, make_place, remove_place);
	tcase_add_loop_test(tc, usual_sizes, 0, ARRAY_LEN(sizes));
	tcase_add_test(tc, larger_than_the_machine);
	tcase_add_test(tc, only_one_wish);
	tcase_add_test(tc, room_for_what_is_written_first);
	tcase_add_loop_test(tc, no_such_page, 0, ARRAY_LEN(bad_pages));
	tcase_add_test(tc, too_few_huge_pages);
	tcase_add_test(tc, new_file);
	tcase_add_test(tc, existing_file);
	tcase_add_test(tc, no_regular_file);
	tcase_add_test(tc, directory);
	tcase_add_test(tc, more_than_the_file_system);
	tcase_add_loop_test(tc, adopted, 0, ARRAY_LEN(kinds));
	tcase_add_loop_test(tc, not_adopted, 0, ARRAY_LEN(strangers));
	tcase_add_test(tc, cut_short);
	tcase_add_test(tc, another_bus_error_kills);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
