/* SPDX-License-Identifier: BSD-2-Clause */
/* What a host needs besides a server. */
#include "doctor-parts.h"
#include "doctor-tree.h"
#include "doctor-users.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* ---- KVM -------------------------------------------------------------------------- */

static void check_kvm(struct doctor *d)
{
	char path[TREE_PATH], user[USERS_NAME];

	tree_path(d, path, "/dev/kvm");
	if (faccessat(AT_FDCWD, path, R_OK | W_OK, AT_EACCESS) == 0) {
		doctor_tell(d, DOCTOR_OK, "/dev/kvm may be used");
	} else if (errno == EACCES) {
		doctor_try(d, "sudo usermod -aG kvm %s # then log in again",
			   users_user(geteuid(), user));
		doctor_tell(d, DOCTOR_WARNING, "/dev/kvm is closed to this user: its QEMU "
			    "would emulate");
	} else {
		doctor_try(d, "sudo modprobe kvm_intel || sudo modprobe kvm_amd");
		doctor_tell(d, DOCTOR_WARNING, "no /dev/kvm: QEMU emulates, some ten times "
			    "slower");
	}
}

/* ---- descriptors ------------------------------------------------------------------- */

static void check_descriptors(struct doctor *d)
{
	struct rlimit limit = { .rlim_cur = 0 };
	int peers = bell_peers(d->peer, NULL, 0);
	unsigned need = (unsigned)(peers > 0 ? peers : 1) * bell_vectors(d->peer);

	(void)getrlimit(RLIMIT_NOFILE, &limit);
	if (need < limit.rlim_cur / 4 * 3) {
		doctor_tell(d, DOCTOR_OK, "%u of %llu are taken by the vectors of %d peers",
			    need, (unsigned long long)limit.rlim_cur, peers);
		return;
	}
	doctor_try(d, "sudo prlimit --pid $$ --nofile=65536");
	doctor_tell(d, DOCTOR_WARNING, "%u of %llu are taken by the vectors of %d peers: "
		    "a program that uses more peers fails", need,
		    (unsigned long long)limit.rlim_cur, peers);
}

/* ---- pages ------------------------------------------------------------------------- */

/* Name and page size (KiB; 0: unknown) of the mapping that holds the memory. */
static void find_mapping(struct doctor *d, char name[TREE_PATH], unsigned long *page)
{
	unsigned long long first, last;
	unsigned long at = (unsigned long)(uintptr_t)bell_memory(d->peer, NULL);
	char path[TREE_PATH], *line = NULL;
	bool ours = false;
	size_t room = 0;
	FILE *file;

	*page = 0;
	name[0] = '\0';
	tree_path(d, path, "/proc/self/smaps");
	file = fopen(path, "re");
	while (file && *page == 0 && getline(&line, &room, file) >= 0) {
		int end = 0;

		if (sscanf(line, "%llx-%llx %*s %*s %*s %*s %n", &first, &last, &end) == 2 &&
		    end > 0) {
			ours = at >= first && at < last;
			line[strcspn(line, "\n")] = '\0';
			if (ours)
				snprintf(name, TREE_PATH, "%s", line + end);
		} else if (ours) {
			(void)sscanf(line, "KernelPageSize: %lu", page);
		}
	}
	free(line);
	if (file)
		fclose(file);
}

static void check_pages(struct doctor *d)
{
	char name[TREE_PATH];
	unsigned long page;

	find_mapping(d, name, &page);
	if (page == 0)
		doctor_tell(d, DOCTOR_SKIPPED, "/proc/self/smaps does not tell");
	else
		doctor_tell(d, DOCTOR_OK, "%s, pages of %lu KiB%s", name, page,
			    page > 64 ? ": huge" : "");
}

/* The server's, where it is a file: an unnamed memory needs no room in a file system. */
static void check_room(struct doctor *d)
{
	char name[TREE_PATH];
	unsigned long page;

	find_mapping(d, name, &page);
	if (page == 0 || strncmp(name, "/memfd:", 7) == 0 || strstr(name, " (deleted)"))
		doctor_tell(d, DOCTOR_OK, "not a file with a name, which a file system could "
			    "have no room for");
	else
		doctor_tell_room(d, name);
}

/* ---- huge pages that are asked for --------------------------------------------------- */

/* KiB of "2M", "1G", "2048K" or bytes. */
static uint64_t size_kib(const char *text)
{
	char *end;
	uint64_t n = strtoull(text, &end, 10);

	switch (*end) {
	case 'G': case 'g':
		return n << 20;
	case 'M': case 'm':
		return n << 10;
	case 'K': case 'k':
		return n;
	}
	return n >> 10;
}

/* A setting of the socket's instance of the server, as its unit names the file. */
static bool find_setting(const struct doctor *d, const char *key, char *value, size_t size)
{
	const char *path = doctor_place(d), *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	char text[4 * TREE_TEXT], *line, *save = NULL;

	(void)tree_read(d, text, sizeof(text), "/etc/bellring/%.*s.conf",
			(int)strcspn(name, "."), name);
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char found[32] = "";

		if (sscanf(line, " %31[a-z-] = %63s", found, value) == 2 &&
		    strcmp(found, key) == 0 && size >= 64)
			return true;
	}
	return false;
}

static void check_hugepages(struct doctor *d)
{
	char value[64], text[32];
	uint64_t page, free_pages, need;

	if (!find_setting(d, "hugepages", value, sizeof(value))) {
		doctor_tell(d, DOCTOR_OK, "the server's settings ask for none");
		return;
	}
	page = size_kib(value);
	need = find_setting(d, "size", value, sizeof(value)) ? size_kib(value) : 64 << 10;
	need = page ? (need + page - 1) / page : 0;
	tree_line(d, text, sizeof(text), "/sys/kernel/mm/hugepages/hugepages-%llukB/"
		  "free_hugepages", (unsigned long long)page);
	free_pages = strtoull(text, NULL, 10);
	if (d->peer || free_pages >= need) {
		doctor_tell(d, DOCTOR_OK, "%llu of %llu KiB are free",
			    (unsigned long long)free_pages, (unsigned long long)page);
		return;
	}
	doctor_try(d, "echo %llu | sudo tee /sys/kernel/mm/hugepages/hugepages-%llukB/"
		   "nr_hugepages", (unsigned long long)need, (unsigned long long)page);
	doctor_tell(d, DOCTOR_FAILURE, "the server's settings ask for %llu of %llu KiB, %llu "
		    "are free: it cannot start", (unsigned long long)need,
		    (unsigned long long)page, (unsigned long long)free_pages);
}

const struct doctor_check doctor_host[] = {
	{ "pages", DOCTOR_HOST | DOCTOR_FILE, true, check_pages },
	{ "room", DOCTOR_HOST, true, check_room },
	{ "hugepages", DOCTOR_HOST, false, check_hugepages },
	{ "descriptors", DOCTOR_HOST, true, check_descriptors },
	{ "kvm", DOCTOR_HOST | DOCTOR_FILE, false, check_kvm },
	{ NULL, 0, false, NULL },
};
