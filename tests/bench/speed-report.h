/* SPDX-License-Identifier: BSD-2-Clause */
/* speed-report.h - one JSON object a line: the contract with goals.py */
#ifndef BENCH_SPEED_REPORT_H
#define BENCH_SPEED_REPORT_H

#include "speed-cases.h"

/** speed_report_run - begins it: what was asked for, and which rivals are missing */
void speed_report_run(const struct speed_options *options);

/**
 * speed_report - a measurement, or a turn of it
 * @round:  from 1 on
 * @turn:   from 1 on; 0: it takes none
 * @result: its samples are sorted
 */
void speed_report(const struct speed_case *c, unsigned round, unsigned turn,
		  struct speed_result *result);

/**
 * speed_report_round - the samples of all turns of a round together
 * @results: of the turns that count, every @stride one of them; what has no samples is
 *           not told
 */
void speed_report_round(const struct speed_case *c, unsigned round,
			const struct speed_result *results, size_t stride, unsigned turns);

/** speed_report_failed - one of which there is no result */
void speed_report_failed(const struct speed_case *c, unsigned round);

/** speed_elapsed_ns - from the begin of who sends to the end of who receives */
uint64_t speed_elapsed_ns(const struct speed_case *c, const struct speed_result *result);

#endif
