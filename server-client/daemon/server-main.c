/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * server-main.c - bellring-server: the process around the server
 */
#include "announce.h"
#include "background.h"
#include "control.h"
#include "fd.h"
#include "fdlimit.h"
#include "keeper.h"
#include "log.h"
#include "metrics.h"
#include "options.h"
#include "ownfile.h"
#include "sandbox.h"
#include "upgrade.h"
#include "watchdog.h"

#include <errno.h>
#include <fcntl.h>
#include <event2/event.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { EXIT_USAGE = 2 };

struct program {
	struct options o;
	struct event_base *base;
	struct event *signals[4];
	struct event *upgrade; /* is due */
	struct event *watchdog;
	struct event *hold;    /* the log holds messages back for that long */
	struct inherit in;     /* what a former server left; empty once it runs */
	struct store store;    /* where descriptors are kept */
	struct store manager;  /* who started us, and wants to know how we are */
	struct server *server;
	struct control *control;
	struct metrics *metrics;
	struct ownfile pid_file;
	bool upgraded;         /* the process was another program before */
	bool stays;            /* it ends, but what is kept goes on */
};

static int fail(void)
{
	log_error("%s", bell_detail());
	return -1;
}

/* ---- signals --------------------------------------------------------------- */

static void stop(void *arg)
{
	static const char *const parts[] = { "state", "memory", "socket",
					     "control", "metrics" };
	struct program *p = arg;

	log_info("stopping: drained, and the last peer left");
	/* There is nothing to go on from. */
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		store_remove(&p->store, parts[i]);
	store_notify(&p->manager, "STOPPING=1");
	event_base_loopbreak(p->base);
}

static void on_stop(evutil_socket_t number, short what, void *arg)
{
	struct program *p = arg;

	(void)what;
	log_info("stopping: %s", strsignal((int)number));
	/* The manager forgets what it keeps when it stops us, not at a restart. */
	p->stays = p->store.kind == STORE_SYSTEMD;
	store_notify(&p->manager, "STOPPING=1");
	event_base_loopbreak(p->base);
}

static void hold_signals(int how)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(how, &set, NULL);
}

/*
 * Signals that come from here on wait for the new program, or for its failure.
 * Those that came before, and that only the loop knows of, are obeyed first.
 */
static void on_upgrade(evutil_socket_t number, short what, void *arg)
{
	static const struct timeval soon = { .tv_usec = 10000 };
	struct program *p = arg;

	(void)number;
	(void)what;
	log_info("upgrade: executing the program anew");
	store_notify(&p->manager, "RELOADING=1");
	hold_signals(SIG_BLOCK);
	event_add(p->upgrade, &soon);
}

static void on_upgrade_time(evutil_socket_t none, short what, void *arg)
{
	struct program *p = arg;

	(void)none;
	(void)what;
	upgrade_go(p->server, &p->store, p->o.server.socket.path);
	hold_signals(SIG_UNBLOCK);
	store_notify(&p->manager, "READY=1");
}

static int add_signal(struct program *p, struct event **at, int number,
		      event_callback_fn fn)
{
	*at = evsignal_new(p->base, number, fn, p);
	if (*at && event_add(*at, NULL) == 0)
		return 0;
	log_error("signals: %s", strerror(errno));
	return -1;
}

static int add_signals(struct program *p)
{
	int rc = add_signal(p, &p->signals[0], SIGTERM, on_stop);

	if (rc == 0)
		rc = add_signal(p, &p->signals[1], SIGINT, on_stop);
	if (rc == 0)
		rc = add_signal(p, &p->signals[2], SIGHUP, on_upgrade);
	p->upgrade = event_new(p->base, -1, 0, on_upgrade_time, p);
	if (!p->upgrade)
		rc = -1;
	/* An upgrade held them back: without handlers they would have ended us. */
	hold_signals(SIG_UNBLOCK);
	return rc;
}

/* ---- start ------------------------------------------------------------------- */

/* Gives what a former server left, and where this one's descriptors are kept. */
static int look_back(struct program *p, struct inherit *in)
{
	struct inherit held = { 0 };
	char path[PATH_MAX];
	int sock = -1, rc;

	if (!p->upgraded && inherit_from_environment(in) < 0)
		return fail();
	store_systemd(&p->manager);
	if (!p->o.keep) {
		store_systemd(&p->store);
		return 0;
	}
	/* An upgrade cannot begin with a keeper; and its peers are not for that to lose. */
	if (p->store.kind != STORE_NONE || p->upgraded)
		return 0;
	rc = keeper_path(p->o.server.socket.path, path, sizeof(path));
	if (rc == 0)
		rc = keeper_find(path, &sock, &held);
	for (size_t i = 0; i < held.count && rc > 0; i++)
		if (inherit_add(in, held.fds[i].name, &held.fds[i].fd) < 0)
			rc = -BELL_ENOMEM;
	inherit_done(&held);
	if (rc < 0)
		return fail();
	if (rc > 0)
		store_keeper(&p->store, &sock);
	return 0;
}

/* Only who has the server's socket may replace the keeper's. */
static int look_ahead(struct program *p)
{
	char path[PATH_MAX];
	int sock, rc;

	if (server_is_successor(p->server))
		return 0;
	if (p->o.keep && p->store.kind == STORE_NONE) {
		rc = keeper_path(p->o.server.socket.path, path, sizeof(path));
		if (rc == 0)
			rc = keeper_start(path, p->o.sandbox.off, &sock);
		if (rc < 0)
			return fail();
		store_keeper(&p->store, &sock);
	}
	server_give_to_store(p->server);
	return 0;
}

static int start_control(struct program *p, struct inherit *in)
{
	struct listener listener = { .fd = -1 };
	int inherited = inherit_take(in, "control"), fd, rc;
	bool known = inherited >= 0;

	if (!p->o.control.path) {
		fd_close(&inherited);
		return 0;
	}
	rc = known ? listener_adopt(&inherited, true, &listener) :
		     listener_new(&p->o.control, &listener);
	fd_close(&inherited);
	if (rc < 0) {
		fail();
		/* Whoever has peers does not end for that. */
		return server_is_successor(p->server) ? 0 : -1;
	}
	fd = listener.fd;
	if (control_new(p->base, p->server, &listener, &p->control) < 0) {
		listener_done(&listener);
		return fail();
	}
	server_keep(p->server, "control", fd, known);
	return 0;
}

/*
 * A successor may not open another one, being in its sandbox; it has peers, and
 * does not end for that.
 */
static int listen_for_metrics(struct program *p, struct inherit *in,
			      struct listener *listener, bool *known)
{
	int inherited = inherit_take(in, "metrics"), rc = -1;

	*known = inherited >= 0 &&
		 metrics_adopt(p->o.metrics, &inherited, listener) == 0;
	if (!*known)
		rc = metrics_listen(p->o.metrics, listener);
	fd_close(&inherited);
	if (!*known && rc < 0)
		fail();
	return *known ? 0 : rc;
}

static int start_metrics(struct program *p, struct inherit *in)
{
	struct listener listener = { .fd = -1 };
	bool known;
	int fd;

	if (!p->o.metrics)
		return 0;
	if (listen_for_metrics(p, in, &listener, &known) < 0)
		return server_is_successor(p->server) ? 0 : -1;
	fd = listener.fd;
	if (metrics_serve(p->base, p->server, &listener, &p->metrics) < 0) {
		listener_done(&listener);
		return fail();
	}
	server_keep(p->server, "metrics", fd, known);
	return 0;
}

/* The socket may be busy since a keeper holds it. */
static int fail_busy(const struct program *p)
{
	char path[PATH_MAX];

	fail();
	if (!p->o.keep &&
	    keeper_path(p->o.server.socket.path, path, sizeof(path)) == 0 &&
	    access(path, F_OK) == 0)
		log_error("perhaps its keeper alone: to take over from a server that "
			  "died, give --keep");
	return -1;
}

static int start_server(struct program *p, struct inherit *in)
{
	int rc = server_new(&p->o.server, p->base, &p->store, in, &p->server);

	if (rc == -BELL_EBUSY)
		return fail_busy(p);
	return rc < 0 ? fail() : 0;
}

static int start_parts(struct program *p)
{
	struct inherit *in = &p->in;
	int rc = look_back(p, in);

	/* If this one does not come up, the next one may. */
	p->stays = inherit_has_state(in);
	if (rc == 0)
		rc = start_server(p, in);
	if (rc == 0)
		rc = look_ahead(p);
	if (rc == 0)
		rc = start_control(p, in);
	if (rc == 0)
		rc = start_metrics(p, in);
	if (rc == 0)
		server_on_drained(p->server, stop, p);
	inherit_done(in);
	return rc;
}

/* ---- ready ------------------------------------------------------------------- */

/* Whoever waits may be gone; that is not ours to judge. */
static void tell_starter(struct program *p)
{
	if (p->o.ready_fd >= 0 && !p->upgraded) {
		if (write(p->o.ready_fd, "\n", 1) < 0)
			log_error("telling that we are ready: %s",
				  strerror(errno));
		fd_close(&p->o.ready_fd);
	}
	background_ready();
	store_notify(&p->manager, "READY=1");
}

static int enter_sandbox(struct program *p)
{
	if (sandbox_enter(&p->o.sandbox) < 0)
		return fail();
	log_debug("sandbox: %s", sandbox_text());
	return 0;
}

static void on_hold(void *arg)
{
	static const struct timeval second = { .tv_sec = 1 };
	struct program *p = arg;

	event_add(p->hold, &second);
}

static void on_hold_over(evutil_socket_t none, short what, void *arg)
{
	(void)none;
	(void)what;
	(void)arg;
	log_flush();
}

static int add_hold(struct program *p)
{
	p->hold = event_new(p->base, -1, 0, on_hold_over, p);
	if (!p->hold)
		return -1;
	log_on_hold(on_hold, p);
	return 0;
}

/* With timers that are finer than milliseconds: a newcomer's greeting has some. */
static struct event_base *new_base(void)
{
	struct event_config *config = event_config_new();
	struct event_base *base = NULL;

	if (config && event_config_set_flag(config, EVENT_BASE_FLAG_PRECISE_TIMER) == 0)
		base = event_base_new_with_config(config);
	if (config)
		event_config_free(config);
	return base;
}

static int start(struct program *p)
{
	/* Before any descriptor comes, and before any is opened that is to stay. */
	fdlimit_raise();
	if (p->upgraded)
		upgrade_inherit(&p->in, &p->store);
	p->stays = inherit_has_state(&p->in);
	p->base = new_base();
	if (!p->base) {
		log_error("event loop: %s", strerror(errno));
		return -1;
	}
	if (add_signals(p) < 0 || add_hold(p) < 0 || start_parts(p) < 0)
		return -1;
	if (p->o.pid_file &&
	    ownfile_write_pid(&p->pid_file, p->o.pid_file) < 0 && !p->upgraded)
		return fail();
	p->watchdog = watchdog_new(p->base, &p->manager);
	announce(p->server, &p->o);
	if (p->o.daemon)
		background_leave_terminal();
	/* The former program entered one already; it cannot change user again. */
	if (enter_sandbox(p) < 0 && !p->upgraded)
		return -1;
	p->stays = false;
	tell_starter(p);
	return 0;
}

/* A manager that starts us again forgets nothing, one that stops us all. */
static void leave_others(struct program *p)
{
	if (!p->server)
		return;
	store_remove(&p->store, "control");
	store_remove(&p->store, "metrics");
	metrics_free(p->metrics);
	control_free(p->control);
}

static void done(struct program *p)
{
	ownfile_remove(&p->pid_file);
	log_flush();
	/* Peers hear nothing, and their socket stays; the others are made anew. */
	if (p->stays) {
		leave_others(p);
		return;
	}
	metrics_free(p->metrics);
	control_free(p->control);
	if (p->server)
		server_stop(p->server);
	server_free(p->server);
	store_end(&p->store);
	store_done(&p->store);
	store_done(&p->manager);
	for (size_t i = 0; i < sizeof(p->signals) / sizeof(p->signals[0]); i++)
		if (p->signals[i])
			event_free(p->signals[i]);
	if (p->upgrade)
		event_free(p->upgrade);
	if (p->watchdog)
		event_free(p->watchdog);
	log_on_hold(NULL, NULL);
	if (p->hold)
		event_free(p->hold);
	if (p->base)
		event_base_free(p->base);
	options_done(&p->o);
}

/* What is opened later must not become one of these: it would be written to. */
static void open_standard_streams(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= 2);
	fd_close(&fd);
}

static int run(struct program *p)
{
	int status = EXIT_FAILURE;

	p->store.sock = p->manager.sock = -1;
	p->upgraded = upgrade_is_one();
	if (p->o.daemon && !p->upgraded && !background_go())
		log_error("going to the background: %s", strerror(errno));
	else if (start(p) == 0 && event_base_dispatch(p->base) == 0)
		status = EXIT_SUCCESS;
	done(p);
	return status;
}

int main(int argc, char **argv)
{
	static struct program p;

	open_standard_streams();
	upgrade_remember(argv);
	/* A reader of our log that goes must not take us with it. */
	signal(SIGPIPE, SIG_IGN);
	/* A limit of file sizes: what is too large fails, and says so. */
	signal(SIGXFSZ, SIG_IGN);
	switch (options_read(argc, argv, &p.o)) {
	case OPTIONS_EXIT:
		return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
	case OPTIONS_WRONG:
		return EXIT_USAGE;
	case OPTIONS_RUN:
		break;
	}
	log_init("bellring-server", p.o.verbose);
	log_limit(p.o.log_rate);
	return run(&p);
}
