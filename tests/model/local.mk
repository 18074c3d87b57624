# `make check-model`: the models of doc/model.md, explored by spin.
TESTS += %D%/test-model-map.py
dist_doc_DATA += doc/model.md
EXTRA_DIST += \
	%D%/check-model.py \
	%D%/link.pml \
	%D%/slot.pml \
	%D%/test-model-map.py \
	%D%/wake.pml

check-model:
	@$(MAKE) $(AM_MAKEFLAGS) check-TESTS TESTS=%D%/check-model.py \
		TEST_LOGS=%D%/check-model.log check_PROGRAMS= check_LTLIBRARIES=
clean-local: clean-model
clean-model:
	rm -rf model
.PHONY: check-model clean-model
