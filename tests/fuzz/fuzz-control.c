/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fuzz-control.c - requests on the control socket, and for metrics, to a server
 * whose peer has any name
 *
 * Input: what is asked (bit 0: metrics), how long the name is, the name, and then
 * lines. What is said in answer is whole, and ASCII.
 */
#include "control.h"
#include "fake-inspect.h"
#include "hostile.h"
#include "log.h"
#include "metrics.h"

#include <event2/buffer.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define LINE_ROOM 4096

/* Instead of log.c: who kicks is said in the log, often here. */
void log_error(const char *fmt, ...)
{
	(void)fmt;
}

void log_info(const char *fmt, ...)
{
	(void)fmt;
}

void log_debug(const char *fmt, ...)
{
	(void)fmt;
}

/* A line of an answer; whether it is the last. */
static bool check_object(const char *line, size_t len)
{
	json_t *o = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);
	const char *type = json_string_value(json_object_get(o, "type"));
	bool last;

	for (size_t i = 0; i < len; i++)
		always(line[i] >= 0x20 && line[i] <= 0x7e);
	always(type != NULL);
	last = strcmp(type, "end") == 0 || strcmp(type, "error") == 0;
	json_decref(o);
	return last;
}

static void check_json(struct evbuffer *answer)
{
	bool last = false;

	while (evbuffer_get_length(answer) > 0) {
		size_t len;
		char *line = evbuffer_readln(answer, &len, EVBUFFER_EOL_LF);

		always(line != NULL && !last);
		last = check_object(line, len);
		free(line);
	}
	always(last);
}

static void check_http(struct evbuffer *answer)
{
	struct evbuffer_ptr body = evbuffer_search(answer, "\r\n\r\n", 4, NULL);
	char begin[9];

	always(evbuffer_remove(answer, begin, sizeof(begin)) == sizeof(begin));
	always(memcmp(begin, "HTTP/1.1 ", sizeof(begin)) == 0);
	always(body.pos > 0);
	evbuffer_drain(answer, evbuffer_get_length(answer));
}

/* The next line, without its end. */
static size_t take_line(struct input *in, char *line)
{
	const uint8_t *end = memchr(in->data, '\n', in->size);
	size_t len = end ? (size_t)(end - in->data) : in->size;

	if (len > LINE_ROOM)
		len = LINE_ROOM;
	(void)input_bytes(in, line, len);
	line[len] = '\0';
	(void)input_u8(in);
	return len;
}

static void ask(struct server *s, bool metrics, struct input *in)
{
	struct evbuffer *answer = evbuffer_new();
	struct lines_client client = { .sock = -1 };
	enum lines_next next = LINES_GO_ON;
	char line[LINE_ROOM + 1];

	always(answer != NULL);
	while (in->size > 0 && next == LINES_GO_ON) {
		size_t len = take_line(in, line);

		next = metrics ? metrics_line(s, &client, line, len, answer) :
				 control_line(s, &client, line, len, answer);
		always(next != LINES_DROP); /* there was memory */
		if (!metrics)
			check_json(answer);
		else if (next == LINES_END)
			check_http(answer);
		always(evbuffer_get_length(answer) == 0);
	}
	evbuffer_free(answer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	struct server server;
	bool metrics = input_u8(&in) & 1;
	size_t len = input_u8(&in);

	fake_inspect_init(&server);
	len = len < BELL_NAME_MAX ? len : BELL_NAME_MAX;
	memset(server.peers[0].name, 0, sizeof(server.peers[0].name));
	(void)input_bytes(&in, server.peers[0].name, len);
	ask(&server, metrics, &in);
	return 0;
}
