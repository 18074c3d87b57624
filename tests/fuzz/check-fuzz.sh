#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Fuzzes each target for FUZZ_SECONDS; started by `make check-fuzz`. An input
# that crashes or hangs is shown, and stays in fuzz/crash/; add it to FOUND in
# seeds.py. The corpus in fuzz/corpus/ is kept from run to run.
. "$top_srcdir/tests/tap.sh"
: "${FUZZ_SECONDS:=30}" "${FUZZ_TARGETS:=bus client config control layout proto ring steward}"
unset MAKEFLAGS MFLAGS MAKEOVERRIDES MAKELEVEL TESTS TEST_LOGS CFLAGS LDFLAGS

fuzz=$top_builddir/fuzz
flags='-g -O1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all'
ASAN_OPTIONS=detect_leaks=1:handle_abort=1
UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
export ASAN_OPTIONS UBSAN_OPTIONS

# clang, and libFuzzer beside it.
works() {
	mkdir -p "$fuzz/crash" "$fuzz/corpus" &&
		cat > "$fuzz/probe.c" <<-'END' &&
			#include <stddef.h>
			#include <stdint.h>
			int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
			int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
			{
				return data && size > 1000;
			}
		END
		clang $flags -fsanitize=fuzzer -o "$fuzz/probe" "$fuzz/probe.c" &&
		"$fuzz/probe" -runs=1
}

build() {
	(
		cd "$fuzz" || exit
		[ -f Makefile ] || "$top_srcdir/configure" -q --disable-static CC=clang \
			CFLAGS="$flags -fsanitize=fuzzer-no-link" || exit
		for target in $FUZZ_TARGETS; do
			make -s -j2 "tests/fuzz/fuzz-$target" || exit
		done
	)
}

# The last lines of a run that found something, with the input.
found() {
	tail -n 60 "$fuzz/$1.log"
	find "$fuzz/crash" -type f -name "$1-*" | while read -r file; do
		echo "$file:"
		od -An -tx1 "$file" | head -n 40
	done
	return 1
}

fuzz_one() {
	rm -f "$fuzz/crash/$1"-*
	mkdir -p "$fuzz/corpus/$1" "$fuzz/seeds/$1"
	"$fuzz/tests/fuzz/fuzz-$1" -max_total_time="$FUZZ_SECONDS" -timeout=10 \
		-max_len=1024 -print_final_stats=1 -artifact_prefix="$fuzz/crash/$1-" \
		"$fuzz/corpus/$1" "$fuzz/seeds/$1" > "$fuzz/$1.log" 2>&1 || found "$1"
}

# What a run tried, so that a target that never ran is seen.
runs() {
	executed=$(sed -n 's/^stat::number_of_executed_units: *//p' "$fuzz/$1.log")
	echo "$1: ${executed:-0} inputs"
	[ "${executed:-0}" -gt 100 ]
}

if ! works > "$top_builddir/fuzz-probe.log" 2>&1; then
	skip "fuzz targets" "clang with libFuzzer does not work: see fuzz-probe.log"
	done_testing
fi
ok "the fuzz targets build" build
ok "the seeds are written" /usr/bin/python3 "$top_srcdir/tests/fuzz/seeds.py" "$fuzz/seeds"
for name in $FUZZ_TARGETS; do
	ok "$name: $FUZZ_SECONDS s without a crash or a hang" fuzz_one "$name"
	ok "$name: was run" runs "$name"
done
done_testing
