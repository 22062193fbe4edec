/* SPDX-License-Identifier: MIT */
#include "backends/openstack/identity/private.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct object {
	struct mc_identity_object object; /* first: what callers see */
	atomic_uint references;
	char strings[];
};

static struct object *object_of(struct mc_identity_object *object)
{
	return (struct object *)object;
}

struct mc_identity_object *mc_identity_object_ref(struct mc_identity_object *object)
{
	atomic_fetch_add_explicit(&object_of(object)->references, 1, memory_order_relaxed);
	return object;
}

void mc_identity_object_unref(struct mc_identity_object *object)
{
	if (object && atomic_fetch_sub_explicit(&object_of(object)->references, 1, memory_order_acq_rel) == 1)
		free(object_of(object));
}

const char *mc_identity_text(const cJSON *object, const char *name)
{
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));

	return text ? text : "";
}

int mc_identity_nonsense(const struct mc_identity *identity, const char *what)
{
	return mc_error_set(identity->error, EIO, "keystone's answer makes no sense: %s", what);
}

size_t mc_identity_texts_size(const char *const *texts, size_t count)
{
	size_t size = 0;

	for (size_t i = 0; i < count; i++)
		size += strlen(texts[i]) + 1;
	return size;
}

void mc_identity_texts_copy(const char **texts, size_t count, char *at)
{
	for (size_t i = 0; i < count; i++) {
		size_t size = strlen(texts[i]) + 1;
		texts[i] = memcpy(at, texts[i], size);
		at += size;
	}
}

int mc_identity_object_parse(const struct mc_identity *identity, enum mc_identity_kind kind, const cJSON *json,
	struct mc_identity_object **ret_object)
{
	const char *domain =
		kind == MC_IDENTITY_DOMAIN || kind == MC_IDENTITY_ROLE ? "" : mc_identity_text(json, "domain_id");
	const char *texts[] = {mc_identity_text(json, "id"), mc_identity_text(json, "name"), domain,
		mc_identity_text(json, "description"), mc_identity_text(json, "email")};

	if (!*texts[0] || !*texts[1])
		return mc_identity_nonsense(identity, "an object without a name or an id");
	size_t size = mc_identity_texts_size(texts, MC_COUNT(texts));
	struct object *object = malloc(sizeof(*object) + size);
	if (!object)
		return mc_error_set(identity->error, ENOMEM, "out of memory");
	mc_identity_texts_copy(texts, MC_COUNT(texts), object->strings);
	const cJSON *options = cJSON_GetObjectItemCaseSensitive(json, "options");
	object->object = (struct mc_identity_object){
		.kind = kind,
		.enabled = !cJSON_IsFalse(cJSON_GetObjectItemCaseSensitive(json, "enabled")),
		.immutable = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(options, "immutable")),
		.id = texts[0],
		.name = texts[1],
		.domain = texts[2],
		.description = texts[3],
		.email = texts[4],
	};
	atomic_init(&object->references, 1);
	*ret_object = &object->object;
	return 0;
}

struct credential {
	struct mc_application_credential credential; /* first: what callers see */
	atomic_uint references;
	struct mc_identity_members *roles;
	char strings[];
};

static struct credential *credential_of(struct mc_application_credential *credential)
{
	return (struct credential *)credential;
}

struct mc_application_credential *mc_application_credential_ref(struct mc_application_credential *credential)
{
	atomic_fetch_add_explicit(&credential_of(credential)->references, 1, memory_order_relaxed);
	return credential;
}

void mc_application_credential_unref(struct mc_application_credential *credential)
{
	struct credential *own = credential_of(credential);

	if (!credential || atomic_fetch_sub_explicit(&own->references, 1, memory_order_acq_rel) > 1)
		return;
	mc_identity_members_unref(own->roles);
	free(own);
}

/* -EBADMSG: a role that is none. */
static int parse_credential_roles(const cJSON *json, struct mc_identity_members *roles)
{
	const cJSON *role;
	int r = 0;

	cJSON_ArrayForEach(role, cJSON_GetObjectItemCaseSensitive(json, "roles"))
	{
		const struct mc_identity_member one = {.id = mc_identity_text(role, "id"),
			.name = mc_identity_text(role, "name"),
			.domain = "",
			.domain_name = ""};
		if (!*one.id || !*one.name)
			return -EBADMSG;
		r = mc_identity_members_add(roles, &one);
		if (r < 0)
			return r;
	}
	mc_identity_members_sort(roles);
	return r;
}

int mc_application_credential_parse(const cJSON *json, struct mc_application_credential **ret_credential)
{
	const char *texts[] = {mc_identity_text(json, "id"), mc_identity_text(json, "name"),
		mc_identity_text(json, "description"), mc_identity_text(json, "expires_at")};
	MC_CLEANUP(identity_members) struct mc_identity_members *roles = mc_identity_members_new();

	if (!*texts[0] || !*texts[1])
		return -EBADMSG;
	int r = roles ? parse_credential_roles(json, roles) : -ENOMEM;
	if (r < 0)
		return r;
	size_t size = mc_identity_texts_size(texts, MC_COUNT(texts));
	struct credential *own = malloc(sizeof(*own) + size);
	if (!own)
		return -ENOMEM;
	mc_identity_texts_copy(texts, MC_COUNT(texts), own->strings);
	atomic_init(&own->references, 1);
	own->roles = mc_steal(&roles);
	own->credential = (struct mc_application_credential){
		.id = texts[0],
		.name = texts[1],
		.description = texts[2],
		.expires_at = texts[3],
		.unrestricted = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(json, "unrestricted")),
		.roles = own->roles,
	};
	*ret_credential = &own->credential;
	return 0;
}
