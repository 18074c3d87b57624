/* SPDX-License-Identifier: BSD-2-Clause */
/* Which function serves a method; sorted by method. */
#include "request.h"

#include "error.h"

#include <stdlib.h>
#include <string.h>

/* The first that is not below. */
static size_t place_of(const struct call_set *set, uint32_t method)
{
	size_t low = 0, high = set->handler_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (set->handlers[middle].method < method)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct call_handler *exact(const struct call_set *set, uint32_t method)
{
	size_t i = place_of(set, method);

	return i < set->handler_count && set->handlers[i].method == method ?
		       &set->handlers[i] : NULL;
}

const struct call_handler *handler_of(const struct call_set *set, uint32_t method)
{
	const struct call_handler *h = set ? exact(set, method) : NULL;

	return h || !set ? h : exact(set, BELL_ANY_METHOD);
}

static void remove_handler(struct call_set *set, struct call_handler *h)
{
	size_t behind = (size_t)(set->handlers + --set->handler_count - h);

	memmove(h, h + 1, behind * sizeof(*h));
}

static int add_handler(struct call_set *set, const struct call_handler *h)
{
	size_t n = set->handler_count, i = place_of(set, h->method);
	struct call_handler *all = realloc(set->handlers, (n + 1) * sizeof(*all));

	if (!all)
		return error_plain(BELL_ENOMEM);
	memmove(all + i + 1, all + i, (n - i) * sizeof(*all));
	all[i] = *h;
	set->handlers = all;
	set->handler_count = n + 1;
	return 0;
}

int bell_on_call(struct bell_bus *bus, uint32_t method, bell_handler_fn *fn,
		 void *arg)
{
	struct call_handler h = { method, fn, arg }, *old;
	struct call_set *set;
	int rc;

	if (method > BELL_ANY_METHOD)
		return error_detail(BELL_EINVAL,
				    "method %u: 0 to 65535 or BELL_ANY_METHOD are possible",
				    method);
	rc = call_set_need(bus, &set);
	if (rc < 0)
		return rc;
	old = exact(set, method);
	if (!fn && old)
		remove_handler(set, old);
	else if (fn && old)
		*old = h;
	else if (fn)
		rc = add_handler(set, &h);
	return rc;
}
