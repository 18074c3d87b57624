# The server. The folder above it, the protocol, knows nothing of it.
DAEMON_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/server-client \
	-I$(top_srcdir)/server-client/daemon

# All but main(), for its tests too.
if ENABLE_SERVER
noinst_LTLIBRARIES += libserver.la
else
EXTRA_LTLIBRARIES += libserver.la
endif
libserver_la_CPPFLAGS = $(DAEMON_CPPFLAGS)
libserver_la_CFLAGS = $(AM_CFLAGS) $(EVENT_CFLAGS) $(JANSSON_CFLAGS)
libserver_la_LIBADD = $(JANSSON_LIBS)
libserver_la_SOURCES = \
	%D%/access.c \
	%D%/access.h \
	%D%/accounts.c \
	%D%/accounts.h \
	%D%/admit.c \
	%D%/announce.c \
	%D%/announce.h \
	%D%/background.c \
	%D%/background.h \
	%D%/client.c \
	%D%/client.h \
	%D%/conffile.c \
	%D%/conffile.h \
	%D%/control-json.c \
	%D%/control-json.h \
	%D%/control-lines.c \
	%D%/control-lines.h \
	%D%/control.c \
	%D%/control.h \
	%D%/doorbell.c \
	%D%/doorbell.h \
	%D%/fdlimit.c \
	%D%/fdlimit.h \
	%D%/handover.c \
	%D%/inherit.c \
	%D%/inherit.h \
	%D%/inspect.c \
	%D%/inspect.h \
	%D%/keeper-loop.c \
	%D%/keeper-loop.h \
	%D%/keeper.c \
	%D%/keeper.h \
	%D%/leave.c \
	%D%/lines.c \
	%D%/lines.h \
	%D%/listener.c \
	%D%/listener.h \
	%D%/log.c \
	%D%/log.h \
	%D%/loglimit.c \
	%D%/loglimit.h \
	%D%/loopback.c \
	%D%/loopback.h \
	%D%/metrics-text.c \
	%D%/metrics-text.h \
	%D%/metrics.c \
	%D%/metrics.h \
	%D%/news.c \
	%D%/occupied.c \
	%D%/occupied.h \
	%D%/options.c \
	%D%/options.h \
	%D%/ownfile.c \
	%D%/ownfile.h \
	%D%/peers.c \
	%D%/peers.h \
	%D%/printable.c \
	%D%/printable.h \
	%D%/queue.c \
	%D%/queue.h \
	%D%/restore.c \
	%D%/sandbox-lock.h \
	%D%/sandbox.c \
	%D%/sandbox.h \
	%D%/server.h \
	%D%/sanitized.h \
	%D%/serverd.c \
	%D%/serverd.h \
	%D%/setters.c \
	%D%/setters.h \
	%D%/settings.c \
	%D%/settings.h \
	%D%/shm-guard.c \
	%D%/shm-guard.h \
	%D%/shm-source.c \
	%D%/shm-source.h \
	%D%/shm.c \
	%D%/shm.h \
	%D%/snapshot.c \
	%D%/snapshot.h \
	%D%/state.c \
	%D%/state.h \
	%D%/store.c \
	%D%/store.h \
	%D%/tend.c \
	%D%/upgrade.c \
	%D%/upgrade.h \
	%D%/vectors.c \
	%D%/vectors.h \
	%D%/watchdog.c \
	%D%/watchdog.h

# Giving up rights: with libcap-ng and libseccomp, or without both.
if HAVE_SANDBOX
libserver_la_SOURCES += %D%/sandbox-calls.c %D%/sandbox-caps.c
libserver_la_CFLAGS += $(SANDBOX_CFLAGS)
libserver_la_LIBADD += $(SANDBOX_LIBS)
else
libserver_la_SOURCES += %D%/sandbox-none.c
endif

if ENABLE_SERVER
sbin_PROGRAMS += bellring-server
else
EXTRA_PROGRAMS += bellring-server
endif
bellring_server_SOURCES = %D%/server-main.c
bellring_server_CPPFLAGS = $(DAEMON_CPPFLAGS)
bellring_server_CFLAGS = $(AM_CFLAGS) $(EVENT_CFLAGS)
bellring_server_LDADD = libserver.la libcore.la $(EVENT_LIBS)
dist_man_MANS += doc/bellring-server.8 doc/bellring-server-control.7 \
	doc/bellring-server.conf.5
dist_doc_DATA += doc/bellring-server.conf.sample

# How systemd runs it: units, their user, their folder.
UNITS = \
	%D%/units/bellring-server.service \
	%D%/units/bellring-server.socket \
	%D%/units/bellring-server@.service \
	%D%/units/bellring-server@.socket
EXTRA_DIST += \
	%D%/units/bellring-server.service.in \
	%D%/units/bellring-server.socket.in \
	%D%/units/bellring-server@.service.in \
	%D%/units/bellring-server@.socket.in \
	%D%/units/sysusers.d/bellring.conf \
	%D%/units/tmpfiles.d/bellring.conf
CLEANFILES += $(UNITS)
$(UNITS): Makefile
	$(AM_V_GEN)$(MKDIR_P) $(@D) && \
		sed -e 's|@sbindir[@]|$(sbindir)|' -e 's|@sysconfdir[@]|$(sysconfdir)|' \
			$(srcdir)/$@.in > $@.tmp && mv $@.tmp $@
%D%/units/bellring-server.service: %D%/units/bellring-server.service.in
%D%/units/bellring-server.socket: %D%/units/bellring-server.socket.in
%D%/units/bellring-server@.service: %D%/units/bellring-server@.service.in
%D%/units/bellring-server@.socket: %D%/units/bellring-server@.socket.in
if ENABLE_SERVER
if INSTALL_UNITS
systemdsystemunit_DATA = $(UNITS)
sysusersdir = $(prefix)/lib/sysusers.d
sysusers_DATA = %D%/units/sysusers.d/bellring.conf
tmpfilesdir = $(prefix)/lib/tmpfiles.d
tmpfiles_DATA = %D%/units/tmpfiles.d/bellring.conf
else
noinst_DATA = $(UNITS)
endif
endif
