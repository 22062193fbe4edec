/* SPDX-License-Identifier: MIT */
#include "directory_world.h"

/* LDIF as the world writes it: dumps of whole directories, and people where Keystone would not find them. */

/* As slapcat writes it, of a directory that was made by other hands: Windows' line ends, operational attributes, an
 * administrator's entry, entries that are here already in other words. */
static const char dump[] = "\xef\xbb\xbf# a dump\r\n"
			   "version: 1\r\n"
			   "\r\n"
			   "dn: DC=Acme, DC=org\r\n"
			   "objectClass: top\r\n"
			   "objectClass: dcObject\r\n"
			   "objectClass: organization\r\n"
			   "o: Acme Incorporated\r\n"
			   "dc: acme\r\n"
			   "structuralObjectClass: organization\r\n"
			   "entryUUID: 7f2c1f9a-6a3e-103d-9d0f-0123456789ab\r\n"
			   "creatorsName: cn=admin,dc=acme,dc=org\r\n"
			   "createTimestamp: 20230301120000Z\r\n"
			   "entryCSN: 20230301120000.000000Z#000000#000#000000\r\n"
			   "modifiersName: cn=admin,dc=acme,dc=org\r\n"
			   "modifyTimestamp: 20230301120000Z\r\n"
			   "\r\n"
			   "dn: cn=admin,dc=acme,dc=org\r\n"
			   "objectClass: simpleSecurityObject\r\n"
			   "objectClass: organizationalRole\r\n"
			   "cn: admin\r\n"
			   "description: LDAP administrator\r\n"
			   "userPassword:: e1NTSEF9SGIwUGtMVDZ6b1B6YW5CVFJvZVd4UFJsYVZtaVVBdTg=\r\n"
			   "\r\n"
			   "dn: ou=Users,dc=acme,dc=org\r\n"
			   "objectClass: top\r\n"
			   "objectClass: organizationalUnit\r\n"
			   "ou: Users\r\n"
			   "description: all of\r\n"
			   "  us\r\n"
			   "entryUUID: 7f2c1f9a-6a3e-103d-9d0f-0123456789ac\r\n"
			   "\r\n"
			   "dn: ou=Groups,dc=acme,dc=org\r\n"
			   "objectClass: organizationalUnit\r\n"
			   "ou: Groups\r\n"
			   "\r\n"
			   "dn: UID=ada , OU=users , DC=ACME , DC=org\r\n"
			   "objectClass: inetOrgPerson\r\n"
			   "cn: Ada\r\n"
			   "sn:: TG92ZWxhY2U=\r\n"
			   "uid: ada\r\n"
			   "userPassword: {SSHA}Hb0PkLT6zoPzanBTRoeWxPRlaVmiUAu8\r\n"
			   "memberOf: cn=crew,ou=Groups,dc=acme,dc=org\r\n"
			   "pwdChangedTime: 20230301120000Z\r\n"
			   "CREATETIMESTAMP: 20230301120000Z\r\n"
			   "\r\n"
			   "dn:: Y249Y3JldyxvdT1Hcm91cHMsZGM9YWNtZSxkYz1vcmc=\r\n"
			   "changetype: add\r\n"
			   "objectClass: groupOfNames\r\n"
			   "cn: crew\r\n"
			   "member: uid=ada,ou=Users,dc=acme,dc=org\r\n"
			   "\r\n"
			   "# search result\r\n"
			   "search: 2\r\n"
			   "result: 0 Success\r\n";

static void a_whole_directory_is_imported(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		succeeds(import(dump));
		assert_int_equal(users(), 1);
		assert_true(has_members("crew", VALUES(USER("ada"))));
	}
	/* What was here keeps what it had, and gets what it can have. */
	assert_true(has(SLAPD_SUFFIX, LDAP_SCOPE_BASE, "(o=*)", "o", VALUES("acme", "Acme Incorporated")));
	assert_true(has("ou=Users," SLAPD_SUFFIX, LDAP_SCOPE_BASE, "(ou=*)", "description", VALUES("all of us")));
	/* The administrator has one password, whatever somebody's dump says. */
	assert_int_equal(count("cn=admin," SLAPD_SUFFIX, LDAP_SCOPE_BASE, "(cn=*)"), 0);
}

/* A suffix of another class stays as it is; what lies below it comes. */
static void other_containers_are_merged(void **state)
{
	(void)state;
	succeeds(import("dn: " SLAPD_SUFFIX "\nobjectClass: domain\nobjectClass: top\ndc: acme\n\n"
			"dn: ou=Users," SLAPD_SUFFIX "\nobjectClass: top\nobjectClass: organizationalUnit\n"
			"ou: Users\nou: People\n\n"
			"dn: " USER("bo") "\nobjectClass: inetOrgPerson\nsn: x\ncn: x\n"));
	assert_int_equal(users(), 1);
	assert_true(has("ou=Users," SLAPD_SUFFIX, LDAP_SCOPE_BASE, "(ou=Users)", "ou", VALUES("Users", "People")));
	/* Anything else that is there in other words is a conflict. */
	fails_with(import("dn: " USER("bo") "\nobjectClass: inetOrgPerson\nsn: y\ncn: x\n"), EEXIST);
}

#define PERSON "objectClass: inetOrgPerson\nsn: x\ncn: x\n"
#define PEOPLE_PLACE "people are of objectClass inetOrgPerson and lie at uid=NAME,ou=Users," SLAPD_SUFFIX
#define GROUP_PLACE "groups are of objectClass groupOfNames and lie at cn=NAME,ou=Groups," SLAPD_SUFFIX

static void whom_keystone_would_not_find_is_refused(void **state)
{
	static const struct {
		const char *dn, *rest, *says;
	} table[] = {
		{"cn=John,ou=Users," SLAPD_SUFFIX, PERSON "uid: john\n", PEOPLE_PLACE},
		{"uid=john+cn=x,ou=Users," SLAPD_SUFFIX, PERSON "uid: john\n", PEOPLE_PLACE},
		{"uid=john,ou=deep,ou=Users," SLAPD_SUFFIX, PERSON, PEOPLE_PLACE},
		{"uid=john,ou=Staff," SLAPD_SUFFIX, PERSON, PEOPLE_PLACE},
		{"uid=john," SLAPD_SUFFIX, PERSON, PEOPLE_PLACE},
		{"uid=john,ou=Groups," SLAPD_SUFFIX, PERSON, PEOPLE_PLACE},
		{USER("john"),
			"objectClass: account\nobjectClass: posixAccount\ncn: x\nuidNumber: 1\ngidNumber: 1\n"
			"homeDirectory: /\n",
			PEOPLE_PLACE},
		{USER("john"), "objectClass: person\nobjectClass: uidObject\nsn: x\ncn: x\n", PEOPLE_PLACE},
		{USER("john"), "objectClass: device\ncn: x\n", PEOPLE_PLACE},
		{USER("john"), PERSON "uid: john\nuid: jack\n", "its uid \"jack\" is not the one in its dn"},
		{GROUP("crew"), "objectClass: posixGroup\ngidNumber: 1\n", GROUP_PLACE},
		{GROUP("crew"), "objectClass: groupOfUniqueNames\nuniqueMember: " USER("ada") "\n", GROUP_PLACE},
		{GROUP("crew"), "objectClass: groupOfNames\ncn: crew\ncn: band\nmember: " USER("ada") "\n",
			"its cn \"band\" is not the one in its dn"},
		{"cn=crew,ou=deep,ou=Groups," SLAPD_SUFFIX, "objectClass: groupOfNames\nmember: " USER("ada") "\n",
			GROUP_PLACE},
		{"ou=crew,ou=Groups," SLAPD_SUFFIX, "objectClass: groupOfNames\nmember: " USER("ada") "\ncn: x\n",
			GROUP_PLACE},
	};

	(void)state;
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		struct mc_buffer text = {0};
		mc_buffer_printf(&text, "dn: ou=deep,ou=Users," SLAPD_SUFFIX "\nobjectClass: organizationalUnit\n\n");
		mc_buffer_printf(&text, "dn: ou=deep,ou=Groups," SLAPD_SUFFIX "\nobjectClass: organizationalUnit\n\n");
		succeeds(import(text.data));
		mc_buffer_free(&text);
		mc_buffer_printf(&text, "# one\ndn: %s\n%s", table[i].dn, table[i].rest);
		fails_with(import(text.data), EINVAL);
		if (!strstr(error.message, "record at line 2 (dn: ") || !strstr(error.message, table[i].says))
			fail_msg("%zu: %s", i, error.message);
		mc_buffer_free(&text);
		/* Nothing was taken: the name is free. */
		succeeds(mc_directory_user_create(directory, call, "john", &error));
		succeeds(mc_directory_user_delete(directory, call, "john", &error));
	}
	succeeds(import("dn: ou=deep,ou=Users," SLAPD_SUFFIX "\nchangetype: delete\n\n"
			"dn: ou=deep,ou=Groups," SLAPD_SUFFIX "\nchangetype: delete\n"));
}

/* What is no person and no group is a directory's own business, wherever it lies. */
static void other_entries_are_taken(void **state)
{
	(void)state;
	succeeds(import("dn: ou=hosts,ou=Users," SLAPD_SUFFIX "\nobjectClass: organizationalUnit\n\n"
			"dn: cn=printer,ou=hosts,ou=Users," SLAPD_SUFFIX "\nobjectClass: device\n"));
	assert_int_equal(count("cn=printer,ou=hosts,ou=Users," SLAPD_SUFFIX, LDAP_SCOPE_BASE, "(cn=*)"), 1);
	succeeds(import("dn: cn=printer,ou=hosts,ou=Users," SLAPD_SUFFIX "\nchangetype: delete\n"));
}

static void nobody_is_moved_out_of_sight(void **state)
{
	(void)state;
	succeeds(import("dn: " USER("ada") "\n" PERSON "\n"
					   "dn: ou=deep,ou=Users," SLAPD_SUFFIX "\nobjectClass: organizationalUnit\n"));
	fails_with(import("dn: " USER("ada") "\nchangetype: modrdn\nnewrdn: cn=Ada\ndeleteoldrdn: 0\n"), EINVAL);
	fails_with(import("dn: " USER("ada") "\nchangetype: moddn\nnewrdn: uid=ada\ndeleteoldrdn: 0\n"
					     "newsuperior: ou=deep,ou=Users," SLAPD_SUFFIX "\n"),
		EINVAL);
	succeeds(import("dn: " USER("ada") "\nchangetype: moddn\nnewrdn: UID=eve\ndeleteoldrdn: 1\n"
					   "newsuperior: OU=users, " SLAPD_SUFFIX "\n"));
	assert_int_equal(count(USER("eve"), LDAP_SCOPE_BASE, "(uid=eve)"), 1);
	succeeds(import("dn: ou=deep,ou=Users," SLAPD_SUFFIX "\nchangetype: delete\n"));
}

/* Passwords as they are found in dumps: hashed, and in clear, let their owners in. */
static void passwords_of_all_forms_count(void **state)
{
	(void)state;
	/* {SSHA} of "secret" with the salt "salt". */
	succeeds(import("dn: " USER("a") "\n" PERSON "userPassword: {SSHA}gVK8WC9YyFT1gMsQHTGCgT3sSv5zYWx0\n\n"
					 "dn: " USER("b") "\n" PERSON "userPassword: clear\n\n"
							  "dn: " USER("c") "\n" PERSON "userPassword:: Y2xlYXI=\n"));
	assert_true(can_log_in(USER("b"), "clear"));
	assert_true(can_log_in(USER("c"), "clear"));
	assert_false(can_log_in(USER("a"), "{SSHA}gVK8WC9YyFT1gMsQHTGCgT3sSv5zYWx0"));
	assert_true(can_log_in(USER("a"), "secret"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_directory(a_whole_directory_is_imported),
		with_directory(other_containers_are_merged),
		with_directory(whom_keystone_would_not_find_is_refused),
		with_directory(other_entries_are_taken),
		with_directory(nobody_is_moved_out_of_sight),
		with_directory(passwords_of_all_forms_count),
	};

	return run_with_slapd("directory_fit", tests);
}
