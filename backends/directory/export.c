/* SPDX-License-Identifier: MIT */
#include "backends/directory/ldap.h"
#include "backends/directory/ldif.h"

#include <stdlib.h>
#include <string.h>

/* Left out, with and without options (";lang-en"): the directory's own secrets, RFC 4519 section 2.41, RFC 3112, and
 * the samba and Kerberos schemas. */
static const char *const secrets[] = {"userPassword", "authPassword", "sambaNTPassword", "sambaLMPassword",
	"sambaPasswordHistory", "krbPrincipalKey"};

/* Where an entry lies in the text that was collected. */
struct place {
	size_t at, size;
	unsigned order; /* as the server sent it */
	int depth;
};

struct export
{
	struct mc_buffer text;
	struct place *places;
	size_t count, capacity;
};

static void mc_cleanup_export(struct export *export)
{
	mc_buffer_free(&export->text);
	free(export->places);
}

static bool is_secret(const char *attribute)
{
	size_t length = strcspn(attribute, ";");

	for (size_t i = 0; i < MC_COUNT(secrets); i++)
		if (strlen(secrets[i]) == length && strncasecmp(secrets[i], attribute, length) == 0)
			return true;
	return false;
}

static void put_attributes(struct mc_buffer *out, LDAP *ld, LDAPMessage *entry)
{
	BerElement *position = NULL;

	for (char *name = ldap_first_attribute(ld, entry, &position); name;
		name = ldap_next_attribute(ld, entry, position)) {
		struct berval **values = is_secret(name) ? NULL : ldap_get_values_len(ld, entry, name);
		for (size_t i = 0; values && values[i]; i++)
			mc_ldif_put(out, name, values[i]);
		ldap_value_free_len(values);
		ldap_memfree(name);
	}
	ber_free(position, 0);
}

static int put_entry(void *data, LDAP *ld, LDAPMessage *entry, struct mc_error *error)
{
	struct export *export = data;
	size_t begin = export->text.size;

	if (export->count == export->capacity) {
		size_t capacity = export->capacity ? 2 * export->capacity : 64;
		struct place *places = reallocarray(export->places, capacity, sizeof *places);
		if (!places)
			return mc_ldap_fail(error, ENOMEM, "out of memory");
		export->places = places;
		export->capacity = capacity;
	}
	char *dn = ldap_get_dn(ld, entry);
	if (!dn)
		return mc_ldap_fail(error, EIO, "the directory sent an entry without a name");
	struct berval value = {.bv_len = strlen(dn), .bv_val = dn};
	mc_ldif_put(&export->text, "dn", &value);
	int depth = mc_ldap_depth(dn);
	ldap_memfree(dn);
	put_attributes(&export->text, ld, entry);
	if (export->text.failed)
		return mc_ldap_fail(error, ENOMEM, "out of memory");
	if (export->text.size > MC_DIRECTORY_IMPORT_LIMIT)
		return mc_ldap_fail(
			error, EFBIG, "the directory has more than %d MiB", MC_DIRECTORY_IMPORT_LIMIT >> 20);
	export->places[export->count] = (struct place){
		.at = begin,
		.size = export->text.size - begin,
		.order = (unsigned)export->count,
		.depth = depth,
	};
	export->count++;
	return 0;
}

static int by_depth(const void *left, const void *right)
{
	const struct place *a = left, *b = right;

	if (a->depth != b->depth)
		return a->depth < b->depth ? -1 : 1;
	return a->order < b->order ? -1 : 1;
}

int mc_directory_export(
	struct mc_directory *directory, struct mc_call *call, struct mc_buffer *out, struct mc_error *error)
{
	MC_CLEANUP(export) struct export export = {0};
	const struct mc_ldap_request request = {
		.kind = MC_LDAP_SEARCH,
		.dn = directory->suffix,
		.scope = LDAP_SCOPE_SUBTREE,
		.entry = put_entry,
		.data = &export,
	};

	int result = mc_ldap_perform(directory, call, &request, NULL, error);
	if (result < 0)
		return result;
	/* A server sends entries in the order of their making, which is another one after a move. */
	if (export.count > 0)
		qsort(export.places, export.count, sizeof *export.places, by_depth);
	mc_buffer_text(out, "version: 1\n");
	for (size_t i = 0; i < export.count; i++) {
		mc_buffer_text(out, "\n");
		mc_buffer_add(out, export.text.data + export.places[i].at, export.places[i].size);
	}
	return out->failed ? mc_ldap_fail(error, ENOMEM, "out of memory") : 0;
}
