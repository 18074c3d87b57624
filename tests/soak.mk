# `make check-soak`: random clients against one server, SOAK_SECONDS (60) in all;
# SOAK_SEED, which tests/soak.log names, repeats the decisions.
EXTRA_DIST += %D%/soak.py
check-soak: all
	@$(MAKE) $(AM_MAKEFLAGS) check-TESTS TESTS=%D%/soak.py \
		TEST_LOGS=%D%/soak.log check_PROGRAMS= check_LTLIBRARIES=
.PHONY: check-soak
