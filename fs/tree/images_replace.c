/* SPDX-License-Identifier: MIT */
#include "fs/tree/images.h"

#include <stdlib.h>
#include <string.h>

/* A program that has copied a file under another name gives it its name, over an image that was there (rsync, install,
 * editors). Content can't be changed in Glance, so another image comes in the place of the old one: with what belonged
 * to that, or, if the content is the same, not at all. */

/* What goes over from one image to another beside properties. */
static const char *const attributes[] = {"tags", "visibility", "min_disk", "min_ram", "os_hidden"};

struct renewal {
	struct mc_ask *ask;
	struct mc_glance *glance;
	const char *from, *to;     /* ids */
	struct mc_image images[2]; /* of these */
	cJSON *json[2];
};

enum { FROM, TO };

static int look_at_images(struct renewal *renewal)
{
	struct mc_ask *ask = renewal->ask;
	int r = mc_glance_look(
		renewal->glance, ask->call, renewal->from, &renewal->images[FROM], &renewal->json[FROM], ask->error);

	return r < 0 ? r
		     : mc_glance_look(renewal->glance, ask->call, renewal->to, &renewal->images[TO], &renewal->json[TO],
			       ask->error);
}

static void clear(struct renewal *renewal)
{
	for (int i = FROM; i <= TO; i++) {
		mc_image_clear(&renewal->images[i]);
		cJSON_Delete(renewal->json[i]);
	}
}

static bool has_same_content(const struct renewal *renewal)
{
	const struct mc_image *from = &renewal->images[FROM], *to = &renewal->images[TO];

	return !strcmp(from->status, "active") && !strcmp(to->status, "active") && from->size == to->size &&
	       *from->hash && !strcmp(from->hash_algorithm, to->hash_algorithm) && !strcmp(from->hash, to->hash);
}

/* Whether the new image is to get ITEM of the old one. Attributes that the copy has brought along are its own. */
static bool goes_over(const struct renewal *renewal, const cJSON *item)
{
	const cJSON *own = cJSON_GetObjectItemCaseSensitive(renewal->json[TO], item->string);

	for (size_t i = 0; i < MC_COUNT(attributes); i++)
		if (!strcmp(item->string, attributes[i]))
			return !cJSON_Compare(item, own, true);
	return cJSON_IsString(item) && !own && mc_glance_is_property(item->string);
}

/* All of that, and its name, in one request. */
static int inherit(struct renewal *renewal, const char *name)
{
	struct mc_ask *ask = renewal->ask;
	size_t count = 0, most = (size_t)cJSON_GetArraySize(renewal->json[FROM]) + 1;
	MC_CLEANUP(free_pointer) struct mc_glance_edit *edits = calloc(most, sizeof *edits);
	MC_CLEANUP(json) cJSON *text = cJSON_CreateString(name);
	const cJSON *item;

	if (!edits || !text)
		return mc_error_set(ask->error, ENOMEM, "out of memory");
	edits[count++] = (struct mc_glance_edit){"name", text};
	cJSON_ArrayForEach(item, renewal->json[FROM])
	{
		if (goes_over(renewal, item))
			edits[count++] = (struct mc_glance_edit){item->string, item};
	}
	return mc_glance_edit(renewal->glance, ask->call, renewal->to, edits, count, ask->error);
}

/* One that shares the old image shares the new one. Only it can say whether it accepts that; some Glances let the owner
 * say so as well. */
static int add_member(void *data, const char *project, const char *status)
{
	const struct renewal *renewal = data;
	struct mc_ask *ask = renewal->ask;
	int r = mc_glance_member_add(renewal->glance, ask->call, renewal->to, project, ask->error);

	if (r == 0 && *status && strcmp(status, "pending") != 0)
		(void)mc_glance_member_set_status(renewal->glance, ask->call, renewal->to, project, status, NULL);
	return r == -EEXIST ? 0 : r;
}

/* The old image stays, with the time of the new one, which goes. */
static int keep_old(struct renewal *renewal)
{
	struct mc_ask *ask = renewal->ask;
	const struct mc_image *copy = &renewal->images[TO];
	const struct timespec mtime = {
		(time_t)copy->copied, (long)((copy->copied - (double)(time_t)copy->copied) * 1e9)};
	int r = 0;

	if (copy->copied > 0)
		r = mc_glance_copied(renewal->glance, ask->call, renewal->from, &mtime, ask->error);
	if (r < 0)
		return r;
	mc_images_remove(ask, renewal->glance, renewal->to);
	mc_fs_forget_key(ask->fs, MC_KEY_IMAGE, renewal->from);
	return 1;
}

int mc_images_renew(
	struct mc_ask *ask, struct mc_glance *glance, const char *old_id, const char *new_id, const char *name)
{
	struct renewal renewal = {.ask = ask, .glance = glance, .from = old_id, .to = new_id};
	int r = look_at_images(&renewal);

	if (r == 0 && has_same_content(&renewal)) {
		r = keep_old(&renewal);
	} else if (r == 0) {
		r = mc_glance_members(glance, ask->call, &renewal.images[FROM], add_member, &renewal, ask->error);
		if (r == 0)
			r = inherit(&renewal, name);
	}
	clear(&renewal);
	return r;
}

/* Where no answer comes, nobody knows whether it is gone: then it isn't shown any more, and goes later. */
int mc_images_remove(struct mc_ask *ask, struct mc_glance *glance, const char *id)
{
	struct mc_error error = {0};
	int r = mc_glance_delete(glance, ask->call, id, &error);

	if (r == 0 || r == -ENOENT)
		return 0;
	if (!error.http_status) {
		mc_glance_condemn(glance, id);
		return 0;
	}
	*ask->error = error;
	return r;
}
