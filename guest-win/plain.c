/* SPDX-License-Identifier: BSD-2-Clause */
#include "plain.h"

#include "identity.h"
#include "os.h"

#include <windows.h>

#include <string.h>

#define KEY L"SOFTWARE\\Microsoft\\Cryptography"

uint32_t plain_id(const char *device)
{
	uint64_t hash = IDENTITY_BEGIN;
	wchar_t guid[64];
	DWORD size = sizeof(guid);
	char name[256];

	if (RegGetValueW(HKEY_LOCAL_MACHINE, KEY, L"MachineGuid", RRF_RT_REG_SZ, NULL, guid,
			 &size) == ERROR_SUCCESS)
		hash = identity_mix(hash, guid, size);
	os_hostname(name, sizeof(name));
	hash = identity_mix(hash, name, strlen(name) + 1);
	return identity_id(identity_mix(hash, device, strlen(device)));
}
