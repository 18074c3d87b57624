/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * conffile.h - the configuration file: a line a setting
 *
 *     # comment
 *     key = value
 */
#ifndef BELL_CONFFILE_H
#define BELL_CONFFILE_H

#include "settings.h"

#define CONFFILE_MAX 65536   /* bytes of a file */
#define CONFFILE_LINE 4096   /* bytes of a line */

/* One error: what is wrong in that line. text is valid until it returns. */
typedef void conffile_tell_fn(void *arg, unsigned line, const char *text);

/*
 * Sets what the text says, except what the command line has set: that is only
 * looked at. Each error is told and the rest read nevertheless. Returns how many
 * errors there were.
 */
size_t conffile_parse(struct options *o, const char *text, size_t len,
		      conffile_tell_fn *tell, void *arg);

/*
 * The same with a file. Its path may begin with "-": then it need not exist.
 * Errors go to the log as "PATH:LINE: ...". True if there was none.
 */
bool conffile_read(struct options *o, const char *path);

#endif
