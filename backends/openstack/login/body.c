/* SPDX-License-Identifier: MIT */
#include "backends/openstack/login/body.h"

#include "mcloud/util.h"

#include <stdlib.h>
#include <string.h>

/* The object NAME with the one member KEY; false: out of memory. */
static bool add_pair(cJSON *object, const char *name, const char *key, const char *value)
{
	return cJSON_AddStringToObject(cJSON_AddObjectToObject(object, name), key, value);
}

/* Names are unique in their domain: "domain" says which one it is. */
static bool add_named(cJSON *object, const char *id, const char *name, const char *domain_id, const char *domain)
{
	if (id)
		return cJSON_AddStringToObject(object, "id", id);
	if (!cJSON_AddStringToObject(object, "name", name))
		return false;
	return domain_id ? add_pair(object, "domain", "id", domain_id) : add_pair(object, "domain", "name", domain);
}

/* {"user": {…}} with the secret NAME, if there is one. */
static bool add_login_user(
	cJSON *object, const struct mc_credentials *credentials, const char *name, const char *secret)
{
	cJSON *user = cJSON_AddObjectToObject(object, "user");

	if (!add_named(user, credentials->user_id, credentials->user, credentials->user_domain_id,
		    credentials->user_domain))
		return false;
	return !name || cJSON_AddStringToObject(user, name, secret);
}

static bool fill_password(cJSON *object, const struct mc_credentials *credentials)
{
	return add_login_user(object, credentials, "password", credentials->password);
}

static bool fill_token(cJSON *object, const struct mc_credentials *credentials)
{
	return cJSON_AddStringToObject(object, "id", credentials->token);
}

static bool fill_application_credential(cJSON *object, const struct mc_credentials *credentials)
{
	bool has_id = credentials->application_credential_id;

	if (!cJSON_AddStringToObject(object, "secret", credentials->application_credential_secret))
		return false;
	if (has_id)
		return cJSON_AddStringToObject(object, "id", credentials->application_credential_id);
	return cJSON_AddStringToObject(object, "name", credentials->application_credential) &&
	       add_login_user(object, credentials, NULL, NULL);
}

static bool fill_totp(cJSON *object, const struct mc_credentials *credentials)
{
	return add_login_user(object, credentials, "passcode", credentials->passcode);
}

static bool has_user(const struct mc_credentials *credentials)
{
	return credentials->user_id || (credentials->user && (credentials->user_domain_id || credentials->user_domain));
}

#define NEEDS_USER "user_id, or username with user_domain_name or user_domain_id"

static const char *password_lacks(const struct mc_credentials *credentials)
{
	if (!has_user(credentials))
		return NEEDS_USER;
	return credentials->password ? NULL : "password";
}

static const char *token_lacks(const struct mc_credentials *credentials)
{
	return credentials->token ? NULL : "token";
}

static const char *application_credential_lacks(const struct mc_credentials *credentials)
{
	if (!credentials->application_credential_id && !credentials->application_credential)
		return "application_credential_id, or application_credential_name";
	if (!credentials->application_credential_id && !has_user(credentials))
		return NEEDS_USER " for its application_credential_name";
	return credentials->application_credential_secret ? NULL : "application_credential_secret";
}

static const char *totp_lacks(const struct mc_credentials *credentials)
{
	return has_user(credentials) ? NULL : NEEDS_USER;
}

/* The ways to log in, in the order in which they are sent. */
static const struct method {
	unsigned bit;
	const char *name; /* in auth.identity.methods, and of its object beside these */
	const char *(*lacks)(const struct mc_credentials *credentials); /* the keys of clouds.yaml; NULL: nothing */
	bool (*fill)(cJSON *object, const struct mc_credentials *credentials); /* false: out of memory */
} methods_of_login[] = {
	{MC_LOGIN_PASSWORD, "password", password_lacks, fill_password},
	{MC_LOGIN_TOKEN, "token", token_lacks, fill_token},
	{MC_LOGIN_APPLICATION_CREDENTIAL, "application_credential", application_credential_lacks,
		fill_application_credential},
	{MC_LOGIN_TOTP, "totp", totp_lacks, fill_totp},
};

static int check_credentials(const struct mc_credentials *credentials, unsigned methods, struct mc_error *error)
{
	bool named = !credentials->domain_id && !credentials->domain && !credentials->project_id &&
		     credentials->project && !(methods & MC_LOGIN_APPLICATION_CREDENTIAL);

	if (!methods)
		return mc_error_set(error, EINVAL, "there is no way to log in: set auth_type in clouds.yaml");
	for (size_t i = 0; i < MC_COUNT(methods_of_login); i++) {
		const struct method *method = &methods_of_login[i];
		const char *lack = methods & method->bit ? method->lacks(credentials) : NULL;
		if (lack)
			return mc_error_set(error, EINVAL, "the login by %s needs %s: set it in auth of clouds.yaml",
				method->name, lack);
	}
	if (named && !credentials->project_domain_id && !credentials->project_domain)
		return mc_error_set(error, EINVAL,
			"the project %.100s needs its domain: set project_domain_name or project_domain_id in auth of "
			"clouds.yaml, or project_id",
			credentials->project);
	if ((methods & MC_LOGIN_TOTP) && !credentials->passcode)
		return mc_error_set(
			error, EACCES, "the login needs a passcode of totp: write the one of now to the file login");
	return 0;
}

static bool add_project(cJSON *auth, const struct mc_credentials *credentials)
{
	cJSON *project = cJSON_AddObjectToObject(cJSON_AddObjectToObject(auth, "scope"), "project");

	/* Of an id alone Keystone knows the domain. */
	return add_named(project, credentials->project_id, credentials->project, credentials->project_domain_id,
		credentials->project_domain);
}

static bool add_login_scope(cJSON *auth, const struct mc_credentials *credentials)
{
	if (credentials->domain_id)
		return add_pair(cJSON_AddObjectToObject(auth, "scope"), "domain", "id", credentials->domain_id);
	if (credentials->domain)
		return add_pair(cJSON_AddObjectToObject(auth, "scope"), "domain", "name", credentials->domain);
	if (credentials->project_id || credentials->project)
		return add_project(auth, credentials);
	if (credentials->trust_id)
		return add_pair(cJSON_AddObjectToObject(auth, "scope"), "OS-TRUST:trust", "id", credentials->trust_id);
	if (credentials->unscoped)
		return cJSON_AddStringToObject(auth, "scope", "unscoped");
	if (!credentials->system_scope || strcmp(credentials->system_scope, "all") != 0)
		return true;
	return cJSON_AddTrueToObject(cJSON_AddObjectToObject(cJSON_AddObjectToObject(auth, "scope"), "system"), "all");
}

/* False: out of memory. */
static bool add_login_methods(cJSON *identity, const struct mc_credentials *credentials, unsigned methods)
{
	cJSON *names = cJSON_AddArrayToObject(identity, "methods");
	bool good = names;

	for (size_t i = 0; good && i < MC_COUNT(methods_of_login); i++) {
		const struct method *method = &methods_of_login[i];
		if (!(methods & method->bit))
			continue;
		cJSON *name = cJSON_CreateString(method->name);
		good = cJSON_AddItemToArray(names, name);
		if (!good)
			cJSON_Delete(name);
		good = good && method->fill(cJSON_AddObjectToObject(identity, method->name), credentials);
	}
	return good;
}

int mc_login_body(const struct mc_credentials *credentials, unsigned methods, cJSON **ret_body, struct mc_error *error)
{
	int r = check_credentials(credentials, methods, error);

	*ret_body = NULL;
	if (r < 0)
		return r;
	cJSON *body = cJSON_CreateObject(), *auth = cJSON_AddObjectToObject(body, "auth");
	/* An application credential is of one project, and may not ask for another scope. */
	bool scoped = !(methods & MC_LOGIN_APPLICATION_CREDENTIAL);
	if (!add_login_methods(cJSON_AddObjectToObject(auth, "identity"), credentials, methods) ||
		(scoped && !add_login_scope(auth, credentials))) {
		mc_login_wipe(body);
		return mc_error_set(error, ENOMEM, "out of memory");
	}
	*ret_body = body;
	return 0;
}

void mc_login_wipe(cJSON *body)
{
	mc_wipe_json(body);
	cJSON_Delete(body);
}

void mc_login_method_names(unsigned methods, char *text, size_t size)
{
	text[0] = '\0';
	for (size_t i = 0; i < MC_COUNT(methods_of_login); i++) {
		if (!(methods & methods_of_login[i].bit))
			continue;
		if (text[0])
			strncat(text, " and ", size - strlen(text) - 1);
		strncat(text, methods_of_login[i].name, size - strlen(text) - 1);
	}
}

/* The bits of LIST, an array of names; *RET_KNOWN: each of them is one of ours. */
static unsigned named_methods(const cJSON *list, bool *ret_known)
{
	const cJSON *item;
	unsigned bits = 0;

	*ret_known = true;
	cJSON_ArrayForEach(item, list)
	{
		const char *name = cJSON_GetStringValue(item);
		unsigned bit = 0;
		for (size_t i = 0; name && i < MC_COUNT(methods_of_login); i++)
			if (!strcmp(name, methods_of_login[i].name))
				bit = methods_of_login[i].bit;
		bits |= bit;
		*ret_known &= bit != 0;
	}
	return bits;
}

int mc_login_receipt(const cJSON *answer, unsigned *ret_done, unsigned *ret_missing)
{
	const cJSON *receipt = cJSON_GetObjectItemCaseSensitive(answer, "receipt"), *rule;
	const cJSON *done = cJSON_GetObjectItemCaseSensitive(receipt, "methods");
	const cJSON *rules = cJSON_GetObjectItemCaseSensitive(answer, "required_auth_methods");
	bool known;
	int fewest = 0;

	*ret_done = named_methods(done, &known);
	*ret_missing = 0;
	if (!cJSON_IsArray(done) || !cJSON_IsArray(rules) || !*ret_done)
		return -EBADMSG;
	cJSON_ArrayForEach(rule, rules)
	{
		unsigned missing = named_methods(rule, &known) & ~*ret_done;
		int count = __builtin_popcount(missing);
		if (!known || !missing || (fewest && count >= fewest))
			continue;
		fewest = count;
		*ret_missing = missing;
	}
	return 0;
}
