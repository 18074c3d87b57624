/* SPDX-License-Identifier: BSD-2-Clause */
/* Arguments and the console: both speak UTF-16, or a code page that is not ours. */
#include "sys.h"
#include "win.h"

#include <fcntl.h>
#include <io.h>
#include <shellapi.h>
#include <stdlib.h>

/* ---- the console ---- */

/* What it was before, to be put back: it outlives us. */
static struct {
	UINT code_page; /* 0: nothing was changed */
	struct {
		HANDLE handle;
		DWORD mode;
		bool changed;
	} out[2];
	bool shown[2]; /* stdout, stderr: it is one */
	bool erases;   /* it knows ECMA-48 */
} console;

/* A console is given whole texts: Microsoft's library would write each byte alone. */
#define ROOM 65536

static void begin_output(int i, FILE *file)
{
	HANDLE handle = win_handle(file);
	DWORD mode;

	if (!GetConsoleMode(handle, &mode))
		return;
	console.shown[i] = setvbuf(file, NULL, _IOFBF, ROOM) == 0;
	console.out[i].handle = handle;
	console.out[i].mode = mode;
	/* Not before Windows 10: then a line is erased by blanks. */
	console.out[i].changed = SetConsoleMode(handle, mode |
				 ENABLE_PROCESSED_OUTPUT |
				 ENABLE_VIRTUAL_TERMINAL_PROCESSING);
	if (file == stderr)
		console.erases = console.out[i].changed;
}

static void begin_console(void)
{
	UINT code_page = GetConsoleOutputCP();

	if (code_page != 0 && SetConsoleOutputCP(CP_UTF8))
		console.code_page = code_page;
	begin_output(0, stdout);
	begin_output(1, stderr);
}

void console_show(FILE *file)
{
	if (file == stdout ? console.shown[0] : file == stderr && console.shown[1])
		fflush(file);
}

const char *sys_erase(void)
{
	/* ECMA-48 EL; else blanks, on a console of 80 columns. */
	return console.erases ? "\r\033[K" :
		"\r                                                              "
		"                 \r";
}

bool sys_is_terminal(FILE *file)
{
	return win_is_console(win_handle(file));
}

void sys_binary(FILE *file)
{
	(void)file; /* all are, from the begin */
}

/* ---- arguments ---- */

static char **arguments;

/* From the wide line: main() has what is left of it in the user's code page. */
static int read_arguments(int *argc, char ***argv)
{
	int count = 0, i;
	wchar_t **wide = CommandLineToArgvW(GetCommandLineW(), &count);

	if (!wide)
		return -BELL_ENOMEM;
	arguments = calloc((size_t)count + 1, sizeof(*arguments));
	for (i = 0; arguments && i < count; i++) {
		arguments[i] = win_utf8(wide[i]);
		if (!arguments[i])
			break;
	}
	LocalFree(wide);
	if (i < count)
		return -BELL_ENOMEM;
	*argc = count;
	*argv = arguments;
	return 0;
}

int sys_begin(int *argc, char ***argv)
{
	/* A newline is one byte, also for who reads it through a pipe. */
	_setmode(_fileno(stdin), _O_BINARY);
	_setmode(_fileno(stdout), _O_BINARY);
	_setmode(_fileno(stderr), _O_BINARY);
	/* Which Microsoft's library buffers, where it is no console. */
	setvbuf(stderr, NULL, _IONBF, 0);
	begin_console();
	return read_arguments(argc, argv);
}

void sys_end(void)
{
	size_t i;

	for (i = 0; i < ARRAYSIZE(console.out); i++)
		if (console.out[i].changed)
			SetConsoleMode(console.out[i].handle, console.out[i].mode);
	if (console.code_page)
		SetConsoleOutputCP(console.code_page);
	for (i = 0; arguments && arguments[i]; i++)
		free(arguments[i]);
	free(arguments);
	arguments = NULL;
}
