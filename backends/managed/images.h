/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_MANAGED_IMAGES_H
#define BACKENDS_MANAGED_IMAGES_H

struct mc_cloud;

/* images.c: with the lock, breaks off all copies of images; frees them, when no thread is left. */
void mc_images_cancel(struct mc_cloud *cloud);

void mc_images_free(struct mc_cloud *cloud);

#endif
