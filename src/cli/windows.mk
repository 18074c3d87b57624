# The tool on Windows: no server, nothing of hosts. One file: it has the library in it,
# and needs nothing but Windows.
bellring_SOURCES += \
	%D%/bench-cores-windows.c \
	%D%/bench-machine-windows.c \
	%D%/bench-windows.c \
	%D%/command-line.c \
	%D%/command-line.h \
	%D%/commands-windows.c \
	%D%/console-windows.c \
	%D%/files-windows.c \
	%D%/long-path.c \
	%D%/long-path.h \
	%D%/net-address-windows.c \
	%D%/net-lookup-windows.c \
	%D%/net-set-windows.c \
	%D%/net-windows.c \
	%D%/net-windows.h \
	%D%/printf-mingw.c \
	%D%/process-windows.c \
	%D%/pump.h \
	%D%/pump-windows.c \
	%D%/sockets-windows.c \
	%D%/sys-windows.c \
	%D%/win.h \
	%D%/win-path.c \
	%D%/win-text.c
bellring_LDADD = bellring-rc.o libdoctor.la $(PLOTS) libcore.la -lws2_32 -lshell32 $(WINDOWS_LIBS)
# --wrap: printf-mingw.c says why.
bellring_LDFLAGS = -all-static -Wl,--wrap=__mingw_vfprintf

libdoctor_la_SOURCES += \
	%D%/doctor-guest-windows.c \
	%D%/doctor-remedies-windows.c \
	%D%/doctor-tables-windows.c

# Its version, and that it speaks UTF-8 and takes long paths.
CLEANFILES += bellring-rc.o
bellring-rc.o: %D%/bellring.rc %D%/bellring.manifest
	$(AM_V_GEN)$(WINDRES) -I$(top_srcdir)/src/cli \
		-DVERSION_TEXT='\"$(PACKAGE_VERSION)\"' \
		-DVERSION_NUMBERS=`echo $(PACKAGE_VERSION) | tr . ,`,0 \
		-o $@ $(top_srcdir)/src/cli/bellring.rc
