# `make bench-server`: what a server costs, beside QEMU's if it is there. No test.
# BENCH_FLAGS, say --json, go to the program.
EXTRA_PROGRAMS += %D%/bench-server
%C%_bench_server_SOURCES = \
	%D%/bench-server.c \
	%D%/contender.c \
	%D%/contender.h \
	%D%/crowd.c \
	%D%/crowd.h
%C%_bench_server_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/server-client
%C%_bench_server_LDADD = libcore.la -lpthread
EXTRA_DIST += %D%/bench-server.sh
CLEANFILES += %D%/bench-server
bench-server: all
	@$(MAKE) $(AM_MAKEFLAGS) -s %D%/bench-server
	@top_builddir=. $(SHELL) $(top_srcdir)/%D%/bench-server.sh $(BENCH_FLAGS)
.PHONY: bench-server

# `make bench-guest`: the ways into a guest, in a real one, beside virtio-serial and
# TCP; bench-guest.py tells. No test. BENCH_FLAGS, say --quick, go to the program.
EXTRA_PROGRAMS += %D%/guest-echo
%C%_guest_echo_SOURCES = \
	%D%/guest-bare.c \
	%D%/guest-channel.c \
	%D%/guest-channel.h \
	%D%/guest-cost.c \
	%D%/guest-echo.c \
	%D%/guest-echo.h \
	%D%/guest-talk.c \
	%D%/guest-trips.c \
	%D%/guest-way.c \
	%D%/guest-way.h
%C%_guest_echo_CPPFLAGS = $(AM_CPPFLAGS) -D_GNU_SOURCE -I$(top_srcdir)/guest-linux \
	-I$(top_srcdir)/tests/guest
%C%_guest_echo_LDADD = libcore.la
%C%_guest_echo_LDFLAGS = -all-static
CLEANFILES += %D%/guest-echo
EXTRA_DIST += %D%/bench-guest.py
bench-guest: bellring-static bellring-server %D%/guest-echo$(EXEEXT)
	@top_srcdir='$(abs_top_srcdir)' top_builddir='$(abs_top_builddir)' \
		PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 $(srcdir)/%D%/bench-guest.py \
		$(BENCH_FLAGS)
.PHONY: bench-guest
include tests/bench/speed.mk

# `make bench-instructions`: callgrind's count of a send and a receive, by size;
# test-instructions.py, of make check, holds it below its bounds.
if ENABLE_SERVER
check_PROGRAMS += %D%/instructions
%C%_instructions_LDADD = libbellring.la
EXTRA_DIST += %D%/instructions.py %D%/test-instructions.py
# A name of its own: a sanitized build, whose counts say nothing, leaves it out.
COUNTING_TESTS = %D%/test-instructions.py
TESTS += $(COUNTING_TESTS)
%D%/test-instructions.log: bellring-server
bench-instructions: bellring-server %D%/instructions$(EXEEXT)
	@top_srcdir='$(abs_top_srcdir)' top_builddir='$(abs_top_builddir)' \
		PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 $(srcdir)/%D%/instructions.py \
		$(BENCH_FLAGS)
endif
.PHONY: bench-instructions
