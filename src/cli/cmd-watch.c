/* SPDX-License-Identifier: BSD-2-Clause */
/* bellring watch: print each interrupt, and on the host who comes and goes */
#include "cli.h"
#include "json.h"
#include "sys.h"

struct watch_args {
	uint64_t count;
};

static const struct option_row options[] = {
	{ 'c', "count", "N", OPTION_NUMBER, offsetof(struct watch_args, count),
	  1, 0, NULL, "stop after N interrupts" },
	{ 0, NULL, NULL, OPTION_FLAG, 0, 0, 0, NULL, NULL },
};

struct watch {
	struct session *s;
	uint64_t want;    /* interrupts; 0: no end */
	uint64_t seen;
	uint64_t last_ns; /* of the line before; first: of the start */
};

/* What all lines have; event is one word. */
static void print_line(struct watch *w, const char *event, const char *what,
		       unsigned number)
{
	uint64_t now_ns = sys_now_ns();
	double delta_s = (double)(now_ns - w->last_ns) / 1e9;
	char stamp[64];
	struct json j;

	w->last_ns = now_ns;
	sys_timestamp(stamp, sizeof(stamp));
	if (!w->s->json) {
		printf("%s +%.6f %s %s %u\n", stamp, delta_s, event, what,
		       number);
		return;
	}
	json_begin(&j, stdout);
	json_text(&j, "time", stamp);
	json_real(&j, "delta_us", delta_s * 1e6);
	json_text(&j, "event", event);
	json_uint(&j, what, number);
	json_end(&j);
}

static void on_interrupt(struct bell_peer *peer, unsigned vector, void *arg)
{
	struct watch *w = arg;

	(void)peer;
	if (w->want && w->seen >= w->want)
		return;
	w->seen++;
	print_line(w, "interrupt", "vector", vector);
}

static void on_peer(struct bell_peer *peer, uint32_t id,
		    enum bell_peer_event event, void *arg)
{
	struct watch *w = arg;

	(void)peer;
	switch (event) {
	case BELL_PEER_JOINED:
		print_line(w, "joined", "id", (unsigned)id);
		break;
	case BELL_PEER_LEFT:
		print_line(w, "left", "id", (unsigned)id);
		break;
	case BELL_SERVER_LOST:
		print_line(w, "server-lost", "id", (unsigned)id);
		session_say_server_gone(w->s);
		break;
	}
}

static int subscribe(struct session *s, struct watch *w)
{
	unsigned vector, vectors = bell_vectors(s->peer);
	int rc;

	if (vectors == 0)
		return cli_error("watch: %s has no interrupts",
				 session_address(s));
	for (vector = 0; vector < vectors; vector++) {
		rc = bell_on_interrupt(s->peer, vector, on_interrupt, w);
		if (rc < 0)
			return cli_fail(rc, "watch vector %u", vector);
	}
	/* Guests are not told of peers: interrupts are all there is. */
	rc = bell_on_peer(s->peer, on_peer, w);
	if (rc < 0 && rc != -BELL_EUNSUP)
		return cli_fail(rc, "watch");
	return CLI_DONE;
}

static int watch(struct session *s, struct watch *w)
{
	uint64_t deadline = sys_deadline(s->timeout_ms);
	int rc = bell_dispatch(s->peer);

	/* What came before is there without a new signal of the handle. */
	while (rc >= 0 || rc == -BELL_ECORRUPT || rc == -BELL_ERESET) {
		rc = cli_flush();
		if (rc != CLI_DONE)
			return rc;
		if (sys_stopped() || (w->want && w->seen == w->want))
			return CLI_DONE;
		if (sys_left_ms(deadline) == 0)
			return w->want ? CLI_ABSENT : CLI_DONE;
		rc = sys_wait(bell_handle(s->peer), sys_left_ms(deadline));
		if (rc == 0)
			rc = bell_dispatch(s->peer);
	}
	return cli_fail(rc, "watch");
}

static int run(struct session *s, const void *args, int argc, char **argv)
{
	const struct watch_args *a = args;
	struct watch w = { .s = s, .want = a->count };
	int rc = session_open(s);

	(void)argc, (void)argv;
	if (rc != CLI_DONE)
		return rc;
	w.last_ns = sys_now_ns();
	rc = subscribe(s, &w);
	if (rc == CLI_DONE) {
		/* It has no name: this is how others learn whom to ring. */
		fprintf(stderr, "bellring: watching as id %s, vectors 0 to %u\n",
			SESSION_ID(bell_id(s->peer)), bell_vectors(s->peer) - 1);
		rc = watch(s, &w);
	}
	if (rc == CLI_ABSENT)
		cli_error("watch: %llu of %llu interrupts came in time",
			  (unsigned long long)w.seen,
			  (unsigned long long)w.want);
	else if (rc == CLI_DONE && w.want && w.seen < w.want)
		rc = cli_error("watch: interrupted");
	return rc;
}

const struct bell_cmd cmd_watch = {
	.name = "watch",
	.usage = "[-c N]",
	.summary = "print each interrupt, and on the host joins and leaves",
	.more = "A line has the time, the seconds since the line before, and "
		"the vector.\nInterrupts coalesce: a line stands for one or "
		"more. Does not join the bus;\nthe own id, by which "
		"others can ring it, is printed on stderr.\n",
	.options = options,
	.args_size = sizeof(struct watch_args),
	.run = run,
};
