/* SPDX-License-Identifier: BSD-2-Clause */
#define _GNU_SOURCE /* memfd_create, struct mmsghdr */

#include "state.h"

#include "atomic.h"
#include "error.h"
#include "fd.h"
#include "log.h"
#include "peers.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC UINT64_C(0x6574617473676e72) /* "rngstate" */
#define VERSION 2u
#define LOG_ROOM 256u
#define ALIGN 64u
#define MAPPED ((size_t)1 << 29) /* more than any state; the file is shorter */

/* At the memory's begin. */
struct head {
	uint64_t magic;
	uint32_t version;
	uint32_t entry_size; /* of the kernel's struct in the log */
	shm_u64 commit;      /* offset of the snapshot in place; 0: there is none */
	uint64_t left[PEERS_IDS];
};

/* Before each snapshot. */
struct frame {
	uint64_t size;       /* bytes of the snapshot */
	shm_u32 log_count;   /* entries that may have been sent */
	uint32_t log_id[LOG_ROOM];
	struct mmsghdr log[LOG_ROOM];
};

#define BODY ((sizeof(struct frame) + ALIGN - 1) / ALIGN * ALIGN)
#define FIRST ((sizeof(struct head) + ALIGN - 1) / ALIGN * ALIGN)

struct state {
	int fd;
	unsigned char *map;
	size_t size;      /* of the file; all of MAPPED is mapped, so it never moves */
	size_t begun;     /* offset of the frame being written */
	bool changed;
	bool failing;     /* was told */
	state_save_fn *save;
	void *arg;
	unsigned logging; /* entries of the send under way */
	/* Where messages go that cannot be logged. */
	struct mmsghdr spare[1];
};

static struct head *head(const struct state *st)
{
	return (struct head *)st->map;
}

static struct frame *frame(const struct state *st)
{
	size_t at = (size_t)shm_acquire(&head(st)->commit);

	return at ? (struct frame *)(st->map + at) : NULL;
}

static int failed(const char *call)
{
	int err = errno;

	return error_detail(from_errno(err), "state: %s: %s", call, strerror(err));
}

static int map(struct state *st, size_t size)
{
	void *at = mmap(NULL, MAPPED, PROT_READ | PROT_WRITE, MAP_SHARED, st->fd, 0);

	if (at == MAP_FAILED)
		return failed("mmap");
	st->map = at;
	st->size = size;
	return 0;
}

static int create(struct state *st)
{
	int rc;

	st->fd = memfd_create("bellring-state", MFD_CLOEXEC);
	if (st->fd < 0)
		return failed("memfd_create");
	if (ftruncate(st->fd, FIRST) < 0)
		return failed("ftruncate");
	rc = map(st, FIRST);
	if (rc < 0)
		return rc;
	*head(st) = (struct head){ .magic = MAGIC, .version = VERSION,
				   .entry_size = sizeof(struct mmsghdr) };
	return 0;
}

static struct state *alloc(void)
{
	struct state *st = calloc(1, sizeof(*st));

	if (st) {
		st->fd = -1;
		st->changed = true;
	} else {
		error_detail(BELL_ENOMEM, "state: out of memory");
	}
	return st;
}

int state_new(struct state **out)
{
	struct state *st = alloc();
	int rc;

	if (!st)
		return -BELL_ENOMEM;
	rc = create(st);
	if (rc < 0)
		state_free(st);
	else
		*out = st;
	return rc;
}

/* Our own former self wrote it; but it may have been of another version. */
static int check(const struct state *st)
{
	const struct head *h = head(st);
	uint64_t at = shm_acquire(&head(st)->commit);
	const struct frame *f;

	if (h->magic != MAGIC)
		return error_detail(BELL_ECORRUPT, "state: it is not one");
	if (h->version != VERSION || h->entry_size != sizeof(struct mmsghdr))
		return error_detail(BELL_EVERSION,
				    "state: of version %u, this is version %u",
				    h->version, VERSION);
	if (at == 0)
		return 0;
	if (at % ALIGN != 0 || at < FIRST || at > st->size ||
	    st->size - at < BODY)
		return error_detail(BELL_ECORRUPT, "state: snapshot out of bounds");
	f = frame(st);
	if (f->size > st->size - at - BODY ||
	    shm_acquire(&frame(st)->log_count) > LOG_ROOM)
		return error_detail(BELL_ECORRUPT, "state: snapshot out of bounds");
	return 0;
}

static int adopt(struct state *st, int fd)
{
	struct stat s;
	int rc;

	if (fstat(fd, &s) < 0)
		return failed("fstat");
	if (s.st_size < (off_t)FIRST)
		return error_detail(BELL_ECORRUPT, "state: it is not one");
	st->fd = fd;
	rc = map(st, (size_t)s.st_size);
	if (rc == 0)
		rc = check(st);
	if (rc < 0)
		st->fd = -1;
	return rc;
}

int state_adopt(int *fd, struct state **out)
{
	struct state *st = alloc();
	int rc;

	if (!st)
		return -BELL_ENOMEM;
	rc = adopt(st, *fd);
	if (rc < 0) {
		state_free(st);
		return rc;
	}
	*fd = -1;
	*out = st;
	return 0;
}

void state_free(struct state *st)
{
	if (!st)
		return;
	if (st->map)
		munmap(st->map, MAPPED);
	fd_close(&st->fd);
	free(st);
}

int state_fd(const struct state *st)
{
	return st->fd;
}

uint64_t *state_left(const struct state *st)
{
	return head(st)->left;
}

void state_on_save(struct state *st, state_save_fn *save, void *arg)
{
	st->save = save;
	st->arg = arg;
}

void state_change(struct state *st)
{
	st->changed = true;
}

int state_save(struct state *st)
{
	int rc;

	if (!st->changed)
		return 0;
	rc = st->save ? st->save(st->arg) : 0;
	if (rc == 0) {
		st->changed = false;
		st->failing = false;
		return 0;
	}
	/* Better nothing than something old. */
	shm_release(&head(st)->commit, 0);
	if (!st->failing)
		log_error("%s; until that is over a restart would lose all peers",
			  bell_detail());
	st->failing = true;
	return rc;
}

static int grow(struct state *st, size_t size)
{
	/* By more than is needed, as it goes on. */
	size += size / 2;
	if (size > MAPPED)
		return error_detail(BELL_ENOMEM, "state: larger than %zu bytes",
				    MAPPED);
	if (ftruncate(st->fd, (off_t)size) < 0)
		return failed("ftruncate");
	st->size = size;
	return 0;
}

/* Before the one in place if it fits there, else behind it. */
static size_t find_room(const struct state *st, size_t need)
{
	size_t at = (size_t)shm_acquire(&head(st)->commit);
	const struct frame *f = frame(st);

	if (!f || FIRST + need <= at)
		return FIRST;
	return (at + BODY + (size_t)f->size + ALIGN - 1) / ALIGN * ALIGN;
}

void *state_begin(struct state *st, size_t size)
{
	size_t need = BODY + size, at = find_room(st, need);
	struct frame *f;

	if (at + need > st->size && grow(st, at + need) < 0)
		return NULL;
	f = (struct frame *)(st->map + at);
	f->size = size;
	shm_set(&f->log_count, 0);
	st->begun = at;
	return st->map + at + BODY;
}

void state_commit(struct state *st)
{
	shm_release(&head(st)->commit, st->begun);
}

struct mmsghdr *state_sending(struct state *st, uint32_t id, unsigned wanted,
			      unsigned *got)
{
	struct frame *f = frame(st);
	uint32_t count = f ? shm_peek(&f->log_count) : 0;

	if (count == LOG_ROOM)
		state_change(st);
	state_save(st);
	f = frame(st);
	if (!f) {
		*got = st->logging = 1;
		return st->spare;
	}
	count = shm_peek(&f->log_count);
	*got = wanted < LOG_ROOM - count ? wanted : LOG_ROOM - count;
	st->logging = *got;
	for (unsigned i = 0; i < *got; i++) {
		f->log_id[count + i] = id;
		f->log[count + i].msg_len = 0;
	}
	shm_release(&f->log_count, count + *got);
	return &f->log[count];
}

void state_sent(struct state *st, unsigned sent)
{
	struct frame *f = frame(st);

	if (f)
		shm_release(&f->log_count,
			    shm_peek(&f->log_count) - (st->logging - sent));
	st->logging = 0;
}

const void *state_snapshot(const struct state *st, size_t *size)
{
	const struct frame *f = frame(st);

	if (!f)
		return NULL;
	*size = (size_t)f->size;
	return (const unsigned char *)f + BODY;
}

void state_each_sent(const struct state *st, void (*fn)(void *arg, uint32_t id),
		     void *arg)
{
	struct frame *f = frame(st);
	uint32_t count = f ? shm_acquire(&f->log_count) : 0;

	for (uint32_t i = 0; i < count; i++)
		if (f->log[i].msg_len > 0)
			fn(arg, f->log_id[i]);
}
