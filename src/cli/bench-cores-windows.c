/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Cores, on Windows, and two sides of one thing, which are threads: a second process
 * could not be forked.
 */
#include "bench-bare.h"

#include "cli.h"
#include "win.h"

#include <malloc.h>
#include <process.h>
#include <string.h>

/* ---- cores ---- */

static DWORD_PTR own_cpus(void)
{
	DWORD_PTR own = 0, all = 0;

	return GetProcessAffinityMask(GetCurrentProcess(), &own, &all) ? own : 1;
}

int bench_cpus(void)
{
	return __builtin_popcountll(own_cpus());
}

/* Of a core's threads Windows numbers one after the other: the second is farther. */
bool bench_pin(int which)
{
	DWORD_PTR own = own_cpus(), first = own & -own, second;

	second = own & ~(first | first << 1);
	if (!second)
		second = own & ~first;
	if (!second)
		return false;
	return SetThreadAffinityMask(GetCurrentThread(),
				     which == 0 ? first : second & -second) != 0;
}

bool bench_pin_away(void)
{
	DWORD_PTR own = own_cpus(), rest = own & (own - 1);

	return rest != 0 && SetProcessAffinityMask(GetCurrentProcess(), rest);
}

/* ---- two sides of one thing ---- */

void *bench_shared(size_t size)
{
	void *memory = _aligned_malloc(size, 64);

	if (memory)
		memset(memory, 0, size);
	else
		cli_no_memory();
	return memory;
}

void bench_unshare(void *memory, size_t size)
{
	(void)size;
	_aligned_free(memory);
}

struct beside {
	int (*run)(void *arg);
	void *arg;
	bool pinned;
	int rc;
};

static unsigned __stdcall run_beside(void *arg)
{
	struct beside *o = arg;

	if (o->pinned)
		(void)bench_pin(1);
	o->rc = o->run(o->arg);
	return 0;
}

int bench_beside(const char *what, int (*other)(void *arg), int (*own)(void *arg),
		 void *arg, bool pinned)
{
	struct beside o = { other, arg, pinned, CLI_DONE };
	HANDLE thread = (HANDLE)_beginthreadex(NULL, 0, run_beside, &o, 0, NULL);
	int rc;

	if (!thread)
		return cli_error("bench: %s: starting a thread: %s", what,
				 win_text(GetLastError()));
	rc = own(arg);
	WaitForSingleObject(thread, INFINITE);
	CloseHandle(thread);
	return rc == CLI_DONE && o.rc != CLI_DONE ?
		       cli_error("bench: %s: the other thread failed", what) :
		       rc;
}

/* ---- the other side ---- */

int bench_child_start(struct bench_child *c, int (*run)(void *arg), void *arg)
{
	(void)run, (void)arg;
	*c = (struct bench_child){ .pid = 0 };
	return cli_error("bench: on Windows the other side is another machine, or another "
			 "program with a device of its own: bellring bench --serve there, "
			 "then bellring bench PEER here");
}

int bench_child_go(struct bench_child *c)
{
	(void)c;
	return CLI_FAILED;
}

bool bench_child_alive(const struct bench_child *c)
{
	(void)c;
	return false;
}

int bench_child_end(struct bench_child *c, int grace_ms)
{
	(void)c, (void)grace_ms;
	return -1;
}
