# Many peers over one server: a short form in `make check`, all of it here.
if HAVE_CHECK
check_PROGRAMS += %D%/scale
TESTS += %D%/scale
tests_scale_SOURCES = \
	%D%/scale.c \
	%D%/scale.h \
	%D%/scale-churn.c \
	%D%/scale-cost.c \
	%D%/scale-fair.c \
	%D%/scale-full.c \
	%D%/scale-news.c \
	%D%/scale-traffic.c
tests_scale_LDADD = $(TEST_LIBS)
endif

check-scale: all
	SCALE=full $(MAKE) $(AM_MAKEFLAGS) check TESTS=%D%/scale
.PHONY: check-scale
