# BELL_RIVALS
# -----------
# What tests/bench measures Bellring against, if it is there; nothing that is installed
# uses it. Conditionals HAVE_ZEROMQ, HAVE_NNG, HAVE_CK; ZEROMQ_CFLAGS, ZEROMQ_LIBS,
# NNG_LIBS, CK_CFLAGS. Not for another machine than this one: it could not run there.
AC_DEFUN([BELL_RIVALS], [
have_zeromq=no have_nng=no have_ck=no
NNG_LIBS=
AS_IF([test "x$cross_compiling" = xno], [
  PKG_CHECK_MODULES([ZEROMQ], [libzmq >= 4.0], [have_zeromq=yes], [have_zeromq=no])
  # Its ring is all in its header.
  PKG_CHECK_MODULES([CK], [ck >= 0.7], [have_ck=yes], [have_ck=no])
  # It tells pkg-config nothing of itself.
  AC_CHECK_HEADER([nng/nng.h],
    [AC_CHECK_LIB([nng], [nng_pair0_open], [have_nng=yes NNG_LIBS=-lnng])])
])
AM_CONDITIONAL([HAVE_ZEROMQ], [test $have_zeromq = yes])
AM_CONDITIONAL([HAVE_NNG], [test $have_nng = yes])
AM_CONDITIONAL([HAVE_CK], [test $have_ck = yes])
AC_SUBST([NNG_LIBS])
])
