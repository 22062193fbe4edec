/* SPDX-License-Identifier: MIT */
#include "backends/attached/login.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Groups of keys. */
enum {
	SCOPE = 1,   /* all have these */
	GENERIC = 2, /* the types of any version of Keystone's API */
	USER = 4,
	PASSWORD = 8,
	TOKEN = 16,
	PASSCODE = 32,
	CREDENTIAL = 64,
	METHODS = 128, /* its keys are those of its methods, too, but only inside of `auth` */
	V3 = 256,
};

static const struct type {
	const char *name;
	unsigned groups, methods;
} types[] = {
	{"password", SCOPE | GENERIC | USER | PASSWORD, MC_LOGIN_PASSWORD},
	{"v3password", SCOPE | USER | PASSWORD | V3, MC_LOGIN_PASSWORD},
	{"token", SCOPE | GENERIC | TOKEN, MC_LOGIN_TOKEN},
	{"v3token", SCOPE | TOKEN | V3, MC_LOGIN_TOKEN},
	{"v3applicationcredential", SCOPE | USER | CREDENTIAL | V3, MC_LOGIN_APPLICATION_CREDENTIAL},
	{"v3application_credential", SCOPE | USER | CREDENTIAL | V3, MC_LOGIN_APPLICATION_CREDENTIAL},
	{"v3totp", SCOPE | USER | PASSCODE | V3, MC_LOGIN_TOTP},
	{"v3multifactor", SCOPE | METHODS | V3, 0},
};

#define TEXT(name) offsetof(struct mc_attached_auth, name)

/* Each key of `auth` that is text; `other` is its old name. */
static const struct key {
	const char *name, *other;
	unsigned groups;
	bool secret;
	size_t member;
} keys[] = {
	{"auth_url", NULL, SCOPE, false, TEXT(auth_url)},
	{"system_scope", NULL, SCOPE, false, TEXT(system_scope)},
	{"domain_id", NULL, SCOPE, false, TEXT(domain_id)},
	{"domain_name", NULL, SCOPE, false, TEXT(domain_name)},
	{"project_id", "tenant_id", SCOPE, false, TEXT(project_id)},
	{"project_name", "tenant_name", SCOPE, false, TEXT(project_name)},
	{"project_domain_id", NULL, SCOPE, false, TEXT(project_domain_id)},
	{"project_domain_name", NULL, SCOPE, false, TEXT(project_domain_name)},
	{"trust_id", NULL, SCOPE, false, TEXT(trust_id)},
	{"user_id", NULL, USER, false, TEXT(user_id)},
	{"username", "user_name", USER, false, TEXT(username)},
	{"user_domain_id", NULL, USER, false, TEXT(user_domain_id)},
	{"user_domain_name", NULL, USER, false, TEXT(user_domain_name)},
	{"password", NULL, PASSWORD, true, TEXT(password)},
	{"token", NULL, TOKEN, true, TEXT(token)},
	{"passcode", NULL, PASSCODE, true, TEXT(passcode)},
	{"application_credential_id", NULL, CREDENTIAL, false, TEXT(application_credential_id)},
	{"application_credential_name", NULL, CREDENTIAL, false, TEXT(application_credential_name)},
	{"application_credential_secret", NULL, CREDENTIAL, true, TEXT(application_credential_secret)},
};

/* What the types of any version take for a domain that isn't given. */
static const struct {
	const char *name;
	unsigned groups;
	size_t to[2];
} defaults[] = {
	{"default_domain_id", GENERIC, {TEXT(user_domain_id), TEXT(project_domain_id)}},
	{"default_domain_name", GENERIC, {TEXT(user_domain_name), TEXT(project_domain_name)}},
};

/* Further keys, of which only what a value means that holds, or doesn't, is known. */
static const struct {
	const char *name;
	unsigned groups;
	bool any, needed; /* any: both are possible; else NEEDED is */
} switches[] = {
	{"reauthenticate", SCOPE, false, true},
	{"include_catalog", V3, false, true},
	{"unscoped", V3, true, false},
};

bool mc_login_text(
	struct mc_attached_auth *auth, size_t index, const char **ret_name, char ***ret_text, bool *ret_secret)
{
	if (index >= MC_COUNT(keys))
		return false;
	*ret_name = keys[index].name;
	*ret_text = (char **)(void *)((char *)auth + keys[index].member);
	*ret_secret = keys[index].secret;
	return true;
}

bool mc_attached_setting(
	const struct mc_attached_auth *auth, size_t index, const char **ret_name, const char **ret_text)
{
	struct mc_attached_auth copy = *auth;
	bool secret;
	char **text;

	if (!mc_login_text(&copy, index, ret_name, &text, &secret))
		return false;
	*ret_text = *text;
	return true;
}

static const struct type *auth_type_of(const struct mc_value *config, struct mc_error *error)
{
	const struct mc_value *name = mc_value_get(config, "auth_type");
	const char *word = mc_value_is(name, MC_VALUE_TEXT) ? name->text : mc_value_kind_name(name);

	for (size_t i = 0; i < MC_COUNT(types); i++)
		if (mc_value_says(name, types[i].name))
			return &types[i];
	mc_error_set(error, EINVAL,
		"auth_type %.64s is not supported: mcloudfs logs in by password, v3password, token, v3token, "
		"v3applicationcredential, v3totp and v3multifactor: make an application credential with a client that "
		"has it, and log in by that",
		word);
	return NULL;
}

/* The groups of a method of v3multifactor, and its bit. */
static int method(const char *name, unsigned *ret_groups, unsigned *ret_methods)
{
	for (size_t i = 0; i < MC_COUNT(types); i++) {
		bool can = types[i].methods && (types[i].groups & V3) && !(types[i].groups & CREDENTIAL);
		if (!can || strcmp(types[i].name, name) != 0)
			continue;
		*ret_groups |= types[i].groups;
		*ret_methods |= types[i].methods;
		return 0;
	}
	return -EINVAL;
}

/* The methods of v3multifactor. */
static int methods(const struct mc_value *auth, unsigned *ret_groups, unsigned *ret_methods, struct mc_error *error)
{
	const struct mc_value *list = mc_value_get(auth, "auth_methods");

	if (!mc_value_is(list, MC_VALUE_LIST) || !list->first)
		return mc_error_set(error, EINVAL, "auth_methods of v3multifactor is %s, where a list is needed",
			mc_value_kind_name(list));
	for (const struct mc_pair *pair = list->first; pair; pair = pair->next) {
		if (mc_value_is(pair->value, MC_VALUE_TEXT) && method(pair->value->text, ret_groups, ret_methods) == 0)
			continue;
		return mc_error_set(error, EINVAL,
			"%.64s in auth_methods is not supported: mcloudfs has v3password, v3token and v3totp",
			mc_value_is(pair->value, MC_VALUE_TEXT) ? pair->value->text : mc_value_kind_name(pair->value));
	}
	return 0;
}

/* What AUTH has of a key by either name, or else CONFIG; both lose it. */
static struct mc_value *winner(struct mc_value *auth, struct mc_value *config, const char *name, const char *other)
{
	struct mc_value *maps[] = {auth, config}, *found = NULL;

	for (size_t i = 0; i < 2; i++) {
		struct mc_value *value = mc_value_take(maps[i], name);
		struct mc_value *old = other ? mc_value_take(maps[i], other) : NULL;
		value = value ? value : old;
		if (!mc_value_holds(found) && value)
			found = value;
	}
	return mc_value_holds(found) ? found : NULL;
}

static void gather_auth_keys(
	struct mc_arena *arena, struct mc_value *config, struct mc_value *auth, const struct type *type)
{
	for (size_t i = 0; i < MC_COUNT(keys); i++)
		if (keys[i].groups & type->groups)
			mc_value_set(arena, auth, keys[i].name, winner(auth, config, keys[i].name, keys[i].other));
	for (size_t i = 0; i < MC_COUNT(defaults); i++)
		if (defaults[i].groups & type->groups)
			mc_value_set(arena, auth, defaults[i].name, winner(auth, config, defaults[i].name, NULL));
	if (type->groups & METHODS)
		mc_value_set(arena, auth, "auth_methods", winner(auth, config, "auth_methods", NULL));
}

/* -ENOENT: KEY isn't of these groups. */
static int check_key(const char *name, const struct mc_value *value, unsigned groups, struct mc_error *error)
{
	bool known = (groups & METHODS) && !strcmp(name, "auth_methods");

	if (known)
		return 0;
	for (size_t i = 0; i < MC_COUNT(switches); i++) {
		if (!(switches[i].groups & groups) || strcmp(name, switches[i].name) != 0)
			continue;
		if (switches[i].any || mc_value_holds(value) == switches[i].needed)
			return 0;
		return mc_error_set(error, EINVAL, "%s in auth is false, which mcloudfs has not: leave it out", name);
	}
	for (size_t i = 0; i < MC_COUNT(keys); i++)
		known |= (keys[i].groups & groups) && !strcmp(name, keys[i].name);
	for (size_t i = 0; i < MC_COUNT(defaults); i++)
		known |= (defaults[i].groups & groups) && !strcmp(name, defaults[i].name);
	if (!known)
		return -ENOENT;
	if (value->kind != MC_VALUE_TEXT && value->kind != MC_VALUE_NONE)
		return mc_error_set(error, EINVAL, "%s in auth is %s, where text belongs: quote it", name,
			mc_value_kind_name(value));
	return 0;
}

static int missing(struct mc_error *error, const char *type, const char *what)
{
	return mc_error_set(error, EINVAL, "auth_type %.64s needs %s, which auth hasn't got", type, what);
}

static bool has_auth_key(const struct mc_value *auth, const char *key)
{
	return mc_value_holds(mc_value_get(auth, key));
}

/* The rules that a type has beside its keys. */
static int check_needs(const struct mc_value *auth, const char *type, unsigned groups, struct mc_error *error)
{
	if (!has_auth_key(auth, "auth_url"))
		return missing(error, type, "auth_url");
	if ((groups & V3) && has_auth_key(auth, "username") && !has_auth_key(auth, "user_domain_id") &&
		!has_auth_key(auth, "user_domain_name"))
		return missing(error, type, "user_domain_id or user_domain_name for its username");
	if ((groups & V3) && has_auth_key(auth, "project_name") && !has_auth_key(auth, "project_domain_id") &&
		!has_auth_key(auth, "project_domain_name"))
		return missing(error, type, "project_domain_id or project_domain_name for its project_name");
	if ((groups & TOKEN) && !has_auth_key(auth, "token"))
		return missing(error, type, "token");
	if (!(groups & CREDENTIAL))
		return 0;
	if (!has_auth_key(auth, "application_credential_id") && !has_auth_key(auth, "application_credential_name"))
		return missing(error, type, "application_credential_id, or application_credential_name and a user");
	return has_auth_key(auth, "application_credential_secret")
		       ? 0
		       : missing(error, type, "application_credential_secret");
}

/* Keystone takes one scope; keystoneauth says so when it logs in. */
static int check_scope(const struct mc_value *auth, struct mc_error *error)
{
	static const char *const scopes[][2] = {
		{"domain_id", "domain_name"}, {"project_id", "project_name"}, {"trust_id", ""}, {"unscoped", ""}};
	const char *found = NULL;

	for (size_t i = 0; i < MC_COUNT(scopes); i++) {
		for (size_t k = 0; k < 2; k++) {
			if (!has_auth_key(auth, scopes[i][k]))
				continue;
			if (found)
				return mc_error_set(error, EINVAL, "auth has two scopes, %s and %s: leave one out",
					found, scopes[i][k]);
			found = scopes[i][k];
			break;
		}
	}
	return 0;
}

int mc_login_check(struct mc_arena *arena, struct mc_value *config, struct mc_error *error)
{
	const struct type *type = auth_type_of(config, error);
	struct mc_value *auth = mc_value_get(config, "auth");
	int r = 0;

	if (!type)
		return -EINVAL;
	unsigned groups = type->groups, ignored = 0;
	gather_auth_keys(arena, config, auth, type);
	if (groups & METHODS)
		r = methods(auth, &groups, &ignored, error);
	for (const struct mc_pair *pair = auth->first; pair && r == 0; pair = pair->next) {
		r = check_key(pair->key, pair->value, groups, error);
		if (r == -ENOENT)
			r = mc_error_set(
				error, EINVAL, "auth_type %.64s has no key %.100s in auth", type->name, pair->key);
	}
	if (r == 0)
		r = check_needs(auth, type->name, groups, error);
	return r == 0 ? check_scope(auth, error) : r;
}

int mc_login_fill(const struct mc_value *config, struct mc_attached_auth *auth, struct mc_error *error)
{
	const struct type *type = auth_type_of(config, error);
	const struct mc_value *map = mc_value_get(config, "auth");
	unsigned groups = 0;
	int r = 0;

	if (!type)
		return -EINVAL;
	auth->type = strdup(type->name);
	auth->methods = type->methods;
	if (type->groups & METHODS)
		r = methods(map, &groups, &auth->methods, error);
	auth->unscoped = mc_value_holds(mc_value_get(map, "unscoped"));
	for (size_t i = 0; i < MC_COUNT(keys); i++) {
		const struct mc_value *value = mc_value_get(map, keys[i].name);
		char **text = (char **)(void *)((char *)auth + keys[i].member);
		*text = mc_value_holds(value) ? strdup(value->text) : NULL;
		if (mc_value_holds(value) && !*text)
			r = -ENOMEM;
	}
	for (size_t i = 0; i < 2 * MC_COUNT(defaults); i++) {
		const struct mc_value *value = mc_value_get(map, defaults[i / 2].name);
		char **text = (char **)(void *)((char *)auth + defaults[i / 2].to[i % 2]);
		if (!value || *text || (i % 2 == 0 && !(type->groups & USER)))
			continue;
		*text = strdup(value->text);
		if (!*text)
			r = -ENOMEM;
	}
	return auth->type ? r : -ENOMEM;
}
