/* SPDX-License-Identifier: MIT */
#ifndef FS_PRINT_H
#define FS_PRINT_H

#include "fs/options.h"

/* --help and the others that only print: does what OPTIONS ask for, on standard output. */
int mc_print(const struct mc_options *options, struct mc_error *error);

#endif
