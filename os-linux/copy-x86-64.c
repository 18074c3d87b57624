/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copying, and memory that will be written, on x86-64. Where QEMU emulates the CPU (TCG), which it says by CPUID, the
 * string instructions that the C library takes for long copies go byte by byte, and
 * words are several times as fast.
 */
#include "os.h"

#include <cpuid.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#define CPUID_HYPERVISOR 0x40000000u
#define HYPERVISOR_BIT (1u << 31) /* of ECX of leaf 1 */

static bool is_emulated(void)
{
	unsigned a, b, c, d;
	char name[13] = "";

	if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & HYPERVISOR_BIT))
		return false;
	__cpuid(CPUID_HYPERVISOR, a, b, c, d);
	memcpy(name, &b, 4);
	memcpy(name + 4, &c, 4);
	memcpy(name + 8, &d, 4);
	return strcmp(name, "TCGTCGTCGTCG") == 0;
}

/* CPUID leaves a virtual machine and comes back: asked once. */
static bool words_are_fast(void)
{
	static atomic_int known; /* 0: not yet, else 1 + the answer */
	int k = atomic_load_explicit(&known, memory_order_relaxed);

	if (k == 0) {
		k = 1 + is_emulated();
		atomic_store_explicit(&known, k, memory_order_relaxed);
	}
	return k == 2;
}

static inline uint64_t load(const unsigned char *from)
{
	uint64_t w;

	memcpy(&w, from, sizeof(w));
	/* Else the compiler makes vectors of them, or a memcpy(). */
	__asm__ volatile("" : "+r"(w));
	return w;
}

static inline void store(unsigned char *to, uint64_t w)
{
	memcpy(to, &w, sizeof(w));
}

/*
 * A turn of a loop costs an emulated CPU more than what is in it. All loads come
 * before all stores: their pages may take each other's place in its TLB.
 */
static void copy_words(unsigned char *to, const unsigned char *from, size_t len)
{
	for (; len >= 64; len -= 64, to += 64, from += 64) {
		uint64_t a = load(from), b = load(from + 8), c = load(from + 16);
		uint64_t d = load(from + 24), e = load(from + 32), f = load(from + 40);
		uint64_t g = load(from + 48), h = load(from + 56);

		store(to, a);
		store(to + 8, b);
		store(to + 16, c);
		store(to + 24, d);
		store(to + 32, e);
		store(to + 40, f);
		store(to + 48, g);
		store(to + 56, h);
	}
	memcpy(to, from, len);
}

/* Whole lines are taken without a look at what is in them; stores of words ask for it. */
void os_claim(void *at, size_t len)
{
	if (!words_are_fast())
		__asm__ volatile("rep stosb" : "+D"(at), "+c"(len) : "a"(0) : "memory");
}

void os_copy(void *restrict to, const void *restrict from, size_t len)
{
	if (words_are_fast())
		copy_words(to, from, len);
	else
		memcpy(to, from, len);
}
