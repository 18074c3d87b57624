/* SPDX-License-Identifier: BSD-2-Clause */
#include "contract.h"

#include <stdio.h>

enum { COMMAND = 1024 };

static HANDLE open_path(const char *path)
{
	WCHAR wide[COMMAND];

	if (!MultiByteToWideChar(CP_UTF8, 0, path, -1, wide, COMMAND))
		return INVALID_HANDLE_VALUE;
	return CreateFileW(wide, 0, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_EXISTING, 0,
			   NULL);
}

HANDLE device_open(struct contract *c)
{
	HANDLE h = open_path(c->path);

	if (h == INVALID_HANDLE_VALUE)
		failed(c, "opening: error %lu", GetLastError());
	return h;
}

/* DeviceIoControl takes the input as not const, and does not write there. */
DWORD ask(HANDLE h, DWORD code, const void *in, DWORD in_size, void *out, DWORD out_size,
	  DWORD *got)
{
	DWORD n = 0, error = 0;

	if (!DeviceIoControl(h, code, (void *)(uintptr_t)in, in_size, out, out_size, &n, NULL))
		error = GetLastError();
	if (got)
		*got = n;
	return error;
}

DWORD map(HANDLE h, uint8_t mode, struct map_answer *out)
{
	return ask(h, ASK_MAP, &mode, sizeof(mode), out, sizeof(*out), NULL);
}

DWORD unmap(HANDLE h)
{
	return ask(h, ASK_UNMAP, NULL, 0, NULL, 0, NULL);
}

DWORD ring(HANDLE h, uint16_t id, uint16_t vector)
{
	const struct ring_request r = {id, vector};

	return ask(h, ASK_RING, &r, sizeof(r), NULL, 0, NULL);
}

DWORD enlist(HANDLE h, uint16_t vector, HANDLE event, int single_shot)
{
	const struct register_request r = {vector, (uint64_t)(uintptr_t)event,
					   single_shot != 0};

	return ask(h, ASK_REGISTER, &r, sizeof(r), NULL, 0, NULL);
}

HANDLE device_mapped(struct contract *c, struct map_answer *out)
{
	HANDLE h = device_open(c);

	if (h == INVALID_HANDLE_VALUE)
		return h;
	if (wants(c, "mapping", map(h, CACHED, out), 0))
		return h;
	CloseHandle(h);
	return INVALID_HANDLE_VALUE;
}

/* ---- another process ----------------------------------------------------------------- */

int hold(struct contract *c)
{
	struct map_answer m;
	HANDLE h = device_mapped(c, &m);
	int i;

	if (h == INVALID_HANDLE_VALUE)
		return 1;
	for (i = 0; i < SLOTS; i++)
		if (enlist(h, 0, CreateEventW(NULL, FALSE, FALSE, NULL), 0))
			return 1;
	puts("held");
	fflush(stdout);
	Sleep(INFINITE);
	return 0;
}

static HANDLE launch(const struct contract *c, HANDLE out)
{
	STARTUPINFOA how = {.cb = sizeof(how), .dwFlags = STARTF_USESTDHANDLES,
			    .hStdOutput = out, .hStdError = GetStdHandle(STD_ERROR_HANDLE)};
	PROCESS_INFORMATION process;
	char command[COMMAND];

	snprintf(command, sizeof(command), "\"%s\" --hold \"%s\"", c->program, c->path);
	if (!CreateProcessA(NULL, command, NULL, NULL, TRUE, 0, NULL, NULL, &how, &process))
		return NULL;
	CloseHandle(process.hThread);
	return process.hProcess;
}

HANDLE device_holder(struct contract *c)
{
	SECURITY_ATTRIBUTES inherit = {sizeof(inherit), NULL, TRUE};
	HANDLE in, out, process;
	DWORD n = 0;
	char word;

	if (!CreatePipe(&in, &out, &inherit, 0)) {
		failed(c, "no pipe: error %lu", GetLastError());
		return NULL;
	}
	process = launch(c, out);
	CloseHandle(out);
	/* A word from it, or the end of the pipe. */
	if (!process || !ReadFile(in, &word, 1, &n, NULL) || !n) {
		failed(c, "another process could not map: error %lu", GetLastError());
		if (process)
			CloseHandle(process);
		process = NULL;
	}
	CloseHandle(in);
	return process;
}
