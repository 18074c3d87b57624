# The tool: one file and one table row a command, against the public API.
bin_PROGRAMS += bellring
bellring_SOURCES = \
	%D%/checksum.c \
	%D%/checksum.h \
	%D%/cli.h \
	%D%/cmd-bind.c \
	%D%/cmd-info.c \
	%D%/cmd-peers.c \
	%D%/cmd-ping.c \
	%D%/cmd-pub.c \
	%D%/cmd-recv.c \
	%D%/cmd-ring.c \
	%D%/cmd-send.c \
	%D%/cmd-sub.c \
	%D%/cmd-watch.c \
	%D%/inbox.c \
	%D%/inbox.h \
	%D%/json.c \
	%D%/json.h \
	%D%/main.c \
	%D%/options.c \
	%D%/options.h \
	%D%/progress.c \
	%D%/progress.h \
	%D%/recv-output.c \
	%D%/recv-output.h \
	%D%/session.c \
	%D%/session.h \
	%D%/source.c \
	%D%/source.h \
	%D%/sys.h \
	%D%/table.c \
	%D%/table.h

# Streams: what carries bytes between them and what the system has.
bellring_SOURCES += \
	%D%/carry.c \
	%D%/carry.h \
	%D%/cmd-call.c \
	%D%/cmd-forward.c \
	%D%/cmd-pipe.c \
	%D%/cmd-serve.c \
	%D%/endpoint.c \
	%D%/endpoint.h \
	%D%/forward.c \
	%D%/forward.h \
	%D%/forward-far.c \
	%D%/forward-near.c \
	%D%/hello.c \
	%D%/hello.h \
	%D%/loop.c \
	%D%/loop.h \
	%D%/net.h \
	%D%/net-lookup.h \
	%D%/process.h

# Measuring; what is Linux only is in bench-bare.c and bench-process.c.
bellring_SOURCES += \
	%D%/bench-bare.c \
	%D%/bench-bare.h \
	%D%/bench-client.c \
	%D%/bench-process.c \
	%D%/bench-report.c \
	%D%/bench-serve.c \
	%D%/bench-wire.c \
	%D%/bench-wire.h \
	%D%/bench.c \
	%D%/bench.h \
	%D%/series.c \
	%D%/series.h

# The operating system's part.
bellring_SOURCES += \
	%D%/net-address-posix.c \
	%D%/net-posix.c \
	%D%/process-posix.c \
	%D%/sys-posix.c
bellring_LDADD = libbellring.la libcmdserver.la liblookup.la
noinst_LTLIBRARIES += liblookup.la
liblookup_la_SOURCES = %D%/net-lookup-posix.c

# Controlling a server: on its host, with jansson.
noinst_LTLIBRARIES += libcmdserver.la
libcmdserver_la_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
libcmdserver_la_LIBADD = $(JANSSON_LIBS)
libcmdserver_la_SOURCES = \
	%D%/cmd-server.c \
	%D%/server-control.c \
	%D%/server-control.h \
	%D%/server-host.h \
	%D%/server-host-posix.c \
	%D%/server-print.c \
	%D%/server-print.h

# The same for a guest's small file system: no shared library needed.
EXTRA_PROGRAMS += bellring-static
bellring_static_SOURCES = $(bellring_SOURCES)
bellring_static_LDADD = libbellring.la libcmdserver-none.la liblookup-none.la
EXTRA_LTLIBRARIES = libcmdserver-none.la liblookup-none.la
libcmdserver_none_la_SOURCES = %D%/cmd-server-none.c
liblookup_none_la_SOURCES = %D%/net-lookup-none.c
bellring_static_LDFLAGS = -all-static
CLEANFILES += bellring-static

dist_man_MANS += doc/bellring.1
