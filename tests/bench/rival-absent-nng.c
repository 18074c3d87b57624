/* SPDX-License-Identifier: BSD-2-Clause */
#include "rivals.h"

const struct rival rival_nng = { .name = "nng ipc", .package = "libnng-dev" };
