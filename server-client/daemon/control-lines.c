/* SPDX-License-Identifier: BSD-2-Clause */
#include "control-lines.h"

#include "error.h"
#include "peers.h"

#include <string.h>

#define WORDS_MAX 2

struct word {
	const char *at;
	size_t len;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* The number of words; WORDS_MAX + 1 if there are more. */
static size_t split(const char *line, size_t len, struct word *words)
{
	const char *end = line + len;
	size_t n = 0;

	for (;;) {
		const char *begin;

		while (line < end && is_blank(*line))
			line++;
		if (line == end || n > WORDS_MAX)
			return n;
		begin = line;
		while (line < end && !is_blank(*line))
			line++;
		if (n < WORDS_MAX)
			words[n] = (struct word){ begin, (size_t)(line - begin) };
		n++;
	}
}

static bool is(const struct word *w, const char *text)
{
	return w->len == strlen(text) && memcmp(w->at, text, w->len) == 0;
}

static bool parse_id(const struct word *w, uint32_t *id)
{
	uint32_t v = 0;

	for (size_t i = 0; i < w->len; i++) {
		if (w->at[i] < '0' || w->at[i] > '9')
			return false;
		v = v * 10 + (uint32_t)(w->at[i] - '0');
		if (v >= PEERS_IDS)
			return false;
	}
	*id = v;
	return true;
}

static int parse_kick(const struct word *id, struct control_request *out)
{
	struct control_request r = { .verb = CONTROL_KICK };

	if (!id)
		return error_detail(BELL_EINVAL,
				    "kick: whom? the request is: kick ID");
	if (!parse_id(id, &r.id))
		return error_detail(BELL_EINVAL, "kick: an id is a number, 0 to %u",
				    PEERS_IDS - 1);
	*out = r;
	return 0;
}

static int parse_drain(const struct word *how, struct control_request *out)
{
	if (how && !is(how, "off"))
		return error_detail(BELL_EINVAL,
				    "drain: the request is: drain, or: drain off");
	*out = (struct control_request){ .verb = CONTROL_DRAIN, .on = !how };
	return 0;
}

int control_parse(const char *line, size_t len, struct control_request *out)
{
	static const char *const plain[] = { [CONTROL_STATUS] = "status",
					     [CONTROL_PEERS] = "peers",
					     [CONTROL_STATS] = "stats" };
	struct word words[WORDS_MAX];
	size_t n = split(line, len, words);
	const struct word *second = n > 1 ? &words[1] : NULL;

	if (n >= 1 && n <= 2 && is(&words[0], "kick"))
		return parse_kick(second, out);
	if (n >= 1 && n <= 2 && is(&words[0], "drain"))
		return parse_drain(second, out);
	for (size_t i = 0; n == 1 && i < sizeof(plain) / sizeof(plain[0]); i++)
		if (is(&words[0], plain[i])) {
			*out = (struct control_request){ .verb = (enum control_verb)i };
			return 0;
		}
	return error_detail(BELL_EINVAL, "unknown request; requests are: status, "
			    "peers, stats, kick ID, drain, drain off");
}
