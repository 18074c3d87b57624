/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * format.h - functions whose arguments the compiler checks as those of printf()
 */
#ifndef CLI_FORMAT_H
#define CLI_FORMAT_H

/* printf alone means Microsoft's to MinGW, which has no %zu. */
#if defined(__MINGW32__)
#define CLI_PRINTF(fmt, args) __attribute__((format(gnu_printf, fmt, args)))
#else
#define CLI_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#endif

#endif
