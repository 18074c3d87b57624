/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * atomic.h - shared words, and the only place that names memory orders
 *
 * Every word that another machine may write is one of these types and is
 * touched only through these functions: a plain load of a shared word is a bug.
 */
#ifndef BELL_ATOMIC_H
#define BELL_ATOMIC_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

typedef _Atomic uint16_t shm_u16;
typedef _Atomic uint32_t shm_u32;
typedef _Atomic uint64_t shm_u64;

/* Between machines there is no lock to fall back to. */
_Static_assert(ATOMIC_SHORT_LOCK_FREE == 2, "shared words must be lock free");
_Static_assert(ATOMIC_INT_LOCK_FREE == 2, "shared words must be lock free");
_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "shared words must be lock free");

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the layout is little-endian; this machine is not"
#endif

/* Relaxed load: for values that something else orders, or that are a hint. */
#define shm_peek(p) atomic_load_explicit((p), memory_order_relaxed)
/* Relaxed store: published by a later release or fence. */
#define shm_set(p, v) atomic_store_explicit((p), (v), memory_order_relaxed)
/* Load that sees all that was stored before the matching shm_release(). */
#define shm_acquire(p) atomic_load_explicit((p), memory_order_acquire)
/* Store that publishes everything stored before it. */
#define shm_release(p, v) atomic_store_explicit((p), (v), memory_order_release)

/* The read-modify-writes are full barriers: words of state are changed rarely. */
static inline bool shm_cas(shm_u64 *p, uint64_t old, uint64_t new)
{
	return atomic_compare_exchange_strong_explicit(
		p, &old, new, memory_order_seq_cst, memory_order_seq_cst);
}

static inline uint64_t shm_fetch_or(shm_u64 *p, uint64_t bits)
{
	return atomic_fetch_or_explicit(p, bits, memory_order_seq_cst);
}

static inline uint64_t shm_exchange(shm_u64 *p, uint64_t v)
{
	return atomic_exchange_explicit(p, v, memory_order_seq_cst);
}

/* Between two loads: the second is not older than the first. */
static inline void shm_fence_loads(void)
{
	atomic_thread_fence(memory_order_acquire);
}

/*
 * The two halves of every wake-up: store, full fence, load. The stress test is
 * built once with each half weakened to a compiler fence (BELL_WEAKEN_WRITER,
 * BELL_WEAKEN_SLEEPER) to show that it then loses a wake-up.
 */
static inline void shm_fence_writer(void)
{
#ifdef BELL_WEAKEN_WRITER
	atomic_signal_fence(memory_order_seq_cst);
#else
	atomic_thread_fence(memory_order_seq_cst);
#endif
}

static inline void shm_fence_sleeper(void)
{
#ifdef BELL_WEAKEN_SLEEPER
	atomic_signal_fence(memory_order_seq_cst);
#else
	atomic_thread_fence(memory_order_seq_cst);
#endif
}

/* Part of a path of which every instruction counts. */
#if defined(__GNUC__)
#define ALWAYS_INLINE __attribute__((always_inline)) inline
#define NEVER_INLINE __attribute__((noinline))
#else
#define ALWAYS_INLINE inline
#define NEVER_INLINE
#endif

/* Number of the lowest bit that is set; there is one. */
static inline unsigned lowest_bit(uint64_t word)
{
#if defined(__GNUC__)
	return (unsigned)__builtin_ctzll(word);
#else
	unsigned bit = 0;

	while (!(word >> bit & 1))
		bit++;
	return bit;
#endif
}

/* Asks for a line that will be written. A hint; the address need not be mapped. */
static inline void cpu_prefetch_write(const void *at)
{
#if defined(__x86_64__)
	/* The compiler's own asks for the line to read, unless told of the CPU. */
	__asm__ volatile("prefetchw %0" : : "m"(*(const char *)at));
#elif defined(__GNUC__)
	__builtin_prefetch(at, 1);
#endif
}

/* In a loop that polls a shared word. */
static inline void cpu_relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

#endif
