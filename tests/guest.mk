# The pure parts of the Linux guest ports.
if HAVE_CHECK
check_PROGRAMS += %D%/test-pci
TESTS += %D%/test-pci
%C%_test_pci_SOURCES = %D%/test-pci.c %D%/testing.c %D%/testing.h
%C%_test_pci_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/guest-linux
%C%_test_pci_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
%C%_test_pci_LDADD = libcore.la $(CHECK_LIBS)
endif
