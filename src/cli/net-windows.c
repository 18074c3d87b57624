/* SPDX-License-Identifier: BSD-2-Clause */
/* The table, one connection, standard streams; net-set-windows.c waits. */
#include "net-windows.h"

#include "sys.h"

#include <fcntl.h>
#include <io.h>
#include <stdlib.h>

/* ---- failures ---- */

static DWORD why_error;
static const char *why_text;

const char *net_why(void)
{
	return why_text ? why_text : win_text(why_error);
}

int net_fail(DWORD error)
{
	why_error = error;
	why_text = NULL;
	return -BELL_EIO;
}

int net_fail_text(const char *text)
{
	why_text = text;
	return -BELL_EIO;
}

/* ---- the table ---- */

static struct {
	struct net_entry *entries; /* never freed: there is one, until the end */
	int count;
} table;

struct net_entry *net_entry(net_t fd)
{
	return &table.entries[fd];
}

static int find_free(void)
{
	int count = table.count ? 2 * table.count : 16, i;
	struct net_entry *larger;

	for (i = 0; i < table.count; i++)
		if (table.entries[i].kind == NET_FREE)
			return i;
	larger = realloc(table.entries, (size_t)count * sizeof(*larger));
	if (!larger)
		return net_fail(ERROR_NOT_ENOUGH_MEMORY);
	for (i = table.count; i < count; i++)
		larger[i] = (struct net_entry){ .kind = NET_FREE };
	table.entries = larger;
	i = table.count;
	table.count = count;
	return i;
}

int net_add(const struct net_entry *entry)
{
	int fd = find_free();

	if (fd >= 0)
		table.entries[fd] = *entry;
	return fd;
}

int net_add_pump(HANDLE handle, enum pump_way way)
{
	struct net_entry e = { .kind = NET_PUMP };
	HANDLE news = net_news();
	int fd;

	if (!news) {
		CloseHandle(handle);
		return -BELL_EIO;
	}
	e.pump = pump_new(handle, way, news);
	if (!e.pump)
		return net_fail(GetLastError());
	fd = net_add(&e);
	if (fd < 0)
		pump_close(e.pump);
	return fd;
}

HANDLE net_news(void)
{
	static HANDLE news;

	if (!news) {
		news = CreateEventW(NULL, FALSE, FALSE, NULL);
		if (!news)
			net_fail(GetLastError());
	}
	return news;
}

/* ---- one connection ---- */

/* Of what Windows takes in one call. */
static DWORD piece(size_t size)
{
	return size > 1u << 30 ? 1u << 30 : (DWORD)size;
}

static int64_t socket_failed(void)
{
	int error = WSAGetLastError();

	return error == WSAEWOULDBLOCK ? -BELL_EAGAIN : net_fail((DWORD)error);
}

static int64_t read_file(HANDLE file, void *buf, size_t size)
{
	DWORD n;

	if (ReadFile(file, buf, piece(size), &n, NULL))
		return n;
	return GetLastError() == ERROR_HANDLE_EOF ? 0 : net_fail(GetLastError());
}

int64_t net_read(net_t fd, void *buf, size_t size)
{
	struct net_entry *e = net_entry(fd);
	DWORD error = 0;
	int64_t n;

	switch (e->kind) {
	case NET_SOCKET:
		n = recv(e->socket, buf, (int)piece(size), 0);
		return n >= 0 ? n : socket_failed();
	case NET_PUMP:
		n = pump_read(e->pump, buf, size, &error);
		return n == -BELL_EIO ? net_fail(error) : n;
	default:
		return read_file(e->file, buf, size);
	}
}

static int64_t write_file(HANDLE file, const void *data, size_t len)
{
	DWORD n;

	if (WriteFile(file, data, piece(len), &n, NULL))
		return n;
	return net_fail(GetLastError());
}

int64_t net_write(net_t fd, const void *data, size_t len)
{
	struct net_entry *e = net_entry(fd);
	DWORD error = 0;
	int64_t n;

	switch (e->kind) {
	case NET_SOCKET:
		n = send(e->socket, data, (int)piece(len), 0);
		if (n < 0 && WSAGetLastError() == WSAESHUTDOWN)
			return -BELL_EPIPE;
		return n >= 0 ? n : socket_failed();
	case NET_PUMP:
		n = pump_write(e->pump, data, len, &error);
		return n < 0 && n != -BELL_EAGAIN ? (net_fail(error), n) : n;
	default:
		return write_file(e->file, data, len);
	}
}

void net_shutdown(net_t fd)
{
	struct net_entry *e = net_entry(fd);

	/* Not connected any more: then the other side knows. */
	if (e->kind == NET_SOCKET)
		(void)shutdown(e->socket, SD_SEND);
}

void net_close(net_t *fd)
{
	struct net_entry *e;

	if (*fd < 0)
		return;
	e = net_entry(*fd);
	if (e->kind == NET_SOCKET)
		closesocket(e->socket);
	else if (e->kind == NET_FILE)
		CloseHandle(e->file);
	else if (e->drains)
		pump_drain(e->pump, sys_stop_handle());
	else
		pump_close(e->pump);
	*e = (struct net_entry){ .kind = NET_FREE };
	*fd = NET_NONE;
}

void net_abort(net_t *fd)
{
	struct linger at_once = { .l_onoff = 1, .l_linger = 0 };

	/* TCP sends a reset then. */
	if (*fd >= 0 && net_entry(*fd)->kind == NET_SOCKET)
		(void)setsockopt(net_entry(*fd)->socket, SOL_SOCKET, SO_LINGER,
				 (const char *)&at_once, sizeof(at_once));
	net_close(fd);
}

/* ---- standard input and output ---- */

static int add_standard(HANDLE handle, enum pump_way way)
{
	struct net_entry e = { .kind = NET_FILE, .file = handle };
	int fd;

	if (GetFileType(handle) != FILE_TYPE_DISK) {
		fd = net_add_pump(handle, way);
		if (fd >= 0)
			net_entry(fd)->drains = way == PUMP_WRITES;
		return fd;
	}
	fd = net_add(&e);
	if (fd < 0)
		CloseHandle(handle);
	return fd;
}

/* Leaves NUL behind: who is at the other end of a pipe then hears of our end's. */
static bool leave(FILE *file)
{
	int null = _open("NUL", _O_RDWR | _O_BINARY | _O_NOINHERIT);
	bool done = null >= 0 && _dup2(null, _fileno(file)) == 0;

	if (null >= 0)
		_close(null);
	return done;
}

static int take(FILE *file, enum pump_way way, net_t *out, bool *waits)
{
	HANDLE own, self = GetCurrentProcess();
	int fd;

	if (!DuplicateHandle(self, win_handle(file), self, &own, 0, FALSE,
			     DUPLICATE_SAME_ACCESS))
		return net_fail(GetLastError());
	if (!leave(file)) {
		CloseHandle(own);
		return net_fail_text("NUL cannot be opened");
	}
	fd = add_standard(own, way);
	if (fd < 0)
		return fd;
	*waits = false;
	*out = fd;
	return 0;
}

int net_take_input(net_t *fd, bool *waits)
{
	return take(stdin, PUMP_READS, fd, waits);
}

int net_take_output(net_t *fd, bool *waits)
{
	return take(stdout, PUMP_WRITES, fd, waits);
}
