#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The stress test must be able to fail: with either full fence of the wake-up
# weakened to a compiler fence it loses a wake-up. Several tries each, as a race
# is not certain; the whole code passes the same tries.
. "$top_srcdir/tests/tap.sh"
: "${FENCE_TRIES:=5}" "${STRESS_SLEEPS:=300000}"
export STRESS_SLEEPS

loses() {
	try=0
	while [ "$try" -lt "$FENCE_TRIES" ]; do
		try=$((try + 1))
		if ! out=$("$top_builddir/tests/$1") &&
			case $out in *"LOST WAKE-UP"*) true ;; *) false ;; esac; then
			echo "lost one in try $try: $out"
			return 0
		fi
	done
	echo "no wake-up lost in $FENCE_TRIES tries: $out"
	return 1
}

if [ "$(nproc)" -lt 2 ]; then
	skip "weakened fences lose a wake-up" "needs two cores"
else
	ok "the writer's fence weakened: a wake-up is lost" loses stress-weak-writer
	ok "the sleeper's fence weakened: a wake-up is lost" loses stress-weak-sleeper
fi
ok "both fences in place: none is lost" "$top_builddir/tests/stress"
done_testing
