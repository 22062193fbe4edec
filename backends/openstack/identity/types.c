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
