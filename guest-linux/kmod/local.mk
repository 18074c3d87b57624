# The kernel module, for guests: `make kmod KDIR=/usr/src/linux-headers-RELEASE`
# builds %D%/build/ivshmem_doorbell.ko. `make install` installs what DKMS
# builds it from, the udev rule and the header for programs.
KMOD_SOURCES = \
	%D%/Kbuild \
	%D%/Makefile \
	%D%/client.c \
	%D%/compat.h \
	%D%/device.h \
	%D%/hardware.c \
	%D%/interrupt.c \
	%D%/ioctl.c \
	%D%/ivshmem_doorbell.h \
	%D%/main.c \
	%D%/memory.c \
	%D%/will.c
EXTRA_DIST += $(KMOD_SOURCES) \
	%D%/70-ivshmem.rules \
	%D%/README.md \
	%D%/dkms.conf.in \
	%D%/sysusers.d/ivshmem-doorbell.conf

# Kbuild writes beside its sources, so it gets copies; cp -p, so that it builds only
# what changed.
KDIR =
kmod:
	@$(MKDIR_P) %D%/build
	@for f in $(KMOD_SOURCES); do \
		cp -p $(srcdir)/$$f %D%/build/ || exit 1; \
	done
	@kdir='$(KDIR)'; \
		$(MAKE) -C %D%/build KDIR="$${kdir:-/lib/modules/`uname -r`/build}" modules
.PHONY: kmod
clean-kmod:
	rm -rf %D%/build
clean-local: clean-kmod
.PHONY: clean-kmod

CLEANFILES += %D%/dkms.conf
%D%/dkms.conf: %D%/dkms.conf.in Makefile
	$(AM_V_GEN)$(MKDIR_P) $(@D) && \
		sed 's|@VERSION[@]|$(VERSION)|' $(srcdir)/%D%/dkms.conf.in > $@.tmp && \
		mv $@.tmp $@

# DKMS looks in /usr/src; with another prefix: dkms add FOLDER.
dkmsdir = $(prefix)/src/ivshmem-doorbell-$(VERSION)
dkms_DATA = $(KMOD_SOURCES) %D%/dkms.conf
udevrulesdir = $(prefix)/lib/udev/rules.d
udevrules_DATA = %D%/70-ivshmem.rules
include_HEADERS += %D%/ivshmem_doorbell.h

if INSTALL_UNITS
kmodsysusersdir = $(prefix)/lib/sysusers.d
kmodsysusers_DATA = %D%/sysusers.d/ivshmem-doorbell.conf
endif
