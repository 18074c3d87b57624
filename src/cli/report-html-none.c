/* SPDX-License-Identifier: BSD-2-Clause */
/* Built without a library for plots. */
#include "bench-report.h"
#include "cli.h"

int report_html_possible(void)
{
	return cli_error("bench: --html: this bellring was built without Chart.js, "
			 "which draws the plots: install it (on Debian, apt-get "
			 "install libjs-chart.js), then ./configure and make again; "
			 "--json and --csv have the same figures");
}

int report_html(const struct bench *b, FILE *file)
{
	(void)b, (void)file;
	return report_html_possible();
}
