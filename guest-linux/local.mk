# Ports for Linux guests.
libcore_la_SOURCES += \
	%D%/bind.c \
	%D%/modprobe.c \
	%D%/modprobe.h \
	%D%/pci.c \
	%D%/pci.h \
	%D%/vfio-device.c \
	%D%/vfio-device.h \
	%D%/vfio.c
