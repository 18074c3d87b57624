/* SPDX-License-Identifier: BSD-2-Clause */
#include "doctor-parts.h"

void doctor_try_guest(struct doctor *d, enum doctor_trouble trouble)
{
	switch (trouble) {
	case DOCTOR_CLOSED:
		doctor_try(d, "sudo bellring doctor %s", d->address);
		return;
	case DOCTOR_MISSING:
		doctor_try(d, "lspci -d 1af4:1110");
		return;
	case DOCTOR_UNUSABLE:
		doctor_try(d, "bellring bind");
		return;
	case DOCTOR_TAKEN:
		doctor_try(d, "fuser -v /dev/vfio/*");
		return;
	case DOCTOR_SILENT:
		doctor_try(d, "grep -i ivshmem /proc/interrupts; setpci -s %s COMMAND",
			   d->device);
		return;
	case DOCTOR_NO_VECTOR:
		doctor_try(d, "bellring list # which ways there are, and why not");
		return;
	case DOCTOR_UNCACHED:
		doctor_try(d, "modprobe ivshmem_doorbell # which maps it cached");
		return;
	case DOCTOR_FOREIGN:
		doctor_try(d, "od -A d -c -N 64 %s # whose is it?",
			   d->side == DOCTOR_FILE ? doctor_word(d) : "MEMORY");
		return;
	}
}
