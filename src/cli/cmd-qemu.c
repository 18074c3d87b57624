/* SPDX-License-Identifier: BSD-2-Clause */
/* bellring qemu: the words of a command line that give a machine the device */
#include "json.h"
#include "machine.h"

#include <stdarg.h>
#include <string.h>

#define WORDS_MAX 8
#define WORD_SIZE (3 * MACHINE_TEXT)

struct words {
	char word[WORDS_MAX][WORD_SIZE];
	size_t count;
};

CLI_PRINTF(2, 3) static void add(struct words *w,
						       const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(w->word[w->count++], WORD_SIZE, fmt, args);
	va_end(args);
}

/* A comma in a value is written twice: QEMU, util/keyval.c. */
static const char *value(const char *text, char buf[2 * MACHINE_TEXT])
{
	char *to = buf;

	for (; *text; text++) {
		*to++ = *text;
		if (*text == ',')
			*to++ = ',';
	}
	*to = '\0';
	return buf;
}

/* ---- words ------------------------------------------------------------------- */

/* Before the device that is behind it. */
static void add_iommu(struct words *w, const struct machine *m)
{
	if (!m->vfio)
		return;
	add(w, "-M");
	if (m->arch == MACHINE_AARCH64) {
		add(w, "virt,iommu=smmuv3,gic-version=3");
		return;
	}
	add(w, "q35,kernel-irqchip=split");
	add(w, "-device");
	add(w, "intel-iommu,intremap=on");
}

static void add_doorbell(struct words *w, const struct machine *m)
{
	char path[2 * MACHINE_TEXT];

	add(w, "-chardev");
	add(w, "socket,path=%s,id=%s", value(m->path, path), m->id);
	add(w, "-device");
	add(w, "ivshmem-doorbell,chardev=%s,vectors=%u", m->id, m->vectors);
}

static void add_plain(struct words *w, const struct machine *m)
{
	char path[2 * MACHINE_TEXT];

	add(w, "-object");
	add(w, "memory-backend-file,id=%s,mem-path=%s,size=%llu,share=on", m->id,
	    value(m->path, path), (unsigned long long)m->memory);
	add(w, "-device");
	add(w, "ivshmem-plain,memdev=%s", m->id);
}

/* ---- printing ------------------------------------------------------------------ */

/* As a POSIX shell reads it. */
static void print_word(const char *word)
{
	if (*word && !word[strspn(word, "abcdefghijklmnopqrstuvwxyz"
					"ABCDEFGHIJKLMNOPQRSTUVWXYZ"
					"0123456789_@%+=:,./-")]) {
		fputs(word, stdout);
		return;
	}
	putchar('\'');
	for (; *word; word++)
		if (*word == '\'')
			fputs("'\\''", stdout);
		else
			putchar(*word);
	putchar('\'');
}

static void print_text(const struct words *w)
{
	for (size_t i = 0; i < w->count; i++) {
		if (i > 0)
			putchar(' ');
		print_word(w->word[i]);
	}
	putchar('\n');
}

static void print_json(const struct words *w)
{
	const char *argv[WORDS_MAX];
	struct json j;

	for (size_t i = 0; i < w->count; i++)
		argv[i] = w->word[i];
	json_begin(&j, stdout);
	json_list(&j, "argv", argv, w->count);
	json_end(&j);
}

static void say_guest(const struct session *s, const struct machine *m)
{
	if (!m->vfio)
		return;
	fflush(stdout);
	if (m->arch == MACHINE_AARCH64)
		cli_error("%s: in the guest: bellring bind", s->command);
	else
		cli_error("%s: the guest's kernel needs intel_iommu=on on its "
			  "command line; then in it: bellring bind", s->command);
}

static int run(struct session *s, const void *args, int argc, char **argv)
{
	struct words words = { .count = 0 };
	struct machine m;
	int rc = machine_find(s, args, &m);

	(void)argc, (void)argv;
	if (rc != CLI_DONE)
		return rc;
	add_iommu(&words, &m);
	(m.plain ? add_plain : add_doorbell)(&words, &m);
	(s->json ? print_json : print_text)(&words);
	say_guest(s, &m);
	return CLI_DONE;
}

static const struct machine_args defaults;

const struct bell_cmd cmd_qemu = {
	.name = "qemu",
	.usage = "[--vfio] [--arch ARCH] [-n N] [--id ID] [--plain FILE]",
	.summary = "print the options of QEMU for a machine of this server",
	.more = "For use as: qemu-system-x86_64 $(bellring qemu) ...\nWithout -a or "
		"BELLRING_ADDRESS it takes the server that it finds.\n",
	.options = machine_options,
	.defaults = &defaults,
	.args_size = sizeof(struct machine_args),
	.run = run,
};
