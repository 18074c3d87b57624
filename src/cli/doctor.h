/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * doctor.h - what a check of `bellring doctor` is
 *
 * A check looks at one thing and says in a line, or some, how it is: by
 * doctor_tell(), with doctor_try() before it where a command would help. Checks
 * that look at an operating system are in files of its own; doctor_tables[],
 * chosen in the makefile, has all of a system in the order in which they run.
 */
#ifndef CLI_DOCTOR_H
#define CLI_DOCTOR_H

#include "bellring.h"
#include "format.h"

#include <stdbool.h>
#include <stddef.h>

#define DOCTOR_TEXT 768     /* longest text of a line, with the NUL; more is cut */
#define DOCTOR_DEVICE 64
#define DOCTOR_CONNECTED 1024

enum doctor_result {
	DOCTOR_OK = 0,
	DOCTOR_WARNING = 1, /* it works, but badly, or not for long */
	DOCTOR_FAILURE = 2,
	DOCTOR_SKIPPED = 3 /* could not be looked at; the text says why */
};
#define DOCTOR_RESULTS 4

/* What the address is of; a check names those that it is for. */
enum doctor_side {
	DOCTOR_HOST = 1,  /* unix:PATH */
	DOCTOR_GUEST = 2, /* pci: */
	DOCTOR_FILE = 4,  /* file:PATH */
	DOCTOR_ALL = 7
};

struct doctor_line {
	const char *check;
	enum doctor_result result;
	const char *what;
	const char *remedy; /* a command to type; "" if there is none */
};

struct doctor {
	const char *root;    /* before /proc, /sys, /etc ...; "" but in tests */
	const char *address; /* "unix:...", "pci:...", "file:..." */
	enum doctor_side side;
	int timeout_ms;      /* of opening; -1: the library's default */
	void (*line)(void *arg, const struct doctor_line *line);
	void *arg;

	/* What checks leave for later ones. */
	struct bell_peer *peer;     /* owned; NULL: it could not be opened */
	char device[DOCTOR_DEVICE]; /* the guest's, "0000:00:03.0"; "": none found */
	bool connected_known;       /* pids of the server's peers: */
	long connected[DOCTOR_CONNECTED];
	size_t connected_count;

	/* doctor.c's own. */
	const char *check;
	char remedy[DOCTOR_TEXT], word[DOCTOR_TEXT];
	unsigned count[DOCTOR_RESULTS];
};

struct doctor_check {
	const char *name;
	unsigned sides;  /* of enum doctor_side */
	bool needs_peer; /* skipped without */
	void (*run)(struct doctor *d);
};

/* Each ends with a check without a name; the list ends with NULL. */
extern const struct doctor_check *const doctor_tables[];

/* "ok", "warning", "failure", "skipped"; static. */
const char *doctor_result_name(enum doctor_result result);

/* The command that goes with the next doctor_tell(). */
void doctor_try(struct doctor *d, const char *fmt, ...)
	CLI_PRINTF(2, 3);
/* A line of the check that runs. Bytes that are not printable become '?'. */
void doctor_tell(struct doctor *d, enum doctor_result result, const char *fmt, ...)
	CLI_PRINTF(3, 4);

/* Runs all checks for the side of d->address, or only the one of that name. */
void doctor_run(struct doctor *d, const char *only);
/* Closes what the checks opened. */
void doctor_done(struct doctor *d);

/* The side of an address; 0 if it is none that a doctor knows. */
enum doctor_side doctor_side_of(const char *address);
/* What follows the colon of the address. */
const char *doctor_place(const struct doctor *d);
/* The same as a word for a shell; valid until the next call. */
const char *doctor_word(struct doctor *d);

/*
 * What to look at if nobody said it: a device of this machine, else a server's
 * socket. Puts an address into out; false if there is no place for one, told as
 * a line. Implemented once a system.
 */
bool doctor_find(struct doctor *d, char *out, size_t size);

#endif
