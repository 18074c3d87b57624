/* SPDX-License-Identifier: BSD-2-Clause */
#include "installer.h"

#include <newdev.h>
#include <stdio.h>
#include <stdlib.h>

enum { DEVICES = 32 };

int failed(const char *what)
{
	char text[256] = "";
	DWORD error = GetLastError();

	FormatMessageA(FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS, NULL, error, 0,
		       text, sizeof(text), NULL);
	fprintf(stderr, "%s: error %#lx: %s\n", what, error, text);
	return 1;
}

/* ---- NAME=VALUE ------------------------------------------------------------------- */

static int is_number(const char *value)
{
	return *value && value[strspn(value, "0123456789")] == 0;
}

static int set_value(HKEY key, const char *name, const char *value)
{
	DWORD number;
	LSTATUS rc;

	if (is_number(value)) {
		number = (DWORD)strtoul(value, NULL, 10);
		rc = RegSetValueExA(key, name, 0, REG_DWORD, (const BYTE *)&number, sizeof(number));
	} else if (*value) {
		rc = RegSetValueExA(key, name, 0, REG_SZ, (const BYTE *)value,
				    (DWORD)strlen(value) + 1);
	} else {
		rc = RegDeleteValueA(key, name);
		if (rc == ERROR_FILE_NOT_FOUND)
			rc = 0;
	}
	SetLastError((DWORD)rc);
	return rc ? failed(name) : 0;
}

/* Cuts at the '='; the value, or NULL once it has said what is wrong. */
static const char *cut(char *word)
{
	char *value = strchr(word, '=');

	if (!value) {
		fprintf(stderr, "%s: NAME=VALUE is wanted\n", word);
		return NULL;
	}
	*value = 0;
	return value + 1;
}

static int set_values(struct entry *e, char **words, int count)
{
	HKEY key = device_key(e);
	const char *value;
	int i, rc = 0;

	if (key == INVALID_HANDLE_VALUE)
		return failed("the device's key");
	for (i = 0; i < count && !rc; i++) {
		value = cut(words[i]);
		rc = value ? set_value(key, words[i], value) : 1;
	}
	RegCloseKey(key);
	return rc;
}

static DWORD place_of(char **words, int count, const char *name, DWORD otherwise)
{
	size_t len = strlen(name);
	int i;

	for (i = 0; i < count; i++)
		if (!strncmp(words[i], name, len) && words[i][len] == '=')
			return (DWORD)strtoul(words[i] + len + 1, NULL, 10);
	return otherwise;
}

/* ---- commands ---------------------------------------------------------------------- */

static int create(HDEVINFO set, char **words, int count, struct entry *out)
{
	struct place at;

	at.bus = place_of(words, count, "Bus", 0);
	at.slot = place_of(words, count, "Slot", 0);
	at.function = place_of(words, count, "Function", 0);
	at.msix = place_of(words, count, "Msix", 1) != 0;
	return device_create(set, &at, out) || set_values(out, words, count) ||
	       device_renew(out);
}

/* Words up to the next "--". */
static int group(char **words, int count)
{
	int n = 0;

	while (n < count && strcmp(words[n], "--"))
		n++;
	return n;
}

static int install(const char *inf)
{
	char path[MAX_PATH];
	BOOL reboot;

	if (!GetFullPathNameA(inf, sizeof(path), path, NULL))
		return failed(inf);
	if (!UpdateDriverForPlugAndPlayDevicesA(NULL, "PCI\\VEN_1AF4&DEV_1110", path, 0, &reboot))
		return failed(inf);
	return 0;
}

static int add(int argc, char **argv)
{
	HDEVINFO set = SetupDiCreateDeviceInfoList(NULL, NULL);
	struct entry entries[DEVICES];
	int i, n, count = 0, rc = 0;

	for (i = 1; i < argc && count < DEVICES && !rc; i += n + 1) {
		n = group(argv + i, argc - i);
		rc = create(set, argv + i, n, &entries[count++]);
	}
	if (!rc)
		rc = install(argv[0]);
	for (i = 0; i < count && !rc; i++)
		rc = device_wait(&entries[i]);
	SetupDiDestroyDeviceInfoList(set);
	return rc;
}

static int with_device(int argc, char **argv, int (*act)(struct entry *, char **, int))
{
	struct entry e;
	int rc;

	rc = device_find((DWORD)strtoul(argv[0], NULL, 10), &e);
	if (!rc)
		rc = act(&e, argv + 1, argc - 1);
	SetupDiDestroyDeviceInfoList(e.set);
	return rc;
}

static int set(struct entry *e, char **words, int count)
{
	return set_values(e, words, count) || device_touch(e);
}

static int take_away(struct entry *e, char **words, int count)
{
	(void)words;
	(void)count;
	return device_remove(e);
}

static int hold(void)
{
	puts("holding");
	fflush(stdout);
	while (getchar() != EOF)
		;
	return 0;
}

int main(int argc, char **argv)
{
	const char *command = argc > 1 ? argv[1] : "";

	if (!strcmp(command, "hold"))
		return hold();
	if (!strcmp(command, "add") && argc > 3)
		return add(argc - 2, argv + 2);
	if (!strcmp(command, "set") && argc > 2)
		return with_device(argc - 2, argv + 2, set);
	if (!strcmp(command, "remove") && argc == 3)
		return with_device(1, argv + 2, take_away);
	fputs("usage: bellring-standin add INF NAME=VALUE... [-- NAME=VALUE...]... | "
	      "set DEVICE NAME=VALUE... | remove DEVICE | hold\n", stderr);
	return 2;
}
