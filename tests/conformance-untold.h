/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * conformance-untold.h - the suite where peers are not told of each other
 *
 * A world without a server's news: devices in a guest, a file. A case that needs
 * what such a world lacks is left out, and told on stdout: "skip NAME: REASON".
 * CASES in the environment narrows a run to cases whose name holds one of its
 * words.
 *
 * Three things are replaced at link time (UNTOLD_WRAP in unit.mk): the suite's
 * fixtures, which wait until the server's news of b has come to a; adding a case,
 * which asks the list of those that are left out; and bell_close(): closed
 * without leaving is a case's way to die, which no server sees here, but the next
 * one to open the address tells of it.
 */
#ifndef BELL_CONFORMANCE_UNTOLD_H
#define BELL_CONFORMANCE_UNTOLD_H

#include "world.h"

/*
 * Runs the suite on a world whose peers open these addresses, in that order, which
 * may name one several times; returns main()'s exit status. The memory outlives
 * each case: it begins all zeroes but for a new format.
 */
int run_untold(const char *name, char *const *addresses, int count);

#endif
