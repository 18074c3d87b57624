# BELL_WINDOWS
# ------------
# A build for Windows guests: no server, no shared library by libtool, which would
# not name it bellring.dll. Conditional HOST_WINDOWS; WINDOWS_CPPFLAGS, WINDOWS_LIBS.
AC_DEFUN([BELL_WINDOWS], [
AC_REQUIRE([AC_CANONICAL_HOST])
AS_CASE([$host_os], [mingw*], [host_windows=yes], [host_windows=no])
AM_CONDITIONAL([HOST_WINDOWS], [test $host_windows = yes])
WINDOWS_CPPFLAGS=
WINDOWS_LIBS=
AS_IF([test $host_windows = yes], [
  enable_server=no
  with_sandbox=no
  with_systemdsystemunitdir=no
  AC_CHECK_TOOL([WINDRES], [windres], [false])
  # printf() as C has it, and what Windows 10 has.
  WINDOWS_CPPFLAGS="-D__USE_MINGW_ANSI_STDIO=1 -D_WIN32_WINNT=0x0A00 -DUNICODE -D_UNICODE -DWIN32_LEAN_AND_MEAN"
  WINDOWS_LIBS="-lsetupapi -lcfgmgr32 -lbcrypt -lole32"
])
AC_SUBST([WINDOWS_CPPFLAGS])
AC_SUBST([WINDOWS_LIBS])
])
