# BELL_VERSION_SCRIPT
# -------------------
# Whether the linker takes a version script; conditional HAVE_VERSION_SCRIPT.
AC_DEFUN([BELL_VERSION_SCRIPT], [
AC_CACHE_CHECK([whether the linker takes a version script],
  [bell_cv_version_script], [
  bell_save_LDFLAGS=$LDFLAGS
  AS_ECHO(["X { local: *; };"]) > conftest.map
  LDFLAGS="$LDFLAGS -Wl,--version-script=conftest.map"
  AC_LINK_IFELSE([AC_LANG_PROGRAM()],
    [bell_cv_version_script=yes], [bell_cv_version_script=no])
  LDFLAGS=$bell_save_LDFLAGS
  rm -f conftest.map
  ])
AM_CONDITIONAL([HAVE_VERSION_SCRIPT], [test "x$bell_cv_version_script" = xyes])
])
