/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sanitized.h - whether a sanitizer's code is in this program, by gcc or clang
 */
#ifndef BELL_SANITIZED_H
#define BELL_SANITIZED_H

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

#endif
