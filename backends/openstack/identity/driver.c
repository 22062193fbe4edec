/* SPDX-License-Identifier: MIT */
#include "backends/openstack/identity/private.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* How long a change trusts that a domain is an SQL one. Should it have become another, Keystone refuses the change and
 * it is asked again. */
#define SQL_TRUST_MS 60000

/* Whether the domain's people are those of the cloud's directory, from its "ldap" settings. Keystone's own default for
 * user_tree_dn is ou=Users below suffix. */
static bool ldap_tree_is_ours(const struct mc_identity *identity, const cJSON *ldap)
{
	const char *tree = mc_identity_text(ldap, "user_tree_dn"), *ou = "ou=Users,";

	if (!identity->suffix)
		return false;
	if (!*tree)
		return !strcasecmp(mc_identity_text(ldap, "suffix"), identity->suffix);
	return !strncasecmp(tree, ou, strlen(ou)) && !strcasecmp(tree + strlen(ou), identity->suffix);
}

/* https://docs.openstack.org/api-ref/identity/v3/#domain-configuration; a domain without settings of its own is a 404.
 */
static int ask_domain_driver(
	const struct mc_identity *identity, const char *domain, enum mc_identity_driver *ret_driver)
{
	MC_CLEANUP(json) cJSON *answer = NULL;
	int result = mc_identity_request(
		identity, "GET", (const char *const[]){"domains", domain, "config", NULL}, NULL, &answer);

	*ret_driver = MC_IDENTITY_SQL;
	/* Who isn't the cloud's admin is told nothing: then it is Keystone that takes a change, or refuses it. */
	if (result == -EACCES && identity->partial) {
		*identity->error = (struct mc_error){0};
		return 0;
	}
	if (result == -ENOENT)
		return 0;
	if (result < 0)
		return mc_error_context(identity->error, "asking where the domain's users live");
	const cJSON *config = cJSON_GetObjectItemCaseSensitive(answer, "config");
	if (!cJSON_IsObject(config))
		return mc_identity_nonsense(identity, "a domain's settings that are none");
	const char *driver = mc_identity_text(cJSON_GetObjectItemCaseSensitive(config, "identity"), "driver");
	if (!strcmp(driver, "ldap"))
		*ret_driver = ldap_tree_is_ours(identity, cJSON_GetObjectItemCaseSensitive(config, "ldap"))
				      ? MC_IDENTITY_LDAP
				      : MC_IDENTITY_ELSEWHERE;
	return 0;
}

static int ask_and_keep(const struct mc_identity *identity, const char *domain, enum mc_identity_driver *ret_driver)
{
	int result = ask_domain_driver(identity, domain, ret_driver);

	if (result == 0)
		mc_identity_cache_put_driver(mc_identity_cache_of(identity), domain, *ret_driver);
	return result;
}

int mc_identity_driver(const struct mc_identity *identity, const char *domain, enum mc_identity_driver *ret_driver)
{
	struct mc_identity_cache *cache = mc_identity_cache_of(identity);
	int64_t age;

	if (mc_identity_cache_driver(cache, domain, ret_driver, &age) && age < mc_identity_cache_ttl_ms(cache))
		return 0;
	return ask_and_keep(identity, domain, ret_driver);
}

int mc_identity_directory(const struct mc_identity *identity, enum mc_identity_kind kind, const char *domain,
	struct mc_directory **ret_directory)
{
	struct mc_identity_cache *cache = mc_identity_cache_of(identity);
	enum mc_identity_driver driver;
	int64_t age;
	int result;

	if (kind != MC_IDENTITY_USER && kind != MC_IDENTITY_GROUP)
		return 0;
	if (mc_identity_cache_driver(cache, domain, &driver, &age) && driver == MC_IDENTITY_SQL && age < SQL_TRUST_MS)
		return 0;
	result = mc_identity_driver(identity, domain, &driver);
	if (result < 0 || driver == MC_IDENTITY_SQL)
		return result;
	if (driver == MC_IDENTITY_ELSEWHERE || !identity->directory)
		return mc_error_set(identity->error, EPERM,
			"the users of this domain live in an LDAP directory that isn't the cloud's");
	result = identity->directory(identity->data, ret_directory, identity->error);
	return result < 0 ? result : 1;
}

int mc_identity_redirected(const struct mc_identity *identity, enum mc_identity_kind kind, const char *domain,
	int result, struct mc_directory **ret_directory)
{
	struct mc_error unused = {0};
	struct mc_identity again = *identity;
	enum mc_identity_driver driver;

	if (result != -EACCES || (kind != MC_IDENTITY_USER && kind != MC_IDENTITY_GROUP))
		return result;
	again.error = &unused; /* what Keystone said of the change is the better sentence */
	if (ask_and_keep(&again, domain, &driver) < 0 || driver == MC_IDENTITY_SQL)
		return result;
	int directory = mc_identity_directory(identity, kind, domain, ret_directory);
	return directory == 0 ? result : directory;
}

/* Takes what stands between AT and its end by LENGTH bytes out of MESSAGE, leaving "***". */
static void cover(char *message, size_t size, char *at, size_t length)
{
	char rest[sizeof(((struct mc_error *)0)->message)];

	snprintf(rest, sizeof(rest), "%s", at + length);
	snprintf(at, size - (size_t)(at - message), "***%s", rest);
	explicit_bzero(rest, sizeof(rest));
}

static void redact_form(char *message, size_t size, const char *secret)
{
	size_t length = strlen(secret), whole = strlen(message);
	char *at = message;

	if (length == 0)
		return;
	while ((at = strstr(at, secret))) {
		cover(message, size, at, length);
		at += strlen("***");
		if (at >= message + size)
			return;
	}
	/* A message is cut at its end, where a part of a long secret may stand. */
	if (whole + 4 < size)
		return;
	whole = strlen(message);
	for (size_t part = length < whole ? length : whole; part > 0; part--) {
		if (!strncmp(message + whole - part, secret, part)) {
			explicit_bzero(message + whole - part, part);
			return;
		}
	}
}

/* SECRET as Python's repr() writes it, cut to what a message could hold. */
static void escape_form(const char *secret, char *form, size_t size)
{
	size_t n = 0;

	for (; *secret && n + 5 < size; secret++) {
		if (*secret == '\\' || *secret == '\'')
			form[n++] = '\\';
		if ((unsigned char)*secret >= ' ' && *secret != 0x7f)
			form[n++] = *secret;
		else if (*secret == '\t' || *secret == '\n' || *secret == '\r')
			n += (size_t)snprintf(form + n, size - n, "\\%c",
				*secret == '\t'   ? 't'
				: *secret == '\n' ? 'n'
						  : 'r');
		else
			n += (size_t)snprintf(form + n, size - n, "\\x%02x", (unsigned char)*secret);
	}
	form[n] = '\0';
}

void mc_identity_redact(struct mc_error *error, const char *secret)
{
	char form[2 * sizeof(error->message)];

	if (!error)
		return;
	escape_form(secret, form, sizeof(form));
	redact_form(error->message, sizeof(error->message), form);
	redact_form(error->message, sizeof(error->message), secret);
	explicit_bzero(form, sizeof(form));
}
