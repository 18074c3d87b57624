# The conformance suite, for whichever program runs it; also for Windows.
SUITE = \
	%D%/asleep.h \
	%D%/calls-fixture.c \
	%D%/calls-fixture.h \
	%D%/conformance.c \
	%D%/conformance.h \
	%D%/conformance-batches.c \
	%D%/conformance-call-ends.c \
	%D%/conformance-call-frames.c \
	%D%/conformance-calls.c \
	%D%/conformance-directory.c \
	%D%/conformance-inplace.c \
	%D%/conformance-large.c \
	%D%/conformance-messages.c \
	%D%/conformance-policies.c \
	%D%/conformance-poll-only.c \
	%D%/conformance-presence.c \
	%D%/conformance-raw.c \
	%D%/conformance-sending.c \
	%D%/conformance-stream-ends.c \
	%D%/conformance-stream-hostile.c \
	%D%/conformance-stream-loops.c \
	%D%/conformance-streams.c \
	%D%/conformance-topics.c \
	%D%/conformance-waiting.c \
	%D%/streams-fixture.c \
	%D%/streams-fixture.h \
	%D%/topics-fixture.c \
	%D%/topics-fixture.h
# Where nobody tells who is connected; what it replaces, conformance-untold.h says.
SUITE_UNTOLD = %D%/conformance-untold.c %D%/conformance-untold.h
UNTOLD_WRAP = -Wl,--wrap=setup,--wrap=setup_raw,--wrap=_tcase_add_test,--wrap=bell_close
