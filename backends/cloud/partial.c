/* SPDX-License-Identifier: MIT */
#include "backends/cloud/model.h"
#include "mcloud/identity_objects.h"
#include "mcloud/lock.h"
#include "mcloud/region.h"

#include <stdlib.h>
#include <string.h>

/* Which lists of people, projects and the like lack something, as the login may not list them, or Keystone doesn't. */

/* A list that lacks something. */
struct mc_partial {
	struct mc_partial *next;
	unsigned kind;
	char *reason;
	char place[];
};

/* With the lock: where that list is among those that lack something, or its end. */
static struct mc_partial **find_partial(struct mc_cloud *cloud, unsigned kind, const char *place)
	MC_REQUIRES(cloud->lock)
{
	struct mc_partial **at = &cloud->partial;

	while (*at && ((*at)->kind != kind || strcmp((*at)->place, place) != 0))
		at = &(*at)->next;
	return at;
}

static struct mc_partial *new_partial(unsigned kind, const char *place, const char *reason)
{
	struct mc_partial *partial = calloc(1, sizeof(*partial) + strlen(place) + 1);

	if (!partial)
		return NULL;
	partial->kind = kind;
	partial->reason = strdup(reason);
	memcpy(partial->place, place, strlen(place) + 1);
	return partial;
}

static void free_partial(struct mc_partial *partial)
{
	if (partial)
		free(partial->reason);
	free(partial);
}

void mc_cloud_note_partial(struct mc_cloud *cloud, unsigned kind, const char *place, const struct mc_error *reason)
{
	struct mc_partial *partial = reason ? new_partial(kind, place ? place : "", reason->message) : NULL, *old;
	bool is_news;

	MC_LOCKED(&cloud->lock) {
		struct mc_partial **at = find_partial(cloud, kind, place ? place : "");
		old = *at;
		if (partial)
			partial->next = old ? old->next : NULL;
		*at = partial ? partial : old ? old->next : NULL;
		is_news = reason && !cloud->told[kind];
		cloud->told[kind] |= is_news;
	}
	free_partial(old);
	if (is_news)
		mc_cloud_fail(cloud, NULL, reason);
}

char *mc_cloud_partial(struct mc_cloud *cloud, unsigned kind, const char *place)
{
	MC_HOLD(&cloud->lock);
	const struct mc_partial *partial = *find_partial(cloud, kind, place ? place : "");
	return partial && partial->reason ? strdup(partial->reason) : NULL;
}

bool mc_cloud_is_partial(struct mc_cloud *cloud, unsigned kind)
{
	MC_HOLD(&cloud->lock);
	for (const struct mc_partial *partial = cloud->partial; partial; partial = partial->next)
		if (partial->kind == kind)
			return true;
	return false;
}

void mc_partials_free(struct mc_partial *partials)
{
	while (partials) {
		struct mc_partial *next = partials->next;

		free_partial(partials);
		partials = next;
	}
}
