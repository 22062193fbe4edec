/* SPDX-License-Identifier: MIT */
#include "backends/attached/clouds_yaml.h"
#include "backends/attached/scalar.h"
#include "mcloud/buffer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int parse(
	struct mc_arena *arena, const char *text, bool json, struct mc_value **ret_value, struct mc_error *error)
{
	*arena = (struct mc_arena){.limit = MC_CLOUDS_MAX_TREE};
	return mc_clouds_parse(arena, text, strlen(text), json, "it", ret_value, error);
}

static void test_scalars(void **state)
{
	static const struct {
		const char *word;
		enum mc_value_kind kind;
		const char *text;
	} cases[] = {
		{"7", MC_VALUE_INTEGER, "7"},
		{"-0", MC_VALUE_INTEGER, "0"},
		{"+12_000", MC_VALUE_INTEGER, "12000"},
		{"017", MC_VALUE_INTEGER, "15"},
		{"08", MC_VALUE_TEXT, "08"},
		{"0b11", MC_VALUE_INTEGER, "3"},
		{"-0x1F", MC_VALUE_INTEGER, "-31"},
		{"1:0:1", MC_VALUE_INTEGER, "3601"},
		{"99999999999999999999999999", MC_VALUE_INTEGER, "99999999999999999999999999"},
		{"3.0", MC_VALUE_REAL, "3.0"},
		{"2.10", MC_VALUE_REAL, "2.1"},
		{"-1.5e-7", MC_VALUE_REAL, "-1.5e-07"},
		{"0.0001", MC_VALUE_REAL, "0.0001"},
		{"1.e+15", MC_VALUE_REAL, "1000000000000000.0"},
		{"1.e+16", MC_VALUE_REAL, "1e+16"},
		{"0.30000000000000004", MC_VALUE_REAL, "0.30000000000000004"},
		{"-.inf", MC_VALUE_REAL, "-inf"},
		{".NaN", MC_VALUE_REAL, "nan"},
		{"1e3", MC_VALUE_TEXT, "1e3"},
		{"Yes", MC_VALUE_BOOL, "True"},
		{"oFF", MC_VALUE_TEXT, "oFF"},
		{"OFF", MC_VALUE_BOOL, "False"},
		{"y", MC_VALUE_TEXT, "y"},
		{"~", MC_VALUE_NONE, "None"},
		{"2024-02-29", MC_VALUE_DATE, "2024-02-29"},
		{"2024-2-29", MC_VALUE_TEXT, "2024-2-29"},
		{"2001-12-14t21:59:43.10-05:00", MC_VALUE_STRANGE, "a time of day"},
		{"'7'", MC_VALUE_TEXT, "7"},
		{"\"\\u00e9\"", MC_VALUE_TEXT, "\xc3\xa9"},
		{"!!str 7", MC_VALUE_TEXT, "7"},
		{"!!float 1.5", MC_VALUE_REAL, "1.5"},
		{"!!bool yes", MC_VALUE_BOOL, "True"},
		{"! '7'", MC_VALUE_INTEGER, "7"},
		{"!!binary aGVsbG8=", MC_VALUE_STRANGE, "binary data"},
		{"!!set {a, b}", MC_VALUE_STRANGE, "a set"},
		{"", MC_VALUE_NONE, "None"},
	};
	(void)state;
	for (size_t i = 0; i < MC_COUNT(cases); i++) {
		MC_CLEANUP(arena) struct mc_arena arena = {0};
		struct mc_error error = {0};
		struct mc_value *value;
		assert_int_equal(parse(&arena, cases[i].word, false, &value, &error), 0);
		assert_int_equal(value->kind, cases[i].kind);
		assert_string_equal(value->text, cases[i].text);
	}
}

static void test_json_scalars(void **state)
{
	static const struct {
		const char *word, *text;
	} cases[] = {{"-0", "0"}, {"1E400", "inf"}, {"1e2", "100.0"},
		{"12345678901234567890123", "12345678901234567890123"}, {"\"a\\/b\"", "a/b"}, {"\"yes\"", "yes"},
		{"true", "True"}, {"null", "None"}};
	(void)state;
	for (size_t i = 0; i < MC_COUNT(cases); i++) {
		MC_CLEANUP(arena) struct mc_arena arena = {0};
		struct mc_error error = {0};
		struct mc_value *value;
		assert_int_equal(parse(&arena, cases[i].word, true, &value, &error), 0);
		assert_string_equal(value->text, cases[i].text);
	}
}

static void test_nonsense(void **state)
{
	static const struct {
		const char *text, *sentence;
		bool json;
	} cases[] = {
		{"a: [s3cr3t", "it, line 2: did not find expected ',' or ']'", false},
		{"a: s3cr3t\n b: x", "it, line 2: mapping values are not allowed in this context", false},
		{"a: 'x\n", "it, line 2: found unexpected end of stream", false},
		{"a: \x01", "it, line 1: control characters are not allowed", false},
		{"s3cr3t: \xff", "it, line 1: this is no text in UTF-8", false},
		{"a: \"s3cr3t\\0\"", "it, line 1: this text has a NUL in it", false},
		{"a: *b", "it, line 1: nothing before this has the name of this alias", false},
		{"&a {b: *a}", "it, line 1: this alias is inside of what it names", false},
		{"a: &b 1\nc: &b 2", "it, line 2: this anchor's name was used before", false},
		{"? [s3cr3t]\n: x", "it, line 1: this can't be a key", false},
		{"<<: s3cr3t", "it, line 1: << needs a mapping, or a list of mappings", false},
		{"<<: [{a: b}, s3cr3t]", "it, line 1: << needs a mapping, or a list of at most 64 mappings", false},
		{"a: !mine s3cr3t", "it, line 1: this tag can't be understood, or doesn't fit its value", false},
		{"a: !!int s3cr3t", "it, line 1: this tag can't be understood, or doesn't fit its value", false},
		{"a: !!map [s3cr3t]", "it, line 1: this tag can't be understood, or doesn't fit its value", false},
		{"a: =", "it, line 1: this looks like a lone =: quote it", false},
		{"a:\n- 2024-13-01", "it, line 2: this looks like a date of no calendar: quote it", false},
		{"a: 0x_", "it, line 1: this looks like a number that is too large, or has no digits: quote it", false},
		{"a: 0xffffffffffffffffffff",
			"it, line 1: this looks like a number that is too large, or has no digits: quote it", false},
		{"--- 1\n--- 2", "it, line 2: a second document begins here", false},
		{"{\"a\": s3cr3t}", "it, line 1: this looks like no word of JSON: quote it", true},
		{"{\"a\":\n1,}", "it, line 2: this is no JSON", true},
		{"[\"a\nb\"]", "it, line 1: this is no JSON", true},
		{"[\"\\x41\"]", "it, line 1: this is no JSON", true},
		{"[\"\\u00g0\"]", "it, line 1: this is no JSON", true},
		{"[1, # s3cr3t\n2]", "it, line 1: this is no JSON", true},
		{"{'a': 1}", "it, line 1: this is no JSON", true},
		{"[1:2]", "it, line 1: this is no JSON", true},
		{"[1", "it, line 1: this is no JSON", true},
		{"[NaN]", "it, line 1: this looks like no word of JSON: quote it", true},
		{"{\"a\": 1} s3cr3t", "it, line 1: this is no JSON", true},
		{"{\"a\": 01}", "it, line 1: this looks like no word of JSON: quote it", true},
		{"", "it, line 1: this is no JSON", true},
	};
	(void)state;
	for (size_t i = 0; i < MC_COUNT(cases); i++) {
		MC_CLEANUP(arena) struct mc_arena arena = {0};
		struct mc_error error = {0};
		struct mc_value *value;
		assert_int_equal(parse(&arena, cases[i].text, cases[i].json, &value, &error), -EINVAL);
		assert_null(value);
		assert_string_equal(error.message, cases[i].sentence);
	}
}

static void test_mappings(void **state)
{
	MC_CLEANUP(arena) struct mc_arena arena = {0};
	struct mc_error error = {0};
	struct mc_value *value;
	(void)state;
	/* The last of two wins at the place of the first; what is merged comes first, and loses. */
	assert_int_equal(parse(&arena,
				 "m: &m {b: merged, x: m}\nn: &n {x: n, y: n}\n"
				 "t: {a: 1, b: 2, a: 3, <<: [*m, *n], 7: odd, '7': text}\n",
				 false, &value, &error),
		0);
	value = mc_value_get(value, "t");
	assert_int_equal(value->count, 6);
	MC_CLEANUP(buffer) struct mc_buffer keys = {0};
	for (const struct mc_pair *pair = value->first; pair; pair = pair->next)
		mc_buffer_printf(&keys, "%s%s=%s ", pair->key, pair->odd ? "?" : "", pair->value->text);
	assert_string_equal(keys.data, "x=m y=n b=2 a=3 7?=odd 7=text ");
}

/* LEVELS of lists. */
static int parse_deep(size_t levels, struct mc_error *error)
{
	MC_CLEANUP(arena) struct mc_arena arena = {0};
	MC_CLEANUP(buffer) struct mc_buffer text = {0};
	struct mc_value *value;

	for (size_t i = 0; i < 2 * levels; i++)
		mc_buffer_text(&text, i < levels ? "[" : "]");
	return parse(&arena, text.data, false, &value, error);
}

static void test_depth(void **state)
{
	MC_CLEANUP(buffer) struct mc_buffer text = {0};
	MC_CLEANUP(arena) struct mc_arena arena = {0};
	struct mc_error error = {0};
	struct mc_value *value;
	(void)state;
	assert_int_equal(parse_deep(MC_CLOUDS_MAX_DEPTH, &error), 0);
	assert_int_equal(parse_deep(MC_CLOUDS_MAX_DEPTH + 1, &error), -EINVAL);
	assert_string_equal(error.message, "it, line 1: this is nested too deeply");
	assert_int_equal(parse_deep(100000, &error), -EINVAL);
	/* An alias each level. */
	mc_buffer_text(&text, "a0: &a0 [x]\n");
	for (int i = 1; i < 100; i++)
		mc_buffer_printf(&text, "a%d: &a%d [*a%d]\n", i, i, i - 1);
	assert_int_equal(parse(&arena, text.data, false, &value, &error), -EINVAL);
	assert_string_equal(error.message, "it, line 64: this is nested too deeply");
}

/* Each level names the one below it nine times: 9^60 values, in 60 lists. */
static void test_alias_bomb(void **state)
{
	MC_CLEANUP(buffer) struct mc_buffer text = {0};
	MC_CLEANUP(arena) struct mc_arena arena = {0};
	struct mc_error error = {0};
	struct mc_value *value;
	(void)state;
	mc_buffer_text(&text, "a0: &a0 [lol]\n");
	for (int i = 1; i < 60; i++)
		mc_buffer_printf(&text, "a%d: &a%d [*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d]\n", i, i, i - 1,
			i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
	assert_int_equal(parse(&arena, text.data, false, &value, &error), 0);
	assert_true(arena.used < 1024 * 1024);
	/* A copy has an end, too. */
	mc_value_copy(&arena, value);
	assert_int_equal(arena.failed, -E2BIG);
}

static void test_limits(void **state)
{
	struct mc_error error = {0};
	char *text = malloc(MC_CLOUDS_MAX_BYTES + 2);
	struct mc_value *value;
	(void)state;
	assert_non_null(text);
	memset(text, ' ', MC_CLOUDS_MAX_BYTES + 1);
	text[0] = '#';
	for (size_t size = MC_CLOUDS_MAX_BYTES; size <= MC_CLOUDS_MAX_BYTES + 1; size++) {
		MC_CLEANUP(arena) struct mc_arena arena = {.limit = MC_CLOUDS_MAX_TREE};
		text[size] = '\0';
		int r = mc_clouds_parse(&arena, text, size, false, "it", &value, &error);
		assert_int_equal(r, size > MC_CLOUDS_MAX_BYTES ? -EINVAL : 0);
		text[size] = ' ';
	}
	free(text);
	assert_string_equal(error.message, "it: the file is larger than 4 MiB");
	for (int kind = 0; kind < 2; kind++) {
		MC_CLEANUP(buffer) struct mc_buffer many = {0};
		MC_CLEANUP(arena) struct mc_arena arena = {0};
		int count = kind ? MC_CLOUDS_MAX_KEYS + 1 : MC_CLOUDS_MAX_VALUES + 1;
		for (int i = 0; i < count; i++)
			mc_buffer_printf(&many, kind ? "k%d: x\n" : "- x\n", i);
		assert_int_equal(parse(&arena, many.data, false, &value, &error), -EINVAL);
		assert_non_null(strstr(error.message, kind ? "has too many keys" : "there are too many values"));
	}
}

static void test_arena_is_bounded(void **state)
{
	MC_CLEANUP(arena) struct mc_arena arena = {.limit = 1000};
	(void)state;
	assert_non_null(mc_arena_alloc(&arena, 900));
	assert_null(mc_arena_alloc(&arena, 200));
	assert_int_equal(arena.failed, -E2BIG);
	assert_null(mc_value_text(&arena, "x"));
	assert_null(mc_value_copy(&arena, NULL));
	mc_value_set(&arena, NULL, "x", NULL);
	assert_null(mc_value_take(NULL, "x"));
	assert_false(mc_value_holds(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scalars),
		cmocka_unit_test(test_json_scalars),
		cmocka_unit_test(test_nonsense),
		cmocka_unit_test(test_mappings),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_alias_bomb),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_arena_is_bounded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
