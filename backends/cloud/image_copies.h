/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_MANAGED_IMAGES_H
#define BACKENDS_MANAGED_IMAGES_H

#include "backends/cloud/model.h"
#include "mcloud/lock.h"

/* images.c: with the lock, breaks off all copies of images; frees them, when no thread is left. */
void mc_images_cancel(struct mc_cloud *cloud) MC_REQUIRES(cloud->lock);

void mc_images_free(struct mc_cloud *cloud);

#endif
