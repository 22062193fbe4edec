/* SPDX-License-Identifier: MIT */
#include "backends/directory/fit.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good)
{
	if (!good)
		abort();
}

static bool same(const LDAPMod *left, const LDAPMod *right)
{
	size_t i = 0;

	if (strcmp(left->mod_type, right->mod_type) != 0)
		return false;
	for (; left->mod_bvalues[i] && right->mod_bvalues[i]; i++) {
		const struct berval *a = left->mod_bvalues[i], *b = right->mod_bvalues[i];
		if (a->bv_len != b->bv_len || memcmp(a->bv_val, b->bv_val, a->bv_len) != 0)
			return false;
	}
	return !left->mod_bvalues[i] && !right->mod_bvalues[i];
}

/* What was read of a new entry can be written, and is then read as the same. */
static void check_round_trip(const struct mc_ldif_record *record)
{
	MC_CLEANUP(ldif_record) struct mc_ldif_record again = {0};
	MC_CLEANUP(buffer) struct mc_buffer text = {0};
	struct berval dn = {.bv_len = strlen(record->dn), .bv_val = (char *)(uintptr_t)record->dn};
	size_t i;

	mc_ldif_put(&text, "dn", &dn);
	mc_buffer_text(&text, "changetype: add\n");
	for (i = 0; record->mods[i]; i++)
		for (struct berval **value = record->mods[i]->mod_bvalues; *value; value++)
			mc_ldif_put(&text, record->mods[i]->mod_type, *value);
	struct mc_ldif ldif = {.text = text.data, .size = text.size};
	int result = mc_ldif_next(&ldif, &again, NULL);
	/* Folded and in base64 it may have become too large. */
	if (result == -EFBIG)
		return;
	check(result == 1);
	check(strcmp(record->dn, again.dn) == 0);
	for (i = 0; record->mods[i]; i++)
		check(again.mods[i] && same(record->mods[i], again.mods[i]));
	check(!again.mods[i]);
}

static void check_record(const struct mc_ldif_record *record)
{
	check(record->line > 0 && record->dn);
	switch (record->change) {
	case MC_LDIF_ADD:
		check(record->mods[0]);
		check_round_trip(record);
		break;
	case MC_LDIF_MODIFY:
		check(record->mods[0] && record->mods[0]->mod_type);
		break;
	case MC_LDIF_RENAME:
		check(record->new_rdn && *record->new_rdn);
		break;
	case MC_LDIF_DELETE:
		break;
	}
}

/* Whatever is a name at all is one RDN, with just this value. */
static void check_name(const uint8_t *data, size_t size)
{
	MC_CLEANUP(free_pointer)
	char *name = strndup((const char *)data, size), *dn = NULL, *attribute = NULL, *value = NULL;

	if (!name || mc_ldap_dn("ou=Users,dc=acme,dc=org", "uid", name, &dn, NULL) < 0)
		return;
	check(mc_ldap_depth(dn) == 4);
	check(mc_ldap_first_rdn(dn, &attribute, &value, NULL) == 0);
	check(strcmp(value, name) == 0);
}

/* Whatever value a directory sends is written so that it is read as the same. */
static void check_value(const uint8_t *data, size_t size)
{
	MC_CLEANUP(ldif_record) struct mc_ldif_record record = {0};
	MC_CLEANUP(buffer) struct mc_buffer text = {0};
	const struct berval value = {.bv_len = size, .bv_val = (char *)(uintptr_t)data};

	mc_buffer_text(&text, "dn: cn=x\n");
	mc_ldif_put(&text, "cn", &value);
	struct mc_ldif ldif = {.text = text.data, .size = text.size};
	int result = mc_ldif_next(&ldif, &record, NULL);
	if (result == -EFBIG)
		return;
	check(result == 1 && record.mods[0] && !record.mods[1]);
	const struct berval *again = record.mods[0]->mod_bvalues[0];
	check(again && again->bv_len == size && (size == 0 || memcmp(again->bv_val, data, size) == 0));
}

/* Whatever it calls an entry is a DN, or is refused. */
static void check_dn(const uint8_t *data, size_t size)
{
	MC_CLEANUP(free_pointer)
	char *dn = strndup((const char *)data, size), *attribute = NULL, *value = NULL;

	if (dn && mc_ldap_first_rdn(dn, &attribute, &value, NULL) == 0)
		check(attribute && value && mc_ldap_depth(dn) > 0);
}

/* What an import makes of it: applied, left out, or refused with a reason. */
static void check_fit(struct mc_ldif_record *record)
{
	static struct mc_directory *directory;
	struct mc_error error = {0};

	if (!directory)
		directory = mc_directory_new(&(const struct mc_directory_options){.url = "ldap://127.0.0.1",
			.suffix = "dc=acme,dc=org",
			.bind_dn = "cn=admin,dc=acme,dc=org",
			.password = "x"});
	int result = mc_ldif_fit(directory, record, &error);
	check(result == 1 || (result == 0 && record->change == MC_LDIF_ADD) ||
		(result == -EINVAL && error.code == EINVAL && *error.message));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mc_ldif ldif = {.text = (const char *)data, .size = size};
	struct mc_error error = {0};
	int result;

	check_name(data, size < 64 ? size : 64);
	check_value(data, size);
	check_dn(data, size);
	do {
		MC_CLEANUP(ldif_record) struct mc_ldif_record record = {0};
		result = mc_ldif_next(&ldif, &record, &error);
		if (result > 0)
			check_record(&record);
		if (result > 0)
			check_fit(&record);
	} while (result > 0);
	check(result == 0 || (error.code == -result && *error.message));
	return 0;
}
