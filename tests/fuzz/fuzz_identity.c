/* SPDX-License-Identifier: MIT */
#include "backends/openstack/identity/private.h"
#include "backends/openstack/service.h"
#include "mcloud/application_credentials.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Whatever Keystone answers to the questions for lists, objects, grants and members: what is made of it is whole, and
 * what is refused has a sentence. The three functions that ask it are replaced by these (ld's --wrap). */

struct answer {
	const char *bytes;
	size_t size;
	struct mc_identity_cache *cache;
};

static struct answer *answer_of(struct mc_keystone *keystone)
{
	return (struct answer *)(void *)keystone;
}

int __wrap_mc_keystone_request(struct mc_keystone *keystone, struct mc_call *call, const char *method,
	const char *const *path, const char *const *query, const cJSON *body, cJSON **ret_answer,
	struct mc_error *error);
int __wrap_mc_keystone_stream(struct mc_keystone *keystone, struct mc_call *call, const char *const *path,
	const char *const *query, int (*on_body)(void *data, const void *bytes, size_t size), void *data,
	struct mc_error *error);
struct mc_identity_cache *__wrap_mc_keystone_identity_cache(struct mc_keystone *keystone);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int __wrap_mc_keystone_request(struct mc_keystone *keystone, struct mc_call *call, const char *method,
	const char *const *path, const char *const *query, const cJSON *body, cJSON **ret_answer,
	struct mc_error *error)
{
	struct answer *answer = answer_of(keystone);

	(void)call, (void)method, (void)path, (void)query, (void)body;
	*ret_answer = NULL;
	int result = mc_openstack_parse(answer->bytes, answer->size, ret_answer);
	return result < 0 ? mc_error_set(error, EIO, "the answer is not a JSON object") : 0;
}

int __wrap_mc_keystone_stream(struct mc_keystone *keystone, struct mc_call *call, const char *const *path,
	const char *const *query, int (*on_body)(void *data, const void *bytes, size_t size), void *data,
	struct mc_error *error)
{
	struct answer *answer = answer_of(keystone);
	size_t half = answer->size / 2;

	(void)call, (void)path, (void)query, (void)error;
	int result = on_body(data, answer->bytes, half);
	return result < 0 ? result : on_body(data, answer->bytes + half, answer->size - half);
}

struct mc_identity_cache *__wrap_mc_keystone_identity_cache(struct mc_keystone *keystone)
{
	return answer_of(keystone)->cache;
}

static void check(bool good)
{
	if (!good)
		abort();
}

static void check_result(const struct mc_identity *identity, int result)
{
	check(result <= 0 && (result == 0 || *identity->error->message));
	*identity->error = (struct mc_error){0};
}

static int on_item(void *data, const char *id, const char *name)
{
	(void)data;
	check(*id && *name);
	return 0;
}

static void ask_members(const struct mc_identity *identity)
{
	static const struct mc_identity_scope scope = {MC_IDENTITY_PROJECT, "p", "r", "d"};
	static const struct mc_identity_ref group = {MC_IDENTITY_GROUP, "d", "g", "crew"};
	MC_CLEANUP(identity_members) struct mc_identity_members *granted = NULL, *members = NULL;

	check_result(identity, mc_identity_grants(identity, &scope, MC_IDENTITY_USER, &granted));
	check_result(identity, mc_identity_members(identity, &group, &members));
	for (size_t i = 0; granted && i < granted->count; i++)
		check(*granted->items[i].id && *granted->items[i].name);
	for (size_t i = 0; members && i < members->count; i++)
		check(*members->items[i].id && mc_identity_members_find(members, members->items[i].id));
}

static void ask_objects(const struct mc_identity *identity)
{
	MC_CLEANUP(identity_object) struct mc_identity_object *found = NULL, *object = NULL;
	MC_CLEANUP(buffer) struct mc_buffer json = {0};

	check_result(identity, mc_identity_list(identity, MC_IDENTITY_USER, "d", on_item, NULL));
	check_result(identity, mc_identity_find(identity, MC_IDENTITY_USER, "d", "bob", &found));
	check(!found || !strcmp(found->name, "bob"));
	check_result(identity, mc_identity_get(identity, MC_IDENTITY_USER, "u", &object));
	check(!object || (*object->id && *object->name));
	check_result(identity, mc_identity_json(identity, MC_IDENTITY_USER, "u", &json));
}

static void ask_credentials(const struct mc_identity *identity)
{
	MC_CLEANUP(application_credential) struct mc_application_credential *found = NULL, *credential = NULL;

	check_result(identity, mc_application_credential_list(identity, "u", on_item, NULL));
	check_result(identity, mc_application_credential_find(identity, "u", "robot", &found));
	check(!found || !strcmp(found->name, "robot"));
	check_result(identity, mc_application_credential_get(identity, "u", "c", &credential));
	check(!credential || (*credential->id && *credential->name));
	for (size_t i = 0; credential && i < credential->roles->count; i++)
		check(*credential->roles->items[i].id && *credential->roles->items[i].name);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct answer answer = {.bytes = (const char *)data, .size = size, .cache = mc_identity_cache_new(0)};
	struct mc_error error = {0};
	const struct mc_identity identity = {.keystone = (struct mc_keystone *)(void *)&answer, .error = &error};

	if (answer.cache) {
		ask_objects(&identity);
		ask_members(&identity);
		ask_credentials(&identity);
	}
	mc_identity_cache_free(answer.cache);
	return 0;
}
