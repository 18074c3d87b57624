# The server and the library with QEMU's real device, without a guest.
device_tests = \
	%D%/test-facts.py \
	%D%/test-server.py \
	%D%/test-host.py \
	%D%/test-doctor.py \
	%D%/test-machine.py \
	%D%/test-restart.py
EXTRA_DIST += $(device_tests) \
	%D%/children.py \
	%D%/ivshmem.py \
	%D%/keeper.py \
	%D%/qtest.py \
	%D%/rig.py

EXTRA_PROGRAMS += %D%/peer-echo
%C%_peer_echo_SOURCES = %D%/peer-echo.c
%C%_peer_echo_LDADD = libbellring.la
CLEANFILES += %D%/peer-echo$(EXEEXT)

.PHONY: check-device
check-device:
	$(MAKE) $(AM_MAKEFLAGS) check TESTS='$(device_tests)' \
		check_PROGRAMS='%D%/peer-echo$(EXEEXT) tests/kill-at$(EXEEXT)'
