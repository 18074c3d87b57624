# The server. The folder above it, the protocol, knows nothing of it.
DAEMON_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/server-client \
	-I$(top_srcdir)/server-client/daemon

# All but main(), for its tests too.
noinst_LTLIBRARIES += libserver.la
libserver_la_CPPFLAGS = $(DAEMON_CPPFLAGS)
libserver_la_CFLAGS = $(AM_CFLAGS) $(EVENT_CFLAGS)
libserver_la_SOURCES = \
	%D%/access.h \
	%D%/client.c \
	%D%/client.h \
	%D%/fdlimit.c \
	%D%/fdlimit.h \
	%D%/inspect.h \
	%D%/listener.c \
	%D%/listener.h \
	%D%/log.c \
	%D%/log.h \
	%D%/occupied.c \
	%D%/occupied.h \
	%D%/options.c \
	%D%/options.h \
	%D%/ownfile.c \
	%D%/ownfile.h \
	%D%/peers.c \
	%D%/peers.h \
	%D%/queue.c \
	%D%/queue.h \
	%D%/sandbox.h \
	%D%/serverd.c \
	%D%/serverd.h \
	%D%/shm.c \
	%D%/shm.h \
	%D%/vectors.c \
	%D%/vectors.h

sbin_PROGRAMS += bellring-server
bellring_server_SOURCES = %D%/server-main.c
bellring_server_CPPFLAGS = $(DAEMON_CPPFLAGS)
bellring_server_CFLAGS = $(AM_CFLAGS) $(EVENT_CFLAGS)
bellring_server_LDADD = libserver.la libcore.la $(EVENT_LIBS)
dist_man_MANS += doc/bellring-server.8
