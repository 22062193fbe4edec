/* SPDX-License-Identifier: MIT */
#include "backends/directory/fit.h"

#include <string.h>

/* Keystone is told of people at uid=NAME,ou=Users,SUFFIX, of class inetOrgPerson, and of groups at
 * cn=NAME,ou=Groups,SUFFIX, of class groupOfNames. It looks for one by that very DN: of another place it would list the
 * name, and then not find it. */

/* The server's own, of OpenLDAP with its overlays ppolicy and memberof, and of others that dump them (RFC 4512, section
 * 3.4; RFC 4530; RFC 5020; draft-behera-ldap-password-policy): it makes them anew, and takes them from nobody. */
static const char *const operational[] = {
	"authTimestamp",
	"contextCSN",
	"createTimestamp",
	"creatorsName",
	"entryCSN",
	"entryDN",
	"entryUUID",
	"hasSubordinates",
	"memberOf",
	"modifiersName",
	"modifyTimestamp",
	"nsUniqueId",
	"numSubordinates",
	"pwdAccountLockedTime",
	"pwdChangedTime",
	"pwdFailureTime",
	"pwdGraceUseTime",
	"pwdHistory",
	"pwdLastSuccess",
	"pwdPolicySubentry",
	"pwdReset",
	"structuralObjectClass",
	"subschemaSubentry",
};

static const char *const person_classes[] = {"account", "inetOrgPerson", "organizationalPerson", "person",
	"posixAccount", "residentialPerson", "shadowAccount"};
static const char *const group_classes[] = {
	"groupOfMembers", "groupOfNames", "groupOfUniqueNames", "groupOfURLs", "posixGroup"};

/* What Keystone is told of: one row for people, one for groups. */
struct kind {
	const char *what, *where, *attribute, *class;
	const char *const *classes;
	size_t n_classes;
};

static const struct kind kinds[] = {
	{"people", "Users", "uid", "inetOrgPerson", person_classes, MC_COUNT(person_classes)},
	{"groups", "Groups", "cn", "groupOfNames", group_classes, MC_COUNT(group_classes)},
};

static const char *parent_of_kind(const struct mc_directory *directory, const struct kind *kind)
{
	return kind == &kinds[0] ? directory->users_dn : directory->groups_dn;
}

static bool is_one_of(const char *name, size_t length, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strlen(names[i]) == length && strncasecmp(names[i], name, length) == 0)
			return true;
	return false;
}

static void drop_operational(struct mc_ldif_record *record)
{
	LDAPMod **to = record->mods;

	for (LDAPMod **from = record->mods; *from; from++)
		if (!is_one_of((*from)->mod_type, strcspn((*from)->mod_type, ";"), operational, MC_COUNT(operational)))
			*to++ = *from;
	*to = NULL;
}

static const LDAPMod *values_of(const struct mc_ldif_record *record, const char *attribute)
{
	for (LDAPMod *const *mod = record->mods; *mod; mod++)
		if (strcasecmp((*mod)->mod_type, attribute) == 0)
			return *mod;
	return NULL;
}

static bool has_class(const struct mc_ldif_record *record, const char *const *classes, size_t n)
{
	const LDAPMod *mod = values_of(record, "objectClass");

	for (struct berval **value = mod ? mod->mod_bvalues : NULL; value && *value; value++)
		if (is_one_of((*value)->bv_val, (*value)->bv_len, classes, n))
			return true;
	return false;
}

/* Whether DN is where Keystone looks for that kind: 1, 0; *RET_NAME: its name then. */
static int is_in_place(struct mc_directory *directory, const struct kind *kind, const char *dn, char **ret_name)
{
	MC_CLEANUP(free_pointer) char *attribute = NULL, *name = NULL;

	if (!mc_ldap_is_below(dn, parent_of_kind(directory, kind)) ||
		mc_ldap_first_rdn(dn, &attribute, &name, NULL) < 0 || strcasecmp(attribute, kind->attribute) != 0)
		return 0;
	*ret_name = mc_steal(&name);
	return 1;
}

/* A second name makes Keystone call it by one that leads nowhere. */
static int check_names(
	const struct kind *kind, const struct mc_ldif_record *record, const char *name, struct mc_error *error)
{
	const LDAPMod *mod = values_of(record, kind->attribute);

	for (struct berval **value = mod ? mod->mod_bvalues : NULL; value && *value; value++)
		if ((*value)->bv_len != strlen(name) || strncasecmp((*value)->bv_val, name, strlen(name)) != 0)
			return mc_ldap_fail(error, EINVAL,
				"its %s \"%.*s\" is not the one in its dn: Keystone knows one name only, leave the "
				"other one out",
				kind->attribute, (int)((*value)->bv_len < 64 ? (*value)->bv_len : 64),
				(*value)->bv_val);
	return 0;
}

static int misplaced(struct mc_directory *directory, const struct kind *kind, struct mc_error *error)
{
	return mc_ldap_fail(error, EINVAL,
		"Keystone would not find it: %s are of objectClass %s and lie at %s=NAME,ou=%s,%.200s", kind->what,
		kind->class, kind->attribute, kind->where, directory->suffix);
}

/* An entry that is a person or a group by its class, or lies among them by its name, must be one for Keystone, too. */
static int fit_entry(struct mc_directory *directory, const struct mc_ldif_record *record, struct mc_error *error)
{
	for (size_t i = 0; i < MC_COUNT(kinds); i++) {
		const struct kind *kind = &kinds[i];
		MC_CLEANUP(free_pointer) char *name = NULL;
		bool is_there = is_in_place(directory, kind, record->dn, &name) == 1;
		bool is_one = has_class(record, kind->classes, kind->n_classes);

		if (!is_there && !is_one)
			continue;
		if (!is_there || !has_class(record, &kind->class, 1))
			return misplaced(directory, kind, error);
		return check_names(kind, record, name, error);
	}
	return 0;
}

/* People who can be found must not be moved to where they can't. */
static int fit_rename(struct mc_directory *directory, const struct mc_ldif_record *record, struct mc_error *error)
{
	for (size_t i = 0; i < MC_COUNT(kinds); i++) {
		MC_CLEANUP(free_pointer) char *name = NULL, *attribute = NULL, *value = NULL;
		const struct kind *kind = &kinds[i];

		if (!is_in_place(directory, kind, record->dn, &name))
			continue;
		if (mc_ldap_first_rdn(record->new_rdn, &attribute, &value, NULL) < 0 ||
			strcasecmp(attribute, kind->attribute) != 0 ||
			(record->new_parent && !mc_ldap_same(record->new_parent, parent_of_kind(directory, kind))))
			return misplaced(directory, kind, error);
	}
	return 0;
}

int mc_ldif_fit(struct mc_directory *directory, struct mc_ldif_record *record, struct mc_error *error)
{
	int result = 0;

	/* The administrator is the server's by its configuration. An entry of that name would bring a second password
	 * for all its rights. */
	if (record->change == MC_LDIF_ADD && mc_ldap_same(record->dn, directory->bind_dn))
		return 0;
	if (record->change == MC_LDIF_ADD) {
		drop_operational(record);
		result = fit_entry(directory, record, error);
	} else if (record->change == MC_LDIF_RENAME) {
		result = fit_rename(directory, record, error);
	}
	return result < 0 ? result : 1;
}

bool mc_ldif_is_container(const struct mc_directory *directory, const char *dn)
{
	return mc_ldap_same(dn, directory->suffix) || mc_ldap_same(dn, directory->users_dn) ||
	       mc_ldap_same(dn, directory->groups_dn);
}
