/* SPDX-License-Identifier: MIT */
#ifndef FS_TREE_IMAGES_H
#define FS_TREE_IMAGES_H

#include "fs/tree.h"

#include "mcloud/image.h"

/* What images/ and images-by-id/ share: an image is MC_KEY_IMAGE, its key the id. */

/* The Glance of the region that is asked; a new reference. */
int mc_images_glance(struct mc_ask *ask, struct mc_glance **ret_glance);

/* The image that is asked about, as Glance has it now, all of it in *RET_JSON (may be NULL). */
int mc_images_look(struct mc_ask *ask, struct mc_image *ret_image, cJSON **ret_json);

/* Sets attribute or property NAME of the image; VALUE is consumed, NULL is out of memory. */
int mc_images_set(struct mc_ask *ask, const char *name, cJSON *value);
int mc_images_unset(struct mc_ask *ask, const char *name);

int mc_images_delete(struct mc_ask *ask);

/* Deletes image ID; 0 also where it can't be told now whether it is gone. */
int mc_images_remove(struct mc_ask *ask, struct mc_glance *glance, const char *id);

/* Image NEW_ID, a copy that its writer names NAME, comes in the place of OLD_ID: it gets the name, and all that belongs
 * to the old one and isn't content. 1: the content is the same, so the old one stays, and the new one is gone. */
int mc_images_renew(
	struct mc_ask *ask, struct mc_glance *glance, const char *old_id, const char *new_id, const char *name);

/* For listings: all images, by name or by id. */
int mc_images_list(struct mc_ask *ask, struct mc_entries *entries, bool by_id);

/* "public" 0444, "shared" 0440, … */
mode_t mc_images_mode(const char *visibility);

void mc_images_attributes(const struct mc_image *image, struct mc_attributes *ret);

/* The SIZE bytes of VALUE as a string, to be freed. -EINVAL with the sentence FLAW: they are not UTF-8, or have a NUL;
 * nothing else can be said in JSON. */
int mc_images_text(struct mc_ask *ask, const char *value, size_t size, const char *flaw, char **ret_text);

/* Methods of the rows that stand for the content: images/NAME and images-by-id/ID/data. */
int mc_images_content_attributes(struct mc_ask *ask, struct mc_attributes *ret);
int mc_images_set_mode(struct mc_ask *ask, mode_t mode);
int mc_images_truncate(struct mc_ask *ask, int64_t size);
int mc_images_copied(struct mc_ask *ask, const struct timespec *mtime);
extern const struct mc_file_type mc_images_file;
extern const struct mc_xattr_type mc_images_xattrs;

/* State for mc_images_file of a new image NAME, to be written. */
int mc_images_create_file(struct mc_ask *ask, const char *name, void **ret_state);

/* images-by-id/ID/{ctl,progress} */
extern const struct mc_verb mc_images_verbs[];
extern const struct mc_stream_type mc_images_progress;

/* images-by-id/ID/{tags,members,properties} */
extern const struct mc_directory_type mc_images_tags, mc_images_members, mc_images_properties;

static inline void mc_cleanup_image(struct mc_image *image)
{
	int saved = errno;
	mc_image_clear(image);
	errno = saved;
}

#endif
