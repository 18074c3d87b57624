# Every test prints TAP (tests/testing.c, tests/tap.py, tests/tap.sh), so that a
# run counts cases. `make check` needs no root, no machine and no network; the
# other targets are listed in README.md.
LOG_DRIVER = env AM_TAP_AWK='$(AWK)' $(SHELL) $(top_srcdir)/build-aux/tap-driver.sh
SH_LOG_DRIVER = $(LOG_DRIVER)
PY_LOG_DRIVER = $(LOG_DRIVER)
SH_LOG_COMPILER = $(SHELL)
PY_LOG_COMPILER = /usr/bin/python3
AM_TESTS_ENVIRONMENT = \
	top_srcdir='$(abs_top_srcdir)'; top_builddir='$(abs_top_builddir)'; \
	CC='$(CC)'; PYTHONDONTWRITEBYTECODE=1; \
	export top_srcdir top_builddir CC PYTHONDONTWRITEBYTECODE;

include tests/conformance.mk
include tests/unit.mk
include tests/cli/local.mk
include tests/device/local.mk
include tests/guest/local.mk
include tests/wine/local.mk
include tests/server.mk
include tests/guest.mk
include tests/docs.mk
include tests/doctor.mk
include tests/sanitize.mk
include tests/raw.mk
include tests/scale.mk
include tests/deaths.mk
include tests/examples.mk
include tests/fuzz/local.mk
include tests/hostile/local.mk
include tests/model/local.mk
include tests/bench/local.mk
include tests/soak.mk
include tests/cross.mk
