/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * os.h - the little that the core asks of an operating system
 *
 * Implemented once a system (os-linux/os.c, guest-win/os.c), chosen in the
 * makefile, so that the core includes no system header.
 */
#ifndef BELL_OS_H
#define BELL_OS_H

#include <stddef.h>
#include <stdint.h>

/* Monotonic clock, nanoseconds. */
uint64_t os_now_ns(void);
/* 64 unpredictable bits. */
uint64_t os_random(void);
/* Lets another thread of this core run, if one wants to. */
void os_yield(void);
/* Sleeps about that long; only for take-over of a formatter that died. */
void os_sleep_ms(unsigned ms);
/* This process's id. */
uint32_t os_pid(void);
/*
 * memcpy() of many bytes, say a page or more: the way that is fast on this CPU. Where
 * it is emulated, that is not the C library's.
 */
void os_copy(void *restrict to, const void *restrict from, size_t len);
/*
 * Bytes that are about to be written one after the other and that another core has in
 * its cache: zeroes them where that takes all lines at once and is cheaper than to ask
 * for each one with the bytes that nobody wants. May do nothing.
 */
void os_claim(void *at, size_t len);
/* Puts this machine's name into buf, always terminated; "" if unknown. */
void os_hostname(char *buf, size_t size);

#endif
