/* SPDX-License-Identifier: BSD-2-Clause */
#include "doctor-qemu.h"

#include <stdlib.h>
#include <string.h>

struct words {
	const char *at, *end;
};

static const char *next_word(struct words *w)
{
	const char *word = w->at;

	if (word >= w->end)
		return NULL;
	w->at += strlen(word) + 1;
	return word;
}

static bool is_qemu(const char *program)
{
	const char *slash = strrchr(program, '/');
	const char *name = slash ? slash + 1 : program;

	return strncmp(name, "qemu", 4) == 0 || strncmp(name, "kvm", 3) == 0;
}

/* path as a whole value: a comma in it is doubled for QEMU, which is rare. */
static bool names_path(const char *word, const char *path)
{
	size_t len = strlen(path);
	const char *at;

	for (at = word; (at = strstr(at, path)) != NULL; at += len)
		if (at > word && strchr("=\":", at[-1]) && strchr(",\"", at[len]))
			return true;
	return false;
}

/* The value of key=, or of "key": in JSON; NULL if there is none. */
static const char *value_of(const char *word, const char *key)
{
	size_t len = strlen(key);
	const char *at;

	for (at = word; (at = strstr(at, key)) != NULL; at += len) {
		bool begins = at == word || strchr(",\"{", at[-1]);

		if (begins && at[len] == '=')
			return at + len + 1;
		if (begins && strncmp(at + len, "\":", 2) == 0)
			return at + len + 2;
	}
	return NULL;
}

static bool is_on(const char *value)
{
	return value && (strncmp(value, "on", 2) == 0 || strncmp(value, "true", 4) == 0 ||
			 strncmp(value, "yes", 3) == 0);
}

static unsigned number(const char *value, unsigned fallback)
{
	return value && *value >= '0' && *value <= '9' ?
		       (unsigned)strtoul(value, NULL, 10) : fallback;
}

static void take_smp(const char *word, struct qemu_args *out)
{
	out->cpus = number(word, out->cpus);
	out->cpus = number(value_of(word, "cpus"), out->cpus);
	out->cpus = number(value_of(word, "maxcpus"), out->cpus);
}

static bool asks_kvm(const char *option, const char *word)
{
	const char *accel = value_of(word, "accel");

	if (strcmp(option, "-accel") == 0 || strcmp(option, "--accel") == 0)
		return strncmp(word, "kvm", 3) == 0 || (accel && strstr(accel, "kvm"));
	if (strcmp(option, "-machine") == 0 || strcmp(option, "-M") == 0)
		return accel && strncmp(accel, "kvm", 3) == 0;
	return false;
}

static void take_option(const char *option, const char *word, const char *path,
			struct qemu_args *out)
{
	const char *reconnect = value_of(word, "reconnect");

	if (strcmp(option, "-smp") == 0)
		take_smp(word, out);
	if (strstr(word, "ivshmem-doorbell"))
		out->vectors = number(value_of(word, "vectors"), 1);
	if (!reconnect)
		reconnect = value_of(word, "reconnect-ms");
	if (names_path(word, path)) {
		out->reconnect = number(reconnect, 0) > 0;
		out->shared = is_on(value_of(word, "share"));
	}
	out->kvm = out->kvm || asks_kvm(option, word);
}

bool qemu_parse(const char *words, size_t len, const char *path,
		struct qemu_args *out)
{
	struct words w = { words, words + len };
	struct qemu_args q = { .vectors = 1, .cpus = 1 };
	const char *word = next_word(&w), *option = "";
	bool device = false, named = false;

	if (!word || !is_qemu(word))
		return false;
	while ((word = next_word(&w)) != NULL) {
		device = device || strstr(word, "ivshmem-");
		named = named || names_path(word, path);
		q.kvm = q.kvm || strcmp(word, "-enable-kvm") == 0;
		take_option(option, word, path, &q);
		option = word;
	}
	if (!device || !named)
		return false;
	*out = q;
	return true;
}
