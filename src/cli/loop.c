/* SPDX-License-Identifier: BSD-2-Clause */
#include "loop.h"

#include "cli.h"
#include "sys.h"

/* A bus without interrupts is looked at so often. */
#define LOOK_MS 10

int loop_begin(struct loop *l, struct session *s)
{
	int rc;

	*l = (struct loop){ .s = s, .set = net_set_new() };
	if (!l->set)
		return cli_no_memory();
	rc = session_news_begin(s);
	return rc < 0 ? cli_fail(rc, "%s", s->command) : CLI_DONE;
}

void loop_end(struct loop *l)
{
	if (l->s)
		session_news_end(l->s);
	net_set_free(l->set);
	*l = (struct loop){ .s = NULL };
}

/* The shorter of two times of which -1 is for ever. */
static int sooner(int a_ms, int b_ms)
{
	return a_ms < 0 || (b_ms >= 0 && b_ms < a_ms) ? b_ms : a_ms;
}

int loop_wait(struct loop *l, int timeout_ms)
{
	struct session *s = l->s;
	bool told = bell_vectors(s->peer) > 0;
	int rc;

	if (!told)
		timeout_ms = sooner(timeout_ms, LOOK_MS);
	timeout_ms = sooner(timeout_ms, bell_next_deadline(s->bus));
	rc = net_set_wait(l->set, bell_handle(s->peer), timeout_ms);
	if (rc < 0)
		return cli_error("%s: waiting: %s", s->command, net_why());
	/* A call's deadline makes no handle readable. */
	if (rc == 0 && told && bell_next_deadline(s->bus) != 0)
		return CLI_DONE;
	rc = session_dispatch(s);
	return rc < 0 ? cli_fail(rc, "%s", s->command) : CLI_DONE;
}
