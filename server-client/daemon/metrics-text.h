/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * metrics-text.h - the server's state in Prometheus' text format, version 0.0.4
 *
 * Nothing a peer: each id would make series of its own, and there are 65,536.
 */
#ifndef BELL_METRICS_TEXT_H
#define BELL_METRICS_TEXT_H

struct evbuffer;
struct server;

/* Adds it to out; 0, or -BELL_ENOMEM, and then it is not whole. */
int metrics_text(struct server *server, struct evbuffer *out);

#endif
