/* SPDX-License-Identifier: MIT */
#include "backends/openstack/identity/private.h"
#include "backends/openstack/json_items.h"

#include <string.h>

static const struct {
	const char *collection, *member;
} kinds[] = {
	[MC_IDENTITY_DOMAIN] = {"domains", "domain"},
	[MC_IDENTITY_PROJECT] = {"projects", "project"},
	[MC_IDENTITY_USER] = {"users", "user"},
	[MC_IDENTITY_GROUP] = {"groups", "group"},
	[MC_IDENTITY_ROLE] = {"roles", "role"},
};

const char *mc_identity_collection(enum mc_identity_kind kind)
{
	return kinds[kind].collection;
}

const char *mc_identity_member_name(enum mc_identity_kind kind)
{
	return kinds[kind].member;
}

struct each {
	struct mc_json_items items;
	int result;
};

static int feed(void *data, const void *bytes, size_t size)
{
	struct each *each = data;

	each->result = mc_json_items_feed(&each->items, bytes, size);
	return each->result;
}

static int each_failed(const struct mc_identity *identity, int result)
{
	switch (result) {
	case -EBADMSG:
		return mc_identity_nonsense(identity, "a list that is none, or only half of one");
	case -EFBIG:
		return mc_identity_nonsense(identity, "a list, or one thing in it, is too long");
	case -ENOMEM:
		return mc_error_set(identity->error, ENOMEM, "out of memory");
	default:
		return result;
	}
}

int mc_identity_each_of_some(const struct mc_identity *identity, const char *const *path, const char *const *query,
	const char *collection, int (*on_item)(void *data, const cJSON *item), void *data, bool *ret_truncated)
{
	struct each each = {.items = {.member = collection, .on_item = on_item, .data = data}};
	struct mc_error own = {0};

	int result = mc_keystone_stream(identity->keystone, identity->call, path, query, feed, &each, &own);
	if (result < 0 && each.result == 0 && identity->error)
		*identity->error = own;
	if (each.result != 0) { /* what was found in the answer says more than that it was broken off for it */
		mc_json_items_clear(&each.items);
		return each_failed(identity, each.result);
	}
	int end = mc_json_items_end(&each.items);
	*ret_truncated = each.items.truncated;
	return result != 0 ? result : each_failed(identity, end);
}

int mc_identity_each(const struct mc_identity *identity, const char *const *path, const char *const *query,
	const char *collection, int (*on_item)(void *data, const cJSON *item), void *data)
{
	bool truncated;

	return mc_identity_each_of_some(identity, path, query, collection, on_item, data, &truncated);
}

struct listing {
	const struct mc_identity *identity;
	enum mc_identity_kind kind;
	uint64_t generation;
	int (*on_item)(void *data, const char *id, const char *name);
	void *data;
	unsigned count;
	struct mc_identity_names names;
};

/* A list tells as much of each object as an answer about it alone. What can't be kept is asked for. */
static void remember(const struct listing *listing, const cJSON *item)
{
	MC_CLEANUP(identity_object) struct mc_identity_object *object = NULL;
	struct mc_error ignored = {0};
	struct mc_identity quiet = *listing->identity;

	quiet.error = &ignored;
	if (mc_identity_object_parse(&quiet, listing->kind, item, &object) == 0)
		mc_identity_cache_put(mc_identity_cache_of(listing->identity), listing->generation, object);
}

static int list_item(void *data, const cJSON *item)
{
	struct listing *listing = data;
	const char *id = mc_identity_text(item, "id"), *name = mc_identity_text(item, "name");

	if (!*id || !*name)
		return -EBADMSG;
	listing->count++;
	mc_identity_names_add(&listing->names, name);
	remember(listing, item);
	return listing->on_item(listing->data, id, name);
}

/* Query "domain_id" and "name" in turn, where they are not NULL. */
static void make_query(const char *query[5], const char *domain, const char *name)
{
	size_t n = 0;

	if (domain) {
		query[n++] = "domain_id";
		query[n++] = domain;
	}
	if (name) {
		query[n++] = "name";
		query[n++] = name;
	}
	query[n] = NULL;
}

/* What is known of itself isn't all of it, so it isn't remembered. */
static int list_known_item(void *data, const cJSON *item)
{
	const struct listing *listing = data;

	return listing->on_item(listing->data, mc_identity_text(item, "id"), mc_identity_text(item, "name"));
}

/* Whether Keystone's refusal of a list, RESULT, is one to be content with; and whoever wants to know is told. */
static bool is_partial(const struct mc_identity *identity, enum mc_identity_kind kind, const char *domain, int result)
{
	bool is_refused = result == -EACCES && identity->error && identity->error->http_status == 403;

	if (!identity->partial || (result != 0 && !is_refused))
		return false;
	identity->partial(identity->data, kind, domain, is_refused ? identity->error : NULL);
	if (is_refused)
		*identity->error = (struct mc_error){0};
	return is_refused;
}

/* A list of which Keystone gave the first COUNT: whoever wants to know is told. */
static void note_truncated(
	const struct mc_identity *identity, enum mc_identity_kind kind, const char *domain, unsigned count)
{
	struct mc_error reason;

	if (!identity->partial)
		return;
	mc_error_set(&reason, EFBIG,
		"Keystone lists %u of these %s only (its list_limit): others are found by their names", count,
		kinds[kind].collection);
	identity->partial(identity->data, kind, domain, &reason);
}

int mc_identity_list(const struct mc_identity *identity, enum mc_identity_kind kind, const char *domain,
	int (*on_item)(void *data, const char *id, const char *name), void *data)
{
	struct mc_identity_cache *cache = mc_identity_cache_of(identity);
	struct mc_identity_wholes *wholes = mc_identity_cache_wholes(cache);
	uint64_t made = mc_identity_wholes_begin(wholes);
	int64_t until = mc_now_ms() + mc_identity_cache_ttl_ms(cache);
	struct listing listing = {identity, kind, mc_identity_cache_generation(cache), on_item, data, 0, {0}};
	const char *query[5];
	bool truncated = false;

	make_query(query, domain, NULL);
	int result = mc_identity_each_of_some(identity, (const char *const[]){kinds[kind].collection, NULL}, query,
		kinds[kind].collection, list_item, &listing, &truncated);
	if (result == 0 && !truncated)
		mc_identity_wholes_put(wholes, made, kind, domain, &listing.names, until);
	mc_cleanup_identity_names(&listing.names);
	if (result == 0 && truncated) {
		note_truncated(identity, kind, domain, listing.count);
		return 0;
	}
	return is_partial(identity, kind, domain, result)
		       ? mc_identity_each_known(identity, kind, domain, list_known_item, &listing)
		       : result;
}

struct search {
	const struct mc_identity *identity;
	enum mc_identity_kind kind;
	const char *name;
	struct mc_identity_object *found;
};

static int search_item(void *data, const cJSON *item)
{
	struct search *search = data;

	if (search->found || strcmp(mc_identity_text(item, "name"), search->name) != 0)
		return 0;
	return mc_identity_object_parse(search->identity, search->kind, item, &search->found);
}

int mc_identity_find(const struct mc_identity *identity, enum mc_identity_kind kind, const char *domain,
	const char *name, struct mc_identity_object **ret_object)
{
	struct mc_identity_cache *cache = mc_identity_cache_of(identity);
	struct search search = {.identity = identity, .kind = kind, .name = name};
	uint64_t generation = mc_identity_cache_generation(cache);
	const char *query[5];

	*ret_object = mc_identity_cache_by_name(cache, kind, domain, name);
	if (*ret_object)
		return 0;
	if (mc_identity_wholes_lack(mc_identity_cache_wholes(cache), kind, domain, name))
		return mc_error_set(identity->error, ENOENT, "there is no such %s", kinds[kind].member);
	make_query(query, domain, name);
	int result = mc_identity_each(identity, (const char *const[]){kinds[kind].collection, NULL}, query,
		kinds[kind].collection, search_item, &search);
	struct mc_error refusal = identity->error ? *identity->error : (struct mc_error){0};
	bool partial = result == -EACCES && is_partial(identity, kind, domain, result);
	if (partial)
		result = mc_identity_each_known(identity, kind, domain, search_item, &search);
	MC_CLEANUP(identity_object) struct mc_identity_object *found = search.found;
	if (result < 0)
		return result;
	if (!found && partial) { /* there may be one all the same */
		*identity->error = refusal;
		return -EACCES;
	}
	if (!found)
		return mc_error_set(identity->error, ENOENT, "there is no such %s", kinds[kind].member);
	if (!partial)
		mc_identity_cache_put(cache, generation, found);
	*ret_object = mc_steal(&found);
	return 0;
}

int mc_identity_ask(const struct mc_identity *identity, const char *const *path, const char *member, cJSON **ret_answer)
{
	int result = mc_identity_request(identity, "GET", path, NULL, ret_answer);

	if (result == 0 && !cJSON_IsObject(cJSON_GetObjectItemCaseSensitive(*ret_answer, member)))
		return mc_identity_nonsense(identity, "no object where one was asked for");
	return result;
}

#define OBJECT_PATH(kind, id) ((const char *const[]){kinds[kind].collection, id, NULL})

int mc_identity_get(const struct mc_identity *identity, enum mc_identity_kind kind, const char *id,
	struct mc_identity_object **ret_object)
{
	struct mc_identity_cache *cache = mc_identity_cache_of(identity);
	uint64_t generation = mc_identity_cache_generation(cache);
	MC_CLEANUP(json) cJSON *answer = NULL;

	*ret_object = mc_identity_cache_by_id(cache, kind, id);
	if (*ret_object)
		return 0;
	if (identity->recalls)
		return mc_error_set(identity->error, EAGAIN, "it has to be asked for");
	int result = mc_identity_ask(identity, OBJECT_PATH(kind, id), kinds[kind].member, &answer);
	if (result == 0)
		result = mc_identity_object_parse(
			identity, kind, cJSON_GetObjectItemCaseSensitive(answer, kinds[kind].member), ret_object);
	if (result == 0)
		mc_identity_cache_put(cache, generation, *ret_object);
	return result;
}

int mc_identity_print(
	const struct mc_identity *identity, const char *const *path, const char *member, struct mc_buffer *out)
{
	MC_CLEANUP(json) cJSON *answer = NULL;
	int result = mc_identity_ask(identity, path, member, &answer);

	if (result < 0)
		return result;
	cJSON_DeleteItemFromObjectCaseSensitive(cJSON_GetObjectItemCaseSensitive(answer, member), "links");
	MC_CLEANUP(free_pointer) char *text = cJSON_Print(answer);
	if (!text)
		return mc_error_set(identity->error, ENOMEM, "out of memory");
	mc_buffer_text(out, text);
	mc_buffer_text(out, "\n");
	return out->failed;
}

int mc_identity_json(
	const struct mc_identity *identity, enum mc_identity_kind kind, const char *id, struct mc_buffer *out)
{
	return mc_identity_print(identity, OBJECT_PATH(kind, id), kinds[kind].member, out);
}
