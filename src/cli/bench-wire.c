/* SPDX-License-Identifier: BSD-2-Clause */
#include "bench-wire.h"

#include <string.h>

#define REQUEST_MAGIC 0x71726562u /* "berq" */
#define REPLY_MAGIC 0x70726562u   /* "berp" */
/* What a hello says it is, so that the oldest understands it. */
#define HELLO_VERSION 1u

static void put(unsigned char *at, uint64_t value, int bytes)
{
	int i;

	for (i = 0; i < bytes; i++)
		at[i] = (unsigned char)(value >> (8 * i));
}

static uint64_t get(const unsigned char *at, int bytes)
{
	uint64_t value = 0;
	int i;

	for (i = 0; i < bytes; i++)
		value |= (uint64_t)at[i] << (8 * i);
	return value;
}

void bench_put_request(unsigned char buf[BENCH_REQUEST_SIZE],
		       const struct bench_request *r)
{
	memset(buf, 0, BENCH_REQUEST_SIZE);
	put(buf, REQUEST_MAGIC, 4);
	put(buf + 4, r->op == BENCH_HELLO ? HELLO_VERSION : BENCH_WIRE_VERSION, 2);
	put(buf + 6, r->op, 2);
	put(buf + 8, r->number, 4);
	put(buf + 12, r->size, 4);
	put(buf + 16, r->count, 8);
	put(buf + 24, r->warmup, 8);
	put(buf + 32, r->wait, 2);
	put(buf + 34, BENCH_WIRE_VERSION, 2); /* the first version has 0 here */
	put(buf + 36, r->batch, 2);
	put(buf + 38, r->check, 2);
}

bool bench_get_request(const void *buf, size_t len, struct bench_request *r)
{
	const unsigned char *b = buf;

	if (len != BENCH_REQUEST_SIZE || get(b, 4) != REQUEST_MAGIC)
		return false;
	r->op = (uint16_t)get(b + 6, 2);
	r->number = (uint32_t)get(b + 8, 4);
	r->size = (uint32_t)get(b + 12, 4);
	r->count = get(b + 16, 8);
	r->warmup = get(b + 24, 8);
	r->wait = (uint16_t)get(b + 32, 2);
	r->version = (uint16_t)get(b + 34, 2);
	r->batch = (uint16_t)get(b + 36, 2);
	r->check = get(b + 38, 2) != 0;
	return true;
}

void bench_put_reply(unsigned char buf[BENCH_REPLY_SIZE],
		     const struct bench_reply *r)
{
	memset(buf, 0, BENCH_REPLY_SIZE);
	put(buf, REPLY_MAGIC, 4);
	put(buf + 4, r->version, 2);
	put(buf + 6, r->status, 2);
	put(buf + 8, r->number, 4);
	put(buf + 16, r->cpu_ns, 8);
	put(buf + 24, r->doorbells, 8);
	put(buf + 32, r->messages, 8);
	put(buf + 40, r->wakes, 8);
}

bool bench_get_reply(const void *buf, size_t len, struct bench_reply *r)
{
	const unsigned char *b = buf;

	if (len != BENCH_REPLY_SIZE || get(b, 4) != REPLY_MAGIC)
		return false;
	r->version = (uint16_t)get(b + 4, 2);
	r->status = (uint16_t)get(b + 6, 2);
	r->number = (uint32_t)get(b + 8, 4);
	r->cpu_ns = get(b + 16, 8);
	r->doorbells = get(b + 24, 8);
	r->messages = get(b + 32, 8);
	r->wakes = get(b + 40, 8);
	return true;
}

/* Word j of a message is start(index) + j * STEP: cheap beside a copy. */
#define STEP UINT64_C(0x9e3779b97f4a7c15)

static uint64_t start(uint64_t index)
{
	return (index + 1) * UINT64_C(0xd6e8feb86659fd93);
}

void bench_fill(void *buf, size_t size, uint64_t index)
{
	unsigned char *b = buf;
	uint64_t word = start(index);
	size_t i;

	for (i = 0; i + 8 <= size; i += 8, word += STEP)
		memcpy(b + i, &word, 8);
	memcpy(b + i, &word, size - i);
}

bool bench_check(const void *buf, size_t size, uint64_t index)
{
	const unsigned char *b = buf;
	uint64_t word = start(index), got, wrong = 0;
	size_t i;

	for (i = 0; i + 8 <= size; i += 8, word += STEP) {
		memcpy(&got, b + i, 8);
		wrong |= got ^ word;
	}
	return wrong == 0 && memcmp(b + i, &word, size - i) == 0;
}
