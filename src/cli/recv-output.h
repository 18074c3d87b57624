/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * recv-output.h - where bellring recv puts messages: bytes, lines or JSON
 */
#ifndef CLI_RECV_OUTPUT_H
#define CLI_RECV_OUTPUT_H

#include "inbox.h"
#include "session.h"

struct recv_config {
	struct session *s; /* borrowed */
	const char *file;  /* borrowed; NULL: stdout */
	bool lines;        /* a newline behind each message */
};

struct recv_output;

/* Opens the file and gives the sink for it. CLI_DONE, or told and CLI_FAILED. */
int recv_output_new(const struct recv_config *config, struct recv_output **out,
		    struct inbox_sink *sink);
/* Closes. Returns rc, but CLI_FAILED if rc is CLI_DONE and something failed. */
int recv_output_free(struct recv_output *out, int rc);

/* What was passed on so far can be seen by others. CLI_DONE, or told. */
int recv_output_flush(struct recv_output *out);

/* Bytes that were passed on, of all messages. */
uint64_t recv_output_bytes(const struct recv_output *out);

#endif
