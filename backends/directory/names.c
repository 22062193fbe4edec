/* SPDX-License-Identifier: MIT */
#include "backends/directory/ldap.h"

#include <stdlib.h>
#include <string.h>

/* DNs are built from libldap's structures and written by it, so that its escaping (RFC 4514, section 2.4) is the only
 * one. */

/* slapd's database keeps an entry's RDN twice, as it was given and normalized, in one item of 511 bytes of which it
 * needs 20 itself. What doesn't fit it refuses as "other", without a reason. */
enum { RDN_ROOM = 511 - 20 };

static void mc_cleanup_dn(LDAPDN *dn)
{
	if (*dn)
		ldap_dnfree(*dn);
}

static void mc_cleanup_memory(char **memory)
{
	ldap_memfree(*memory);
}

/* An attribute and its value inside a DN, all on the caller's stack. */
struct rdn {
	LDAPAVA ava;
	LDAPAVA *avas[2];
};

/* 0: it can't be written. */
static size_t written_size(LDAPRDN rdn, unsigned style)
{
	MC_CLEANUP(memory) char *text = NULL;

	return ldap_rdn2str(rdn, &text, LDAP_DN_FORMAT_LDAPV3 | style) == LDAP_SUCCESS ? strlen(text) : 0;
}

static int make_rdn(struct rdn *rdn, const char *attribute, const char *value, struct mc_error *error)
{
	if (!*value)
		return mc_ldap_fail(error, EINVAL, "a name must not be empty");
	rdn->ava = (LDAPAVA){
		.la_attr = {.bv_len = strlen(attribute), .bv_val = (char *)(uintptr_t)attribute},
		.la_value = {.bv_len = strlen(value), .bv_val = (char *)(uintptr_t)value},
		.la_flags = LDAP_AVA_STRING,
	};
	rdn->avas[0] = &rdn->ava;
	rdn->avas[1] = NULL;
	size_t pretty = written_size(rdn->avas, LDAP_DN_PRETTY), normal = written_size(rdn->avas, 0);
	if (pretty == 0 || normal == 0)
		return mc_ldap_fail(error, EINVAL, "a name can't be written as a DN: it must be UTF-8");
	if (pretty + normal > RDN_ROOM)
		return mc_ldap_fail(error, EINVAL, "a name is too long for the directory");
	return 0;
}

/* libldap's memory is its own to free; ours is malloc'd. */
static int hand_over(int code, const char *text, char **ret_text, struct mc_error *error)
{
	if (code != LDAP_SUCCESS)
		return mc_ldap_fail(error, code == LDAP_NO_MEMORY ? ENOMEM : EINVAL, "a name can't be written as a DN");
	*ret_text = strdup(text);
	return *ret_text ? 0 : mc_ldap_fail(error, ENOMEM, "out of memory");
}

int mc_ldap_rdn(const char *attribute, const char *value, char **ret_rdn, struct mc_error *error)
{
	MC_CLEANUP(memory) char *text = NULL;
	struct rdn rdn;

	int result = make_rdn(&rdn, attribute, value, error);
	if (result < 0)
		return result;
	int code = ldap_rdn2str(rdn.avas, &text, LDAP_DN_FORMAT_LDAPV3 | LDAP_DN_PRETTY);
	return hand_over(code, text, ret_rdn, error);
}

static size_t count_rdns(LDAPDN dn)
{
	size_t n = 0;

	while (dn && dn[n])
		n++;
	return n;
}

int mc_ldap_dn(const char *parent, const char *attribute, const char *value, char **ret_dn, struct mc_error *error)
{
	MC_CLEANUP(dn) LDAPDN above = NULL;
	MC_CLEANUP(free_pointer) LDAPRDN *dn = NULL;
	MC_CLEANUP(memory) char *text = NULL;
	struct rdn rdn;

	int result = make_rdn(&rdn, attribute, value, error);
	if (result < 0)
		return result;
	if (ldap_str2dn(parent, &above, LDAP_DN_FORMAT_LDAPV3) != LDAP_SUCCESS)
		return mc_ldap_fail(error, EINVAL, "\"%s\" is not a DN", parent);
	size_t n = count_rdns(above);
	dn = calloc(n + 2, sizeof *dn);
	if (!dn)
		return mc_ldap_fail(error, ENOMEM, "out of memory");
	dn[0] = rdn.avas;
	for (size_t i = 0; i < n; i++)
		dn[i + 1] = above[i];
	int code = ldap_dn2str(dn, &text, LDAP_DN_FORMAT_LDAPV3 | LDAP_DN_PRETTY);
	return hand_over(code, text, ret_dn, error);
}

int mc_ldap_filter(const char *attribute, const char *value, char **ret_filter, struct mc_error *error)
{
	struct berval in = {.bv_len = strlen(value), .bv_val = (char *)(uintptr_t)value}, out = {0};

	if (ldap_bv2escaped_filter_value(&in, &out) != 0)
		return mc_ldap_fail(error, ENOMEM, "out of memory");
	struct mc_buffer filter = {0};
	mc_buffer_text(&filter, "(");
	mc_buffer_text(&filter, attribute);
	mc_buffer_text(&filter, "=");
	mc_buffer_add(&filter, out.bv_val, out.bv_len);
	mc_buffer_text(&filter, ")");
	/* Text that needs no escape is given back as it was, not copied. */
	if (out.bv_val != in.bv_val)
		ber_memfree(out.bv_val);
	*ret_filter = mc_buffer_steal(&filter, NULL);
	return *ret_filter ? 0 : mc_ldap_fail(error, ENOMEM, "out of memory");
}

/* DN in libldap's own writing, from its RDN number FIRST on; NULL: it has none there, or isn't one. To be freed by
 * ldap_memfree(). */
static char *rewrite(const char *dn, size_t first)
{
	MC_CLEANUP(dn) LDAPDN parsed = NULL;
	char *text = NULL;

	if (ldap_str2dn(dn, &parsed, LDAP_DN_FORMAT_LDAPV3) != LDAP_SUCCESS || count_rdns(parsed) <= first)
		return NULL;
	return ldap_dn2str(parsed + first, &text, LDAP_DN_FORMAT_LDAPV3) == LDAP_SUCCESS ? text : NULL;
}

bool mc_ldap_same(const char *a, const char *b)
{
	MC_CLEANUP(memory) char *left = rewrite(a, 0), *right = rewrite(b, 0);

	return left && right && strcasecmp(left, right) == 0;
}

bool mc_ldap_is_below(const char *dn, const char *parent)
{
	MC_CLEANUP(memory) char *left = rewrite(dn, 1), *right = rewrite(parent, 0);

	return left && right && strcasecmp(left, right) == 0;
}

int mc_ldap_depth(const char *dn)
{
	MC_CLEANUP(dn) LDAPDN parsed = NULL;

	if (ldap_str2dn(dn, &parsed, LDAP_DN_FORMAT_LDAPV3) != LDAP_SUCCESS)
		return -EINVAL;
	return (int)count_rdns(parsed);
}

int mc_ldap_first_rdn(const char *dn, char **ret_attribute, char **ret_value, struct mc_error *error)
{
	MC_CLEANUP(dn) LDAPDN parsed = NULL;

	if (ldap_str2dn(dn, &parsed, LDAP_DN_FORMAT_LDAPV3) != LDAP_SUCCESS || count_rdns(parsed) == 0)
		return mc_ldap_fail(error, EINVAL, "\"%s\" is not a DN", dn);
	LDAPAVA **avas = parsed[0];
	if (avas[1] || (avas[0]->la_flags & LDAP_AVA_BINARY) || !avas[0]->la_value.bv_len)
		return mc_ldap_fail(error, EINVAL, "the first part of \"%s\" must be one attribute and its value", dn);
	MC_CLEANUP(free_pointer) char *attribute = strndup(avas[0]->la_attr.bv_val, avas[0]->la_attr.bv_len);
	char *value = strndup(avas[0]->la_value.bv_val, avas[0]->la_value.bv_len);
	if (!attribute || !value) {
		free(value);
		return mc_ldap_fail(error, ENOMEM, "out of memory");
	}
	*ret_attribute = mc_steal(&attribute);
	*ret_value = value;
	return 0;
}
