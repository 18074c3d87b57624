# The doctor's checks of made-up machines.
if HAVE_CHECK
DOCTOR_TESTS = %D%/test-doctor %D%/test-doctor-qemu
check_PROGRAMS += $(DOCTOR_TESTS)
TESTS += $(DOCTOR_TESTS)
%C%_test_doctor_SOURCES = \
	%D%/test-doctor.c \
	%D%/testing.c \
	%D%/testing.h \
	src/cli/doctor-control-none.c \
	src/cli/doctor-users-posix.c \
	src/cli/deadline.c \
	src/cli/sys-posix.c
%C%_test_doctor_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/src/cli
%C%_test_doctor_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
%C%_test_doctor_LDADD = libdoctor.la libcore.la $(CHECK_LIBS)
%C%_test_doctor_qemu_SOURCES = %D%/test-doctor-qemu.c %D%/testing.c %D%/testing.h
%C%_test_doctor_qemu_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/src/cli
%C%_test_doctor_qemu_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
%C%_test_doctor_qemu_LDADD = libdoctor.la $(CHECK_LIBS)
endif
