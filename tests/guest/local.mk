# Real guests: `make check-guest`, or `make check-guest GUEST_CASES="reboot sleep"`
# for the cases whose name holds one of these words. Needs QEMU, busybox-static
# and a Debian kernel (kernel.py says where that comes from), but no root.
EXTRA_DIST += \
	%D%/arm64.py \
	%D%/blocks.py \
	%D%/debian.py \
	%D%/initramfs.py \
	%D%/kernel.py \
	%D%/kmod.py \
	%D%/managed.py \
	%D%/packages.py \
	%D%/pair.py \
	%D%/rig.py \
	%D%/conformance.py \
	%D%/test-aarch64.py \
	%D%/test-conformance-aarch64.py \
	%D%/test-conformance-module.py \
	%D%/test-conformance-sysfs.py \
	%D%/test-conformance-vfio.py \
	%D%/test-ports.py \
	%D%/test-doctor.py \
	%D%/test-guest.py \
	%D%/test-list.py \
	%D%/test-module.py \
	%D%/test-processes.py \
	%D%/test-restart.py \
	%D%/test-systemd.py \
	%D%/test-two-guests.py \
	%D%/test-udev.py \
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

# Clients of the kernel module, which kmod.py builds for the guest's kernel.
MODULE_PROBES = %D%/module-check %D%/module-fuzz %D%/module-probe
EXTRA_PROGRAMS += $(MODULE_PROBES)
MODULE_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/guest-linux -D_GNU_SOURCE
%C%_module_check_SOURCES = %D%/module-check.c %D%/module-client.h
%C%_module_check_CPPFLAGS = $(MODULE_CPPFLAGS)
%C%_module_check_LDFLAGS = -all-static
%C%_module_fuzz_SOURCES = %D%/module-fuzz.c %D%/module-client.h
%C%_module_fuzz_CPPFLAGS = $(MODULE_CPPFLAGS)
%C%_module_fuzz_LDFLAGS = -all-static
%C%_module_probe_SOURCES = %D%/module-probe.c %D%/module-client.h
%C%_module_probe_CPPFLAGS = $(MODULE_CPPFLAGS)
%C%_module_probe_LDFLAGS = -all-static
CLEANFILES += $(MODULE_PROBES) ivshmem_doorbell-*.ko kmod.lock

# The conformance suite (tests/unit.mk), as a program for a guest.
if HAVE_CHECK
EXTRA_PROGRAMS += %D%/conformance-guest
%C%_conformance_guest_SOURCES = $(UNTOLD) %D%/conformance-guest.c
%C%_conformance_guest_LDADD = $(TEST_LIBS)
%C%_conformance_guest_LDFLAGS = -all-static $(UNTOLD_WRAP)
CLEANFILES += %D%/conformance-guest
GUEST_CONFORMANCE = %D%/conformance-guest$(EXEEXT)
endif

# The longest first, since two run at once.
GUEST_TESTS = \
	%D%/test-systemd.py \
	%D%/test-conformance-module.py \
	%D%/test-conformance-sysfs.py \
	%D%/test-two-guests.py \
	%D%/test-conformance-vfio.py \
	%D%/test-aarch64.py \
	%D%/test-guest.py \
	%D%/test-module.py \
	%D%/test-ports.py \
	%D%/test-doctor.py \
	%D%/test-restart.py \
	%D%/test-processes.py \
	%D%/test-list.py \
	%D%/test-udev.py

# check-TESTS alone would build every test program first. Two at once: an
# emulated guest keeps hardly more than one core busy.
check-guest: bellring bellring-static bellring-server $(UNITS) %D%/port-probe$(EXEEXT) \
		%D%/counter$(EXEEXT) $(MODULE_PROBES) $(GUEST_CONFORMANCE)
	@GUEST_CASES='$(GUEST_CASES)' $(MAKE) $(AM_MAKEFLAGS) -j2 check-TESTS \
		TESTS='$(GUEST_TESTS)' TEST_LOGS='$(GUEST_TESTS:.py=.log)' \
		check_PROGRAMS= check_LTLIBRARIES=
.PHONY: check-guest

# All of the conformance suite on an emulated aarch64, which takes its time.
check-guest-aarch64: bellring-server
	@GUEST_CASES='$(GUEST_CASES)' $(MAKE) $(AM_MAKEFLAGS) check-TESTS \
		TESTS=%D%/test-conformance-aarch64.py \
		TEST_LOGS=%D%/test-conformance-aarch64.log \
		check_PROGRAMS= check_LTLIBRARIES=
.PHONY: check-guest-aarch64

# A host and a guest that talk, and how fast; see demo.py.
EXTRA_DIST += %D%/demo.py
demo: bellring-static bellring-server
	@top_srcdir='$(abs_top_srcdir)' top_builddir='$(abs_top_builddir)' \
		PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 $(srcdir)/%D%/demo.py
.PHONY: demo
