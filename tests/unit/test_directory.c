/* SPDX-License-Identifier: MIT */
#include "directory_world.h"

#include <pthread.h>

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

static void *cancel(void *data)
{
	mc_call_cancel(data);
	return NULL;
}

static void a_hanging_server_is_left(void **state)
{
	(void)state;
	succeeds(mc_directory_ping(directory, call, &error));
	slapd_pause(slapd);

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
	slapd_resume(slapd);
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
		with_directory(a_hanging_server_is_left),
		with_directory(a_restarted_server_is_found_again),
		with_directory(threads_share_it),
		with_directory(calls_are_in_the_journal),
	};

	return run_with_slapd("directory", tests);
}
