/* SPDX-License-Identifier: BSD-2-Clause */
#include "rivals.h"

const struct rival rival_ck = { .name = "ck_ring", .package = "libck-dev" };
