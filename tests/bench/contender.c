/* SPDX-License-Identifier: BSD-2-Clause */
#include "contender.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static void run(const struct contender *c, const char *dir, unsigned vectors)
{
	char count[16];
	int null = open("/dev/null", O_RDWR);

	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	snprintf(count, sizeof(count), "%u", vectors);
	/* It may say what it likes, but not between our lines. */
	(void)dup2(null, STDOUT_FILENO);
	(void)dup2(null, STDERR_FILENO);
	execl(c->program, c->program, "-F", "-S", c->socket_path, "-m", dir, "-l", "4M",
	      "-n", count, c->max_peers ? "--max-peers" : NULL, c->max_peers, (char *)NULL);
	_exit(127);
}

void contender_start(struct contender *c, const char *dir, unsigned vectors)
{
	int n = snprintf(c->socket_path, sizeof(c->socket_path), "%s/%s-%u", dir, c->name,
			 vectors);

	if (n < 0 || (size_t)n >= sizeof(c->socket_path)) {
		fprintf(stderr, "bench-server: %s: the path is too long\n", dir);
		exit(EXIT_FAILURE);
	}
	c->pid = fork();
	if (c->pid < 0) {
		perror("bench-server: fork");
		exit(EXIT_FAILURE);
	}
	if (c->pid == 0)
		run(c, dir, vectors);
}

void contender_stop(struct contender *c)
{
	if (c->pid > 0 && kill(c->pid, SIGTERM) == 0)
		(void)waitpid(c->pid, NULL, 0);
	c->pid = 0;
	(void)unlink(c->socket_path);
}

/* "Pss_Shmem" is the memory that it gives away. */
size_t contender_memory(const struct contender *c)
{
	unsigned long kib, pss = 0, shmem = 0;
	char path[64], line[128];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%ld/smaps_rollup", (long)c->pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "Pss: %lu", &kib) == 1)
			pss = kib;
		else if (sscanf(line, "Pss_Shmem: %lu", &kib) == 1)
			shmem = kib;
	}
	if (f)
		fclose(f);
	return (size_t)(pss - shmem) * 1024;
}

size_t contender_descriptors(const struct contender *c)
{
	char path[64];
	size_t n = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%ld/fd", (long)c->pid);
	dir = opendir(path);
	while (dir && readdir(dir))
		n++;
	if (dir)
		closedir(dir);
	return n > 2 ? n - 2 : 0; /* "." and ".." */
}
