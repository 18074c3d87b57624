/* SPDX-License-Identifier: BSD-2-Clause */
/* The sysfs port on a tree of plain files, whose registers nobody serves. */
#define _GNU_SOURCE /* nftw(), mkdtemp() */
#include "identity.h"
#include "plain.h"
#include "port.h"
#include "sysfs.h"
#include "testing.h"

#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEVICE "0000:00:03.0"
#define SIZE (1u << 20)
#define PAGE 4096 /* what the tree's BAR0 lies in; larger pages hold it, too */
#define BAR0_AT 0x200 /* in its page */
#define COMMAND 4
#define STATUS 6
#define CAPABILITIES 0x34

static char root[] = "/tmp/bellring-sysfs-XXXXXX";

static int remove_one(const char *path, const struct stat *st, int type,
		      struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void end(void)
{
	ck_assert_int_eq(nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

static const char *file(const char *name)
{
	static char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/bus/pci/devices/" DEVICE "/%s", root, name);
	return path;
}

static void put(const char *name, const void *data, size_t size)
{
	int fd = open(file(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, data, size), (ssize_t)size);
	close(fd);
}

static void put_text(const char *name, const char *text)
{
	put(name, text, strlen(text));
}

static void get(const char *name, void *data, size_t size, off_t at)
{
	int fd = open(file(name), O_RDONLY | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(pread(fd, data, size, at), (ssize_t)size);
	close(fd);
}

static void put_config(bool decodes, bool msix)
{
	unsigned char cfg[256] = { 0xf4, 0x1a, 0x10, 0x11 };

	cfg[COMMAND] = decodes ? 2 : 0;
	if (msix) {
		cfg[STATUS] = 0x10;
		cfg[CAPABILITIES] = 0x40;
		cfg[0x40] = 0x11;
	}
	put("config", cfg, sizeof(cfg));
}

static void put_registers(uint32_t id)
{
	char page[PAGE] = { 0 };

	memcpy(page + BAR0_AT + 8, &id, sizeof(id));
	put("resource0", page, sizeof(page));
}

/* A doorbell device that decodes its memory, with id 7. */
static void begin(void)
{
	char folder[PATH_MAX], *s;

	strcpy(root + strlen(root) - 6, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(root));
	snprintf(folder, sizeof(folder), "%s", file(""));
	for (s = folder + strlen(root) + 1; (s = strchr(s, '/')); s++) {
		*s = '\0';
		mkdir(folder, 0700);
		*s = '/';
	}
	put_text("vendor", "0x1af4\n");
	put_text("device", "0x1110\n");
	put_text("resource", "0x00000000febfb200 0x00000000febfb2ff 0x0000000000040200\n"
			     "0x0000000000000000 0x0000000000000000 0x0000000000000000\n"
			     "0x0000000800000000 0x00000008000fffff 0x000000000014220c\n");
	put_text("enable", "");
	put_config(true, true);
	put_registers(7);
	put_text("resource2", "");
	ck_assert_int_eq(truncate(file("resource2"), SIZE), 0);
}

static int try_open(const char *rest, struct bell_port **out)
{
	return sysfs_open_in(root, root, rest, out);
}

static struct bell_port *must_open(const char *rest)
{
	struct bell_port *port;
	int rc = try_open(rest, &port);

	if (rc < 0)
		ck_abort_msg("%s: %s: %s", rest, bell_strerror(rc), bell_detail());
	return port;
}

static uint32_t doorbell(void)
{
	uint32_t value;

	get("resource0", &value, sizeof(value), BAR0_AT + 0xc);
	return value;
}

/* ---- opening -------------------------------------------------------------- */

START_TEST(memory_and_registers_are_the_device_s)
{
	int before = open_fds();
	struct bell_port *port = must_open("");
	unsigned char byte;

	ck_assert_uint_eq(port->id, 7);
	ck_assert_uint_eq(port->size, SIZE);
	ck_assert_uint_eq(port->vectors, 0);
	((unsigned char *)port->memory)[SIZE - 1] = 0x5a;
	get("resource2", &byte, 1, SIZE - 1);
	ck_assert_uint_eq(byte, 0x5a);
	port->ops->close(port);
	ck_assert_int_eq(open_fds(), before);
}
END_TEST

START_TEST(several_processes_have_a_number_each)
{
	struct bell_port *port[3];

	for (uint32_t i = 0; i < 3; i++) {
		port[i] = must_open("00:03.0");
		ck_assert_uint_eq(port[i]->id, i << 16 | 7);
	}
	port[1]->ops->close(port[1]);
	port[1] = must_open("");
	ck_assert_uint_eq(port[1]->id, 1 << 16 | 7);
	for (int i = 0; i < 3; i++)
		port[i]->ops->close(port[i]);
}
END_TEST

START_TEST(no_more_than_there_are_numbers)
{
	struct bell_port *port[BELL_ID_PROCESS_MAX + 1], *more = NULL;

	for (uint32_t i = 0; i <= BELL_ID_PROCESS_MAX; i++)
		port[i] = must_open("");
	ck_assert_int_eq(try_open("", &more), -BELL_EBUSY);
	ck_assert_ptr_nonnull(strstr(bell_detail(), "256 processes"));
	ck_assert_ptr_null(more);
	for (uint32_t i = 0; i <= BELL_ID_PROCESS_MAX; i++)
		port[i]->ops->close(port[i]);
}
END_TEST

START_TEST(memory_is_enabled_if_it_is_off)
{
	struct bell_port *port;
	unsigned char command;
	char asked;

	put_config(false, true);
	port = must_open("");
	get("enable", &asked, 1, 0);
	ck_assert_int_eq(asked, '1'); /* the kernel was asked first */
	get("config", &command, 1, COMMAND);
	ck_assert_uint_eq(command, 2); /* and did nothing here */
	port->ops->close(port);
}
END_TEST

START_TEST(memory_that_is_on_is_left_alone)
{
	struct bell_port *port = must_open("");
	struct stat st;

	port->ops->close(port);
	ck_assert_int_eq(stat(file("enable"), &st), 0);
	ck_assert_int_eq(st.st_size, 0);
}
END_TEST

/* ---- what stands in the way ------------------------------------------------ */

static void not_ready(void)
{
	put_registers(UINT32_MAX);
}

static void no_address(void)
{
	put_text("resource", "0x0 0x0 0x0\n0x0 0x0 0x0\n0x0 0x0 0x0\n");
}

static void few_registers(void)
{
	put_text("resource", "0x1000 0x1007 0x40200\n0 0 0\n0x100000 0x1fffff 0x14220c\n");
}

static void no_memory_file(void)
{
	ck_assert_int_eq(remove(file("resource2")), 0);
}

static void no_registers_file(void)
{
	ck_assert_int_eq(remove(file("resource0")), 0);
}

static void nothing(void)
{
}

static const struct {
	const char *name, *rest;
	void (*make)(void);
	int want;
	const char *says;
} failures[] = {
	{ "not ready", "", not_ready, -BELL_EIO, "0xffffffff" },
	{ "no address", "", no_address, -BELL_EIO, "firmware" },
	{ "few registers", "", few_registers, -BELL_EIO, "8 bytes" },
	{ "no memory file", "", no_memory_file, -BELL_ENODEV, "resource2" },
	{ "no registers file", "", no_registers_file, -BELL_ENODEV, "resource0" },
	{ "another device", "00:04.0", nothing, -BELL_ENODEV, "00:04.0" },
	{ "an id of our own", "00:03.0,id=9", nothing, -BELL_EINVAL, "id=9" },
	{ "a bad id", ",id=x", nothing, -BELL_EINVAL, "id=x" },
};

START_TEST(what_stands_in_the_way_is_said)
{
	struct bell_port *port = NULL;
	int before, rc;

	failures[_i].make();
	before = open_fds();
	rc = try_open(failures[_i].rest, &port);
	ck_assert_msg(rc == failures[_i].want, "%s: %d: %s", failures[_i].name, rc,
		      bell_detail());
	ck_assert_msg(strstr(bell_detail(), failures[_i].says) != NULL, "%s: %s",
		      failures[_i].name, bell_detail());
	ck_assert_ptr_null(port);
	ck_assert_int_eq(open_fds(), before);
}
END_TEST

START_TEST(whether_it_would_work_is_known_before)
{
	int before = open_fds();

	ck_assert_int_eq(sysfs_usable_in(root, ""), 0);
	ck_assert_int_eq(sysfs_usable_in(root, ",id=3"), -BELL_EINVAL);
	no_memory_file();
	ck_assert_int_eq(sysfs_usable_in(root, ""), -BELL_ENODEV);
	ck_assert_int_eq(open_fds(), before);
}
END_TEST

START_TEST(who_has_no_rights_is_told)
{
	if (geteuid() == 0)
		return; /* may open everything */
	ck_assert_int_eq(chmod(file("resource2"), 0), 0);
	ck_assert_int_eq(sysfs_usable_in(root, ""), -BELL_EPERM);
	ck_assert_ptr_nonnull(strstr(bell_detail(), "run as root"));
}
END_TEST

/* ---- doorbells --------------------------------------------------------------- */

START_TEST(a_doorbell_is_one_store)
{
	struct bell_port *port = must_open("");

	ck_assert_uint_eq(doorbell(), 0);
	ck_assert_int_eq(port->ops->ring(port, 0x1234, 0x56), 0);
	ck_assert_uint_eq(doorbell(), 0x12340056);
	port->ops->close(port);
}
END_TEST

/* Long after anything happened, when ticks are rare. */
START_TEST(ringing_oneself_wakes_an_event_loop)
{
	struct bell_port *port = must_open("");
	struct pollfd p = { .fd = port->ops->handle(port), .events = POLLIN };

	ck_assert_int_eq(port->ops->ring(port, 7, 0), 0);
	ck_assert_int_eq(poll(&p, 1, 1000), 1);
	ck_assert_int_eq(port->ops->wait(port, 0, NULL), 0);
	port->ops->close(port);
}
END_TEST

/* ---- ivshmem-plain ------------------------------------------------------------- */

START_TEST(a_plain_device_has_no_doorbell)
{
	struct bell_port *port;

	put_config(true, false);
	put_registers(0);
	port = must_open("");
	ck_assert_int_eq(port->ops->ring(port, 9, 0), -BELL_ENOPEER);
	ck_assert_ptr_nonnull(strstr(bell_detail(), "ivshmem-plain"));
	ck_assert_uint_eq(doorbell(), 0);
	port->ops->close(port);
}
END_TEST

START_TEST(a_plain_device_s_id_is_the_machine_s)
{
	struct bell_port *one, *two;
	uint32_t id;

	put_config(true, false);
	put_registers(0);
	one = must_open("");
	id = BELL_ID_DEVICE(one->id);
	ck_assert_uint_eq(id, plain_id(root, DEVICE));
	ck_assert_uint_ge(id, IDENTITY_ID_MIN);
	two = must_open("");
	ck_assert_uint_eq(two->id, 1u << 16 | id);
	one->ops->close(one);
	two->ops->close(two);
	one = must_open("00:03.0,id=40000");
	ck_assert_uint_eq(one->id, 40000);
	one->ops->close(one);
}
END_TEST

static void machine_id(const char *text)
{
	char path[PATH_MAX];
	FILE *f;

	snprintf(path, sizeof(path), "%s/etc", root);
	mkdir(path, 0700);
	snprintf(path, sizeof(path), "%s/etc/machine-id", root);
	f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	fclose(f);
}

START_TEST(machines_have_different_ids)
{
	uint32_t seen[64];
	char text[40];
	int same = 0;

	for (int i = 0; i < ARRAY_LEN(seen); i++) {
		snprintf(text, sizeof(text), "%032x\n", (unsigned)i);
		machine_id(text);
		seen[i] = plain_id(root, DEVICE);
		ck_assert_uint_eq(seen[i], plain_id(root, DEVICE));
		ck_assert_uint_ge(seen[i], IDENTITY_ID_MIN);
		ck_assert_uint_le(seen[i], BELL_ID_DEVICE_MAX);
		for (int j = 0; j < i; j++)
			same += seen[j] == seen[i];
	}
	/* 2016 pairs of 49152 numbers; always the same machines, but for the name. */
	ck_assert_int_le(same, 3);
	ck_assert_uint_ne(plain_id(root, DEVICE), plain_id(root, "0000:00:04.0"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sysfs");
	TCase *tc = tcase_create("sysfs");

	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_test(tc, memory_and_registers_are_the_device_s);
	tcase_add_test(tc, several_processes_have_a_number_each);
	tcase_add_test(tc, no_more_than_there_are_numbers);
	tcase_add_test(tc, memory_is_enabled_if_it_is_off);
	tcase_add_test(tc, memory_that_is_on_is_left_alone);
	tcase_add_loop_test(tc, what_stands_in_the_way_is_said, 0, ARRAY_LEN(failures));
	tcase_add_test(tc, whether_it_would_work_is_known_before);
	tcase_add_test(tc, who_has_no_rights_is_told);
	tcase_add_test(tc, a_doorbell_is_one_store);
	tcase_add_test(tc, ringing_oneself_wakes_an_event_loop);
	tcase_add_test(tc, a_plain_device_has_no_doorbell);
	tcase_add_test(tc, a_plain_device_s_id_is_the_machine_s);
	tcase_add_test(tc, machines_have_different_ids);
	tcase_set_timeout(tc, 60);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
