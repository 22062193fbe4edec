/* SPDX-License-Identifier: MIT */
#include "mcloud/directory.h"

#include "slapd.h"

#include <ldap.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The directory against a real slapd. What it did is looked at through a plain libldap connection of the test's own. */

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

static struct mc_directory *open_as(const char *url, const char *suffix, const char *bind_dn, const char *password)
{
	struct mc_directory *opened = mc_directory_new(&(const struct mc_directory_options){
		.url = url, .suffix = suffix, .bind_dn = bind_dn, .password = password});

	assert_non_null(opened);
	return opened;
}

static int set_up(void **state)
{
	(void)state;
	call = mc_call_new(TIMEOUT);
	directory = open_as(slapd_url(slapd), SLAPD_SUFFIX, "cn=admin," SLAPD_SUFFIX, SLAPD_PASSWORD);
	return mc_directory_prepare(directory, call, "for keystone", &error);
}

/* Leaves nothing below ou=Users and ou=Groups. */
static LDAP *look_up(const char *base, int scope, const char *filter, LDAPMessage **ret_found);
static int tear_down(void **state)
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

static int log_in(const char *dn, const char *password, LDAP **ret_ld)
{
	struct berval secret = {.bv_len = strlen(password), .bv_val = (char *)(uintptr_t)password};
	int version = LDAP_VERSION3;

	assert_int_equal(ldap_initialize(ret_ld, slapd_url(slapd)), LDAP_SUCCESS);
	ldap_set_option(*ret_ld, LDAP_OPT_PROTOCOL_VERSION, &version);
	return ldap_sasl_bind_s(*ret_ld, dn, LDAP_SASL_SIMPLE, &secret, NULL, NULL, NULL);
}

static bool can_log_in(const char *dn, const char *password)
{
	LDAP *ld;

	int code = log_in(dn, password, &ld);
	ldap_unbind_ext(ld, NULL, NULL);
	if (code != LDAP_SUCCESS)
		assert_int_equal(code, LDAP_INVALID_CREDENTIALS);
	return code == LDAP_SUCCESS;
}

static LDAP *look_up(const char *base, int scope, const char *filter, LDAPMessage **ret_found)
{
	LDAP *ld;

	assert_int_equal(log_in("cn=admin," SLAPD_SUFFIX, SLAPD_PASSWORD, &ld), LDAP_SUCCESS);
	int code = ldap_search_ext_s(ld, base, scope, filter, NULL, 0, NULL, NULL, NULL, 0, ret_found);
	if (code != LDAP_NO_SUCH_OBJECT)
		assert_int_equal(code, LDAP_SUCCESS);
	return ld;
}

/* How many entries there are. */
static int count(const char *base, int scope, const char *filter)
{
	LDAPMessage *found;
	LDAP *ld = look_up(base, scope, filter, &found);
	int n = ldap_count_entries(ld, found);

	ldap_msgfree(found);
	ldap_unbind_ext(ld, NULL, NULL);
	return n;
}

static int users(void)
{
	return count("ou=Users," SLAPD_SUFFIX, LDAP_SCOPE_ONELEVEL, "(objectClass=inetOrgPerson)");
}

/* Whether the one entry that is found has just these values, in any order; NULL ends them. */
static bool has(const char *base, int scope, const char *filter, const char *attribute, const char *const *values)
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

static int import(const char *ldif)
{
	return mc_directory_import(directory, call, ldif, strlen(ldif), &error);
}

static void it_answers(void **state)
{
	(void)state;
	succeeds(mc_directory_ping(directory, call, &error));
	assert_string_equal(mc_directory_url(directory), slapd_url(slapd));
}

static void wrong_credentials_are_told(void **state)
{
	(void)state;
	struct mc_directory *other = open_as(slapd_url(slapd), SLAPD_SUFFIX, "cn=admin," SLAPD_SUFFIX, "no secret");
	fails_with(mc_directory_ping(other, call, &error), EACCES);
	assert_null(strstr(error.message, "no secret"));
	mc_directory_free(other);
}

static void nobody_there_is_told(void **state)
{
	static const char *const urls[] = {"ldap://127.0.0.1:1", "ldapi://%2fnonexistent%2fldapi"};

	(void)state;
	for (size_t i = 0; i < MC_COUNT(urls); i++) {
		struct mc_directory *other = open_as(urls[i], SLAPD_SUFFIX, "cn=admin", "x");
		fails_with(mc_directory_ping(other, call, &error), ECONNREFUSED);
		mc_directory_free(other);
	}
}

static void bad_options_are_refused(void **state)
{
	static const char *const urls[] = {"", "http://127.0.0.1", "ldaps://127.0.0.1", "ldap://127.0.0.1:x"};

	(void)state;
	for (size_t i = 0; i < MC_COUNT(urls); i++) {
		struct mc_directory *other = open_as(urls[i], SLAPD_SUFFIX, "cn=admin", "x");
		fails_with(mc_directory_ping(other, call, &error), EINVAL);
		mc_directory_free(other);
	}
	assert_null(mc_directory_new(&(const struct mc_directory_options){
		.url = "ldap://", .suffix = "acme", .bind_dn = "", .password = ""}));
}

static void prepare_can_be_repeated(void **state)
{
	(void)state;
	/* The first one was in set_up(). */
	assert_true(can_log_in("cn=keystone," SLAPD_SUFFIX, "for keystone"));
	succeeds(mc_directory_prepare(directory, call, "another", &error));
	assert_true(can_log_in("cn=keystone," SLAPD_SUFFIX, "another"));
	assert_false(can_log_in("cn=keystone," SLAPD_SUFFIX, "for keystone"));
	assert_true(has(SLAPD_SUFFIX, LDAP_SCOPE_BASE, "(objectClass=dcObject)", "dc", VALUES("acme")));
	assert_int_equal(count("ou=Users," SLAPD_SUFFIX, LDAP_SCOPE_BASE, "(ou=Users)"), 1);
	assert_int_equal(count("ou=Groups," SLAPD_SUFFIX, LDAP_SCOPE_BASE, "(ou=Groups)"), 1);
	fails_with(mc_directory_prepare(directory, call, "", &error), EINVAL);
}

static void other_suffixes_are_prepared(void **state)
{
	(void)state;
	struct mc_directory *other =
		open_as(slapd_url(slapd), SLAPD_OTHER_SUFFIX, "cn=admin," SLAPD_OTHER_SUFFIX, SLAPD_PASSWORD);
	succeeds(mc_directory_prepare(other, call, "for keystone", &error));
	succeeds(mc_directory_prepare(other, call, "for keystone", &error));
	succeeds(mc_directory_user_create(other, call, "john", &error));
	mc_directory_free(other);
	assert_true(can_log_in("cn=keystone," SLAPD_OTHER_SUFFIX, "for keystone"));

	other = open_as(slapd_url(slapd), "cn=x," SLAPD_SUFFIX, "cn=admin," SLAPD_SUFFIX, SLAPD_PASSWORD);
	fails_with(mc_directory_prepare(other, call, "for keystone", &error), EINVAL);
	mc_directory_free(other);
}

static void who_may_not_is_refused(void **state)
{
	(void)state;
	struct mc_directory *other =
		open_as(slapd_url(slapd), SLAPD_SUFFIX, "cn=keystone," SLAPD_SUFFIX, "for keystone");
	fails_with(mc_directory_user_create(other, call, "mallory", &error), EACCES);
	mc_directory_free(other);
	assert_int_equal(users(), 0);
}

static const char *const nasty[] = {
	"john",
	"*",
	"*)(uid=*",
	")(|(uid=*",
	"x,dc=evil",
	"x+cn=y",
	"back\\slash",
	"\\2a",
	"\"quoted\"",
	"two\r\nlines",
	" blank in front",
	"blank behind ",
	"#number",
	"semi;<angle>",
	"a=b",
	"Zo\xc3\xab \xe2\x98\x83",
	"a  b",
	"\t",
	"%2F",
};

static void nasty_names_are_just_names(void **state)
{
	(void)state;
	succeeds(mc_directory_user_create(directory, call, "bystander", &error));
	succeeds(mc_directory_group_create(directory, call, "bystanders", &error));
	for (size_t i = 0; i < MC_COUNT(nasty); i++) {
		const char *name = nasty[i];
		succeeds(mc_directory_user_create(directory, call, name, &error));
		assert_int_equal(users(), 2);
		assert_true(
			has("ou=Users," SLAPD_SUFFIX, LDAP_SCOPE_ONELEVEL, "(!(uid=bystander))", "uid", VALUES(name)));
		fails_with(mc_directory_user_create(directory, call, name, &error), EEXIST);
		succeeds(mc_directory_user_set(directory, call, name, "description", name, &error));
		assert_true(has("ou=Users," SLAPD_SUFFIX, LDAP_SCOPE_ONELEVEL, "(!(uid=bystander))", "description",
			VALUES(name)));
		succeeds(mc_directory_group_create(directory, call, name, &error));
		succeeds(mc_directory_member_add(directory, call, name, name, &error));
		succeeds(mc_directory_member_add(directory, call, "bystanders", name, &error));
		fails_with(mc_directory_member_add(directory, call, name, name, &error), EEXIST);
		succeeds(mc_directory_group_rename(directory, call, name, "plain", &error));
		succeeds(mc_directory_group_rename(directory, call, "plain", name, &error));
		succeeds(mc_directory_user_rename(directory, call, name, "plain", &error));
		assert_true(has_members("bystanders", VALUES(USER("plain"))));
		succeeds(mc_directory_user_rename(directory, call, "plain", name, &error));
		succeeds(mc_directory_member_remove(directory, call, name, name, &error));
		succeeds(mc_directory_user_delete(directory, call, name, &error));
		assert_true(has_members("bystanders", VALUES(GROUP("bystanders"))));
		succeeds(mc_directory_group_delete(directory, call, name, &error));
		fails_with(mc_directory_user_delete(directory, call, name, &error), ENOENT);
		assert_int_equal(users(), 1);
		assert_int_equal(count("ou=Groups," SLAPD_SUFFIX, LDAP_SCOPE_ONELEVEL, "(cn=*)"), 1);
	}
	fails_with(mc_directory_user_create(directory, call, "", &error), EINVAL);
	fails_with(mc_directory_user_create(directory, call, "\xff\xfe", &error), EINVAL);
	fails_with(mc_directory_group_create(directory, call, "", &error), EINVAL);
}

/* The longest names that the server has room for, and one byte more, which it would refuse without a reason. */
static void long_names_are_told(void **state)
{
	static const struct {
		const char *piece;
		size_t room;
	} table[] = {{"x", 241}, {",", 80}, {"\xc3\xab", 60}};

	(void)state;
	for (size_t i = 0; i < MC_COUNT(table); i++) {
		struct mc_buffer name = {0};
		for (size_t n = 0; n < table[i].room; n++)
			mc_buffer_text(&name, table[i].piece);
		succeeds(mc_directory_user_create(directory, call, name.data, &error));
		succeeds(mc_directory_user_set(directory, call, name.data, "mail", "a@b", &error));
		succeeds(mc_directory_user_delete(directory, call, name.data, &error));
		mc_buffer_text(&name, table[i].piece);
		fails_with(mc_directory_user_create(directory, call, name.data, &error), EINVAL);
		assert_non_null(strstr(error.message, "too long"));
		succeeds(mc_directory_user_create(directory, call, "short", &error));
		fails_with(mc_directory_user_rename(directory, call, "short", name.data, &error), EINVAL);
		succeeds(mc_directory_user_delete(directory, call, "short", &error));
		mc_buffer_free(&name);
	}
}

static void a_user_has_what_is_set(void **state)
{
	const char *dn = USER("john");

	(void)state;
	succeeds(mc_directory_user_create(directory, call, "john", &error));
	assert_true(has(dn, LDAP_SCOPE_BASE, "(objectClass=inetOrgPerson)", "sn", VALUES("john")));
	succeeds(mc_directory_user_set(directory, call, "john", "mail", "john@acme.org", &error));
	succeeds(mc_directory_user_set(directory, call, "john", "mail", "j@acme.org", &error));
	assert_true(has(dn, LDAP_SCOPE_BASE, "(uid=*)", "mail", VALUES("j@acme.org")));
	succeeds(mc_directory_user_set(directory, call, "john", "mail", "", &error));
	succeeds(mc_directory_user_set(directory, call, "john", "mail", "", &error));
	assert_true(has(dn, LDAP_SCOPE_BASE, "(uid=*)", "mail", NO_VALUES));
	fails_with(mc_directory_user_set(directory, call, "john", "mail", "\xc3\xab@acme.org", &error), EINVAL);
	fails_with(mc_directory_user_set(directory, call, "john", "userPassword", "x", &error), EINVAL);
	fails_with(mc_directory_user_set(directory, call, "mary", "mail", "x", &error), ENOENT);
	succeeds(mc_directory_user_rename(directory, call, "john", "John D.", &error));
	assert_true(has(USER("John D."), LDAP_SCOPE_BASE, "(uid=*)", "uid", VALUES("John D.")));
	assert_true(has(USER("John D."), LDAP_SCOPE_BASE, "(uid=*)", "cn", VALUES("John D.")));
	assert_true(has(USER("John D."), LDAP_SCOPE_BASE, "(uid=*)", "sn", VALUES("John D.")));
	succeeds(mc_directory_user_create(directory, call, "mary", &error));
	fails_with(mc_directory_user_rename(directory, call, "John D.", "mary", &error), EEXIST);
	fails_with(mc_directory_user_rename(directory, call, "nobody", "somebody", &error), ENOENT);
	succeeds(mc_directory_user_rename(directory, call, "mary", "MARY", &error));
	assert_true(has(USER("mary"), LDAP_SCOPE_BASE, "(uid=*)", "uid", VALUES("MARY")));
}

static void a_renamed_user_keeps_its_own_name(void **state)
{
	(void)state;
	succeeds(import("dn: " USER("john") "\nobjectClass: inetOrgPerson\nuid: john\nsn: Smith\ncn: John Smith\n"));
	succeeds(mc_directory_user_rename(directory, call, "john", "jsmith", &error));
	assert_true(has(USER("jsmith"), LDAP_SCOPE_BASE, "(uid=*)", "cn", VALUES("John Smith")));
	assert_true(has(USER("jsmith"), LDAP_SCOPE_BASE, "(uid=*)", "sn", VALUES("Smith")));
}

static void passwords_work(void **state)
{
	(void)state;
	succeeds(mc_directory_user_create(directory, call, "john", &error));
	succeeds(mc_directory_user_password(directory, call, "john", "p w\xc3\xab", &error));
	assert_true(can_log_in(USER("john"), "p w\xc3\xab"));
	succeeds(mc_directory_user_password(directory, call, "john", "other", &error));
	assert_false(can_log_in(USER("john"), "p w\xc3\xab"));
	assert_true(can_log_in(USER("john"), "other"));
	fails_with(mc_directory_user_password(directory, call, "john", "", &error), EINVAL);
	assert_true(can_log_in(USER("john"), "other"));
	fails_with(mc_directory_user_password(directory, call, "mary", "x", &error), ENOENT);
}

static void an_empty_group_is_its_own_member(void **state)
{
	(void)state;
	succeeds(mc_directory_user_create(directory, call, "john", &error));
	succeeds(mc_directory_user_create(directory, call, "mary", &error));
	succeeds(mc_directory_group_create(directory, call, "demo", &error));
	assert_true(has_members("demo", VALUES(GROUP("demo"))));
	succeeds(mc_directory_member_add(directory, call, "demo", "john", &error));
	assert_true(has_members("demo", VALUES(USER("john"))));
	succeeds(mc_directory_member_add(directory, call, "demo", "mary", &error));
	fails_with(mc_directory_member_add(directory, call, "demo", "mary", &error), EEXIST);
	assert_true(has_members("demo", VALUES(USER("john"), USER("mary"))));
	succeeds(mc_directory_member_remove(directory, call, "demo", "john", &error));
	fails_with(mc_directory_member_remove(directory, call, "demo", "john", &error), ENOENT);
	succeeds(mc_directory_member_remove(directory, call, "demo", "mary", &error));
	assert_true(has_members("demo", VALUES(GROUP("demo"))));
	fails_with(mc_directory_member_add(directory, call, "demo", "nobody", &error), ENOENT);
	fails_with(mc_directory_member_add(directory, call, "nothing", "john", &error), ENOENT);
	succeeds(mc_directory_group_rename(directory, call, "demo", "other", &error));
	assert_true(has_members("other", VALUES(GROUP("other"))));
	succeeds(mc_directory_group_set(directory, call, "other", "description", "a group", &error));
	fails_with(mc_directory_group_set(directory, call, "other", "mail", "a@b", &error), EINVAL);
}

static void memberships_follow_their_user(void **state)
{
	(void)state;
	succeeds(mc_directory_user_create(directory, call, "john", &error));
	succeeds(mc_directory_user_create(directory, call, "mary", &error));
	succeeds(mc_directory_group_create(directory, call, "one", &error));
	succeeds(mc_directory_group_create(directory, call, "two", &error));
	succeeds(mc_directory_member_add(directory, call, "one", "john", &error));
	succeeds(mc_directory_member_add(directory, call, "two", "john", &error));
	succeeds(mc_directory_member_add(directory, call, "two", "mary", &error));
	succeeds(mc_directory_user_rename(directory, call, "john", "jack", &error));
	assert_true(has_members("one", VALUES(USER("jack"))));
	assert_true(has_members("two", VALUES(USER("jack"), USER("mary"))));
	succeeds(mc_directory_user_delete(directory, call, "jack", &error));
	assert_true(has_members("one", VALUES(GROUP("one"))));
	assert_true(has_members("two", VALUES(USER("mary"))));
	/* A group in a group. */
	succeeds(import("dn: " GROUP("two") "\nchangetype: modify\nadd: member\nmember: " GROUP("one") "\n-\n"));
	succeeds(mc_directory_group_rename(directory, call, "one", "eins", &error));
	assert_true(has_members("two", VALUES(USER("mary"), GROUP("eins"))));
	succeeds(mc_directory_group_delete(directory, call, "eins", &error));
	assert_true(has_members("two", VALUES(USER("mary"))));
}

static const char people[] =
	"dn: ou=Users," SLAPD_SUFFIX "\nobjectClass: organizationalUnit\nou: Users\n\n"
	"dn: ou=Groups," SLAPD_SUFFIX "\nobjectClass: organizationalUnit\nou: Groups\n\n"
	"dn: " GROUP("demo") "\nobjectClass: groupOfNames\ncn: demo\nmember: " USER("john") "\nmember: " USER(
		"mary") "\n\n"
			"dn: " USER(
				"john") "\nobjectClass: inetOrgPerson\nobjectClass: posixAccount\nobjectClass: "
					"shadowAccount\n"
					"uid: john\nsn: Smith\ncn: John Smith\nmail: John.Smith@acme.org\nuidNumber: "
					"10000\ngidNumber: 5000\n"
					"userPassword: john\nhomeDirectory: /home/john\njpegPhoto:: /9j/4AAQSkY=\n\n"
					"dn: " USER("mary") "\nobjectClass: inetOrgPerson\nuid: mary\nsn: Smith\ncn: "
							    "Mary Smith\nuserPassword: mary\n";

static void people_are_imported(void **state)
{
	(void)state;
	succeeds(import(people));
	assert_int_equal(users(), 2);
	assert_true(can_log_in(USER("john"), "john"));
	assert_true(has_members("demo", VALUES(USER("john"), USER("mary"))));
	/* Again, also after a password was changed, which stays. */
	succeeds(mc_directory_user_password(directory, call, "john", "new", &error));
	succeeds(import(people));
	assert_true(can_log_in(USER("john"), "new"));
	/* What is there has another value, in one of the ways of comparing. */
	succeeds(mc_directory_user_set(directory, call, "mary", "mail", "m@acme.org", &error));
	succeeds(import(people));
	fails_with(import("dn: " USER("mary") "\nobjectClass: inetOrgPerson\nuid: mary\nsn: smith\ncn: mary "
					      "smith\nmail: x@acme.org\n"),
		EEXIST);
	assert_non_null(strstr(error.message, "mail"));
	fails_with(import("dn: " USER("john") "\nobjectClass: inetOrgPerson\nsn: smith\ncn: john smith\n"
					      "jpegPhoto:: /9j/4AAQSkE=\n"),
		EEXIST);
	assert_non_null(strstr(error.message, "jpegPhoto"));
	/* It lacks what its class asks for, and there is none such. */
	fails_with(import("dn: " USER("john") "\nobjectClass: inetOrgPerson\ndescription: x\n"), EINVAL);
}

static void a_bad_record_ends_an_import(void **state)
{
	static const struct {
		const char *record, *says;
		int number;
	} table[] = {
		{"dn: " USER("x") "\nuid\n", "a line without a colon", EINVAL},
		{"dn: nonsense\nuid: x\n", "DN", EINVAL},
		{"dn: " USER("x") "\nobjectClass: inetOrgPerson\nuid: x\n", "requires", EINVAL},
		{"dn: " USER("x") "\nobjectClass: nothing\n", "objectClass", EINVAL},
		{"dn: " USER("x") "\nobjectClass: inetOrgPerson\nsn: x\ncn: x\nfrobs: 1\n", "frobs", EINVAL},
		{"dn: uid=x,ou=None," SLAPD_SUFFIX "\nobjectClass: inetOrgPerson\nsn: x\ncn: x\n", "No such object",
			ENOENT},
		{"dn: dc=example,dc=com\nobjectClass: dcObject\ndc: example\n", "dc=example", EPERM},
		{"dn: " USER("x") "\nchangetype: delete\n", "delete", ENOENT},
		{"dn: ou=Users," SLAPD_SUFFIX "\nchangetype: delete\n", "subordinate", ENOTEMPTY},
		{"dn: " USER("x") "\njpegPhoto:< file:///etc/passwd\n", "URL", EINVAL},
	};

	(void)state;
	for (size_t i = 0; i < MC_COUNT(table); i++) {
		struct mc_buffer text = {0};
		mc_buffer_printf(&text,
			"dn: " USER("before%zu") "\nobjectClass: inetOrgPerson\nsn: x\ncn: x\n\n"
						 "%s\n"
						 "dn: " USER("behind") "\nobjectClass: inetOrgPerson\nsn: x\ncn: x\n",
			i, table[i].record);
		fails_with(import(text.data), table[i].number);
		if (!strstr(error.message, "record at line 6 (dn: ") || !strstr(error.message, table[i].says))
			fail_msg("%s", error.message);
		assert_int_equal(users(), (int)i + 1);
		mc_buffer_free(&text);
	}
	assert_int_equal(count(USER("behind"), LDAP_SCOPE_BASE, "(uid=*)"), 0);
	fails_with(mc_directory_import(directory, call, "", (size_t)MC_DIRECTORY_IMPORT_LIMIT + 1, &error), EFBIG);
	succeeds(mc_directory_import(directory, call, "", 0, &error));
}

static void changes_are_imported(void **state)
{
	(void)state;
	succeeds(import(people));
	succeeds(import(
		"version: 1\n\n"
		"dn: " USER("john") "\nchangetype: modify\nreplace: mail\nmail: j@acme.org\n-\n"
				    "delete: userPassword\n-\n\n"
				    "dn: " USER("mary") "\nchangetype: modrdn\nnewrdn: uid=mia\ndeleteoldrdn: 1\n\n"
							"dn: " GROUP("demo") "\nchangetype: delete\n"));
	assert_true(has(USER("john"), LDAP_SCOPE_BASE, "(uid=*)", "mail", VALUES("j@acme.org")));
	assert_false(can_log_in(USER("john"), "john"));
	assert_int_equal(count(USER("mia"), LDAP_SCOPE_BASE, "(uid=mia)"), 1);
	assert_int_equal(count(GROUP("demo"), LDAP_SCOPE_BASE, "(cn=*)"), 0);
}

static void an_export_can_be_imported(void **state)
{
	struct mc_buffer out = {0}, again = {0};

	(void)state;
	succeeds(import(people));
	succeeds(mc_directory_user_create(directory, call, "Zo\xc3\xab", &error));
	succeeds(mc_directory_export(directory, call, &out, &error));
	static const char *const there[] = {"version: 1\n\ndn: " SLAPD_SUFFIX "\n", "dn: " USER("john") "\n",
		"mail: John.Smith@acme.org\n", "jpegPhoto:: /9j/4AAQSkY=\n", "dn: cn=keystone," SLAPD_SUFFIX "\n",
		"uid:: Wm/Dqw==\n"};
	for (size_t i = 0; i < MC_COUNT(there); i++)
		if (!strstr(out.data, there[i]))
			fail_msg("no %s in %s", there[i], out.data);
	assert_null(strcasestr(out.data, "userPassword"));
	assert_null(strstr(out.data, "{SSHA}"));
	succeeds(mc_directory_import(directory, call, out.data, out.size, &error));
	succeeds(mc_directory_user_delete(directory, call, "john", &error));
	succeeds(mc_directory_user_delete(directory, call, "mary", &error));
	succeeds(mc_directory_user_delete(directory, call, "Zo\xc3\xab", &error));
	succeeds(mc_directory_group_delete(directory, call, "demo", &error));
	succeeds(mc_directory_import(directory, call, out.data, out.size, &error));
	succeeds(mc_directory_export(directory, call, &again, &error));
	assert_int_equal(out.size, again.size);
	mc_buffer_free(&out);
	mc_buffer_free(&again);
}

static void parents_are_exported_first(void **state)
{
	struct mc_buffer out = {0};

	(void)state;
	/* Moved below an entry that is younger than it. */
	succeeds(import("dn: ou=old,ou=Users," SLAPD_SUFFIX "\nobjectClass: organizationalUnit\n\n"
			"dn: ou=new,ou=Users," SLAPD_SUFFIX "\nobjectClass: organizationalUnit\n\n"
			"dn: ou=old,ou=Users," SLAPD_SUFFIX "\nchangetype: moddn\nnewrdn: ou=old\ndeleteoldrdn: 0\n"
			"newsuperior: ou=new,ou=Users," SLAPD_SUFFIX "\n"));
	succeeds(mc_directory_export(directory, call, &out, &error));
	const char *new = strstr(out.data, "dn: ou=new,"), *old = strstr(out.data, "dn: ou=old,");
	assert_non_null(new);
	assert_non_null(old);
	assert_true(new < old);
	mc_buffer_free(&out);
	succeeds(import("dn: ou=old,ou=new,ou=Users," SLAPD_SUFFIX "\nchangetype: delete\n"));
}

static void large_directories_come_whole(void **state)
{
	enum { MANY = 1200 };
	struct mc_buffer text = {0}, out = {0};
	size_t n = 0;

	(void)state;
	for (int i = 0; i < MANY; i++)
		mc_buffer_printf(&text, "dn: " USER("u%d") "\nobjectClass: inetOrgPerson\nsn: x\ncn: x\n\n", i);
	succeeds(import(text.data));
	assert_true(can_log_in("cn=keystone," SLAPD_SUFFIX, "for keystone"));
	succeeds(mc_directory_export(directory, call, &out, &error));
	for (const char *at = out.data; (at = strstr(at, "\ndn: uid=u")); at++)
		n++;
	assert_int_equal(n, MANY);
	mc_buffer_free(&text);
	mc_buffer_free(&out);
}

static void large_values_pass(void **state)
{
	struct mc_buffer text = {0}, out = {0};

	(void)state;
	mc_buffer_text(&text, "dn: " USER("large") "\nobjectClass: inetOrgPerson\nsn: x\ncn: x\njpegPhoto:: ");
	for (int i = 0; i < 950000; i++)
		mc_buffer_text(&text, "/9j/");
	mc_buffer_text(&text, "\n");
	succeeds(import(text.data));
	succeeds(mc_directory_export(directory, call, &out, &error));
	assert_true(out.size > 3800000);
	mc_buffer_free(&text);
	mc_buffer_free(&out);
}

static void *cancel(void *data)
{
	mc_call_cancel(data);
	return NULL;
}

static void a_hanging_server_is_left(void **state)
{
	(void)state;
	succeeds(mc_directory_ping(directory, call, &error));
	kill(slapd_pid(slapd), SIGSTOP);

	/* On a connection that is there, and on a new one: the kernel accepts for the stopped server. */
	struct mc_directory *other = open_as(slapd_url(slapd), SLAPD_SUFFIX, "cn=admin," SLAPD_SUFFIX, SLAPD_PASSWORD);
	struct mc_directory *const both[] = {directory, other};
	for (size_t i = 0; i < 2; i++) {
		struct mc_call *shortly = mc_call_new(30);
		fails_with(mc_directory_user_create(both[i], shortly, "late", &error), ETIMEDOUT);
		mc_call_unref(shortly);

		struct mc_call *cancelled = mc_call_new(-1);
		pthread_t thread;
		pthread_create(&thread, NULL, cancel, cancelled);
		fails_with(mc_directory_ping(both[i], cancelled, &error), EINTR);
		pthread_join(thread, NULL);
		mc_call_unref(cancelled);
	}
	kill(slapd_pid(slapd), SIGCONT);
	for (size_t i = 0; i < 2; i++)
		succeeds(mc_directory_ping(both[i], call, &error));
	mc_directory_free(other);
}

static void a_restarted_server_is_found_again(void **state)
{
	(void)state;
	succeeds(mc_directory_user_create(directory, call, "john", &error));
	slapd_kill(slapd);
	fails_with(mc_directory_user_create(directory, call, "mary", &error), ECONNREFUSED);
	slapd_again(slapd);
	succeeds(mc_directory_user_create(directory, call, "mary", &error));
	/* While a connection is kept. */
	slapd_kill(slapd);
	slapd_again(slapd);
	succeeds(mc_directory_user_create(directory, call, "paul", &error));
	assert_int_equal(users(), 3);
}

enum { THREADS = 8, ROUNDS = 20 };

static void *work(void *data)
{
	const unsigned number = *(const unsigned *)data;
	struct mc_error own = {0};
	char name[32], group[32];
	uintptr_t failures = 0;

	snprintf(name, sizeof name, "user%u", number);
	snprintf(group, sizeof group, "group%u", number % 2);
	for (int i = 0; i < ROUNDS; i++) {
		failures += mc_directory_user_create(directory, call, name, &own) != 0;
		failures += mc_directory_member_add(directory, call, group, name, &own) != 0;
		failures += mc_directory_user_set(directory, call, name, "description", group, &own) != 0;
		failures += mc_directory_user_delete(directory, call, name, &own) != 0;
	}
	return (void *)failures;
}

static void threads_share_it(void **state)
{
	pthread_t threads[THREADS];
	unsigned numbers[THREADS];

	(void)state;
	succeeds(mc_directory_group_create(directory, call, "group0", &error));
	succeeds(mc_directory_group_create(directory, call, "group1", &error));
	for (unsigned i = 0; i < THREADS; i++) {
		numbers[i] = i;
		pthread_create(&threads[i], NULL, work, &numbers[i]);
	}
	for (unsigned i = 0; i < THREADS; i++) {
		void *failures;
		pthread_join(threads[i], &failures);
		assert_null(failures);
	}
	assert_int_equal(users(), 0);
	assert_true(has_members("group0", VALUES(GROUP("group0"))));
	assert_true(has_members("group1", VALUES(GROUP("group1"))));
}

static void calls_are_in_the_journal(void **state)
{
	struct mc_journal *journal = mc_journal_new();
	struct mc_buffer out = {0};

	(void)state;
	struct mc_directory *other = mc_directory_new(&(const struct mc_directory_options){
		.url = slapd_url(slapd),
		.suffix = SLAPD_SUFFIX,
		.bind_dn = "cn=admin," SLAPD_SUFFIX,
		.password = SLAPD_PASSWORD,
		.journal = journal,
	});
	succeeds(mc_directory_user_create(other, call, "john", &error));
	succeeds(mc_directory_user_password(other, call, "john", "very secret", &error));
	fails_with(mc_directory_user_create(other, call, "john", &error), EEXIST);
	mc_journal_show(journal, &out);
	assert_non_null(strstr(out.data, " ldap ADD " USER("john") " 0 "));
	assert_non_null(strstr(out.data, " ldap PASSWORD " USER("john") " 0 "));
	assert_non_null(strstr(out.data, " ldap ADD " USER("john") " EEXIST "));
	assert_null(strstr(out.data, "secret"));
	mc_buffer_free(&out);
	mc_directory_free(other);
	mc_journal_free(journal);
}

#define with_directory(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_directory(it_answers),
		with_directory(wrong_credentials_are_told),
		with_directory(nobody_there_is_told),
		with_directory(bad_options_are_refused),
		with_directory(prepare_can_be_repeated),
		with_directory(other_suffixes_are_prepared),
		with_directory(who_may_not_is_refused),
		with_directory(nasty_names_are_just_names),
		with_directory(long_names_are_told),
		with_directory(a_user_has_what_is_set),
		with_directory(a_renamed_user_keeps_its_own_name),
		with_directory(passwords_work),
		with_directory(an_empty_group_is_its_own_member),
		with_directory(memberships_follow_their_user),
		with_directory(people_are_imported),
		with_directory(a_bad_record_ends_an_import),
		with_directory(changes_are_imported),
		with_directory(an_export_can_be_imported),
		with_directory(parents_are_exported_first),
		with_directory(large_directories_come_whole),
		with_directory(large_values_pass),
		with_directory(a_hanging_server_is_left),
		with_directory(a_restarted_server_is_found_again),
		with_directory(threads_share_it),
		with_directory(calls_are_in_the_journal),
	};

	signal(SIGPIPE, SIG_IGN);
	slapd = slapd_start();
	if (!slapd) {
		fprintf(stderr, "there is no slapd: install the package of that name\n");
		return SKIPPED;
	}
	int failed = cmocka_run_group_tests_name("directory", tests, NULL, NULL);
	slapd_stop(slapd);
	return failed;
}
