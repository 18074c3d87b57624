/* SPDX-License-Identifier: BSD-2-Clause */
#include "standin.h"

#include "standin-linux.h"

/* Public.h, GUID_DEVINTERFACE_IVSHMEM. */
static const GUID interface_guid = {0xdf576976, 0x569d, 0x4672, {0x95, 0xa0, 0xf5, 0x7e, 0x4e,
								   0xa0, 0xb2, 0x10}};

static NTSTATUS done(IRP *irp, NTSTATUS status, ULONG_PTR given)
{
	irp->IoStatus.Status = status;
	irp->IoStatus.Information = given;
	IoCompleteRequest(irp, IO_NO_INCREMENT);
	return status;
}

/* ---- opening, asking, closing ------------------------------------------------------ */

static NTSTATUS NTAPI on_create(DEVICE_OBJECT *fdo, IRP *irp)
{
	struct device *d = fdo->DeviceExtension;

	if (d->removed)
		return done(irp, STATUS_DELETE_PENDING, 0);
	d->open++;
	modes_read(d);
	return done(irp, STATUS_SUCCESS, 0);
}

/*
 * A queue of the framework that takes no more requests, as that of a device that
 * is removed: FxIoQueue::QueueRequest(), microsoft/Windows-Driver-Frameworks.
 */
static NTSTATUS NTAPI on_control(DEVICE_OBJECT *fdo, IRP *irp)
{
	struct device *d = fdo->DeviceExtension;
	ULONG_PTR given = 0;
	NTSTATUS rc;

	if (d->removed)
		return done(irp, STATUS_INVALID_DEVICE_STATE, 0);
	rc = request(d, irp->Tail.Overlay.OriginalFileObject, IoGetCurrentIrpStackLocation(irp),
		     irp->AssociatedIrp.SystemBuffer, &given);
	return done(irp, rc, given);
}

/* Queue.c, IVSHMEMEvtDeviceFileCleanup(). */
static NTSTATUS NTAPI on_close(DEVICE_OBJECT *fdo, IRP *irp)
{
	struct device *d = fdo->DeviceExtension;
	FILE_OBJECT *file = irp->Tail.Overlay.OriginalFileObject;
	struct mapping *m;

	slots_free(d, file);
	m = client_mapping(d, file);
	if (m)
		client_unmap(m);
	d->open--;
	done(irp, STATUS_SUCCESS, 0);
	if (d->deleted && !d->open)
		IoDeleteDevice(fdo);
	return STATUS_SUCCESS;
}

/* ---- plug and play ----------------------------------------------------------------- */

static void start(struct device *d)
{
	const char *wrong = NULL;

	if (linux_check())
		wrong = "Wine catches system calls, as 11.5 and later do: the stand-in cannot "
			"work; use an older Wine";
	if (!wrong)
		wrong = modes_join(d);
	if (!wrong && IoSetDeviceInterfaceState(&d->link, TRUE))
		wrong = "the interface cannot be enabled";
	modes_read(d);
	modes_say(d, wrong ? wrong : "ready");
}

/*
 * Device.c, IVSHMEMEvtDeviceReleaseHardware(): mapping and events are gone. (It unmaps
 * in a thread of the system, so the mapping may stay: guest-win/guard.h.)
 */
static void stop(struct device *d)
{
	if (d->removed)
		return;
	d->removed = TRUE;
	IoSetDeviceInterfaceState(&d->link, FALSE);
	peer_leave(&d->peer);
	slots_free(d, NULL);
	while (!d->modes.stays && !IsListEmpty(&d->mappings))
		client_unmap(CONTAINING_RECORD(d->mappings.Flink, struct mapping, entry));
	ZwClose(d->key);
}

/*
 * Windows waits for the last handle with this request; Wine does not, and what
 * comes by such a handle would reach the device below.
 */
static void delete(DEVICE_OBJECT *fdo)
{
	struct device *d = fdo->DeviceExtension;

	d->deleted = TRUE;
	if (d->open)
		return;
	IoDetachDevice(d->lower);
	IoDeleteDevice(fdo);
}

static NTSTATUS NTAPI on_pnp(DEVICE_OBJECT *fdo, IRP *irp)
{
	struct device *d = fdo->DeviceExtension;
	UCHAR minor = IoGetCurrentIrpStackLocation(irp)->MinorFunction;
	DEVICE_OBJECT *lower = d->lower;
	NTSTATUS rc;

	if (minor == IRP_MN_START_DEVICE)
		start(d);
	if (minor == IRP_MN_SURPRISE_REMOVAL || minor == IRP_MN_REMOVE_DEVICE)
		stop(d);
	IoSkipCurrentIrpStackLocation(irp);
	rc = IoCallDriver(lower, irp);
	if (minor == IRP_MN_REMOVE_DEVICE)
		delete(fdo);
	return rc;
}

static NTSTATUS NTAPI add_device(DRIVER_OBJECT *driver, DEVICE_OBJECT *pdo)
{
	DEVICE_OBJECT *fdo;
	struct device *d;
	NTSTATUS rc;

	rc = IoCreateDevice(driver, sizeof(*d), NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &fdo);
	if (rc)
		return rc;
	d = fdo->DeviceExtension;
	memset(d, 0, sizeof(*d));
	d->pdo = pdo;
	InitializeListHead(&d->mappings);
	slots_init(d);
	peer_init(&d->peer);
	d->peer.interrupt = slots_interrupt;
	d->peer.arg = d;
	d->lower = IoAttachDeviceToDeviceStack(fdo, pdo);
	fdo->Flags &= ~(ULONG)DO_DEVICE_INITIALIZING;
	rc = IoOpenDeviceRegistryKey(pdo, PLUGPLAY_REGKEY_DEVICE, KEY_ALL_ACCESS, &d->key);
	if (rc)
		return rc;
	return IoRegisterDeviceInterface(pdo, &interface_guid, NULL, &d->link);
}

static void NTAPI unload(DRIVER_OBJECT *driver)
{
	UNREFERENCED_PARAMETER(driver);
}

NTSTATUS NTAPI DriverEntry(DRIVER_OBJECT *driver, UNICODE_STRING *path);

NTSTATUS NTAPI DriverEntry(DRIVER_OBJECT *driver, UNICODE_STRING *path)
{
	UNREFERENCED_PARAMETER(path);
	driver->DriverExtension->AddDevice = add_device;
	driver->DriverUnload = unload;
	driver->MajorFunction[IRP_MJ_CREATE] = on_create;
	driver->MajorFunction[IRP_MJ_CLOSE] = on_close;
	driver->MajorFunction[IRP_MJ_DEVICE_CONTROL] = on_control;
	driver->MajorFunction[IRP_MJ_PNP] = on_pnp;
	return STATUS_SUCCESS;
}
