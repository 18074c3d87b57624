/* SPDX-License-Identifier: BSD-2-Clause */
#include "rivals.h"

const struct rival *const rivals[] = {
	&rival_line,
	&rival_copy,
	&rival_eventfd_read,
	&rival_eventfd_poll,
	&rival_eventfd_epoll,
	&rival_eventfd_libevent,
	&rival_bellring_interrupt,
	&rival_bellring_polling,
	&rival_bellring_poll_only,
	&rival_bellring_adaptive,
	&rival_bellring_poll,
	&rival_bellring_epoll,
	&rival_bellring_libevent,
	&rival_zeromq,
	&rival_nng,
	&rival_unix_stream,
	&rival_unix_seqpacket,
	&rival_pipe,
	&rival_tcp,
	&rival_ck,
	&rival_seed,
	NULL
};
