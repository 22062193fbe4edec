/* SPDX-License-Identifier: MIT */
#ifndef MCLOUD_IMAGE_H
#define MCLOUD_IMAGE_H

#include "mcloud/call.h"
#include "mcloud/error.h"
#include "mcloud/identity.h"

#include <stdint.h>
#include <sys/types.h>

/* The Image API v2 of one region's Glance. Safe in any thread; reference counted. https://docs.openstack.org/api-ref/image/v2/ */
struct mc_glance;

struct mc_glance_options {
	const char *service; /* "glance-Kista" */
	const char *url;     /* "http://127.77.1.1:9292", without /v2 */
	struct mc_keystone *keystone; /* where its tokens come from; a reference is taken */
	struct mc_journal *journal;
	int ttl_ms;
};

/* One image as listed. */
struct mc_image {
	char *id, *name, *status, *visibility, *disk_format, *hash_algorithm, *hash;
	int64_t size; /* 0 while not active */
	double created, updated;
	_Bool is_protected;
};

struct mc_image_list {
	struct mc_image *items;
	size_t count;
};

struct mc_glance *mc_glance_new(const struct mc_glance_options *options);
struct mc_glance *mc_glance_ref(struct mc_glance *glance);
void mc_glance_unref(struct mc_glance *glance);
void mc_cleanup_glance(struct mc_glance **glance);

/* All images that the login sees, oldest first, through all pages. Kept for ttl_ms. */
int mc_glance_list(struct mc_glance *glance, struct mc_call *call, struct mc_image_list *ret_list, struct mc_error *error);
void mc_image_list_clear(struct mc_image_list *list);
void mc_image_clear(struct mc_image *image);

/* As mc_keystone_request(), below /v2. CONTENT_TYPE of the body: NULL is application/json; image PATCH wants
 * application/openstack-images-v2.1-json-patch. */
int mc_glance_request(struct mc_glance *glance, struct mc_call *call, const char *method, const char *const *path,
		      const char *const *query, const char *content_type, const cJSON *body, cJSON **ret_answer,
		      struct mc_error *error);

/* Reading: any offsets in any order; sequential reads come from one running request with read-ahead, others are range
 * requests on kept connections. VERIFY: a reader that read everything in order gets -EIO at its last read if the hash differs.
 * One reader serves one open file; its read may be called by several threads. */
struct mc_image_reader;
int mc_image_reader_new(struct mc_glance *glance, const struct mc_image *image, _Bool verify, struct mc_image_reader **ret_reader,
			struct mc_error *error);
/* Up to SIZE bytes at OFFSET; fewer only at the end of the image, 0 behind it. */
ssize_t mc_image_reader_read(struct mc_image_reader *reader, struct mc_call *call, void *to, size_t size, int64_t offset,
			     struct mc_error *error);
void mc_image_reader_free(struct mc_image_reader *reader);

/* Writing: an image NAME made when the first bytes tell the format, streamed as it is written, with bounded memory. */
struct mc_image_writer;
int mc_image_writer_new(struct mc_glance *glance, const char *name, struct mc_image_writer **ret_writer, struct mc_error *error);
/* The next bytes; -ESPIPE when OFFSET isn't the end of what was written. Waits while the memory is full. */
ssize_t mc_image_writer_write(struct mc_image_writer *writer, struct mc_call *call, const void *bytes, size_t size, int64_t offset,
			      struct mc_error *error);
/* Ends the upload and waits until Glance has stored it and its hash is that of what was written. On failure no image is left. Once. */
int mc_image_writer_finish(struct mc_image_writer *writer, struct mc_call *call, struct mc_error *error);
/* The image's id once it is known, else NULL; lives as long as the writer. */
const char *mc_image_writer_id(struct mc_image_writer *writer);
/* Frees; what was not finished is broken off and leaves no image. */
void mc_image_writer_free(struct mc_image_writer *writer);

#endif
