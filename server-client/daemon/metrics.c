/* SPDX-License-Identifier: BSD-2-Clause */
#include "metrics.h"

#include "error.h"
#include "fd.h"
#include "log.h"
#include "loopback.h"
#include "metrics-text.h"

#include <errno.h>
#include <event2/buffer.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#define HEADERS_MAX 100
#define TYPE_PLAIN "text/plain; charset=utf-8"
#define TYPE_METRICS "text/plain; version=0.0.4; charset=utf-8"

/* A client's state: what its request's line asked for, then headers counted. */
enum asked {
	ASKED_NOTHING, /* 0: its request's line is still to come */
	ASKED_GET,
	ASKED_HEAD,
	ASKED_ELSEWHERE,
	ASKED_OTHERWISE,
	ASKED_NONSENSE,
	ASKED_STATES
};

struct metrics {
	struct lines *lines;
};

/* ---- requests --------------------------------------------------------------------- */

/* Does text begin with prefix? Then it is moved behind it. */
static bool skip(const char **text, const char *prefix)
{
	size_t len = strlen(prefix);

	if (strncmp(*text, prefix, len) != 0)
		return false;
	*text += len;
	return true;
}

/* "GET /metrics HTTP/1.1"; RFC 9112, section 3. */
static enum asked parse(const char *whole, size_t len)
{
	const char *line = whole;
	bool get = skip(&line, "GET "), head = !get && skip(&line, "HEAD ");
	const char *space = strchr(line, ' ');
	size_t path_len;

	if (strlen(whole) != len || !space ||
	    (!get && !head && !(space = strchr(space + 1, ' '))) ||
	    strncmp(space, " HTTP/1.", 8) != 0)
		return ASKED_NONSENSE;
	if (!get && !head)
		return ASKED_OTHERWISE;
	path_len = strcspn(line, "? ");
	if (path_len != 8 || memcmp(line, "/metrics", 8) != 0)
		return ASKED_ELSEWHERE;
	return get ? ASKED_GET : ASKED_HEAD;
}

static enum lines_next answer_with(struct evbuffer *answer, const char *status,
				   const char *type, struct evbuffer *body,
				   bool head)
{
	size_t len = evbuffer_get_length(body);
	int rc = evbuffer_add_printf(answer,
				     "HTTP/1.1 %s\r\nContent-Type: %s\r\n"
				     "Content-Length: %zu\r\nCache-Control: no-store\r\n"
				     "Connection: close\r\n\r\n", status, type, len);

	if (rc >= 0 && !head && evbuffer_add_buffer(answer, body) < 0)
		rc = -1;
	return rc < 0 ? LINES_DROP : LINES_END;
}

static enum lines_next answer_text(struct evbuffer *answer, const char *status,
				   const char *text)
{
	struct evbuffer *body = evbuffer_new();
	enum lines_next next = LINES_DROP;

	if (body && evbuffer_add(body, text, strlen(text)) == 0)
		next = answer_with(answer, status, TYPE_PLAIN, body, false);
	if (body)
		evbuffer_free(body);
	return next;
}

static enum lines_next answer_metrics(struct server *server, bool head,
				      struct evbuffer *answer)
{
	struct evbuffer *body = evbuffer_new();
	enum lines_next next = LINES_DROP;

	if (body && metrics_text(server, body) == 0)
		next = answer_with(answer, "200 OK", TYPE_METRICS, body, head);
	if (body)
		evbuffer_free(body);
	return next;
}

static enum lines_next answer_request(struct server *server, enum asked asked,
				      struct evbuffer *answer)
{
	switch (asked) {
	case ASKED_GET:
	case ASKED_HEAD:
		return answer_metrics(server, asked == ASKED_HEAD, answer);
	case ASKED_ELSEWHERE:
		return answer_text(answer, "404 Not Found",
				   "the metrics are at /metrics\n");
	case ASKED_OTHERWISE:
		return answer_text(answer, "405 Method Not Allowed\r\nAllow: GET, HEAD",
				   "there is nothing here but GET and HEAD\n");
	default:
		return answer_text(answer, "400 Bad Request", "this is no HTTP/1\n");
	}
}

enum lines_next metrics_line(void *server, struct lines_client *client,
			     const char *line, size_t len,
			     struct evbuffer *answer)
{
	enum asked asked = (enum asked)(client->state % ASKED_STATES);

	if (asked == ASKED_NOTHING) {
		asked = parse(line, len);
		client->state = (int)asked;
		if (asked == ASKED_NONSENSE)
			return answer_request(server, asked, answer);
		return LINES_GO_ON;
	}
	if (len == 0)
		return answer_request(server, asked, answer);
	client->state += ASKED_STATES;
	if (client->state / ASKED_STATES > HEADERS_MAX)
		return answer_text(answer, "431 Request Header Fields Too Large",
				   "too many headers\n");
	return LINES_GO_ON;
}

/* ---- the socket -------------------------------------------------------------------- */

static void refuse(enum lines_refusal why, struct evbuffer *answer)
{
	static const struct {
		const char *status, *text;
	} says[] = {
		[LINES_CROWDED] = { "503 Service Unavailable",
				    "too many are connected; try again later\n" },
		[LINES_TOO_LONG] = { "431 Request Header Fields Too Large",
				     "a line is too long\n" },
		[LINES_UNFINISHED] = { "400 Bad Request", "the request is cut short\n" },
		[LINES_BUSY] = { "503 Service Unavailable",
				 "others have not read their answers; try again later\n" },
	};

	/* Without memory it is dropped without a word. */
	(void)answer_text(answer, says[why].status, says[why].text);
}

static const char *unix_path(const char *address)
{
	return strncmp(address, "unix:", 5) == 0 ? address + 5 : NULL;
}

int metrics_check(const char *address)
{
	const char *path = unix_path(address);

	if (!path)
		return loopback_check(address);
	if (!path[0] || strlen(path) >= sizeof(((struct sockaddr_un *)0)->sun_path))
		return error_detail(BELL_EINVAL,
				    "%s: the path is empty or longer than 107 bytes; "
				    "write unix:PATH",
				    address);
	return 0;
}

int metrics_listen(const char *address, struct listener *out)
{
	struct listener_wish wish = { .path = unix_path(address),
				      .mode = METRICS_MODE,
				      .uid = (uid_t)-1, .gid = (gid_t)-1 };
	struct listener l = { .fd = -1 };
	char text[LOOPBACK_TEXT];
	int rc = metrics_check(address);

	if (rc < 0)
		return rc;
	if (wish.path)
		return listener_new(&wish, out);
	rc = loopback_listen(address, &l.fd, text);
	if (rc < 0)
		return rc;
	log_info("metrics at http://%s/metrics", text);
	*out = l;
	return 0;
}

/* As it was bound, so that another spelling of the path is another address. */
static bool is_bound_to(int sock, const char *path)
{
	struct sockaddr_un at = { 0 };
	socklen_t len = sizeof(at);

	return getsockname(sock, (struct sockaddr *)&at, &len) == 0 &&
	       at.sun_family == AF_UNIX &&
	       strncmp(at.sun_path, path, sizeof(at.sun_path)) == 0;
}

int metrics_adopt(const char *address, int *fd, struct listener *out)
{
	const char *path = unix_path(address);

	if (path ? !is_bound_to(*fd, path) : !loopback_is(address, *fd))
		return error_detail(BELL_EINVAL,
				    "metrics: the socket of the server before is not at %s",
				    address);
	if (path)
		return listener_adopt(fd, true, out);
	if (fcntl(*fd, F_SETFD, FD_CLOEXEC) < 0 ||
	    fcntl(*fd, F_SETFL, O_NONBLOCK) < 0)
		return error_detail(BELL_EIO, "metrics: fcntl: %s", strerror(errno));
	*out = (struct listener){ .fd = fd_take(fd) };
	return 0;
}

int metrics_serve(struct event_base *base, struct server *server,
		  struct listener *listener, struct metrics **out)
{
	static const struct lines_wish wish = {
		.name = "metrics",
		.connections = METRICS_CONNECTIONS,
		.line_max = 4096,
		.time_ms = 10000,
		.waiting_max = 1u << 20,
		.line = metrics_line,
		.refuse = refuse,
	};
	struct metrics *m = calloc(1, sizeof(*m));
	int rc;

	if (!m)
		return error_detail(BELL_ENOMEM, "metrics: out of memory");
	rc = lines_new(base, &wish, server, listener, &m->lines);
	if (rc < 0)
		metrics_free(m);
	else
		*out = m;
	return rc;
}

int metrics_new(struct event_base *base, struct server *server,
		const char *address, struct metrics **out)
{
	struct listener listener = { .fd = -1 };
	int rc = metrics_listen(address, &listener);

	if (rc < 0)
		return rc;
	rc = metrics_serve(base, server, &listener, out);
	listener_done(&listener);
	return rc;
}

void metrics_free(struct metrics *m)
{
	if (!m)
		return;
	lines_free(m->lines);
	free(m);
}
