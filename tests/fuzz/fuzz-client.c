/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fuzz-client.c - what clients do to a server, and what restarts do
 *
 * Input: a byte of wishes, then operations of a byte (code in bits 0 to 3, client
 * in 4 to 6) and their arguments. The server is the real one, on a real socket;
 * only its time is counted. After each operation those clients that read are told
 * nothing that kills a QEMU (told-client.h); at the end all who are left know each
 * other, and no descriptor is left over.
 */
#define _GNU_SOURCE /* accept4 */

#include "fd.h"
#include "hostile.h"
#include "log.h"
#include "os.h"
#include "restart.h"
#include "server.h"
#include "sockfd.h"
#include "told-client.h"

#include <event2/event.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define CLIENTS 8
#define OPERATIONS 200
#define RESTARTS 8 /* which cost more than all else */
#define DESCRIPTORS 512

/* Wishes. */
#define RAW 1u
#define SYSTEMD 2u /* a store that knows no order */
#define LAZY 4u    /* odd clients read only when they are told to */
#define FEW 8u     /* peers are allowed */

static struct {
	struct input in;
	struct server_config cfg;
	struct event_base *base;
	struct store store;
	struct server *server;
	int door; /* listens, for all inputs */
	uint8_t wishes;
	struct told_client clients[CLIENTS];
	bool rude[CLIENTS]; /* may be dropped */
	bool sent[CLIENTS]; /* has to be */
	unsigned restarts;
} now = { .door = -1 };

/* Instead of log.c: clients come and go often here. */
void log_error(const char *fmt, ...)
{
	(void)fmt;
}

void log_info(const char *fmt, ...)
{
	(void)fmt;
}

void log_debug(const char *fmt, ...)
{
	(void)fmt;
}

static void on_drained(void *arg)
{
	(void)arg;
	always(now.server->draining);
}

/* ---- begin ------------------------------------------------------------------- */

/* Abstract: there is no file to remove. */
static int listen_anywhere(void)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	always(fd >= 0);
	always(bind(fd, (const struct sockaddr *)&at, sizeof(at.sun_family)) == 0);
	always(listen(fd, 64) == 0);
	return fd;
}

static void prepare(void)
{
	if (now.door < 0) {
		now.door = listen_anywhere();
		now.base = event_base_new();
		always(now.base != NULL);
	}
	now.wishes = input_u8(&now.in);
	now.cfg = (struct server_config){
		.socket = { "/", 0600, (uid_t)-1, (gid_t)-1 },
		.memory = { .size = SHM_MIN_SIZE },
		.vectors = TOLD_VECTORS,
		.max_peers = now.wishes & FEW ? CLIENTS / 2 : CLIENTS * 2,
		.queue_bytes = 4096,
		.raw = now.wishes & RAW,
	};
	store_init(&now.store);
	/* Nobody listens to it; but peers have to be known without their order. */
	now.store.kind = now.wishes & SYSTEMD ? STORE_SYSTEMD : STORE_NONE;
	for (int i = 0; i < CLIENTS; i++)
		now.clients[i] = (struct told_client){ .sock = -1, .fd = -1 };
	memset(now.rude, 0, sizeof(now.rude));
	memset(now.sent, 0, sizeof(now.sent));
	now.restarts = 0;
}

static void start(struct inherit *in)
{
	int door = fcntl(now.door, F_DUPFD_CLOEXEC, 0);

	always(door >= 0 && inherit_add(in, "door", &door) == 0);
	always(server_new(&now.cfg, now.base, &now.store, in, &now.server) == 0);
	server_on_drained(now.server, on_drained, NULL);
	inherit_done(in);
}

/* ---- time -------------------------------------------------------------------- */

static void turn(void)
{
	always(event_base_loop(now.base, EVLOOP_NONBLOCK) >= 0);
}

static void hurry(struct event *timer)
{
	if (!event_pending(timer, EV_TIMEOUT, NULL))
		return;
	event_del(timer);
	event_active(timer, EV_TIMEOUT, 0);
}

/* All that is waited for by the clock happens. */
static void time_passes(unsigned ms)
{
	struct server *s = now.server;

	os_sleep_ms(ms);
	hurry(s->heard);
	hurry(s->resume);
	hurry(s->tend);
	for (size_t i = 0; i < peers_count(s->peers); i++)
		hurry(&s->clients[peers_id(s->peers, i)]->retry);
	turn();
}

static bool reads(int who)
{
	return !(now.wishes & LAZY) || who % 2 == 0;
}

/* Who reads all and did nothing wrong stays. */
static void all_read(void)
{
	for (int i = 0; i < CLIENTS; i++) {
		struct told_client *c = &now.clients[i];

		while (reads(i) && told_read(c, 8))
			;
		always(!reads(i) || !c->ended || c->refused || now.rude[i]);
	}
}

/* ---- operations -------------------------------------------------------------- */

static void op_connect(int who)
{
	if (now.clients[who].sock >= 0)
		return;
	now.sent[who] = false;
	if (told_connect(&now.clients[who], now.door))
		now.rude[who] = !reads(who);
}

static void op_send(int who)
{
	unsigned char bytes[64] = { 0 };
	size_t n = 1 + input_u8(&now.in) % sizeof(bytes);
	uint8_t with = input_u8(&now.in);
	int sock = now.clients[who].sock;

	(void)input_bytes(&now.in, bytes, n);
	if (sock < 0)
		return;
	now.rude[who] = true;
	if (sockfd_send(sock, bytes, n, with & 1 ? sock : -1) > 0)
		now.sent[who] = true;
}

static void op_shutdown(int who)
{
	int how = input_u8(&now.in) % 3;

	if (now.clients[who].sock < 0)
		return;
	now.rude[who] = true;
	shutdown(now.clients[who].sock, how);
}

static void op_read(int who)
{
	unsigned pieces = input_u8(&now.in), size = 1 + input_u8(&now.in) % 8;

	while (pieces-- > 0 && told_read(&now.clients[who], size))
		;
}

static void op_kick(int who)
{
	uint32_t id = input_u8(&now.in);
	const struct told_client *c = &now.clients[who];

	if (c->sock >= 0 && c->messages > 1)
		id = c->id;
	if (inspect_kick(now.server, id) < 0)
		return;
	/* Perhaps it has not read who it is. */
	for (int i = 0; i < CLIENTS; i++)
		if (now.clients[i].messages < 2 || now.clients[i].id == id)
			now.rude[i] = true;
}

static void op_scribble(void)
{
	uint16_t at = (uint16_t)(input_u8(&now.in) | input_u8(&now.in) << 8);
	uint64_t value = input_u64(&now.in);
	size_t words = now.server->shm.size / sizeof(value);

	memcpy((uint64_t *)now.server->shm.memory + at % words, &value,
	       sizeof(value));
}

/* As on an upgrade, or after a SIGKILL with some of what was kept lost. */
static void op_restart(bool exec)
{
	uint64_t lost = exec ? 0 : input_u64(&now.in);
	struct inherit in = { 0 };

	if (now.restarts++ >= RESTARTS)
		return;
	if (exec)
		restart_by_exec(&now.server, &in);
	else
		restart_by_kill(&now.server, lost, &in);
	for (int i = 0; i < CLIENTS && lost; i++)
		now.rude[i] = true;
	start(&in);
}

/* Comes and goes before anybody looks. */
static void op_visit(void)
{
	struct told_client c;

	for (unsigned i = input_u8(&now.in) % 16; i > 0; i--) {
		if (told_connect(&c, now.door))
			told_close(&c);
	}
}

static void operation(uint8_t op)
{
	int who = op >> 4 & (CLIENTS - 1);

	switch (op & 15) {
	case 0: op_connect(who); break;
	case 1: op_send(who); break;
	case 2: op_shutdown(who); break;
	case 3: op_read(who); break;
	case 4: told_close(&now.clients[who]); break;
	case 5: turn(); break;
	case 6: time_passes(input_u8(&now.in) * 8u); break;
	case 7: op_kick(who); break;
	case 8: inspect_drain(now.server, who & 1); break;
	case 9: op_restart(true); break;
	case 10: op_restart(false); break;
	case 11: op_scribble(); break;
	case 12: op_visit(); break;
	default: turn(); time_passes(1); break;
	}
	all_read();
}

/* ---- end --------------------------------------------------------------------- */

static void settle(void)
{
	for (int i = 0; i < 40; i++) {
		time_passes(50);
		for (int who = 0; who < CLIENTS; who++)
			while (told_read(&now.clients[who], 8))
				;
	}
}

/* Those who are there still know each other, and nobody else. */
static void judge(void)
{
	const struct server *s = now.server;

	for (int i = 0; i < CLIENTS; i++) {
		const struct told_client *c = &now.clients[i];

		always(!now.sent[i] || c->sock < 0 || c->ended);
		if (c->sock < 0 || c->ended || c->refused)
			continue;
		always(told_is_greeted(c) && s->clients[c->id]);
		for (uint32_t id = 0; id < TOLD_IDS; id++)
			always(c->vectors[id] == (s->clients[id] ? TOLD_VECTORS : 0));
	}
}

static void finish(void)
{
	int sock;

	for (int i = 0; i < CLIENTS; i++)
		told_close(&now.clients[i]);
	server_free(now.server);
	now.server = NULL;
	while ((sock = accept4(now.door, NULL, NULL, SOCK_CLOEXEC)) >= 0)
		close(sock);
}

static int count_descriptors(void)
{
	int n = 0;

	for (int fd = 0; fd < DESCRIPTORS; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct inherit none = { 0 };
	int before;

	now.in = (struct input){ data, size };
	prepare();
	before = count_descriptors();
	start(&none);
	for (int i = 0; i < OPERATIONS && now.in.size > 0; i++)
		operation(input_u8(&now.in));
	settle();
	judge();
	finish();
	always(count_descriptors() == before);
	return 0;
}
