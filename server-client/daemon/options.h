/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * options.h - the command line of bellring-server, and the file that it names
 */
#ifndef BELL_OPTIONS_H
#define BELL_OPTIONS_H

#include "settings.h"

enum options_result { OPTIONS_RUN, OPTIONS_EXIT, OPTIONS_WRONG };

/*
 * Reads the command line, then the configuration file, and looks whether such a
 * server could be (server_check()).
 *
 * OPTIONS_RUN: *out is the caller's, who ends it by options_done().
 * OPTIONS_EXIT: what was asked for is on stdout: help, version, or by --check
 * and --verbose the settings; --check says on stderr that they are valid.
 * OPTIONS_WRONG: said why on stderr.
 */
enum options_result options_read(int argc, char **argv, struct options *out);

#endif
