# BELL_LARGEFILE
# --------------
# 64-bit offsets on 32-bit systems too, for all files: few include config.h.
# Sets LARGEFILE_CPPFLAGS.
AC_DEFUN([BELL_LARGEFILE], [
AC_REQUIRE([AC_SYS_LARGEFILE])
LARGEFILE_CPPFLAGS=
AS_CASE([$ac_cv_sys_file_offset_bits],
  [[[0-9]]*], [LARGEFILE_CPPFLAGS=-D_FILE_OFFSET_BITS=$ac_cv_sys_file_offset_bits])
AC_SUBST([LARGEFILE_CPPFLAGS])
])
