/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * host.c - the port "unix:PATH": a peer on the host, by an ivshmem server
 *
 * The only global is bell_port_unix. Everything the server sends is checked by
 * proto.c; what it cannot know, as that a descriptor is an eventfd, is here.
 */
#include "dial.h"
#include "error.h"
#include "eventset.h"
#include "fd.h"
#include "fdcheck.h"
#include "layout.h"
#include "os.h"
#include "port.h"
#include "proto.h"
#include "remotes.h"
#include "sockfd.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define DEFAULT_TIMEOUT_MS 5000
#define TAGS 64
#define MESSAGES_A_WAIT 4096 /* others than the server get their turn */
#define SERVER_TAG EVENTSET_OTHER

/*
 * A client is not told how many vectors of its own will come. If nothing says
 * how many, this silence after one of them ends the greeting; if the header or
 * other peers promise more, or none came at all, the longer one does.
 */
#define QUIET_NS UINT64_C(20000000)
#define PATIENT_NS UINT64_C(500000000)

extern const struct bell_port_ops bell_port_unix; /* last in this file */

struct host {
	struct bell_port port;
	char *path;
	int sock;           /* -1 once the server is lost */
	unsigned promised;  /* own vectors by the region's header; 0: unknown */
	unsigned others;    /* vectors that another peer has; 0: unknown */
	bool has_remotes;
	struct eventset set;
	struct proto proto;
	struct remotes remotes;
};

static struct host *host_of(const struct bell_port *port)
{
	return (struct host *)(uintptr_t)port;
}

/* Puts the address before what the last failure said. */
static int blame(const struct host *h, int rc)
{
	char why[700];

	snprintf(why, sizeof(why), "%s", bell_detail());
	return error_detail(-rc, "unix:%s: %s", h->path,
			    why[0] ? why : bell_strerror(rc));
}

/* ---- what the server gives --------------------------------------------- */

/*
 * If the server did not seal the memory, whoever holds its descriptor can cut
 * it short and kill us by SIGBUS; QEMU is in the same position. bellring-server
 * seals it.
 */
static int take_memory(struct host *h, int fd)
{
	struct layout layout;
	size_t size = 0;
	void *at;
	int rc;

	if (fd < 0)
		return error_detail(BELL_ENOMEM,
				    "no room for the memory's descriptor; raise the "
				    "limit of open files (ulimit -n)");
	rc = fdcheck_memory(fd, &size);
	if (rc < 0)
		goto out;
	at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (at == MAP_FAILED) {
		rc = error_detail(from_errno(errno), "memory: mmap of %zu bytes: %s",
				  size, strerror(errno));
		goto out;
	}
	h->port.memory = at;
	h->port.size = size;
	if (layout_read(at, size, &layout) == 0 &&
	    layout.server_vectors <= PROTO_VECTORS)
		h->promised = layout.server_vectors;
out:	fd_close(&fd);
	return rc;
}

static int take_peer_vector(struct host *h, struct proto_event *ev)
{
	int rc = ev->fd >= 0 ? fdcheck_eventfd(ev->fd) : 0;

	if (rc < 0) {
		fd_close(&ev->fd);
		return rc;
	}
	if (ev->vector >= h->others)
		h->others = ev->vector + 1;
	return remotes_add(&h->remotes, ev->id, ev->vector, &ev->fd);
}

static int take_own_vector(struct host *h, struct proto_event *ev)
{
	int rc;

	if (ev->fd < 0)
		return error_detail(BELL_ENOMEM,
				    "no room for own vector %u's descriptor; raise "
				    "the limit of open files (ulimit -n)",
				    ev->vector);
	rc = fdcheck_eventfd(ev->fd);
	if (rc < 0) {
		fd_close(&ev->fd);
		return rc;
	}
	rc = eventset_add_vector(&h->set, ev->vector, &ev->fd);
	if (rc == 0)
		h->port.vectors = ev->vector + 1;
	return rc;
}

/* Takes ev's descriptor. Returns the number of things told to sink (or NULL). */
static int apply(struct host *h, struct proto_event *ev,
		 const struct port_sink *sink)
{
	int rc;

	switch (ev->kind) {
	case PROTO_NOTHING:
	case PROTO_GREETED:
		return 0;
	case PROTO_OWN_ID:
		h->port.id = ev->id;
		return 0;
	case PROTO_MEMORY_FD:
		return take_memory(h, fd_take(&ev->fd));
	case PROTO_PEER_VECTOR:
		rc = take_peer_vector(h, ev);
		if (rc < 0 || !sink || ev->vector != 0)
			return rc;
		sink->peer(sink->arg, ev->id, BELL_PEER_JOINED);
		return 1;
	case PROTO_OWN_VECTOR:
		if (!sink)
			return take_own_vector(h, ev);
		fd_close(&ev->fd); /* too late: the number of vectors is told */
		return 0;
	case PROTO_PEER_LEFT:
		remotes_remove(&h->remotes, ev->id);
		if (!sink)
			return 0;
		sink->peer(sink->arg, ev->id, BELL_PEER_LEFT);
		return 1;
	}
	return error_detail(BELL_EPROTO, "unknown event");
}

/*
 * Receives up to one message. *told gets what apply() told. 0, or -BELL_EAGAIN
 * if nothing is there, -BELL_EGONE at the end, or what is wrong.
 */
static int receive(struct host *h, const struct port_sink *sink, int *told)
{
	unsigned char bytes[PROTO_SIZE];
	struct proto_event ev;
	int fd, n, rc;

	*told = 0;
	n = sockfd_recv(h->sock, bytes, proto_wants(&h->proto), &fd);
	if (n < 0)
		return n;
	if (n == 0) {
		fd_close(&fd);
		return error_plain(BELL_EGONE);
	}
	rc = proto_feed(&h->proto, bytes, (size_t)n, &fd, &ev);
	if (rc < 0)
		return rc;
	rc = apply(h, &ev, sink);
	if (rc < 0)
		return rc;
	*told = rc;
	return 0;
}

/* ---- the greeting ------------------------------------------------------- */

static unsigned expected_vectors(const struct host *h)
{
	return h->promised ? h->promised : h->others;
}

static bool greeting_complete(const struct host *h)
{
	unsigned expected = expected_vectors(h);

	return h->port.memory && expected > 0 && h->port.vectors >= expected;
}

/* How long a silence ends the greeting; 0: none does. */
static uint64_t quiet_ns(const struct host *h)
{
	if (!h->port.memory)
		return 0;
	if (expected_vectors(h) == 0 && h->port.vectors > 0)
		return QUIET_NS;
	return PATIENT_NS;
}

static const char *what_is_missing(const struct host *h)
{
	switch (h->proto.state) {
	case PROTO_WANT_VERSION:
		return "no version yet";
	case PROTO_WANT_ID:
		return "no id yet";
	case PROTO_WANT_MEMORY:
		return "no memory yet";
	default:
		return "vectors missing";
	}
}

static int cut_short(const struct host *h)
{
	return error_detail(BELL_EPROTO,
			    "server closed the connection after %lu messages of "
			    "its greeting, %s", h->proto.messages,
			    what_is_missing(h));
}

/* Returns 1 if the socket is readable, 0 at until_ns, or -BELL_EIO. */
static int wait_readable(int sock, uint64_t until_ns)
{
	struct pollfd p = { .fd = sock, .events = POLLIN };
	int n;

	do {
		uint64_t now = os_now_ns();
		uint64_t ms = now < until_ns ?
				      (until_ns - now + 999999) / 1000000 : 0;

		n = poll(&p, 1, (int)ms);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return error_detail(from_errno(errno), "poll: %s",
				    strerror(errno));
	return n;
}

/* Waits for more. Returns 1 if there is, 0 if the greeting is over. */
static int greeting_goes_on(struct host *h, uint64_t deadline_ns)
{
	uint64_t quiet = quiet_ns(h), end = os_now_ns() + quiet;
	bool bounded = quiet > 0 && end <= deadline_ns;
	int rc = wait_readable(h->sock, bounded ? end : deadline_ns);

	if (rc != 0 || bounded)
		return rc;
	return error_detail(BELL_EAGAIN,
			    "greeting not complete in time: %lu messages came, %s",
			    h->proto.messages, what_is_missing(h));
}

static int greet(struct host *h, uint64_t deadline_ns)
{
	int told, rc;

	while (!greeting_complete(h)) {
		rc = receive(h, NULL, &told);
		if (rc == -BELL_EGONE)
			return cut_short(h);
		if (rc == 0)
			continue;
		if (rc != -BELL_EAGAIN)
			return rc;
		rc = greeting_goes_on(h, deadline_ns);
		if (rc <= 0)
			return rc;
	}
	return 0;
}

/* ---- the port ----------------------------------------------------------- */

static void host_close(struct bell_port *port)
{
	struct host *h = host_of(port);

	if (!h)
		return;
	if (h->port.memory)
		munmap(h->port.memory, h->port.size);
	if (h->has_remotes)
		remotes_done(&h->remotes);
	proto_done(&h->proto);
	eventset_done(&h->set);
	fd_close(&h->sock);
	free(h->path);
	free(h);
}

static struct host *host_new(const char *path)
{
	struct host *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	h->port.ops = &bell_port_unix;
	h->port.kind = BELL_KIND_HOST;
	h->sock = -1;
	proto_init(&h->proto);
	eventset_clear(&h->set);
	h->path = strdup(path);
	if (h->path)
		return h;
	host_close(&h->port);
	return NULL;
}

static int host_start(struct host *h, int timeout_ms)
{
	uint64_t deadline = os_now_ns() + (uint64_t)timeout_ms * 1000000;
	int rc;

	rc = remotes_init(&h->remotes);
	if (rc < 0)
		return rc;
	h->has_remotes = true;
	rc = eventset_init(&h->set);
	if (rc < 0)
		return rc;
	rc = dial(h->path, deadline, &h->sock);
	if (rc < 0)
		return rc;
	rc = greet(h, deadline);
	if (rc < 0)
		return rc;
	return eventset_add_other(&h->set, SERVER_TAG, h->sock);
}

static int host_open(const char *rest, int timeout_ms, struct bell_port **out)
{
	struct host *h = host_new(rest);
	int rc;

	if (!h)
		return error_detail(BELL_ENOMEM, "unix:%s: out of memory", rest);
	rc = host_start(h, timeout_ms < 0 ? DEFAULT_TIMEOUT_MS : timeout_ms);
	if (rc < 0) {
		rc = blame(h, rc);
		host_close(&h->port);
		return rc;
	}
	*out = &h->port;
	return 0;
}

static int host_ring(struct bell_port *port, uint32_t id, unsigned vector)
{
	struct host *h = host_of(port);

	if (id != port->id)
		return remotes_ring(&h->remotes, id, vector);
	/* As in a guest, whose device rings itself too. */
	if (vector >= port->vectors)
		return error_detail(BELL_ENOPEER,
				    "peer %u: has no vector %u; it has %u",
				    id, vector, port->vectors);
	return eventfd_signal(h->set.vector_fd[vector]);
}

static bell_handle_t host_handle(const struct bell_port *port)
{
	return host_of(port)->set.epoll_fd;
}

static int server_lost(struct host *h, const struct port_sink *sink)
{
	eventset_remove_other(&h->set, h->sock);
	fd_close(&h->sock);
	sink->peer(sink->arg, 0, BELL_SERVER_LOST);
	return 1;
}

/* A server that breaks the protocol is as good as gone. */
static int on_server(struct host *h, const struct port_sink *sink)
{
	int total = 0, told, rc;

	for (int i = 0; i < MESSAGES_A_WAIT && h->sock >= 0; i++) {
		rc = receive(h, sink, &told);
		if (rc == -BELL_EAGAIN)
			break;
		total += rc == 0 ? told : server_lost(h, sink);
	}
	return total;
}

static int host_wait(struct bell_port *port, int timeout_ms,
		     const struct port_sink *sink)
{
	struct host *h = host_of(port);
	uint32_t tags[TAGS];
	int total = 0, n;

	/* More than fit into tags are taken in turns; edges come round-robin. */
	for (unsigned turn = 0; turn <= EVENTSET_VECTORS / TAGS; turn++) {
		n = eventset_wait(&h->set, turn == 0 ? timeout_ms : 0, tags,
				  TAGS);
		if (n < 0)
			return blame(h, n);
		for (int i = 0; i < n; i++) {
			if (tags[i] == SERVER_TAG) {
				total += on_server(h, sink);
				continue;
			}
			sink->interrupt(sink->arg, tags[i]);
			total++;
		}
		if (n < TAGS)
			break;
	}
	return total;
}

static size_t host_peers(const struct bell_port *port,
			 struct bell_peer_info *list, size_t max)
{
	return remotes_list(&host_of(port)->remotes, list, max);
}

const struct bell_port_ops bell_port_unix = {
	.name = "unix",
	.scheme = "unix",
	.open = host_open,
	.ring = host_ring,
	.handle = host_handle,
	.wait = host_wait,
	.peers = host_peers,
	.close = host_close,
};
