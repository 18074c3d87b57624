# Who dies at which instant, and what it does to the others: doc/deaths.md.
if HAVE_CHECK
DEATHS = \
	%D%/deaths.c \
	%D%/deaths.h \
	%D%/deaths-deeds.c \
	%D%/deaths-victim.c \
	%D%/deaths-victim.h
DEATHS_TESTS = \
	%D%/deaths-memory \
	%D%/deaths-random \
	%D%/deaths-steps \
	%D%/deaths-waits
check_PROGRAMS += $(DEATHS_TESTS)
TESTS += $(DEATHS_TESTS)
tests_deaths_memory_SOURCES = %D%/deaths-memory.c %D%/deaths-paused.c \
	%D%/deaths-server.c %D%/deaths-server.h $(DEATHS)
tests_deaths_memory_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_deaths_memory_LDADD = $(TEST_LIBS)
tests_deaths_random_SOURCES = %D%/deaths-random.c $(DEATHS)
tests_deaths_random_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_deaths_random_LDADD = $(TEST_LIBS)
tests_deaths_steps_SOURCES = %D%/deaths-steps.c $(DEATHS)
tests_deaths_steps_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_deaths_steps_LDADD = $(TEST_LIBS)
# To look a function up at its first call would be most of what is stepped through.
tests_deaths_steps_LDFLAGS = -Wl,-z,now
tests_deaths_waits_SOURCES = %D%/deaths-waits.c $(DEATHS)
tests_deaths_waits_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_deaths_waits_LDADD = $(TEST_LIBS)
endif

# At every instant there is, and not at a few that change from run to run.
check-deaths: all
	DEATHS_ALL=1 $(MAKE) $(AM_MAKEFLAGS) check TESTS='$(DEATHS_TESTS)'
.PHONY: check-deaths
