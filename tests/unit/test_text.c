/* SPDX-License-Identifier: MIT */
#include "fs/tree/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

struct example {
	const char *text, *expected;
};

static void check(void (*escape)(struct mc_buffer *, const char *), const struct example *examples, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		MC_CLEANUP(buffer) struct mc_buffer out = {0};
		escape(&out, examples[i].text);
		mc_buffer_text(&out, "");
		assert_string_equal(out.data, examples[i].expected);
	}
}

static void test_shell(void **state)
{
	static const struct example examples[] = {
		{NULL, "''"},
		{"", "''"},
		{"a b", "'a b'"},
		{"it's", "'it'\\''s'"},
		{"'", "''\\'''"},
		{"$(reboot) `x` \\ \"\n!", "'$(reboot) `x` \\ \"\n!'"},
	};
	(void)state;
	check(mc_text_shell, examples, MC_COUNT(examples));
}

static void test_xml(void **state)
{
	static const struct example examples[] = {
		{NULL, ""},
		{"<a b=\"c\">&'", "&lt;a b=&quot;c&quot;&gt;&amp;&#39;"},
		{"tab\tline\n", "tab\tline\n"},
		{"Malm\xC3\xB6 \xE2\x82\xAC \xF0\x9F\x98\x80", "Malm\xC3\xB6 \xE2\x82\xAC \xF0\x9F\x98\x80"},
		{"bell\a", "bell\xEF\xBF\xBD"},
		{"cut \xC3", "cut \xEF\xBF\xBD"},
		{"overlong \xC0\xAF", "overlong \xEF\xBF\xBD\xEF\xBF\xBD"},
		{"surrogate \xED\xA0\x80", "surrogate \xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},
		{"too far \xF4\x90\x80\x80", "too far \xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},
		{"no character \xEF\xBF\xBE", "no character \xEF\xBF\xBD"},
		{"\xFF<", "\xEF\xBF\xBD&lt;"},
	};
	(void)state;
	check(mc_text_xml, examples, MC_COUNT(examples));
}

static void test_dot(void **state)
{
	static const struct example examples[] = {
		{NULL, "\"\""},
		{"a-b", "\"a-b\""},
		{"\"] evil [\"", "\"\\\"] evil [\\\"\""},
		{"end\\", "\"end\\\\\""},
		{"two\nlines", "\"two\\nlines\""},
	};
	(void)state;
	check(mc_text_dot, examples, MC_COUNT(examples));
}

static void test_field(void **state)
{
	static const struct example examples[] = {
		{NULL, ""},
		{"with blank", "with blank"},
		{"a\tb\nc\\d\re", "a\\011b\\012c\\134d\\015e"},
	};
	(void)state;
	check(mc_text_field, examples, MC_COUNT(examples));
}

static void test_json(void **state)
{
	static const char *const bad[] = {"", "{", "nonsense", "{\"a\":}", "[1,2"};
	struct mc_error error = {0};
	MC_CLEANUP(buffer) struct mc_buffer out = {0};
	const char *good = "{\"a\":[1,true,null]}trailing";
	(void)state;
	assert_int_equal(mc_text_json(&out, good, strlen(good) - strlen("trailing"), "it", &error), 0);
	assert_string_equal(out.data, "{\n\t\"a\":\t[1, true, null]\n}\n");
	for (size_t i = 0; i < MC_COUNT(bad); i++) {
		MC_CLEANUP(buffer) struct mc_buffer none = {0};
		assert_int_equal(mc_text_json(&none, bad[i], strlen(bad[i]), "the answer", &error), -EIO);
		assert_string_equal(error.message, "the answer is not JSON");
		assert_int_equal(none.size, 0);
	}
	assert_int_equal(mc_text_json(&out, good, (size_t)65 << 20, "the answer", &error), -EIO);
	assert_non_null(strstr(error.message, "too long"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shell),
		cmocka_unit_test(test_xml),
		cmocka_unit_test(test_dot),
		cmocka_unit_test(test_field),
		cmocka_unit_test(test_json),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
