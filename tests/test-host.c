/* SPDX-License-Identifier: BSD-2-Clause */
/* An open unix: port: news, interrupts, ringing, and the loss of the server. */
#include "port.h"
#include "scripted.h"
#include "testing.h"
#include "told.h"

#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

extern const struct bell_port_ops bell_port_unix;

static int fds[GIFTS];

static int open_port(const struct scripted *s, int timeout_ms,
		     struct bell_port **port)
{
	return bell_port_unix.open(s->path, timeout_ms, port);
}

START_TEST(news_of_peers)
{
	static const struct step steps[] = {
		GREETING, { 9, V0, SEND }, { 3, V0, SEND },
		{ 0, 0, AWAIT }, { 7, V1, SEND }, { 7, V2, SEND },
		{ 0, 0, AWAIT }, { 7, 0, SEND },
		{ 0, 0, AWAIT }, BYE,
	};
	struct bell_peer_info list[4] = { 0 };
	struct bell_port *port;
	struct scripted s;

	make_gifts(fds);
	scripted_start(&s, steps, ARRAY_LEN(steps), fds);
	ck_assert_int_eq(open_port(&s, -1, &port), 0);
	ck_assert_int_eq(bell_port_unix.wait(port, 0, &told_sink), 0);

	scripted_go(&s);
	told_wait(port, &told.joined[7], 1);
	for (int i = 0; i < 100 && list[0].vectors < 2; i++) {
		bell_port_unix.wait(port, 100, &told_sink);
		ck_assert_uint_eq(bell_port_unix.peers(port, list, 4), 2);
	}
	ck_assert_uint_eq(list[0].id, 7);
	ck_assert_uint_eq(list[0].vectors, 2);
	ck_assert_int_eq(list[0].state, BELL_STATE_RAW);
	ck_assert_uint_eq(list[1].id, 9);
	ck_assert_uint_eq(list[1].vectors, 1);
	ck_assert_uint_eq(told.joined[7], 1);
	ck_assert_uint_eq(told.joined[9], 0); /* was there before */
	ck_assert_int_eq(bell_port_unix.ring(port, 7, 1), 0);
	ck_assert_uint_eq(drain(fds[V2 - 1]), 1);

	scripted_go(&s);
	told_wait(port, &told.left[7], 1);
	ck_assert_int_eq(bell_port_unix.ring(port, 7, 1), -BELL_ENOPEER);
	ck_assert_ptr_nonnull(strstr(bell_detail(), "peer 7: not connected"));

	scripted_go(&s);
	told_wait(port, &told.lost, 1);
	ck_assert_int_eq(bell_port_unix.wait(port, 0, &told_sink), 0);
	ck_assert_uint_eq(told.lost, 1);

	/* Who is known is rung still, and rings us. */
	ck_assert_int_eq(bell_port_unix.ring(port, 9, 0), 0);
	told_wait(port, &told.interrupts[0], 1); /* both are the same eventfd */
	bell_port_unix.close(port);
	scripted_stop(&s);
}
END_TEST

START_TEST(broken_news_is_a_lost_server)
{
	static const struct step steps[] = {
		GREETING, { 3, V0, SEND }, { 0, 0, AWAIT }, { -1, MEMORY, SEND },
	};
	struct bell_port *port;
	struct scripted s;
	int before;

	make_gifts(fds);
	scripted_start(&s, steps, ARRAY_LEN(steps), fds);
	before = open_fds();
	ck_assert_int_eq(open_port(&s, -1, &port), 0);
	scripted_go(&s);
	told_wait(port, &told.lost, 1);
	bell_port_unix.close(port);
	ck_assert_int_eq(open_fds(), before);
	scripted_stop(&s);
}
END_TEST

static struct bell_port *simple_port(struct scripted *s)
{
	static const struct step steps[] = {
		GREETING, { 1, V2, SEND }, { 1, V2, SEND }, { 3, V0, SEND },
		{ 3, V1, SEND },
	};
	struct bell_port *port;

	make_gifts(fds);
	scripted_start(s, steps, ARRAY_LEN(steps), fds);
	ck_assert_int_eq(open_port(s, -1, &port), 0);
	return port;
}

static void signal_fd(int fd, uint64_t value)
{
	ck_assert_int_eq(write(fd, &value, sizeof(value)), sizeof(value));
}

START_TEST(interrupts)
{
	struct scripted s;
	struct bell_port *port = simple_port(&s);
	struct pollfd p = { .fd = bell_port_unix.handle(port), .events = POLLIN };

	ck_assert_int_eq(poll(&p, 1, 0), 0);
	signal_fd(fds[V1 - 1], 5);
	signal_fd(fds[V1 - 1], 1);
	signal_fd(fds[V0 - 1], 1);
	ck_assert_int_eq(poll(&p, 1, 0), 1);
	ck_assert_int_eq(bell_port_unix.wait(port, -1, &told_sink), 2);
	ck_assert_uint_eq(told.interrupts[0], 1);
	ck_assert_uint_eq(told.interrupts[1], 1);
	ck_assert_int_eq(poll(&p, 1, 0), 0);
	ck_assert_int_eq(bell_port_unix.wait(port, 0, &told_sink), 0);

	/* Though nobody has read them: each signal is an edge. */
	signal_fd(fds[V1 - 1], 1);
	ck_assert_int_eq(poll(&p, 1, 0), 1);
	ck_assert_int_eq(bell_port_unix.wait(port, -1, &told_sink), 1);
	ck_assert_uint_eq(told.interrupts[1], 2);

	/* Oneself, as a guest can. */
	ck_assert_int_eq(bell_port_unix.ring(port, 3, 0), 0);
	told_wait(port, &told.interrupts[0], 2);
	bell_port_unix.close(port);
	scripted_stop(&s);
}
END_TEST

START_TEST(ringing)
{
	static const struct {
		uint32_t id;
		unsigned vector;
		int want;
	} rows[] = {
		{ 1, 0, 0 }, { 1, 1, 0 }, { 3, 1, 0 },
		{ 1, 2, -BELL_ENOPEER }, { 1, 255, -BELL_ENOPEER },
		{ 3, 2, -BELL_ENOPEER }, { 0, 0, -BELL_ENOPEER },
		{ 65535, 0, -BELL_ENOPEER },
	};
	struct scripted s;
	struct bell_port *port = simple_port(&s);

	for (int i = 0; i < ARRAY_LEN(rows); i++)
		ck_assert_msg(bell_port_unix.ring(port, rows[i].id,
						  rows[i].vector) == rows[i].want,
			      "peer %u vector %u", rows[i].id, rows[i].vector);
	ck_assert_uint_eq(drain(fds[V2 - 1]), 2);

	/* A full counter is a pending interrupt; and it does not block. */
	signal_fd(fds[V2 - 1], UINT64_MAX - 1);
	ck_assert_int_eq(bell_port_unix.ring(port, 1, 0), 0);
	bell_port_unix.close(port);
	scripted_stop(&s);
}
END_TEST

#define CROWD 300

/* Sparse ids, and a joining and leaving that other threads ring through. */
static void *ring_all(void *arg)
{
	struct bell_port *port = arg;

	for (int turn = 0; turn < 50; turn++)
		for (uint32_t i = 0; i < CROWD; i++) {
			int rc = bell_port_unix.ring(port, i * 200, 0);

			if (rc != 0 && rc != -BELL_ENOPEER)
				return port;
		}
	return NULL;
}

START_TEST(ringing_while_peers_come_and_go)
{
	static struct step steps[5 + 2 * CROWD] = {
		GREETING, { 3, V0, SEND }, { 0, 0, AWAIT },
	};
	struct bell_peer_info list[CROWD];
	pthread_t thread[2];
	struct bell_port *port;
	struct scripted s;
	void *result;
	int n = 5;

	for (uint32_t i = 0; i < CROWD; i++)
		steps[n++] = (struct step){ i * 200, V2, SEND };
	for (uint32_t i = 0; i < CROWD; i += 2)
		steps[n++] = (struct step){ i * 200, 0, SEND };
	make_gifts(fds);
	scripted_start(&s, steps, n, fds);
	ck_assert_int_eq(open_port(&s, -1, &port), 0);
	scripted_go(&s);
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(pthread_create(&thread[i], NULL, ring_all, port),
				 0);
	told_wait(port, &told.left[(CROWD - 2) * 200], 1);
	for (int i = 0; i < 2; i++) {
		pthread_join(thread[i], &result);
		ck_assert_ptr_null(result);
	}
	ck_assert_uint_eq(bell_port_unix.peers(port, list, CROWD), CROWD / 2);
	for (uint32_t i = 0; i < CROWD / 2; i++)
		ck_assert_uint_eq(list[i].id, (2 * i + 1) * 200);
	bell_port_unix.close(port);
	scripted_stop(&s);
}
END_TEST

/* At the limit of open files others' vectors are lost, but not the server. */
START_TEST(too_few_descriptors)
{
	static const struct step steps[] = {
		HELLO, { -1, PROMISING, SEND }, { 3, V0, SEND }, { 3, V1, SEND },
		{ 0, 0, AWAIT },
		{ 7, V1, SEND }, { 7, V1, SEND }, { 8, V2, SEND },
		{ 7, 0, SEND },
	};
	struct rlimit limit;
	struct bell_port *port;
	struct scripted s;

	make_gifts(fds);
	scripted_start(&s, steps, ARRAY_LEN(steps), fds);
	ck_assert_int_eq(open_port(&s, -1, &port), 0);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = (rlim_t)open_fds() + 1; /* one more, as none is free below */
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	scripted_go(&s);
	told_wait(port, &told.left[7], 1);
	ck_assert_uint_eq(told.joined[7], 1);
	ck_assert_uint_eq(told.joined[8], 1);
	ck_assert_uint_eq(told.lost, 0);
	ck_assert_int_eq(bell_port_unix.ring(port, 8, 0), -BELL_EIO);
	ck_assert_ptr_nonnull(strstr(bell_detail(), "ulimit -n"));
	bell_port_unix.close(port);
	scripted_stop(&s);
}
END_TEST

START_TEST(closing_nothing)
{
	bell_port_unix.close(NULL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("host");
	TCase *tc = tcase_create("running");

	tcase_add_test(tc, news_of_peers);
	tcase_add_test(tc, broken_news_is_a_lost_server);
	tcase_add_test(tc, interrupts);
	tcase_add_test(tc, ringing);
	tcase_add_test(tc, ringing_while_peers_come_and_go);
	tcase_add_test(tc, too_few_descriptors);
	tcase_add_test(tc, closing_nothing);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
