/* SPDX-License-Identifier: BSD-2-Clause */
/* The server's socket, before anybody connects to it. */
#include "doctor-parts.h"
#include "doctor-tree.h"
#include "doctor-users.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define PATH_MOST (sizeof(((struct sockaddr_un *)0)->sun_path) - 1)

/* ---- its path --------------------------------------------------------------------- */

static void check_path(struct doctor *d)
{
	size_t len = strlen(doctor_place(d));

	if (len > 0 && len <= PATH_MOST) {
		doctor_tell(d, DOCTOR_OK, "%zu of %zu bytes", len, PATH_MOST);
		return;
	}
	doctor_try(d, "bellring-server -S /run/bellring.sock");
	doctor_tell(d, DOCTOR_FAILURE, len == 0 ? "no path; the address is unix:PATH" :
		    "%zu bytes: a socket's path has %zu at most", len, PATH_MOST);
}

/* ---- what is there ------------------------------------------------------------------ */

/* "NAME" of /run/bellring/NAME.sock or /run/bellring.sock; false if it is neither. */
static bool unit_name(const char *path, char *name, size_t size)
{
	int end = 0;

	if (strcmp(path, "/run/bellring.sock") == 0)
		path = "/run/bellring/bellring.sock";
	if (strlen(path) >= size || sscanf(path, "/run/bellring/%[^/]%n", name, &end) != 1 ||
	    path[end])
		return false;
	end = (int)strlen(name) - 5;
	if (end <= 0 || strcmp(name + end, ".sock") != 0)
		return false;
	name[end] = '\0';
	return true;
}

static bool unit_of(const struct doctor *d, char unit[TREE_PATH])
{
	static const char *const dirs[] = { "/etc", "/usr/local/lib", "/usr/lib", "/lib" };
	char name[TREE_PATH];
	bool plain;
	size_t i;

	if (!unit_name(doctor_place(d), name, sizeof(name)))
		return false;
	plain = strcmp(name, "bellring") == 0;
	snprintf(unit, TREE_PATH, "bellring-server%s%s.socket", plain ? "" : "@",
		 plain ? "" : name);
	for (i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		if (tree_exists(d, "%s/systemd/system/bellring-server%s.socket", dirs[i],
				plain ? "" : "@"))
			return true;
	return false;
}

static void try_start(struct doctor *d)
{
	char unit[TREE_PATH];

	if (unit_of(d, unit))
		doctor_try(d, "systemctl enable --now %s", unit);
	else
		doctor_try(d, "bellring-server -S %s", doctor_word(d));
}

/* The first directory on the way to path that we may not pass, or "". */
static void closed_directory(const char *path, char out[TREE_PATH])
{
	const char *end = path;

	out[0] = '\0';
	while ((end = strchr(end + 1, '/')) != NULL) {
		snprintf(out, TREE_PATH, "%.*s", (int)(end - path), path);
		if (faccessat(AT_FDCWD, out, X_OK, AT_EACCESS) < 0)
			return;
	}
	out[0] = '\0';
}

static void tell_no_socket(struct doctor *d, int err)
{
	const char *path = doctor_place(d);
	char dir[TREE_PATH];

	closed_directory(path, dir);
	if (err == EACCES && dir[0]) {
		doctor_try(d, "chmod o+x %s", dir);
		doctor_tell(d, DOCTOR_FAILURE, "%s: the directory %s is closed to this user",
			    path, dir);
		return;
	}
	try_start(d);
	doctor_tell(d, DOCTOR_FAILURE, "%s: %s%s", path, strerror(err),
		    err == ENOENT || err == ENOTDIR ? "; no server listens there" : "");
}

static void check_socket(struct doctor *d)
{
	const char *path = doctor_place(d);
	char user[USERS_NAME], group[USERS_NAME];
	struct stat st;

	if (stat(path, &st) < 0) {
		tell_no_socket(d, errno);
	} else if (!S_ISSOCK(st.st_mode)) {
		doctor_try(d, "ls -ld %s; bellring-server -S %s.sock", doctor_word(d), doctor_word(d));
		doctor_tell(d, DOCTOR_FAILURE, "%s is %s, not a socket", path,
			    S_ISDIR(st.st_mode) ? "a directory" :
			    S_ISREG(st.st_mode) ? "a file" : "something else");
	} else {
		doctor_tell(d, DOCTOR_OK, "%s: mode %04o, owner %s, group %s", path,
			    (unsigned)(st.st_mode & 07777), users_user(st.st_uid, user),
			    users_group(st.st_gid, group));
	}
}

/* ---- whose it is ------------------------------------------------------------------- */

static void tell_closed(struct doctor *d, const struct stat *st)
{
	char user[USERS_NAME], group[USERS_NAME], owner[USERS_NAME];

	users_user(geteuid(), user);
	users_group(st->st_gid, group);
	users_user(st->st_uid, owner);
	if (!(st->st_mode & S_IWGRP))
		doctor_try(d, "bellring-server -S %s --mode 0660 --group %s",
			   doctor_word(d), group);
	else if (users_member(group, user))
		doctor_try(d, "newgrp %s", group);
	else
		doctor_try(d, "sudo usermod -aG %s %s # then log in again", group, user);
	doctor_tell(d, DOCTOR_FAILURE, "user %s may not connect: mode %04o, owner %s, "
		    "group %s%s", user, (unsigned)(st->st_mode & 07777), owner, group,
		    users_member(group, user) ? ", of which this login does not know yet" : "");
}

static void check_rights(struct doctor *d)
{
	const char *path = doctor_place(d);
	struct stat st;

	if (stat(path, &st) < 0 || !S_ISSOCK(st.st_mode))
		doctor_tell(d, DOCTOR_SKIPPED, "there is no socket");
	else if (faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) == 0)
		doctor_tell(d, DOCTOR_OK, "this user may connect");
	else
		tell_closed(d, &st);
}

/* ---- how many listen there ----------------------------------------------------------- */

#define LISTENS 0x10000ul /* __SO_ACCEPTCON in /proc/net/unix: proc_net_unix(5) */

static unsigned count_listeners(const struct doctor *d, const char *path)
{
	char full[TREE_PATH], *line = NULL;
	unsigned count = 0;
	size_t room = 0;
	FILE *file;

	tree_path(d, full, "/proc/net/unix");
	file = fopen(full, "re");
	while (file && getline(&line, &room, file) >= 0) {
		unsigned long flags;
		int at = 0;

		line[strcspn(line, "\n")] = '\0';
		if (sscanf(line, "%*s %*s %*s %lx %*s %*s %*s %n", &flags, &at) >= 1 &&
		    at > 0 && (flags & LISTENS) && strcmp(line + at, path) == 0)
			count++;
	}
	free(line);
	if (file)
		fclose(file);
	return count;
}

static void check_servers(struct doctor *d)
{
	const char *path = doctor_place(d);
	char *real = realpath(path, NULL); /* the kernel has no links in its names */
	unsigned count;

	if (!tree_exists(d, "/proc/net/unix")) {
		doctor_tell(d, DOCTOR_SKIPPED, "/proc/net/unix cannot be read");
		free(real);
		return;
	}
	count = count_listeners(d, real ? real : path);
	free(real);
	if (count > 1) {
		doctor_try(d, "ss -xlp src %s", doctor_word(d));
		doctor_tell(d, DOCTOR_FAILURE, "%u servers listen on %s: who connected to the "
			    "older one never meets who comes now", count, path);
	} else if (count == 0 && tree_exists(d, "%s", path)) {
		doctor_tell(d, DOCTOR_OK, "nobody listens by this name here: left over, or "
			    "another container's");
	} else {
		doctor_tell(d, DOCTOR_OK, "%s listens there", count ? "one" : "nobody");
	}
}

/* ---- at the next boot ---------------------------------------------------------------- */

static void check_unit(struct doctor *d)
{
	char unit[TREE_PATH], service[TREE_PATH];

	if (!tree_exists(d, "/run/systemd/system")) {
		doctor_tell(d, DOCTOR_SKIPPED, "systemd does not run here");
		return;
	}
	if (!unit_of(d, unit)) {
		doctor_tell(d, DOCTOR_SKIPPED, "the socket is not that of a systemd unit of "
			    "Bellring");
		return;
	}
	snprintf(service, sizeof(service), "%.*s.service", (int)strlen(unit) - 7, unit);
	if (tree_exists(d, "/etc/systemd/system/sockets.target.wants/%s", unit) ||
	    tree_exists(d, "/etc/systemd/system/multi-user.target.wants/%s", service)) {
		doctor_tell(d, DOCTOR_OK, "%s is enabled", unit);
		return;
	}
	doctor_try(d, "systemctl enable --now %s", unit);
	doctor_tell(d, DOCTOR_WARNING, "%s is not enabled: no server after a reboot", unit);
}

/* ---- without an address -------------------------------------------------------------- */

static void find_device(struct doctor *d, const char *name, void *arg)
{
	char vendor[16], device[16];

	tree_line(d, vendor, sizeof(vendor), "/sys/bus/pci/devices/%s/vendor", name);
	tree_line(d, device, sizeof(device), "/sys/bus/pci/devices/%s/device", name);
	if (strcmp(vendor, "0x1af4") == 0 && strcmp(device, "0x1110") == 0)
		*(bool *)arg = true;
}

bool doctor_find(struct doctor *d, char *out, size_t size)
{
	const char *dir = geteuid() == 0 ? "/run" : getenv("XDG_RUNTIME_DIR");
	bool device = false, usual = tree_exists(d, "/run/bellring.sock");

	tree_each(d, "/sys/bus/pci/devices", find_device, &device);
	if (device) {
		snprintf(out, size, "pci:");
		return true;
	}
	if (usual && (!dir || !*dir || !tree_exists(d, "%s/bellring.sock", dir)))
		dir = "/run";
	if (dir && *dir) {
		snprintf(out, size, "unix:%s/bellring.sock", dir);
		return true;
	}
	d->check = "address";
	doctor_try(d, "export XDG_RUNTIME_DIR=/run/user/%u", (unsigned)geteuid());
	doctor_tell(d, DOCTOR_FAILURE, "XDG_RUNTIME_DIR is not set, so there is no place "
		    "where a server of this user listens by default");
	return false;
}

const struct doctor_check doctor_socket[] = {
	{ "path", DOCTOR_HOST, false, check_path },
	{ "socket", DOCTOR_HOST, false, check_socket },
	{ "rights", DOCTOR_HOST, false, check_rights },
	{ "listeners", DOCTOR_HOST, false, check_servers },
	{ "unit", DOCTOR_HOST, false, check_unit },
	{ NULL, 0, false, NULL },
};
