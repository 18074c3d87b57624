/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * instructions - what bell_send() and bell_recv() take, for callgrind to count
 *
 *	valgrind --tool=callgrind instructions ADDRESS
 *
 * Two peers of one server in one process, no wait and no clock: the counts are the
 * same in every run. Each row below is a function of its own, so that callgrind
 * tells its calls apart; instructions.py reads them. "sleep" is a receiver that had
 * armed itself before each message: with its arming, the sender's doorbell, and the
 * look at what came; "awake" one that finds the next message at once.
 */
#include "bellring.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS 1000
#define WARM_UP 200
#define LARGEST 4096

struct two {
	struct bell_peer *peer[2];
	struct bell_bus *bus[2];
	unsigned char buf[2][LARGEST];
};

static void want(int64_t rc, int64_t expected)
{
	if (rc == expected)
		return;
	fprintf(stderr, "instructions: %s: %s\n", bell_strerror((int)rc), bell_detail());
	exit(1);
}

static void open_end(struct two *t, int i, const char *address)
{
	want(bell_open(address, 5000, &t->peer[i]), 0);
	want(bell_join(t->peer[i], NULL, &t->bus[i]), 0);
}

__attribute__((always_inline)) static inline void
one(struct two *t, size_t size, bool asleep)
{
	struct bell_envelope env;

	if (asleep)
		want(bell_recv(t->bus[1], t->buf[1], LARGEST, &env, 0), -BELL_EAGAIN);
	want(bell_send(t->bus[0], bell_id(t->peer[1]), t->buf[0], size, -1), 0);
	want(bell_recv(t->bus[1], t->buf[1], LARGEST, &env, -1), (int64_t)size);
}

/* The measured part: its name, and nothing inlined into another. */
#define ROW(mode, size, asleep)                                                 \
	__attribute__((noinline)) static void mode##_##size(struct two *t)      \
	{                                                                       \
		for (int i = 0; i < ROUNDS; i++)                                \
			one(t, size, asleep);                                   \
	}
#define SIZES(X, mode, asleep)                                                  \
	X(mode, 8, asleep) X(mode, 64, asleep) X(mode, 256, asleep)             \
	X(mode, 1024, asleep) X(mode, 4096, asleep)
SIZES(ROW, poll_awake, false)
SIZES(ROW, interrupt_awake, false)
SIZES(ROW, interrupt_sleep, true)
SIZES(ROW, only_awake, false)

struct row {
	void (*run)(struct two *t);
	enum bell_wait_mode wait;
	bool asleep;
	size_t size;
};

#define POLL_ROW(mode, size, asleep) { mode##_##size, BELL_POLL, asleep, size },
#define ONLY_ROW(mode, size, asleep) { mode##_##size, BELL_POLL_ONLY, asleep, size },
#define INTERRUPT_ROW(mode, size, asleep) { mode##_##size, BELL_INTERRUPT, asleep, size },
static const struct row rows[] = {
	SIZES(POLL_ROW, poll_awake, false)
	SIZES(INTERRUPT_ROW, interrupt_awake, false)
	SIZES(INTERRUPT_ROW, interrupt_sleep, true)
	SIZES(ONLY_ROW, only_awake, false) /* there is no way back */
};

static void run(struct two *t, const struct row *r)
{
	want(bell_set_wait(t->bus[0], r->wait), 0);
	want(bell_set_wait(t->bus[1], r->wait), 0);
	/* Links are claimed, names of functions resolved. */
	for (int i = 0; i < WARM_UP; i++)
		one(t, r->size, r->asleep);
	r->run(t);
}

/* Its counts are worth something: not in a build for debuggers or sanitizers. */
static const char *built(void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	return "sanitized";
#elif defined(__OPTIMIZE__)
	return "optimized";
#else
	return "not optimized";
#endif
}

int main(int argc, char **argv)
{
	static struct two t;

	if (argc != 2) {
		fprintf(stderr, "usage: instructions ADDRESS | --built\n");
		return 2;
	}
	if (strcmp(argv[1], "--built") == 0)
		return puts(built()) < 0;
	open_end(&t, 0, argv[1]);
	open_end(&t, 1, argv[1]);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		run(&t, &rows[i]);
	for (int i = 0; i < 2; i++) {
		bell_leave(t.bus[i]);
		bell_close(t.peer[i]);
	}
	return 0;
}
