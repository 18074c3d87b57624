/* SPDX-License-Identifier: BSD-2-Clause */
/* The device in a Windows guest, before it is opened: what Windows says of it. */
#include "doctor-parts.h"
#include "win.h"

#include <initguid.h>
#include <setupapi.h>
#include <cfgmgr32.h>
#include <devpkey.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HARDWARE_ID L"VEN_1AF4&DEV_1110"
#define SERVICE "ivshmem" /* virtio-win, ivshmem/ivshmem.inf */
#define MSIX_BIT 4u       /* DevProp_PciDevice_InterruptType_MsiX, pciprop.h */
#define QEMU_DEVICE "qemu-system-x86_64 ... -chardev socket,path=/run/bellring.sock," \
	"id=bell -device ivshmem-doorbell,chardev=bell,vectors=16"
#define INSTALL "pnputil /add-driver ivshmem.inf /install # README-WINDOWS.txt says where to get it"

/* DEVPKEY_PciDevice_InterruptSupport of pciprop.h, which needs a driver's headers. */
static const DEVPROPKEY interrupt_support = {
	{ 0x3ab22e31, 0x8264, 0x4b4e, { 0x9a, 0xf5, 0xa8, 0xd2, 0xd8, 0xe3, 0x3e, 0x62 } },
	14
};

/* ---- what Windows says -------------------------------------------------------------- */

struct found {
	char name[DOCTOR_DEVICE];  /* "0000:00:05.0" */
	char instance[256];        /* Windows' own name of it */
	char service[64], version[64], provider[64]; /* of its driver; "": none */
	unsigned problem;          /* CM_PROB_...; 0: none */
	DWORD interrupts;          /* kinds that it knows, bits; if known: */
	bool interrupts_known;
};

static void copy(char *to, size_t size, const wchar_t *from)
{
	if (!WideCharToMultiByte(CP_UTF8, 0, from, -1, to, (int)size, NULL, NULL))
		to[0] = '\0';
	to[size - 1] = '\0';
}

static bool read_number(HDEVINFO set, SP_DEVINFO_DATA *dev, const DEVPROPKEY *key,
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

static void read_text(HDEVINFO set, SP_DEVINFO_DATA *dev, const DEVPROPKEY *key,
		      char *out, size_t size)
{
	DEVPROPTYPE type = 0;
	wchar_t text[256] = L"";

	if (SetupDiGetDevicePropertyW(set, dev, key, &type, (PBYTE)text,
				      sizeof(text) - sizeof(text[0]), NULL, 0) &&
	    type == DEVPROP_TYPE_STRING)
		copy(out, size, text);
}

/* A list of texts that ends with an empty one. */
static bool is_ivshmem(HDEVINFO set, SP_DEVINFO_DATA *dev)
{
	wchar_t ids[1024] = L"";
	const wchar_t *id;

	if (!SetupDiGetDeviceRegistryPropertyW(set, dev, SPDRP_HARDWAREID, NULL, (PBYTE)ids,
					       sizeof(ids) - 2 * sizeof(ids[0]), NULL))
		return false;
	for (id = ids; *id; id += wcslen(id) + 1)
		if (wcsstr(id, HARDWARE_ID))
			return true;
	return false;
}

static void read_found(HDEVINFO set, SP_DEVINFO_DATA *dev, struct found *f)
{
	wchar_t text[256] = L"";
	DWORD bus = 0, address = 0;
	ULONG status = 0, problem = 0;

	*f = (struct found){ .problem = 0 };
	(void)read_number(set, dev, &DEVPKEY_Device_BusNumber, &bus);
	(void)read_number(set, dev, &DEVPKEY_Device_Address, &address);
	/* As bell_devices() has it. */
	snprintf(f->name, sizeof(f->name), "%04x:%02x:%02x.%x", (unsigned)(bus >> 8),
		 (unsigned)(bus & 0xff), (unsigned)(address >> 16 & 0x1f),
		 (unsigned)(address & 7));
	if (SetupDiGetDeviceInstanceIdW(set, dev, text, ARRAYSIZE(text), NULL))
		copy(f->instance, sizeof(f->instance), text);
	memset(text, 0, sizeof(text));
	if (SetupDiGetDeviceRegistryPropertyW(set, dev, SPDRP_SERVICE, NULL, (PBYTE)text,
					      sizeof(text) - sizeof(text[0]), NULL))
		copy(f->service, sizeof(f->service), text);
	read_text(set, dev, &DEVPKEY_Device_DriverVersion, f->version, sizeof(f->version));
	read_text(set, dev, &DEVPKEY_Device_DriverProvider, f->provider, sizeof(f->provider));
	if (CM_Get_DevNode_Status(&status, &problem, dev->DevInst, 0) == CR_SUCCESS &&
	    (status & DN_HAS_PROBLEM))
		f->problem = (unsigned)problem;
	f->interrupts_known = read_number(set, dev, &interrupt_support, &f->interrupts);
}

/* Calls fn with each of them. */
static void each_device(void (*fn)(const struct found *f, void *arg), void *arg)
{
	HDEVINFO set = SetupDiGetClassDevsW(NULL, NULL, NULL,
					    DIGCF_PRESENT | DIGCF_ALLCLASSES);
	SP_DEVINFO_DATA dev = { .cbSize = sizeof(dev) };
	struct found f;
	DWORD i;

	if (set == INVALID_HANDLE_VALUE)
		return;
	for (i = 0; SetupDiEnumDeviceInfo(set, i, &dev); i++) {
		if (!is_ivshmem(set, &dev))
			continue;
		read_found(set, &dev, &f);
		fn(&f, arg);
	}
	SetupDiDestroyDeviceInfoList(set);
}

/* ---- which one ------------------------------------------------------------------------ */

#define PLACES 256

struct wanted {
	const char *name; /* "" fits all; else "0000:00:03.0" or without the domain */
	unsigned count;
	char names[PLACES];
	struct found first;
};

static bool fits(const char *name, const char *wanted)
{
	return !*wanted || strcmp(name, wanted) == 0 ||
	       strcmp(strchr(name, ':') + 1, wanted) == 0;
}

static void add_device(const struct found *f, void *arg)
{
	struct wanted *w = arg;
	size_t used = strlen(w->names);

	if (!fits(f->name, w->name))
		return;
	snprintf(w->names + used, sizeof(w->names) - used, " %s", f->name);
	if (w->count++ == 0)
		w->first = *f;
}

static void check_device(struct doctor *d)
{
	char named[DOCTOR_DEVICE];
	struct wanted w = { .name = doctor_named_device(doctor_place(d), named) };

	each_device(add_device, &w);
	if (w.count == 1) {
		snprintf(d->device, sizeof(d->device), "%s", w.first.name);
		doctor_tell(d, DOCTOR_OK, "%s is an ivshmem device (%s)", d->device,
			    w.first.instance);
	} else if (w.count > 1) {
		doctor_try(d, "bellring doctor pci:%s", w.first.name);
		doctor_tell(d, DOCTOR_FAILURE, "%u devices, name one:%s", w.count, w.names);
	} else {
		doctor_try(d, "%s", QEMU_DEVICE);
		doctor_tell(d, DOCTOR_FAILURE, "no ivshmem device (1af4:1110)%s%s",
			    *w.name ? " at " : "", w.name);
	}
}

/* What Windows says of the device that was found; false, told, if there is none. */
static bool look_again(struct doctor *d, struct found *out)
{
	struct wanted w = { .name = d->device };

	if (d->device[0])
		each_device(add_device, &w);
	if (w.count == 0) {
		doctor_tell(d, DOCTOR_SKIPPED, "there is no one device to look at");
		return false;
	}
	*out = w.first;
	return true;
}

/* ---- its driver -------------------------------------------------------------------------- */

/* "Error codes in Device Manager in Windows", Microsoft. */
static const struct {
	unsigned problem;
	const char *what, *remedy;
} problems[] = {
	{ CM_PROB_NOT_CONFIGURED, "no driver is set up for it", INSTALL },
	{ CM_PROB_FAILED_START, "its driver does not start; with 4 GiB and more of memory "
	  "virtio-win's never does", "bellring-server -l 2G ... # on the host" },
	{ CM_PROB_NEED_RESTART, "it wants a restart of Windows", "shutdown /r /t 0" },
	{ CM_PROB_REINSTALL, "its driver is damaged", INSTALL },
	{ CM_PROB_DISABLED, "it is disabled", NULL },
	{ CM_PROB_FAILED_INSTALL, "no driver is installed for it", INSTALL },
	{ CM_PROB_HELD_FOR_EJECT, "it is being removed", NULL },
	{ CM_PROB_DRIVER_FAILED_LOAD, "its driver cannot be loaded", INSTALL },
	{ CM_PROB_UNSIGNED_DRIVER, "its driver is not signed as Windows wants it",
	  "bcdedit /set testsigning on # or a signed virtio-win" },
};

static void tell_problem(struct doctor *d, const struct found *f)
{
	const char *what = "see Device Manager", *remedy = NULL;
	size_t i;

	for (i = 0; i < ARRAYSIZE(problems); i++)
		if (problems[i].problem == f->problem) {
			what = problems[i].what;
			remedy = problems[i].remedy;
		}
	if (f->problem == CM_PROB_DISABLED)
		doctor_try(d, "pnputil /enable-device \"%s\"", f->instance);
	else if (remedy)
		doctor_try(d, "%s", remedy);
	else
		doctor_try(d, "pnputil /restart-device \"%s\"", f->instance);
	doctor_tell(d, DOCTOR_FAILURE, "code %u of Device Manager: %s", f->problem, what);
}

static void check_driver(struct doctor *d)
{
	struct found f;

	if (!look_again(d, &f))
		return;
	if (f.problem) {
		tell_problem(d, &f);
	} else if (!f.service[0]) {
		doctor_try(d, "%s", INSTALL);
		doctor_tell(d, DOCTOR_FAILURE, "it has no driver");
	} else if (_stricmp(f.service, SERVICE) != 0) {
		doctor_try(d, "%s", INSTALL);
		doctor_tell(d, DOCTOR_WARNING, "its driver is %s %s, and not virtio-win's "
			    SERVICE, f.service, f.version);
	} else {
		doctor_tell(d, DOCTOR_OK, "%s %s%s%s", f.service,
			    f.version[0] ? f.version : "of an unknown version",
			    f.provider[0] ? " by " : "", f.provider);
	}
}

static void check_msix(struct doctor *d)
{
	struct found f;

	if (!look_again(d, &f))
		return;
	if (!f.interrupts_known) {
		doctor_tell(d, DOCTOR_SKIPPED, "Windows does not say what interrupts it knows");
	} else if (f.interrupts & MSIX_BIT) {
		doctor_tell(d, DOCTOR_OK, "ivshmem-doorbell");
	} else {
		doctor_try(d, "%s", QEMU_DEVICE);
		doctor_tell(d, DOCTOR_WARNING, "no MSI-X: it is ivshmem-plain, without "
			    "doorbells; messages are polled for");
	}
}

/* ---- processors --------------------------------------------------------------------------- */

static void check_cpus(struct doctor *d)
{
	DWORD count = GetActiveProcessorCount(ALL_PROCESSOR_GROUPS);

	if (count > 1) {
		doctor_tell(d, DOCTOR_OK, "%lu", (unsigned long)count);
		return;
	}
	doctor_try(d, "qemu-system-... -smp 1,maxcpus=2");
	doctor_tell(d, DOCTOR_WARNING, "one CPU: if QEMU emulates it, and may have no other, it "
		    "leaves out memory barriers, and peers lose wake-ups");
}

const struct doctor_check doctor_guest[] = {
	{ "device", DOCTOR_GUEST, false, check_device },
	{ "driver", DOCTOR_GUEST, false, check_driver },
	{ "msi-x", DOCTOR_GUEST, false, check_msix },
	{ "cpus", DOCTOR_GUEST, false, check_cpus },
	{ NULL, 0, false, NULL },
};

bool doctor_find(struct doctor *d, char *out, size_t size)
{
	struct wanted w = { .name = "" };

	each_device(add_device, &w);
	if (w.count > 0) {
		/* Of several: check_device() lists them. */
		snprintf(out, size, "pci:");
		return true;
	}
	d->check = "address";
	doctor_try(d, "%s", QEMU_DEVICE);
	doctor_tell(d, DOCTOR_FAILURE, "nothing to look at: no ivshmem device in this machine");
	return false;
}
