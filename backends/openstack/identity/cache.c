/* SPDX-License-Identifier: MIT */
#include "backends/openstack/identity/private.h"
#include "mcloud/util.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define OBJECTS 1024
#define LISTS 256
#define PAIRS 256
#define CREDENTIALS 64
#define DRIVERS 128
#define OBJECT_LIMIT 4096 /* bytes of its strings */
#define MEMBERS_LIMIT 1024

struct object_place {
	struct mc_identity_object *object;
	int64_t until;
};

struct list_place {
	char *list;
	struct mc_identity_members *members;
	int64_t until;
};

/* Somebody who is in a list, whatever else is. */
struct pair_place {
	char *list, *id;
	int64_t until;
};

struct credential_place {
	struct mc_application_credential *credential;
	int64_t until;
};

struct driver_place {
	char *domain;
	enum mc_identity_driver driver;
	int64_t asked;
};

struct mc_identity_cache {
	int ttl_ms;
	pthread_mutex_t lock; /* guards all below; the innermost lock, nothing is taken under it */
	uint64_t generation;
	struct object_place by_id[OBJECTS], by_name[OBJECTS];
	struct list_place lists[LISTS];
	struct pair_place pairs[PAIRS];
	struct credential_place credentials[CREDENTIALS];
	struct driver_place drivers[DRIVERS];
	/* with locks of their own */
	struct mc_identity_claims claims;
	struct mc_identity_wholes wholes;
};

struct mc_identity_claims *mc_identity_cache_claims(struct mc_identity_cache *cache)
{
	return &cache->claims;
}

struct mc_identity_wholes *mc_identity_cache_wholes(struct mc_identity_cache *cache)
{
	return &cache->wholes;
}

static void unlock(pthread_mutex_t **lock)
{
	pthread_mutex_unlock(*lock);
}

#define SCOPED_LOCK(cache)                                                                                             \
	__attribute__((cleanup(unlock))) pthread_mutex_t *scoped_lock = &(cache)->lock;                                \
	pthread_mutex_lock(scoped_lock)

struct mc_identity_cache *mc_identity_cache_new(int ttl_ms)
{
	struct mc_identity_cache *cache = calloc(1, sizeof(*cache));

	if (!cache)
		return NULL;
	cache->ttl_ms = ttl_ms;
	pthread_mutex_init(&cache->lock, NULL);
	mc_identity_claims_init(&cache->claims);
	mc_identity_wholes_init(&cache->wholes);
	return cache;
}

int mc_identity_cache_ttl_ms(const struct mc_identity_cache *cache)
{
	return cache->ttl_ms;
}

static void clear_object(struct object_place *place)
{
	mc_identity_object_unref(mc_steal(&place->object));
}

static void clear_list(struct list_place *place)
{
	mc_identity_members_unref(mc_steal(&place->members));
	free(mc_steal(&place->list));
}

static void clear_pair(struct pair_place *place)
{
	free(mc_steal(&place->list));
	free(mc_steal(&place->id));
}

static void clear_lists(struct mc_identity_cache *cache)
{
	for (size_t i = 0; i < LISTS; i++)
		clear_list(&cache->lists[i]);
	for (size_t i = 0; i < PAIRS; i++)
		clear_pair(&cache->pairs[i]);
	for (size_t i = 0; i < CREDENTIALS; i++)
		mc_application_credential_unref(mc_steal(&cache->credentials[i].credential));
}

static void clear_all(struct mc_identity_cache *cache)
{
	for (size_t i = 0; i < OBJECTS; i++) {
		clear_object(&cache->by_id[i]);
		clear_object(&cache->by_name[i]);
	}
	clear_lists(cache);
	for (size_t i = 0; i < DRIVERS; i++)
		free(mc_steal(&cache->drivers[i].domain));
}

void mc_identity_cache_free(struct mc_identity_cache *cache)
{
	if (!cache)
		return;
	clear_all(cache);
	mc_identity_claims_free(&cache->claims);
	mc_identity_wholes_free(&cache->wholes);
	pthread_mutex_destroy(&cache->lock);
	free(cache);
}

/* Of the strings, each with its NUL; names come from outside, but the worst that a chosen collision does is a miss. */
static size_t hash_object_key(enum mc_identity_kind kind, const char *first, const char *second)
{
	uint64_t value = mc_hash(MC_HASH_START + kind, first, strlen(first) + 1);

	if (second)
		value = mc_hash(value, second, strlen(second) + 1);
	return (size_t)(value ^ value >> 32);
}

uint64_t mc_identity_cache_generation(struct mc_identity_cache *cache)
{
	SCOPED_LOCK(cache);
	return cache->generation;
}

struct mc_identity_object *mc_identity_cache_by_id(
	struct mc_identity_cache *cache, enum mc_identity_kind kind, const char *id)
{
	SCOPED_LOCK(cache);
	struct object_place *place = &cache->by_id[hash_object_key(kind, id, NULL) % OBJECTS];

	if (!place->object || place->object->kind != kind || strcmp(place->object->id, id) != 0 ||
		mc_now_ms() >= place->until)
		return NULL;
	return mc_identity_object_ref(place->object);
}

struct mc_identity_object *mc_identity_cache_by_name(
	struct mc_identity_cache *cache, enum mc_identity_kind kind, const char *domain, const char *name)
{
	if (!domain)
		domain = "";
	SCOPED_LOCK(cache);
	struct object_place *place = &cache->by_name[hash_object_key(kind, domain, name) % OBJECTS];

	if (!place->object || place->object->kind != kind || strcmp(place->object->name, name) != 0 ||
		strcmp(place->object->domain, domain) != 0 || mc_now_ms() >= place->until)
		return NULL;
	return mc_identity_object_ref(place->object);
}

static void put_at(struct object_place *place, struct mc_identity_object *object, int64_t until)
{
	clear_object(place);
	*place = (struct object_place){mc_identity_object_ref(object), until};
}

/* With the lock held. */
static void put_object(struct mc_identity_cache *cache, struct mc_identity_object *object)
{
	size_t size =
		strlen(object->name) + strlen(object->domain) + strlen(object->description) + strlen(object->email);
	int64_t until = mc_now_ms() + cache->ttl_ms;

	if (size > OBJECT_LIMIT || cache->ttl_ms <= 0)
		return;
	put_at(&cache->by_id[hash_object_key(object->kind, object->id, NULL) % OBJECTS], object, until);
	put_at(&cache->by_name[hash_object_key(object->kind, object->domain, object->name) % OBJECTS], object, until);
}

void mc_identity_cache_put(struct mc_identity_cache *cache, uint64_t generation, struct mc_identity_object *object)
{
	SCOPED_LOCK(cache);
	if (generation == cache->generation)
		put_object(cache, object);
}

static struct list_place *list_place(struct mc_identity_cache *cache, const char *list)
{
	return &cache->lists[hash_object_key(0, list, NULL) % LISTS];
}

static bool list_known(const struct list_place *place, const char *list)
{
	return place->list && !strcmp(place->list, list) && mc_now_ms() < place->until;
}

struct mc_identity_members *mc_identity_cache_members(struct mc_identity_cache *cache, const char *list)
{
	SCOPED_LOCK(cache);
	struct list_place *place = list_place(cache, list);
	return list_known(place, list) ? mc_identity_members_ref(place->members) : NULL;
}

void mc_identity_cache_put_members(
	struct mc_identity_cache *cache, uint64_t generation, const char *list, struct mc_identity_members *members)
{
	if (members->count > MEMBERS_LIMIT || cache->ttl_ms <= 0)
		return;
	MC_CLEANUP(free_pointer) char *copy = strdup(list);
	if (!copy)
		return;
	SCOPED_LOCK(cache);
	if (generation != cache->generation)
		return;
	struct list_place *place = list_place(cache, list);
	clear_list(place);
	*place = (struct list_place){mc_steal(&copy), mc_identity_members_ref(members), mc_now_ms() + cache->ttl_ms};
}

static struct pair_place *pair_place(struct mc_identity_cache *cache, const char *list, const char *id)
{
	return &cache->pairs[hash_object_key(0, list, id) % PAIRS];
}

static bool pair_is(const struct pair_place *place, const char *list, const char *id)
{
	return place->list && !strcmp(place->list, list) && !strcmp(place->id, id);
}

bool mc_identity_cache_has_member(struct mc_identity_cache *cache, const char *list, const char *id, bool *ret_has)
{
	SCOPED_LOCK(cache);
	const struct list_place *whole = list_place(cache, list);
	const struct pair_place *pair = pair_place(cache, list, id);

	*ret_has = pair_is(pair, list, id) && mc_now_ms() < pair->until;
	if (*ret_has || !list_known(whole, list))
		return *ret_has;
	*ret_has = mc_identity_members_find(whole->members, id);
	return *ret_has || !whole->members->is_cut;
}

/* With the lock held. Without memory it is not remembered. */
static void put_pair(struct mc_identity_cache *cache, const char *list, const char *id)
{
	struct pair_place *place = pair_place(cache, list, id);
	struct pair_place made = {strdup(list), strdup(id), mc_now_ms() + cache->ttl_ms};

	clear_pair(place);
	if (made.list && made.id)
		*place = made;
	else
		clear_pair(&made);
}

void mc_identity_cache_put_member(
	struct mc_identity_cache *cache, uint64_t generation, const char *list, const char *id)
{
	SCOPED_LOCK(cache);
	if (generation == cache->generation && cache->ttl_ms > 0)
		put_pair(cache, list, id);
}

/* A copy of MEMBERS without ID, with MEMBER; NULL: out of memory. */
static struct mc_identity_members *changed(
	const struct mc_identity_members *members, const struct mc_identity_member *member, const char *id)
{
	MC_CLEANUP(identity_members) struct mc_identity_members *copy = mc_identity_members_new();

	if (!copy)
		return NULL;
	copy->is_cut = members->is_cut;
	for (size_t i = 0; i < members->count; i++) {
		if (strcmp(members->items[i].id, id) != 0 && mc_identity_members_add(copy, &members->items[i]) < 0)
			return NULL;
	}
	if (member && mc_identity_members_add(copy, member) < 0)
		return NULL;
	mc_identity_members_sort(copy);
	return mc_steal(&copy);
}

void mc_identity_cache_change_members(
	struct mc_identity_cache *cache, const char *list, const struct mc_identity_member *member, const char *id)
{
	SCOPED_LOCK(cache);
	struct list_place *place = list_place(cache, list);
	struct pair_place *pair = pair_place(cache, list, id);

	cache->generation++;
	if (pair_is(pair, list, id))
		clear_pair(pair);
	if (member && cache->ttl_ms > 0)
		put_pair(cache, list, id);
	if (!list_known(place, list))
		return;
	struct mc_identity_members *members = changed(place->members, member, id);
	if (!members) {
		clear_list(place);
		return;
	}
	mc_identity_members_unref(place->members);
	place->members = members;
}

void mc_identity_cache_forget_members(struct mc_identity_cache *cache, const char *list)
{
	SCOPED_LOCK(cache);
	struct list_place *place = list_place(cache, list);

	cache->generation++;
	if (place->list && !strcmp(place->list, list))
		clear_list(place);
}

static struct credential_place *credential_place(struct mc_identity_cache *cache, const char *id)
{
	return &cache->credentials[hash_object_key(0, id, NULL) % CREDENTIALS];
}

struct mc_application_credential *mc_identity_cache_credential(struct mc_identity_cache *cache, const char *id)
{
	SCOPED_LOCK(cache);
	const struct credential_place *place = credential_place(cache, id);

	if (!place->credential || strcmp(place->credential->id, id) != 0 || mc_now_ms() >= place->until)
		return NULL;
	return mc_application_credential_ref(place->credential);
}

void mc_identity_cache_put_credential(
	struct mc_identity_cache *cache, uint64_t generation, struct mc_application_credential *credential)
{
	if (strlen(credential->name) + strlen(credential->description) > OBJECT_LIMIT ||
		credential->roles->count > MEMBERS_LIMIT || cache->ttl_ms <= 0)
		return;
	SCOPED_LOCK(cache);
	struct credential_place *place = credential_place(cache, credential->id);
	if (generation != cache->generation)
		return;
	mc_application_credential_unref(place->credential);
	*place = (struct credential_place){mc_application_credential_ref(credential), mc_now_ms() + cache->ttl_ms};
}

bool mc_identity_cache_driver(
	struct mc_identity_cache *cache, const char *domain, enum mc_identity_driver *ret_driver, int64_t *ret_age_ms)
{
	SCOPED_LOCK(cache);
	struct driver_place *place = &cache->drivers[hash_object_key(0, domain, NULL) % DRIVERS];

	if (!place->domain || strcmp(place->domain, domain) != 0)
		return false;
	*ret_driver = place->driver;
	*ret_age_ms = mc_now_ms() - place->asked;
	return true;
}

void mc_identity_cache_put_driver(struct mc_identity_cache *cache, const char *domain, enum mc_identity_driver driver)
{
	MC_CLEANUP(free_pointer) char *copy = strdup(domain);

	if (!copy)
		return;
	SCOPED_LOCK(cache);
	struct driver_place *place = &cache->drivers[hash_object_key(0, domain, NULL) % DRIVERS];
	free(place->domain);
	*place = (struct driver_place){mc_steal(&copy), driver, mc_now_ms()};
}

/* With the lock held. */
static void forget_cached_object(struct mc_identity_cache *cache, enum mc_identity_kind kind, const char *id)
{
	cache->generation++;
	if (kind == MC_IDENTITY_DOMAIN) {
		clear_all(cache);
		return;
	}
	for (size_t i = 0; i < OBJECTS; i++) {
		struct object_place *places[] = {&cache->by_id[i], &cache->by_name[i]};
		for (size_t k = 0; k < MC_COUNT(places); k++) {
			if (places[k]->object && places[k]->object->kind == kind && !strcmp(places[k]->object->id, id))
				clear_object(places[k]);
		}
	}
	clear_lists(cache);
}

void mc_identity_cache_forget(struct mc_identity_cache *cache, enum mc_identity_kind kind, const char *id)
{
	if (kind == MC_IDENTITY_DOMAIN)
		mc_identity_wholes_clear(&cache->wholes);
	SCOPED_LOCK(cache);
	forget_cached_object(cache, kind, id);
}

void mc_identity_cache_replace(struct mc_identity_cache *cache, uint64_t generation, struct mc_identity_object *object)
{
	SCOPED_LOCK(cache);
	bool alone = generation == cache->generation;

	forget_cached_object(cache, object->kind, object->id);
	if (alone)
		put_object(cache, object);
}

void mc_identity_cache_clear(struct mc_identity_cache *cache)
{
	mc_identity_wholes_clear(&cache->wholes);
	SCOPED_LOCK(cache);

	cache->generation++;
	clear_all(cache);
}
