/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * wrong-check NAME: sends the peer called NAME a message whose checksum is wrong
 *
 * BELLRING_ADDRESS says where. Exit status 0 if it was sent.
 */
#include <bellring.h>

#include <stdio.h>

static const char text[] = "not what was summed up";

static int send_wrong(struct bell_bus *bus, struct bell_peer *peer,
		      const char *name)
{
	struct bell_envelope env = { .tag = 0 };
	struct bell_outgoing *out;
	int64_t rc = bell_find(peer, name, &env.peer);

	if (rc == 0)
		rc = bell_begin(bus, &env, sizeof(text), &out);
	if (rc < 0)
		return (int)rc;
	rc = bell_continue(out, text, sizeof(text), -1);
	if (rc == (int64_t)sizeof(text))
		rc = bell_finish(out, 1234, -1);
	if (rc != 0)
		bell_abandon(out);
	return (int)rc;
}

int main(int argc, char **argv)
{
	struct bell_peer *peer = NULL;
	struct bell_bus *bus = NULL;
	int rc = bell_open(NULL, -1, &peer);

	if (rc == 0)
		rc = bell_join(peer, NULL, &bus);
	if (rc == 0)
		rc = argc == 2 ? send_wrong(bus, peer, argv[1]) : -BELL_EINVAL;
	if (rc != 0)
		fprintf(stderr, "wrong-check: %s: %s\n", bell_strerror(rc),
			bell_detail());
	bell_leave(bus);
	bell_close(peer);
	return rc != 0;
}
