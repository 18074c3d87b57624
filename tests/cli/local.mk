# The tool against a real server; Python's standard library is all they need.
CLI_TESTS = \
	%D%/test-bench.py \
	%D%/test-errors.py \
	%D%/test-messages.py \
	%D%/test-raw.py
TESTS += $(CLI_TESTS)
EXTRA_DIST += $(CLI_TESTS) %D%/bellring.py
%D%/test-bench.log %D%/test-errors.log %D%/test-messages.log %D%/test-raw.log: \
	bellring bellring-server
