# What the host side and the Linux guest ports both stand on.
libcore_la_SOURCES += \
	%D%/address.c \
	%D%/address.h \
	%D%/ticker.c \
	%D%/ticker.h \
	%D%/number.c \
	%D%/number.h \
	%D%/eventset.c \
	%D%/eventset.h \
	%D%/fd.c \
	%D%/fd.h \
	%D%/file.c \
	%D%/os.c \
	%D%/ports.c
