# What the host side and the Linux guest ports both stand on.
libcore_la_SOURCES += \
	%D%/ticker.c \
	%D%/number.c \
	%D%/number.h \
	%D%/eventset.c \
	%D%/eventset.h \
	%D%/fd.c \
	%D%/fd.h \
	%D%/file.c \
	%D%/os.c \
	%D%/ports.c
if HOST_X86_64
libcore_la_SOURCES += %D%/copy-x86-64.c
else
libcore_la_SOURCES += %D%/copy.c
endif
