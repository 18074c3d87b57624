# BELL_WARNINGS
# -------------
# Puts the warnings that the compiler knows into WARN_CFLAGS, and -Werror with
# --enable-werror (as CI does).
AC_DEFUN([BELL_WARNINGS], [
AC_ARG_ENABLE([werror],
  [AS_HELP_STRING([--enable-werror], [treat warnings as errors])],
  [], [enable_werror=no])
WARN_CFLAGS=
# No word on what GCC 11 changed for 32-bit x86: layout.h asserts its offsets.
for bell_flag in -Wno-psabi -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes \
    -Wmissing-prototypes -Wpointer-arith -Wformat=2 -Wundef -Wvla; do
  bell_save_CFLAGS=$CFLAGS
  CFLAGS="$CFLAGS -Werror $bell_flag"
  AC_COMPILE_IFELSE([AC_LANG_PROGRAM()],
    [WARN_CFLAGS="$WARN_CFLAGS $bell_flag"])
  CFLAGS=$bell_save_CFLAGS
done
AS_IF([test "x$enable_werror" = xyes], [WARN_CFLAGS="$WARN_CFLAGS -Werror"])
AC_SUBST([WARN_CFLAGS])
])
