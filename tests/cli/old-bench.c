/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * old-bench NAME: is on the bus as NAME, and answers one hello of bellring bench as
 * its first version did; then it stays until the end of standard input
 *
 * BELLRING_ADDRESS says where. Exit status 0 if it has answered.
 */
#include <bellring.h>

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define TAG_REQUEST 0xbe01u
#define TAG_REPLY 0xbe02u
#define REQUEST 40 /* bytes */
#define REPLY 48
#define HELLO 1
#define READY 1
#define DONE 2

/* It looked at the magic number and at version 1, and then at what was requested. */
static int understands(const unsigned char *msg, int64_t len)
{
	static const unsigned char begin[8] = { 'b', 'e', 'r', 'q', 1, 0, HELLO, 0 };

	return len == REQUEST && memcmp(msg, begin, sizeof(begin)) == 0;
}

static int reply(struct bell_bus *bus, uint32_t to, const unsigned char *request,
		 unsigned char status)
{
	struct bell_envelope env = { .peer = to, .tag = TAG_REPLY };
	unsigned char buf[REPLY] = { 'b', 'e', 'r', 'p', 1, 0, status, 0 };

	memcpy(buf + 8, request + 8, 4); /* the request's number */
	return bell_post(bus, &env, buf, sizeof(buf), -1);
}

static int answer(struct bell_bus *bus)
{
	struct bell_envelope env;
	unsigned char msg[REQUEST];
	int64_t n = bell_recv(bus, msg, sizeof(msg), &env, -1);
	int rc;

	if (n < 0)
		return (int)n;
	if (env.tag != TAG_REQUEST || !understands(msg, n))
		return -BELL_EPROTO;
	rc = reply(bus, env.peer, msg, READY);
	return rc < 0 ? rc : reply(bus, env.peer, msg, DONE);
}

int main(int argc, char **argv)
{
	struct bell_bus_config cfg = { .name = argc == 2 ? argv[1] : NULL };
	struct bell_peer *peer = NULL;
	struct bell_bus *bus = NULL;
	int rc = bell_open(NULL, -1, &peer);

	if (rc == 0)
		rc = bell_join(peer, &cfg, &bus);
	if (rc == 0)
		rc = answer(bus);
	while (rc == 0 && getchar() != EOF)
		;
	if (rc != 0)
		fprintf(stderr, "old-bench: %s: %s\n", bell_strerror(rc), bell_detail());
	bell_leave(bus);
	bell_close(peer);
	return rc != 0;
}
