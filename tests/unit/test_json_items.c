/* SPDX-License-Identifier: MIT */
#include "backends/openstack/json_items.h"

#include "mcloud/util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* What came of a document: the names of its items, a blank behind each. */
struct seen {
	char names[256];
	int stop_after; /* 0: never */
	int count;
	bool truncated, has_next;
};

static int see(void *data, const cJSON *item)
{
	struct seen *seen = data;
	const char *name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, "name"));

	snprintf(
		seen->names + strlen(seen->names), sizeof(seen->names) - strlen(seen->names), "%s ", name ? name : "-");
	return ++seen->count == seen->stop_after ? -ENOTEMPTY : 0;
}

/* Feeds TEXT in pieces of PIECE bytes. */
static int scan(const char *text, size_t piece, struct seen *seen)
{
	struct mc_json_items items = {.member = "users", .on_item = see, .data = seen};
	size_t size = strlen(text);

	for (size_t at = 0; at < size; at += piece) {
		/* A copy of its own, so that the sanitizer sees every byte read past it. */
		size_t part = size - at < piece ? size - at : piece;
		MC_CLEANUP(free_pointer) char *copy = malloc(part);
		memcpy(copy, text + at, part);
		int result = mc_json_items_feed(&items, copy, part);
		if (result != 0) {
			mc_json_items_clear(&items);
			return result;
		}
	}
	int result = mc_json_items_end(&items);
	seen->truncated = items.truncated;
	seen->has_next = items.has_next;
	return result;
}

static void test_table(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int result;
		const char *names;
	} cases[] = {
		{"{\"users\": []}", 0, ""},
		{"{\"users\": [{\"name\": \"a\"}]}", 0, "a "},
		{" { \"links\": {\"next\": null}, \"users\" : [ {\"name\":\"a\"} , {\"name\":\"b\"} ] , "
		 "\"truncated\":true } \n",
			0, "a b "},
		{"{\"users\":[{\"name\":\"}]\\\"{\\\\\"},{\"name\":\"x\"}]}", 0, "}]\"{\\ x "},
		{"{\"users\":[{\"name\":\"\\u00e5\",\"deep\":{\"a\":[[{}],{\"users\":[{\"name\":\"no\"}]}]}}]}", 0,
			"\xc3\xa5 "},
		{"{\"x\":\"users\",\"users\":[{}]}", 0, "- "},
		{"{\"x\":{\"users\":[{\"name\":\"no\"}]},\"users\":[]}", 0, ""},
		{"{\"x\":[{\"users\":[{\"name\":\"no\"}]}],\"users\":[{\"name\":\"yes\"}]}", 0, "yes "},
		{"", -EBADMSG, ""},
		{"<html>503</html>", -EBADMSG, ""},
		{"[]", -EBADMSG, ""},
		{"null", -EBADMSG, ""},
		{"{}", -EBADMSG, ""},
		{"{\"error\": {\"code\": 500}}", -EBADMSG, ""},
		{"{\"users\": null}", -EBADMSG, ""},
		{"{\"users\": {}}", -EBADMSG, ""},
		{"{\"users\": \"[{}]\"}", -EBADMSG, ""},
		{"{\"user\": [{}]}", -EBADMSG, ""},
		{"{\"users\": [{\"name\":\"a\"}", -EBADMSG, "a "},
		{"{\"users\": [{\"name\":\"a\"},", -EBADMSG, "a "},
		{"{\"users\": [{\"name\":\"a\"}, {\"name\":\"b", -EBADMSG, "a "},
		{"{\"users\": [{\"name\":\"a\"}]", -EBADMSG, "a "},
		{"{\"users\": [{\"name\":\"a\"}]}}", -EBADMSG, "a "},
		{"{\"users\": []} {\"users\": []}", -EBADMSG, ""},
		{"{\"users\": [], \"users\": [{}]}", -EBADMSG, ""},
		{"{\"users\": [1]}", -EBADMSG, ""},
		{"{\"users\": [\"a\"]}", -EBADMSG, ""},
		{"{\"users\": [[{}]]}", -EBADMSG, ""},
		{"{\"users\": [{}{}]}", -EBADMSG, "- "},
		{"{\"users\": [,{}]}", -EBADMSG, ""},
		{"{\"users\": [{}}", -EBADMSG, "- "},
		{"{\"users\": [{]}", -EBADMSG, ""},
		{"{\"users\": [{name: 1}]}", -EBADMSG, ""},
		{"{\"users\": [{\"name\" \"a\"}]}", -EBADMSG, ""},
		{"{\"users\": [{\"name\": \"\\q\"}]}", -EBADMSG, ""},
		{"\"users\": [{}]", -EBADMSG, ""},
	};

	for (size_t i = 0; i < MC_COUNT(cases); i++) {
		for (size_t piece = 1; piece < 80; piece = piece < 8 ? piece + 1 : piece * 3) {
			struct seen seen = {0};
			int result = scan(cases[i].text, piece, &seen);
			if (result != cases[i].result || strcmp(seen.names, cases[i].names) != 0)
				fail_msg("%s in pieces of %zu: %d, \"%s\"", cases[i].text, piece, result, seen.names);
		}
	}
}

/* Whether the service says that there is more than it gives. */
static void test_truncated(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		bool is, has_next;
	} cases[] = {
		{"{\"users\": []}", false},
		{"{\"users\": [{\"name\":\"a\"}], \"truncated\" : true}", true},
		{"{\"truncated\":true,\"users\": [{\"name\":\"a\"}], \"links\":{\"next\":null}}", true},
		{"{\"users\": [], \"truncated\":false}", false},
		{"{\"users\": [], \"truncated\":null, \"other\":true}", false},
		{"{\"users\": [], \"truncated\":\"true\"}", false},
		{"{\"users\": [], \"x\":{\"truncated\":true}}", false},
		{"{\"users\": [{\"truncated\":true}]}", false},
		{"{\"users\": [], \"x\":\"truncated\", \"y\":true}", false},
		{"{\"links\" : {\"self\":\"a\", \"next\" : \"b\"}, \"users\": []}", false, true},
		{"{\"users\": [{\"links\":{\"next\":\"a\"}}], \"links\":{\"next\":\"}]\\\"\"},\"truncated\":true}",
			true, true},
		{"{\"users\": [{\"links\":{\"next\":\"a\"}}], \"links\":{\"x\":{\"next\":\"b\"}}}", false},
		{"{\"users\": [], \"links\":{\"next\":null}, \"next\":\"b\"}", false},
		{"{\"users\": [], \"links\":{\"next\":7}, \"x\":{\"links\":{\"next\":\"b\"}}}", false},
		{"{\"users\": [], \"links\":[{\"next\":\"b\"}]}", false},
		{"{\"users\": [], \"links\":null}", false},
	};

	for (size_t i = 0; i < MC_COUNT(cases); i++) {
		for (size_t piece = 1; piece < 80; piece = piece < 8 ? piece + 1 : piece * 3) {
			struct seen seen = {0};
			assert_int_equal(scan(cases[i].text, piece, &seen), 0);
			if (seen.truncated != cases[i].is || seen.has_next != cases[i].has_next)
				fail_msg("%s in pieces of %zu", cases[i].text, piece);
		}
	}
}

static void test_stop(void **state)
{
	(void)state;
	struct seen seen = {.stop_after = 2};

	assert_int_equal(
		scan("{\"users\":[{\"name\":\"a\"},{\"name\":\"b\"},{\"name\":\"c\"}]}", 1000, &seen), -ENOTEMPTY);
	assert_string_equal(seen.names, "a b ");
}

static int feed_text(struct mc_json_items *items, const char *text)
{
	return mc_json_items_feed(items, text, strlen(text));
}

static void test_limits(void **state)
{
	(void)state;
	static char much[256 * 1024];
	struct seen seen = {0};
	struct mc_json_items items = {.member = "users", .on_item = see, .data = &seen};
	int result = feed_text(&items, "{\"users\":[{\"name\":\"");

	memset(much, 'x', sizeof(much));
	for (int i = 0; i < 5 && result == 0; i++)
		result = mc_json_items_feed(&items, much, sizeof(much));
	assert_int_equal(result, -EFBIG);
	mc_json_items_clear(&items);

	memset(much, '[', sizeof(much));
	items = (struct mc_json_items){.member = "users", .on_item = see, .data = &seen};
	assert_int_equal(feed_text(&items, "{\"x\":"), 0);
	assert_int_equal(mc_json_items_feed(&items, much, sizeof(much)), -EBADMSG);
	mc_json_items_clear(&items);
	assert_int_equal(seen.count, 0);
}

/* A long list is not held: what is kept is less than one piece of it. */
static void test_memory(void **state)
{
	(void)state;
	struct seen seen = {.stop_after = -1};
	struct mc_json_items items = {.member = "users", .on_item = see, .data = &seen};
	char item[200];

	assert_int_equal(feed_text(&items, "{\"users\":["), 0);
	for (int i = 0; i < 50000; i++) {
		snprintf(item, sizeof(item),
			"%s{\"name\":\"u\",\"links\":{\"self\":\"http://127.0.0.1/v3/users/%08d\"}}", i ? "," : "", i);
		seen.names[0] = '\0';
		assert_int_equal(feed_text(&items, item), 0);
		assert_true(items.item.capacity < 4096);
	}
	assert_int_equal(feed_text(&items, "]}"), 0);
	assert_int_equal(mc_json_items_end(&items), 0);
	assert_int_equal(seen.count, 50000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_stop),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
