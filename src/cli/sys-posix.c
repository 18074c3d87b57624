/* SPDX-License-Identifier: BSD-2-Clause */
#include "sys.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

int sys_begin(int *argc, char ***argv)
{
	(void)argc, (void)argv; /* as they should be */
	return 0;
}

void sys_end(void)
{
}

static volatile sig_atomic_t stopped;
/* Self-pipe: a signal between looking at the flag and poll() still ends it. */
static int wake_fd[2] = { -1, -1 };

static void on_signal(int signo)
{
	int saved = errno;

	(void)signo;
	stopped = 1;
	/* A full pipe is as readable as one wants. */
	if (write(wake_fd[1], "", 1) < 0)
		errno = saved;
	errno = saved;
}

static int say_errno(const char *what)
{
	fprintf(stderr, "bellring: %s: %s\n", what, strerror(errno));
	return -BELL_EIO;
}

static int make_pipe(void)
{
	int i;

	for (i = 0; i < 2; i++) {
		if (wake_fd[i] >= 0)
			close(wake_fd[i]);
		wake_fd[i] = -1;
	}
	if (pipe(wake_fd) < 0)
		return say_errno("pipe");
	for (i = 0; i < 2; i++)
		if (fcntl(wake_fd[i], F_SETFL, O_NONBLOCK) < 0 ||
		    fcntl(wake_fd[i], F_SETFD, FD_CLOEXEC) < 0)
			return say_errno("fcntl of a pipe");
	return 0;
}

static uint64_t files_limit = UINT64_MAX;

uint64_t sys_files_limit(void)
{
	return files_limit;
}

void sys_raise_limits(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	files_limit = limit.rlim_cur;
	limit.rlim_cur = limit.rlim_max;
	/* Refused: then a peer too many is an error that names the remedy. */
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

int sys_catch_signals(void)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction act;
	size_t i;
	int rc = make_pipe();

	if (rc < 0)
		return rc;
	memset(&act, 0, sizeof(act));
	sigemptyset(&act.sa_mask);
	act.sa_handler = SIG_IGN;
	if (sigaction(SIGPIPE, &act, NULL) < 0)
		return say_errno("sigaction");
	act.sa_handler = on_signal;
	act.sa_flags = (int)(SA_RESTART | SA_RESETHAND);
	for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		if (sigaction(signals[i], &act, NULL) < 0)
			return say_errno("sigaction");
	return 0;
}

bool sys_stopped(void)
{
	return stopped != 0;
}

bell_handle_t sys_stop_handle(void)
{
	return wake_fd[0];
}

int sys_wait(bell_handle_t handle, int timeout_ms)
{
	struct pollfd fds[] = { { .fd = handle, .events = POLLIN },
				{ .fd = wake_fd[0], .events = POLLIN } };

	if (poll(fds, 2, timeout_ms) < 0 && errno != EINTR)
		return say_errno("poll");
	return 0;
}

int sys_wait_input(FILE *file, bell_handle_t handle, int timeout_ms)
{
	struct pollfd fds[] = { { .fd = handle, .events = POLLIN },
				{ .fd = wake_fd[0], .events = POLLIN },
				{ .fd = fileno(file), .events = POLLIN } };

	if (poll(fds, 3, timeout_ms) < 0)
		return errno == EINTR ? 0 : say_errno("poll");
	return fds[2].revents != 0;
}

uint64_t sys_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * SYS_NS_PER_S + (uint64_t)t.tv_nsec;
}

static uint64_t timeval_ns(const struct timeval *t)
{
	return (uint64_t)t->tv_sec * SYS_NS_PER_S + (uint64_t)t->tv_usec * 1000;
}

uint64_t sys_cpu_ns(void)
{
	struct rusage usage;

	/* Cannot fail with these arguments: getrusage(2). */
	getrusage(RUSAGE_SELF, &usage);
	return timeval_ns(&usage.ru_utime) + timeval_ns(&usage.ru_stime);
}

bool sys_is_terminal(FILE *file)
{
	return isatty(fileno(file)) == 1;
}

const char *sys_erase(void)
{
	/* Carriage return, and erase to the end of the line: ECMA-48 EL. */
	return "\r\033[K";
}

FILE *sys_open(const char *path, bool write)
{
	return fopen(path, write ? "wb" : "rb");
}

void sys_binary(FILE *file)
{
	(void)file; /* no difference here */
}

uint64_t sys_file_rest(FILE *file)
{
	off_t at = lseek(fileno(file), 0, SEEK_CUR);
	struct stat st;

	if (at < 0 || fstat(fileno(file), &st) < 0 || !S_ISREG(st.st_mode) ||
	    st.st_size <= at)
		return BELL_UNKNOWN;
	return (uint64_t)(st.st_size - at);
}

int64_t sys_read(FILE *file, void *buf, size_t size)
{
	int fd = fileno(file);
	ssize_t n;

	do {
		(void)sys_wait(fd, -1);
		if (stopped)
			return -BELL_EINTR;
		n = read(fd, buf, size);
	} while (n < 0 && (errno == EINTR || errno == EAGAIN));
	return n < 0 ? -BELL_EIO : n;
}

int sys_seek(FILE *file, uint64_t offset)
{
	return fseeko(file, (off_t)offset, SEEK_SET) < 0 ? -BELL_EIO : 0;
}

FILE *sys_temporary(void)
{
	return tmpfile();
}

void sys_timestamp(char *buf, size_t size)
{
	struct timespec t;
	struct tm tm;
	char day[32], zone[8];

	buf[0] = '\0';
	if (clock_gettime(CLOCK_REALTIME, &t) < 0 || !localtime_r(&t.tv_sec, &tm))
		return;
	if (!strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm) ||
	    !strftime(zone, sizeof(zone), "%z", &tm))
		return;
	snprintf(buf, size, "%s.%06ld%s", day, t.tv_nsec / 1000, zone);
}

uint32_t sys_pid(void)
{
	return (uint32_t)getpid();
}

bool sys_absolute(const char *path, char *buf, size_t size)
{
	char *real = *path == '/' ? strdup(path) : realpath(path, NULL);
	bool fits = real && strlen(real) < size;

	if (fits)
		memcpy(buf, real, strlen(real) + 1);
	else if (real)
		errno = ENAMETOOLONG;
	free(real);
	return fits;
}
