/* SPDX-License-Identifier: BSD-2-Clause */
#include "progress.h"

#include "sys.h"

#define REFRESH_NS (200 * SYS_NS_PER_MS)

const char *progress_size(double bytes, char buf[PROGRESS_SIZE])
{
	static const char *const unit[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	size_t i = 0;

	while (bytes >= 1000 && i + 1 < sizeof(unit) / sizeof(unit[0])) {
		bytes /= 1024;
		i++;
	}
	snprintf(buf, PROGRESS_SIZE, "%.*f %s", i > 0, bytes, unit[i]);
	return buf;
}

void progress_begin(struct progress *p, bool wanted, uint64_t total)
{
	*p = (struct progress){ .shown = wanted && sys_is_terminal(stderr),
				.total = total };
	if (p->shown)
		p->begin_ns = p->last_ns = sys_now_ns();
}

static void print_left(const struct progress *p, double rate)
{
	uint64_t rest = p->total > p->done ? p->total - p->done : 0;
	unsigned seconds = (unsigned)((double)rest / rate + 0.5);

	fprintf(stderr, ", %u:%02u left", seconds / 60, seconds % 60);
}

static void print(struct progress *p, uint64_t now_ns)
{
	double seconds = (double)(now_ns - p->begin_ns) / 1e9;
	double rate = seconds > 0 ? (double)p->done / seconds : 0;
	char done[PROGRESS_SIZE], total[PROGRESS_SIZE], speed[PROGRESS_SIZE];

	p->last_ns = now_ns;
	p->dirty = true;
	/* Carriage return, and erase to the end of the line: ECMA-48 EL. */
	fprintf(stderr, "\r\033[K%s", progress_size((double)p->done, done));
	if (p->total > 0)
		fprintf(stderr, " of %s (%.0f %%)",
			progress_size((double)p->total, total),
			100.0 * (double)p->done / (double)p->total);
	fprintf(stderr, ", %s/s", progress_size(rate, speed));
	if (p->total > 0 && rate > 0)
		print_left(p, rate);
	fflush(stderr);
}

void progress_add(struct progress *p, uint64_t bytes)
{
	uint64_t now_ns;

	p->done += bytes;
	if (!p->shown)
		return;
	now_ns = sys_now_ns();
	if (now_ns - p->last_ns >= REFRESH_NS)
		print(p, now_ns);
}

void progress_end(struct progress *p)
{
	if (!p->dirty)
		return;
	print(p, sys_now_ns());
	fputc('\n', stderr);
	p->dirty = false;
}
