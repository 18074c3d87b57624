# `make check-hostile`: somebody scribbles over the memory while workers, the
# server and the tool run, in a build with sanitizers of its own below hostile/.
# HOSTILE_SECONDS (60) in all, in rounds; HOSTILE_SEED repeats one.
EXTRA_PROGRAMS += %D%/scribbler %D%/worker
%C%_scribbler_SOURCES = %D%/scribbler.c %D%/scribbles.c %D%/scribbles.h
%C%_scribbler_LDADD = libcore.la
%C%_worker_SOURCES = \
	%D%/judge.c \
	%D%/judge.h \
	%D%/verify.c \
	%D%/work-calls.c \
	%D%/work-messages.c \
	%D%/work-streams.c \
	%D%/worker.c \
	%D%/worker.h
%C%_worker_LDADD = libbellring.la

# What was found so, and by reading: part of `make check`.
if HAVE_CHECK
check_PROGRAMS += %D%/test-finds
TESTS += %D%/test-finds
%C%_test_finds_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS) -I$(top_srcdir)/tests
%C%_test_finds_LDADD = $(TEST_LIBS)
endif

EXTRA_DIST += %D%/check-hostile.py
check-hostile:
	@$(MAKE) $(AM_MAKEFLAGS) check-TESTS TESTS=%D%/check-hostile.py \
		TEST_LOGS=%D%/check-hostile.log check_PROGRAMS= check_LTLIBRARIES=
clean-local: clean-hostile
clean-hostile:
	rm -rf hostile
.PHONY: check-hostile clean-hostile
