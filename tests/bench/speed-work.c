/* SPDX-License-Identifier: BSD-2-Clause */
/* What each rival can do, as works of a measurement. */
#include "speed.h"

static int trips_client(struct rival_end *end, struct speed_result *result)
{
	struct rival_trips trips = { result->sample };

	if (end->plan->count > SPEED_SAMPLES)
		return rival_fail("more than %u trips have no room", SPEED_SAMPLES);
	result->samples = end->plan->count;
	return end->rival->trip(end, &trips);
}

static int trips_server(struct rival_end *end, struct speed_result *result)
{
	(void)result;
	return end->rival->echo(end);
}

static int stream_client(struct rival_end *end, struct speed_result *result)
{
	(void)result;
	return end->rival->send(end);
}

static int batches_client(struct rival_end *end, struct speed_result *result)
{
	(void)result;
	return end->rival->send_batch(end);
}

static int stream_server(struct rival_end *end, struct speed_result *result)
{
	(void)result;
	return end->rival->receive(end);
}

static int batches_server(struct rival_end *end, struct speed_result *result)
{
	(void)result;
	return end->rival->receive_batch ? end->rival->receive_batch(end) :
					   end->rival->receive(end);
}

const struct speed_work speed_trips = { "trips", trips_client, trips_server };
const struct speed_work speed_stream = { "stream", stream_client, stream_server };
const struct speed_work speed_batches = { "batches", batches_client, batches_server };
