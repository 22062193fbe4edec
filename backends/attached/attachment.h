/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_ATTACHED_ATTACHMENT_H
#define BACKENDS_ATTACHED_ATTACHMENT_H

#include "backends/cloud/model.h"
#include "backends/http/http.h"
#include "mcloud/attached.h"
#include "mcloud/lock.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

/* A cloud that is there already, and what was seen of it. */

struct mc_cloud;
struct mc_keystone;
struct mc_login;
struct mc_region;
struct mc_sight;

/* A service of a region, as it was seen last. */
struct mc_attached_sight {
	bool is_wanted, is_up; /* not wanted: has_SERVICE is false */
	char *url;             /* of its API; NULL: not known */
	char trouble[512];     /* why it isn't up; "" */
};

/* What struct mc_region says nothing of, by the region's number. */
struct mc_attached_region {
	struct mc_attached_sight identity, image;
	bool is_gone, was_gone;            /* nothing names it any more; likewise at the look before */
	struct mc_attached_config *config; /* its own settings, where the files have such; constant, as is the next */
	char unusable[512];                /* why these can't be used; "" */
};

struct mc_attachment {
	struct mc_cloud *cloud;            /* constant, as is all down to `login` */
	struct mc_attached_config *config; /* of the mount */
	struct mc_attached_source source;  /* its texts are owned */
	struct stat *seen;            /* of config->files, when they were read; guarded by the cloud's lock `facts` */
	struct mc_http_options http;  /* of those who get documents */
	char service[64];             /* what these are called in the journal */
	struct mc_login *login;       /* NULL until Keystone is found; then constant. Guarded by the cloud's lock */
	struct mc_keystone *keystone; /* that of auth_url; likewise */
	char *keystone_url;           /* likewise */
	struct mc_attached_region *regions; /* by number; guarded by the cloud's lock */
	size_t n_regions;
	struct mc_call *looking; /* of the look under way, or NULL; likewise */
	bool has_looked;         /* once; likewise */
	bool was_in;             /* a login has succeeded; likewise */
	int64_t patience_ends;   /* mc_now_ms(): then the first look is waited for no longer; constant */
	bool is_awaited;         /* somebody wants another look now; likewise */
	bool has_told;           /* that a region isn't shown; the look's alone */
};

/* look.c: looks at all that the cloud has, once. In one thread at a time. */
void mc_attachment_look(struct mc_attachment *attachment, struct mc_call *call);
/* Of mc_cloud_kind; call with the lock. */
void mc_attachment_sight(const struct mc_region *region, struct mc_sight *sight) MC_REQUIRES(region->cloud->lock);

/* Lists the regions that the configuration names, or else one with the cloud's name. */
void mc_attachment_list(struct mc_attachment *attachment);

/* services.c: what the files say of each region that they name. Once, when these are listed, as the files may be of
 * another cloud later. */
void mc_attachment_read_settings(struct mc_attachment *attachment);

/* reload.c: what of config->files has changed goes to LOGIN, as of struct mc_login_source. */
int mc_attachment_reload(void *attachment, bool refused, struct mc_login *login, struct mc_error *error);
/* Notes what they are like now. 0 or -ENOMEM. */
int mc_attachment_note_files(struct mc_attachment *attachment);

#endif
