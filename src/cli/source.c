/* SPDX-License-Identifier: BSD-2-Clause */
#include "source.h"

#include "cli.h"
#include "sys.h"

#include <errno.h>
#include <string.h>

/* A bus without interrupts is looked at so often. */
#define LOOK_MS 100

int source_open(struct source *src, struct session *s, const char *label,
		const char *path)
{
	*src = (struct source){ .s = s, .label = label, .name = path };
	if (strcmp(path, "-") == 0) {
		src->name = "standard input";
		src->file = stdin;
	} else {
		src->file = sys_open(path, false);
	}
	if (!src->file)
		return cli_error("%s %s: opening %s: %s", s->command, label, path,
				 strerror(errno));
	sys_binary(src->file);
	return CLI_DONE;
}

void source_close(struct source *src)
{
	if (src->file && src->file != stdin)
		fclose(src->file);
	src->file = NULL;
}

/* Until there is something to read, or sys_stopped(). 0, or a library's code. */
static int await_bytes(const struct source *src)
{
	struct session *s = src->s;
	int look_ms = bell_vectors(s->peer) > 0 ? -1 : LOOK_MS;
	int rc = session_news_begin(s);

	while (rc == 0 && !sys_stopped()) {
		rc = sys_wait_input(src->file, bell_handle(s->peer), look_ms);
		if (rc != 0)
			break;
		rc = session_dispatch(s);
	}
	session_news_end(s);
	return rc < 0 ? rc : 0;
}

int source_read(struct source *src, void *buf, size_t size, size_t *len)
{
	const char *command = src->s->command;
	int rc = await_bytes(src);
	int64_t n;

	if (rc < 0)
		return cli_fail(rc, "%s %s", command, src->label);
	n = sys_read(src->file, buf, size);
	if (n == -BELL_EINTR)
		return cli_error("%s %s: interrupted", command, src->label);
	if (n < 0)
		return cli_error("%s %s: reading %s: %s", command, src->label,
				 src->name, strerror(errno));
	*len = (size_t)n;
	return CLI_DONE;
}
