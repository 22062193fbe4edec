/* SPDX-License-Identifier: MIT */
#include "backends/openstack/identity/private.h"

#include <stdlib.h>
#include <string.h>

void mc_identity_wipe(cJSON *value)
{
	char *text = cJSON_GetStringValue(value);

	if (text)
		explicit_bzero(text, strlen(text));
}

/* {"MEMBER": BODY}; BODY is taken over, NULL is out of memory. */
static int wrap(const struct mc_identity *identity, enum mc_identity_kind kind, cJSON *body, cJSON **ret_body)
{
	cJSON *outer = cJSON_CreateObject();

	if (!body || !cJSON_AddItemToObject(outer, mc_identity_member_name(kind), body)) {
		cJSON_Delete(body);
		cJSON_Delete(outer);
		return mc_error_set(identity->error, ENOMEM, "out of memory");
	}
	*ret_body = outer;
	return 0;
}

int mc_identity_refused(const struct mc_identity *identity, enum mc_identity_kind kind, const char *id)
{
	struct mc_error *error = identity->error, unused = {0};
	struct mc_identity again = *identity;
	MC_CLEANUP(identity_object) struct mc_identity_object *object = NULL;

	if (!error || error->http_status != 403)
		return error ? -error->code : -EIO;
	again.error = &unused;
	if (mc_identity_get(&again, kind, id, &object) == 0 && object->immutable)
		error->code = EPERM;
	return -error->code;
}

int mc_identity_patch(
	const struct mc_identity *identity, enum mc_identity_kind kind, const char *id, const char *name, cJSON *value)
{
	struct mc_identity_cache *cache = mc_identity_cache_of(identity);
	uint64_t generation = mc_identity_cache_generation(cache);
	MC_CLEANUP(identity_object) struct mc_identity_object *object = NULL;
	MC_CLEANUP(json) cJSON *body = NULL, *answer = NULL;
	cJSON *inner = cJSON_CreateObject();

	if (!value || !cJSON_AddItemToObject(inner, name, value)) {
		cJSON_Delete(inner);
		cJSON_Delete(value);
		return mc_error_set(identity->error, ENOMEM, "out of memory");
	}
	int result = wrap(identity, kind, inner, &body);
	if (result < 0)
		return result;
	result = mc_identity_request(
		identity, "PATCH", (const char *const[]){mc_identity_collection(kind), id, NULL}, body, &answer);
	mc_identity_wipe(value);
	if (result == 0)
		result = mc_identity_object_parse(identity, kind,
			cJSON_GetObjectItemCaseSensitive(answer, mc_identity_member_name(kind)), &object);
	/* Also after a failure: when the answer was lost, the change may have been made. */
	if (result == 0 && !strcmp(object->id, id))
		mc_identity_cache_replace(cache, generation, object);
	else
		mc_identity_cache_forget(cache, kind, id);
	return result == -EACCES ? mc_identity_refused(identity, kind, id) : result;
}

static cJSON *new_object(enum mc_identity_kind kind, const char *domain, const char *name)
{
	cJSON *object = cJSON_CreateObject();
	bool made = cJSON_AddStringToObject(object, "name", name) != NULL;

	if (domain)
		made = made && cJSON_AddStringToObject(object, "domain_id", domain);
	if (kind != MC_IDENTITY_GROUP && kind != MC_IDENTITY_ROLE)
		made = made && cJSON_AddTrueToObject(object, "enabled");
	if (made)
		return object;
	cJSON_Delete(object);
	return NULL;
}

/* POST; what it answers is what the next look shows. */
static int post(const struct mc_identity *identity, enum mc_identity_kind kind, const char *domain, const char *name)
{
	struct mc_identity_cache *cache = mc_identity_cache_of(identity);
	uint64_t generation = mc_identity_cache_generation(cache);
	MC_CLEANUP(identity_object) struct mc_identity_object *object = NULL;
	MC_CLEANUP(json) cJSON *body = NULL, *answer = NULL;

	int result = wrap(identity, kind, new_object(kind, domain, name), &body);
	if (result < 0)
		return result;
	result = mc_identity_request(
		identity, "POST", (const char *const[]){mc_identity_collection(kind), NULL}, body, &answer);
	if (result == 0)
		result = mc_identity_object_parse(identity, kind,
			cJSON_GetObjectItemCaseSensitive(answer, mc_identity_member_name(kind)), &object);
	if (result < 0)
		return result;
	mc_identity_cache_put(cache, generation, object);
	if (kind == MC_IDENTITY_DOMAIN && object)
		mc_identity_cache_put_driver(cache, object->id, MC_IDENTITY_SQL);
	return 0;
}

static int create_object(
	const struct mc_identity *identity, enum mc_identity_kind kind, const char *domain, const char *name)
{
	struct mc_directory *directory = NULL;
	int result = mc_identity_directory(identity, kind, domain, &directory);

	if (result == 0) {
		result = post(identity, kind, domain, name);
		result = mc_identity_redirected(identity, kind, domain, result, &directory);
	}
	return result == 1 ? mc_identity_ldap_create(identity, directory, kind, name) : result;
}

static int claim_domain(const struct mc_identity *identity, const char *domain, enum mc_identity_claiming how)
{
	int result = mc_identity_claim(mc_identity_cache_claims(mc_identity_cache_of(identity)), domain, how);

	if (result == -EBUSY)
		return mc_error_set(identity->error, EBUSY, "%s",
			how == MC_CLAIM_MAKE ? "the domain is being removed" : "something is being made in the domain");
	return result < 0 ? mc_error_set(identity->error, ENOMEM, "out of memory") : 0;
}

static void release_domain(const struct mc_identity *identity, const char *domain, enum mc_identity_claiming how)
{
	mc_identity_release(mc_identity_cache_claims(mc_identity_cache_of(identity)), domain, how);
}

int mc_identity_create(
	const struct mc_identity *identity, enum mc_identity_kind kind, const char *domain, const char *name)
{
	int result = domain ? claim_domain(identity, domain, MC_CLAIM_MAKE) : 0;

	if (result < 0)
		return result;
	result = create_object(identity, kind, domain, name);
	if (domain)
		release_domain(identity, domain, MC_CLAIM_MAKE);
	return result;
}

static int set_in_keystone(const struct mc_identity *identity, const struct mc_identity_ref *ref,
	enum mc_identity_attribute attribute, const char *value)
{
	static const char *const names[] = {
		[MC_IDENTITY_DESCRIPTION] = "description",
		[MC_IDENTITY_EMAIL] = "email",
		[MC_IDENTITY_ENABLED] = "enabled",
		[MC_IDENTITY_PASSWORD] = "password",
	};
	cJSON *json =
		attribute == MC_IDENTITY_ENABLED ? cJSON_CreateBool(!strcmp(value, "true")) : cJSON_CreateString(value);

	return mc_identity_patch(identity, ref->kind, ref->id, names[attribute], json);
}

/* Without control characters; LINES: of several lines, perhaps. */
static bool is_printable_text(const char *value, bool lines)
{
	for (; *value; value++) {
		bool is_blank = *value == '\t' || (lines && *value == '\n');
		if (((unsigned char)*value < ' ' && !is_blank) || *value == 0x7f)
			return false;
	}
	return true;
}

static int check_attribute_value(
	const struct mc_identity *identity, enum mc_identity_attribute attribute, const char *value)
{
	if (attribute == MC_IDENTITY_ENABLED && strcmp(value, "true") != 0 && strcmp(value, "false") != 0)
		return mc_error_set(identity->error, EINVAL, "enabled is true or false, nothing else");
	if (attribute == MC_IDENTITY_PASSWORD && !*value)
		return mc_error_set(identity->error, EINVAL, "an empty password lets nobody in");
	bool lines = attribute == MC_IDENTITY_DESCRIPTION;
	if (is_printable_text(value, lines))
		return 0;
	return mc_error_set(
		identity->error, EINVAL, "the value is %s, without control characters", lines ? "text" : "one line");
}

int mc_identity_set(const struct mc_identity *identity, const struct mc_identity_ref *ref,
	enum mc_identity_attribute attribute, const char *value)
{
	struct mc_directory *directory = NULL;
	int result = check_attribute_value(identity, attribute, value);

	if (result == 0 &&
		(attribute == MC_IDENTITY_PASSWORD || (attribute == MC_IDENTITY_ENABLED && !strcmp(value, "false"))))
		result = mc_identity_not_login(identity, ref);
	if (result == 0)
		result = mc_identity_directory(identity, ref->kind, ref->domain, &directory);
	if (result == 0) {
		result = set_in_keystone(identity, ref, attribute, value);
		result = mc_identity_redirected(identity, ref->kind, ref->domain, result, &directory);
	}
	if (result == 1)
		result = mc_identity_ldap_set(identity, directory, ref, attribute, value);
	if (result < 0 && attribute == MC_IDENTITY_PASSWORD)
		mc_identity_redact(identity->error, value);
	return result;
}

int mc_identity_rename(const struct mc_identity *identity, const struct mc_identity_ref *ref, const char *name)
{
	struct mc_directory *directory = NULL;
	int result = mc_identity_not_needed(identity, ref);

	if (result == 0)
		result = mc_identity_directory(identity, ref->kind, ref->domain, &directory);
	if (result == 0) {
		result = mc_identity_patch(identity, ref->kind, ref->id, "name", cJSON_CreateString(name));
		result = mc_identity_redirected(identity, ref->kind, ref->domain, result, &directory);
	}
	if (result == 1)
		return mc_identity_ldap_rename(identity, directory, ref, name);
	if (result == -EBUSY && identity->error && identity->error->http_status == 409) {
		identity->error->code = EEXIST;
		return -EEXIST;
	}
	return result;
}

static int delete_in_keystone(const struct mc_identity *identity, enum mc_identity_kind kind, const char *id)
{
	int result = mc_identity_request(
		identity, "DELETE", (const char *const[]){mc_identity_collection(kind), id, NULL}, NULL, NULL);

	mc_identity_cache_forget(mc_identity_cache_of(identity), kind, id);
	return result == -EACCES ? mc_identity_refused(identity, kind, id) : result;
}

static int first_is_enough(void *data, const char *id, const char *name)
{
	(void)data, (void)id, (void)name;
	return -ENOTEMPTY;
}

static int refuse_item(void *data, const cJSON *item)
{
	(void)data, (void)item;
	return -ENOTEMPTY;
}

/* Keystone calls it forbidden to delete a project that others lie below. RESULT unless that is the reason. */
static int explain_refusal(const struct mc_identity *identity, const char *project, int result)
{
	struct mc_error unused = {0};
	struct mc_identity again = *identity;

	again.error = &unused;
	if (mc_identity_each(&again, (const char *const[]){"projects", NULL},
		    (const char *const[]){"parent_id", project, NULL}, "projects", refuse_item, NULL) != -ENOTEMPTY)
		return result;
	return mc_error_set(identity->error, ENOTEMPTY, "other projects lie below this one: they go first");
}

static int check_domain_empty(const struct mc_identity *identity, const char *domain)
{
	static const enum mc_identity_kind inside[] = {MC_IDENTITY_PROJECT, MC_IDENTITY_USER, MC_IDENTITY_GROUP};
	struct mc_identity strict = *identity;

	/* What is known without the right to list it would not be enough. */
	strict.partial = NULL;
	for (size_t i = 0; i < MC_COUNT(inside); i++) {
		int result = mc_identity_list(&strict, inside[i], domain, first_is_enough, NULL);
		if (result == -ENOTEMPTY)
			return mc_error_set(identity->error, ENOTEMPTY, "the domain still has %s",
				mc_identity_collection(inside[i]));
		if (result < 0)
			return result;
	}
	return 0;
}

/* Keystone deletes a domain with all that is in it, but only a disabled one. Nobody logs in there any more then, so
 * that what was made after the first look is seen by the second. */
static int delete_empty_domain(const struct mc_identity *identity, const char *domain)
{
	MC_CLEANUP(identity_object) struct mc_identity_object *object = NULL;
	struct mc_error unused = {0};
	struct mc_identity again = *identity;

	int result = check_domain_empty(identity, domain);
	if (result == 0)
		result = mc_identity_get(identity, MC_IDENTITY_DOMAIN, domain, &object);
	bool was_enabled = result == 0 && object->enabled;
	if (was_enabled)
		result = mc_identity_patch(identity, MC_IDENTITY_DOMAIN, domain, "enabled", cJSON_CreateFalse());
	if (result < 0)
		return result;
	if (was_enabled)
		result = check_domain_empty(identity, domain);
	if (result == 0)
		result = delete_in_keystone(identity, MC_IDENTITY_DOMAIN, domain);
	again.error = &unused;
	if (result < 0 && result != -ENOENT && was_enabled)
		(void)mc_identity_patch(&again, MC_IDENTITY_DOMAIN, domain, "enabled", cJSON_CreateTrue());
	return result;
}

static int delete_domain(const struct mc_identity *identity, const char *domain)
{
	int result = claim_domain(identity, domain, MC_CLAIM_REMOVE);

	if (result < 0)
		return result;
	result = delete_empty_domain(identity, domain);
	release_domain(identity, domain, MC_CLAIM_REMOVE);
	return result;
}

int mc_identity_delete(const struct mc_identity *identity, const struct mc_identity_ref *ref)
{
	struct mc_directory *directory = NULL;
	int result = mc_identity_not_needed(identity, ref);

	if (result < 0)
		return result;
	if (ref->kind == MC_IDENTITY_DOMAIN)
		return delete_domain(identity, ref->id);
	result = mc_identity_directory(identity, ref->kind, ref->domain, &directory);
	if (result == 0) {
		result = delete_in_keystone(identity, ref->kind, ref->id);
		if (result == -EACCES && ref->kind == MC_IDENTITY_PROJECT)
			result = explain_refusal(identity, ref->id, result);
		result = mc_identity_redirected(identity, ref->kind, ref->domain, result, &directory);
	}
	return result == 1 ? mc_identity_ldap_delete(identity, directory, ref) : result;
}
