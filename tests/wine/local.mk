# Windows programs under Wine, beside a stand-in for virtio-win's driver (wine.py).
# They are built by mingw-w64 in a build for Linux: Debian's packages
# gcc-mingw-w64-x86-64-win32 and mingw-w64-x86-64-dev; wine64 runs them.
EXTRA_DIST += \
	%D%/CHECKLIST.md \
	%D%/ivshmem.inf \
	%D%/wine.py

WINE_CC = x86_64-w64-mingw32-gcc
WINE_RC = x86_64-w64-mingw32-windres
WINE_DDK = /usr/x86_64-w64-mingw32/include/ddk
WINE_CFLAGS = -std=gnu11 -O2 -Wall -Wextra -Wshadow -Wconversion -Werror \
	-D__USE_MINGW_ANSI_STDIO=1
# Without it nothing is built, and the tests say so (wine.py, need()).
WINE_HAVE = command -v $(WINE_CC) >/dev/null || \
	{ echo '$(WINE_CC) not found: on Debian, apt-get install gcc-mingw-w64-x86-64-win32' >&2; \
	  exit 0; }
WINE_FILES = %D%/ivshmem.sys %D%/bellring-standin.exe %D%/bellring-contract.exe

# The driver: no C library, and the kernel's exports.
standin_sources = \
	%D%/standin.c \
	%D%/standin-client.c \
	%D%/standin-linux.c \
	%D%/standin-modes.c \
	%D%/standin-peer.c \
	%D%/standin-requests.c \
	%D%/standin-slots.c
standin_headers = %D%/standin.h %D%/standin-linux.h %D%/standin-peer.h
EXTRA_DIST += $(standin_sources) $(standin_headers) %D%/standin.rc
%D%/ivshmem.sys: $(standin_sources) $(standin_headers) %D%/standin.rc
	@$(MKDIR_P) %D%
	$(AM_V_GEN)$(WINE_HAVE); $(WINE_RC) $(srcdir)/%D%/standin.rc %D%/standin-rc.o
	$(AM_V_CCLD)$(WINE_HAVE); cd $(srcdir) && $(WINE_CC) $(WINE_CFLAGS) -isystem $(WINE_DDK) \
		-ffreestanding -shared -nostdlib -nostartfiles \
		-Wl,--subsystem,native,--entry,DriverEntry \
		-o $(abs_builddir)/$@ $(standin_sources) $(abs_builddir)/%D%/standin-rc.o \
		-lntoskrnl -lhal

installer_sources = %D%/installer.c %D%/installer-device.c
EXTRA_DIST += $(installer_sources) %D%/installer.h
%D%/bellring-standin.exe: $(installer_sources) %D%/installer.h
	@$(MKDIR_P) %D%
	$(AM_V_CCLD)$(WINE_HAVE); cd $(srcdir) && $(WINE_CC) $(WINE_CFLAGS) -o $(abs_builddir)/$@ \
		$(installer_sources) -lsetupapi -lnewdev -ladvapi32

# Runs on Windows as it is (CHECKLIST.md).
contract_sources = \
	%D%/contract.c \
	%D%/contract-device.c \
	%D%/contract-events.c \
	%D%/contract-memory.c \
	%D%/contract-requests.c \
	%D%/contract-slots.c \
	%D%/contract-system.c
EXTRA_DIST += $(contract_sources) %D%/contract.h
%D%/bellring-contract.exe: $(contract_sources) %D%/contract.h
	@$(MKDIR_P) %D%
	$(AM_V_CCLD)$(WINE_HAVE); cd $(srcdir) && $(WINE_CC) $(WINE_CFLAGS) -static-libgcc \
		-o $(abs_builddir)/$@ $(contract_sources) -lsetupapi -lversion -ladvapi32

CLEANFILES += $(WINE_FILES) %D%/standin-rc.o %D%/template.stamp %D%/template.lock
clean-local: clean-wine
clean-wine:
	rm -rf %D%/template
.PHONY: clean-wine

# `make check-wine`, or with GUEST_CASES= as check-guest. Two at once: each has a Wine of
# its own, and hardly more than one core has something to do.
WINE_TESTS = \
	%D%/test-conformance.py \
	%D%/test-contract.py \
	%D%/test-forward.py \
	%D%/test-modes.py \
	%D%/test-tool.py \
	%D%/test-two.py \
	%D%/test-units.py \
	%D%/test-zip.py
EXTRA_DIST += $(WINE_TESTS) %D%/connections.py %D%/libcheck.py %D%/windows.py
check-wine: bellring bellring-static bellring-server $(WINE_FILES)
	@GUEST_CASES='$(GUEST_CASES)' $(MAKE) $(AM_MAKEFLAGS) -j2 check-TESTS \
		TESTS='$(WINE_TESTS)' TEST_LOGS='$(WINE_TESTS:.py=.log)' \
		check_PROGRAMS= check_LTLIBRARIES=
.PHONY: check-wine
