# What is written down agrees with what is built.
TESTS += %D%/test-docs.py
EXTRA_DIST += %D%/test-docs.py
