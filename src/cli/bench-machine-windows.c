/* SPDX-License-Identifier: BSD-2-Clause */
#include "bench-machine.h"

#include "win.h"

#include <stdio.h>
#include <string.h>

#define WINDOWS "SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion"
#define PROCESSOR "HARDWARE\\DESCRIPTION\\System\\CentralProcessor\\0"

/* "" if there is none. */
static void read_text(const char *key, const char *name, char *out, DWORD size)
{
	if (RegGetValueA(HKEY_LOCAL_MACHINE, key, name, RRF_RT_REG_SZ, NULL, out,
			 &size) != ERROR_SUCCESS)
		out[0] = '\0';
}

void bench_machine(struct bench_machine *m)
{
	char build[16];
	SYSTEM_INFO info;

	memset(m, 0, sizeof(*m));
	GetSystemInfo(&info);
	m->cores = (int)info.dwNumberOfProcessors;
	read_text(PROCESSOR, "ProcessorNameString", m->cpu, sizeof(m->cpu));
	read_text(WINDOWS, "CurrentBuildNumber", build, sizeof(build));
	snprintf(m->system, sizeof(m->system), "Windows, build %s", build);
}
