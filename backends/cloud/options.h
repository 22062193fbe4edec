/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_CLOUD_OPTIONS_H
#define BACKENDS_CLOUD_OPTIONS_H

struct mc_cloud_options;

/* TO gets strings of its own, and state_dir without links in it. 0 or -ENOMEM; TO is to be freed then, too. */
int mc_cloud_options_copy(struct mc_cloud_options *to, const struct mc_cloud_options *from);

void mc_cloud_options_free(struct mc_cloud_options *options);

#endif
