# The host port (in the library), the libevent glue, the server.
libcore_la_SOURCES += \
	%D%/dial.c \
	%D%/dial.h \
	%D%/fdcheck.c \
	%D%/fdcheck.h \
	%D%/greeting.c \
	%D%/host.c \
	%D%/host.h \
	%D%/intake.c \
	%D%/pending.c \
	%D%/pending.h \
	%D%/proto.c \
	%D%/proto.h \
	%D%/remotes.c \
	%D%/remotes.h \
	%D%/sockfd.c \
	%D%/sockfd.h

lib_LTLIBRARIES += libbellring-event.la
libbellring_event_la_SOURCES = %D%/event.c
libbellring_event_la_CFLAGS = $(AM_CFLAGS) $(EVENT_CFLAGS)
libbellring_event_la_LIBADD = libbellring.la $(EVENT_LIBS)
libbellring_event_la_LDFLAGS = -version-info 0:0:0
include_HEADERS += %D%/bellring-event.h
pkgconfig_DATA += %D%/bellring-event.pc

# The parts of the server that its tests use too.
noinst_LTLIBRARIES += libserver.la
libserver_la_SOURCES = \
	%D%/peers.c \
	%D%/peers.h \
	%D%/queue.c \
	%D%/queue.h \
	%D%/vectors.c \
	%D%/vectors.h

sbin_PROGRAMS += bellring-server
bellring_server_SOURCES = \
	%D%/client.c \
	%D%/client.h \
	%D%/fdlimit.c \
	%D%/fdlimit.h \
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
	%D%/server-main.c \
	%D%/serverd.c \
	%D%/serverd.h \
	%D%/shm.c \
	%D%/shm.h
bellring_server_CFLAGS = $(AM_CFLAGS) $(EVENT_CFLAGS)
bellring_server_LDADD = libserver.la libcore.la $(EVENT_LIBS)
dist_man_MANS += doc/bellring-server.8
