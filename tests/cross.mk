# Builds for other machines (cross.py), each in a folder below this one. The guest
# of tests/guest/test-aarch64.py has its own built when it runs.
EXTRA_DIST += %D%/check-i386.py %D%/cross.py

# 32-bit x86: built with warnings fatal, and its tests run here.
check-i386:
	@$(MAKE) $(AM_MAKEFLAGS) check-TESTS TESTS=%D%/check-i386.py \
		TEST_LOGS=%D%/check-i386.log check_PROGRAMS= check_LTLIBRARIES=
.PHONY: check-i386

# What depends neither on how fast the machine is, nor on other tools.
PORTABLE_TESTS = $(UNIT_TESTS) $(SERVER_TESTS) $(HAZARD_TESTS) $(RAW_TESTS) \
	$(CLI_TESTS) %D%/test-pci
check-portable:
	@$(MAKE) $(AM_MAKEFLAGS) check TESTS='$(PORTABLE_TESTS)'
.PHONY: check-portable

clean-local: clean-cross
clean-cross:
	rm -rf arm64 i386 windows
.PHONY: clean-cross
