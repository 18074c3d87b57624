/* SPDX-License-Identifier: BSD-2-Clause */
#include "os.h"

#include "text.h"

#include <windows.h>

#include <bcrypt.h>

#define NS_PER_S UINT64_C(1000000000)

/* Its frequency is fixed at boot: QueryPerformanceFrequency(). */
uint64_t os_now_ns(void)
{
	LARGE_INTEGER frequency, now;
	uint64_t f, t;

	QueryPerformanceFrequency(&frequency);
	QueryPerformanceCounter(&now);
	f = (uint64_t)frequency.QuadPart;
	t = (uint64_t)now.QuadPart;
	return t / f * NS_PER_S + t % f * NS_PER_S / f;
}

uint64_t os_random(void)
{
	uint64_t v = 0;

	if (BCryptGenRandom(NULL, (PUCHAR)&v, sizeof(v), BCRYPT_USE_SYSTEM_PREFERRED_RNG) < 0)
		v = os_now_ns() * UINT64_C(0x9e3779b97f4a7c15) ^ GetCurrentProcessId();
	return v;
}

void os_claim(void *at, size_t len)
{
	(void)at;
	(void)len;
}

void os_copy(void *restrict to, const void *restrict from, size_t len)
{
	memcpy(to, from, len);
}

void os_yield(void)
{
	SwitchToThread();
}

void os_sleep_ms(unsigned ms)
{
	Sleep(ms);
}

uint32_t os_pid(void)
{
	return GetCurrentProcessId();
}

void os_hostname(char *buf, size_t size)
{
	wchar_t name[256];
	DWORD len = sizeof(name) / sizeof(name[0]);

	buf[0] = '\0';
	if (GetComputerNameExW(ComputerNameDnsHostname, name, &len))
		text_from_wide(name, buf, size);
}
