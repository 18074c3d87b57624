# The server's protocol: codec, host port, policy, and the server itself.
if HAVE_CHECK
SERVER_TESTS = \
	%D%/test-access \
	%D%/test-control \
	%D%/test-control-lines \
	%D%/test-metrics \
	%D%/test-dial \
	%D%/test-early-rings \
	%D%/test-event \
	%D%/test-greeting \
	%D%/test-host \
	%D%/test-host-faults \
	%D%/test-listener \
	%D%/test-peers \
	%D%/test-proto \
	%D%/test-queue \
	%D%/test-state \
	%D%/test-sandbox \
	%D%/test-settings \
	%D%/test-shm
check_PROGRAMS += $(SERVER_TESTS)
TESTS += $(SERVER_TESTS)
SERVER_TEST_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS) -I$(top_srcdir)/server-client \
	-I$(top_srcdir)/server-client/daemon
SCRIPTED = %D%/scripted.c %D%/scripted.h
TOLD = %D%/told.c %D%/told.h

tests_test_proto_CPPFLAGS = $(SERVER_TEST_CPPFLAGS)
tests_test_proto_LDADD = $(TEST_LIBS)

tests_test_peers_SOURCES = %D%/test-peers.c %D%/peers-model.c %D%/peers-model.h
tests_test_peers_CPPFLAGS = $(SERVER_TEST_CPPFLAGS)
tests_test_peers_LDADD = libserver.la $(TEST_LIBS)

tests_test_queue_CPPFLAGS = $(SERVER_TEST_CPPFLAGS)
tests_test_queue_LDADD = libserver.la $(TEST_LIBS)

tests_test_settings_CPPFLAGS = $(SERVER_TEST_CPPFLAGS)
tests_test_settings_LDADD = libserver.la $(TEST_LIBS) $(EVENT_LIBS)

tests_test_access_CPPFLAGS = $(SERVER_TEST_CPPFLAGS)
tests_test_access_LDADD = libserver.la $(TEST_LIBS)
tests_test_access_LDFLAGS = -Wl,--wrap=getsockopt

tests_test_listener_CPPFLAGS = $(SERVER_TEST_CPPFLAGS)
tests_test_listener_LDADD = libserver.la $(TEST_LIBS)
tests_test_listener_LDFLAGS = -Wl,--wrap=bind -Wl,--wrap=occupied

tests_test_sandbox_SOURCES = %D%/test-sandbox.c %D%/sandbox-rows.c %D%/sandbox-rows.h
tests_test_sandbox_CPPFLAGS = $(SERVER_TEST_CPPFLAGS)
tests_test_sandbox_LDADD = libserver.la $(TEST_LIBS)

tests_test_shm_CPPFLAGS = $(SERVER_TEST_CPPFLAGS)
tests_test_shm_LDADD = libserver.la $(TEST_LIBS)

tests_test_state_CPPFLAGS = $(SERVER_TEST_CPPFLAGS)
tests_test_state_LDADD = libserver.la $(TEST_LIBS)

tests_test_dial_LDADD = $(TEST_LIBS)
tests_test_dial_CPPFLAGS = $(SERVER_TEST_CPPFLAGS)

tests_test_greeting_SOURCES = %D%/test-greeting.c $(SCRIPTED)
tests_test_greeting_CPPFLAGS = $(SERVER_TEST_CPPFLAGS)
tests_test_greeting_LDADD = $(TEST_LIBS)
tests_test_greeting_LDFLAGS = -Wl,--wrap=recvmsg

tests_test_early_rings_SOURCES = %D%/test-early-rings.c $(SCRIPTED) $(TOLD)
tests_test_early_rings_CPPFLAGS = $(SERVER_TEST_CPPFLAGS)
tests_test_early_rings_LDADD = $(TEST_LIBS)

tests_test_host_SOURCES = %D%/test-host.c $(SCRIPTED) $(TOLD)
tests_test_host_CPPFLAGS = $(SERVER_TEST_CPPFLAGS)
tests_test_host_LDADD = $(TEST_LIBS)

# What opening a host port calls; see CALLS in test-host-faults.c.
tests_test_host_faults_SOURCES = %D%/test-host-faults.c $(SCRIPTED)
tests_test_host_faults_CPPFLAGS = $(SERVER_TEST_CPPFLAGS)
tests_test_host_faults_LDADD = $(TEST_LIBS)
tests_test_host_faults_LDFLAGS = \
	-Wl,--wrap=calloc -Wl,--wrap=connect -Wl,--wrap=epoll_create1 \
	-Wl,--wrap=epoll_ctl -Wl,--wrap=eventfd -Wl,--wrap=fcntl -Wl,--wrap=fstat \
	-Wl,--wrap=mmap -Wl,--wrap=poll -Wl,--wrap=pthread_mutex_init \
	-Wl,--wrap=pthread_rwlock_init \
	-Wl,--wrap=recvmsg -Wl,--wrap=setsockopt -Wl,--wrap=socket \
	-Wl,--wrap=strdup \
	-Wl,--wrap=fcntl64 -Wl,--wrap=fstat64 -Wl,--wrap=mmap64

FAKE_INSPECT = %D%/fake-inspect.c %D%/fake-inspect.h
CONTROL_LIBS = libserver.la $(TEST_LIBS) $(EVENT_LIBS)
CONTROL_STAGE = %D%/control-fixture.c %D%/control-fixture.h $(FAKE_INSPECT)
tests_test_control_SOURCES = %D%/test-control.c $(CONTROL_STAGE)
tests_test_control_CPPFLAGS = $(SERVER_TEST_CPPFLAGS) $(EVENT_CFLAGS)
tests_test_control_LDADD = $(CONTROL_LIBS)
tests_test_control_lines_SOURCES = %D%/test-control-lines.c $(FAKE_INSPECT)
tests_test_control_lines_CPPFLAGS = $(SERVER_TEST_CPPFLAGS) $(EVENT_CFLAGS) \
	$(JANSSON_CFLAGS)
tests_test_control_lines_LDADD = $(CONTROL_LIBS) $(JANSSON_LIBS)

tests_test_metrics_SOURCES = %D%/test-metrics.c $(CONTROL_STAGE)
tests_test_metrics_CPPFLAGS = $(SERVER_TEST_CPPFLAGS) $(EVENT_CFLAGS)
tests_test_metrics_LDADD = $(CONTROL_LIBS)

# Against the libraries as they are installed.
tests_test_event_SOURCES = %D%/test-event.c $(SCRIPTED)
tests_test_event_CPPFLAGS = $(SERVER_TEST_CPPFLAGS) $(EVENT_CFLAGS)
tests_test_event_LDADD = libbellring-event.la libbellring.la $(TEST_LIBS) \
	$(EVENT_LIBS)
endif

SERVER_PY = \
	%D%/test-server.py \
	%D%/test-server-control.py \
	%D%/test-server-metrics.py \
	%D%/test-server-greeting.py \
	%D%/test-server-ids.py \
	%D%/test-server-process.py \
	%D%/test-server-restart.py \
	%D%/test-server-rights.py \
	%D%/test-server-settings.py \
	%D%/test-server-systemd.py
check_PROGRAMS += %D%/kill-at
TESTS += $(SERVER_PY)
EXTRA_DIST += $(SERVER_PY) %D%/controlled.py %D%/manager.py %D%/served.py
