/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_OPENSTACK_GLANCE_IMPORT_H
#define BACKENDS_OPENSTACK_GLANCE_IMPORT_H

#include "backends/openstack/glance/writer.h"

/* Images that Glance itself fetches the content of, from where it was staged or from elsewhere.
 * https://docs.openstack.org/api-ref/image/v2/#interoperable-image-import */

/* An import is given up, for Glance may have forgotten it, when it took this and the time of its bytes at a slow pace.
 */
#define MC_IMPORT_MS 120000
#define MC_IMPORT_SLOW_BYTES_PER_MS ((int64_t)4 << 10)

/* What Glance says of an image's last import: "" where it says nothing. */
struct mc_import_task {
	char status[16]; /* "pending", "processing", "success", "failure" */
	char message[384];
};

/* Of image ID, by GET /v2/images/ID/tasks (API v2.12). Errors: those of mc_glance_request(); -ENOENT also where Glance
 * has no such question. */
int mc_import_task(struct mc_glance *glance, struct mc_call *call, const char *id, struct mc_import_task *ret_task,
	struct mc_error *error);

/* Whether content that Glance doesn't take by PUT, as REFUSAL says, may be staged and imported: 0, if GET
 * /v2/info/import has "glance-direct". -EACCES: it hasn't, and the login may not PUT; -EOPNOTSUPP: it hasn't, and
 * nobody may; else those of mc_glance_request(). */
int mc_import_offered(
	struct mc_glance *glance, struct mc_call *call, const struct mc_error *refusal, struct mc_error *error);

/* In the uploader's thread: imports what was staged, and waits until the image is active and Glance has let go of it.
 * -EIO: the import has failed, with what Glance says of it; -ETIMEDOUT: it doesn't end; -EINTR: it was broken off;
 * else those of mc_glance_request(). */
int mc_writer_import(struct mc_image_writer *writer, struct mc_error *error);

#endif
