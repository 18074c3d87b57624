/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * setters.h - from the text of a setting to its field
 */
#ifndef BELL_SETTERS_H
#define BELL_SETTERS_H

#include "settings.h"

setting_fn set_flag;       /* yes or no */
setting_fn set_flag_off;   /* the opposite */
setting_fn set_number;     /* decimal */
setting_fn set_octal;
setting_fn set_size;       /* bytes, or with K, M, G, T */
setting_fn set_page_size;  /* a size that is a power of two */
setting_fn set_text;       /* not empty; borrowed from the state */
setting_fn set_path;       /* the same, at most max bytes */
setting_fn set_region_name; /* layout_check_name() */
setting_fn set_user;       /* id of who has that name or number */
setting_fn set_group;
setting_fn set_user_name;  /* borrowed from the state; there is one */
setting_fn set_group_name;
setting_fn set_metrics;    /* an address of a loopback port, or unix: */
setting_fn add_users;      /* to whom may be a peer */
setting_fn add_groups;

#endif
