/* SPDX-License-Identifier: BSD-2-Clause */
#include "device.h"

#include "driver.h"
#include "text.h"

#include <initguid.h>
#include <setupapi.h>
#include <cfgmgr32.h>
#include <devpkey.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HARDWARE_ID L"VEN_1AF4&DEV_1110"
#define MSIX_BIT 4u /* DevProp_PciDevice_InterruptType_MsiX, pciprop.h */

/* DEVPKEY_PciDevice_InterruptSupport of pciprop.h, which needs a driver's headers. */
static const DEVPROPKEY interrupt_support = {
	{ 0x3ab22e31, 0x8264, 0x4b4e, { 0x9a, 0xf5, 0xa8, 0xd2, 0xd8, 0xe3, 0x3e, 0x62 } }, 14
};

/* ---- one device ---------------------------------------------------------------- */

static bool number_property(HDEVINFO set, SP_DEVINFO_DATA *dev, const DEVPROPKEY *key,
			    DWORD *out)
{
	DEVPROPTYPE type = 0;
	DWORD value = 0;

	if (!SetupDiGetDevicePropertyW(set, dev, key, &type, (PBYTE)&value, sizeof(value),
				       NULL, 0) || type != DEVPROP_TYPE_UINT32)
		return false;
	*out = value;
	return true;
}

/* A list of texts that ends with an empty one; the id is in one of them. */
static bool is_ivshmem(HDEVINFO set, SP_DEVINFO_DATA *dev)
{
	wchar_t ids[1024] = L"";
	DWORD type;

	if (!SetupDiGetDeviceRegistryPropertyW(set, dev, SPDRP_HARDWAREID, &type, (PBYTE)ids,
					       sizeof(ids) - 2 * sizeof(ids[0]), NULL))
		return false;
	for (const wchar_t *id = ids; *id; id += wcslen(id) + 1)
		if (wcsstr(id, HARDWARE_ID))
			return true;
	return false;
}

/* Of several PCI segments the number is in the upper bits of the bus's. */
static void read_name(HDEVINFO set, SP_DEVINFO_DATA *dev, struct device *out)
{
	DWORD bus = 0, address = 0;

	(void)number_property(set, dev, &DEVPKEY_Device_BusNumber, &bus);
	(void)number_property(set, dev, &DEVPKEY_Device_Address, &address);
	snprintf(out->name, sizeof(out->name), "%04lx:%02lx:%02lx.%lx", bus >> 8, bus & 0xff,
		 address >> 16 & 0x1f, address & 7);
}

static void read_msix(HDEVINFO set, SP_DEVINFO_DATA *dev, struct device *out)
{
	DWORD support;

	if (number_property(set, dev, &interrupt_support, &support))
		out->msix = support & MSIX_BIT ? DEVICE_MSIX_YES : DEVICE_MSIX_NO;
}

static void read_driver(HDEVINFO set, SP_DEVINFO_DATA *dev, struct device *out)
{
	wchar_t text[128] = L"";
	DEVPROPTYPE type = 0;
	ULONG status = 0, problem = 0;

	if (SetupDiGetDeviceRegistryPropertyW(set, dev, SPDRP_SERVICE, NULL, (PBYTE)text,
					      sizeof(text) - sizeof(text[0]), NULL))
		text_from_wide(text, out->driver, sizeof(out->driver));
	memset(text, 0, sizeof(text));
	if (SetupDiGetDevicePropertyW(set, dev, &DEVPKEY_Device_DriverVersion, &type,
				      (PBYTE)text, sizeof(text) - sizeof(text[0]), NULL, 0))
		text_from_wide(text, out->version, sizeof(out->version));
	if (CM_Get_DevNode_Status(&status, &problem, dev->DevInst, 0) == CR_SUCCESS &&
	    status & DN_HAS_PROBLEM)
		out->problem = (unsigned)problem;
}

/* The path of the driver's interface; none if the driver did not start. */
static void read_path(HDEVINFO set, SP_DEVINFO_DATA *dev, struct device *out)
{
	union {
		SP_DEVICE_INTERFACE_DETAIL_DATA_W detail;
		unsigned char room[sizeof(DWORD) + DEVICE_PATH * sizeof(wchar_t)];
	} u;
	SP_DEVICE_INTERFACE_DATA interface = { .cbSize = sizeof(interface) };

	u.detail.cbSize = sizeof(u.detail);
	if (SetupDiEnumDeviceInterfaces(set, dev, &driver_interface, 0, &interface) &&
	    SetupDiGetDeviceInterfaceDetailW(set, &interface, &u.detail, sizeof(u), NULL, NULL))
		wcscpy(out->path, u.detail.DevicePath);
}

/* ---- all ------------------------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
	const struct device *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static int failed(void)
{
	char text[TEXT_ERROR];

	return error_detail(BELL_EIO, "listing devices: %s", text_of_error(GetLastError(), text));
}

static bool read_instance(HDEVINFO set, SP_DEVINFO_DATA *dev, wchar_t *instance)
{
	return SetupDiGetDeviceInstanceIdW(set, dev, instance, DEVICE_INSTANCE, NULL) != 0;
}

/* Fills in the paths of those that a driver serves. */
static int add_paths(struct device *list, int n)
{
	wchar_t instance[DEVICE_INSTANCE];
	HDEVINFO set = SetupDiGetClassDevsW(&driver_interface, NULL, NULL,
					    DIGCF_PRESENT | DIGCF_DEVICEINTERFACE);
	SP_DEVINFO_DATA dev = { .cbSize = sizeof(dev) };

	if (set == INVALID_HANDLE_VALUE)
		return failed();
	for (DWORD i = 0; SetupDiEnumDeviceInfo(set, i, &dev); i++)
		for (int k = 0; k < n && read_instance(set, &dev, instance); k++)
			if (_wcsicmp(list[k].instance, instance) == 0)
				read_path(set, &dev, &list[k]);
	SetupDiDestroyDeviceInfoList(set);
	return 0;
}

int device_list(struct device *list, int max)
{
	HDEVINFO set = SetupDiGetClassDevsW(NULL, NULL, NULL, DIGCF_PRESENT | DIGCF_ALLCLASSES);
	SP_DEVINFO_DATA dev = { .cbSize = sizeof(dev) };
	int n = 0, rc;

	if (set == INVALID_HANDLE_VALUE)
		return failed();
	for (DWORD i = 0; n < max && SetupDiEnumDeviceInfo(set, i, &dev); i++) {
		list[n] = (struct device){ .name = "" };
		if (!is_ivshmem(set, &dev) || !read_instance(set, &dev, list[n].instance))
			continue;
		read_name(set, &dev, &list[n]);
		read_msix(set, &dev, &list[n]);
		read_driver(set, &dev, &list[n]);
		n++;
	}
	SetupDiDestroyDeviceInfoList(set);
	rc = add_paths(list, n);
	if (rc < 0)
		return rc;
	qsort(list, (size_t)n, sizeof(*list), by_name);
	return n;
}

int device_check(const struct device *dev)
{
	if (dev->path[0])
		return 0;
	if (dev->problem)
		return error_detail(BELL_EUNSUP,
				    "%s: Windows says code %u of it: install virtio-win's ivshmem driver, or see Device Manager",
				    dev->name, dev->problem);
	return error_detail(BELL_EUNSUP,
			    "%s: %s%s: install virtio-win's ivshmem driver: pnputil /add-driver ivshmem.inf /install",
			    dev->name, dev->driver[0] ? "not served by the driver " : "has no driver",
			    dev->driver);
}
