/* SPDX-License-Identifier: BSD-2-Clause */
/* The memory of an ivshmem-plain device, as a file of this host. */
#include "doctor-parts.h"
#include "doctor-tree.h"
#include "doctor-users.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

static void check_file(struct doctor *d)
{
	const char *path = doctor_place(d);
	char user[USERS_NAME], group[USERS_NAME];
	struct stat st;

	if (stat(path, &st) < 0) {
		doctor_try(d, "truncate -s 64M %s && chmod 0660 %s", doctor_word(d), doctor_word(d));
		doctor_tell(d, DOCTOR_FAILURE, "%s: %s", path, strerror(errno));
	} else if (!S_ISREG(st.st_mode)) {
		doctor_try(d, "ls -ld %s", doctor_word(d));
		doctor_tell(d, DOCTOR_FAILURE, "%s is not a file", path);
	} else {
		doctor_tell(d, DOCTOR_OK, "%s: mode %04o, owner %s, group %s", path,
			    (unsigned)(st.st_mode & 07777), users_user(st.st_uid, user),
			    users_group(st.st_gid, group));
	}
}

static void check_size(struct doctor *d)
{
	const char *path = doctor_place(d);
	struct stat st;
	size_t size;

	if (stat(path, &st) < 0 || !S_ISREG(st.st_mode)) {
		doctor_tell(d, DOCTOR_SKIPPED, "there is no file");
		return;
	}
	size = (size_t)st.st_size;
	if (size >= 4096 && (size & (size - 1)) == 0) {
		doctor_tell(d, DOCTOR_OK, "%zu KiB, a power of two", size / 1024);
		return;
	}
	doctor_try(d, "truncate -s %zu %s", doctor_power_of_two(size), doctor_word(d));
	doctor_tell(d, DOCTOR_FAILURE, "%zu bytes, no power of two from 4096 on: QEMU "
		    "refuses it, or aborts", size);
}

static void check_access(struct doctor *d)
{
	const char *path = doctor_place(d);
	char user[USERS_NAME], group[USERS_NAME];
	struct stat st;

	if (stat(path, &st) < 0 || !S_ISREG(st.st_mode)) {
		doctor_tell(d, DOCTOR_SKIPPED, "there is no file");
		return;
	}
	if (faccessat(AT_FDCWD, path, R_OK | W_OK, AT_EACCESS) == 0) {
		doctor_tell(d, DOCTOR_OK, "this user may read and write it");
		return;
	}
	users_user(geteuid(), user);
	users_group(st.st_gid, group);
	if ((st.st_mode & 0060) == 0060)
		doctor_try(d, "sudo usermod -aG %s %s # then log in again", group, user);
	else
		doctor_try(d, "sudo chmod g+rw %s; sudo usermod -aG %s %s", doctor_word(d), group,
			   user);
	doctor_tell(d, DOCTOR_FAILURE, "user %s may not read and write it: mode %04o, "
		    "group %s", user, (unsigned)(st.st_mode & 07777), group);
}

/* A page that there is no room for is a SIGBUS, in whoever touches it first. */
void doctor_tell_room(struct doctor *d, const char *path)
{
	unsigned long long missing, room;
	struct statvfs fs;
	struct stat st;

	if (stat(path, &st) < 0 || statvfs(path, &fs) < 0) {
		doctor_tell(d, DOCTOR_SKIPPED, "there is no file with room to fill");
		return;
	}
	missing = (unsigned long long)st.st_size;
	missing -= missing < (unsigned long long)st.st_blocks * 512 ?
			   missing : (unsigned long long)st.st_blocks * 512;
	room = (unsigned long long)fs.f_bavail * fs.f_frsize;
	if (missing <= room) {
		doctor_tell(d, DOCTOR_OK, "%llu KiB are yet to be filled, %llu KiB are free",
			    missing / 1024, room / 1024);
		return;
	}
	if (strncmp(path, "/dev/shm/", 9) == 0)
		doctor_try(d, "sudo mount -o remount,size=%lluM /dev/shm",
			   ((unsigned long long)fs.f_blocks * fs.f_frsize + missing) >> 20);
	else
		doctor_try(d, "df -h '%s'", path);
	doctor_tell(d, DOCTOR_FAILURE, "%llu KiB are yet to be filled, only %llu KiB are "
		    "free: SIGBUS then ends QEMU", missing / 1024, room / 1024);
}

static void check_room(struct doctor *d)
{
	doctor_tell_room(d, doctor_place(d));
}

const struct doctor_check doctor_file[] = {
	{ "file", DOCTOR_FILE, false, check_file },
	{ "size", DOCTOR_FILE, false, check_size },
	{ "rights", DOCTOR_FILE, false, check_access },
	{ "room", DOCTOR_FILE, false, check_room },
	{ NULL, 0, false, NULL },
};
