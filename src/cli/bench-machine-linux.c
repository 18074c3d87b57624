/* SPDX-License-Identifier: BSD-2-Clause */
#include "bench-machine.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

/* "model name : X" of the first CPU; not all architectures have it: proc(5). */
static void read_model(char *model)
{
	FILE *file = fopen("/proc/cpuinfo", "re");
	char line[256], *value;

	while (file && !*model && fgets(line, sizeof(line), file)) {
		value = strchr(line, ':');
		if (strncmp(line, "model name", 10) != 0 || !value)
			continue;
		value += strspn(value, ": \t");
		value[strcspn(value, "\n")] = '\0';
		snprintf(model, BENCH_MACHINE_TEXT, "%.*s",
			 BENCH_MACHINE_TEXT - 1, value);
	}
	if (file)
		fclose(file);
}

void bench_machine(struct bench_machine *m)
{
	struct utsname u;

	memset(m, 0, sizeof(*m));
	m->cores = (int)sysconf(_SC_NPROCESSORS_ONLN);
	read_model(m->cpu);
	if (uname(&u) < 0)
		return;
	snprintf(m->system, sizeof(m->system), "%s %.60s", u.sysname, u.release);
	if (!*m->cpu)
		snprintf(m->cpu, sizeof(m->cpu), "%s", u.machine);
}
