/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * judge.h - each call of the library returns in time, and only what it may
 *
 *     rc = CALL("bell_send", timeout_ms, SENDING, bell_send(...));
 *
 * ends the program if the code is not among those that the contract lists, or if
 * the call took much longer than its timeout; a call that never returns is ended
 * by an alarm. Calls nest: what a callback takes is not the outer call's time.
 */
#ifndef BELL_JUDGE_H
#define BELL_JUDGE_H

#include "bellring.h"

#include <stdint.h>

#define CODE(name) (1u << BELL_##name)
/* As of bell_send(). No machine fails here: -BELL_EIO and the like are wrong. */
#define SENDING                                                                \
	(CODE(EAGAIN) | CODE(ENOPEER) | CODE(ENOSPC) | CODE(ECORRUPT) |        \
	 CODE(ERESET) | CODE(EBUSY))

/* seconds: an alarm after so many; slack_ms: so much later is still in time. */
void judge_init(const char *who, unsigned seconds, unsigned slack_ms);
void judge_begin(const char *call, int timeout_ms);
/* Returns rc. */
int64_t judge_end(int64_t rc, uint32_t allowed);
/* From now on -BELL_EINTR is allowed everywhere: a signal ends the program. */
void judge_interrupted(void);
/* Says what does not hold, and ends the program. */
void judge_wrong(const char *what);
/* One line a call: how often, its results, its longest time. */
void judge_report(void);

#define CALL(name, timeout_ms, allowed, expression)                            \
	(judge_begin(name, timeout_ms), judge_end((expression), allowed))

#endif
