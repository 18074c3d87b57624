# The event layer for programs that want no bus, as such a program uses it:
# against the installed library, with the public header alone.
if HAVE_CHECK
RAW_TESTS = \
	%D%/raw-callbacks \
	%D%/raw-epoll
check_PROGRAMS += $(RAW_TESTS)
TESTS += $(RAW_TESTS)
tests_raw_callbacks_SOURCES = %D%/raw-callbacks.c
tests_raw_callbacks_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_raw_callbacks_LDADD = libbellring.la $(TEST_LIBS)
tests_raw_epoll_SOURCES = %D%/raw-epoll.c
tests_raw_epoll_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_raw_epoll_LDADD = libbellring.la $(TEST_LIBS)
endif
