/* SPDX-License-Identifier: MIT */
#include "backends/openstack/glance/condemned.h"
#include "backends/openstack/glance/writers.h"

#include "mcloud/lock.h"
#include "mcloud/util.h"

#include <stdlib.h>
#include <string.h>

/* The most that Glance gives in one page by default (api_limit_max). */
#define PAGE "1000"
#define IMAGES_MAX 1000000

/* The image that a page began behind may be deleted meanwhile; then the list is begun again, so often at most. */
#define RESTARTS 5

int mc_glance_parse_page(const cJSON *page, struct mc_image_list *list, bool *ret_more, struct mc_error *error)
{
	const cJSON *images = cJSON_GetObjectItemCaseSensitive(page, "images"), *item;

	*ret_more = false;
	if (!cJSON_IsArray(images))
		return mc_error_set(error, EIO, "Glance's answer has no list of images");
	size_t count = (size_t)cJSON_GetArraySize(images);
	if (list->count + count > IMAGES_MAX)
		return mc_error_set(error, EFBIG, "Glance has more than %d images", IMAGES_MAX);
	struct mc_image *items = realloc(list->items, (list->count + count + 1) * sizeof *items);
	if (!items)
		return mc_error_set(error, ENOMEM, "out of memory");
	list->items = items;
	cJSON_ArrayForEach(item, images)
	{
		int r = mc_image_parse(item, &items[list->count], error);
		if (r != 0)
			return r;
		list->count++;
	}
	*ret_more = count > 0 && cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(page, "next"));
	return 0;
}

/* The next page of LIST, behind its last image; all of every visibility that are hidden, or that are not: no query
 * gives both. -EINVAL: that last one is no more. */
static int fetch_page(struct mc_glance *glance, struct mc_call *call, bool hidden, struct mc_image_list *list,
	bool *ret_more, struct mc_error *error)
{
	static const char *const path[] = {"images", NULL};
	const char *marker = list->count > 0 ? list->items[list->count - 1].id : NULL;
	const char *query[11] = {"sort", "created_at:asc", "limit", PAGE, "visibility", "all"};
	size_t n = 6;

	if (hidden) {
		query[n++] = "os_hidden";
		query[n++] = "true";
	}
	if (marker) {
		query[n++] = "marker";
		query[n++] = marker;
	}
	MC_CLEANUP(json) cJSON *page = NULL;
	int r = mc_glance_request(glance, call, "GET", path, query, NULL, NULL, &page, error);

	return r < 0 ? r : mc_glance_parse_page(page, list, ret_more, error);
}

static int fetch_all(
	struct mc_glance *glance, struct mc_call *call, bool hidden, struct mc_image_list *list, struct mc_error *error)
{
	bool more = true;
	int restarts = 0;

	while (more) {
		/* The deadline is for an answer, not for however many pages there are. */
		mc_call_extend(call, glance->timeout_ms);
		int r = fetch_page(glance, call, hidden, list, &more, error);
		if (r == -EINVAL && list->count > 0 && restarts++ < RESTARTS)
			mc_image_list_clear(list);
		else if (r < 0)
			return r;
	}
	return 0;
}

/* Under the lock: how much of an image has been written, where this process does that. */
static void add_written(struct mc_glance *glance, struct mc_image *image) MC_REQUIRES(glance->lock)
{
	struct mc_image_writer *writer = image->upload ? mc_glance_writer_of(glance, image->id) : NULL;

	if (writer && image->size == 0)
		image->size = mc_image_writer_size(writer);
}

/* Under the lock: a copy as it is now. */
static int copy_list(struct mc_glance *glance, const struct mc_image_list *from, struct mc_image_list *to,
	struct mc_error *error) MC_REQUIRES(glance->lock)
{
	to->items = calloc(from->count + 1, sizeof *to->items);
	for (size_t i = 0; to->items && i < from->count; i++) {
		if (mc_glance_is_condemned(glance, from->items[i].id))
			continue;
		if (mc_image_copy(&from->items[i], &to->items[to->count]) < 0) {
			mc_image_list_clear(to);
			break;
		}
		add_written(glance, &to->items[to->count++]);
	}
	return to->items ? 0 : mc_error_set(error, ENOMEM, "out of memory");
}

static bool is_fresh(const struct mc_glance *glance)
{
	return glance->cached_until > mc_now_ms();
}

/* Under the lock. */
static void count_list(struct mc_glance *glance, const struct mc_image_list *list) MC_REQUIRES(glance->lock)
{
	glance->last = (struct mc_glance_counts){.is_listed = true, .images = (int64_t)list->count};
	for (size_t i = 0; i < list->count; i++)
		glance->last.bytes += list->items[i].size;
}

/* Keeps LIST, which was begun at BEGUN after CHANGES changes, as long as mc_glance_find() may use it. */
static int keep_list(struct mc_glance *glance, struct mc_image_list *list, int64_t begun, uint64_t changes,
	struct mc_image_list *ret_list, struct mc_error *error)
{
	struct mc_image_list old = *list;

	mc_mutex_lock(&glance->lock);
	int r = copy_list(glance, list, ret_list, error);
	count_list(glance, list);
	if (r == 0 && changes == glance->changes && glance->ttl_ms > 0) {
		old = glance->cached;
		glance->cached = *list;
		glance->cached_until = begun + glance->ttl_ms / 2;
	}
	mc_mutex_unlock(&glance->lock);
	*list = (struct mc_image_list){0};
	mc_image_list_clear(&old);
	return r;
}

/* The hidden images; what was said of them half of ttl_ms ago is good enough, so that lists and looks at names that are
 * not there cost hardly more than one request. */
static int fetch_hidden(
	struct mc_glance *glance, struct mc_call *call, struct mc_image_list *ret_list, struct mc_error *error)
{
	struct mc_image_list list = {0}, old;
	int64_t begun = mc_now_ms();
	int r = 0;

	*ret_list = list;
	mc_mutex_lock(&glance->lock);
	uint64_t changes = glance->changes;
	bool fresh = glance->hidden_until > begun && glance->hidden_changes == changes;
	if (fresh)
		r = copy_list(glance, &glance->hidden, ret_list, error);
	mc_mutex_unlock(&glance->lock);
	if (fresh)
		return r;
	r = fetch_all(glance, call, true, &list, error);
	old = list;
	MC_LOCKED(&glance->lock) {
		if (r == 0)
			r = copy_list(glance, &list, ret_list, error);
		if (r == 0 && glance->ttl_ms > 0) {
			old = glance->hidden;
			glance->hidden = list;
			glance->hidden_until = begun + glance->ttl_ms / 2;
			glance->hidden_changes = changes;
		}
	}
	mc_image_list_clear(&old);
	return r;
}

static bool has_id(const struct mc_image_list *list, size_t count, const char *id)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(list->items[i].id, id))
			return true;
	return false;
}

/* Puts MORE, which is empty afterwards, behind LIST; without what LIST has already, as it was shown between the two
 * questions. */
static int append_list(struct mc_image_list *list, struct mc_image_list *more, struct mc_error *error)
{
	size_t count = list->count;
	struct mc_image *items = realloc(list->items, (count + more->count + 1) * sizeof *items);

	if (!items) {
		mc_image_list_clear(more);
		return mc_error_set(error, ENOMEM, "out of memory");
	}
	list->items = items;
	for (size_t i = 0; i < more->count; i++)
		if (has_id(list, count, more->items[i].id))
			mc_image_clear(&more->items[i]);
		else
			items[list->count++] = more->items[i];
	free(more->items);
	*more = (struct mc_image_list){0};
	return 0;
}

static void drop_condemned(struct mc_glance *glance, struct mc_image_list *list)
{
	size_t count = 0;

	MC_LOCKED(&glance->lock) {
		for (size_t i = 0; i < list->count; i++)
			if (mc_glance_is_condemned(glance, list->items[i].id))
				mc_image_clear(&list->items[i]);
			else
				list->items[count++] = list->items[i];
		list->count = count;
	}
}

int mc_glance_list(
	struct mc_glance *glance, struct mc_call *call, struct mc_image_list *ret_list, struct mc_error *error)
{
	struct mc_image_list list = {0}, hidden = {0};
	int64_t begun = mc_now_ms();

	*ret_list = list;
	uint64_t changes;

	MC_LOCKED(&glance->lock)
		changes = glance->changes;
	int r = fetch_all(glance, call, false, &list, error);
	if (r == 0)
		r = fetch_hidden(glance, call, &hidden, error);
	if (r == 0)
		r = append_list(&list, &hidden, error);
	if (r < 0) {
		mc_image_list_clear(&list);
		return r;
	}
	drop_condemned(glance, &list);
	/* It answers: perhaps it takes now what it did not take before. */
	mc_glance_retry_discards(glance, call);
	return keep_list(glance, &list, begun, changes, ret_list, error);
}

/* The first of LIST with that name which is not to go, copied. The others are compared byte by byte too: the database
 * takes "A" and "a " for "a". Under the lock. */
static int pick(struct mc_glance *glance, const struct mc_image_list *list, const char *name,
	struct mc_image *ret_image, struct mc_error *error) MC_REQUIRES(glance->lock)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct mc_image *image = &list->items[i];
		if (strcmp(image->name, name) != 0 || mc_glance_is_condemned(glance, image->id))
			continue;
		if (mc_image_copy(image, ret_image) < 0)
			return mc_error_set(error, ENOMEM, "out of memory");
		add_written(glance, ret_image);
		return 0;
	}
	return mc_error_set(error, ENOENT, "there is no such image");
}

static int pick_locked(struct mc_glance *glance, const struct mc_image_list *list, const char *name,
	struct mc_image *ret_image, struct mc_error *error)
{
	MC_HOLD(&glance->lock);
	int r = pick(glance, list, name, ret_image, error);
	return r;
}

static struct mc_glance_recent begin_recent(struct mc_glance *glance)
{
	MC_HOLD(&glance->lock);
	struct mc_glance_recent recent = {.until = mc_now_ms() + glance->ttl_ms / 2, .changes = glance->changes};
	return recent;
}

/* Remembers IMAGE, which was asked for after RECENT was begun. */
static void keep_recent(struct mc_glance *glance, struct mc_glance_recent recent, const struct mc_image *image)
{
	/* An image that is not active changes by itself. */
	if (glance->ttl_ms <= 0 || strcmp(image->status, "active") != 0 || mc_image_copy(image, &recent.image) < 0)
		return;
	mc_mutex_lock(&glance->lock);
	struct mc_glance_recent *slot = &glance->recent[glance->next_recent++ % MC_GLANCE_RECENT];
	struct mc_image old = slot->image;
	*slot = recent;
	mc_mutex_unlock(&glance->lock);
	mc_image_clear(&old);
}

static bool recall(struct mc_glance *glance, const char *id, struct mc_image *ret_image)
{
	int64_t now = mc_now_ms();
	bool found = false;

	MC_LOCKED(&glance->lock) {
		for (size_t i = 0; i < MC_GLANCE_RECENT && !found; i++) {
			const struct mc_glance_recent *recent = &glance->recent[i];
			found = recent->until > now && recent->changes == glance->changes &&
				!strcmp(recent->image.id, id) && mc_image_copy(&recent->image, ret_image) == 0;
		}
	}
	return found;
}

int mc_glance_remembered(struct mc_glance *glance, const char *id, struct mc_image *ret_image)
{
	int result = recall(glance, id, ret_image) ? 0 : -EAGAIN;

	MC_LOCKED(&glance->lock) {
		for (size_t i = 0; result < 0 && is_fresh(glance) && i < glance->cached.count; i++)
			if (!strcmp(glance->cached.items[i].id, id) && !mc_glance_is_condemned(glance, id))
				result = mc_image_copy(&glance->cached.items[i], ret_image);
	}
	return result;
}

int mc_glance_recall(struct mc_glance *glance, struct mc_call *call, const char *id, struct mc_image *ret_image,
	struct mc_error *error)
{
	return recall(glance, id, ret_image) ? 0 : mc_glance_look(glance, call, id, ret_image, NULL, error);
}

/* The next page of LIST, of those that fit FILTER. */
static int fetch_named_page(struct mc_glance *glance, struct mc_call *call, const char *filter,
	struct mc_image_list *list, bool *ret_more, struct mc_error *error)
{
	static const char *const path[] = {"images", NULL};
	const char *marker = list->count > 0 ? list->items[list->count - 1].id : NULL;
	const char *const query[] = {"name", filter, "sort", "created_at:asc", "limit", PAGE, "visibility", "all",
		marker ? "marker" : NULL, marker, NULL};
	MC_CLEANUP(json) cJSON *page = NULL;
	int r = mc_glance_request(glance, call, "GET", path, query, NULL, NULL, &page, error);

	return r < 0 ? r : mc_glance_parse_page(page, list, ret_more, error);
}

static bool has_name(const struct mc_image_list *list, const char *name)
{
	for (size_t i = 0; i < list->count; i++)
		if (!strcmp(list->items[i].name, name))
			return true;
	return false;
}

/* Images that the database takes to have that name, down to the page with the first one that has it: others may differ
 * by case. */
static int fetch_named(struct mc_glance *glance, struct mc_call *call, const char *name, struct mc_image_list *list,
	struct mc_error *error)
{
	MC_CLEANUP(buffer) struct mc_buffer filter = {0};
	bool more = true;
	int r = 0;

	/* Without its operator a name with a colon would be taken for one with an operator. */
	mc_buffer_text(&filter, "eq:");
	mc_buffer_text(&filter, name);
	if (filter.failed)
		return mc_error_set(error, ENOMEM, "out of memory");
	while (r == 0 && more && !has_name(list, name))
		r = fetch_named_page(glance, call, filter.data, list, &more, error);
	return r;
}

int mc_glance_find(struct mc_glance *glance, struct mc_call *call, const char *name, struct mc_image *ret_image,
	struct mc_error *error)
{
	struct mc_image_list list = {0};
	int r = -ENOENT;

	*ret_image = (struct mc_image){0};
	mc_mutex_lock(&glance->lock);
	bool fresh = is_fresh(glance);
	if (fresh)
		r = pick(glance, &glance->cached, name, ret_image, error);
	mc_mutex_unlock(&glance->lock);
	if (fresh)
		return r;
	struct mc_glance_recent recent = begin_recent(glance);
	r = fetch_named(glance, call, name, &list, error);
	if (r == 0)
		r = pick_locked(glance, &list, name, ret_image, error);
	if (r == -ENOENT) {
		mc_image_list_clear(&list);
		r = fetch_hidden(glance, call, &list, error);
		if (r == 0)
			r = pick_locked(glance, &list, name, ret_image, error);
	}
	mc_image_list_clear(&list);
	if (r == 0)
		keep_recent(glance, recent, ret_image);
	if (r != -ENOENT || !mc_image_is_id(name))
		return r;
	/* An image without a name goes by its id. */
	r = mc_glance_look(glance, call, name, ret_image, NULL, error);
	if (r == 0 && strcmp(ret_image->name, name) != 0) {
		mc_image_clear(ret_image);
		r = mc_error_set(error, ENOENT, "there is no such image");
	}
	return r;
}

int mc_glance_look(struct mc_glance *glance, struct mc_call *call, const char *id, struct mc_image *ret_image,
	cJSON **ret_json, struct mc_error *error)
{
	const char *const path[] = {"images", id, NULL};
	MC_CLEANUP(json) cJSON *json = NULL;

	*ret_image = (struct mc_image){0};
	if (ret_json)
		*ret_json = NULL;
	if (!mc_image_is_id(id))
		return mc_error_set(error, ENOENT, "that is not the id of an image");
	struct mc_glance_recent recent = begin_recent(glance);
	int r = mc_glance_request(glance, call, "GET", path, NULL, NULL, NULL, &json, error);
	if (r == 0)
		r = mc_image_parse(json, ret_image, error);
	if (r < 0)
		return r;
	mc_mutex_lock(&glance->lock);
	bool is_condemned = mc_glance_is_condemned(glance, id);
	add_written(glance, ret_image);
	mc_mutex_unlock(&glance->lock);
	if (is_condemned) {
		mc_image_clear(ret_image);
		return mc_error_set(error, ENOENT, "there is no such image");
	}
	keep_recent(glance, recent, ret_image);
	if (ret_json)
		*ret_json = mc_steal(&json);
	return 0;
}
