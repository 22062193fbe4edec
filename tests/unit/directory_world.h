/* SPDX-License-Identifier: MIT */
#ifndef TESTS_DIRECTORY_WORLD_H
#define TESTS_DIRECTORY_WORLD_H

#include "mcloud/directory.h"

#include "slapd.h"

#include <ldap.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* What the tests of the directory against a real slapd share. What it did is looked at through a plain libldap
 * connection of the test's own. */

enum { TIMEOUT = 30000, SKIPPED = 77 };

static struct slapd *slapd;
static struct mc_directory *directory;
static struct mc_call *call;
static struct mc_error error;

#define succeeds(expression)                                                                                           \
	do {                                                                                                           \
		int result_ = (expression);                                                                            \
		if (result_ != 0)                                                                                      \
			fail_msg("%s: %d: %s", #expression, result_, error.message);                                   \
	} while (0)

#define fails_with(expression, number)                                                                                 \
	do {                                                                                                           \
		error = (struct mc_error){0};                                                                          \
		assert_int_equal((expression), -(number));                                                             \
		assert_int_equal(error.code, number);                                                                  \
		assert_string_equal(error.service, "ldap");                                                            \
		assert_true(*error.message);                                                                           \
	} while (0)

static inline struct mc_directory *open_as(
	const char *url, const char *suffix, const char *bind_dn, const char *password)
{
	struct mc_directory *opened = mc_directory_new(&(const struct mc_directory_options){
		.url = url, .suffix = suffix, .bind_dn = bind_dn, .password = password});

	assert_non_null(opened);
	return opened;
}

static inline int set_up(void **state)
{
	(void)state;
	call = mc_call_new(TIMEOUT);
	directory = open_as(slapd_url(slapd), SLAPD_SUFFIX, "cn=admin," SLAPD_SUFFIX, SLAPD_PASSWORD);
	return mc_directory_prepare(directory, call, "for keystone", &error);
}

static inline int log_in(const char *dn, const char *password, LDAP **ret_ld)
{
	struct berval secret = {.bv_len = strlen(password), .bv_val = (char *)(uintptr_t)password};
	int version = LDAP_VERSION3;

	assert_int_equal(ldap_initialize(ret_ld, slapd_url(slapd)), LDAP_SUCCESS);
	ldap_set_option(*ret_ld, LDAP_OPT_PROTOCOL_VERSION, &version);
	return ldap_sasl_bind_s(*ret_ld, dn, LDAP_SASL_SIMPLE, &secret, NULL, NULL, NULL);
}

static inline bool can_log_in(const char *dn, const char *password)
{
	LDAP *ld;

	int code = log_in(dn, password, &ld);
	ldap_unbind_ext(ld, NULL, NULL);
	if (code != LDAP_SUCCESS)
		assert_int_equal(code, LDAP_INVALID_CREDENTIALS);
	return code == LDAP_SUCCESS;
}

static inline LDAP *look_up(const char *base, int scope, const char *filter, LDAPMessage **ret_found)
{
	LDAP *ld;

	assert_int_equal(log_in("cn=admin," SLAPD_SUFFIX, SLAPD_PASSWORD, &ld), LDAP_SUCCESS);
	int code = ldap_search_ext_s(ld, base, scope, filter, NULL, 0, NULL, NULL, NULL, 0, ret_found);
	if (code != LDAP_NO_SUCH_OBJECT)
		assert_int_equal(code, LDAP_SUCCESS);
	return ld;
}

/* Leaves nothing below ou=Users and ou=Groups. */
static inline int tear_down(void **state)
{
	static const char *const bases[] = {"ou=Users," SLAPD_SUFFIX, "ou=Groups," SLAPD_SUFFIX};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		LDAPMessage *found;
		LDAP *ld = look_up(bases[i], LDAP_SCOPE_ONELEVEL, "(objectClass=*)", &found);
		for (LDAPMessage *entry = ldap_first_entry(ld, found); entry; entry = ldap_next_entry(ld, entry)) {
			char *dn = ldap_get_dn(ld, entry);
			assert_int_equal(ldap_delete_ext_s(ld, dn, NULL, NULL), LDAP_SUCCESS);
			ldap_memfree(dn);
		}
		ldap_msgfree(found);
		ldap_unbind_ext(ld, NULL, NULL);
	}
	mc_directory_free(directory);
	mc_call_unref(call);
	return 0;
}

/* How many entries there are. */
static inline int count(const char *base, int scope, const char *filter)
{
	LDAPMessage *found;
	LDAP *ld = look_up(base, scope, filter, &found);
	int n = ldap_count_entries(ld, found);

	ldap_msgfree(found);
	ldap_unbind_ext(ld, NULL, NULL);
	return n;
}

static inline int users(void)
{
	return count("ou=Users," SLAPD_SUFFIX, LDAP_SCOPE_ONELEVEL, "(objectClass=inetOrgPerson)");
}

/* Whether the one entry that is found has just these values, in any order; NULL ends them. */
static inline bool has(
	const char *base, int scope, const char *filter, const char *attribute, const char *const *values)
{
	LDAPMessage *found;
	LDAP *ld = look_up(base, scope, filter, &found);
	bool good = ldap_count_entries(ld, found) == 1;
	struct berval **there = good ? ldap_get_values_len(ld, ldap_first_entry(ld, found), attribute) : NULL;
	int n = 0;

	for (; good && values[n]; n++) {
		bool equal = false;
		for (int i = 0; there && there[i]; i++)
			equal = equal || strcmp(there[i]->bv_val, values[n]) == 0;
		good = equal;
	}
	good = good && ldap_count_values_len(there) == n;
	ldap_value_free_len(there);
	ldap_msgfree(found);
	ldap_unbind_ext(ld, NULL, NULL);
	return good;
}

#define VALUES(...) ((const char *const[]){__VA_ARGS__, NULL})
#define NO_VALUES ((const char *const[]){NULL})
#define USER(name) "uid=" name ",ou=Users," SLAPD_SUFFIX
#define GROUP(name) "cn=" name ",ou=Groups," SLAPD_SUFFIX
#define has_members(group, values) has(GROUP(group), LDAP_SCOPE_BASE, "(objectClass=groupOfNames)", "member", values)

static inline int import(const char *ldif)
{
	return mc_directory_import(directory, call, ldif, strlen(ldif), &error);
}

#define with_directory(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

/* What main() has to do, and to return. */
#define run_with_slapd(name, tests)                                                                                    \
	({                                                                                                             \
		signal(SIGPIPE, SIG_IGN);                                                                              \
		slapd = slapd_start();                                                                                 \
		if (!slapd)                                                                                            \
			fprintf(stderr, "there is no slapd: install the package of that name\n");                      \
		int failed_ = slapd ? cmocka_run_group_tests_name(name, tests, NULL, NULL) : SKIPPED;                  \
		slapd_stop(slapd);                                                                                     \
		failed_;                                                                                               \
	})

#endif
