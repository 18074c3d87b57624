/* SPDX-License-Identifier: BSD-2-Clause */
#include "recv-output.h"

#include "cli.h"
#include "json.h"
#include "progress.h"
#include "sys.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A JSON object holds a message's text up to this size. */
#define TEXT_MAX (1u << 20)

struct recv_output {
	struct session *s;
	FILE *file;        /* gets the bytes; NULL: nobody does */
	const char *name;
	bool owned, lines;
	bool broken;       /* a message was broken off */
	char *text;        /* owned; the start of the message, for JSON */
	size_t text_len;
	uint64_t bytes;
	struct progress progress;
};

static int flush(struct recv_output *out)
{
	if (!out->file || fflush(out->file) == 0)
		return CLI_DONE;
	/* Told once: cli_flush() at the end has nothing more to say. */
	clearerr(out->file);
	return cli_error("recv: writing to %s: %s", out->name, strerror(errno));
}

static int begin(void *arg, const struct inbox_message *m)
{
	struct recv_output *out = arg;

	(void)m;
	out->text_len = 0;
	progress_begin(&out->progress, out->owned, 0);
	return CLI_DONE;
}

static int put(void *arg, const void *data, size_t len)
{
	struct recv_output *out = arg;
	size_t room = TEXT_MAX - out->text_len;

	out->bytes += len;
	if (out->text) {
		memcpy(out->text + out->text_len, data, len < room ? len : room);
		out->text_len += len < room ? len : room;
	}
	if (out->file && fwrite(data, 1, len, out->file) != len) {
		clearerr(out->file);
		return cli_error("recv: writing to %s: %s", out->name,
				 strerror(errno));
	}
	progress_add(&out->progress, len);
	return CLI_DONE;
}

static void print_json(struct recv_output *out, const struct inbox_message *m)
{
	struct bell_peer_info info;
	struct json j;

	json_begin(&j, stdout);
	json_uint(&j, "from", m->peer);
	if (session_peer_info(out->s, m->peer, &info))
		json_text(&j, "name", info.name);
	json_uint(&j, "tag", m->tag);
	json_uint(&j, "length", m->length);
	if (m->length == out->text_len && json_is_utf8(out->text, out->text_len))
		json_bytes(&j, "text", out->text, out->text_len);
	json_end(&j);
}

static int end(void *arg, const struct inbox_message *m, bool broken)
{
	struct recv_output *out = arg;
	char label[SESSION_LABEL];

	progress_end(&out->progress);
	if (broken) {
		out->broken = true;
		cli_error("recv: message from %s broken off after %llu bytes: "
			  "the sender is gone",
			  session_label(out->s, m->peer, label),
			  (unsigned long long)m->length);
	} else if (out->s->json) {
		print_json(out, m);
	}
	if (out->file && out->lines)
		fputc('\n', out->file);
	return flush(out);
}

static int open_file(struct recv_output *out, const struct recv_config *config)
{
	out->name = "standard output";
	if (config->file && strcmp(config->file, "-") != 0) {
		out->name = config->file;
		out->file = fopen(config->file, "wb");
		if (!out->file)
			return cli_error("recv: opening %s: %s", out->name,
					 strerror(errno));
		out->owned = true;
		out->lines = config->lines;
	} else if (!config->s->json) {
		out->file = stdout;
		out->lines = config->lines || sys_is_terminal(stdout);
		if (!out->lines)
			sys_binary(stdout);
	}
	if (config->s->json) {
		out->text = malloc(TEXT_MAX);
		if (!out->text)
			return cli_no_memory();
	}
	return CLI_DONE;
}

int recv_output_new(const struct recv_config *config, struct recv_output **result,
		    struct inbox_sink *sink)
{
	struct recv_output *out = calloc(1, sizeof(*out));
	int rc;

	if (!out)
		return cli_no_memory();
	out->s = config->s;
	rc = open_file(out, config);
	if (rc != CLI_DONE) {
		recv_output_free(out, rc);
		return rc;
	}
	*sink = (struct inbox_sink){ begin, put, end, out };
	*result = out;
	return CLI_DONE;
}

int recv_output_free(struct recv_output *out, int rc)
{
	if (!out)
		return rc;
	progress_end(&out->progress);
	if (rc == CLI_DONE && out->broken)
		rc = CLI_FAILED;
	if (out->owned && fclose(out->file) != 0 && rc == CLI_DONE)
		rc = cli_error("recv: writing to %s: %s", out->name,
			       strerror(errno));
	free(out->text);
	free(out);
	return rc;
}

uint64_t recv_output_bytes(const struct recv_output *out)
{
	return out->bytes;
}
