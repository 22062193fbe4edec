/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_DIRECTORY_LDIF_H
#define BACKENDS_DIRECTORY_LDIF_H

#include "mcloud/buffer.h"
#include "mcloud/error.h"

#include <ldap.h>
#include <stdbool.h>
#include <stddef.h>

/* LDIF, RFC 2849. Lines are decoded by libldap; what they mean is decided here: ldap_parse_ldif_record() would also
 * read any file that a record names, says nothing about what is wrong, and trusts the record's form too much for
 * outside input. */

enum {
	MC_LDIF_RECORD_LIMIT = 4 << 20, /* bytes of a record: what slapd takes as one request */
	MC_LDIF_LINE_LIMIT = 100000,    /* logical lines of a record */
	MC_LDIF_ATTRIBUTE_LIMIT = 1000, /* different attributes, or modifications, of a record */
};

/* Text that is read record by record. Begins as {.text, .size}, which it doesn't own. */
struct mc_ldif {
	const char *text;
	size_t size, at;
	unsigned long line; /* of `at`, from 0 */
	bool started;       /* a record was read: no version line any more */
};

enum mc_ldif_change { MC_LDIF_ADD, MC_LDIF_DELETE, MC_LDIF_MODIFY, MC_LDIF_RENAME };

struct mc_ldif_line;

/* One record. All strings and values lie in `text`. */
struct mc_ldif_record {
	unsigned long line; /* its first one, from 1 */
	enum mc_ldif_change change;
	const char *dn;
	LDAPMod **mods;                   /* add, modify */
	const char *new_rdn, *new_parent; /* rename; the parent may be NULL */
	bool keep_old_rdn;
	char *text;
	struct mc_ldif_line *lines;
	size_t n_lines;
	LDAPMod *mod_items;
	struct berval **values;
};

/* The next record: 1, 0 at the end, -EINVAL or -EFBIG with "record at line N (dn: ...): ..." in ERROR. */
int mc_ldif_next(struct mc_ldif *ldif, struct mc_ldif_record *ret_record, struct mc_error *error);
void mc_ldif_record_clear(struct mc_ldif_record *record);
void mc_cleanup_ldif_record(struct mc_ldif_record *record);

/* Puts "record at line N (dn: ...)" in front of ERROR. Gives -code of ERROR. */
int mc_ldif_context(const struct mc_ldif_record *record, struct mc_error *error);

/* A line of a record, folded, in base64 where RFC 2849 asks for it. */
void mc_ldif_put(struct mc_buffer *out, const char *attribute, const struct berval *value);

#endif
