/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_CLOUD_IMAGE_COPIES_H
#define BACKENDS_CLOUD_IMAGE_COPIES_H

#include "backends/cloud/model.h"
#include "mcloud/lock.h"

/* With the lock, breaks off all copies of images; frees them, when no thread is left. */
void mc_image_copies_cancel(struct mc_cloud *cloud) MC_REQUIRES(cloud->lock);

void mc_image_copies_free(struct mc_cloud *cloud);

#endif
