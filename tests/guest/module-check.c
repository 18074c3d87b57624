/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * module-check.c - what the kernel module promises to one machine's processes
 *
 *   module-check DEVICE
 *
 * Rings its own device, so it needs no peer. Prints "ok NAME" for each case, ends at
 * the first that fails with what went wrong and status 1. The word at the end of the
 * memory and those 4 KiB before it are its own.
 */
#include "module-client.h"

static const char *device;

#define need(condition) \
	do { \
		if (!(condition)) \
			die("line %d: %s", __LINE__, #condition); \
	} while (0)

#define fails(call, error) need((call) < 0 && errno == (error))

static void ring_self(const struct client *c, uint32_t vector)
{
	need(client_ring(c, c->info.peer_id, vector) == 0);
}

static uint64_t count_of(int fd)
{
	uint64_t count = 0;

	need(told(fd, 10000) == POLLIN);
	need(read(fd, &count, sizeof(count)) == sizeof(count));
	return count;
}

/* An interrupt of the last vector has come: those before it have come, too. */
static void settle(const struct client *c)
{
	struct client own = client_open(device);
	int fd = client_listen(&own, c->info.vectors - 1);

	ring_self(c, c->info.vectors - 1);
	count_of(fd);
	close(fd);
	close(own.fd);
}

/* ---- cases ---------------------------------------------------------------------- */

static void wrong_calls_are_refused(void)
{
	struct client c = client_open(device);
	void *volatile nowhere = (void *)8;
	uint32_t none[2] = { 0 };
	int pipes[2];

	fails(ioctl(c.fd, _IO(IVSHMEM_DOORBELL_IOC, 99), 0), ENOTTY);
	fails(ioctl(c.fd, IVSHMEM_DOORBELL_INFO, 8), EFAULT);
	fails(ioctl(c.fd, IVSHMEM_DOORBELL_RING, 8), EFAULT);
	fails(ioctl(c.fd, IVSHMEM_DOORBELL_EVENTFD, 8), EFAULT);
	fails(ioctl(c.fd, IVSHMEM_DOORBELL_WANT, 8), EFAULT);
	fails(ioctl(c.fd, IVSHMEM_DOORBELL_WILL, 8), EFAULT);
	fails(client_ring(&c, 65536, 0), EINVAL);
	fails(client_ring(&c, 0, 256), EINVAL);
	fails(client_eventfd(&c, c.info.vectors, -1), EINVAL);
	fails(client_eventfd(&c, UINT32_MAX, -1), EINVAL);
	fails(client_eventfd(&c, 0, 12345), EBADF);
	fails(client_eventfd(&c, 0, -2), EBADF);
	need(pipe(pipes) == 0);
	fails(client_eventfd(&c, 0, pipes[0]), EINVAL);
	fails(read(c.fd, none, 3), EINVAL);
	fails(lseek(c.fd, 0, SEEK_SET), ESPIPE);
	fails(write(c.fd, none, 4), EINVAL);
	need(fcntl(c.fd, F_SETFL, O_NONBLOCK) == 0);
	fails(read(c.fd, none, sizeof(none)), EAGAIN);
	ring_self(&c, 0);
	need(told(c.fd, 10000) == POLLIN);
	fails(read(c.fd, nowhere, sizeof(none)), EFAULT);
	need(read(c.fd, none, sizeof(none)) == sizeof(*none)); /* it was not lost */
	close(pipes[0]);
	close(pipes[1]);
	close(c.fd);
}

static void wrong_mappings_are_refused(void)
{
	struct client c = client_open(device);
	off_t size = (off_t)c.info.memory_size;
	size_t page = PAGE;
	int rw = PROT_READ | PROT_WRITE;
	char *at;

	need(mmap(NULL, page, rw, MAP_PRIVATE, c.fd, 0) == MAP_FAILED && errno == EINVAL);
	need(mmap(NULL, 2 * page, rw, MAP_SHARED, c.fd, size - (off_t)page) == MAP_FAILED);
	need(mmap(NULL, c.info.memory_size + page, rw, MAP_SHARED, c.fd, 0) == MAP_FAILED);
	need(mmap(NULL, page, rw, MAP_SHARED, c.fd, size + (off_t)page) == MAP_FAILED);
	need(mmap(NULL, page, rw, MAP_SHARED, c.fd, INT64_MAX - (off_t)page + 1) ==
	     MAP_FAILED);
	at = mmap(NULL, page, rw, MAP_SHARED, c.fd, size - (off_t)page);
	need(at != MAP_FAILED);
	need(mremap(at, page, 2 * page, MREMAP_MAYMOVE) == MAP_FAILED);
	memset(at, 0, page);
	need(munmap(at, page) == 0);
	close(c.fd);
}

/* Half of a mapping, and a moved one, still show the right bytes. */
static void mappings_can_be_cut_and_moved(void)
{
	struct client c = client_open(device);
	char *half, *moved;
	size_t middle = c.info.memory_size / 2;

	client_map(&c);
	*client_word(&c, c.info.memory_size - 8) = 4711;
	half = c.memory + middle;
	need(munmap(c.memory, middle) == 0);
	moved = mmap(NULL, middle, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	need(moved != MAP_FAILED);
	need(mremap(half, middle, middle, MREMAP_MAYMOVE | MREMAP_FIXED, moved) == moved);
	need(*(volatile uint64_t *)(void *)(moved + middle - 8) == 4711);
	need(mprotect(moved, middle, PROT_READ) == 0);
	need(*(volatile uint64_t *)(void *)(moved + middle - 8) == 4711);
	munmap(moved, middle);
	close(c.fd);
}

static void a_file_for_reading_changes_nothing(void)
{
	struct client c = { .fd = open(device, O_RDONLY | O_CLOEXEC) };
	void *at;

	need(c.fd >= 0);
	need(ioctl(c.fd, IVSHMEM_DOORBELL_INFO, &c.info) == 0);
	fails(client_ring(&c, c.info.peer_id, 0), EBADF);
	fails(client_will(&c, NULL, 0), EBADF);
	need(mmap(NULL, PAGE, PROT_WRITE, MAP_SHARED, c.fd, 0) == MAP_FAILED);
	at = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, c.fd, 0);
	need(at != MAP_FAILED);
	need(mprotect(at, PAGE, PROT_READ | PROT_WRITE) < 0);
	munmap(at, PAGE);
	close(c.fd);
}

static void the_lowest_free_number_is_given(void)
{
	struct client c[IVSHMEM_DOORBELL_CLIENTS];

	for (uint32_t i = 0; i < IVSHMEM_DOORBELL_CLIENTS; i++) {
		c[i] = client_open(device);
		need(c[i].info.client == i);
	}
	fails(open(device, O_RDWR), EUSERS);
	close(c[77].fd);
	c[77] = client_open(device);
	need(c[77].info.client == 77);
	for (uint32_t i = 0; i < IVSHMEM_DOORBELL_CLIENTS; i++)
		close(c[i].fd);
}

static void an_eventfd_grows_by_each_of_its_vector(void)
{
	struct client c = client_open(device);
	int fd = client_listen(&c, 1);

	need(fcntl(c.fd, F_SETFL, O_NONBLOCK) == 0);
	for (int i = 0; i < 100; i++) {
		ring_self(&c, 1);
		need(count_of(fd) == 1);
	}
	need(client_want(&c, 2) == 0); /* an eventfd goes before read() */
	ring_self(&c, 0);
	settle(&c);
	need(told(fd, 0) == 0 && told(c.fd, 0) == 0);
	close(fd);
	close(c.fd);
}

static void without_an_eventfd_it_comes_by_read(void)
{
	struct client c = client_open(device);
	int fd = client_listen(&c, 2);
	uint32_t got[8];

	need(client_eventfd(&c, 2, -1) == 0);
	need(client_want(&c, 1 << 2 | 1 << 1 | 1 << 0) == 0);
	ring_self(&c, 2);
	ring_self(&c, 0);
	ring_self(&c, 2);
	ring_self(&c, 3);
	settle(&c);
	need(told(fd, 0) == 0 && told(c.fd, 0) == POLLIN);
	need(read(c.fd, got, sizeof(*got)) == sizeof(*got) && got[0] == 0);
	need(read(c.fd, got, sizeof(got)) == sizeof(*got) && got[0] == 2);
	need(told(c.fd, 0) == 0);
	close(fd);
	close(c.fd);
}

static void what_came_for_read_stays_until_it_is_unwanted(void)
{
	struct client c = client_open(device);
	uint32_t got[8];
	int fd;

	need(client_want(&c, 3) == 0);
	ring_self(&c, 0);
	ring_self(&c, 1);
	settle(&c);
	fd = client_listen(&c, 0);
	need(client_want(&c, 1) == 0);
	need(read(c.fd, got, sizeof(got)) == sizeof(*got) && got[0] == 0);
	need(told(c.fd, 0) == 0 && told(fd, 0) == 0);
	close(fd);
	close(c.fd);
}

static void each_client_is_told_once_of_what_it_wants(void)
{
	struct client a = client_open(device), b = client_open(device);
	int a0 = client_listen(&a, 0), b0 = client_listen(&b, 0);
	int b1 = client_listen(&b, 1);

	need(client_want(&a, 0) == 0 && client_want(&b, 0) == 0);
	ring_self(&a, 0);
	need(count_of(a0) == 1 && count_of(b0) == 1);
	ring_self(&b, 1);
	need(count_of(b1) == 1);
	settle(&a);
	need(told(a0, 0) == 0 && told(b0, 0) == 0 && told(a.fd, 0) == 0);
	close(a.fd); /* its eventfd stays, and is told no more */
	ring_self(&b, 0);
	need(count_of(b0) == 1);
	need(told(a0, 0) == 0);
	close(b.fd);
	close(a0);
	close(b0);
	close(b1);
}

static void a_wrong_will_leaves_the_old_one(void)
{
	static const struct ivshmem_doorbell_step wrong[] = {
		{ 0, 0, 0, 0, 0 },	{ 6, 0, 0, 0, 0 },
		{ 4, 0, 4, 0, 0 },	{ 5, 49, 0, 2, 8 },
		{ 5, 12, 0, 2, 4 },
		{ 1, 1, 0, 0, 0 },	{ 1, 0, 4, 0, 0 },
		{ 2, 0, UINT64_MAX - 7, 0, 0 }, { 3, 0, 8, 0, 0 },
		{ 3, 0, 0, 65536, 0 },	{ 3, 0, 0, 0, 256 },
	};
	struct client c = client_open(device), other = client_open(device);
	uint64_t at = c.info.memory_size - 8;
	struct ivshmem_doorbell_step good = { IVSHMEM_DOORBELL_WILL_OR, 0, at, 5, 0 };
	struct ivshmem_doorbell_step past = good;
	struct ivshmem_doorbell_will will = { .steps = (uintptr_t)&good, .count = 1 };

	client_map(&other);
	*client_word(&other, at) = 0;
	need(client_will(&c, &good, 1) == 0);
	past.offset = c.info.memory_size;
	fails(client_will(&c, &past, 1), EINVAL);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		fails(client_will(&c, &wrong[i], 1), EINVAL);
	fails(client_will(&c, &good, IVSHMEM_DOORBELL_WILL_MAX + 1), EINVAL);
	fails(client_will(&c, (void *)8, 1), EFAULT);
	will.reserved = 1;
	fails(ioctl(c.fd, IVSHMEM_DOORBELL_WILL, &will), EINVAL);
	close(c.fd);
	need(*client_word(&other, at) == 5);
	munmap(other.memory, other.info.memory_size);
	close(other.fd);
}

/* The client's end: a word replaced only if it is as said, a doorbell, in order. */
static void a_will_is_carried_out_at_close(void)
{
	struct client c = client_open(device), other = client_open(device);
	uint64_t at = c.info.memory_size - 64;
	const struct ivshmem_doorbell_step steps[] = {
		{ IVSHMEM_DOORBELL_WILL_REPLACE, 0, at, 7, 8 },
		{ IVSHMEM_DOORBELL_WILL_REPLACE, 0, at, 8, 9 },
		{ IVSHMEM_DOORBELL_WILL_REPLACE, 0, at + 8, 1, 2 },
		{ IVSHMEM_DOORBELL_WILL_OR, 0, at + 16, 1ull << 63, 0 },
		{ IVSHMEM_DOORBELL_WILL_RING, 0, 0, c.info.peer_id, 3 },
	};
	int fd = client_listen(&other, 3);

	client_map(&other);
	*client_word(&other, at) = 7;
	*client_word(&other, at + 8) = 0;
	*client_word(&other, at + 16) = 1;
	need(client_will(&c, steps, 5) == 0);
	settle(&other);
	need(*client_word(&other, at) == 7 && told(fd, 0) == 0);
	close(c.fd);
	need(*client_word(&other, at) == 9);
	need(*client_word(&other, at + 8) == 0);
	need(*client_word(&other, at + 16) == (1ull << 63 | 1));
	need(count_of(fd) == 1);
	munmap(other.memory, other.info.memory_size);
	close(other.fd);
	close(fd);
}

static void a_will_taken_back_is_not_carried_out(void)
{
	struct client c = client_open(device), other = client_open(device);
	uint64_t at = c.info.memory_size - 8;
	struct ivshmem_doorbell_step step = { IVSHMEM_DOORBELL_WILL_OR, 0, at, 1, 0 };

	client_map(&other);
	*client_word(&other, at) = 0;
	need(client_will(&c, &step, 1) == 0 && client_will(&c, NULL, 0) == 0);
	close(c.fd);
	need(*client_word(&other, at) == 0);
	munmap(other.memory, other.info.memory_size);
	close(other.fd);
}

/* A child that has the file, and a mapping without it, are the client still. */
static void a_will_waits_for_the_last_holder(void)
{
	struct client c = client_open(device), other = client_open(device);
	uint64_t at = c.info.memory_size - 8;
	struct ivshmem_doorbell_step step = { IVSHMEM_DOORBELL_WILL_OR, 0, at, 1, 0 };
	pid_t child;

	client_map(&other);
	*client_word(&other, at) = 0;
	client_map(&c);
	need(client_will(&c, &step, 1) == 0);
	child = fork();
	need(child >= 0);
	if (child == 0)
		for (;;)
			pause();
	close(c.fd);
	need(*client_word(&other, at) == 0);
	need(munmap(c.memory, c.info.memory_size) == 0);
	need(*client_word(&other, at) == 0);
	need(kill(child, SIGKILL) == 0 && waitpid(child, NULL, 0) == child);
	need(*client_word(&other, at) == 1);
	munmap(other.memory, other.info.memory_size);
	close(other.fd);
}

static void a_sleeper_in_read_is_woken(void)
{
	struct client c = client_open(device);
	uint32_t got = 0;
	pid_t child;

	need(client_want(&c, 1) == 0);
	child = fork();
	need(child >= 0);
	if (child == 0)
		_exit(read(c.fd, &got, sizeof(got)) == sizeof(got) && got == 0 ? 0 : 1);
	ring_self(&c, 0);
	int status;
	need(waitpid(child, &status, 0) == child && status == 0);
	close(c.fd);
}

#define CASE(name) { #name, name }

static const struct {
	const char *name;
	void (*run)(void);
} cases[] = {
	CASE(wrong_calls_are_refused),
	CASE(wrong_mappings_are_refused),
	CASE(mappings_can_be_cut_and_moved),
	CASE(a_file_for_reading_changes_nothing),
	CASE(the_lowest_free_number_is_given),
	CASE(an_eventfd_grows_by_each_of_its_vector),
	CASE(without_an_eventfd_it_comes_by_read),
	CASE(what_came_for_read_stays_until_it_is_unwanted),
	CASE(each_client_is_told_once_of_what_it_wants),
	CASE(a_wrong_will_leaves_the_old_one),
	CASE(a_will_is_carried_out_at_close),
	CASE(a_will_taken_back_is_not_carried_out),
	CASE(a_will_waits_for_the_last_holder),
	CASE(a_sleeper_in_read_is_woken),
};

int main(int argc, char **argv)
{
	if (argc != 2)
		return 2;
	device = argv[1];
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		errno = 0;
		cases[i].run();
		printf("ok %s\n", cases[i].name);
	}
	return 0;
}
