# The core: no operating system header. libcore.la serves the installed library,
# the server and the unit tests; each outer folder adds its port to it.
noinst_LTLIBRARIES += libcore.la
libcore_la_SOURCES = \
	%D%/address.c \
	%D%/address.h \
	%D%/answer.c \
	%D%/atomic.h \
	%D%/bellring.h \
	%D%/bellring-bus.h \
	%D%/bellring-call.h \
	%D%/bellring-message.h \
	%D%/bellring-stream.h \
	%D%/bellring-topic.h \
	%D%/bus.c \
	%D%/bus.h \
	%D%/bus-plain.h \
	%D%/call.c \
	%D%/call.h \
	%D%/caller.c \
	%D%/call-set.h \
	%D%/call-wire.h \
	%D%/deliver.c \
	%D%/directory.c \
	%D%/directory.h \
	%D%/due.c \
	%D%/due.h \
	%D%/ends.c \
	%D%/ends.h \
	%D%/error.c \
	%D%/error.h \
	%D%/flight.c \
	%D%/flight.h \
	%D%/frame.c \
	%D%/handler.c \
	%D%/id.c \
	%D%/id.h \
	%D%/identity.h \
	%D%/incoming.c \
	%D%/inplace.c \
	%D%/layout.c \
	%D%/layout.h \
	%D%/link.c \
	%D%/listing.c \
	%D%/os.h \
	%D%/outgoing.c \
	%D%/pci-name.c \
	%D%/pci-name.h \
	%D%/peer.c \
	%D%/peer.h \
	%D%/port.h \
	%D%/presence.c \
	%D%/presence.h \
	%D%/recv-batch.c \
	%D%/recv.c \
	%D%/request.c \
	%D%/request.h \
	%D%/ring.c \
	%D%/ring.h \
	%D%/send.c \
	%D%/settle.c \
	%D%/settle.h \
	%D%/steward.c \
	%D%/steward.h \
	%D%/steward-header.c \
	%D%/steward-sweep.c \
	%D%/stream.c \
	%D%/stream.h \
	%D%/stream-buffer.c \
	%D%/stream-buffer.h \
	%D%/stream-frame.c \
	%D%/stream-listen.c \
	%D%/stream-send.c \
	%D%/stream-set.c \
	%D%/stream-set.h \
	%D%/stream-wire.h \
	%D%/ticker.h \
	%D%/ticker-pace.c \
	%D%/topic.c \
	%D%/topic.h \
	%D%/topic-publish.c \
	%D%/topic-queue.c \
	%D%/topic-set.h \
	%D%/turn.c \
	%D%/wait.c \
	%D%/ways.c \
	%D%/will.c \
	%D%/will.h

include_HEADERS += \
	%D%/bellring.h \
	%D%/bellring-bus.h \
	%D%/bellring-call.h \
	%D%/bellring-message.h \
	%D%/bellring-stream.h \
	%D%/bellring-topic.h
pkgconfig_DATA += %D%/bellring.pc

if !HOST_WINDOWS
# libtool's c:r:a. Interface changed: c+1, r=0; only added to: a+1, else a=0;
# no interface change: r+1.
lib_LTLIBRARIES += libbellring.la
libbellring_la_SOURCES =
libbellring_la_LIBADD = libcore.la
libbellring_la_LDFLAGS = -version-info 0:0:0
EXTRA_libbellring_la_DEPENDENCIES = %D%/bellring.map
if HAVE_VERSION_SCRIPT
libbellring_la_LDFLAGS += -Wl,--version-script=$(top_srcdir)/%D%/bellring.map
endif
endif
EXTRA_DIST += %D%/bellring.map