/* SPDX-License-Identifier: BSD-2-Clause */
#include "rivals.h"

const struct rival rival_zeromq = { .name = "zeromq ipc", .package = "libzmq3-dev" };
