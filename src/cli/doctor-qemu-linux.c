/* SPDX-License-Identifier: BSD-2-Clause */
/* The QEMUs of this host that use the address: by /proc, for all to read. */
#include "doctor-parts.h"
#include "doctor-qemu.h"
#include "doctor-tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CMDLINE_ROOM (128u << 10) /* libvirt's are some 10 KiB */
#define OTHER_FDS 64u /* that a QEMU has besides, if they cannot be counted */

struct look {
	char *words;
	unsigned found;
	unsigned peers; /* that each of them hears of */
};

struct machine {
	const char *pid;
	struct qemu_args args;
	unsigned fds_open, fds_max, fds_hard;
};

/* ---- what is wrong with one ------------------------------------------------------------ */

static bool bad_vectors(struct doctor *d, const struct machine *m)
{
	unsigned offered = bell_vectors(d->peer);

	if (m->args.vectors <= offered)
		return false;
	doctor_try(d, "qemu-system-x86_64 ... -device ivshmem-doorbell,chardev=...,"
		   "vectors=%u", offered);
	doctor_tell(d, DOCTOR_FAILURE, "QEMU %s has vectors=%u, the server %u: vectors from "
		    "%u on are dead, and under KVM it aborts", m->pid, m->args.vectors,
		    offered, offered);
	return true;
}

static bool bad_reconnect(struct doctor *d, const struct machine *m)
{
	if (!m->args.reconnect)
		return false;
	doctor_try(d, "qemu-system-x86_64 ... -chardev socket,id=...,path=%s",
		   doctor_word(d));
	doctor_tell(d, DOCTOR_FAILURE, "QEMU %s has a chardev with reconnect=: it hangs at "
		    "start", m->pid);
	return true;
}

static bool bad_cpus(struct doctor *d, const struct machine *m)
{
	if (m->args.kvm || m->args.cpus > 1)
		return false;
	doctor_try(d, "qemu-system-x86_64 ... -smp 1,maxcpus=2");
	doctor_tell(d, DOCTOR_FAILURE, "QEMU %s emulates one CPU at most, and so leaves out "
		    "memory barriers: its peers lose wake-ups", m->pid);
	return true;
}

static bool bad_descriptors(struct doctor *d, const struct machine *m, unsigned peers)
{
	unsigned need = peers * bell_vectors(d->peer), all = need + OTHER_FDS;
	bool hard = m->fds_hard / 2 > all && m->fds_hard > m->fds_max;

	if (m->fds_open > all)
		all = m->fds_open;
	if (all < m->fds_max / 4 * 3)
		return false;
	doctor_try(d, "sudo prlimit --pid %s --nofile=%u%s # for libvirt: max_files in "
		   "/etc/libvirt/qemu.conf", m->pid, hard ? m->fds_hard : 65536,
		   hard ? ":" : "");
	doctor_tell(d, all > m->fds_max ? DOCTOR_FAILURE : DOCTOR_WARNING,
		    "QEMU %s may open %u files, and %u peers take %u: further ones it never "
		    "hears of", m->pid, m->fds_max, peers, need);
	return true;
}

static bool is_connected(const struct doctor *d, const char *pid)
{
	long number = strtol(pid, NULL, 10);
	size_t i;

	for (i = 0; i < d->connected_count; i++)
		if (d->connected[i] == number)
			return true;
	return false;
}

static bool bad_server(struct doctor *d, const struct machine *m)
{
	if (d->peer && (!d->connected_known || is_connected(d, m->pid)))
		return false;
	doctor_try(d, "kill %s # and start that machine again, with a server there", m->pid);
	doctor_tell(d, DOCTOR_FAILURE, "QEMU %s was started for this socket and is not "
		    "connected to %s: it reaches only peers that it met before", m->pid,
		    d->peer ? "this server, but to one before it" : "any server");
	return true;
}

static bool bad_share(struct doctor *d, const struct machine *m)
{
	if (m->args.shared)
		return false;
	doctor_try(d, "qemu-system-x86_64 ... -object memory-backend-file,id=...,"
		   "mem-path=%s,share=on,size=...", doctor_word(d));
	doctor_tell(d, DOCTOR_FAILURE, "QEMU %s has it without share=on: what it writes "
		    "nobody else sees", m->pid);
	return true;
}

/* ---- finding them ---------------------------------------------------------------------- */

static void count_fd(struct doctor *d, const char *name, void *arg)
{
	(void)d, (void)name;
	++*(unsigned *)arg;
}

static void read_limits(struct doctor *d, struct machine *m)
{
	char text[TREE_TEXT], path[TREE_PATH];
	const char *limits;

	(void)tree_read(d, text, sizeof(text), "/proc/%s/limits", m->pid);
	m->fds_max = m->fds_hard = 0;
	limits = strstr(text, "Max open files");
	if (limits)
		(void)sscanf(limits, "Max open files %u %u", &m->fds_max, &m->fds_hard);
	m->fds_open = 0;
	snprintf(path, sizeof(path), "/proc/%s/fd", m->pid);
	tree_each(d, path, count_fd, &m->fds_open);
}

static void judge(struct doctor *d, const struct machine *m, const struct look *look)
{
	bool bad = bad_cpus(d, m);

	if (d->side == DOCTOR_FILE) {
		bad = bad_share(d, m) || bad;
	} else {
		bad = bad_reconnect(d, m) || bad;
		bad = bad_server(d, m) || bad;
		bad = (d->peer && bad_vectors(d, m)) || bad;
		bad = (d->peer && m->fds_max && bad_descriptors(d, m, look->peers)) || bad;
	}
	if (!bad)
		doctor_tell(d, DOCTOR_OK, d->side == DOCTOR_FILE ? "%s shares it" :
			    "%s: vectors=%u, may open %u files", m->pid, m->args.vectors,
			    m->fds_max);
}

static void look_at(struct doctor *d, const char *name, void *arg)
{
	struct look *look = arg;
	struct machine m = { .pid = name };
	size_t len;

	if (name[strspn(name, "0123456789")])
		return;
	len = tree_read(d, look->words, CMDLINE_ROOM, "/proc/%s/cmdline", name);
	if (!qemu_parse(look->words, len, doctor_place(d), &m.args))
		return;
	look->found++;
	read_limits(d, &m);
	judge(d, &m, look);
}

/* With those that are only connected. */
static unsigned count_peers(struct doctor *d)
{
	int count = d->peer && d->side == DOCTOR_HOST ? bell_peers(d->peer, NULL, 0) : 0;

	return count > 0 ? (unsigned)count : 0;
}

static void check_qemu(struct doctor *d)
{
	struct look look = { .words = malloc(CMDLINE_ROOM), .peers = count_peers(d) };

	if (!look.words) {
		doctor_tell(d, DOCTOR_SKIPPED, "out of memory");
		return;
	}
	tree_each(d, "/proc", look_at, &look);
	if (look.found == 0)
		doctor_tell(d, DOCTOR_OK, "this user sees no QEMU that has this %s",
			    d->side == DOCTOR_FILE ? "memory" : "socket");
	free(look.words);
}

const struct doctor_check doctor_qemu[] = {
	{ "qemu", DOCTOR_HOST | DOCTOR_FILE, false, check_qemu },
	{ NULL, 0, false, NULL },
};
