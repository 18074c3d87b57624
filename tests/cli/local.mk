# The tool against a real server; Python's standard library is all they need.
CLI_TESTS = \
	%D%/test-bench.py \
	%D%/test-bench-reports.py \
	%D%/test-call.py \
	%D%/test-doctor.py \
	%D%/test-errors.py \
	%D%/test-forward.py \
	%D%/test-machine.py \
	%D%/test-messages.py \
	%D%/test-news.py \
	%D%/test-pipe.py \
	%D%/test-raw.py \
	%D%/test-topics.py \
	%D%/test-transfer.py
TESTS += $(CLI_TESTS)
EXTRA_DIST += $(CLI_TESTS) %D%/bellring.py %D%/doctoring.py
%D%/test-call.log %D%/test-doctor.log %D%/test-errors.log %D%/test-forward.log \
%D%/test-machine.log %D%/test-messages.log %D%/test-news.log %D%/test-pipe.log %D%/test-raw.log %D%/test-topics.log: \
	bellring bellring-server
%D%/test-bench.log: bellring bellring-server %D%/old-bench
%D%/test-bench-reports.log: bellring bellring-server %D%/bellring-no-plots
%D%/test-transfer.log: bellring bellring-server %D%/wrong-check

# Sends what the tool never would.
check_PROGRAMS += %D%/wrong-check
tests_cli_wrong_check_SOURCES = %D%/wrong-check.c
tests_cli_wrong_check_LDADD = libbellring.la

# A serving side of bench's first version, and the tool as it is without Chart.js.
check_PROGRAMS += %D%/old-bench %D%/bellring-no-plots
tests_cli_old_bench_SOURCES = %D%/old-bench.c
tests_cli_old_bench_LDADD = libbellring.la
tests_cli_bellring_no_plots_SOURCES = $(bellring_SOURCES)
tests_cli_bellring_no_plots_LDADD = libdoctor.la libplots-none.la $(CMDSERVER) liblookup.la \
	libbellring.la

# What the tool on Windows makes of words and paths.
if HAVE_CHECK
check_PROGRAMS += %D%/test-words
TESTS += %D%/test-words
tests_cli_test_words_SOURCES = \
	%D%/test-words.c \
	src/cli/command-line.c \
	src/cli/long-path.c \
	tests/testing.c \
	tests/testing.h
tests_cli_test_words_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/src/cli -I$(top_srcdir)/tests
tests_cli_test_words_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_cli_test_words_LDADD = $(CHECK_LIBS)
endif
