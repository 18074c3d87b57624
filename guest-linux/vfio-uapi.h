/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vfio-uapi.h - what linux/vfio.h of an older system lacks
 *
 * Numbers and structures of Linux 6.6: include/uapi/linux/vfio.h (the device's
 * own file) and include/uapi/linux/iommufd.h.
 */
#ifndef BELL_VFIO_UAPI_H
#define BELL_VFIO_UAPI_H

#include <linux/ioctl.h>
#include <linux/types.h>
#include <linux/vfio.h>

#ifndef VFIO_DEVICE_BIND_IOMMUFD
struct vfio_device_bind_iommufd {
	__u32 argsz;
	__u32 flags;
	__s32 iommufd;
	__u32 out_devid;
};
#define VFIO_DEVICE_BIND_IOMMUFD _IO(VFIO_TYPE, VFIO_BASE + 18)
#endif

#ifndef VFIO_DEVICE_ATTACH_IOMMUFD_PT
struct vfio_device_attach_iommufd_pt {
	__u32 argsz;
	__u32 flags;
	__u32 pt_id;
};
#define VFIO_DEVICE_ATTACH_IOMMUFD_PT _IO(VFIO_TYPE, VFIO_BASE + 19)
#endif

/* Under names of our own: linux/iommufd.h, where it is, is not included. */
struct vfio_ioas_alloc {
	__u32 size;
	__u32 flags;
	__u32 out_ioas_id;
};
#define VFIO_IOAS_ALLOC _IO(';', 0x81) /* IOMMU_IOAS_ALLOC */

#endif
