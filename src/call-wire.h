/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * call-wire.h - what calls look like in the rings: records of RECORD_CALL
 *
 * The header's flags say what it is, its tag names the method. The bytes begin
 * with the call's id, which the caller chose.
 */
#ifndef BELL_CALL_WIRE_H
#define BELL_CALL_WIRE_H

#include "layout.h"

enum call_op {
	CALL_REQUEST = 1, /* id, ms until its deadline, the request */
	CALL_REPLY = 2,   /* id, the reply */
	CALL_FAILED = 3,  /* id, text of at most CALL_WHY_MAX bytes */
	CALL_REFUSED = 4, /* id, enum call_refusal */
	CALL_CANCEL = 5   /* id: from the caller, which does not wait any more */
};

enum call_refusal {
	CALL_NO_SERVICE = 1, /* no handler for the method */
	CALL_BUSY = 2        /* too many requests wait */
};

#define CALL_WORD 8u  /* bytes of the id, of a deadline, of a reason */
#define CALL_HEAD 16u /* of a request: its bytes follow */
#define CALL_NO_DEADLINE UINT64_MAX
#define CALL_WHY_MAX 200u

#endif
