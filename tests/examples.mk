# What the documentation shows compiles, and is what the memory holds.
check_PROGRAMS += %D%/layout-example
tests_layout_example_SOURCES = %D%/layout-example.c
tests_layout_example_LDADD = libbellring.la
TESTS += %D%/test-examples.py
EXTRA_DIST += %D%/test-examples.py
%D%/test-examples.log: bellring-server %D%/layout-example
