# The server's protocol: codec, host port, policy, and the server itself.
if HAVE_CHECK
SERVER_TESTS = \
	%D%/test-dial \
	%D%/test-early-rings \
	%D%/test-event \
	%D%/test-greeting \
	%D%/test-host \
	%D%/test-host-faults \
	%D%/test-peers \
	%D%/test-proto \
	%D%/test-queue
check_PROGRAMS += $(SERVER_TESTS)
TESTS += $(SERVER_TESTS)
SERVER_TEST_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS) -I$(top_srcdir)/server-client \
	-I$(top_srcdir)/server-client/daemon
SCRIPTED = %D%/scripted.c %D%/scripted.h
TOLD = %D%/told.c %D%/told.h

tests_test_proto_CPPFLAGS = $(SERVER_TEST_CPPFLAGS)
tests_test_proto_LDADD = $(TEST_LIBS)

tests_test_peers_CPPFLAGS = $(SERVER_TEST_CPPFLAGS)
tests_test_peers_LDADD = libserver.la $(TEST_LIBS)

tests_test_queue_CPPFLAGS = $(SERVER_TEST_CPPFLAGS)
tests_test_queue_LDADD = libserver.la $(TEST_LIBS)

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
	-Wl,--wrap=strdup

# Against the libraries as they are installed.
tests_test_event_SOURCES = %D%/test-event.c $(SCRIPTED)
tests_test_event_CPPFLAGS = $(SERVER_TEST_CPPFLAGS) $(EVENT_CFLAGS)
tests_test_event_LDADD = libbellring-event.la libbellring.la $(TEST_LIBS) \
	$(EVENT_LIBS)
endif

SERVER_PY = \
	%D%/test-server.py \
	%D%/test-server-greeting.py \
	%D%/test-server-process.py
TESTS += $(SERVER_PY)
EXTRA_DIST += $(SERVER_PY) %D%/served.py
