# What a build for Windows has for tests under Wine (tests/cross.py makes it).

# The suite (tests/conformance.mk), with check's library from libcheck.py, which says
# where that is: CHECK_CFLAGS and CHECK_LIBS.
EXTRA_PROGRAMS += %D%/conformance-win
%C%_conformance_win_SOURCES = \
	$(SUITE) \
	$(SUITE_UNTOLD) \
	tests/testing.c \
	tests/testing.h \
	tests/world.h \
	%D%/asleep-windows.c \
	%D%/conformance-win.c \
	%D%/posix/poll.h
%C%_conformance_win_CPPFLAGS = -I$(srcdir)/%D%/posix $(AM_CPPFLAGS) $(CHECK_CFLAGS)
# -lpthread first: check's library brings a clock_gettime(), too, that stands still.
%C%_conformance_win_LDADD = libcore.la -lpthread $(CHECK_LIBS) $(WINDOWS_LIBS)
%C%_conformance_win_LDFLAGS = -all-static $(UNTOLD_WRAP) \
	-Wl,--wrap=__imp_WaitForSingleObject
CLEANFILES += %D%/conformance-win.exe

# Parts of the port one by one, with a driver of its own.
EXTRA_PROGRAMS += %D%/test-port
%C%_test_port_SOURCES = \
	guest-win/events.c \
	guest-win/guard.c \
	guest-win/notices.c \
	guest-win/number.c \
	guest-win/text.c \
	src/error.c \
	tests/testing.c \
	tests/testing.h \
	%D%/test-port.c
%C%_test_port_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS) -I$(top_srcdir)/tests
%C%_test_port_LDADD = $(CHECK_LIBS) -lpthread $(WINDOWS_LIBS)
%C%_test_port_LDFLAGS = -all-static -Wl,--wrap=__imp_GetProcAddress
CLEANFILES += %D%/test-port.exe
