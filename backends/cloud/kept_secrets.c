/* SPDX-License-Identifier: MIT */
#include "backends/cloud/model.h"
#include "mcloud/lock.h"
#include "mcloud/region.h"

#include <stdlib.h>
#include <string.h>

/* Secrets that a service tells once, and that are known as long as the daemon lives: in memory only. */

struct mc_kept_secret {
	struct mc_kept_secret *next;
	char *secret;
	char id[];
};

static void free_kept(struct mc_kept_secret *kept)
{
	if (kept)
		mc_free_secret(kept->secret);
	free(kept);
}

/* With the lock: where the one of ID is linked, or would be. */
static struct mc_kept_secret **find_kept(struct mc_cloud *cloud, const char *id)
{
	struct mc_kept_secret **at = &cloud->kept;

	while (*at && strcmp((*at)->id, id) != 0)
		at = &(*at)->next;
	return at;
}

int mc_cloud_keep_secret(struct mc_cloud *cloud, const char *id, const char *secret)
{
	size_t size = strlen(id) + 1;
	struct mc_kept_secret *kept = calloc(1, sizeof(*kept) + size);

	if (kept)
		kept->secret = strdup(secret);
	if (!kept || !kept->secret) {
		free_kept(kept);
		return -ENOMEM;
	}
	memcpy(kept->id, id, size);
	mc_cloud_drop_secret(cloud, id);
	MC_LOCKED(&cloud->lock) {
		kept->next = cloud->kept;
		cloud->kept = kept;
	}
	return 0;
}

char *mc_cloud_kept_secret(struct mc_cloud *cloud, const char *id)
{
	MC_HOLD(&cloud->lock);
	const struct mc_kept_secret *kept = *find_kept(cloud, id);
	return kept ? strdup(kept->secret) : NULL;
}

void mc_cloud_drop_secret(struct mc_cloud *cloud, const char *id)
{
	struct mc_kept_secret *kept;

	MC_LOCKED(&cloud->lock) {
		struct mc_kept_secret **at = find_kept(cloud, id);
		kept = *at;
		if (kept)
			*at = kept->next;
	}
	free_kept(kept);
}

void mc_kept_secrets_free(struct mc_kept_secret *kept)
{
	while (kept) {
		struct mc_kept_secret *next = kept->next;

		free_kept(kept);
		kept = next;
	}
}
