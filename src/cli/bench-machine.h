/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench-machine.h - which machine it was: figures of another one tell something else
 */
#ifndef CLI_BENCH_MACHINE_H
#define CLI_BENCH_MACHINE_H

#define BENCH_MACHINE_TEXT 128

struct bench_machine {
	char cpu[BENCH_MACHINE_TEXT];    /* "" if unknown */
	char system[BENCH_MACHINE_TEXT]; /* with its version */
	int cores;                       /* that the system has on line */
};

void bench_machine(struct bench_machine *m);

#endif
