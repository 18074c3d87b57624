/* SPDX-License-Identifier: BSD-2-Clause */
/* bellring pub: a text, or a message a line, to all who subscribed to a topic */
#include "cli.h"
#include "json.h"
#include "source.h"
#include "sys.h"

#include <stdlib.h>
#include <string.h>

#define DEPTH_DEFAULT 16u
#define DEPTH_MAX 65536u
#define READ_SIZE 16384u

struct pub_args {
	const char *file;
	uint64_t tag;
	uint64_t depth; /* 0: not given */
	int policy;     /* enum bell_policy */
	bool all;
};

/* In the order of enum bell_policy. */
static const char *const policies[] = { "block", "drop-newest", "drop-oldest",
					NULL };

#define AT(field) offsetof(struct pub_args, field)
static const struct option_row options[] = {
	{ 'f', "file", "FILE", OPTION_TEXT, AT(file), 0, 0, NULL,
	  "publish each line of this file; - is stdin" },
	{ 256 + 32, "all", NULL, OPTION_FLAG, AT(all), 0, 0, NULL,
	  "to everybody on the bus; there is no TOPIC then" },
	{ 256 + 33, "policy", "POLICY", OPTION_CHOICE, AT(policy), 0, 0, policies,
	  "for slow subscribers: block (default), drop-newest, drop-oldest" },
	{ 256 + 34, "depth", "N", OPTION_NUMBER, AT(depth), 1, DEPTH_MAX, NULL,
	  "drop-oldest: messages kept for each (default 16)" },
	{ 256 + 35, "tag", "N", OPTION_NUMBER, AT(tag), 0, UINT16_MAX, NULL,
	  "the messages' tag (default 0)" },
	{ 0, NULL, NULL, OPTION_FLAG, 0, 0, 0, NULL, NULL },
};
#undef AT

struct publisher {
	struct session *s;
	const char *topic; /* NULL: all */
	const char *label; /* for messages */
	struct source source;
	uint16_t tag;
	char *line; /* owned */
	size_t room, len; /* of line, bytes */
	char piece[READ_SIZE];
};

static int publish(struct publisher *p, const void *data, size_t len)
{
	int rc = bell_publish(p->s->bus, p->topic, p->tag, data, len,
			      p->s->timeout_ms);

	if (rc == -BELL_EINTR && sys_stopped())
		return cli_error("pub %s: interrupted", p->label);
	return rc < 0 ? cli_fail(rc, "pub %s", p->label) : CLI_DONE;
}

static int append(struct publisher *p, char byte)
{
	size_t room = p->room ? 2 * p->room : 256;
	char *larger;

	if (p->len == p->room) {
		if (p->room > bell_max_piece(p->s->bus))
			return cli_error("pub %s: %s: a line is longer than the %zu bytes "
					 "of a message", p->label, p->source.name,
					 bell_max_piece(p->s->bus));
		larger = realloc(p->line, room);
		if (!larger)
			return cli_no_memory();
		p->line = larger;
		p->room = room;
	}
	p->line[p->len++] = byte;
	return CLI_DONE;
}

static int publish_line(struct publisher *p)
{
	size_t len = p->len;

	p->len = 0;
	return publish(p, p->line, len);
}

static int publish_lines(struct publisher *p)
{
	size_t n = 1;
	int rc = CLI_DONE;

	while (rc == CLI_DONE && n > 0) {
		rc = source_read(&p->source, p->piece, sizeof(p->piece), &n);
		for (size_t i = 0; i < n && rc == CLI_DONE && !sys_stopped(); i++)
			rc = p->piece[i] == '\n' ? publish_line(p) :
						   append(p, p->piece[i]);
	}
	return rc == CLI_DONE && p->len > 0 ? publish_line(p) : rc;
}

static struct bell_topic_stats stats_of(const struct publisher *p)
{
	struct bell_topic_stats stats = { 0 };

	/* Of a topic that was never published on, as by an empty file: zeros. */
	(void)bell_get_topic_stats(p->s->bus, p->topic, &stats);
	return stats;
}

/* What is kept for slow subscribers would be lost by leaving. */
static int deliver_kept(struct publisher *p)
{
	uint64_t deadline = sys_deadline(p->s->timeout_ms);
	int rc = session_news_begin(p->s);

	while (rc == 0 && stats_of(p).kept > 0 && !sys_stopped() &&
	       sys_left_ms(deadline) != 0)
		rc = session_news(p->s, sys_left_ms(deadline));
	session_news_end(p->s);
	if (rc < 0)
		return cli_fail(rc, "pub %s", p->label);
	if (stats_of(p).kept == 0)
		return CLI_DONE;
	cli_error("pub %s: %llu messages that were kept for slow subscribers are lost",
		  p->label, (unsigned long long)stats_of(p).kept);
	return sys_stopped() ? CLI_FAILED : CLI_ABSENT;
}

static int report(struct publisher *p)
{
	struct bell_topic_stats stats = stats_of(p);
	struct json j;

	if (p->s->json) {
		json_begin(&j, stdout);
		if (p->topic)
			json_text(&j, "topic", p->topic);
		json_uint(&j, "published", stats.published);
		json_uint(&j, "sent", stats.sent);
		json_uint(&j, "dropped", stats.dropped);
		json_end(&j);
	} else if (stats.dropped > 0) {
		cli_error("pub %s: %llu of %llu were dropped for slow subscribers",
			  p->label, (unsigned long long)stats.dropped,
			  (unsigned long long)(stats.sent + stats.dropped));
	}
	if (stats.published == 0 || stats.sent + stats.dropped > 0)
		return CLI_DONE;
	cli_error("pub %s: nobody is %s", p->label, p->topic ? "subscribed" : "there");
	return CLI_ABSENT;
}

static int publish_all(struct publisher *p, const struct pub_args *a,
		       const char *text)
{
	uint64_t depth = a->depth ? a->depth : DEPTH_DEFAULT;
	int rc = bell_set_policy(p->s->bus, p->topic, (enum bell_policy)a->policy,
				 (uint32_t)depth);

	if (rc < 0)
		return cli_fail(rc, "pub %s", p->label);
	rc = text ? publish(p, text, strlen(text)) : publish_lines(p);
	if (rc == CLI_DONE)
		rc = deliver_kept(p);
	return rc == CLI_DONE ? report(p) : rc;
}

static int run(struct session *s, const void *args, int argc, char **argv)
{
	const struct pub_args *a = args;
	struct publisher p = { .s = s, .label = "all", .tag = (uint16_t)a->tag };
	const char *text;
	int rc = CLI_DONE;

	if (!a->all) {
		if (argc < 1)
			return cli_usage(&cmd_pub, "pub: neither TOPIC nor --all");
		p.topic = p.label = *argv++;
		argc--;
	}
	text = argc > 0 ? argv[0] : NULL;
	if (argc > 1)
		return cli_usage(&cmd_pub, "pub: %s: one argument too many", argv[1]);
	if (text && a->file)
		return cli_usage(&cmd_pub, "pub: both TEXT and -f FILE");
	if (a->depth && a->policy != BELL_DROP_OLDEST)
		return cli_usage(&cmd_pub, "pub: --depth is for --policy drop-oldest");
	if (!text)
		rc = source_open(&p.source, s, p.label, a->file ? a->file : "-");
	if (rc == CLI_DONE)
		rc = session_join(s);
	if (rc == CLI_DONE)
		rc = publish_all(&p, a, text);
	free(p.line);
	source_close(&p.source);
	return rc;
}

const struct bell_cmd cmd_pub = {
	.name = "pub",
	.usage = "[--policy POLICY] [--depth N] [--tag N] TOPIC|--all "
		 "[TEXT | -f FILE]",
	.summary = "publish a text, or each line of a file or stdin, on a topic",
	.more = "TEXT is one message; of a file or stdin each line is one, without "
		"its newline. All\nwho run bellring sub TOPIC at that moment get "
		"it. -t bounds how long each message\nwaits for slow subscribers, "
		"or drop-oldest at the end for what it kept. Exit\nstatus 3 also "
		"if nobody was subscribed. --json prints topic, published, "
		"sent\nand dropped.\n",
	.options = options,
	.args_size = sizeof(struct pub_args),
	.operands_max = 2,
	.run = run,
};
