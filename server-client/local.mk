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

if ENABLE_SERVER
lib_LTLIBRARIES += libbellring-event.la
libbellring_event_la_SOURCES = %D%/event.c
libbellring_event_la_CFLAGS = $(AM_CFLAGS) $(EVENT_CFLAGS)
libbellring_event_la_LIBADD = libbellring.la $(EVENT_LIBS)
libbellring_event_la_LDFLAGS = -version-info 0:0:0
include_HEADERS += %D%/bellring-event.h
pkgconfig_DATA += %D%/bellring-event.pc
endif
