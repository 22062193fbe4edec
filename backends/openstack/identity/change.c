/* SPDX-License-Identifier: MIT */
#include "backends/openstack/identity/private.h"
#include "mcloud/util.h"

#include <stdlib.h>
#include <string.h>

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

static const char *const attribute_names[MC_IDENTITY_ATTRIBUTES] = {
	[MC_IDENTITY_DESCRIPTION] = "description",
	[MC_IDENTITY_EMAIL] = "email",
	[MC_IDENTITY_ENABLED] = "enabled",
	[MC_IDENTITY_PASSWORD] = "password",
};

/* {"MEMBER": FIELDS} by METHOD at PATH, and the object that is answered. FIELDS, NULL is out of memory, are taken over,
 * and wiped. */
static int send_fields(const struct mc_identity *identity, const char *method, const char *const *path,
	enum mc_identity_kind kind, cJSON *fields, struct mc_identity_object **ret_object)
{
	MC_CLEANUP(json) cJSON *body = NULL, *answer = NULL;

	int result = wrap(identity, kind, fields, &body);
	if (result < 0)
		return result;
	result = mc_identity_request(identity, method, path, body, &answer);
	mc_wipe_json(fields);
	if (result == 0)
		result = mc_identity_object_parse(identity, kind,
			cJSON_GetObjectItemCaseSensitive(answer, mc_identity_member_name(kind)), ret_object);
	return result;
}

/* PATCH of one object; FIELDS as in send_fields(). */
static int patch_fields(const struct mc_identity *identity, enum mc_identity_kind kind, const char *id, cJSON *fields,
	struct mc_identity_object **ret_object)
{
	struct mc_identity_cache *cache = mc_identity_cache_of(identity);
	uint64_t generation = mc_identity_cache_generation(cache);
	MC_CLEANUP(identity_object) struct mc_identity_object *object = NULL;

	int result = send_fields(identity, "PATCH", (const char *const[]){mc_identity_collection(kind), id, NULL}, kind,
		fields, &object);
	/* Also after a failure: when the answer was lost, the change may have been made. */
	if (result == 0 && !strcmp(object->id, id))
		mc_identity_cache_replace(cache, generation, object);
	else
		mc_identity_cache_forget(cache, kind, id);
	if (result == 0 && ret_object)
		*ret_object = mc_steal(&object);
	return result == -EACCES ? mc_identity_refused(identity, kind, id) : result;
}

int mc_identity_patch(
	const struct mc_identity *identity, enum mc_identity_kind kind, const char *id, const char *name, cJSON *value)
{
	cJSON *fields = cJSON_CreateObject();

	if (!value || !cJSON_AddItemToObject(fields, name, value)) {
		cJSON_Delete(fields);
		cJSON_Delete(value);
		return mc_error_set(identity->error, ENOMEM, "out of memory");
	}
	return patch_fields(identity, kind, id, fields, NULL);
}

static bool add_field(cJSON *fields, enum mc_identity_attribute attribute, const char *value)
{
	cJSON *json =
		attribute == MC_IDENTITY_ENABLED ? cJSON_CreateBool(!strcmp(value, "true")) : cJSON_CreateString(value);

	if (json && cJSON_AddItemToObject(fields, attribute_names[attribute], json))
		return true;
	cJSON_Delete(json);
	return false;
}

/* Of a new one; "" is what it has without being told. */
static cJSON *new_object(enum mc_identity_kind kind, const char *domain, const struct mc_identity_wish *wish)
{
	cJSON *object = cJSON_CreateObject();
	bool made = cJSON_AddStringToObject(object, "name", wish->name) != NULL;

	if (domain)
		made = made && cJSON_AddStringToObject(object, "domain_id", domain);
	if (kind != MC_IDENTITY_GROUP && kind != MC_IDENTITY_ROLE && !wish->values[MC_IDENTITY_ENABLED])
		made = made && cJSON_AddTrueToObject(object, "enabled");
	for (unsigned i = 0; i < MC_IDENTITY_ATTRIBUTES; i++)
		if (wish->values[i] && *wish->values[i])
			made = made && add_field(object, (enum mc_identity_attribute)i, wish->values[i]);
	if (made)
		return object;
	mc_wipe_json(object);
	cJSON_Delete(object);
	return NULL;
}

/* POST; what it answers is what the next look shows. */
static int post(const struct mc_identity *identity, enum mc_identity_kind kind, const char *domain,
	const struct mc_identity_wish *wish, struct mc_identity_object **ret_object)
{
	struct mc_identity_cache *cache = mc_identity_cache_of(identity);
	uint64_t generation = mc_identity_cache_generation(cache);
	MC_CLEANUP(identity_object) struct mc_identity_object *object = NULL;

	int result = send_fields(identity, "POST", (const char *const[]){mc_identity_collection(kind), NULL}, kind,
		new_object(kind, domain, wish), &object);
	if (result < 0)
		return result;
	mc_identity_cache_put(cache, generation, object);
	if (kind == MC_IDENTITY_DOMAIN && object)
		mc_identity_cache_put_driver(cache, object->id, MC_IDENTITY_SQL);
	if (ret_object)
		*ret_object = mc_steal(&object);
	return 0;
}

static int create_object(const struct mc_identity *identity, enum mc_identity_kind kind, const char *domain,
	const struct mc_identity_wish *wish, struct mc_identity_object **ret_object)
{
	struct mc_directory *directory = NULL;
	int result = mc_identity_directory(identity, kind, domain, &directory);

	if (result == 0) {
		result = post(identity, kind, domain, wish, ret_object);
		result = mc_identity_redirected(identity, kind, domain, result, &directory);
	}
	return result == 1 ? mc_identity_ldap_create(identity, directory, kind, wish) : result;
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

int mc_identity_make(const struct mc_identity *identity, enum mc_identity_kind kind, const char *domain,
	const struct mc_identity_wish *wish, struct mc_identity_object **ret_object)
{
	struct mc_identity_wholes *wholes = mc_identity_cache_wholes(mc_identity_cache_of(identity));
	int result = domain ? claim_domain(identity, domain, MC_CLAIM_MAKE) : 0;

	if (result < 0)
		return result;
	mc_identity_wholes_made(wholes, kind, domain, wish->name);
	result = create_object(identity, kind, domain, wish, ret_object);
	mc_identity_wholes_made(wholes, kind, domain, wish->name);
	if (domain)
		release_domain(identity, domain, MC_CLAIM_MAKE);
	return result;
}

int mc_identity_create(
	const struct mc_identity *identity, enum mc_identity_kind kind, const char *domain, const char *name)
{
	return mc_identity_make(identity, kind, domain, &(struct mc_identity_wish){.name = name}, NULL);
}

/* What of WISH is in CHANGES. */
static int set_in_keystone(const struct mc_identity *identity, const struct mc_identity_ref *ref,
	const struct mc_identity_wish *wish, unsigned changes, struct mc_identity_object **ret_object)
{
	cJSON *fields = cJSON_CreateObject();
	bool made = fields != NULL;

	for (unsigned i = 0; i < MC_IDENTITY_ATTRIBUTES; i++)
		if (changes & 1u << i)
			made = made && add_field(fields, (enum mc_identity_attribute)i, wish->values[i]);
	if (!made) {
		mc_wipe_json(fields);
		cJSON_Delete(mc_steal(&fields));
	}
	return patch_fields(identity, ref->kind, ref->id, fields, ret_object);
}

static int set_in_directory(const struct mc_identity *identity, struct mc_directory *directory,
	const struct mc_identity_ref *ref, const struct mc_identity_wish *wish, unsigned changes)
{
	int result = 0;

	for (unsigned i = 0; i < MC_IDENTITY_ATTRIBUTES && result == 0; i++)
		if (changes & 1u << i)
			result = mc_identity_ldap_set(
				identity, directory, ref, (enum mc_identity_attribute)i, wish->values[i]);
	return result;
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

int mc_identity_check_value(const struct mc_identity *identity, enum mc_identity_attribute attribute, const char *value)
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

int mc_identity_change(const struct mc_identity *identity, const struct mc_identity_ref *ref,
	const struct mc_identity_wish *wish, unsigned changes, struct mc_identity_object **ret_object)
{
	const char *enabled = wish->values[MC_IDENTITY_ENABLED];
	bool locks_out = changes & 1u << MC_IDENTITY_PASSWORD ||
			 (changes & 1u << MC_IDENTITY_ENABLED && !strcmp(enabled, "false"));
	struct mc_directory *directory = NULL;

	int result = locks_out ? mc_identity_not_login(identity, ref) : 0;
	if (result == 0)
		result = mc_identity_directory(identity, ref->kind, ref->domain, &directory);
	if (result == 0) {
		result = set_in_keystone(identity, ref, wish, changes, ret_object);
		result = mc_identity_redirected(identity, ref->kind, ref->domain, result, &directory);
	}
	return result == 1 ? set_in_directory(identity, directory, ref, wish, changes) : result;
}

int mc_identity_set(const struct mc_identity *identity, const struct mc_identity_ref *ref,
	enum mc_identity_attribute attribute, const char *value)
{
	struct mc_identity_wish wish = {.name = ref->name};
	int result = mc_identity_check_value(identity, attribute, value);

	wish.values[attribute] = value;
	if (result == 0)
		result = mc_identity_change(identity, ref, &wish, 1u << attribute, NULL);
	if (result < 0 && attribute == MC_IDENTITY_PASSWORD)
		mc_identity_redact(identity->error, value);
	return result;
}

static int rename_to(const struct mc_identity *identity, const struct mc_identity_ref *ref, const char *name)
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

int mc_identity_rename(const struct mc_identity *identity, const struct mc_identity_ref *ref, const char *name)
{
	struct mc_identity_wholes *wholes = mc_identity_cache_wholes(mc_identity_cache_of(identity));

	mc_identity_wholes_made(wholes, ref->kind, ref->domain, name);
	int result = rename_to(identity, ref, name);
	mc_identity_wholes_made(wholes, ref->kind, ref->domain, name);
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
