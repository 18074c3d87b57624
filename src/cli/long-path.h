/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * long-path.h - how Windows takes paths beyond MAX_PATH: pure, tested anywhere
 */
#ifndef CLI_LONG_PATH_H
#define CLI_LONG_PATH_H

#include <stddef.h>
#include <wchar.h>

/* Characters that long_path() may put before a path, and its NUL. */
#define LONG_PATH_ROOM 9

/*
 * Puts before a full path (of GetFullPathName(), with backslashes only) what lifts
 * the limit: \\?\C:\..., \\?\UNC\server\...; short ones and those of devices stay as
 * they are. out has room for the path and LONG_PATH_ROOM.
 */
void long_path(const wchar_t *full, wchar_t *out);

#endif
