# Real guests: `make check-guest`, or `make check-guest GUEST_CASES="reboot sleep"`
# for the cases whose name holds one of these words. Needs QEMU, busybox-static
# and a Debian kernel (kernel.py says where that comes from), but no root.
EXTRA_DIST += \
	%D%/initramfs.py \
	%D%/kernel.py \
	%D%/rig.py \
	%D%/test-guest.py \
	%D%/vm.py

EXTRA_PROGRAMS += %D%/port-probe
%C%_port_probe_SOURCES = %D%/port-probe.c
%C%_port_probe_LDADD = libcore.la
%C%_port_probe_LDFLAGS = -all-static
CLEANFILES += %D%/port-probe

# check-TESTS alone would build every test program first.
check-guest: bellring-static bellring-server %D%/port-probe$(EXEEXT)
	@GUEST_CASES='$(GUEST_CASES)' $(MAKE) $(AM_MAKEFLAGS) check-TESTS \
		TESTS='%D%/test-guest.py' TEST_LOGS='%D%/test-guest.log' \
		check_PROGRAMS= check_LTLIBRARIES=
.PHONY: check-guest

# A host and a guest that talk, and how fast; see demo.py.
EXTRA_DIST += %D%/demo.py
demo: bellring-static bellring-server
	@top_srcdir='$(abs_top_srcdir)' top_builddir='$(abs_top_builddir)' \
		PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 $(srcdir)/%D%/demo.py
.PHONY: demo
