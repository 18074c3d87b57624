/* SPDX-License-Identifier: BSD-2-Clause */
#include "server-fixture.h"
#include "testing.h"
#include "world.h"

static const char *address;

static void begin(void)
{
	static const char *const options[] = { "-l", "1M", NULL };

	address = server_start(options);
}

static struct bell_peer *open_peer(void)
{
	struct bell_peer *peer;
	int rc = bell_open(address, -1, &peer);

	if (rc < 0)
		ck_abort_msg("%s: %s: %s", address, bell_strerror(rc), bell_detail());
	return peer;
}

int main(void)
{
	static const struct world world = { "host", begin, server_stop, open_peer };

	return run_suite(conformance_suite(&world));
}
