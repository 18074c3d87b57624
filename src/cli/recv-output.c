/* SPDX-License-Identifier: BSD-2-Clause */
#include "recv-output.h"

#include "checksum.h"
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
	bool failed;       /* a message was broken off, or is not as it was sent */
	struct checksum *checksum; /* owned */
	char *text;        /* owned; the start of the message, for JSON */
	size_t text_len;
	uint64_t bytes;
	struct progress progress;
};

int recv_output_flush(struct recv_output *out)
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

	out->text_len = 0;
	checksum_reset(out->checksum);
	/* Bytes on a terminal are progress enough. */
	progress_begin(&out->progress,
		       out->owned || (out->file && !sys_is_terminal(stdout)),
		       m->total);
	return CLI_DONE;
}

static int put(void *arg, const void *data, size_t len)
{
	struct recv_output *out = arg;
	size_t room = TEXT_MAX - out->text_len;

	out->bytes += len;
	checksum_add(out->checksum, data, len);
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

static void print_json(struct recv_output *out, const struct inbox_message *m,
		       uint64_t value)
{
	char hex[17];
	struct bell_peer_info info;
	struct json j;

	json_begin(&j, stdout);
	json_uint(&j, "from", m->peer);
	if (session_peer_info(out->s, m->peer, &info))
		json_text(&j, "name", info.name);
	json_uint(&j, "tag", m->tag);
	json_uint(&j, "length", m->length);
	if (m->check) {
		snprintf(hex, sizeof(hex), "%016llx", (unsigned long long)value);
		json_text(&j, "check", hex);
	}
	if (m->length == out->text_len && json_is_utf8(out->text, out->text_len))
		json_bytes(&j, "text", out->text, out->text_len);
	json_end(&j);
}

static void say_broken(struct recv_output *out, const struct inbox_message *m)
{
	char label[SESSION_LABEL];

	out->failed = true;
	cli_error("recv: message from %s broken off after %llu bytes: the sender "
		  "died or gave up", session_label(out->s, m->peer, label),
		  (unsigned long long)m->length);
}

static void say_wrong(struct recv_output *out, const struct inbox_message *m,
		      uint64_t value)
{
	char label[SESSION_LABEL];

	out->failed = true;
	cli_error("recv: message of %llu bytes from %s: checksum is %016llx and "
		  "not the sender's %016llx: %s",
		  (unsigned long long)m->length,
		  session_label(out->s, m->peer, label),
		  (unsigned long long)value, (unsigned long long)m->check,
		  out->file ? "what was written is damaged" : "it is damaged");
}

static int end(void *arg, const struct inbox_message *m, bool broken)
{
	struct recv_output *out = arg;
	uint64_t value = checksum_value(out->checksum);

	progress_end(&out->progress);
	if (broken)
		say_broken(out, m);
	else if (m->check && m->check != checksum_carried(value))
		say_wrong(out, m, value);
	else if (out->s->json)
		print_json(out, m, value);
	if (!broken && (out->s->verbose ||
			(m->check && session_reports(out->s))))
		progress_report(&out->progress, "received", value);
	if (out->file && out->lines)
		fputc('\n', out->file);
	return recv_output_flush(out);
}

static int open_file(struct recv_output *out, const struct recv_config *config)
{
	out->name = "standard output";
	if (config->file && strcmp(config->file, "-") != 0) {
		out->name = config->file;
		out->file = sys_open(config->file, true);
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
	out->checksum = checksum_new();
	rc = out->checksum ? open_file(out, config) : cli_no_memory();
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
	if (rc == CLI_DONE && out->failed)
		rc = CLI_FAILED;
	if (out->owned && fclose(out->file) != 0 && rc == CLI_DONE)
		rc = cli_error("recv: writing to %s: %s", out->name,
			       strerror(errno));
	checksum_free(out->checksum);
	free(out->text);
	free(out);
	return rc;
}

uint64_t recv_output_bytes(const struct recv_output *out)
{
	return out->bytes;
}
