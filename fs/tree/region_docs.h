/* SPDX-License-Identifier: MIT */
#ifndef FS_TREE_REGION_DOCS_H
#define FS_TREE_REGION_DOCS_H

#include "fs/tree.h"

/* What regions/R/ shows of the region's services: `show` methods and directories, each of the lane that its first word
 * tells. */
int mc_region_docs_catalog(struct mc_ask *ask, struct mc_buffer *out);      /* Keystone */
int mc_region_docs_catalog_json(struct mc_ask *ask, struct mc_buffer *out); /* Keystone */
int mc_region_docs_token(struct mc_ask *ask, struct mc_buffer *out);        /* Keystone */
int mc_region_docs_log(struct mc_ask *ask, struct mc_buffer *out);          /* engine */
extern const struct mc_directory_type mc_region_docs_endpoints;             /* Keystone */

/* The mount's own login for a client, from the model: `data` of the row is an enum mc_client_form (client.h). */
int mc_region_docs_login(struct mc_ask *ask, struct mc_buffer *out);

/* The region that ASK is about, in *RET_VIEW; -ENOENT with a sentence. */
int mc_region_docs_view(struct mc_ask *ask, struct mc_region_view *ret_view);

static inline void mc_cleanup_region_view(struct mc_region_view *view)
{
	int saved = errno;
	mc_region_view_clear(view);
	errno = saved;
}

static inline void mc_cleanup_region_views(struct mc_region_views *views)
{
	int saved = errno;
	mc_region_views_clear(views);
	errno = saved;
}

#endif
