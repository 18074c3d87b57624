# `make bench-speed`: Bellring, the limits, and what else there is, in one run; goals.py
# tells. No test. BENCH_FLAGS, say --quick or '--only trips', go to goals.py.
# test-speed.py only looks whether all that is built in works.
if ENABLE_SERVER
include tests/bench/rivals.mk
check_PROGRAMS += %D%/speed
%C%_speed_SOURCES = \
	%D%/rival-bellring-crowd.c \
	%D%/rival-bellring-epoll.c \
	%D%/rival-bellring-inplace.c \
	%D%/rival-bellring-libevent.c \
	%D%/rival-bellring-paced.c \
	%D%/rival-bellring-poll.c \
	%D%/rival-bellring-steps.c \
	%D%/rival-bellring.c \
	%D%/rival-bellring.h \
	%D%/rival-copy.c \
	%D%/rival-eventfd-epoll.c \
	%D%/rival-eventfd-libevent.c \
	%D%/rival-eventfd-poll.c \
	%D%/rival-eventfd-read.c \
	%D%/rival-eventfd.c \
	%D%/rival-eventfd.h \
	%D%/rival-line.c \
	%D%/rival-loops.h \
	%D%/rival.h \
	%D%/rivals.c \
	%D%/rivals.h \
	%D%/speed-cases.c \
	%D%/speed-cases.h \
	%D%/speed-cores.c \
	%D%/speed-line.c \
	%D%/speed-pair.c \
	%D%/speed-report.c \
	%D%/speed-report.h \
	%D%/speed-server.c \
	%D%/speed-work.c \
	%D%/speed.c \
	%D%/speed.h \
	$(RIVAL_SOURCES)
%C%_speed_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/server-client
%C%_speed_CFLAGS = $(AM_CFLAGS) $(EVENT_CFLAGS) $(RIVAL_CFLAGS)
%C%_speed_LDADD = libbellring-event.la libbellring.la $(EVENT_LIBS) $(RIVAL_LIBS)
TESTS += %D%/test-speed.py
%D%/test-speed.log: bellring-server
bench-speed: bellring-server %D%/speed$(EXEEXT)
	@top_srcdir='$(abs_top_srcdir)' top_builddir='$(abs_top_builddir)' \
		PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 $(srcdir)/%D%/goals.py \
		$(BENCH_FLAGS)
else
bench-speed:
	@echo 'bench-speed: needs the server: configure without --disable-server' >&2
	@exit 1
endif
.PHONY: bench-speed
EXTRA_DIST += \
	%D%/goals.py \
	%D%/goals_figures.py \
	%D%/goals_rows.py \
	%D%/goals_tables.py \
	%D%/plots.py \
	%D%/plots_style.py \
	%D%/test-speed.py
