/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bellring libvirt: the XML that gives a domain the device
 *
 * The elements are those of libvirt's docs/formatdomain.rst, "Shared memory
 * device" and "IOMMU devices". The size is the server's: libvirt refuses one with
 * ivshmem-doorbell (src/qemu/qemu_postparse.c).
 */
#include "json.h"
#include "machine.h"

#include <stdarg.h>
#include <string.h>

#define SHM_FOLDER "/dev/shm/" /* qemuBuildShmemBackendMemProps() */
#define MIB (UINT64_C(1) << 20)
#define XML_SIZE (8 * MACHINE_TEXT)

struct xml {
	char text[XML_SIZE];
	size_t len;
	const char *indent;
};

CLI_PRINTF(2, 3) static void add(struct xml *x,
						       const char *fmt, ...)
{
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(x->text + x->len, sizeof(x->text) - x->len, fmt, args);
	va_end(args);
	if (n > 0 && (size_t)n < sizeof(x->text) - x->len)
		x->len += (size_t)n;
}

static void add_escaped(struct xml *x, const char *text)
{
	for (; *text; text++) {
		if (strchr("&<>'\"", *text))
			add(x, "&#%d;", *text);
		else
			add(x, "%c", *text);
	}
}

static void add_shmem(struct xml *x, const struct machine *m)
{
	add(x, "%s<shmem name='", x->indent);
	add_escaped(x, m->plain ? m->path + strlen(SHM_FOLDER) : m->id);
	add(x, "'>\n%s  <model type='ivshmem-%s'/>\n", x->indent,
	    m->plain ? "plain" : "doorbell");
	if (m->plain) {
		add(x, "%s  <size unit='M'>%llu</size>\n", x->indent,
		    (unsigned long long)(m->memory / MIB));
	} else {
		add(x, "%s  <server path='", x->indent);
		add_escaped(x, m->path);
		add(x, "'/>\n%s  <msi vectors='%u' ioeventfd='on'/>\n", x->indent,
		    m->vectors);
	}
	add(x, "%s</shmem>\n", x->indent);
}

/* One element either way: that of a device, or all that concerns a domain. */
static void add_domain(struct xml *x, const struct machine *m)
{
	if (!m->vfio) {
		add_shmem(x, m);
		return;
	}
	x->indent = "    ";
	add(x, "<domain>\n");
	if (m->arch != MACHINE_AARCH64)
		add(x, "  <features>\n    <ioapic driver='qemu'/>\n  </features>\n");
	add(x, "  <devices>\n");
	if (m->arch == MACHINE_AARCH64)
		add(x, "    <iommu model='smmuv3'/>\n");
	else
		add(x, "    <iommu model='intel'>\n      <driver intremap='on'/>\n"
		       "    </iommu>\n");
	add_shmem(x, m);
	add(x, "  </devices>\n</domain>\n");
}

/* ---- rules of libvirt's ---------------------------------------------------------- */

static int check_plain(const struct session *s, const struct machine *m)
{
	const char *name = m->path + strlen(SHM_FOLDER);

	if (strncmp(m->path, SHM_FOLDER, strlen(SHM_FOLDER)) != 0 ||
	    strchr(name, '/'))
		return cli_error("%s: %s: libvirt gives machines files of " SHM_FOLDER
				 " only; make it there", s->command, m->path);
	if (m->memory < MIB)
		return cli_error("%s: %s: %llu bytes, and libvirt takes 1 MiB or more",
				 s->command, m->path,
				 (unsigned long long)m->memory);
	return CLI_DONE;
}

/* QEMU runs as a user of its own, which has to be let in. */
static void warn_of_rights(const struct session *s, const struct machine *m)
{
	if (m->mode & 0002)
		return;
	if (!(m->mode & 0020))
		cli_error("%s: warning: %s has mode %04o: libvirt's QEMU may not use "
			  "it; start bellring-server with --mode 0660 --group GROUP",
			  s->command, m->path, m->mode);
	else
		cli_error("%s: %s is for its group: usermod -aG \"$(stat -c %%G %s)\" "
			  "libvirt-qemu (qemu on Fedora), then restart libvirtd",
			  s->command, m->path, m->path);
}

static void say_domain(const struct session *s, const struct machine *m)
{
	fflush(stdout);
	warn_of_rights(s, m);
	if (!m->vfio)
		return;
	cli_error("%s: merge this into the domain by virsh edit%s", s->command,
		  m->arch == MACHINE_AARCH64 ? "; its machine type is virt, with <gic version='3'/>" :
			       "; its machine type is q35, and its kernel needs "
			       "intel_iommu=on");
}

static void print(const struct session *s, const struct xml *x)
{
	struct json j;

	if (!s->json) {
		fputs(x->text, stdout);
		return;
	}
	json_begin(&j, stdout);
	json_text(&j, "xml", x->text);
	json_end(&j);
}

static int run(struct session *s, const void *args, int argc, char **argv)
{
	struct xml xml = { .indent = "" };
	struct machine m;
	int rc = machine_find(s, args, &m);

	(void)argc, (void)argv;
	if (rc == CLI_DONE && m.plain)
		rc = check_plain(s, &m);
	if (rc != CLI_DONE)
		return rc;
	add_domain(&xml, &m);
	print(s, &xml);
	say_domain(s, &m);
	return CLI_DONE;
}

static const struct machine_args defaults;

const struct bell_cmd cmd_libvirt = {
	.name = "libvirt",
	.usage = "[--vfio] [--arch ARCH] [-n N] [--id ID] [--plain FILE]",
	.summary = "print libvirt's XML for a machine of this server",
	.more = "It is what virsh attach-device takes, or with --vfio for merging into "
		"one's own by\nvirsh edit. Without -a or BELLRING_ADDRESS it takes "
		"the server that it finds.\n",
	.options = machine_options,
	.defaults = &defaults,
	.args_size = sizeof(struct machine_args),
	.run = run,
};
