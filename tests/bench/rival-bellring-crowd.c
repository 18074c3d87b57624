/* SPDX-License-Identifier: BSD-2-Clause */
/* Many senders, as fast as they can, to one receiver; it counts by sender. */
#include "rival-bellring.h"

#include <sched.h>
#include <string.h>

#define LOOK_EVERY 64u  /* messages between looks at the clock */
#define STOP_EVERY_MS 50 /* between looks at the end */

struct numbered {
	uint64_t number;
	uint64_t client;
};

static int crowd_client(struct rival_end *end, struct speed_result *result)
{
	struct bellring_end *e = (struct bellring_end *)end;
	struct numbered m = { 0, end->number };
	int rc = 0;

	/* By turns on their core, whatever the run has: real time goes on until it sleeps. */
	(void)sched_setscheduler(0, SCHED_OTHER, &(struct sched_param){ 0 });
	rival_begin(end);
	while (!result->stop && (rc == 0 || rc == -BELL_EAGAIN)) {
		memcpy(end->buf, &m, sizeof(m));
		rc = bell_send(e->bus, *e->other, end->buf, end->plan->size, STOP_EVERY_MS);
		m.number += rc == 0;
	}
	rival_finish(end);
	return rc < 0 && rc != -BELL_EAGAIN ? bellring_fail(rc, "bell_send") : 0;
}

/* Receives for so long; result->each is what came of whom. */
static int receive_for(struct bellring_end *e, struct speed_result *result, uint64_t ns)
{
	uint64_t until = rival_now() + ns;
	struct numbered m;

	memset(result->each, 0, sizeof(result->each));
	do {
		for (unsigned i = 0; i < LOOK_EVERY; i++) {
			if (bellring_get(e, e->end.buf, e->end.plan->size) < 0)
				return -1;
			memcpy(&m, e->end.buf, sizeof(m));
			if (m.client >= SPEED_CLIENTS)
				return rival_fail("a message came of nobody");
			result->each[m.client]++;
		}
	} while (rival_now() < until);
	return 0;
}

static int crowd_server(struct rival_end *end, struct speed_result *result)
{
	struct bellring_end *e = (struct bellring_end *)end;
	int rc = receive_for(e, result, end->plan->time_ns / 4);

	rival_begin(end);
	if (rc == 0)
		rc = receive_for(e, result, end->plan->time_ns);
	rival_finish(end);
	result->stop = 1;
	return rc;
}

const struct speed_work bellring_crowd = { "crowd", crowd_client, crowd_server };
