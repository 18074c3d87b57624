/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Opening a host port while the n-th call of a function of the system fails, for
 * each function and every n: an error code each time, and nothing is left open.
 * The linker's --wrap puts the functions here before those of the C library.
 */
#include "port.h"
#include "scripted.h"
#include "testing.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern const struct bell_port_ops bell_port_unix;

/* X(type, name, failure, parameters, arguments): those that open uses. */
struct epoll_event;
struct msghdr;
struct pollfd;
struct sockaddr;
struct stat;
#define CALLS(X)                                                               \
	X(void *, calloc, (errno = ENOMEM, NULL), (size_t n, size_t s), (n, s))    \
	X(char *, strdup, (errno = ENOMEM, NULL), (const char *t), (t))            \
	X(int, pthread_mutex_init, ENOMEM, (void *l, const void *a), (l, a))       \
	X(int, pthread_rwlock_init, ENOMEM, (void *l, const void *a), (l, a))      \
	X(int, eventfd, (errno = EMFILE, -1), (unsigned n, int f), (n, f))         \
	X(int, epoll_create1, (errno = EMFILE, -1), (int f), (f))                  \
	X(int, epoll_ctl, (errno = ENOSPC, -1),                                    \
	  (int e, int o, int f, struct epoll_event *v), (e, o, f, v))              \
	X(int, socket, (errno = EMFILE, -1), (int d, int t, int p), (d, t, p))     \
	X(int, setsockopt, (errno = ENOMEM, -1),                                   \
	  (int s, int l, int o, const void *v, unsigned n), (s, l, o, v, n))       \
	X(int, connect, (errno = EACCES, -1),                                      \
	  (int s, const struct sockaddr *a, unsigned n), (s, a, n))                \
	X(long, recvmsg, (errno = ENOMEM, -1),                                     \
	  (int s, struct msghdr *m, int f), (s, m, f))                             \
	X(int, poll, (errno = ENOMEM, -1),                                         \
	  (struct pollfd *p, unsigned long n, int t), (p, n, t))                   \
	FILE_CALLS(X)
/* With 64-bit offsets on a 32-bit system the C library has others of its own. */
#if __SIZEOF_LONG__ == 8
#define FILE_CALLS(X)                                                          \
	X(int, fstat, (errno = EIO, -1), (int f, struct stat *s), (f, s))          \
	X(void *, mmap, (errno = ENOMEM, (void *)-1),                              \
	  (void *a, size_t n, int p, int f, int d, long o), (a, n, p, f, d, o))    \
	X(int, fcntl, (errno = EIO, -1), (int f, int c, long a), (f, c, a))
#else
#define FILE_CALLS(X)                                                          \
	X(int, fstat64, (errno = EIO, -1), (int f, struct stat *s), (f, s))        \
	X(void *, mmap64, (errno = ENOMEM, (void *)-1),                            \
	  (void *a, size_t n, int p, int f, int d, long long o),                   \
	  (a, n, p, f, d, o))                                                      \
	X(int, fcntl64, (errno = EIO, -1), (int f, int c, long a), (f, c, a))
#endif

#define ENUM(type, name, failure, parameters, arguments) CALL_##name,
enum call { CALLS(ENUM) CALL_COUNT };

static int armed = -1; /* the function that is to fail, at its fail_at-th call */
static int fail_at, calls;

static bool fails_now(enum call which)
{
	return armed == (int)which && ++calls == fail_at;
}

#define WRAP(type, name, failure, parameters, arguments)                       \
	type __real_##name parameters;                                         \
	type __wrap_##name parameters;                                         \
	type __wrap_##name parameters                                          \
	{                                                                      \
		return fails_now(CALL_##name) ? failure :                      \
						__real_##name arguments;       \
	}
CALLS(WRAP)

static const char *const names[] = {
#define NAME(type, name, failure, parameters, arguments) #name,
	CALLS(NAME)
#undef NAME
};

static int open_failing(enum call which, const char *path,
			struct bell_port **port)
{
	int rc;

	calls = 0;
	armed = (int)which;
	rc = bell_port_unix.open(path, -1, port);
	armed = -1;
	return rc;
}

/* One function a case: how often it is called depends on the server's pace. */
START_TEST(open_with_the_nth_call_failing)
{
	/* Silence ends this greeting, so that open waits, too. */
	static const struct step steps[] = {
		{ 0, 0, SEND }, { 3, 0, SEND }, { -1, 1, SEND },
		{ 3, 2, SEND }, { 3, 2, SEND }, { 3, 2, SEND },
	};
	const int fds[] = { new_memory(65536), new_eventfd() };
	struct bell_port *port = NULL;
	struct scripted s;
	int before, rc;

	scripted_start(&s, steps, ARRAY_LEN(steps), fds);
	before = open_fds();
	for (fail_at = 1;; fail_at++) {
		ck_assert_int_lt(fail_at, 100);
		rc = open_failing((enum call)_i, s.path, &port);
		if (rc == 0)
			break;
		ck_assert_msg(rc < 0, "%s %d: %d", names[_i], fail_at, rc);
		ck_assert_ptr_null(port);
		ck_assert_msg(bell_detail()[0] != '\0', "%s %d: no detail",
			      names[_i], fail_at);
		ck_assert_msg(open_fds() == before, "%s %d: %d descriptors more",
			      names[_i], fail_at, open_fds() - before);
	}
	ck_assert_msg(fail_at > 1, "%s was never called", names[_i]);
	ck_assert_int_lt(calls, fail_at);
	bell_port_unix.close(port);
	ck_assert_int_eq(open_fds(), before);
	scripted_stop(&s);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("host faults");
	TCase *tc = tcase_create("open");

	tcase_set_timeout(tc, 30);
	tcase_add_loop_test(tc, open_with_the_nth_call_failing, 0, CALL_COUNT);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
