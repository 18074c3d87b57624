# Unit and host tests.
EXTRA_DIST += tests/tap.py tests/tap.sh

if HAVE_CHECK
noinst_LTLIBRARIES += tests/libtesting.la
tests_libtesting_la_SOURCES = \
	%D%/fake-port.c \
	%D%/fake-port.h \
	%D%/testing.c \
	%D%/testing.h \
	%D%/world.h
tests_libtesting_la_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_libtesting_la_LIBADD = libcore.la $(CHECK_LIBS) -lpthread

UNIT_TESTS = \
	%D%/conformance-fake \
	%D%/test-error \
	%D%/test-layout \
	%D%/test-ring
check_PROGRAMS += $(UNIT_TESTS)
TESTS += $(UNIT_TESTS)
TEST_LIBS = tests/libtesting.la
tests_conformance_fake_SOURCES = %D%/conformance.c %D%/conformance-fake.c
tests_conformance_fake_LDADD = $(TEST_LIBS)
tests_test_error_LDADD = $(TEST_LIBS)
tests_test_layout_LDADD = $(TEST_LIBS)
tests_test_ring_LDADD = $(TEST_LIBS)

endif
