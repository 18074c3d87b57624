# Ports for Linux guests.
libcore_la_SOURCES += \
	%D%/bind.c \
	%D%/devices.c \
	%D%/devices.h \
	%D%/modprobe.c \
	%D%/modprobe.h \
	%D%/module.c \
	%D%/kmod/ivshmem_doorbell.h \
	%D%/pci.c \
	%D%/pci.h \
	%D%/plain.c \
	%D%/plain.h \
	%D%/region.c \
	%D%/region.h \
	%D%/sysfs-device.c \
	%D%/sysfs-device.h \
	%D%/sysfs.c \
	%D%/sysfs.h \
	%D%/vfio-cdev.c \
	%D%/vfio-device.c \
	%D%/vfio-device.h \
	%D%/vfio-group.c \
	%D%/vfio-uapi.h \
	%D%/vfio-ways.h \
	%D%/vfio.c

include %D%/kmod/local.mk
