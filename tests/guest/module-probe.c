/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * module-probe.c - a client of the kernel module, led by test-module.py
 *
 *   module-probe DEVICE info
 *   module-probe DEVICE ring PEER VECTOR          by the module
 *   module-probe DEVICE ring-page PEER VECTOR     by the mapped register
 *   module-probe DEVICE poke OFFSET VALUE
 *   module-probe DEVICE events VECTOR...          an eventfd for each
 *   module-probe DEVICE read VECTOR...            by read()
 *   module-probe DEVICE will OFFSET FROM TO OR PEER VECTOR
 *   module-probe DEVICE hold
 *
 * events and read say "ready CLIENT", then each vector that they are told of, and
 * "gone" once the device went. will sets: FROM to TO at OFFSET, OR into the word
 * behind it, PEER rung on VECTOR; then it says "ready" and sleeps until it is
 * killed. hold maps everything and says "ready"; once the device is gone it tries
 * all that there is and says "gone well".
 */
#include "module-client.h"

#define VECTORS_MAX 64

static unsigned long long number(const char *text)
{
	char *end;
	unsigned long long value = strtoull(text, &end, 0);

	if (end == text || *end)
		die("%s: not a number", text);
	return value;
}

static int run_info(struct client *c, char **args)
{
	(void)args;
	printf("version=%u flags=%u peer_id=%u client=%u vectors=%u memory_size=%llu registers_offset=%llu registers_at=%llu device=%s\n",
	       c->info.version, c->info.flags, c->info.peer_id, c->info.client,
	       c->info.vectors, (unsigned long long)c->info.memory_size,
	       (unsigned long long)c->info.registers_offset,
	       (unsigned long long)c->info.registers_at, c->info.device);
	return 0;
}

static int run_ring(struct client *c, char **args)
{
	if (client_ring(c, (uint32_t)number(args[0]), (uint32_t)number(args[1])) < 0)
		die("RING");
	return 0;
}

static int run_ring_page(struct client *c, char **args)
{
	volatile uint32_t *registers;
	char *page;

	if (!c->info.registers_offset)
		die("the registers cannot be mapped");
	page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, c->fd,
		    (off_t)c->info.registers_offset);
	if (page == MAP_FAILED)
		die("mmap of the registers");
	registers = (volatile uint32_t *)(void *)(page + c->info.registers_at);
	if (registers[REG_POSITION] != c->info.peer_id)
		die("IVPosition is %u", registers[REG_POSITION]);
	registers[REG_DOORBELL] = (uint32_t)(number(args[0]) << 16 | number(args[1]));
	return 0;
}

static int run_poke(struct client *c, char **args)
{
	client_map(c);
	*client_word(c, number(args[0])) = number(args[1]);
	return 0;
}

static int run_events(struct client *c, char **args)
{
	struct pollfd p[VECTORS_MAX + 1] = { { .fd = c->fd } };
	nfds_t n = 1, i;
	uint64_t count;

	if (client_want(c, 0) < 0)
		die("WANT");
	for (; args[n - 1]; n++) {
		p[n].fd = client_listen(c, (uint32_t)number(args[n - 1]));
		p[n].events = POLLIN;
	}
	printf("ready %u\n", c->info.client);
	while (poll(p, n, -1) > 0) {
		for (i = 1; i < n; i++)
			if (p[i].revents && read(p[i].fd, &count, sizeof(count)) > 0)
				printf("%s\n", args[i - 1]);
		if (p[0].revents & POLLHUP) {
			printf("gone\n");
			return 0;
		}
	}
	die("poll");
}

static int run_read(struct client *c, char **args)
{
	uint32_t vectors[3]; /* fewer than there are: they come in several parts */
	uint64_t wanted = 0;
	ssize_t n, i;

	for (; *args; args++)
		wanted |= UINT64_C(1) << number(*args);
	if (client_want(c, wanted) < 0)
		die("WANT");
	printf("ready %u\n", c->info.client);
	while ((n = read(c->fd, vectors, sizeof(vectors))) > 0)
		for (i = 0; i < n / (ssize_t)sizeof(*vectors); i++)
			printf("%u\n", vectors[i]);
	if (errno != ENODEV)
		die("read");
	printf("gone\n");
	return 0;
}

static int run_will(struct client *c, char **args)
{
	uint64_t at = number(args[0]);
	struct ivshmem_doorbell_step steps[] = {
		{ IVSHMEM_DOORBELL_WILL_REPLACE, 0, at, number(args[1]), number(args[2]) },
		{ IVSHMEM_DOORBELL_WILL_OR, 0, at + 8, number(args[3]), 0 },
		{ IVSHMEM_DOORBELL_WILL_RING, 0, 0, number(args[4]), number(args[5]) },
	};

	if (client_will(c, steps, 3) < 0)
		die("WILL");
	printf("ready %u\n", c->info.client);
	for (;;)
		pause();
}

/* All that a program may still do with a device that is gone. */
static void try_gone(const struct client *c, const volatile uint32_t *registers)
{
	uint64_t size = c->info.memory_size;
	struct ivshmem_doorbell_info info;
	uint64_t sum = 0;
	uint32_t vector;

	for (uint64_t at = 0; at < size; at += PAGE)
		sum |= *client_word(c, at) | *client_word(c, at + PAGE - 8);
	if (sum || (registers && registers[REG_POSITION]))
		die("the memory is not blank: %llx", (unsigned long long)sum);
	*client_word(c, size - 8) = 1;
	if (registers)
		((volatile uint32_t *)(uintptr_t)registers)[REG_DOORBELL] = 1;
	if (read(c->fd, &vector, sizeof(vector)) >= 0 || errno != ENODEV)
		die("read");
	if (ioctl(c->fd, IVSHMEM_DOORBELL_INFO, &info) >= 0 || errno != ENODEV)
		die("INFO");
	if (client_ring(c, 0, 0) >= 0 || errno != ENODEV)
		die("RING");
	if (mmap(NULL, PAGE, PROT_READ, MAP_SHARED, c->fd, 0) != MAP_FAILED ||
	    errno != ENODEV)
		die("mmap");
	if (!(told(c->fd, 0) & POLLHUP))
		die("poll");
}

/* Every page is mapped, and two at least are not blank. */
static void touch_all(const struct client *c)
{
	uint64_t sum = 0;

	for (uint64_t at = 0; at < c->info.memory_size; at += PAGE)
		sum |= *client_word(c, at);
	*client_word(c, c->info.memory_size - 8) = ~sum | 1;
}

static int run_hold(struct client *c, char **args)
{
	volatile uint32_t *registers = NULL;
	int event = c->info.vectors ? client_listen(c, 0) : -1;
	void *page;

	(void)args;
	client_map(c);
	touch_all(c);
	if (c->info.registers_offset) {
		page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, c->fd,
			    (off_t)c->info.registers_offset);
		if (page == MAP_FAILED)
			die("mmap of the registers");
		registers = page;
		if (registers[REG_POSITION] != c->info.peer_id)
			die("IVPosition");
	}
	printf("ready %u\n", c->info.client);
	while (!(told(c->fd, -1) & POLLHUP))
		;
	if (event >= 0 && told(event, 10000) != POLLIN)
		die("the eventfd was not signalled");
	try_gone(c, registers);
	printf("gone well\n");
	return 0;
}

static const struct {
	const char *name;
	int least; /* arguments */
	int (*run)(struct client *c, char **args);
} commands[] = {
	{ "info", 0, run_info },     { "ring", 2, run_ring }, { "ring-page", 2, run_ring_page },
	{ "poke", 2, run_poke },     { "events", 1, run_events },
	{ "read", 1, run_read },     { "will", 6, run_will }, { "hold", 0, run_hold },
};

int main(int argc, char **argv)
{
	struct client c;
	size_t i;

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (i = 0; argc > 2 && i < sizeof(commands) / sizeof(*commands); i++) {
		if (strcmp(argv[2], commands[i].name) || argc - 3 < commands[i].least)
			continue;
		c = client_open(argv[1]);
		return commands[i].run(&c, argv + 3);
	}
	fprintf(stderr, "wrong usage\n");
	return 2;
}
