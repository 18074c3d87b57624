# BELL_SANDBOX
# ------------
# libcap-ng and libseccomp, by which the server gives up rights: both or none.
# Sets have_sandbox, SANDBOX_CFLAGS and SANDBOX_LIBS.
AC_DEFUN([BELL_SANDBOX], [
AC_ARG_WITH([sandbox],
  [AS_HELP_STRING([--without-sandbox],
    [leave out what needs libcap-ng and libseccomp: the server keeps
     capabilities and all system calls (default: use them if there)])],
  [], [with_sandbox=check])
have_sandbox=no
AS_IF([test "x$with_sandbox" != xno],
  [PKG_CHECK_MODULES([SANDBOX], [libcap-ng >= 0.7.9 libseccomp >= 2.4],
    [have_sandbox=yes],
    [AS_IF([test "x$with_sandbox" = xyes],
      [AC_MSG_ERROR([libcap-ng and libseccomp are needed for the sandbox: on Debian, apt-get install libcap-ng-dev libseccomp-dev])])])])
AS_IF([test "x$have_sandbox" = xyes],
  [AC_DEFINE([HAVE_SANDBOX], [1], [libcap-ng and libseccomp are there.])])
AM_CONDITIONAL([HAVE_SANDBOX], [test "x$have_sandbox" = xyes])
])
