/* SPDX-License-Identifier: MIT */
#include "backends/directory/needed.h"
#include "backends/directory/ldif.h"

/* What Keystone needs of the directory: its own account, and where it looks for people. */

static int found_one(void *data, LDAP *ld, LDAPMessage *entry, struct mc_error *error)
{
	bool *found = data;

	(void)ld, (void)entry, (void)error;
	*found = true;
	return 0;
}

static int add_filter(struct mc_buffer *filter, const char *dn, struct mc_error *error)
{
	MC_CLEANUP(free_pointer) char *one = NULL;
	int result = mc_ldap_filter("entryDN", dn, &one, error);

	if (result == 0)
		mc_buffer_text(filter, one);
	return result;
}

/* What finds the entries that a change of this kind must leave alone. */
static int make_filter(
	struct mc_directory *directory, enum mc_ldif_change change, struct mc_buffer *filter, struct mc_error *error)
{
	MC_CLEANUP(free_pointer) char *account = NULL;
	int result = mc_ldap_dn(directory->suffix, "cn", "keystone", &account, error);

	mc_buffer_text(filter, "(|");
	if (result == 0)
		result = add_filter(filter, account, error);
	if (result == 0 && change != MC_LDIF_MODIFY) {
		const char *const places[] = {directory->suffix, directory->users_dn, directory->groups_dn};

		for (size_t i = 0; i < MC_COUNT(places) && result == 0; i++)
			result = add_filter(filter, places[i], error);
	}
	mc_buffer_text(filter, ")");
	return result ? result : filter->failed ? mc_ldap_fail(error, ENOMEM, "out of memory") : 0;
}

int mc_ldap_not_needed(struct mc_directory *directory, struct mc_call *call, const struct mc_ldif_record *record,
	struct mc_error *error)
{
	static const char *const nothing[] = {LDAP_NO_ATTRS, NULL};
	MC_CLEANUP(free_pointer) char *attribute = NULL, *value = NULL;
	MC_CLEANUP(buffer) struct mc_buffer filter = {0};
	bool found = false;

	if (record->change == MC_LDIF_ADD)
		return 0;
	/* Most are people, and none of these is one. */
	if (mc_ldap_first_rdn(record->dn, &attribute, &value, NULL) == 0 && !strcasecmp(attribute, "uid"))
		return 0;
	int result = make_filter(directory, record->change, &filter, error);
	if (result < 0)
		return result;
	/* The server compares, by the rules of its schema. */
	const struct mc_ldap_request look = {
		.kind = MC_LDAP_SEARCH,
		.dn = record->dn,
		.scope = LDAP_SCOPE_BASE,
		.filter = filter.data,
		.attributes = nothing,
		.entry = found_one,
		.data = &found,
	};
	/* The change itself will tell that an entry isn't there, or is no DN. */
	result = mc_ldap_perform(directory, call, &look, NULL, NULL);
	if (result == 0 && found)
		return mc_ldap_fail(error, EPERM, "Keystone needs this entry, and would find nobody without it");
	return result == -EINTR || result == -ETIMEDOUT
		       ? mc_ldap_fail(error, -result, "the directory was not asked in time")
		       : 0;
}
