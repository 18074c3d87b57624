/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test-port.c - the parts of the port for Windows that can be tried one by one
 *
 * Runs under Wine. The driver is this file's: it keeps what it is given, and rings as
 * virtio-win's does, in order of registration.
 */
#include "driver.h"
#include "error.h"
#include "events.h"
#include "guard.h"
#include "notices.h"
#include "number.h"
#include "testing.h"
#include "text.h"

#include <stdio.h>
#include <string.h>

/* ---- a driver ---------------------------------------------------------------------- */

static struct {
	unsigned vector;
	HANDLE event;
} slots[DRIVER_EVENTS];
static unsigned used, room;

int driver_listen(HANDLE device, const char *name, unsigned vector, HANDLE event)
{
	(void)device;
	if (used == room)
		return error_detail(BELL_EBUSY, "%s: full", name);
	ResetEvent(event);
	slots[used].vector = vector;
	slots[used++].event = event;
	return 0;
}

/* Stops after some events, as a processor can between two. */
static void interrupt(unsigned vector, unsigned events)
{
	for (unsigned i = 0; i < used; i++)
		if (slots[i].vector == vector && events-- > 0)
			SetEvent(slots[i].event);
}

static struct events events;
static unsigned told[DRIVER_VECTORS];

static void on_interrupt(void *arg, unsigned vector)
{
	(void)arg;
	told[vector]++;
}

static const struct port_sink sink = { .interrupt = on_interrupt };

static int wait_now(void)
{
	return events_wait(&events, "device", 0, &sink);
}

static bool is_signalled(void)
{
	return WaitForSingleObject(events.common, 0) == WAIT_OBJECT_0;
}

static void setup(void)
{
	used = 0;
	room = DRIVER_EVENTS;
	memset(told, 0, sizeof(told));
	ck_assert_int_eq(events_init(&events), 0);
}

static void teardown(void)
{
	events_done(&events);
}

static void listen_to(unsigned vector)
{
	ck_assert_int_eq(events_listen(&events, NULL, "device", vector), 0);
	ck_assert_int_eq(wait_now(), 0); /* the look that registering asks for */
}

/* ---- events -------------------------------------------------------------------------- */

START_TEST(the_vectors_own_event_is_given_first)
{
	listen_to(3);
	ck_assert_uint_eq(used, 2);
	ck_assert_uint_eq(slots[0].vector, 3);
	ck_assert_ptr_ne(slots[0].event, events.common);
	ck_assert_uint_eq(slots[1].vector, 3);
	ck_assert_ptr_eq(slots[1].event, events.common);
}
END_TEST

START_TEST(only_what_was_rung_is_told)
{
	listen_to(0);
	listen_to(5);
	listen_to(63);
	interrupt(5, 2);
	interrupt(5, 2);
	ck_assert(is_signalled());
	ck_assert_int_eq(wait_now(), 1);
	ck_assert_uint_eq(told[5], 1);
	ck_assert_uint_eq(told[0] + told[63], 0);
	ck_assert(!is_signalled());
	interrupt(0, 2);
	interrupt(63, 2);
	ck_assert_int_eq(wait_now(), 2);
}
END_TEST

/* Between its two events the driver stops: the common one still comes, and tells. */
START_TEST(an_interrupt_in_two_parts_is_told_once)
{
	listen_to(0);
	listen_to(1);
	interrupt(1, 1);
	interrupt(0, 2);
	ck_assert_int_eq(wait_now(), 2);
	SetEvent(events.common);
	ck_assert_int_eq(wait_now(), 0);
	ck_assert_uint_eq(told[1], 1);
}
END_TEST

START_TEST(listening_again_changes_nothing)
{
	listen_to(2);
	interrupt(2, 2);
	ck_assert_int_eq(events_listen(&events, NULL, "device", 2), 0);
	ck_assert_uint_eq(used, 2);
	ck_assert_int_eq(wait_now(), 1);
}
END_TEST

/* Registering clears the common event: what it told would be lost. */
START_TEST(listening_loses_no_other_interrupt)
{
	listen_to(2);
	interrupt(2, 2);
	ck_assert_int_eq(events_listen(&events, NULL, "device", 4), 0);
	ck_assert(is_signalled());
	ck_assert_int_eq(wait_now(), 1);
	ck_assert_uint_eq(told[2], 1);
}
END_TEST

START_TEST(sixteen_vectors_fit)
{
	for (unsigned v = 0; v < EVENTS_VECTORS; v++)
		listen_to(v);
	ck_assert_int_eq(events_listen(&events, NULL, "device", 16), -BELL_EBUSY);
	interrupt(15, 2);
	ck_assert_int_eq(wait_now(), 1);
	ck_assert_uint_eq(told[15], 1);
}
END_TEST

/* Half of it was done: the rest is when there is room, and nothing twice. */
START_TEST(listening_can_be_tried_again)
{
	room = 1;
	ck_assert_int_eq(events_listen(&events, NULL, "device", 7), -BELL_EBUSY);
	room = DRIVER_EVENTS;
	listen_to(7);
	ck_assert_uint_eq(used, 2);
	interrupt(7, 2);
	ck_assert(is_signalled());
	ck_assert_int_eq(wait_now(), 1);
}
END_TEST

START_TEST(after_a_sleep_all_are_told)
{
	listen_to(0);
	listen_to(9);
	events_resumed(&events);
	ck_assert(is_signalled());
	ck_assert_int_eq(wait_now(), 2);
	ck_assert_uint_eq(told[0] + told[9], 2);
	ck_assert_int_eq(wait_now(), 0);
}
END_TEST

START_TEST(a_device_that_goes_is_told_until_it_stays)
{
	listen_to(0);
	events_leaving(&events, true);
	ck_assert_int_eq(wait_now(), -BELL_EGONE);
	ck_assert(is_signalled());
	ck_assert_int_eq(wait_now(), -BELL_EGONE);
	events_leaving(&events, false);
	ck_assert_int_eq(wait_now(), 0);
	interrupt(0, 2);
	ck_assert_int_eq(wait_now(), 1);
}
END_TEST

/* ---- what Windows tells: functions that this Wine may not have --------------------------- */

typedef DWORD CALLBACK removal_fn(void *registration, void *context, int action, void *data,
				  DWORD size);
typedef ULONG CALLBACK power_fn(void *context, ULONG type, void *setting);

static struct {
	removal_fn *removal;
	void *removal_context;
	HANDLE device;
	power_fn *power;
	void *power_context;
	unsigned given_back;
} registered;

static DWORD WINAPI register_removal(const DWORD *filter, void *context, removal_fn *callback,
				     void **registration)
{
	memcpy(&registered.device, filter + 4, sizeof(registered.device));
	registered.removal = callback;
	registered.removal_context = context;
	*registration = &registered;
	/* CM_NOTIFY_FILTER's size, and that it is of a device handle. */
	return filter[0] == 416 && filter[2] == 1 ? 0 : 1;
}

struct recipient {
	power_fn *callback;
	void *context;
};

static DWORD WINAPI register_power(DWORD flags, const struct recipient *to, void **registration)
{
	registered.power = to->callback;
	registered.power_context = to->context;
	*registration = &registered;
	return flags == 2 ? 0 : 1;
}

static DWORD WINAPI give_back(void *registration)
{
	registered.given_back += registration == &registered;
	return 0;
}

typedef void any_fn(void);
static bool has_functions;

static FARPROC WINAPI find_function(HMODULE module, const char *name)
{
	static const struct {
		const char *name;
		any_fn *function;
	} functions[] = {
		{ "CM_Register_Notification", (any_fn *)register_removal },
		{ "CM_Unregister_Notification", (any_fn *)give_back },
		{ "PowerRegisterSuspendResumeNotification", (any_fn *)register_power },
		{ "PowerUnregisterSuspendResumeNotification", (any_fn *)give_back },
	};

	(void)module;
	for (int i = 0; has_functions && i < ARRAY_LEN(functions); i++)
		if (strcmp(functions[i].name, name) == 0)
			return (FARPROC)functions[i].function;
	return NULL;
}

extern void *const __wrap___imp_GetProcAddress;
void *const __wrap___imp_GetProcAddress = (void *)find_function;

START_TEST(notices_reach_who_waits)
{
	struct notices n = { .removal = NULL };

	has_functions = true;
	listen_to(0);
	notices_begin(&n, &events, (HANDLE)(uintptr_t)0x1234);
	ck_assert_ptr_eq(registered.device, (HANDLE)(uintptr_t)0x1234);
	registered.power(registered.power_context, 0x12, NULL);
	ck_assert_int_eq(wait_now(), 1);
	registered.power(registered.power_context, 4, NULL); /* PBT_APMSUSPEND */
	ck_assert(!is_signalled());
	for (int action = 2; action <= 5; action++) {
		registered.removal(NULL, registered.removal_context, action, NULL, 0);
		ck_assert_int_eq(wait_now(), action == 3 ? 0 : -BELL_EGONE);
	}
	notices_done(&n);
	ck_assert_uint_eq(registered.given_back, 2);
	notices_done(&n);
	ck_assert_uint_eq(registered.given_back, 2);
}
END_TEST

START_TEST(a_windows_without_notices_will_do)
{
	struct notices n = { .removal = NULL };

	has_functions = false;
	notices_begin(&n, &events, NULL);
	ck_assert_ptr_null(n.removal);
	ck_assert_ptr_null(n.power);
	notices_done(&n);
}
END_TEST

/* ---- memory that vanishes ------------------------------------------------------------------ */

#define MEMORY (1u << 20)

START_TEST(vanished_memory_reads_as_zeroes)
{
	void *base = VirtualAlloc(NULL, MEMORY, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
	volatile char *memory = base;
	struct guard g, other;

	ck_assert_ptr_nonnull(base);
	memory[4096] = 1;
	ck_assert_int_eq(guard_begin(&other, &other, 1, &events), 0);
	ck_assert_int_eq(guard_begin(&g, base, MEMORY, &events), 0);
	ck_assert_int_eq(wait_now(), 0);
	ck_assert(VirtualFree(base, 0, MEM_RELEASE));
	ck_assert_int_eq(memory[4096], 0);
	memory[MEMORY - 1] = 7; /* private memory: kept, and nobody else's */
	ck_assert_int_eq(memory[MEMORY - 1], 7);
	ck_assert_int_eq(wait_now(), -BELL_EGONE);
	guard_done(&other);
	guard_done(&g);
	guard_done(&g);
}
END_TEST

/* ---- numbers, text ------------------------------------------------------------------------- */

START_TEST(numbers_are_held_and_free_again)
{
	HANDLE first, second, third;
	uint32_t n = 9;

	ck_assert_int_eq(number_take("9999:00:01.0", 1, &n, &first), 0);
	ck_assert_uint_eq(n, 0);
	ck_assert_int_eq(number_take("9999:00:01.0", 1, &n, &second), 0);
	ck_assert_uint_eq(n, 1);
	ck_assert_int_eq(number_take("9999:00:01.0", 1, &n, &third), -BELL_EBUSY);
	ck_assert(number_is_taken("9999:00:01.0", 0));
	ck_assert(!number_is_taken("9999:00:01.0", 2));
	ck_assert(!number_is_taken("9999:00:02.0", 0));
	CloseHandle(first);
	ck_assert(!number_is_taken("9999:00:01.0", 0));
	ck_assert_int_eq(number_take("9999:00:01.0", 1, &n, &third), 0);
	ck_assert_uint_eq(n, 0);
	CloseHandle(second);
	CloseHandle(third);
}
END_TEST

/* Any program can give anything that name: it costs a number, not the device. */
START_TEST(a_name_that_is_something_elses_is_left_out)
{
	HANDLE other = CreateMutexW(NULL, FALSE, L"Global\\bellring-9999:00:03.0-0");
	HANDLE holder;
	uint32_t n = 9;

	ck_assert_ptr_nonnull(other);
	ck_assert_int_eq(number_take("9999:00:03.0", 1, &n, &holder), 0);
	ck_assert_uint_eq(n, 1);
	ck_assert(number_is_taken("9999:00:03.0", 0));
	CloseHandle(holder);
	CloseHandle(other);
}
END_TEST

static const struct {
	const wchar_t *wide;
	size_t size;
	const char *text;
} texts[] = {
	{ L"", 8, "" },
	{ L"web", 8, "web" },
	{ L"web", 4, "web" },
	{ L"web", 3, "we" },
	{ L"w\u00fc", 4, "w\xc3\xbc" },
	{ L"w\u00fc", 3, "w" },
	{ L"\u20ac\u20ac", 6, "\xe2\x82\xac" },
	{ L"\U0001f514", 4, "" },
	{ L"\U0001f514", 5, "\xf0\x9f\x94\x94" },
	{ L"web", 1, "" },
};

START_TEST(text_is_cut_between_characters)
{
	char buf[16];

	memset(buf, 'x', sizeof(buf));
	text_from_wide(texts[_i].wide, buf, texts[_i].size);
	ck_assert_str_eq(buf, texts[_i].text);
	ck_assert_int_eq(buf[texts[_i].size], 'x');
}
END_TEST

START_TEST(errors_have_their_number)
{
	char text[TEXT_ERROR];

	ck_assert_ptr_nonnull(strstr(text_of_error(ERROR_IO_DEVICE, text), "error 1117"));
	ck_assert_ptr_null(strchr(text, '\n'));
	ck_assert_str_eq(text_of_error(0x2fffffff, text), "error 805306367");
	ck_assert_int_eq(text_error_code(ERROR_ACCESS_DENIED), BELL_EPERM);
	ck_assert_int_eq(text_error_code(433), BELL_EGONE);
	ck_assert_int_eq(text_error_code(ERROR_BAD_COMMAND), BELL_EGONE);
	ck_assert_int_eq(text_error_code(ERROR_IO_DEVICE), BELL_EIO);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("windows");
	TCase *tc = tcase_create("port");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, the_vectors_own_event_is_given_first);
	tcase_add_test(tc, only_what_was_rung_is_told);
	tcase_add_test(tc, an_interrupt_in_two_parts_is_told_once);
	tcase_add_test(tc, listening_again_changes_nothing);
	tcase_add_test(tc, listening_loses_no_other_interrupt);
	tcase_add_test(tc, sixteen_vectors_fit);
	tcase_add_test(tc, listening_can_be_tried_again);
	tcase_add_test(tc, after_a_sleep_all_are_told);
	tcase_add_test(tc, a_device_that_goes_is_told_until_it_stays);
	tcase_add_test(tc, notices_reach_who_waits);
	tcase_add_test(tc, a_windows_without_notices_will_do);
	tcase_add_test(tc, vanished_memory_reads_as_zeroes);
	tcase_add_test(tc, numbers_are_held_and_free_again);
	tcase_add_test(tc, a_name_that_is_something_elses_is_left_out);
	tcase_add_loop_test(tc, text_is_cut_between_characters, 0, ARRAY_LEN(texts));
	tcase_add_test(tc, errors_have_their_number);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
