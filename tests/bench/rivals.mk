# The rivals that speed.mk builds in beside Bellring and the limits. A library that
# was not there leaves its rival's name and package.
RIVAL_SOURCES = \
	%D%/rival-batch.h \
	%D%/rival-bytes-pair.c \
	%D%/rival-bytes.c \
	%D%/rival-bytes.h \
	%D%/rival-seed.c \
	%D%/rival-seqpacket.c
RIVAL_CFLAGS = $(ZEROMQ_CFLAGS) $(CK_CFLAGS)
RIVAL_LIBS = $(ZEROMQ_LIBS) $(NNG_LIBS) -lpthread
if HAVE_ZEROMQ
RIVAL_SOURCES += %D%/rival-zeromq.c
else
RIVAL_SOURCES += %D%/rival-absent-zeromq.c
endif
if HAVE_NNG
RIVAL_SOURCES += %D%/rival-nng.c
else
RIVAL_SOURCES += %D%/rival-absent-nng.c
endif
if HAVE_CK
RIVAL_SOURCES += %D%/rival-ck.c
else
RIVAL_SOURCES += %D%/rival-absent-ck.c
endif
