/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench-spin.h - waiting for another core without sleeping, and without hanging
 */
#ifndef CLI_BENCH_SPIN_H
#define CLI_BENCH_SPIN_H

#include "sys.h"

#define BENCH_SPIN_SILENCE_MS 10000
#define BENCH_SPINS_A_LOOK 4096u /* spins between two looks at the clock */

/* One wait; zeroed at its begin. */
struct bench_spin {
	uint64_t deadline;
	unsigned n;
};

static inline void bench_relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

/* False when a signal came, or the other side was silent for too long. */
static inline bool bench_spin(struct bench_spin *s)
{
	bench_relax();
	if (++s->n % BENCH_SPINS_A_LOOK)
		return true;
	if (s->deadline == 0)
		s->deadline = sys_deadline(BENCH_SPIN_SILENCE_MS);
	return !sys_stopped() && sys_left_ms(s->deadline) > 0;
}

#endif
