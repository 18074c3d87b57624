/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * command-line.h - arguments as one line of Windows: pure, tested anywhere
 */
#ifndef CLI_COMMAND_LINE_H
#define CLI_COMMAND_LINE_H

/*
 * A line of which CommandLineToArgvW(), and the C library of a program, make argv
 * again; for the caller to free. NULL: out of memory.
 */
char *command_line(char *const argv[]);

#endif
