/* SPDX-License-Identifier: BSD-2-Clause */
#include "host.h"

#include "error.h"
#include "fd.h"
#include "os.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

/*
 * A client is not told how many vectors of its own will come. If nothing says how
 * many, this silence after one of them ends the greeting; if other peers have more,
 * the longer one does. No silence does before the first one, nor while the header
 * promises more: whoever takes a busy server's pause for the end has no interrupts,
 * and would sleep for good.
 */
#define QUIET_NS UINT64_C(20000000)
#define PATIENT_NS UINT64_C(500000000)

static unsigned expected_vectors(const struct host *h)
{
	return h->promised ? h->promised : h->others;
}

static bool greeting_complete(const struct host *h)
{
	unsigned expected = expected_vectors(h);

	return h->port.memory && expected > 0 && h->port.vectors >= expected;
}

/* How long a silence ends the greeting; 0: none does. */
static uint64_t quiet_ns(const struct host *h)
{
	if (!h->port.memory || h->port.vectors == 0 || h->promised)
		return 0;
	return h->others == 0 ? QUIET_NS : PATIENT_NS;
}

static const char *what_is_missing(const struct host *h)
{
	switch (h->proto.state) {
	case PROTO_WANT_VERSION:
		return "no version yet";
	case PROTO_WANT_ID:
		return "no id yet";
	case PROTO_WANT_MEMORY:
		return "no memory yet";
	default:
		return "own vectors missing";
	}
}

static int cut_short(const struct host *h)
{
	return error_detail(BELL_EPROTO,
			    "server closed the connection after %lu messages of "
			    "its greeting, %s", h->proto.messages,
			    what_is_missing(h));
}

/* Returns 1 if the socket is readable, 0 at until_ns, or -BELL_EIO. */
static int wait_readable(int sock, uint64_t until_ns)
{
	struct pollfd p = { .fd = sock, .events = POLLIN };
	int n;

	do {
		uint64_t now = os_now_ns();
		uint64_t ms = now < until_ns ?
				      (until_ns - now + 999999) / 1000000 : 0;

		n = poll(&p, 1, (int)ms);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return error_detail(from_errno(errno), "poll: %s",
				    strerror(errno));
	return n;
}

/* The header may be an earlier server's, which gave more: some will do, then. */
static int too_late(const struct host *h)
{
	bool nothing = h->proto.messages == 0 && h->proto.have == 0;

	if (h->promised && h->port.vectors > 0)
		return 0;
	return error_detail(BELL_EAGAIN,
			    "greeting not complete in time: %lu messages came, %s%s",
			    h->proto.messages, what_is_missing(h),
			    nothing ? "; is the server stopped, or out of descriptors?" :
				      "");
}

/* Waits for more. Returns 1 if there is, 0 if the greeting is over. */
static int greeting_goes_on(struct host *h, uint64_t deadline_ns)
{
	uint64_t quiet = quiet_ns(h), end = os_now_ns() + quiet;
	bool bounded = quiet > 0 && end <= deadline_ns;
	int rc = wait_readable(h->sock, bounded ? end : deadline_ns);

	if (rc != 0 || bounded)
		return rc;
	return too_late(h);
}

/* Also looks at the clock where the server never falls silent. */
int greeting_take(struct host *h, uint64_t deadline_ns)
{
	int rc;

	while (!greeting_complete(h)) {
		rc = intake_one(h);
		if (rc == -BELL_EGONE)
			return cut_short(h);
		if (rc == -BELL_EAGAIN)
			rc = greeting_goes_on(h, deadline_ns);
		else if (rc == 0)
			rc = os_now_ns() < deadline_ns || greeting_complete(h) ?
				     1 : too_late(h);
		if (rc <= 0)
			return rc;
	}
	return 0;
}
