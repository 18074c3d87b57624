/* SPDX-License-Identifier: BSD-2-Clause */
#include "installer.h"

#include <stdio.h>
#include <initguid.h>

#include <devpropdef.h>

/* devpkey.h and pciprop.h of the Windows kit; 16: MSI-X is supported. */
DEFINE_DEVPROPKEY(key_bus_number, 0xa45c254e, 0xdf1c, 0x4efd, 0x80, 0x20, 0x67, 0xd1, 0x46, 0xa8,
		  0x50, 0xe0, 23);
DEFINE_DEVPROPKEY(key_address, 0xa45c254e, 0xdf1c, 0x4efd, 0x80, 0x20, 0x67, 0xd1, 0x46, 0xa8,
		  0x50, 0xe0, 30);
DEFINE_DEVPROPKEY(key_interrupts, 0x3ab22e31, 0x8264, 0x4b4e, 0x9a, 0xf5, 0xa8, 0xd2, 0xd8, 0xe3,
		  0x3e, 0x62, 14);
DEFINE_GUID(class_system, 0x4d36e97d, 0xe325, 0x11ce, 0xbf, 0xc1, 0x08, 0x00, 0x2b, 0xe1, 0x03,
	    0x18);
DEFINE_GUID(interface_ivshmem, 0xdf576976, 0x569d, 0x4672, 0x95, 0xa0, 0xf5, 0x7e, 0x4e, 0xa0,
	    0xb2, 0x10);

/* Not in the headers of mingw-w64 10. */
WINSETUPAPI BOOL WINAPI SetupDiSetDevicePropertyW(HDEVINFO set, PSP_DEVINFO_DATA info,
						  const DEVPROPKEY *key, DEVPROPTYPE type,
						  const BYTE *data, DWORD size, DWORD flags);

enum {
	LINE_BASED = 1,
	MSIX = 4, /* DevProp_PciDevice_InterruptType_MsiX, pciprop.h */
	CHARS = 128,
	WAIT_MS = 10000,
	STEP_MS = 5
};

/* Wine's own pnp driver finds devices below ROOT only. */
static const WCHAR hardware_id[] = L"PCI\\VEN_1AF4&DEV_1110\0";

static int registry_property(struct entry *e, DWORD property, const void *data, size_t size)
{
	if (!SetupDiSetDeviceRegistryPropertyW(e->set, &e->info, property, data, (DWORD)size))
		return failed("SetupDiSetDeviceRegistryProperty");
	return 0;
}

static int property(struct entry *e, const DEVPROPKEY *key, UINT32 value)
{
	if (!SetupDiSetDevicePropertyW(e->set, &e->info, key, DEVPROP_TYPE_UINT32,
				       (const BYTE *)&value, sizeof(value), 0))
		return failed("SetupDiSetDeviceProperty");
	return 0;
}

/* Wine 8 knows neither SPDRP_BUSNUMBER nor SPDRP_ADDRESS, but these properties. */
static int describe(struct entry *e, const struct place *at)
{
	DWORD address = at->slot << 16 | at->function;
	WCHAR text[CHARS];
	int chars;

	chars = swprintf(text, CHARS, L"PCI bus %lu, device %lu, function %lu", at->bus, at->slot,
			 at->function);
	return registry_property(e, SPDRP_HARDWAREID, hardware_id, sizeof(hardware_id)) ||
	       registry_property(e, SPDRP_LOCATION_INFORMATION, text,
				 ((size_t)chars + 1) * sizeof(*text)) ||
	       property(e, &key_bus_number, at->bus) || property(e, &key_address, address) ||
	       property(e, &key_interrupts, LINE_BASED | (at->msix ? MSIX : 0));
}

int device_create(HDEVINFO set, const struct place *at, struct entry *out)
{
	WCHAR id[CHARS];

	swprintf(id, CHARS, L"ROOT\\IVSHMEM\\%02lX%02lX%lX", at->bus, at->slot, at->function);
	out->set = set;
	out->info.cbSize = sizeof(out->info);
	if (!SetupDiCreateDeviceInfoW(set, id, &class_system, NULL, NULL, 0, &out->info))
		return failed("SetupDiCreateDeviceInfo");
	if (describe(out, at))
		return 1;
	if (!SetupDiCallClassInstaller(DIF_REGISTERDEVICE, set, &out->info))
		return failed("DIF_REGISTERDEVICE");
	return 0;
}

int device_find(DWORD slot, struct entry *out)
{
	WCHAR id[CHARS];

	swprintf(id, CHARS, L"ROOT\\IVSHMEM\\%02X%02lX%X", 0, slot, 0);
	out->set = SetupDiCreateDeviceInfoList(NULL, NULL);
	out->info.cbSize = sizeof(out->info);
	if (!SetupDiOpenDeviceInfoW(out->set, id, NULL, 0, &out->info))
		return failed("no such device");
	return 0;
}

HKEY device_key(struct entry *e)
{
	return SetupDiCreateDevRegKeyW(e->set, &e->info, DICS_FLAG_GLOBAL, 0, DIREG_DEV, NULL,
				       NULL);
}

/* The driver's service looks for devices anew: control 128 of Wine's setupapi. */
static int enumerate(void)
{
	SC_HANDLE manager = OpenSCManagerW(NULL, NULL, SC_MANAGER_CONNECT);
	SC_HANDLE service = OpenServiceW(manager, L"IVSHMEM", SERVICE_USER_DEFINED_CONTROL);
	SERVICE_STATUS status;
	int rc = 0;

	if (!service || !ControlService(service, 128, &status))
		rc = failed("the service IVSHMEM");
	CloseServiceHandle(service);
	CloseServiceHandle(manager);
	return rc;
}

int device_remove(struct entry *e)
{
	if (!SetupDiCallClassInstaller(DIF_REMOVE, e->set, &e->info))
		return failed("DIF_REMOVE");
	return enumerate();
}

static HANDLE open_path(const SP_DEVICE_INTERFACE_DETAIL_DATA_W *detail)
{
	return CreateFileW(detail->DevicePath, 0, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL,
			   OPEN_EXISTING, 0, NULL);
}

static int open_interface(HDEVINFO set, SP_DEVICE_INTERFACE_DATA *which)
{
	union {
		SP_DEVICE_INTERFACE_DETAIL_DATA_W detail;
		WCHAR room[MAX_PATH];
	} u;
	HANDLE h;

	u.detail.cbSize = sizeof(u.detail);
	if (!SetupDiGetDeviceInterfaceDetailW(set, which, &u.detail, sizeof(u), NULL, NULL))
		return failed("SetupDiGetDeviceInterfaceDetail");
	h = open_path(&u.detail);
	if (h == INVALID_HANDLE_VALUE)
		return failed("opening the device");
	CloseHandle(h);
	return 0;
}

int device_touch(struct entry *e)
{
	SP_DEVICE_INTERFACE_DATA which = {.cbSize = sizeof(which)};
	WCHAR id[CHARS];
	HDEVINFO set;
	int rc;

	if (!SetupDiGetDeviceInstanceIdW(e->set, &e->info, id, CHARS, NULL))
		return failed("SetupDiGetDeviceInstanceId");
	set = SetupDiGetClassDevsW(&interface_ivshmem, id, NULL,
				   DIGCF_DEVICEINTERFACE | DIGCF_PRESENT);
	if (SetupDiEnumDeviceInterfaces(set, NULL, &interface_ivshmem, 0, &which))
		rc = open_interface(set, &which);
	else
		rc = failed("the device has no interface");
	SetupDiDestroyDeviceInfoList(set);
	return rc;
}

int device_renew(struct entry *e)
{
	HKEY key = device_key(e);

	RegDeleteValueA(key, "State");
	RegCloseKey(key);
	return 0;
}

int device_wait(struct entry *e)
{
	HKEY key = device_key(e);
	DWORD size, waited;
	char state[2 * CHARS];
	LSTATUS rc = ERROR_FILE_NOT_FOUND;

	for (waited = 0; rc == ERROR_FILE_NOT_FOUND && waited < WAIT_MS; waited += STEP_MS) {
		size = sizeof(state);
		rc = RegGetValueA(key, NULL, "State", RRF_RT_REG_SZ, NULL, state, &size);
		if (rc)
			Sleep(STEP_MS);
	}
	RegCloseKey(key);
	if (rc)
		fprintf(stderr, "the driver did not start the device in %u s\n", WAIT_MS / 1000);
	else if (strcmp(state, "ready"))
		fprintf(stderr, "the driver: %s\n", state);
	else
		return 0;
	return 1;
}
