/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * session.h - the peer and the bus that a command works with
 */
#ifndef CLI_SESSION_H
#define CLI_SESSION_H

#include "bellring.h"

#include <stdbool.h>

/* The options before the command, and what was opened by them. */
struct session {
	const char *address; /* NULL: BELLRING_ADDRESS */
	const char *name;    /* NULL: the library's default */
	int wait;            /* enum bell_wait_mode */
	int timeout_ms;      /* -1: for ever */
	bool json;
	bool verbose;
	bool version;           /* --version was there */
	const char *command;    /* its name, for messages */
	struct bell_peer *peer; /* owned */
	struct bell_bus *bus;   /* owned */
};

/* Opens the peer. CLI_DONE, or told and another enum cli_exit. */
int session_open(struct session *s);
/* Opens the peer and joins the bus; from then on tells of a lost server. */
int session_join(struct session *s);
/* "server is gone" and what that means, on stderr. */
void session_say_server_gone(const struct session *s);
/* A transfer's end is worth a line: on a terminal, or by --verbose. */
bool session_reports(const struct session *s);
/* Leaves and closes what is open. */
void session_close(struct session *s);

/* The address: -a or BELLRING_ADDRESS; "no address" without both. */
const char *session_address(const struct session *s);

/* Id of a peer given by id or name; told and CLI_ABSENT if it is not there. */
int session_find(struct session *s, const char *peer, uint32_t *id);
/* The same on the bus, waiting up to wait_ms (-1: for ever) until it is there. */
int session_await(struct session *s, const char *peer, int wait_ms, uint32_t *id);

/* All peers, *list for the caller to free; the count, or a library's code. */
int session_peers(struct session *s, struct bell_peer_info **list);
/* What the directory says of one; false if it is not in there. */
bool session_peer_info(struct session *s, uint32_t id,
		       struct bell_peer_info *info);
/* An id as people read it, until the end of the block. */
#define SESSION_ID(id) bell_id_text(id, (char[BELL_ID_TEXT]){ 0 })
/* "web-1 (id 3)", or "id 3" if it has no name; returns buf. */
#define SESSION_LABEL (BELL_NAME_MAX + 32)
const char *session_label(struct session *s, uint32_t id,
			  char buf[SESSION_LABEL]);

/*
 * Looks for a message without going to sleep for longer than a moment, but
 * spins as the wait mode says. Returns like bell_recv(); after -BELL_EAGAIN
 * session_sleep() waits for news.
 */
int64_t session_look(struct session *s, void *buf, size_t size,
		     struct bell_envelope *env, int left_ms);
/* The same with bell_recv_piece(). */
int64_t session_look_piece(struct session *s, void *buf, size_t size,
			   struct bell_envelope *env, int left_ms);
/*
 * Sleeps until there is news, a signal, or left_ms are over, and dispatches.
 * 0 or a library's code. In poll mode it returns at once.
 */
int session_sleep(struct session *s, int left_ms);
/*
 * For a bus that waits for something else than messages: begin arms it, then
 * look at what is waited for, then session_news() sleeps until there is news (a
 * join, a ping), a signal, or left_ms are over, and arms it again. Messages that
 * come are dropped: one that nobody takes would keep the bus from being told.
 * All return 0 or a library's code.
 */
int session_news_begin(struct session *s);
int session_news(struct session *s, int left_ms);
void session_news_end(struct session *s);
/* bell_dispatch(), past links that were found broken; 0 or a library's code. */
int session_dispatch(struct session *s);

/*
 * session_look() and session_sleep(): bell_recv() that ends with -BELL_EAGAIN
 * also once sys_stopped().
 */
int64_t session_recv(struct session *s, void *buf, size_t size,
		     struct bell_envelope *env, int timeout_ms);
/* Wait for space in slices, so that a signal ends it (-BELL_EAGAIN). */
int session_post(struct session *s, const struct bell_envelope *env,
		 const void *data, size_t len, int timeout_ms);
/* All of data: 0, or as bell_continue(). */
int session_continue(struct bell_outgoing *out, const void *data, size_t len,
		     int timeout_ms);
int session_finish(struct bell_outgoing *out, uint64_t check, int timeout_ms);

#endif
