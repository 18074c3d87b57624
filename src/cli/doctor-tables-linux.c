/* SPDX-License-Identifier: BSD-2-Clause */
/* All checks of Linux, hosts and guests, in their order. */
#include "doctor-parts.h"

const struct doctor_check *const doctor_tables[] = {
	doctor_socket, doctor_file, doctor_guest, doctor_iommu,
	doctor_ways, doctor_opening,
	doctor_guest_opened, doctor_opened,
	doctor_control, doctor_host, doctor_qemu, doctor_libvirt, doctor_security,
	NULL,
};
