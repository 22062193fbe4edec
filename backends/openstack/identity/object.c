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

int mc_identity_each_page(const struct mc_identity *identity, const char *const *path, const char *const *query,
	const char *collection, int (*on_item)(void *data, const cJSON *item), void *data,
	struct mc_identity_page *ret_page)
{
	struct each each = {.items = {.member = collection, .on_item = on_item, .data = data}};
	struct mc_error own = {0};

	*ret_page = (struct mc_identity_page){0};
	int result = mc_keystone_stream(identity->keystone, identity->call, path, query, feed, &each, &own);
	if (result < 0 && each.result == 0 && identity->error)
		*identity->error = own;
	if (each.result != 0) { /* what was found in the answer says more than that it was broken off for it */
		mc_json_items_clear(&each.items);
		return each_failed(identity, each.result);
	}
	int end = mc_json_items_end(&each.items);
	*ret_page = (struct mc_identity_page){.is_cut = each.items.truncated, .has_next = each.items.has_next};
	return result != 0 ? result : each_failed(identity, end);
}

int mc_identity_each(const struct mc_identity *identity, const char *const *path, const char *const *query,
	const char *collection, int (*on_item)(void *data, const cJSON *item), void *data)
{
	struct mc_identity_page page;

	return mc_identity_each_page(identity, path, query, collection, on_item, data, &page);
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
	const char *const query[] = {"domain_id", domain, "name", name, NULL};

	*ret_object = mc_identity_cache_by_name(cache, kind, domain, name);
	if (*ret_object)
		return 0;
	if (mc_identity_wholes_lack(mc_identity_cache_wholes(cache), kind, domain, name))
		return mc_error_set(identity->error, ENOENT, "there is no such %s", kinds[kind].member);
	int result = mc_identity_each(identity, (const char *const[]){kinds[kind].collection, NULL},
		domain ? query : query + 2, kinds[kind].collection, search_item, &search);
	struct mc_error refusal = identity->error ? *identity->error : (struct mc_error){0};
	bool partial = result == -EACCES && mc_identity_is_partial(identity, kind, domain, result);
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
