/* SPDX-License-Identifier: MIT */
#include "backends/directory/fit.h"
#include "backends/directory/needed.h"

#include <string.h>

/* What a search for one value without a matching rule finds. */
struct comparison {
	const char *attribute;
	const struct berval *value;
	bool equal;
};

static int compare_bytes(void *data, LDAP *ld, LDAPMessage *entry, struct mc_error *error)
{
	struct comparison *comparison = data;
	struct berval **values = ldap_get_values_len(ld, entry, comparison->attribute);

	(void)error;
	for (size_t i = 0; values && values[i]; i++)
		if (values[i]->bv_len == comparison->value->bv_len &&
			memcmp(values[i]->bv_val, comparison->value->bv_val, values[i]->bv_len) == 0)
			comparison->equal = true;
	ldap_value_free_len(values);
	return 0;
}

/* Whether the entry DN has VALUE, by the server's own matching rule where the attribute has one (jpegPhoto has none):
 * 1, 0, -errno. */
static int has_value(struct mc_directory *directory, struct mc_call *call, const char *dn, const char *attribute,
	const struct berval *value, struct mc_error *error)
{
	const struct mc_ldap_request compare = {
		.kind = MC_LDAP_COMPARE, .dn = dn, .attribute = attribute, .value = *value};
	int code;

	int result = mc_ldap_perform(directory, call, &compare, &code, error);
	if (result == 0)
		return code == LDAP_COMPARE_TRUE;
	if (code == LDAP_NO_SUCH_ATTRIBUTE)
		return 0;
	if (code != LDAP_INAPPROPRIATE_MATCHING)
		return result;
	const char *const attributes[] = {attribute, NULL};
	struct comparison comparison = {.attribute = attribute, .value = value};
	const struct mc_ldap_request look = {
		.kind = MC_LDAP_SEARCH,
		.dn = dn,
		.scope = LDAP_SCOPE_BASE,
		.attributes = attributes,
		.entry = compare_bytes,
		.data = &comparison,
	};
	result = mc_ldap_perform(directory, call, &look, NULL, error);
	return result < 0 ? result : comparison.equal;
}

/* Adds VALUE to an entry that every cloud has (the suffix, ou=Users, ou=Groups). There it may be of another class than
 * somebody else's: what its own can't have is left out, as the people below it are what is wanted. */
static int merge_value(struct mc_directory *directory, struct mc_call *call, const char *dn, const LDAPMod *of,
	struct berval *value, struct mc_error *error)
{
	struct berval *values[] = {value, NULL};
	LDAPMod mod = {.mod_op = LDAP_MOD_ADD | LDAP_MOD_BVALUES, .mod_type = of->mod_type, .mod_bvalues = values};
	LDAPMod *mods[] = {&mod, NULL};
	const struct mc_ldap_request request = {.kind = MC_LDAP_MODIFY, .dn = dn, .mods = mods};
	int code;

	int result = mc_ldap_perform(directory, call, &request, &code, error);
	if (code == LDAP_OBJECT_CLASS_VIOLATION || code == LDAP_NO_OBJECT_CLASS_MODS ||
		code == LDAP_TYPE_OR_VALUE_EXISTS || code == LDAP_CONSTRAINT_VIOLATION)
		return 0;
	return result;
}

/* An entry that is there already is as good as added when it has what the record asks for. Not its password: it is
 * stored as a hash, and whoever changed it meanwhile wants to keep it. */
static int check_existing(struct mc_directory *directory, struct mc_call *call, const struct mc_ldif_record *record,
	struct mc_error *error)
{
	for (LDAPMod *const *mod = record->mods; *mod; mod++) {
		if (strcasecmp((*mod)->mod_type, "userPassword") == 0)
			continue;
		for (struct berval **value = (*mod)->mod_bvalues; *value; value++) {
			int result = has_value(directory, call, record->dn, (*mod)->mod_type, *value, error);
			if (result == 0 && mc_ldif_is_container(directory, record->dn))
				result = merge_value(directory, call, record->dn, *mod, *value, error);
			else if (result == 0)
				result = mc_ldap_fail(error, EEXIST,
					"there is such an entry already, with another %.64s", (*mod)->mod_type);
			if (result < 0)
				return result;
		}
	}
	return 0;
}

static int apply(struct mc_directory *directory, struct mc_call *call, const struct mc_ldif_record *record,
	struct mc_error *error)
{
	static const enum mc_ldap_kind kinds[] = {
		[MC_LDIF_ADD] = MC_LDAP_ADD,
		[MC_LDIF_DELETE] = MC_LDAP_DELETE,
		[MC_LDIF_MODIFY] = MC_LDAP_MODIFY,
		[MC_LDIF_RENAME] = MC_LDAP_RENAME,
	};
	const struct mc_ldap_request request = {
		.kind = kinds[record->change],
		.dn = record->dn,
		.mods = record->mods,
		.new_rdn = record->new_rdn,
		.new_parent = record->new_parent,
		.keep_old_rdn = record->keep_old_rdn,
	};
	int code;

	int result = mc_ldap_perform(directory, call, &request, &code, error);
	if (record->change != MC_LDIF_ADD)
		return result;
	if (code == LDAP_ALREADY_EXISTS)
		return check_existing(directory, call, record, error);
	/* The schema is looked at first: an exported account lacks the password that its class asks for. */
	if (code == LDAP_OBJECT_CLASS_VIOLATION && check_existing(directory, call, record, NULL) == 0)
		return 0;
	return result;
}

static int import_record(
	struct mc_directory *directory, struct mc_call *call, struct mc_ldif_record *record, struct mc_error *error)
{
	int fits = mc_ldif_fit(directory, record, error);
	int result = fits > 0 ? mc_ldap_not_needed(directory, call, record, error) : fits;

	return fits > 0 && result == 0 ? apply(directory, call, record, error) : result;
}

int mc_directory_import(
	struct mc_directory *directory, struct mc_call *call, const char *ldif, size_t size, struct mc_error *error)
{
	struct mc_ldif reader = {.text = ldif, .size = size};
	int result;

	if (size > MC_DIRECTORY_IMPORT_LIMIT)
		return mc_ldap_fail(error, EFBIG, "LDIF of more than %d MiB", MC_DIRECTORY_IMPORT_LIMIT >> 20);
	do {
		MC_CLEANUP(ldif_record) struct mc_ldif_record record = {0};
		result = mc_ldif_next(&reader, &record, error);
		if (result > 0) {
			int applied = import_record(directory, call, &record, error);
			if (applied < 0) {
				mc_ldif_context(&record, error);
				return applied;
			}
		}
	} while (result > 0);
	return result;
}
