/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * steward-lives.h - peers that live and die while a steward sweeps
 */
#ifndef BELL_STEWARD_LIVES_H
#define BELL_STEWARD_LIVES_H

/*
 * Three threads, each a peer: it joins, talks with the others, and leaves, or
 * stops and is swept away, as one is that died; at least so many times each.
 * Meanwhile the calling thread sweeps. Dies with the test if a peer that lives
 * loses a link, a message comes damaged or out of order, or anything is left
 * behind.
 */
void steward_lives(unsigned each);

#endif
