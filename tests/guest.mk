# The pure parts of the Linux guest ports.
if HAVE_CHECK
check_PROGRAMS += %D%/test-pci
TESTS += %D%/test-pci
%C%_test_pci_SOURCES = %D%/test-pci.c %D%/pci-tree.c %D%/pci-tree.h \
	%D%/testing.c %D%/testing.h
%C%_test_pci_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/guest-linux
%C%_test_pci_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
%C%_test_pci_LDADD = libcore.la $(CHECK_LIBS)

check_PROGRAMS += %D%/test-devices
TESTS += %D%/test-devices
%C%_test_devices_SOURCES = %D%/test-devices.c %D%/pci-tree.c %D%/pci-tree.h \
	%D%/testing.c %D%/testing.h
%C%_test_devices_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/guest-linux
%C%_test_devices_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
%C%_test_devices_LDADD = libcore.la $(CHECK_LIBS)

check_PROGRAMS += %D%/test-file %D%/test-sysfs %D%/test-vfio-ways
TESTS += %D%/test-file %D%/test-sysfs %D%/test-vfio-ways
%C%_test_file_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
%C%_test_file_LDADD = $(TEST_LIBS)
%C%_test_sysfs_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS) -I$(top_srcdir)/guest-linux
%C%_test_sysfs_LDADD = $(TEST_LIBS)
%C%_test_vfio_ways_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS) -I$(top_srcdir)/guest-linux
%C%_test_vfio_ways_LDADD = $(TEST_LIBS)
%C%_test_vfio_ways_LDFLAGS = -Wl,--wrap=ioctl
endif
