/* SPDX-License-Identifier: BSD-2-Clause */
#include "streams-fixture.h"

#include <stdlib.h>
#include <string.h>

#define TRIES 100000 /* pumps; far more than anything here takes */

void pump(void)
{
	int rc_a = bell_dispatch(a), rc_b = bus_b ? bell_dispatch(b) : 0;

	ck_assert_msg(rc_a >= 0, "a: %s", bell_strerror(rc_a));
	ck_assert_msg(rc_b >= 0, "b: %s", bell_strerror(rc_b));
}

struct bell_listener *listen_b(bell_accept_fn *fn, void *arg)
{
	struct bell_listener *listener;

	ck_assert_int_eq(bell_listen(bus_b, "test", fn, arg, &listener), 0);
	return listener;
}

struct bell_stream *open_a(void)
{
	struct bell_stream *s;
	int rc = bell_stream_open(bus_a, bell_id(b), "test", 0, &s);

	ck_assert_msg(rc == 0, "open: %s: %s", bell_strerror(rc), bell_detail());
	return s;
}

struct bell_stream *accept_b(struct bell_listener *listener)
{
	struct bell_stream *s = NULL;
	int rc = -BELL_EAGAIN;

	for (int i = 0; rc == -BELL_EAGAIN && i < TRIES; i++) {
		pump();
		rc = bell_accept(listener, 0, &s);
	}
	ck_assert_msg(rc == 0, "accept: %s", bell_strerror(rc));
	ck_assert_uint_eq(bell_stream_peer(s), bell_id(a));
	ck_assert_str_eq(bell_stream_service(s), "test");
	return s;
}

void connect_ends(struct ends *e)
{
	e->listener = listen_b(NULL, NULL);
	e->a = open_a();
	e->b = accept_b(e->listener);
	pump(); /* a hears of it */
}

void close_ends(struct ends *e)
{
	bell_stream_close(e->a);
	bell_stream_close(e->b);
	bell_unlisten(e->listener);
}

void expect_bytes(struct bell_stream *s, const void *bytes, size_t len)
{
	unsigned char *got = malloc(len);
	size_t n = 0;

	ck_assert_ptr_nonnull(got);
	for (int i = 0; n < len && i < TRIES; i++) {
		int64_t rc = bell_stream_read(s, got + n, len - n, 0);

		if (rc == -BELL_EAGAIN) {
			pump();
			continue;
		}
		ck_assert_msg(rc > 0, "after %zu of %zu bytes: %lld", n, len,
			      (long long)rc);
		n += (size_t)rc;
	}
	ck_assert_uint_eq(n, len);
	ck_assert(memcmp(got, bytes, len) == 0);
	free(got);
}

int64_t read_result(struct bell_stream *s)
{
	char c;

	pump();
	pump();
	return bell_stream_read(s, &c, 1, 0);
}

void write_all(struct bell_stream *s, const void *bytes, size_t len)
{
	size_t n = 0;

	for (int i = 0; n < len && i < TRIES; i++) {
		int64_t rc = bell_stream_write(s, (const char *)bytes + n, len - n, 0);

		if (rc == -BELL_EAGAIN) {
			pump();
			continue;
		}
		ck_assert_msg(rc > 0, "after %zu of %zu bytes: %lld", n, len,
			      (long long)rc);
		n += (size_t)rc;
	}
	ck_assert_uint_eq(n, len);
}

size_t fill(struct bell_stream *s)
{
	static const char bytes[5000];
	size_t total = 0;
	int idle = 0;

	while (idle < 3) {
		int64_t rc = bell_stream_write(s, bytes, sizeof(bytes), 0);

		if (rc > 0) {
			total += (size_t)rc;
			idle = 0;
			continue;
		}
		ck_assert_int_eq(rc, -BELL_EAGAIN);
		pump();
		idle++;
	}
	return total;
}
