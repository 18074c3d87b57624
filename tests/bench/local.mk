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
