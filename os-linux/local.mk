# What the host side and the Linux guest ports both stand on.
libcore_la_SOURCES += \
	%D%/eventset.c \
	%D%/eventset.h \
	%D%/fd.c \
	%D%/fd.h \
	%D%/os.c \
	%D%/ports.c
