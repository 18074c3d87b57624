/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Is the shared memory as fast as this machine's own? A mapping that is not
 * cached is ten to a hundred times slower, and nothing tells so but the time.
 */
#include "doctor-parts.h"
#include "sys.h"

#include <stdlib.h>
#include <string.h>

#define SAMPLE (4u << 20) /* bytes; pages of the memory that nobody used get made */
#define PAGE 4096u
#define APART (5 * PAGE)
#define ROUNDS 8
#define ENOUGH_NS UINT64_C(400000000) /* an uncached round takes some 100 ms */
#define SLOW 0.3

size_t doctor_power_of_two(size_t size)
{
	size_t power = 4096;

	while (power < size && power * 2 > power)
		power *= 2;
	return power;
}

/* Volatile: a copy that nobody reads would be left out. */
static void *(*volatile const copy)(void *to, const void *from, size_t size) = memcpy;

static uint64_t copy_ns(void *to, const void *from, size_t size)
{
	uint64_t begin = sys_now_ns();

	copy(to, from, size);
	return sys_now_ns() - begin;
}

/*
 * Best of some rounds that take turns: what disturbs one, disturbs the other. The
 * copies' ends are not a power of two apart, where caches and an emulation's TLB
 * are at their worst.
 */
static void measure(const void *shared, char *own, size_t size, uint64_t best[2])
{
	uint64_t end = sys_now_ns() + ENOUGH_NS, t;
	int i;

	best[0] = best[1] = UINT64_MAX;
	for (i = 0; i < ROUNDS && (i < 2 || sys_now_ns() < end); i++) {
		t = copy_ns(own, shared, size);
		best[0] = t < best[0] ? t : best[0];
		t = copy_ns(own, own + size + APART, size);
		best[1] = t < best[1] ? t : best[1];
	}
}

void doctor_tell_speed(struct doctor *d, double shared, double own)
{
	double ratio = own > 0 ? shared / own : 1;

	if (ratio >= SLOW) {
		doctor_tell(d, DOCTOR_OK, "reads %.1f GB/s, %.2f of this machine's own memory",
			    shared, ratio);
		return;
	}
	if (d->side == DOCTOR_GUEST)
		doctor_try_guest(d, DOCTOR_UNCACHED);
	else
		doctor_try(d, "numactl --hardware; free -m");
	doctor_tell(d, DOCTOR_WARNING, "reads %.2f GB/s, only %.2f of this machine's own "
		    "memory%s", shared, ratio,
		    d->side == DOCTOR_GUEST ? ": it is mapped without the cache" : "");
}

void doctor_check_speed(struct doctor *d)
{
	size_t size, room;
	const void *shared = bell_memory(d->peer, &size);
	uint64_t best[2];
	char *own;

	if (size > SAMPLE)
		size = SAMPLE;
	room = 2 * size + APART + PAGE;
	own = malloc(room);
	if (!own) {
		doctor_tell(d, DOCTOR_SKIPPED, "out of memory");
		return;
	}
	memset(own, 1, room);
	/* As the shared memory is: at the start of a page. */
	measure(shared, own + (PAGE - (uintptr_t)own % PAGE), size, best);
	free(own);
	doctor_tell_speed(d, (double)size / (double)best[0],
			  (double)size / (double)best[1]);
}
