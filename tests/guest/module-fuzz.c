/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * module-fuzz.c - several processes that do to the kernel module whatever they can
 *
 *   module-fuzz DEVICE SEED PROCESSES SECONDS
 *
 * Each opens and closes, maps and unmaps, forks, and calls with random arguments,
 * half of which are nearly right; some are killed in the middle and replaced. All is
 * drawn from SEED. Doorbells go to this device alone, which is told nothing else.
 * Ends with status 0 and "done CALLS", calls of those that came to their end.
 */
#include "module-client.h"

#include <time.h>

#define FILES 8
#define MAPS 8
#define EVENTS 4
#define STEPS 16
#define CALLS 400 /* of one process, before another takes its place */

struct range {
	char *at;
	size_t size;
	bool writable;
};

struct fuzz {
	const char *device;
	uint64_t random;
	struct ivshmem_doorbell_info info;
	int files[FILES];
	int events[EVENTS];
	struct range maps[MAPS];
};

/* xorshift64*: the same everywhere. */
static uint64_t draw(struct fuzz *f)
{
	f->random ^= f->random >> 12;
	f->random ^= f->random << 25;
	f->random ^= f->random >> 27;
	return f->random * UINT64_C(2685821657736338717);
}

static uint64_t below(struct fuzz *f, uint64_t n)
{
	return n ? (draw(f) >> 11) % n : 0;
}

/* Often in range, often at its edges, sometimes anything. */
static uint64_t around(struct fuzz *f, uint64_t limit)
{
	switch (below(f, 6)) {
	case 0:
		return limit - 1 + below(f, 3);
	case 1:
		return draw(f);
	case 2:
		return UINT64_MAX - below(f, 16);
	default:
		return below(f, limit);
	}
}

static int any_file(struct fuzz *f)
{
	return f->files[below(f, FILES)];
}

/* ---- what it does --------------------------------------------------------------- */

static void reopen(struct fuzz *f)
{
	static const int modes[] = { O_RDWR, O_RDWR, O_RDWR, O_RDONLY, O_WRONLY };
	int *fd = &f->files[below(f, FILES)];

	if (*fd >= 0)
		close(*fd);
	*fd = below(f, 4) ? open(f->device, modes[below(f, 5)] | O_CLOEXEC | O_NONBLOCK) :
			    -1;
}

static void call_anything(struct fuzz *f)
{
	uint64_t bytes[32];
	unsigned long command = _IOC(below(f, 4), IVSHMEM_DOORBELL_IOC, below(f, 8),
				     below(f, sizeof(bytes)));

	for (size_t i = 0; i < sizeof(bytes) / sizeof(*bytes); i++)
		bytes[i] = below(f, 2) ? draw(f) : below(f, 300);
	/* No doorbell to others: the numbers of RING and EVENTFD stay those of a call. */
	bytes[0] = (uint32_t)bytes[0] > UINT16_MAX ? bytes[0] : f->info.peer_id;
	ioctl(any_file(f), command, below(f, 8) ? (void *)bytes : (void *)draw(f));
}

static void ring(struct fuzz *f)
{
	struct ivshmem_doorbell_ring ring = { f->info.peer_id, (uint32_t)around(f, 256) };

	ioctl(any_file(f), IVSHMEM_DOORBELL_RING, &ring);
}

static void set_eventfd(struct fuzz *f)
{
	struct ivshmem_doorbell_eventfd set = {
		.vector = (uint32_t)around(f, f->info.vectors),
		.fd = below(f, 4) ? f->events[below(f, EVENTS)] : (int)around(f, 64),
	};

	ioctl(any_file(f), IVSHMEM_DOORBELL_EVENTFD, &set);
}

static void want(struct fuzz *f)
{
	struct ivshmem_doorbell_mask mask;

	for (int i = 0; i < 4; i++)
		mask.mask[i] = draw(f);
	ioctl(any_file(f), IVSHMEM_DOORBELL_WANT, &mask);
}

/* Its words are in the second half of the memory: the first is the server's. */
static struct ivshmem_doorbell_step step(struct fuzz *f)
{
	uint64_t half = f->info.memory_size / 2;
	struct ivshmem_doorbell_step step = { .what = (uint32_t)(1 + below(f, 5)) };

	if (step.what == IVSHMEM_DOORBELL_WILL_RING) {
		step.a = f->info.peer_id;
		step.b = below(f, 256);
		return step;
	}
	step.offset = half + (below(f, half) & ~UINT64_C(7));
	step.a = below(f, 2);
	step.b = draw(f);
	if (step.what == IVSHMEM_DOORBELL_WILL_RING_AT) {
		step.shift = (uint32_t)below(f, 49);
		step.b = half + (below(f, half) & ~UINT64_C(7));
	}
	return step;
}

static void set_will(struct fuzz *f)
{
	struct ivshmem_doorbell_step steps[STEPS];
	struct ivshmem_doorbell_will will = { (uintptr_t)steps, (uint32_t)below(f, STEPS + 1),
					      0 };

	for (int i = 0; i < STEPS; i++)
		steps[i] = step(f);
	switch (below(f, 8)) {
	case 0:
		steps[below(f, STEPS)].offset = around(f, f->info.memory_size / 2) |
						f->info.memory_size / 2;
		steps[0].what = (uint32_t)around(f, 6);
		steps[0].shift = (uint32_t)around(f, 49);
		break;
	case 1:
		will.count = (uint32_t)around(f, IVSHMEM_DOORBELL_WILL_MAX);
		will.steps = below(f, 2) ? draw(f) : will.steps;
		break;
	case 2:
		will.reserved = (uint32_t)draw(f);
		break;
	}
	/* What is behind these steps is no memory of ours: it must not be a step. */
	if (will.count > STEPS)
		will.steps = draw(f) | UINT64_C(1) << 63;
	ioctl(any_file(f), IVSHMEM_DOORBELL_WILL, &will);
}

static void ask(struct fuzz *f)
{
	struct ivshmem_doorbell_mask open;
	struct ivshmem_doorbell_info info;

	ioctl(any_file(f), IVSHMEM_DOORBELL_OPEN, below(f, 8) ? &open : NULL);
	ioctl(any_file(f), IVSHMEM_DOORBELL_INFO, below(f, 8) ? &info : NULL);
}

static void read_some(struct fuzz *f)
{
	uint32_t got[64];
	struct pollfd p = { .fd = any_file(f), .events = POLLIN };

	if (below(f, 2))
		poll(&p, 1, (int)below(f, 2));
	else
		(void)!read(any_file(f), below(f, 8) ? (void *)got : NULL,
			    below(f, sizeof(got)));
}

static void map(struct fuzz *f)
{
	static const int kinds[] = { MAP_SHARED, MAP_SHARED, MAP_SHARED, MAP_PRIVATE };
	struct range *r = &f->maps[below(f, MAPS)];
	int writable = below(f, 4) ? PROT_WRITE : 0;
	int populate = below(f, 4) ? 0 : MAP_POPULATE;
	uint64_t pages = f->info.memory_size / PAGE;

	if (r->at)
		munmap(r->at, r->size);
	r->size = (size_t)(1 + below(f, below(f, 2) ? pages + 1 : 16)) * PAGE;
	r->writable = writable;
	r->at = mmap(NULL, r->size, PROT_READ | writable, kinds[below(f, 4)] | populate,
		     any_file(f), (off_t)(around(f, pages + 1) * PAGE));
	if (r->at == MAP_FAILED)
		r->at = NULL;
}

/* Reads anywhere, and writes nothing but what was there. */
static void touch(struct fuzz *f)
{
	struct range *r = &f->maps[below(f, MAPS)];
	volatile char *at;

	if (!r->at)
		return;
	at = r->at + below(f, r->size / 4) * 4;
	if (r->writable && r->size > PAGE)
		__atomic_fetch_or((volatile uint32_t *)(uintptr_t)at, 0, __ATOMIC_RELAXED);
	else
		(void)*(volatile uint32_t *)(uintptr_t)at;
}

static void disturb_map(struct fuzz *f)
{
	struct range *r = &f->maps[below(f, MAPS)];
	size_t part = (size_t)(1 + below(f, 4)) * PAGE;

	if (!r->at || r->size <= part)
		return;
	switch (below(f, 4)) {
	case 0: /* cuts the end off */
		munmap(r->at + r->size - part, part);
		r->size -= part;
		break;
	case 1:
		(void)!mremap(r->at, r->size, r->size + part, MREMAP_MAYMOVE);
		break;
	case 2:
		if (mprotect(r->at, part, PROT_READ) == 0)
			r->writable = false;
		break;
	default:
		madvise(r->at, part, below(f, 2) ? MADV_DONTNEED : MADV_DONTFORK);
	}
}

/* A child with all the files and mappings, which touches some and goes. */
static void split(struct fuzz *f)
{
	pid_t child = fork();

	if (child == 0) {
		for (int i = 0; i < 4; i++)
			read_some(f);
		if (below(f, 2))
			kill(getpid(), SIGKILL);
		_exit(0);
	}
	if (child > 0)
		waitpid(child, NULL, 0);
}

static void (*const deeds[])(struct fuzz *f) = {
	reopen, reopen, call_anything, call_anything, ring, ring, ring, set_eventfd,
	set_eventfd, want, ask, set_will, set_will, read_some, read_some, map, map,
	touch, touch, touch, disturb_map, split,
};

/* ---- processes ------------------------------------------------------------------- */

static void work(struct fuzz *f)
{
	for (int i = 0; i < FILES; i++)
		f->files[i] = -1;
	for (int i = 0; i < EVENTS; i++)
		f->events[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	for (int i = 0; i < CALLS; i++)
		deeds[below(f, sizeof(deeds) / sizeof(*deeds))](f);
	_exit(0);
}

static pid_t start(struct fuzz *f)
{
	uint64_t seed = draw(f);
	pid_t child = fork();

	if (child < 0)
		die("fork");
	if (child == 0) {
		f->random = seed;
		work(f);
	}
	return child;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Keeps that many running, and kills some of them in the middle. */
static unsigned long run(struct fuzz *f, unsigned processes, double seconds)
{
	pid_t pids[64];
	double end = now() + seconds;
	unsigned long calls = 0;
	int status;

	for (unsigned i = 0; i < processes; i++)
		pids[i] = start(f);
	for (unsigned left = processes; left > 0;) {
		pid_t ended = wait(&status);

		if (WIFEXITED(status))
			calls += CALLS;
		else if (WTERMSIG(status) != SIGKILL)
			die("a process died of signal %d", WTERMSIG(status));
		for (unsigned i = 0; i < processes; i++) {
			if (pids[i] == ended)
				pids[i] = now() < end ? start(f) : -1;
			if (pids[i] < 0 && pids[i] != -2) {
				pids[i] = -2;
				left--;
			}
		}
		unsigned victim = (unsigned)below(f, processes);
		if (pids[victim] > 0 && below(f, 3) == 0)
			kill(pids[victim], SIGKILL);
	}
	return calls;
}

int main(int argc, char **argv)
{
	struct fuzz f = { 0 };
	struct client c;
	unsigned processes;

	if (argc != 5)
		return 2;
	c = client_open(argv[1]);
	f.device = argv[1];
	f.info = c.info;
	f.random = strtoull(argv[2], NULL, 0) * 2 + 1;
	processes = (unsigned)strtoul(argv[3], NULL, 0);
	if (processes < 1 || processes > 64)
		return 2;
	close(c.fd);
	printf("done %lu\n", run(&f, processes, strtod(argv[4], NULL)));
	return 0;
}
