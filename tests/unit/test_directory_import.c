/* SPDX-License-Identifier: MIT */
#include "directory_world.h"

static const char people[] = "dn: ou=Users,dc=acme,dc=org\n"
			     "objectClass: organizationalUnit\n"
			     "ou: Users\n"
			     "\n"
			     "dn: ou=Groups,dc=acme,dc=org\n"
			     "objectClass: organizationalUnit\n"
			     "ou: Groups\n"
			     "\n"
			     "dn: cn=demo,ou=Groups,dc=acme,dc=org\n"
			     "objectClass: groupOfNames\n"
			     "cn: demo\n"
			     "member: uid=john,ou=Users,dc=acme,dc=org\n"
			     "member: uid=mary,ou=Users,dc=acme,dc=org\n"
			     "\n"
			     "dn: uid=john,ou=Users,dc=acme,dc=org\n"
			     "objectClass: inetOrgPerson\n"
			     "objectClass: posixAccount\n"
			     "objectClass: shadowAccount\n"
			     "uid: john\n"
			     "sn: Smith\n"
			     "cn: John Smith\n"
			     "mail: John.Smith@acme.org\n"
			     "uidNumber: 10000\n"
			     "gidNumber: 5000\n"
			     "userPassword: john\n"
			     "homeDirectory: /home/john\n"
			     "jpegPhoto:: /9j/4AAQSkY=\n"
			     "\n"
			     "dn: uid=mary,ou=Users,dc=acme,dc=org\n"
			     "objectClass: inetOrgPerson\n"
			     "uid: mary\n"
			     "sn: Smith\n"
			     "cn: Mary Smith\n"
			     "userPassword: mary\n";

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
		{"dn: uid=x,ou=None," SLAPD_SUFFIX "\nobjectClass: inetOrgPerson\nsn: x\ncn: x\n", "uid=NAME,ou=Users",
			EINVAL},
		{"dn: cn=x,ou=None," SLAPD_SUFFIX "\nobjectClass: device\n", "No such object", ENOENT},
		{"dn: dc=example,dc=com\nobjectClass: dcObject\ndc: example\n", "dc=example", EPERM},
		{"dn: " USER("x") "\nchangetype: delete\n", "delete", ENOENT},
		{"dn: ou=Users," SLAPD_SUFFIX "\nchangetype: delete\n", "Keystone needs", EPERM},
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

/* What Keystone logs in with, and where it looks for people, stays. */
static void what_is_needed_stays(void **state)
{
	static const char *const refused[] = {
		"dn: cn=keystone,dc=acme,dc=org\nchangetype: delete\n",
		"dn: CN = Keystone , DC=acme,dc=ORG\nchangetype: delete\n",
		"dn: 2.5.4.3=keystone,dc=acme,dc=org\nchangetype: delete\n",
		"dn: cn=\\6beystone,dc=acme,dc=org\nchangetype: modify\nreplace: userPassword\nuserPassword: x\n-\n",
		"dn: cn=keystone,dc=acme,dc=org\nchangetype: modrdn\nnewrdn: cn=x\ndeleteoldrdn: 1\n",
		"dn: ou=Users,dc=acme,dc=org\nchangetype: delete\n",
		"dn: ou=Users,dc=acme,dc=org\nchangetype: modrdn\nnewrdn: ou=x\ndeleteoldrdn: 1\n",
		"dn: ou=groups,dc=acme,dc=org\nchangetype: delete\n",
		"dn: dc=acme,dc=org\nchangetype: delete\n",
	};

	(void)state;
	for (size_t i = 0; i < MC_COUNT(refused); i++) {
		fails_with(import(refused[i]), EPERM);
		assert_non_null(strstr(error.message, "Keystone needs this entry"));
	}
	assert_true(can_log_in("cn=keystone,dc=acme,dc=org", "for keystone"));
	succeeds(import("dn: ou=Users,dc=acme,dc=org\nchangetype: modify\nadd: description\ndescription: people\n-\n"));
	succeeds(import("dn: cn=keystone,ou=Groups,dc=acme,dc=org\nobjectClass: groupOfNames\ncn: keystone\nmember: "
			"cn=x\n\ndn: cn=keystone,ou=Groups,dc=acme,dc=org\nchangetype: delete\n"));
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_directory(people_are_imported),
		with_directory(a_bad_record_ends_an_import),
		with_directory(changes_are_imported),
		with_directory(an_export_can_be_imported),
		with_directory(parents_are_exported_first),
		with_directory(large_directories_come_whole),
		with_directory(what_is_needed_stays),
		with_directory(large_values_pass),
	};

	return run_with_slapd("directory_import", tests);
}
