# The port for Windows guests, and what is built for them: bellring.dll, its import
# library, a list of its functions for other linkers.
libcore_la_SOURCES += \
	%D%/device.c \
	%D%/device.h \
	%D%/device-find.c \
	%D%/devices.c \
	%D%/driver.c \
	%D%/driver.h \
	%D%/events.c \
	%D%/events.h \
	%D%/guard.c \
	%D%/guard.h \
	%D%/notices.c \
	%D%/notices.h \
	%D%/number.c \
	%D%/number.h \
	%D%/os.c \
	%D%/plain.c \
	%D%/plain.h \
	%D%/port.c \
	%D%/ports.c \
	%D%/text.c \
	%D%/text.h \
	%D%/ticker.c

# libtool would name it libbellring-0.dll. A script: executable, as file servers want
# a DLL to be.
dlldir = $(bindir)
dll_SCRIPTS = bellring.dll
importdir = $(libdir)
import_DATA = libbellring.dll.a bellring.def
CLEANFILES += bellring.dll libbellring.dll.a bellring.def

bellring.def: src/bellring.map
	$(AM_V_GEN){ echo 'LIBRARY bellring.dll'; echo EXPORTS; \
		sed -n 's/^\t\(bell_[a-z0-9_]*\);$$/\t\1/p' $(top_srcdir)/src/bellring.map; } >$@
bellring.dll: libcore.la bellring.def
	$(AM_V_CCLD)$(CC) $(CFLAGS) $(LDFLAGS) -shared -static-libgcc -o $@ bellring.def \
		-Wl,--whole-archive .libs/libcore.a -Wl,--no-whole-archive \
		-Wl,--out-implib,libbellring.dll.a -Wl,--no-insert-timestamp $(WINDOWS_LIBS)
libbellring.dll.a: bellring.dll
