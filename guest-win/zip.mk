# What users of Windows get in one file, of a build for Windows in the folder windows
# (tests/cross.py). In a build for Linux, which makes the contract program.
EXTRA_DIST += %D%/README.md %D%/zip.py
WINDOWS_ZIP = $(PACKAGE)-$(VERSION)-windows-x64.zip
CLEANFILES += $(WINDOWS_ZIP)
windows-zip: tests/wine/bellring-contract.exe
	$(AM_V_at)top_srcdir='$(abs_top_srcdir)' top_builddir='$(abs_top_builddir)' \
		/usr/bin/python3 $(top_srcdir)/tests/cross.py windows all
	$(AM_V_GEN)/usr/bin/python3 $(top_srcdir)/%D%/zip.py windows \
		tests/wine/bellring-contract.exe $(WINDOWS_ZIP)
.PHONY: windows-zip
