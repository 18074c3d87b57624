/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * win.h - what the files for Windows share: text, paths, errors
 */
#ifndef CLI_WIN_H
#define CLI_WIN_H

/* In this order: windows.h alone brings in the first Winsock. */
#include <winsock2.h>
#include <windows.h>

#include <stdbool.h>
#include <stdio.h>

/* The other encoding, for the caller to free; NULL with errno set. */
wchar_t *win_wide(const char *utf8);
char *win_utf8(const wchar_t *wide);

/*
 * A path as Windows takes it, however long it is; for the caller to free, NULL with
 * errno set.
 */
wchar_t *win_path(const char *utf8);

/* Text of a GetLastError() code, without a newline; valid until the next call. */
const char *win_text(DWORD error);

/* Sets errno to what is nearest. */
void win_set_errno(DWORD error);

/* The handle behind a C stream. */
HANDLE win_handle(FILE *file);

/*
 * The stream always has something, or its end, as a file does: read it without a
 * thread. Standard input is looked at once: a question about its handle waits while a
 * thread reads there.
 */
bool win_is_ready(FILE *file);

/* Shows what was written to a stream that is a console; before each wait, at least. */
void console_show(FILE *file);

/* A console, and not only a device: _isatty() takes NUL for one. */
bool win_is_console(HANDLE handle);

#endif
