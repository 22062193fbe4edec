/* SPDX-License-Identifier: MIT */
#include "fs/names.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *said, *file;
} pairs[] = {
	{"Kista", "Kista"},
	{"a/b", "a%2Fb"},
	{"/", "%2F"},
	{".", "%2E"},
	{"..", "%2E%2E"},
	{"...", "..."},
	{".hidden", ".hidden"},
	{"a.b", "a.b"},
	{"100%", "100%"},
	{"%", "%"},
	{"%%", "%%"},
	{"%2F", "%252F"},
	{"%2f", "%2f"},
	{"%25", "%2525"},
	{"%2E", "%252E"},
	{"%2", "%2"},
	{"%41", "%41"},
	{"%/", "%%2F"},
	{"%2/F", "%2%2FF"},
	{"räksmörgås", "räksmörgås"},
	{"with blank\nand newline", "with blank\nand newline"},
	{"日本語/🐧", "日本語%2F🐧"},
	{"x~12345678", "x~12345678"},
};

static void test_pairs(void **state)
{
	char file[MC_NAME_MAX + 1], said[MC_NAME_MAX + 1];

	(void)state;
	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
		mc_names_file(pairs[i].said, "key", file);
		assert_string_equal(file, pairs[i].file);
		assert_int_equal(mc_names_said(file, said), 0);
		assert_string_equal(said, pairs[i].said);
	}
}

/* No name is shown like these. */
static void test_refused(void **state)
{
	static const char *const files[] = {"", ".", "..", "a%2Eb", "%2E%2E%2E", "%2525%2E", "a/b", "\xff", "\xc0\xaf",
		"\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82", "a\x80"};
	char said[MC_NAME_MAX + 1], long_name[MC_NAME_MAX + 2];

	(void)state;
	for (size_t i = 0; i < sizeof files / sizeof *files; i++)
		assert_int_equal(mc_names_said(files[i], said), -EINVAL);
	memset(long_name, 'a', sizeof long_name - 1);
	long_name[sizeof long_name - 1] = '\0';
	assert_int_equal(mc_names_said(long_name, said), -EINVAL);
	long_name[MC_NAME_MAX] = '\0';
	assert_int_equal(mc_names_said(long_name, said), 0);
}

/* A name that doesn't fit is cut between characters, and told apart by its key. */
static void test_cut(void **state)
{
	char said[1024] = "", file[MC_NAME_MAX + 1];

	(void)state;
	memset(said, 'a', 255);
	mc_names_file(said, "0123456789", file);
	assert_string_equal(file, said);
	memset(said, 'a', 256);
	mc_names_file(said, "0123456789", file);
	assert_int_equal(strlen(file), 255);
	assert_string_equal(file + 246, "~01234567");
	assert_true(mc_names_marked(file));
	/* 245 bytes and a character of three: that is one byte too many. */
	memset(said, 'a', 245);
	memset(said + 245, 0, sizeof said - 245);
	for (int i = 0; i < 10; i++)
		strcat(said, "語");
	mc_names_file(said, "0123456789", file);
	assert_int_equal(strlen(file), 245 + 9);
	assert_string_equal(file + 245, "~01234567");
	/* Escapes count as they are written, and are not torn either. */
	memset(said, '/', 100);
	said[100] = '\0';
	mc_names_file(said, "k", file);
	assert_int_equal(strlen(file), 82 * 3 + 2);
	assert_string_equal(file + 243, "%2F~k");
}

static void test_marks(void **state)
{
	char file[MC_NAME_MAX + 1];

	(void)state;
	mc_names_file("", "0123456789", file);
	assert_string_equal(file, "~01234567");
	mc_names_file_marked("cirros", "a/b", file);
	assert_string_equal(file, "cirros~a_b");
	mc_names_file_marked("cirros", NULL, file);
	assert_string_equal(file, "cirros~");
	/* A key may be a name: its mark ends with a whole character, too. */
	mc_names_file_marked("tag", "1234567é", file);
	assert_string_equal(file, "tag~1234567");
	mc_names_file_marked("tag", "日本語", file);
	assert_string_equal(file, "tag~日本");
	mc_names_file_marked("tag", "123é567", file);
	assert_string_equal(file, "tag~123é567");
	mc_names_file_marked("tag", "/日/本語", file);
	assert_string_equal(file, "tag~_日_本");
	assert_true(mc_names_utf8(file));
	assert_true(mc_names_marked("cirros~01234567"));
	assert_false(mc_names_marked("cirros~012345678"));
	assert_false(mc_names_marked("cirros"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pairs),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_marks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
