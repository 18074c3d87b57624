/* SPDX-License-Identifier: BSD-2-Clause */
/* The heap of deadlines, against a plain search for the earliest. */
#include "due.h"
#include "testing.h"

#define THINGS 200

static struct due things[THINGS];
static uint64_t seed;

static uint32_t random_below(uint32_t n)
{
	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(seed >> 33) % n;
}

static const struct due *earliest(void)
{
	const struct due *found = NULL;

	for (int i = 0; i < THINGS; i++)
		if (things[i].place > 0 && (!found || things[i].at_ns < found->at_ns))
			found = &things[i];
	return found;
}

START_TEST(first_is_the_earliest)
{
	struct due_heap heap = { NULL, 0, 0 };
	size_t count = 0;

	seed = (uint64_t)_i;
	for (int step = 0; step < 20000; step++) {
		struct due *due = &things[random_below(THINGS)];
		const struct due *want;

		if (due->place == 0) {
			due->at_ns = random_below(_i % 2 ? 50 : UINT32_MAX);
			ck_assert_int_eq(due_add(&heap, due), 0);
			count++;
		} else {
			due_remove(&heap, due);
			due_remove(&heap, due); /* harmless */
			count--;
		}
		want = earliest();
		ck_assert_uint_eq(heap.count, count);
		ck_assert_int_eq(due_first(&heap) != NULL, want != NULL);
		if (want)
			ck_assert_uint_eq(due_first(&heap)->at_ns, want->at_ns);
	}
	for (uint64_t last = 0; due_first(&heap); last = due_first(&heap)->at_ns,
		      due_remove(&heap, due_first(&heap)))
		ck_assert_uint_ge(due_first(&heap)->at_ns, last);
	due_done(&heap);
	ck_assert_ptr_null(due_first(&heap));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("due");
	TCase *tc = tcase_create("due");

	tcase_add_loop_test(tc, first_is_the_earliest, 0, 6);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
