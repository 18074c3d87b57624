#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The tests once more, under the compilers' sanitizers; started by
# `make check-sanitize`. Builds the tree anew below sanitize/ for each
# configuration and prints one case for each of its test programs.
#
#   address  gcc, AddressSanitizer with leaks, UndefinedBehaviorSanitizer
#   thread   clang, ThreadSanitizer: the test programs in C; what is a process
#            of its own, as the server, has one thread only. GCC's does not
#            model fences and would warn of what is right.
#
# No MemorySanitizer: it needs libc's, libevent's and check's own code built
# with it, or reports what they initialize.
#
# SANITIZE="address thread" chooses. Logs stay in sanitize/NAME.log.
. "$top_srcdir/tests/tap.sh"
: "${SANITIZE:=address thread}"

# What make passes down is for this test, not for the builds below.
unset MAKEFLAGS MFLAGS MAKEOVERRIDES MAKELEVEL TESTS TEST_LOGS CFLAGS LDFLAGS

# Sanitized programs are slow; a hang still ends.
CK_TIMEOUT_MULTIPLIER=5
STRESS_SLEEPS=${STRESS_SLEEPS:-5000}
RACES_MESSAGES=${RACES_MESSAGES:-2000}
# No recovery: whatever is found fails the program that did it, child or not.
ASAN_OPTIONS=detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1:exitcode=99
UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1:exitcode=99
TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1:exitcode=99
export CK_TIMEOUT_MULTIPLIER STRESS_SLEEPS RACES_MESSAGES
export ASAN_OPTIONS UBSAN_OPTIONS TSAN_OPTIONS

# configuration NAME: sets compiler, flags and target; false for an unknown one.
configuration() {
	case $1 in
	address)
		compiler=gcc target='check COUNTING_TESTS='
		flags='-fsanitize=address,undefined -fno-sanitize-recover=all'
		;;
	thread)
		compiler=clang target=check-threads
		flags='-fsanitize=thread'
		;;
	*)
		return 1
		;;
	esac
	flags="-g -O1 -fno-omit-frame-pointer $flags"
}

# The compiler, its runtime, and that a program with it starts here.
works() {
	echo 'int main(void) { return 0; }' > "$1/probe.c" &&
		"$compiler" $flags -o "$1/probe" "$1/probe.c" && "$1/probe"
}

build() {
	(cd "$1" && "$top_srcdir/configure" -q --disable-static \
		CC="$compiler" CFLAGS="$flags" && make -s -j2)
}

# One case for each program that the run left a result of.
report() {
	find "$1/tests" -name '*.trs' | sort > "$1/results"
	[ -s "$1/results" ] || return 1
	while read -r trs; do
		test=${trs#"$1"/tests/}
		test=${test%.trs}
		result=$(sed -n 's/^:global-test-result: //p' "$trs")
		case $result in
		PASS) ok "$2: $test" true ;;
		SKIP) skip "$2: $test" "it skips itself: see $2.log" ;;
		*) ok "$2: $test: $result" failures "${trs%.trs}.log" ;;
		esac
	done < "$1/results"
}

# What failed and what the sanitizer says; never succeeds.
failures() {
	grep -A 40 -E 'not ok|ERROR: |WARNING: |runtime error' "$1" | head -n 200
	return 1
}

last_lines() {
	tail -n 50 "$1"
	return 1
}

run() {
	dir=$top_builddir/sanitize/$1
	rm -rf "$dir"
	mkdir -p "$dir"
	if ! works "$dir" > "$dir.log" 2>&1; then
		skip "$1" "$compiler $flags does not work: see sanitize/$1.log"
		return
	fi
	ok "$1: builds" build "$dir"
	(cd "$dir" && make -j2 $target) > "$dir.log" 2>&1
	status=$?
	# A run that ended before its tests leaves no results.
	report "$dir" "$1" || ok "$1: tests ran" last_lines "$dir.log"
	ok "$1: the whole run succeeds" test "$status" -eq 0
}

for name in $SANITIZE; do
	if configuration "$name"; then
		run "$name"
	else
		ok "$name is a configuration" false
	fi
done
done_testing
