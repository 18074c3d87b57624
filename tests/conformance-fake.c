/* SPDX-License-Identifier: BSD-2-Clause */
#include "fake-port.h"
#include "testing.h"
#include "world.h"

static struct fake_hub *hub;

static void begin(void)
{
	hub = fake_hub_new(1u << 20);
}

static void end(void)
{
	fake_hub_free(hub);
}

static struct bell_peer *open_peer(void)
{
	return fake_hub_open(hub);
}

int main(void)
{
	static const struct world world = { "fake", begin, end, open_peer };

	return run_suite(conformance_suite(&world));
}
