# Unit and host tests.
EXTRA_DIST += tests/tap.py tests/tap.sh

if HAVE_CHECK
noinst_LTLIBRARIES += tests/libtesting.la
tests_libtesting_la_SOURCES = \
	%D%/fake-port.c \
	%D%/fake-port.h \
	%D%/server-fixture.c \
	%D%/server-fixture.h \
	%D%/testing.c \
	%D%/testing.h \
	%D%/world.h
tests_libtesting_la_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_libtesting_la_LIBADD = libcore.la $(CHECK_LIBS) -lpthread

UNIT_TESTS = \
	%D%/conformance-fake \
	%D%/conformance-file \
	%D%/conformance-host \
	%D%/stress \
	%D%/test-armed \
	%D%/test-due \
	%D%/test-error \
	%D%/test-id \
	%D%/test-layout \
	%D%/test-processes \
	%D%/test-ring \
	%D%/test-steward
check_PROGRAMS += $(UNIT_TESTS)
TESTS += $(UNIT_TESTS)
TEST_LIBS = tests/libtesting.la
CONFORMANCE = $(SUITE) %D%/asleep-linux.c
tests_conformance_fake_SOURCES = $(CONFORMANCE) %D%/conformance-fake.c
tests_conformance_fake_LDADD = $(TEST_LIBS)
UNTOLD = $(CONFORMANCE) $(SUITE_UNTOLD)
tests_conformance_file_SOURCES = $(UNTOLD) %D%/conformance-file.c
tests_conformance_file_LDADD = $(TEST_LIBS)
tests_conformance_file_LDFLAGS = $(UNTOLD_WRAP)
tests_conformance_host_SOURCES = $(CONFORMANCE) %D%/conformance-host.c
tests_conformance_host_LDADD = $(TEST_LIBS)
tests_stress_LDADD = $(TEST_LIBS)
tests_test_armed_SOURCES = \
	%D%/armed-fixture.c \
	%D%/armed-fixture.h \
	%D%/armed-waiting.c \
	%D%/test-armed.c
tests_test_armed_LDADD = $(TEST_LIBS)
tests_test_due_LDADD = $(TEST_LIBS)
tests_test_error_LDADD = $(TEST_LIBS)
tests_test_id_LDADD = $(TEST_LIBS)
tests_test_layout_LDADD = $(TEST_LIBS)
tests_test_processes_LDADD = $(TEST_LIBS)
tests_test_ring_LDADD = $(TEST_LIBS)
tests_test_steward_SOURCES = \
	%D%/steward-judge.c \
	%D%/steward-judge.h \
	%D%/steward-lives.c \
	%D%/steward-lives.h \
	%D%/test-steward.c
tests_test_steward_LDADD = $(TEST_LIBS)

# The stress test with one half of the wake-up broken: has to lose one.
EXTRA_PROGRAMS += %D%/stress-weak-writer %D%/stress-weak-sleeper
WEAK_SOURCES = %D%/stress.c %D%/server-fixture.c %D%/testing.c $(libcore_la_SOURCES)
tests_stress_weak_writer_SOURCES = $(WEAK_SOURCES)
tests_stress_weak_writer_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS) -DBELL_WEAKEN_WRITER
tests_stress_weak_writer_LDADD = $(CHECK_LIBS) -lpthread
tests_stress_weak_sleeper_SOURCES = $(WEAK_SOURCES)
tests_stress_weak_sleeper_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS) -DBELL_WEAKEN_SLEEPER
tests_stress_weak_sleeper_LDADD = $(CHECK_LIBS) -lpthread
CLEANFILES += %D%/stress-weak-writer %D%/stress-weak-sleeper
endif

# Millions of sleeps, and proof that the test can fail.
check-fences: all
	$(MAKE) $(AM_MAKEFLAGS) tests/stress tests/stress-weak-writer tests/stress-weak-sleeper
	$(MAKE) $(AM_MAKEFLAGS) check TESTS=tests/check-fences.sh
check-stress: all
	STRESS_SLEEPS=2000000 $(MAKE) $(AM_MAKEFLAGS) check TESTS=tests/stress
.PHONY: check-fences check-stress
EXTRA_DIST += %D%/check-fences.sh
