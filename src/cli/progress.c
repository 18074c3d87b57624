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
				.total = total == UINT64_MAX ? 0 : total };
	p->begin_ns = p->last_ns = sys_now_ns();
}

static double rate_of(const struct progress *p, uint64_t now_ns)
{
	double seconds = (double)(now_ns - p->begin_ns) / 1e9;

	return seconds > 0 ? (double)p->done / seconds : 0;
}

static void print_left(const struct progress *p, double rate)
{
	uint64_t rest = p->total > p->done ? p->total - p->done : 0;
	unsigned seconds = (unsigned)((double)rest / rate + 0.5);

	fprintf(stderr, ", %u:%02u left", seconds / 60, seconds % 60);
}

static void print(struct progress *p, uint64_t now_ns)
{
	double rate = rate_of(p, now_ns);
	char done[PROGRESS_SIZE], total[PROGRESS_SIZE], speed[PROGRESS_SIZE];

	p->last_ns = now_ns;
	p->dirty = true;
	fprintf(stderr, "%s%s", sys_erase(), progress_size((double)p->done, done));
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
	p->last_ns = sys_now_ns();
	if (p->dirty)
		fputs(sys_erase(), stderr);
	p->dirty = false;
}

void progress_report(const struct progress *p, const char *did,
		     uint64_t checksum)
{
	char speed[PROGRESS_SIZE];

	fprintf(stderr, "bellring: %s %llu bytes in %.3f s, %s/s, XXH3 %016llx\n",
		did, (unsigned long long)p->done,
		(double)(p->last_ns - p->begin_ns) / 1e9,
		progress_size(rate_of(p, p->last_ns), speed),
		(unsigned long long)checksum);
}
