/* SPDX-License-Identifier: MIT */
#include "backends/directory/ldap.h"

#include <string.h>

/* What the entry of a suffix has to be, by the attribute that names it: RFC 4519, RFC 2247 for dc. */
static const struct suffix_kind {
	const char *attribute, *classes[3];
	bool organization; /* its class wants an o, too */
} suffix_kinds[] = {
	{"dc", {"dcObject", "organization"}, true},
	{"o", {"organization"}, false},
	{"ou", {"organizationalUnit"}, false},
	{"c", {"country"}, false},
	{"l", {"locality"}, false},
};

/* Adds an entry; one that is there already is success. */
static int ensure(struct mc_directory *directory, struct mc_call *call, const char *dn,
	const struct mc_ldap_change *attributes, size_t n, struct mc_error *error)
{
	int result = mc_ldap_change(directory, call, MC_LDAP_ADD, dn, attributes, n, NULL, error);

	return result == -EEXIST ? 0 : result;
}

static int ensure_suffix(struct mc_directory *directory, struct mc_call *call, struct mc_error *error)
{
	MC_CLEANUP(free_pointer) char *attribute = NULL, *value = NULL;
	const struct suffix_kind *kind = NULL;

	int result = mc_ldap_first_rdn(directory->suffix, &attribute, &value, error);
	if (result < 0)
		return result;
	for (size_t i = 0; i < MC_COUNT(suffix_kinds) && !kind; i++)
		if (strcasecmp(suffix_kinds[i].attribute, attribute) == 0)
			kind = &suffix_kinds[i];
	if (!kind)
		return mc_ldap_fail(
			error, EINVAL, "the suffix \"%s\" must begin with dc=, o=, ou=, c= or l=", directory->suffix);
	const struct mc_ldap_change attributes[] = {
		{LDAP_MOD_ADD, "objectClass", {kind->classes[0], kind->classes[1]}},
		{LDAP_MOD_ADD, kind->attribute, {value}},
		{LDAP_MOD_ADD, "o", {value}},
	};
	return ensure(directory, call, directory->suffix, attributes, kind->organization ? 3 : 2, error);
}

static int ensure_unit(
	struct mc_directory *directory, struct mc_call *call, const char *dn, const char *name, struct mc_error *error)
{
	const struct mc_ldap_change attributes[] = {
		{LDAP_MOD_ADD, "objectClass", {"organizationalUnit"}},
		{LDAP_MOD_ADD, "ou", {name}},
	};

	return ensure(directory, call, dn, attributes, MC_COUNT(attributes), error);
}

static int ensure_account(struct mc_directory *directory, struct mc_call *call, const char *name, const char *password,
	struct mc_error *error)
{
	MC_CLEANUP(free_pointer) char *dn = NULL;
	const struct mc_ldap_change attributes[] = {
		{LDAP_MOD_ADD, "objectClass", {"organizationalRole", "simpleSecurityObject"}},
		{LDAP_MOD_ADD, "cn", {name}},
		/* The class wants a password at once: no password has this hash. The server hashes the real one. */
		{LDAP_MOD_ADD, "userPassword", {"{CRYPT}*"}},
	};

	int result = mc_ldap_dn(directory->suffix, "cn", name, &dn, error);
	if (result == 0)
		result = ensure(directory, call, dn, attributes, MC_COUNT(attributes), error);
	return result < 0 ? result : mc_ldap_password(directory, call, dn, password, error);
}

int mc_directory_prepare(
	struct mc_directory *directory, struct mc_call *call, const char *keystone_password, struct mc_error *error)
{
	if (!*keystone_password)
		return mc_ldap_fail(error, EINVAL, "the password of Keystone's LDAP account must not be empty");
	int result = ensure_suffix(directory, call, error);
	if (result == 0)
		result = ensure_unit(directory, call, directory->users_dn, "Users", error);
	if (result == 0)
		result = ensure_unit(directory, call, directory->groups_dn, "Groups", error);
	if (result == 0)
		result = ensure_account(directory, call, "keystone", keystone_password, error);
	return result;
}
