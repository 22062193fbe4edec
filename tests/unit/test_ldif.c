/* SPDX-License-Identifier: MIT */
#include "backends/directory/ldap.h"
#include "backends/directory/ldif.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Names, as they stand in a DN below ou=Users and in a filter. */
static const struct {
	const char *name, *rdn, *filter;
} names[] = {
	{"john", "uid=john", "(uid=john)"},
	{"*)(uid=*", "uid=*)(uid\\3D*", "(uid=\\2A\\29\\28uid=\\2A)"},
	{"a,dc=evil", "uid=a\\2Cdc\\3Devil", "(uid=a,dc=evil)"},
	{"a+cn=b", "uid=a\\2Bcn\\3Db", "(uid=a+cn=b)"},
	{"back\\slash", "uid=back\\5Cslash", "(uid=back\\5Cslash)"},
	{"\"quoted\"", "uid=\\22quoted\\22", "(uid=\"quoted\")"},
	{"two\r\nlines", NULL, NULL},
	{" both ends ", "uid=\\20both ends\\20", "(uid= both ends )"},
	{"#number", "uid=\\23number", "(uid=#number)"},
	{"semi;<angle>", "uid=semi\\3B\\3Cangle\\3E", "(uid=semi;<angle>)"},
	{"Zo\xc3\xab \xe2\x98\x83", "uid=Zo\xc3\xab \xe2\x98\x83", NULL},
	{"\xf0\x9f\x98\x80", "uid=\xf0\x9f\x98\x80", NULL},
};

static void names_are_escaped(void **state)
{
	(void)state;
	for (size_t i = 0; i < MC_COUNT(names); i++) {
		char *rdn = NULL, *dn = NULL, *filter = NULL, *attribute = NULL, *value = NULL, expected[256];
		assert_int_equal(mc_ldap_rdn("uid", names[i].name, &rdn, NULL), 0);
		assert_int_equal(mc_ldap_dn("ou=Users,dc=acme,dc=org", "uid", names[i].name, &dn, NULL), 0);
		assert_int_equal(mc_ldap_filter("uid", names[i].name, &filter, NULL), 0);
		if (names[i].rdn)
			assert_string_equal(rdn, names[i].rdn);
		if (names[i].filter)
			assert_string_equal(filter, names[i].filter);
		snprintf(expected, sizeof expected, "%s,ou=Users,dc=acme,dc=org", rdn);
		assert_string_equal(dn, expected);
		/* Read back, it is one RDN with that very value, whatever stands in it. */
		assert_int_equal(mc_ldap_depth(dn), 4);
		assert_int_equal(mc_ldap_first_rdn(dn, &attribute, &value, NULL), 0);
		assert_string_equal(attribute, "uid");
		assert_string_equal(value, names[i].name);
		free(rdn);
		free(dn);
		free(filter);
		free(attribute);
		free(value);
	}
}

static void bad_names_are_refused(void **state)
{
	static const char *const bad[] = {"", "\xff", "abc\xc3", "\xc3(", "\xed\xa0", "\xf8\x88\x80\x80\x80"};

	(void)state;
	for (size_t i = 0; i < MC_COUNT(bad); i++) {
		struct mc_error error = {0};
		char *out = NULL;
		if (i == 5) /* a form of five bytes: a server's to refuse */
			continue;
		assert_int_equal(mc_ldap_rdn("uid", bad[i], &out, &error), -EINVAL);
		assert_int_equal(mc_ldap_dn("dc=acme", "uid", bad[i], &out, &error), -EINVAL);
		assert_null(out);
		assert_int_equal(error.code, EINVAL);
		assert_string_equal(error.service, "ldap");
		assert_true(*error.message);
	}
}

static void bad_parents_are_refused(void **state)
{
	static const char *const bad[] = {"acme", "dc=acme,", "=acme", "dc=acme,,dc=org", "dc=a\\zz"};
	char *out = NULL;

	(void)state;
	for (size_t i = 0; i < MC_COUNT(bad); i++) {
		assert_int_equal(mc_ldap_dn(bad[i], "ou", "Users", &out, NULL), -EINVAL);
		assert_int_equal(mc_ldap_depth(bad[i]), -EINVAL);
	}
	char *value = NULL;
	assert_int_equal(mc_ldap_first_rdn("", &out, &value, NULL), -EINVAL);
	assert_int_equal(mc_ldap_first_rdn("dc=a+o=b,dc=org", &out, &value, NULL), -EINVAL);
	assert_int_equal(mc_ldap_first_rdn("dc=,dc=org", &out, &value, NULL), -EINVAL);
	assert_null(out);
	assert_null(value);
}

static void codes_become_errnos(void **state)
{
	static const struct {
		int code, number;
	} table[] = {
		{LDAP_SUCCESS, 0},
		{LDAP_NO_SUCH_OBJECT, ENOENT},
		{LDAP_ALREADY_EXISTS, EEXIST},
		{LDAP_INVALID_DN_SYNTAX, EINVAL},
		{LDAP_OBJECT_CLASS_VIOLATION, EINVAL},
		{LDAP_UNDEFINED_TYPE, EINVAL},
		{LDAP_CONSTRAINT_VIOLATION, EINVAL},
		{LDAP_INVALID_SYNTAX, EINVAL},
		{LDAP_INSUFFICIENT_ACCESS, EACCES},
		{LDAP_INVALID_CREDENTIALS, EACCES},
		{LDAP_UNAVAILABLE, ECONNREFUSED},
		{LDAP_SERVER_DOWN, ECONNREFUSED},
		{LDAP_TIMELIMIT_EXCEEDED, ETIMEDOUT},
		{LDAP_NOT_ALLOWED_ON_NONLEAF, ENOTEMPTY},
		{LDAP_SIZELIMIT_EXCEEDED, E2BIG},
		{LDAP_OTHER, EIO},
		{LDAP_OPERATIONS_ERROR, EIO},
		{4711, EIO},
	};

	(void)state;
	for (size_t i = 0; i < MC_COUNT(table); i++)
		assert_int_equal(mc_ldap_errno(table[i].code), table[i].number);
}

static void value_is(const LDAPMod *mod, size_t i, const char *value)
{
	assert_non_null(mod->mod_bvalues[i]);
	assert_int_equal(mod->mod_bvalues[i]->bv_len, strlen(value));
	assert_memory_equal(mod->mod_bvalues[i]->bv_val, value, strlen(value));
}

static struct mc_ldif_record read_one(struct mc_ldif *ldif)
{
	struct mc_ldif_record record = {0};
	struct mc_error error = {0};

	int result = mc_ldif_next(ldif, &record, &error);
	if (result != 1)
		fail_msg("%d: %s", result, error.message);
	return record;
}

static void an_entry_is_read(void **state)
{
	static const char text[] = "# people\r\n"
				   "#  of acme\n"
				   "version: 1\n"
				   "\n"
				   "\n"
				   "# a comment\n"
				   " that goes on\n"
				   "dn: uid=john,ou=Users,\r\n"
				   " dc=acme,dc=org\r\n"
				   "object\r\n"
				   " Class: inetOrgPerson\n"
				   "uid: john\n"
				   "objectclass: posixAccount\n"
				   "# in the middle\n"
				   "sn:: U21pdGg=\n"
				   "cn:  John  Smith\n"
				   "description:\n"
				   "gecos: a: b\n"
				   "jpegPhoto:: AAEC/w==\n";
	struct mc_ldif ldif = {.text = text, .size = strlen(text)};

	(void)state;
	struct mc_ldif_record record = read_one(&ldif);
	assert_int_equal(record.line, 8);
	assert_int_equal(record.change, MC_LDIF_ADD);
	assert_string_equal(record.dn, "uid=john,ou=Users,dc=acme,dc=org");
	static const char *const types[] = {"objectClass", "uid", "sn", "cn", "description", "gecos", "jpegPhoto"};
	for (size_t i = 0; i < MC_COUNT(types); i++)
		assert_string_equal(record.mods[i]->mod_type, types[i]);
	assert_null(record.mods[MC_COUNT(types)]);
	value_is(record.mods[0], 0, "inetOrgPerson");
	value_is(record.mods[0], 1, "posixAccount");
	assert_null(record.mods[0]->mod_bvalues[2]);
	value_is(record.mods[2], 0, "Smith");
	value_is(record.mods[3], 0, "John  Smith");
	value_is(record.mods[4], 0, "");
	value_is(record.mods[5], 0, "a: b");
	assert_int_equal(record.mods[6]->mod_bvalues[0]->bv_len, 4);
	assert_memory_equal(record.mods[6]->mod_bvalues[0]->bv_val, "\0\1\2\377", 4);
	mc_ldif_record_clear(&record);
	assert_int_equal(mc_ldif_next(&ldif, &record, NULL), 0);
}

static void changes_are_read(void **state)
{
	static const char text[] = "version: 1\n"
				   "dn: cn=a,dc=org\n"
				   "changetype: modify\n"
				   "add: mail\n"
				   "mail: a@org\n"
				   "mail: b@org\n"
				   "-\n"
				   "delete: description\n"
				   "-\n"
				   "replace: sn\n"
				   "sn: A\n"
				   "-\n"
				   "\n"
				   "dn: cn=b,dc=org\n"
				   "changetype: modify\n"
				   "replace: description\n"
				   "\n"
				   "dn:: Y249YyxkYz1vcmc=\n"
				   "changetype: delete\n"
				   "\n"
				   "dn: cn=d,dc=org\n"
				   "changetype: modrdn\n"
				   "newrdn: cn=e\n"
				   "deleteoldrdn: 0\n"
				   "newsuperior: ou=x,dc=org\n"
				   "\n"
				   "dn: cn=f,dc=org\n"
				   "changetype: moddn\n"
				   "newrdn: cn=g\n"
				   "deleteoldrdn: 1\n"
				   "\n"
				   "dn: cn=h,dc=org\n"
				   "changetype: add\n"
				   "cn: h";
	struct mc_ldif ldif = {.text = text, .size = strlen(text)};

	(void)state;
	struct mc_ldif_record record = read_one(&ldif);
	assert_int_equal(record.line, 1);
	assert_int_equal(record.change, MC_LDIF_MODIFY);
	assert_int_equal(record.mods[0]->mod_op, LDAP_MOD_ADD | LDAP_MOD_BVALUES);
	value_is(record.mods[0], 1, "b@org");
	assert_null(record.mods[0]->mod_bvalues[2]);
	assert_int_equal(record.mods[1]->mod_op, LDAP_MOD_DELETE | LDAP_MOD_BVALUES);
	assert_string_equal(record.mods[1]->mod_type, "description");
	assert_null(record.mods[1]->mod_bvalues);
	assert_int_equal(record.mods[2]->mod_op, LDAP_MOD_REPLACE | LDAP_MOD_BVALUES);
	value_is(record.mods[2], 0, "A");
	assert_null(record.mods[3]);
	mc_ldif_record_clear(&record);

	record = read_one(&ldif);
	assert_int_equal(record.line, 14);
	assert_null(record.mods[0]->mod_bvalues);
	assert_null(record.mods[1]);
	mc_ldif_record_clear(&record);

	record = read_one(&ldif);
	assert_int_equal(record.change, MC_LDIF_DELETE);
	assert_string_equal(record.dn, "cn=c,dc=org");
	mc_ldif_record_clear(&record);

	record = read_one(&ldif);
	assert_int_equal(record.change, MC_LDIF_RENAME);
	assert_string_equal(record.new_rdn, "cn=e");
	assert_string_equal(record.new_parent, "ou=x,dc=org");
	assert_true(record.keep_old_rdn);
	mc_ldif_record_clear(&record);

	record = read_one(&ldif);
	assert_false(record.keep_old_rdn);
	assert_null(record.new_parent);
	mc_ldif_record_clear(&record);

	record = read_one(&ldif);
	assert_int_equal(record.change, MC_LDIF_ADD);
	value_is(record.mods[0], 0, "h");
	mc_ldif_record_clear(&record);
	assert_int_equal(mc_ldif_next(&ldif, &record, NULL), 0);
}

#define ENTRY "dn: cn=a,dc=org\n"
#define CHANGE ENTRY "changetype: modify\n"

static void bad_records_are_refused(void **state)
{
	static const struct {
		const char *text;
		size_t size; /* 0: of the string */
	} table[] = {
		{"cn: a\n"},
		{"dn\n"},
		{"hello\n"},
		{":\n"},
		{": x\n"},
		{"\t: x\n"},
		{ENTRY ": x\n"},
		{ENTRY "c n: x\n"},
		{ENTRY "\v#cn: x\n"},
		{ENTRY "c\xc3\xab: x\n"},
		{"-\n"},
		{" dn: cn=a\n"},
		{"version: 2\n" ENTRY "cn: a\n"},
		{"version: 1\nversion: 1\n" ENTRY},
		{"dn:< file:///etc/passwd\ncn: a\n"},
		{ENTRY},
		{ENTRY "cn\n"},
		{ENTRY "-\n"},
		{ENTRY "cn: a\n-\n"},
		{ENTRY "cn: a\ndn: cn=b,dc=org\n"},
		{ENTRY "cn:: ????\n"},
		{ENTRY "cn:: YW\n"},
		{ENTRY "cn::\n"},
		{ENTRY "jpegPhoto:< file:///etc/passwd\n"},
		{ENTRY "jpegPhoto\n :< file:///etc/passwd\n"},
		{ENTRY "jpegPhoto:\n < file:///etc/passwd\n"},
		{ENTRY "jpegPhoto:<\n"},
		{ENTRY "control: 1.2.3 true\nchangetype: delete\n"},
		{ENTRY "changetype:\n"},
		{ENTRY "changetype: frobnicate\n"},
		{ENTRY "changetype: delete\ncn: a\n"},
		{ENTRY "changetype: add\n"},
		{CHANGE},
		{CHANGE "-\n"},
		{CHANGE "cn: a\n"},
		{CHANGE "add: cn\n"},
		{CHANGE "add: cn\n-\n"},
		{CHANGE "add: cn\nsn: a\n-\n"},
		{CHANGE "replace: cn\ncn: a\n-\n-\n"},
		{CHANGE "increment: uidNumber\n-\n"},
		{CHANGE "add:: YQBi\na: x\n-\n"},
		{ENTRY "changetype: modrdn\n"},
		{ENTRY "changetype: modrdn\nnewrdn: cn=b\n"},
		{ENTRY "changetype: modrdn\nnewrdn:\ndeleteoldrdn: 1\n"},
		{ENTRY "changetype: modrdn\nnewrdn: cn=b\ndeleteoldrdn: yes\n"},
		{ENTRY "changetype: modrdn\ndeleteoldrdn: 1\nnewrdn: cn=b\n"},
		{ENTRY "changetype: modrdn\nnewrdn: cn=b\ndeleteoldrdn: 1\nnewsuperior: x\ncn: a\n"},
		{"dn:: Y249YQBi\ncn: a\n"},
		{"dn: cn=a\ncn: a\0b\n", 17},
		{"\0", 1},
		{"#\0\n", 3},
	};

	(void)state;
	for (size_t i = 0; i < MC_COUNT(table); i++) {
		struct mc_ldif ldif = {
			.text = table[i].text, .size = table[i].size ? table[i].size : strlen(table[i].text)};
		struct mc_ldif_record record = {0};
		struct mc_error error = {0};
		int result = mc_ldif_next(&ldif, &record, &error);
		if (result != -EINVAL)
			fail_msg("entry %zu, \"%s\": %d", i, table[i].text, result);
		assert_int_equal(error.code, EINVAL);
		assert_string_equal(error.service, "ldap");
		assert_non_null(strstr(error.message, "record"));
		assert_null(record.text);
	}
}

static void errors_name_the_record(void **state)
{
	static const char text[] = "dn: cn=a,dc=org\ncn: a\n\n# x\n\ndn: cn=b,dc=org\ncn: b\nsn\n\ndn: cn=c\n";
	struct mc_ldif ldif = {.text = text, .size = strlen(text)};
	struct mc_error error = {0};

	(void)state;
	struct mc_ldif_record record = read_one(&ldif);
	mc_ldif_record_clear(&record);
	assert_int_equal(mc_ldif_next(&ldif, &record, &error), -EINVAL);
	assert_string_equal(error.message, "record at line 6 (dn: cn=b,dc=org): a line without a colon");
	/* A name longer than a message still leaves room for the reason. */
	struct mc_buffer large = {0};
	mc_buffer_text(&large, "dn: cn=");
	for (int i = 0; i < 300; i++)
		mc_buffer_text(&large, "0123456789");
	mc_buffer_text(&large, "\n-\n");
	ldif = (struct mc_ldif){.text = large.data, .size = large.size};
	assert_int_equal(mc_ldif_next(&ldif, &record, &error), -EINVAL);
	assert_non_null(strstr(error.message, "...): "));
	assert_non_null(strstr(error.message, "\"-\" in a new entry"));
	mc_buffer_free(&large);
}

static int read_repeated(const char *head, const char *line, size_t n, bool number)
{
	struct mc_buffer text = {0};
	struct mc_ldif_record record = {0};

	mc_buffer_text(&text, head);
	for (size_t i = 0; i < n; i++) {
		if (number)
			mc_buffer_printf(&text, "a%zu", i);
		mc_buffer_text(&text, line);
	}
	struct mc_ldif ldif = {.text = text.data, .size = text.size};
	int result = mc_ldif_next(&ldif, &record, NULL);
	mc_ldif_record_clear(&record);
	mc_buffer_free(&text);
	return result;
}

static void limits_hold(void **state)
{
	(void)state;
	assert_int_equal(read_repeated(ENTRY, ": x\n", 1000, true), 1);
	assert_int_equal(read_repeated(ENTRY, ": x\n", 1001, true), -EFBIG);
	assert_int_equal(read_repeated(ENTRY, "cn: x\n", MC_LDIF_LINE_LIMIT - 1, false), 1);
	assert_int_equal(read_repeated(ENTRY, "cn: x\n", MC_LDIF_LINE_LIMIT, false), -EFBIG);
	assert_int_equal(read_repeated(CHANGE, "delete: x\n-\n", 999, false), 1);
	assert_int_equal(read_repeated(CHANGE, "delete: x\n-\n", 1001, false), -EFBIG);
	/* One line, folded. */
	assert_int_equal(read_repeated(ENTRY "cn: x\n", " 0123456789abcde\n", 270000, false), 1);
	assert_int_equal(read_repeated(ENTRY "cn: x\n", " 0123456789abcde\n", 290000, false), -EFBIG);
}

static void what_is_put_is_read_again(void **state)
{
	static const char lots[200] = {[0 ... 199] = 'x'};
	static const struct {
		const char *bytes;
		size_t size;
	} values[] = {
		{"John", 4},
		{" blank", 6},
		{"blank ", 6},
		{":url", 4},
		{"<url", 4},
		{"Zo\xc3\xab!", 5},
		{"a\0b", 3},
		{"\r\n-\n", 4},
		{"#", 1},
		{"", 0},
		{lots, sizeof lots},
	};
	struct mc_buffer out = {0};

	(void)state;
	mc_buffer_text(&out, "dn: cn=a\n");
	for (size_t i = 0; i < MC_COUNT(values); i++) {
		struct berval value = {.bv_len = values[i].size, .bv_val = (char *)(uintptr_t)values[i].bytes};
		mc_ldif_put(&out, "description", &value);
	}
	assert_int_equal(out.failed, 0);
	/* RFC 2849: only ASCII, and lines as long as the note says. */
	for (const char *line = out.data; *line; line = strchr(line, '\n') + 1)
		assert_true(strcspn(line, "\n") <= 78);
	for (size_t i = 0; i < out.size; i++)
		assert_true((unsigned char)out.data[i] < 0x7f);
	struct mc_ldif ldif = {.text = out.data, .size = out.size};
	struct mc_ldif_record record = read_one(&ldif);
	for (size_t i = 0; i < MC_COUNT(values); i++) {
		assert_int_equal(record.mods[0]->mod_bvalues[i]->bv_len, values[i].size);
		assert_memory_equal(record.mods[0]->mod_bvalues[i]->bv_val, values[i].bytes, values[i].size);
	}
	assert_null(record.mods[0]->mod_bvalues[MC_COUNT(values)]);
	mc_ldif_record_clear(&record);
	mc_buffer_free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_escaped),
		cmocka_unit_test(bad_names_are_refused),
		cmocka_unit_test(bad_parents_are_refused),
		cmocka_unit_test(codes_become_errnos),
		cmocka_unit_test(an_entry_is_read),
		cmocka_unit_test(changes_are_read),
		cmocka_unit_test(bad_records_are_refused),
		cmocka_unit_test(errors_name_the_record),
		cmocka_unit_test(limits_hold),
		cmocka_unit_test(what_is_put_is_read_again),
	};

	return cmocka_run_group_tests_name("ldif", tests, NULL, NULL);
}
