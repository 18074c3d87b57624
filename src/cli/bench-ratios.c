/* SPDX-License-Identifier: BSD-2-Clause */
/* What is compared with what. */
#include "bench-report.h"

#include <string.h>

/* The ratios' list while it grows. */
struct ratios {
	const struct bench *b;
	struct bench_ratio *at;
	size_t count;
};

/* A run, and the metric that is compared. */
struct side {
	const struct bench_run *run;
	const char *word;
	enum bench_metric metric;
};

/* Nothing if one of them was not measured. */
static void add(struct ratios *r, struct side of, struct side to)
{
	struct bench_ratio *q = &r->at[r->count];
	double below = to.run ? bench_spread(to.run, to.metric).median : 0;

	if (!of.run || !(below > 0) || r->count == BENCH_RATIOS_MAX)
		return;
	*q = (struct bench_ratio){
		.size = of.run->size,
		.every_us = of.run->every_us,
		.senders = of.run->senders,
		.value = bench_spread(of.run, of.metric).median / below,
	};
	snprintf(q->name, sizeof(q->name), "%s/%s", of.word, to.word);
	snprintf(q->of, sizeof(q->of), "%s", bench_run_mode(of.run));
	snprintf(q->to, sizeof(q->to), "%s", bench_run_mode(to.run));
	r->count++;
}

/* The first run of that type which is like it: mode, size, interval, senders. */
static const struct bench_run *find(const struct bench *b, const char *type,
				    const struct bench_run *like)
{
	const struct bench_run *run;
	size_t i;

	for (i = 0; i < b->runs; i++) {
		run = &b->run[i];
		if (strcmp(run->load->type, type) == 0 &&
		    run->size == like->size && run->every_us == like->every_us &&
		    run->senders == like->senders &&
		    (run->limit ? run->kind == like->kind :
				  run->wait == like->wait))
			return run;
	}
	return NULL;
}

/* Round trips of the first size beside what they are made of. */
static void add_trips(struct ratios *r)
{
	static const struct {
		enum bell_wait_mode mode;
		enum bare_kind bare;
		const char *of, *to;
	} pairs[] = {
		{ BELL_INTERRUPT, BARE_EVENTFD_EPOLL, "interrupt", "eventfd" },
		{ BELL_INTERRUPT, BARE_EVENTFD_POLL, "interrupt", "eventfd-read" },
		{ BELL_POLL, BARE_LINE, "poll", "line" },
		{ BELL_ADAPTIVE, BARE_LINE, "adaptive", "line" },
	};
	struct bench_run like = { .size = (uint32_t)r->b->lists.sizes.value[0] };
	struct bench_run bare = { 0 };
	size_t i;

	for (i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		like.wait = pairs[i].mode;
		bare.kind = (int)pairs[i].bare;
		add(r, (struct side){ find(r->b, "latency", &like), pairs[i].of,
				      BENCH_P50 },
		    (struct side){ find(r->b, "bare", &bare), pairs[i].to,
				   BENCH_P50 });
	}
}

/* Each stream beside the copy of its size. */
static void add_streams(struct ratios *r)
{
	const struct bench_run *run;
	size_t i;

	for (i = 0; i < r->b->runs; i++) {
		run = &r->b->run[i];
		if (strcmp(run->load->type, "throughput") == 0)
			add(r, (struct side){ run, bench_run_mode(run), BENCH_GIB },
			    (struct side){ find(r->b, "copy", run), "copy",
					   BENCH_GIB });
	}
}

/* What adaptive waiting costs where sleeping is right. */
static void add_paced(struct ratios *r)
{
	struct bench_run like;
	size_t i;

	for (i = 0; i < r->b->runs; i++) {
		like = r->b->run[i];
		if (strcmp(like.load->type, "paced") != 0 ||
		    like.wait != BELL_ADAPTIVE)
			continue;
		like.wait = BELL_INTERRUPT;
		add(r, (struct side){ &r->b->run[i], "adaptive-cpu", BENCH_SHARE },
		    (struct side){ find(r->b, "paced", &like), "interrupt-cpu",
				   BENCH_SHARE });
	}
}

/* Several senders beside one, and the slowest of them beside the mean. */
static void add_senders(struct ratios *r)
{
	const struct bench_run *run;
	struct bench_run like;
	size_t i;

	for (i = 0; i < r->b->runs; i++) {
		run = &r->b->run[i];
		if (run->senders < 2)
			continue;
		like = *run;
		like.senders = 1;
		add(r, (struct side){ run, "senders", BENCH_RATE },
		    (struct side){ find(r->b, "senders", &like), "one-sender",
				   BENCH_RATE });
		add(r, (struct side){ run, "least-sender", BENCH_LEAST },
		    (struct side){ run, "mean-sender", BENCH_MEAN });
	}
}

size_t bench_ratios(const struct bench *b,
		    struct bench_ratio ratio[BENCH_RATIOS_MAX])
{
	struct ratios r = { .b = b, .at = ratio };

	add_trips(&r);
	add_streams(&r);
	add_paced(&r);
	add_senders(&r);
	return r.count;
}
