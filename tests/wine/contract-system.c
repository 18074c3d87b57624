/* SPDX-License-Identifier: BSD-2-Clause */
#include "contract.h"

#include <setupapi.h>
#include <stdio.h>
#include <stdlib.h>

enum { CHARS = 512 };

static const GUID interface_guid = {0xdf576976, 0x569d, 0x4672, {0x95, 0xa0, 0xf5, 0x7e, 0x4e,
								   0xa0, 0xb2, 0x10}};

static char *utf8(const WCHAR *wide)
{
	int size = WideCharToMultiByte(CP_UTF8, 0, wide, -1, NULL, 0, NULL, NULL);
	char *text = malloc((size_t)size);

	if (text)
		WideCharToMultiByte(CP_UTF8, 0, wide, -1, text, size, NULL, NULL);
	return text;
}

/* The device of that number; its path if wanted. */
static int find(unsigned number, HDEVINFO *set, SP_DEVINFO_DATA *info, char **path)
{
	SP_DEVICE_INTERFACE_DATA which = {.cbSize = sizeof(which)};
	union {
		SP_DEVICE_INTERFACE_DETAIL_DATA_W detail;
		WCHAR room[CHARS];
	} u;

	info->cbSize = sizeof(*info);
	u.detail.cbSize = sizeof(u.detail);
	*set = SetupDiGetClassDevsW(&interface_guid, NULL, NULL,
				    DIGCF_DEVICEINTERFACE | DIGCF_PRESENT);
	if (!SetupDiEnumDeviceInterfaces(*set, NULL, &interface_guid, number, &which) ||
	    !SetupDiGetDeviceInterfaceDetailW(*set, &which, &u.detail, sizeof(u), NULL, info))
		return 0;
	if (path)
		*path = utf8(u.detail.DevicePath);
	return 1;
}

char *system_device(unsigned number)
{
	SP_DEVINFO_DATA info;
	char *path = NULL;
	HDEVINFO set;

	find(number, &set, &info, &path);
	SetupDiDestroyDeviceInfoList(set);
	return path;
}

/* ---- versions ------------------------------------------------------------------------ */

/* GetVersionEx() tells programs without a manifest of an older Windows. */
static void print_windows(void)
{
	OSVERSIONINFOW v = {.dwOSVersionInfoSize = sizeof(v)};
	HMODULE ntdll = GetModuleHandleW(L"ntdll.dll");
	LONG(WINAPI * get)(OSVERSIONINFOW *);
	const char *(*wine)(void);

	get = (LONG(WINAPI *)(OSVERSIONINFOW *))(void *)GetProcAddress(ntdll, "RtlGetVersion");
	wine = (const char *(*)(void))(void *)GetProcAddress(ntdll, "wine_get_version");
	if (get)
		get(&v);
	printf("# Windows %lu.%lu.%lu%s%s\n", v.dwMajorVersion, v.dwMinorVersion, v.dwBuildNumber,
	       wine ? ", which is Wine " : "", wine ? wine() : "");
}

static void print_version(const WCHAR *file)
{
	DWORD size = GetFileVersionInfoSizeW(file, NULL);
	void *data = malloc(size + 1);
	VS_FIXEDFILEINFO *v;
	UINT len;

	if (data && GetFileVersionInfoW(file, 0, size, data) &&
	    VerQueryValueW(data, L"\\", (void **)&v, &len))
		printf("# driver version %u.%u.%u.%u\n", HIWORD(v->dwFileVersionMS),
		       LOWORD(v->dwFileVersionMS), HIWORD(v->dwFileVersionLS),
		       LOWORD(v->dwFileVersionLS));
	else
		printf("# driver version unknown: error %lu\n", GetLastError());
	free(data);
}

/* Where the driver's service has its file; a path below the system's folder, too. */
static void print_driver(const WCHAR *service)
{
	WCHAR key[CHARS], image[CHARS], full[CHARS];
	DWORD size = sizeof(image);
	const WCHAR *file = image;
	char *text;

	_snwprintf(key, CHARS, L"System\\CurrentControlSet\\Services\\%ls", service);
	if (RegGetValueW(HKEY_LOCAL_MACHINE, key, L"ImagePath", RRF_RT_REG_SZ,
			 NULL, image, &size)) {
		printf("# the driver's file is unknown\n");
		return;
	}
	if (!_wcsnicmp(image, L"\\SystemRoot\\", 12)) {
		GetWindowsDirectoryW(full, CHARS);
		wcsncat(full, image + 11, CHARS - wcslen(full) - 1);
		file = full;
	} else if (!_wcsnicmp(image, L"System32\\", 9)) {
		GetWindowsDirectoryW(full, CHARS);
		wcsncat(full, L"\\", 2);
		wcsncat(full, image, CHARS - wcslen(full) - 1);
		file = full;
	}
	text = utf8(file);
	printf("# driver %s\n", text ? text : "");
	free(text);
	print_version(file);
}

static void print_text(HDEVINFO set, SP_DEVINFO_DATA *info, DWORD property, const char *what)
{
	WCHAR value[CHARS] = L"";
	char *text;

	if (!SetupDiGetDeviceRegistryPropertyW(set, info, property, NULL, (BYTE *)value,
					       sizeof(value), NULL))
		return;
	text = utf8(value);
	printf("# %s %s\n", what, text ? text : "");
	free(text);
}

void system_print(unsigned number)
{
	WCHAR service[CHARS] = L"";
	SP_DEVINFO_DATA info;
	HDEVINFO set;

	print_windows();
	if (!find(number, &set, &info, NULL))
		return;
	print_text(set, &info, SPDRP_DEVICEDESC, "device");
	print_text(set, &info, SPDRP_HARDWAREID, "hardware id");
	print_text(set, &info, SPDRP_LOCATION_INFORMATION, "location");
	if (SetupDiGetDeviceRegistryPropertyW(set, &info, SPDRP_SERVICE, NULL, (BYTE *)service,
					      sizeof(service), NULL))
		print_driver(service);
	SetupDiDestroyDeviceInfoList(set);
}
