# SPDX-License-Identifier: BSD-2-Clause
# Sourced by shell tests: ok NAME COMMAND... runs one case, done_testing ends.
tap_n=0
tap_failed=0

# ok NAME COMMAND [ARG...]: a case that passes if the command succeeds.
ok() {
	tap_name=$1
	shift
	tap_n=$((tap_n + 1))
	if tap_out=$("$@" 2>&1); then
		echo "ok $tap_n - $tap_name"
	else
		echo "# $* : exit status $?"
		printf '%s\n' "$tap_out" | sed 's/^/# /'
		echo "not ok $tap_n - $tap_name"
		tap_failed=1
	fi
}

# skip NAME WHY: a case that something is missing for; a failure in CI.
skip() {
	tap_n=$((tap_n + 1))
	if [ -n "${CI:-}" ]; then
		echo "not ok $tap_n - $1: $2 (a failure because CI is set)"
		tap_failed=1
	else
		echo "ok $tap_n - $1 # SKIP $2"
	fi
}

done_testing() {
	echo "1..$tap_n"
	exit "$tap_failed"
}
