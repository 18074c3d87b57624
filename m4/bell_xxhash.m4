# BELL_XXHASH
# -----------
# The tool's checksum; its header is all that is used of it. It is the same for all
# systems: a compiler for Windows may take this machine's. Sets XXHASH_CPPFLAGS.
AC_DEFUN([BELL_XXHASH], [
AC_REQUIRE([BELL_WINDOWS])
XXHASH_CPPFLAGS=
AS_IF([test $host_windows = yes && test -e /usr/include/xxhash.h], [
  AS_MKDIR_P([xxhash])
  cp /usr/include/xxhash.h xxhash/
  XXHASH_CPPFLAGS='-I$(top_builddir)/xxhash'
])
bell_save_CPPFLAGS=$CPPFLAGS
AS_IF([test -n "$XXHASH_CPPFLAGS"], [CPPFLAGS="$CPPFLAGS -Ixxhash"])
AC_PREPROC_IFELSE([AC_LANG_SOURCE([[#include <xxhash.h>
#if XXH_VERSION_NUMBER < 800
#error XXH3 is stable from 0.8.0 on
#endif]])], [],
  [AC_MSG_ERROR([xxhash.h of xxHash 0.8.0 or newer is needed: on Debian, apt-get install libxxhash-dev])])
CPPFLAGS=$bell_save_CPPFLAGS
AC_SUBST([XXHASH_CPPFLAGS])
])
