# Hazards found by review, threads against each other, and both of them and all
# other tests once more under the compilers' sanitizers: `make check-sanitize`.
if HAVE_CHECK
HAZARD_TESTS = \
	%D%/races \
	%D%/test-hazards \
	%D%/test-polling
check_PROGRAMS += $(HAZARD_TESTS)
TESTS += $(HAZARD_TESTS)
tests_races_SOURCES = %D%/races.c
tests_races_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_races_LDADD = $(TEST_LIBS)
FOUR_PEERS = %D%/four-peers.c %D%/four-peers.h
tests_test_hazards_SOURCES = %D%/test-hazards.c $(FOUR_PEERS) $(SCRIPTED)
tests_test_hazards_CPPFLAGS = $(SERVER_TEST_CPPFLAGS)
tests_test_hazards_LDADD = $(TEST_LIBS)
tests_test_polling_SOURCES = %D%/test-polling.c $(FOUR_PEERS)
tests_test_polling_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_test_polling_LDADD = $(TEST_LIBS)
endif

# Builds of its own, in sanitize/: one test case a configuration and program.
check-sanitize:
	@$(MAKE) $(AM_MAKEFLAGS) check-TESTS TESTS=%D%/check-sanitize.sh \
		TEST_LOGS=%D%/check-sanitize.log check_PROGRAMS= check_LTLIBRARIES=
# What a thread sanitizer has something to say about: all test programs in C.
check-threads:
	@$(MAKE) $(AM_MAKEFLAGS) check TESTS='$(UNIT_TESTS) $(SERVER_TESTS) $(HAZARD_TESTS) $(RAW_TESTS)'
.PHONY: check-sanitize check-threads
EXTRA_DIST += %D%/check-sanitize.sh
clean-local: clean-sanitize
clean-sanitize:
	rm -rf sanitize
.PHONY: clean-sanitize
