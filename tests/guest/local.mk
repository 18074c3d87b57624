# Real guests: `make check-guest`, or `make check-guest GUEST_CASES="reboot sleep"`
# for the cases whose name holds one of these words. Needs QEMU, busybox-static
# and a Debian kernel (kernel.py says where that comes from), but no root.
EXTRA_DIST += \
	%D%/blocks.py \
	%D%/debian.py \
	%D%/initramfs.py \
	%D%/kernel.py \
	%D%/managed.py \
	%D%/pair.py \
	%D%/rig.py \
	%D%/test-conformance-vfio.py \
	%D%/test-guest.py \
	%D%/test-restart.py \
	%D%/test-systemd.py \
	%D%/test-two-guests.py \
	%D%/vm.py

EXTRA_PROGRAMS += %D%/port-probe
%C%_port_probe_SOURCES = %D%/port-probe.c
%C%_port_probe_LDADD = libcore.la
%C%_port_probe_LDFLAGS = -all-static
CLEANFILES += %D%/port-probe

EXTRA_PROGRAMS += %D%/counter
%C%_counter_SOURCES = %D%/counter.c
%C%_counter_LDADD = libbellring.la
%C%_counter_LDFLAGS = -all-static
CLEANFILES += %D%/counter

# The conformance suite (tests/unit.mk), as a program for a guest.
if HAVE_CHECK
EXTRA_PROGRAMS += %D%/conformance-vfio
%C%_conformance_vfio_SOURCES = $(CONFORMANCE) %D%/conformance-vfio.c
%C%_conformance_vfio_LDADD = $(TEST_LIBS)
%C%_conformance_vfio_LDFLAGS = -all-static \
	-Wl,--wrap=setup,--wrap=setup_raw,--wrap=_tcase_add_test,--wrap=bell_close
CLEANFILES += %D%/conformance-vfio
GUEST_CONFORMANCE = %D%/conformance-vfio$(EXEEXT)
endif

GUEST_TESTS = \
	%D%/test-guest.py \
	%D%/test-two-guests.py \
	%D%/test-restart.py \
	%D%/test-systemd.py \
	%D%/test-conformance-vfio.py

# check-TESTS alone would build every test program first. Two at once: an
# emulated guest keeps hardly more than one core busy.
check-guest: bellring bellring-static bellring-server $(UNITS) %D%/port-probe$(EXEEXT) \
		%D%/counter$(EXEEXT) $(GUEST_CONFORMANCE)
	@GUEST_CASES='$(GUEST_CASES)' $(MAKE) $(AM_MAKEFLAGS) -j2 check-TESTS \
		TESTS='$(GUEST_TESTS)' TEST_LOGS='$(GUEST_TESTS:.py=.log)' \
		check_PROGRAMS= check_LTLIBRARIES=
.PHONY: check-guest

# A host and a guest that talk, and how fast; see demo.py.
EXTRA_DIST += %D%/demo.py
demo: bellring-static bellring-server
	@top_srcdir='$(abs_top_srcdir)' top_builddir='$(abs_top_builddir)' \
		PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 $(srcdir)/%D%/demo.py
.PHONY: demo
