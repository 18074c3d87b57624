/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * server-main.c - bellring-server: the process around the server
 */
#include "fd.h"
#include "log.h"
#include "options.h"
#include "ownfile.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

enum { EXIT_USAGE = 2 };

/* A daemon's parent waits at the other end for one byte. */
static int parent_fd = -1;

static int fail(void)
{
	log_error("%s", bell_detail());
	return EXIT_FAILURE;
}

static int fail_errno(const char *what)
{
	log_error("%s: %s", what, strerror(errno));
	return EXIT_FAILURE;
}

/* ---- background ------------------------------------------------------------ */

/* The parent's end: its exit status is whether the daemon became ready. */
static int wait_for_daemon(int fd, pid_t child)
{
	int status;
	char byte;
	ssize_t n;

	do
		n = read(fd, &byte, 1);
	while (n < 0 && errno == EINTR);
	if (n == 1)
		return EXIT_SUCCESS;
	/* The daemon has said why; if it exited, with its status. */
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return EXIT_FAILURE;
	return WIFEXITED(status) && WEXITSTATUS(status) != 0 ?
		       WEXITSTATUS(status) : EXIT_FAILURE;
}

/* Returns in the child; the parent exits when the child is ready, or gone. */
static bool go_background(void)
{
	int fds[2];
	pid_t child;

	if (pipe(fds) < 0)
		return false;
	child = fork();
	if (child < 0) {
		fd_close(&fds[0]);
		fd_close(&fds[1]);
		return false;
	}
	if (child > 0) {
		fd_close(&fds[1]);
		exit(wait_for_daemon(fds[0], child));
	}
	fd_close(&fds[0]);
	fcntl(fds[1], F_SETFD, FD_CLOEXEC);
	parent_fd = fds[1];
	return setsid() >= 0;
}

static void leave_terminal(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0 || chdir("/") < 0)
		log_error("going to the background: %s", strerror(errno));
	log_to_syslog();
	for (int fd = 0; null >= 0 && fd <= 2; fd++)
		dup2(null, fd);
	if (null > 2)
		fd_close(&null);
}

/* ---- ready ------------------------------------------------------------------- */

/* Whoever waits may be gone; that is not ours to judge. */
static void tell(int *fd)
{
	ssize_t n;

	if (*fd < 0)
		return;
	do
		n = write(*fd, "\n", 1);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		log_error("telling that we are ready: %s", strerror(errno));
	fd_close(fd);
}

static void print_size(size_t size, char *out, size_t room)
{
	static const char *const units[] = { "bytes", "KiB", "MiB", "GiB", "TiB" };
	size_t unit = 0;

	for (; size % 1024 == 0 && size > 0 && unit < 4; unit++)
		size /= 1024;
	snprintf(out, room, "%zu %s", size, units[unit]);
}

static void announce(struct options *o, const struct server *s)
{
	size_t size = server_memory_size(s);
	char text[32], wished[32];

	print_size(size, text, sizeof(text));
	print_size((size_t)o->server.memory.size, wished, sizeof(wished));
	if (size != o->server.memory.size)
		log_info("memory: %s rounded up to %s", wished, text);
	if (o->server.memory.name || o->server.memory.dir)
		log_info("memory: not sealed: whoever maps it can cut it short and "
			 "kill all others");
	log_info("listening on %s, memory %s, %u vectors", o->server.socket.path,
		 text, o->server.vectors);
	if (o->daemon)
		leave_terminal();
	tell(&o->ready_fd);
	tell(&parent_fd);
}

/* ---- run ----------------------------------------------------------------------- */

static void on_signal(evutil_socket_t number, short what, void *arg)
{
	(void)what;
	log_info("stopping: %s", strsignal((int)number));
	event_base_loopbreak(arg);
}

static int serve(struct options *o, struct event_base *base)
{
	struct ownfile pid_file = { 0 };
	struct server *server = NULL;
	int status = EXIT_FAILURE;

	if (server_new(&o->server, base, &server) < 0)
		return fail();
	if (o->pid_file && ownfile_write_pid(&pid_file, o->pid_file) < 0) {
		fail();
	} else {
		announce(o, server);
		if (event_base_dispatch(base) < 0)
			log_error("event loop: failed");
		else
			status = EXIT_SUCCESS;
	}
	ownfile_remove(&pid_file);
	server_free(server);
	return status;
}

static int run(struct options *o)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGHUP };
	enum { SIGNALS = sizeof(signals) / sizeof(signals[0]) };
	struct event *events[SIGNALS] = { NULL };
	struct event_base *base = event_base_new();
	int status = EXIT_SUCCESS;

	if (!base)
		return fail_errno("event loop");
	for (int i = 0; i < SIGNALS && status == EXIT_SUCCESS; i++) {
		events[i] = evsignal_new(base, signals[i], on_signal, base);
		if (!events[i] || event_add(events[i], NULL) < 0)
			status = fail_errno("signals");
	}
	if (status == EXIT_SUCCESS)
		status = serve(o, base);
	for (int i = 0; i < SIGNALS; i++)
		if (events[i])
			event_free(events[i]);
	event_base_free(base);
	return status;
}

int main(int argc, char **argv)
{
	struct options o;

	switch (options_read(argc, argv, &o)) {
	case OPTIONS_EXIT:
		return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
	case OPTIONS_WRONG:
		return EXIT_USAGE;
	case OPTIONS_RUN:
		break;
	}
	log_init("bellring-server", o.verbose);
	/* A reader of our log that goes must not take us with it. */
	signal(SIGPIPE, SIG_IGN);
	if (server_check(&o.server) < 0) {
		fail();
		return EXIT_USAGE;
	}
	if (o.check) {
		log_info("the options are valid");
		return EXIT_SUCCESS;
	}
	if (o.daemon && !go_background())
		return fail_errno("going to the background");
	return run(&o);
}
