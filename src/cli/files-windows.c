/* SPDX-License-Identifier: BSD-2-Clause */
/* Files by paths in UTF-8, of any length. */
#include "sys.h"

#include "pump.h"
#include "win.h"

#include <errno.h>
#include <fcntl.h>
#include <io.h>
#include <stdlib.h>
#include <string.h>

FILE *sys_open(const char *path, bool write)
{
	wchar_t *wide = win_path(path);
	FILE *file = wide ? _wfopen(wide, write ? L"wbN" : L"rbN") : NULL;

	free(wide);
	return file;
}

uint64_t sys_file_rest(FILE *file)
{
	HANDLE handle = win_handle(file);
	LARGE_INTEGER size, at, none = { .QuadPart = 0 };

	if (GetFileType(handle) != FILE_TYPE_DISK || !GetFileSizeEx(handle, &size) ||
	    !SetFilePointerEx(handle, none, &at, FILE_CURRENT) ||
	    size.QuadPart <= at.QuadPart)
		return BELL_UNKNOWN;
	return (uint64_t)(size.QuadPart - at.QuadPart);
}

static int64_t read_pump(void *buf, size_t size)
{
	HANDLE both[] = { sys_stop_handle(), NULL };
	struct pump *input = pump_standard_input(&both[1]);
	DWORD error = GetLastError();
	int64_t n = -BELL_EIO;

	while (input && (n = pump_read(input, buf, size, &error)) == -BELL_EAGAIN) {
		if (sys_stopped())
			return -BELL_EINTR;
		(void)WaitForMultipleObjects(2, both, FALSE, INFINITE);
	}
	if (n < 0)
		win_set_errno(error);
	return n;
}

int64_t sys_read(FILE *file, void *buf, size_t size)
{
	HANDLE handle = win_handle(file);
	DWORD n, want = size > 1u << 30 ? 1u << 30 : (DWORD)size;

	if (sys_stopped())
		return -BELL_EINTR;
	if (!win_is_ready(file))
		return read_pump(buf, size);
	if (ReadFile(handle, buf, want, &n, NULL))
		return n;
	/* So a pipe that was named as a file ends. */
	if (GetLastError() == ERROR_BROKEN_PIPE)
		return 0;
	win_set_errno(GetLastError());
	return -BELL_EIO;
}

int sys_seek(FILE *file, uint64_t offset)
{
	return _fseeki64(file, (int64_t)offset, SEEK_SET) < 0 ? -BELL_EIO : 0;
}

/* Takes the handle. */
static FILE *stream_of(HANDLE handle)
{
	int fd = _open_osfhandle((intptr_t)handle, _O_BINARY | _O_NOINHERIT);
	FILE *file;

	if (fd < 0) {
		CloseHandle(handle);
		return NULL;
	}
	file = _fdopen(fd, "w+b");
	if (!file)
		_close(fd);
	return file;
}

/* tmpfile() of the C library makes it in the root folder: who may write there? */
FILE *sys_temporary(void)
{
	wchar_t folder[MAX_PATH + 1], path[MAX_PATH + 1];
	HANDLE handle;

	if (!GetTempPathW(ARRAYSIZE(folder), folder) ||
	    !GetTempFileNameW(folder, L"bel", 0, path)) {
		win_set_errno(GetLastError());
		return NULL;
	}
	handle = CreateFileW(path, GENERIC_READ | GENERIC_WRITE | DELETE, 0, NULL,
			     CREATE_ALWAYS, FILE_ATTRIBUTE_TEMPORARY |
			     FILE_FLAG_DELETE_ON_CLOSE, NULL);
	if (handle == INVALID_HANDLE_VALUE) {
		win_set_errno(GetLastError());
		return NULL;
	}
	return stream_of(handle);
}

static char *absolute(const char *path)
{
	wchar_t *wide = win_path(path), full[1024];
	DWORD len = 0;

	if (wide && GetFileAttributesW(wide) != INVALID_FILE_ATTRIBUTES)
		len = GetFullPathNameW(wide, ARRAYSIZE(full), full, NULL);
	else if (wide)
		win_set_errno(GetLastError());
	free(wide);
	if (len >= ARRAYSIZE(full))
		errno = ENAMETOOLONG;
	return len > 0 && len < ARRAYSIZE(full) ? win_utf8(full) : NULL;
}

bool sys_absolute(const char *path, char *buf, size_t size)
{
	char *full = absolute(path);
	bool fits = full && strlen(full) < size;

	if (fits)
		memcpy(buf, full, strlen(full) + 1);
	else if (full)
		errno = ENAMETOOLONG;
	free(full);
	return fits;
}
