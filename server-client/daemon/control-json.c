/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "control-json.h"

#include "os.h"
#include "printable.h"

#include <event2/buffer.h>
#include <jansson.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S UINT64_C(1000000000)
#define TEXT_MAX 2048
#define TIME_TEXT 32

struct object {
	json_t *json; /* NULL: out of memory */
	bool failed;  /* something is missing in it */
};

/* ---- fields -------------------------------------------------------------------- */

/* Takes value, and NULL too, as when there was no memory for it. */
static void add(struct object *o, const char *key, json_t *value)
{
	if (json_object_set_new(o->json, key, value) < 0)
		o->failed = true;
}

/* A path may be no UTF-8, and a name was written by a peer. */
static void text(struct object *o, const char *key, const char *value)
{
	char fit[TEXT_MAX];

	printable(value, fit, sizeof(fit));
	add(o, key, json_string(fit));
}

static void number(struct object *o, const char *key, uint64_t value)
{
	json_int_t n = value > INT64_MAX ? INT64_MAX : (json_int_t)value;

	add(o, key, json_integer(n));
}

static void truth(struct object *o, const char *key, bool value)
{
	add(o, key, json_boolean(value));
}

/* 64 random bits are more than a reader's numbers can hold exactly. */
static void hexadecimal(struct object *o, const char *key, uint64_t value)
{
	char hex[24];

	snprintf(hex, sizeof(hex), "%016llx", (unsigned long long)value);
	text(o, key, hex);
}

/* Since when, and for how long, at a time on the monotonic clock. */
static void since(struct object *o, uint64_t then_ns, const char *age_key)
{
	uint64_t now = os_now_ns();
	uint64_t age = now > then_ns ? (now - then_ns) / NS_PER_S : 0;
	time_t when = time(NULL) - (time_t)age;
	char buf[TIME_TEXT] = "";
	struct tm tm;

	if (gmtime_r(&when, &tm))
		(void)strftime(buf, sizeof(buf), "%Y-%m-%dT%H:%M:%SZ", &tm);
	text(o, "since", buf);
	number(o, age_key, age);
}

/* ---- objects -------------------------------------------------------------------- */

static struct object begin(const char *type)
{
	struct object o = { .json = json_object() };

	text(&o, "type", type);
	return o;
}

static int put(const char *bytes, size_t len, void *answer)
{
	return evbuffer_add(answer, bytes, len);
}

static int finish(struct object *o, struct evbuffer *answer)
{
	int rc = -BELL_ENOMEM;

	if (!o->failed &&
	    json_dump_callback(o->json, put, answer,
			       JSON_COMPACT | JSON_ENSURE_ASCII) == 0 &&
	    evbuffer_add(answer, "\n", 1) == 0)
		rc = 0;
	json_decref(o->json);
	return rc;
}

static void add_bus(struct object *o, const struct inspect_status *s)
{
	truth(o, "bus", s->bus);
	number(o, "bus_bytes", s->bus_size);
	hexadecimal(o, "session", s->session);
	number(o, "slots", s->slots);
	number(o, "slots_live", s->slots_live);
	number(o, "links", s->links);
	number(o, "links_open", s->links_open);
}

static void add_limits(struct object *o, const struct inspect_status *s)
{
	number(o, "vectors", s->vectors);
	number(o, "peers", s->peers);
	number(o, "peers_max", s->peers_max);
	number(o, "ids_left", s->ids_left);
	number(o, "descriptors", s->descriptors);
	number(o, "descriptors_max", s->descriptors_max);
}

int control_say_status(const struct inspect_status *s, struct evbuffer *answer)
{
	struct object o = begin("status");

	text(&o, "version", PACKAGE_VERSION);
	number(&o, "pid", (uint64_t)getpid());
	text(&o, "socket", s->socket_path);
	since(&o, s->started_ns, "uptime_seconds");
	truth(&o, "draining", s->draining);
	add_limits(&o, s);
	text(&o, "memory", s->memory_kind);
	number(&o, "memory_bytes", s->memory_size);
	truth(&o, "memory_sealed", s->memory_sealed);
	add_bus(&o, s);
	text(&o, "sandbox", s->sandbox);
	text(&o, "store", s->store);
	return finish(&o, answer);
}

int control_say_stats(const struct inspect_counters *c, struct evbuffer *answer)
{
	struct object o = begin("stats");

	number(&o, "joins", c->joins);
	number(&o, "leaves", c->leaves);
	number(&o, "drops", c->drops);
	number(&o, "refusals", c->refusals);
	number(&o, "accept_pauses", c->accept_pauses);
	number(&o, "messages", c->messages);
	number(&o, "marked_dead", c->marked_dead);
	number(&o, "links_freed", c->links_freed);
	number(&o, "restarts", c->restarts);
	return finish(&o, answer);
}

int control_say_peer(const struct inspect_peer *p, struct evbuffer *answer)
{
	struct object o = begin("peer");

	number(&o, "id", p->id);
	add(&o, "slot", p->slot < 0 ? json_null() : json_integer(p->slot));
	text(&o, "name", p->name);
	text(&o, "kind", p->kind);
	number(&o, "pid", (uint64_t)p->pid);
	number(&o, "uid", p->uid);
	number(&o, "gid", p->gid);
	since(&o, p->since_ns, "age_seconds");
	number(&o, "vectors", p->vectors);
	number(&o, "queued_bytes", p->queued_bytes);
	number(&o, "queued_max", p->queued_max);
	truth(&o, "greeted", p->greeted);
	return finish(&o, answer);
}

int control_say_kicked(uint32_t id, struct evbuffer *answer)
{
	struct object o = begin("kicked");

	number(&o, "id", id);
	return finish(&o, answer);
}

int control_say_drain(bool on, size_t peers, struct evbuffer *answer)
{
	struct object o = begin("drain");

	truth(&o, "draining", on);
	number(&o, "peers", peers);
	return finish(&o, answer);
}

int control_say_end(struct evbuffer *answer)
{
	struct object o = begin("end");

	truth(&o, "ok", true);
	return finish(&o, answer);
}

static const char *code_name(int code)
{
	switch (code < 0 ? -code : code) {
#define NAME(name, value, about)                                               \
	case value:                                                            \
		return #name;
		BELL_ERRORS(NAME)
#undef NAME
	default:
		return "EIO";
	}
}

int control_say_error(int code, const char *what, struct evbuffer *answer)
{
	struct object o = begin("error");

	truth(&o, "ok", false);
	text(&o, "code", code_name(code));
	text(&o, "text", what);
	return finish(&o, answer);
}
