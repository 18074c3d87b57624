/* SPDX-License-Identifier: BSD-2-Clause */
#include "pump.h"

#include "bellring.h"

#include <process.h>
#include <stdlib.h>
#include <string.h>

#define ROOM 262144u /* of what is read ahead or written behind, bytes */
#define CHUNK 65536u /* a read or write at once */
#define STACK 65536u
#define LINE 1024u   /* characters of a console read at once */
#define CTRL_Z L'\x1a'

struct pump {
	SRWLOCK lock;
	CONDITION_VARIABLE changed; /* for the thread */
	HANDLE handle;              /* the thread's alone */
	HANDLE thread, news;
	enum pump_way way;
	bool console;
	wchar_t half; /* of a pair of a console's UTF-16; the thread's */

	/* Under the lock. */
	char ring[ROOM];
	size_t at, len;
	DWORD error;  /* 0: none */
	bool ended;   /* the thread does no more */
	bool closing; /* the loop does no more */
	unsigned users;
};

static void release(struct pump *p)
{
	bool last;

	AcquireSRWLockExclusive(&p->lock);
	last = --p->users == 0;
	ReleaseSRWLockExclusive(&p->lock);
	if (!last)
		return;
	CloseHandle(p->thread);
	free(p);
}

/* ---- the ring, under the lock ---- */

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

static size_t put(struct pump *p, const char *data, size_t len)
{
	size_t end = (p->at + p->len) % ROOM, n = smaller(len, ROOM - p->len);
	size_t first = smaller(n, ROOM - end);

	memcpy(p->ring + end, data, first);
	memcpy(p->ring, data + first, n - first);
	p->len += n;
	return n;
}

static size_t look(const struct pump *p, char *buf, size_t size)
{
	size_t n = smaller(size, p->len), first = smaller(n, ROOM - p->at);

	memcpy(buf, p->ring + p->at, first);
	memcpy(buf + first, p->ring, n - first);
	return n;
}

static void drop(struct pump *p, size_t n)
{
	p->at = (p->at + n) % ROOM;
	p->len -= n;
}

/* ---- a console is UTF-16 ---- */

/* Without the half of a pair at the end, which is kept, and without CR before LF. */
static size_t clean_line(struct pump *p, wchar_t *line, size_t len)
{
	size_t n = 0, i;

	p->half = 0;
	if (len > 0 && IS_HIGH_SURROGATE(line[len - 1]))
		p->half = line[--len];
	for (i = 0; i < len; i++)
		if (line[i] != L'\r' || i + 1 == len || line[i + 1] != L'\n')
			line[n++] = line[i];
	return n;
}

/* As ReadFile(). Ctrl-Z at the begin of a line ends it, as everywhere in Windows. */
static BOOL read_console(struct pump *p, char *buf, DWORD size, DWORD *got)
{
	wchar_t line[LINE + 1];
	DWORD kept = p->half ? 1 : 0, n = 0;
	size_t len;

	line[0] = p->half;
	SetLastError(0);
	if (!ReadConsoleW(p->handle, line + kept, LINE, &n, NULL))
		return FALSE;
	*got = 0;
	/* Ctrl-C: ended without input, and it goes on. */
	if (n == 0 || GetLastError() == ERROR_OPERATION_ABORTED)
		return GetLastError() == 0;
	if (line[kept] == CTRL_Z)
		return TRUE;
	len = clean_line(p, line, kept + n);
	*got = (DWORD)WideCharToMultiByte(CP_UTF8, 0, line, (int)len, buf, (int)size,
					  NULL, NULL);
	return TRUE;
}

/* Bytes of whole characters: a console shows no half of one. */
static size_t whole(const char *text, size_t len)
{
	size_t tail = 0;

	while (tail < 3 && tail < len && (text[len - 1 - tail] & 0xc0) == 0x80)
		tail++;
	/* Nothing but a character's begin can lack something. */
	if (tail == len || (text[len - 1 - tail] & 0xc0) != 0xc0)
		return len;
	if (tail + 1 < ((text[len - 1 - tail] & 0xe0) == 0xc0 ? 2u :
			(text[len - 1 - tail] & 0xf0) == 0xe0 ? 3u : 4u))
		return len - 1 - tail ? len - 1 - tail : len;
	return len;
}

/* ---- the thread ---- */

static bool is_closing(struct pump *p)
{
	bool closing;

	AcquireSRWLockShared(&p->lock);
	closing = p->closing;
	ReleaseSRWLockShared(&p->lock);
	return closing;
}

static BOOL read_some(struct pump *p, char *buf, DWORD *got)
{
	for (;;) {
		if (!p->console)
			return ReadFile(p->handle, buf, CHUNK, got, NULL) ||
			       /* Of a pipe's message: the rest comes next. */
			       GetLastError() == ERROR_MORE_DATA;
		if (read_console(p, buf, CHUNK, got))
			return TRUE;
		if (GetLastError() != ERROR_OPERATION_ABORTED || is_closing(p))
			return FALSE;
	}
}

/* All of it, or until the loop closes. False: it has. */
static bool pass_on(struct pump *p, const char *data, size_t len)
{
	size_t done = 0;
	bool open;

	AcquireSRWLockExclusive(&p->lock);
	while (done < len && !p->closing) {
		done += put(p, data + done, len - done);
		SetEvent(p->news);
		if (done < len)
			SleepConditionVariableSRW(&p->changed, &p->lock, INFINITE, 0);
	}
	open = !p->closing;
	ReleaseSRWLockExclusive(&p->lock);
	return open;
}

/* Nothing was read: because somebody wrote nothing, which a pipe passes on? */
static bool is_end(HANDLE handle)
{
	return GetFileType(handle) != FILE_TYPE_PIPE ||
	       !PeekNamedPipe(handle, NULL, 0, NULL, NULL, NULL);
}

static DWORD read_all(struct pump *p, char *buf)
{
	DWORD n, error;

	for (;;) {
		if (!read_some(p, buf, &n)) {
			error = GetLastError();
			/* So a pipe's end is told. */
			return error == ERROR_BROKEN_PIPE || error == ERROR_HANDLE_EOF ?
				       0 : error;
		}
		if (n == 0 && is_end(p->handle))
			return 0;
		if (!pass_on(p, buf, n))
			return 0;
	}
}

/* What there is to write, waiting for it; 0: the loop has closed. */
static size_t await_data(struct pump *p, char *buf)
{
	size_t n;

	AcquireSRWLockExclusive(&p->lock);
	while (p->len == 0 && !p->closing)
		SleepConditionVariableSRW(&p->changed, &p->lock, INFINITE, 0);
	n = look(p, buf, CHUNK);
	ReleaseSRWLockExclusive(&p->lock);
	return p->console ? whole(buf, n) : n;
}

static DWORD write_all(struct pump *p, char *buf)
{
	size_t len;
	DWORD n;

	while ((len = await_data(p, buf)) > 0) {
		if (!WriteFile(p->handle, buf, (DWORD)len, &n, NULL))
			return GetLastError();
		AcquireSRWLockExclusive(&p->lock);
		drop(p, n);
		SetEvent(p->news);
		ReleaseSRWLockExclusive(&p->lock);
	}
	return 0;
}

static unsigned __stdcall run(void *arg)
{
	struct pump *p = arg;
	char *buf = malloc(CHUNK);
	DWORD error = ERROR_NOT_ENOUGH_MEMORY;

	if (buf)
		error = p->way == PUMP_READS ? read_all(p, buf) : write_all(p, buf);
	free(buf);
	/* First: whoever is at the other end sees it before the loop goes on. */
	CloseHandle(p->handle);
	AcquireSRWLockExclusive(&p->lock);
	p->error = error;
	p->ended = true;
	SetEvent(p->news);
	ReleaseSRWLockExclusive(&p->lock);
	release(p);
	return 0;
}

/* ---- the loop's side ---- */

static HANDLE begin_thread(struct pump *p)
{
	return (HANDLE)_beginthreadex(NULL, STACK, run, p,
				      CREATE_SUSPENDED |
				      STACK_SIZE_PARAM_IS_A_RESERVATION, NULL);
}

struct pump *pump_new(HANDLE handle, enum pump_way way, HANDLE news)
{
	struct pump *p = calloc(1, sizeof(*p));

	if (p) {
		InitializeSRWLock(&p->lock);
		InitializeConditionVariable(&p->changed);
		p->handle = handle;
		p->news = news;
		p->way = way;
		p->console = win_is_console(handle);
		p->users = 2;
		p->thread = begin_thread(p);
	}
	if (!p || !p->thread) {
		free(p);
		CloseHandle(handle);
		SetLastError(ERROR_NOT_ENOUGH_MEMORY);
		return NULL;
	}
	ResumeThread(p->thread);
	return p;
}

bool pump_ready(struct pump *p)
{
	bool ready;

	AcquireSRWLockExclusive(&p->lock);
	ready = p->ended || (p->way == PUMP_READS ? p->len > 0 : p->len < ROOM);
	ReleaseSRWLockExclusive(&p->lock);
	return ready;
}

int64_t pump_read(struct pump *p, void *buf, size_t size, DWORD *error)
{
	int64_t result = -BELL_EAGAIN;
	size_t n;

	AcquireSRWLockExclusive(&p->lock);
	n = look(p, buf, size);
	drop(p, n);
	if (n > 0) {
		result = (int64_t)n;
		WakeConditionVariable(&p->changed);
	} else if (p->ended) {
		result = p->error ? -BELL_EIO : 0;
		*error = p->error;
	}
	ReleaseSRWLockExclusive(&p->lock);
	return result;
}

static bool nobody_reads(DWORD error)
{
	return error == ERROR_BROKEN_PIPE || error == ERROR_NO_DATA ||
	       error == ERROR_PIPE_NOT_CONNECTED;
}

int64_t pump_write(struct pump *p, const void *data, size_t len, DWORD *error)
{
	int64_t result;

	AcquireSRWLockExclusive(&p->lock);
	if (p->ended) {
		result = nobody_reads(p->error) ? -BELL_EPIPE : -BELL_EIO;
		*error = p->error;
	} else {
		result = (int64_t)put(p, data, len);
		WakeConditionVariable(&p->changed);
	}
	ReleaseSRWLockExclusive(&p->lock);
	return result == 0 ? -BELL_EAGAIN : result;
}

void pump_close(struct pump *p)
{
	AcquireSRWLockExclusive(&p->lock);
	p->closing = true;
	WakeConditionVariable(&p->changed);
	ReleaseSRWLockExclusive(&p->lock);
	/* Comes too early for a thread that is about to read: that one ends later. */
	if (p->way == PUMP_READS)
		CancelSynchronousIo(p->thread);
	release(p);
}

void pump_drain(struct pump *p, HANDLE stop)
{
	HANDLE both[] = { p->thread, stop };

	AcquireSRWLockExclusive(&p->lock);
	p->closing = true;
	WakeConditionVariable(&p->changed);
	ReleaseSRWLockExclusive(&p->lock);
	(void)WaitForMultipleObjects(stop ? 2 : 1, both, FALSE, INFINITE);
	release(p);
}

struct pump *pump_standard_input(HANDLE *event)
{
	static struct pump *input;
	static HANDLE news;
	HANDLE own;

	if (!news)
		news = CreateEventW(NULL, FALSE, FALSE, NULL);
	if (!news)
		return NULL;
	if (!input && DuplicateHandle(GetCurrentProcess(), win_handle(stdin),
				      GetCurrentProcess(), &own, 0, FALSE,
				      DUPLICATE_SAME_ACCESS))
		input = pump_new(own, PUMP_READS, news);
	*event = news;
	return input;
}
