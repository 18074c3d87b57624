# The tool: one file and one table row a command, against the public API.
bin_PROGRAMS += bellring
bellring_SOURCES = \
	%D%/checksum.c \
	%D%/checksum.h \
	%D%/cli.h \
	%D%/cmd-info.c \
	%D%/cmd-list.c \
	%D%/cmd-peers.c \
	%D%/cmd-ping.c \
	%D%/cmd-pub.c \
	%D%/cmd-recv.c \
	%D%/cmd-ring.c \
	%D%/cmd-send.c \
	%D%/cmd-sub.c \
	%D%/cmd-watch.c \
	%D%/deadline.c \
	%D%/format.h \
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
	%D%/sockets.h \
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

# Measuring; what is a system's own is in bench-bare.c, bench-process.c and
# bench-machine-linux.c.
bellring_SOURCES += \
	%D%/bench-bare.h \
	%D%/bench-burst.c \
	%D%/bench-client.c \
	%D%/bench-copy.c \
	%D%/bench-copy.h \
	%D%/bench-crew.c \
	%D%/bench-idle.c \
	%D%/bench-list.c \
	%D%/bench-list.h \
	%D%/bench-loads.c \
	%D%/bench-machine.h \
	%D%/bench-paced.c \
	%D%/bench-plan.c \
	%D%/bench-ratios.c \
	%D%/bench-report.h \
	%D%/bench-rounds.c \
	%D%/bench-run.c \
	%D%/bench-run.h \
	%D%/bench-senders.c \
	%D%/bench-serve.c \
	%D%/bench-spin.h \
	%D%/bench-stream.c \
	%D%/bench-trips.c \
	%D%/bench-wire.c \
	%D%/bench-wire.h \
	%D%/bench.c \
	%D%/bench.h \
	%D%/report-csv.c \
	%D%/report-json.c \
	%D%/report-table.c \
	%D%/report.c \
	%D%/series.c \
	%D%/series.h

# The page with plots: its parts, and the library that draws them, become arrays.
BENCH_PAGE = \
	%D%/bench-page/page.html \
	%D%/bench-page/page.css \
	%D%/bench-page/page.js \
	%D%/bench-page/chart-licence.txt
EXTRA_DIST += %D%/bench-page/embed.sh $(BENCH_PAGE)
if HAVE_CHARTJS
PLOTS = libplots.la
noinst_LTLIBRARIES += libplots.la
EXTRA_LTLIBRARIES += libplots-none.la
libplots_la_SOURCES = %D%/bench-page.h %D%/report-html.c
nodist_libplots_la_SOURCES = %D%/bench-page-data.c
# A test builds the other one, too.
CLEANFILES += %D%/bench-page-data.c libplots-none.la
%D%/bench-page-data.c: %D%/bench-page/embed.sh $(BENCH_PAGE) $(CHARTJS)
	@$(MKDIR_P) %D%
	$(AM_V_GEN)cd $(srcdir)/%D%/bench-page && \
		$(SHELL) ./embed.sh '$(CHARTJS)' >'$(abs_builddir)/$@.new'
	@mv $@.new $@
else
PLOTS = libplots-none.la
noinst_LTLIBRARIES += libplots-none.la
endif
libplots_none_la_SOURCES = %D%/report-html-none.c

# The doctor: checks are in a library, which a test with trees of its own has, too.
bellring_SOURCES += %D%/cmd-doctor.c
noinst_LTLIBRARIES += libdoctor.la
libdoctor_la_SOURCES = \
	%D%/doctor.c \
	%D%/doctor.h \
	%D%/doctor-device.c \
	%D%/doctor-memory.c \
	%D%/doctor-parts.h \
	%D%/doctor-qemu.c \
	%D%/doctor-qemu.h \
	%D%/doctor-server.c \
	%D%/doctor-ways.c

EXTRA_DIST += %D%/bellring.rc %D%/bellring.manifest
if HOST_WINDOWS
include src/cli/windows.mk
else
# What only hosts and Linux guests have.
bellring_SOURCES += \
	%D%/bench-bare.c \
	%D%/bench-machine-linux.c \
	%D%/bench-process.c \
	%D%/cmd-bind.c \
	%D%/cmd-libvirt.c \
	%D%/cmd-qemu.c \
	%D%/commands-posix.c \
	%D%/machine.c \
	%D%/machine.h

# The doctor's checks of this operating system.
libdoctor_la_SOURCES += \
	%D%/doctor-file-posix.c \
	%D%/doctor-guest-linux.c \
	%D%/doctor-host-linux.c \
	%D%/doctor-iommu-linux.c \
	%D%/doctor-libvirt-linux.c \
	%D%/doctor-qemu-linux.c \
	%D%/doctor-remedies-linux.c \
	%D%/doctor-security-linux.c \
	%D%/doctor-socket-posix.c \
	%D%/doctor-tables-linux.c \
	%D%/doctor-tree.h \
	%D%/doctor-tree-posix.c \
	%D%/doctor-users.h

# The operating system's part.
bellring_SOURCES += \
	%D%/net-address-posix.c \
	%D%/net-posix.c \
	%D%/process-posix.c \
	%D%/sockets-posix.c \
	%D%/sys-posix.c
bellring_LDADD = libdoctor.la $(PLOTS) $(CMDSERVER) liblookup.la libbellring.la
noinst_LTLIBRARIES += liblookup.la
liblookup_la_SOURCES = %D%/doctor-users-posix.c %D%/net-lookup-posix.c

# Controlling a server: on its host, with jansson.
if ENABLE_SERVER
CMDSERVER = libcmdserver.la
noinst_LTLIBRARIES += libcmdserver.la
else
CMDSERVER = libcmdserver-none.la
EXTRA_LTLIBRARIES += libcmdserver.la
endif
libcmdserver_la_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
libcmdserver_la_LIBADD = $(JANSSON_LIBS)
libcmdserver_la_SOURCES = \
	%D%/cmd-server.c \
	%D%/doctor-control.c \
	%D%/server-control.c \
	%D%/server-control.h \
	%D%/server-host.h \
	%D%/server-host-posix.c \
	%D%/server-print.c \
	%D%/server-print.h

# The same for a guest's small file system: no shared library needed.
EXTRA_PROGRAMS += bellring-static
bellring_static_SOURCES = $(bellring_SOURCES)
bellring_static_LDADD = libdoctor.la $(PLOTS) libcmdserver-none.la liblookup-none.la libbellring.la
EXTRA_LTLIBRARIES += libcmdserver-none.la liblookup-none.la
libcmdserver_none_la_SOURCES = %D%/cmd-server-none.c %D%/doctor-control-none.c
liblookup_none_la_SOURCES = %D%/doctor-users-none.c %D%/net-lookup-none.c
bellring_static_LDFLAGS = -all-static
CLEANFILES += bellring-static
endif

dist_man_MANS += doc/bellring.1
