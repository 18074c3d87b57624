/* SPDX-License-Identifier: BSD-2-Clause */
#include "doctor-parts.h"

void doctor_try_guest(struct doctor *d, enum doctor_trouble trouble)
{
	switch (trouble) {
	case DOCTOR_CLOSED:
		doctor_try(d, "bellring doctor %s # in a console of an administrator",
			   d->address);
		return;
	case DOCTOR_MISSING:
		doctor_try(d, "pnputil /enum-devices /connected /ids");
		return;
	case DOCTOR_UNUSABLE:
		doctor_try(d, "bellring list # which driver it has, and why not");
		return;
	case DOCTOR_TAKEN:
		doctor_try(d, "tasklist | findstr /i bellring # or: tasklist /m bellring.dll");
		return;
	case DOCTOR_SILENT:
	case DOCTOR_NO_VECTOR:
		doctor_try(d, "reg query HKLM\\SYSTEM\\CurrentControlSet\\Enum\\PCI /s /f "
			   "MSISupported # of VEN_1AF4&DEV_1110 has to be 1; and vectors=16 "
			   "for QEMU");
		return;
	case DOCTOR_UNCACHED:
		doctor_try(d, "bellring list # how it is mapped");
		return;
	case DOCTOR_FOREIGN:
		doctor_try(d, "bellring peers # on the host: is it this memory?");
		return;
	}
}
