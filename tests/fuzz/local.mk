# `make check-fuzz`: each target of FUZZ_TARGETS for FUZZ_SECONDS (30), in a
# build of its own below fuzz/. To go on with one by hand:
#     cd fuzz && tests/fuzz/fuzz-bus corpus/bus
FUZZ_TARGETS = bus client config control layout proto ring steward
HOSTILE = %D%/hostile.c %D%/hostile.h

# Only what clang built with -fsanitize=fuzzer-no-link links to them.
EXTRA_PROGRAMS += %D%/fuzz-bus %D%/fuzz-client %D%/fuzz-config %D%/fuzz-control \
	%D%/fuzz-layout %D%/fuzz-proto %D%/fuzz-ring \
	%D%/fuzz-steward
%C%_fuzz_bus_SOURCES = \
	%D%/fuzz-bus.c \
	%D%/fuzz-bus.h \
	%D%/fuzz-bus-calls.c \
	%D%/fuzz-bus-messages.c \
	%D%/fuzz-bus-streams.c \
	$(HOSTILE)
%C%_fuzz_bus_LDADD = libcore.la
%C%_fuzz_bus_LDFLAGS = -fsanitize=fuzzer
%C%_fuzz_client_SOURCES = \
	%D%/fuzz-client.c \
	%D%/restart.c \
	%D%/restart.h \
	%D%/told-client.c \
	%D%/told-client.h \
	$(HOSTILE)
%C%_fuzz_client_CPPFLAGS = $(DAEMON_CPPFLAGS)
%C%_fuzz_client_CFLAGS = $(AM_CFLAGS) $(EVENT_CFLAGS)
%C%_fuzz_client_LDADD = libserver.la libcore.la $(EVENT_LIBS)
%C%_fuzz_client_LDFLAGS = -fsanitize=fuzzer
%C%_fuzz_config_SOURCES = %D%/fuzz-config.c $(HOSTILE)
%C%_fuzz_config_CPPFLAGS = $(DAEMON_CPPFLAGS)
%C%_fuzz_config_LDADD = libserver.la libcore.la $(EVENT_LIBS)
%C%_fuzz_config_LDFLAGS = -fsanitize=fuzzer
%C%_fuzz_control_SOURCES = \
	%D%/fuzz-control.c \
	tests/fake-inspect.c \
	tests/fake-inspect.h \
	$(HOSTILE)
%C%_fuzz_control_CPPFLAGS = $(DAEMON_CPPFLAGS) -I$(top_srcdir)/tests
%C%_fuzz_control_CFLAGS = $(AM_CFLAGS) $(EVENT_CFLAGS) $(JANSSON_CFLAGS)
%C%_fuzz_control_LDADD = libserver.la libcore.la $(EVENT_LIBS) $(JANSSON_LIBS)
%C%_fuzz_control_LDFLAGS = -fsanitize=fuzzer
%C%_fuzz_layout_SOURCES = %D%/fuzz-layout.c $(HOSTILE)
%C%_fuzz_layout_LDADD = libcore.la
%C%_fuzz_layout_LDFLAGS = -fsanitize=fuzzer
%C%_fuzz_proto_SOURCES = %D%/fuzz-proto.c $(HOSTILE)
%C%_fuzz_proto_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/server-client
%C%_fuzz_proto_LDADD = libcore.la
%C%_fuzz_proto_LDFLAGS = -fsanitize=fuzzer
%C%_fuzz_ring_SOURCES = %D%/fuzz-ring.c $(HOSTILE)
%C%_fuzz_ring_LDADD = libcore.la
%C%_fuzz_ring_LDFLAGS = -fsanitize=fuzzer
%C%_fuzz_steward_SOURCES = \
	%D%/fuzz-steward.c \
	tests/steward-judge.c \
	tests/steward-judge.h \
	$(HOSTILE)
%C%_fuzz_steward_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
%C%_fuzz_steward_LDADD = libcore.la
%C%_fuzz_steward_LDFLAGS = -fsanitize=fuzzer

# The same targets without a fuzzer, by any compiler: what was once found, and
# the seeds, are part of `make check`.
check_PROGRAMS += %D%/replay-bus %D%/replay-client %D%/replay-config %D%/replay-control \
	%D%/replay-layout %D%/replay-proto %D%/replay-ring \
	%D%/replay-steward
%C%_replay_bus_SOURCES = %D%/replay.c $(%C%_fuzz_bus_SOURCES)
%C%_replay_bus_LDADD = libcore.la
%C%_replay_client_SOURCES = %D%/replay.c $(%C%_fuzz_client_SOURCES)
%C%_replay_client_CPPFLAGS = $(%C%_fuzz_client_CPPFLAGS)
%C%_replay_client_CFLAGS = $(%C%_fuzz_client_CFLAGS)
%C%_replay_client_LDADD = $(%C%_fuzz_client_LDADD)
%C%_replay_config_SOURCES = %D%/replay.c $(%C%_fuzz_config_SOURCES)
%C%_replay_config_CPPFLAGS = $(%C%_fuzz_config_CPPFLAGS)
%C%_replay_config_LDADD = $(%C%_fuzz_config_LDADD)
%C%_replay_control_SOURCES = %D%/replay.c $(%C%_fuzz_control_SOURCES)
%C%_replay_control_CPPFLAGS = $(%C%_fuzz_control_CPPFLAGS)
%C%_replay_control_CFLAGS = $(%C%_fuzz_control_CFLAGS)
%C%_replay_control_LDADD = $(%C%_fuzz_control_LDADD)
%C%_replay_layout_SOURCES = %D%/replay.c $(%C%_fuzz_layout_SOURCES)
%C%_replay_layout_LDADD = libcore.la
%C%_replay_proto_SOURCES = %D%/replay.c $(%C%_fuzz_proto_SOURCES)
%C%_replay_proto_CPPFLAGS = $(%C%_fuzz_proto_CPPFLAGS)
%C%_replay_proto_LDADD = libcore.la
%C%_replay_ring_SOURCES = %D%/replay.c $(%C%_fuzz_ring_SOURCES)
%C%_replay_ring_LDADD = libcore.la
%C%_replay_steward_SOURCES = %D%/replay.c $(%C%_fuzz_steward_SOURCES)
%C%_replay_steward_CPPFLAGS = $(%C%_fuzz_steward_CPPFLAGS)
%C%_replay_steward_LDADD = libcore.la
TESTS += %D%/test-replay.py
%D%/test-replay.log: %D%/replay-bus %D%/replay-client %D%/replay-config %D%/replay-control \
	%D%/replay-layout %D%/replay-proto %D%/replay-ring \
	%D%/replay-steward

EXTRA_DIST += %D%/check-fuzz.sh %D%/seeds.py %D%/test-replay.py
check-fuzz:
	@FUZZ_TARGETS='$(FUZZ_TARGETS)' $(MAKE) $(AM_MAKEFLAGS) check-TESTS \
		TESTS=%D%/check-fuzz.sh TEST_LOGS=%D%/check-fuzz.log \
		check_PROGRAMS= check_LTLIBRARIES=
CLEANFILES += fuzz-probe.log
clean-fuzz:
	rm -rf fuzz
clean-local: clean-fuzz
.PHONY: check-fuzz clean-fuzz
