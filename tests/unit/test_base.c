/* SPDX-License-Identifier: MIT */
#include "mcloud/buffer.h"
#include "mcloud/call.h"
#include "mcloud/error.h"
#include "mcloud/journal.h"

#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

static void test_error(void **state)
{
	(void)state;
	struct mc_error error = {.http_status = 500, .service = "x"};

	assert_int_equal(mc_error_set(&error, ENOENT, "no user %s", "a\nb\x7f"), -ENOENT);
	assert_string_equal(error.message, "no user a b ");
	assert_int_equal(error.http_status, 0);
	assert_string_equal(error.service, "");
	assert_int_equal(mc_error_context(&error, "rename %d", 7), -ENOENT);
	assert_string_equal(error.message, "rename 7: no user a b ");
	assert_int_equal(mc_error_set(&error, EIO, "<%s>", error.message), -EIO);
	assert_string_equal(error.message, "<rename 7: no user a b >");
	assert_int_equal(mc_error_errno(&error, EACCES, "open %s", "f"), -EACCES);
	assert_string_equal(error.message, "open f: Permission denied");
	assert_int_equal(mc_error_set(NULL, EPERM, "x"), -EPERM);
	assert_int_equal(mc_error_errno(NULL, EPERM, "x"), -EPERM);
	assert_int_equal(mc_error_context(NULL, "x"), -EIO);
	assert_int_equal(mc_error_context(&(struct mc_error){0}, "x"), -EIO);
}

/* A message that is too long is cut between characters. */
static void test_error_cut(void **state)
{
	(void)state;
	struct mc_error error;
	char text[1024];

	for (size_t shift = 0; shift < 4; shift++) {
		memset(text, 'x', shift);
		for (size_t i = shift; i + 3 < sizeof text; i += 3)
			memcpy(text + i, "\xe2\x82\xac", 4);
		mc_error_set(&error, EIO, "%s", text);
		size_t length = strlen(error.message);
		assert_true(length >= sizeof error.message - 4);
		assert_int_equal((length - shift) % 3, 0);
		mc_error_errno(&error, EIO, "%s", text);
		mc_error_context(&error, "%s", text);
		assert_true(strlen(error.message) < sizeof error.message);
	}
	/* What is quoted may be cut, too, or be no UTF-8 at all. */
	mc_error_set(&error, EINVAL, "not \"%.4s\", %s", "ab\xe2\x82\xac", "\xff\xc0\xaf\xed\xa0\x80z\xf0\x9f\x90\xa7");
	assert_string_equal(error.message, "not \"ab\", z\xf0\x9f\x90\xa7");
	mc_error_context(&error, "%.2s", "\xe2\x82\xac");
	assert_string_equal(error.message, ": not \"ab\", z\xf0\x9f\x90\xa7");
}

static void test_error_names(void **state)
{
	(void)state;
	static const struct {
		int code;
		const char *name;
	} cases[] = {{ENOENT, "ENOENT"}, {EEXIST, "EEXIST"}, {EINVAL, "EINVAL"}, {EPERM, "EPERM"}, {EACCES, "EACCES"},
		{EBUSY, "EBUSY"}, {ENOTEMPTY, "ENOTEMPTY"}, {EAGAIN, "EAGAIN"}, {ECONNREFUSED, "ECONNREFUSED"},
		{ETIMEDOUT, "ETIMEDOUT"}, {ENOSPC, "ENOSPC"}, {EDQUOT, "EDQUOT"}, {E2BIG, "E2BIG"}, {EIO, "EIO"},
		{EINTR, "EINTR"}, {ESPIPE, "ESPIPE"}, {0, "EIO"}, {-ENOENT, "EIO"}, {99999, "EIO"}};

	for (size_t i = 0; i < MC_COUNT(cases); i++)
		assert_string_equal(mc_error_name(cases[i].code), cases[i].name);
}

static void test_time(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		double when;
	} cases[] = {{"1970-01-01T00:00:01Z", 1}, {"2026-11-23T01:02:03.5Z", 1795395723.5},
		{"2026-11-23T01:02:03", 1795395723}, {"2026-11-23T03:02:03+02:00", 1795395723},
		{"2026-11-22T23:32:03-01:30", 1795395723}, {"2026-11-23T01:02:03.250000000Z", 1795395723.25},
		{"0001-01-01T00:00:00Z", 0}, {NULL, 0}, {"", 0}, {"2026", 0}, {"2026-13-01T00:00:00Z", 0},
		{"2026-11-23 01:02:03", 0}, {"2026-11-23T24:00:00Z", 0}, {"2026-11-23T01:02:03.Z", 0},
		{"2026-11-23T01:02:03ZZ", 0}, {"2026-11-23T01:02:03+2", 0}, {"2026-11-23T01:02:03+99:00", 0},
		{"-026-11-23T01:02:03Z", 0}, {"2026-11-23T01:02:03.1x", 0}};
	char text[32];

	for (size_t i = 0; i < MC_COUNT(cases); i++)
		if (mc_parse_time(cases[i].text) != cases[i].when)
			fail_msg("%s gives %f", cases[i].text, mc_parse_time(cases[i].text));
	mc_format_time(1795395723.25, text, sizeof text);
	assert_string_equal(text, "2026-11-23T01:02:03.250Z");
	static const double bad[] = {-1, 1e300, 253402300800.0, __builtin_nan("")};
	for (size_t i = 0; i < MC_COUNT(bad); i++) {
		mc_format_time(bad[i], text, sizeof text);
		assert_string_equal(text, "1970-01-01T00:00:00.000Z");
	}
}

static void test_random(void **state)
{
	(void)state;
	char one[2 * 300 + 1], two[2 * 300 + 1];

	assert_int_equal(mc_random_hex(one, 300), 0);
	assert_int_equal(mc_random_hex(two, 300), 0);
	assert_int_equal(strspn(one, "0123456789abcdef"), 600);
	assert_int_equal(strlen(one), 600);
	assert_string_not_equal(one, two);
}

static void test_buffer(void **state)
{
	(void)state;
	struct mc_buffer buffer = {0};
	char *expected = malloc(100001), *text;
	size_t size;

	memset(expected, 'x', 100000);
	expected[100000] = '\0';
	mc_buffer_add(&buffer, NULL, 0);
	assert_string_equal(buffer.data, "");
	for (int i = 0; i < 100000; i += 1000)
		mc_buffer_printf(&buffer, "%.*s", 1000, expected);
	assert_int_equal(buffer.size, 100000);
	assert_string_equal(buffer.data, expected);
	mc_buffer_drop(&buffer, 99998);
	assert_string_equal(buffer.data, "xx");
	mc_buffer_text(&buffer, "y");
	mc_buffer_add(&buffer, "\0z", 2);
	assert_int_equal(buffer.size, 5);
	char taken[8] = "";
	assert_int_equal(mc_buffer_take(&buffer, taken, 2), 2);
	assert_int_equal(mc_buffer_take(&buffer, taken + 2, 6), 3);
	assert_memory_equal(taken, "xxy\0z\0\0\0", 8);
	assert_int_equal(mc_buffer_take(&buffer, taken, 8), 0);
	mc_buffer_text(&buffer, "again");
	mc_buffer_drop(&buffer, 100);
	assert_int_equal(buffer.size, 0);
	text = mc_buffer_steal(&buffer, &size);
	assert_string_equal(text, "");
	assert_null(buffer.data);
	free(text);
	text = mc_buffer_steal(&buffer, &size);
	assert_string_equal(text, "");
	free(text);
	free(expected);
	/* What can't be had is remembered, and what was there stays whole. */
	mc_buffer_text(&buffer, "ab");
	mc_buffer_add(&buffer, "", SIZE_MAX - 1);
	mc_buffer_text(&buffer, "cd");
	assert_int_equal(buffer.failed, -ENOMEM);
	assert_string_equal(buffer.data, "ab");
	assert_null(mc_buffer_steal(&buffer, NULL));
}

static void *wait_long(void *data)
{
	return (void *)(intptr_t)mc_call_pause(data, 20000);
}

/* A deadline is put off, never brought forward. */
static void test_call_extend(void **state)
{
	(void)state;
	struct mc_call *call = mc_call_new(0);

	assert_int_equal(mc_call_check(call), -ETIMEDOUT);
	mc_call_extend(call, 20000);
	assert_int_equal(mc_call_check(call), 0);
	mc_call_extend(call, 1);
	assert_in_range(mc_call_remaining_ms(call), 10000, 20000);
	mc_call_unref(call);
	call = mc_call_new(-1);
	mc_call_extend(call, 1);
	assert_int_equal(mc_call_remaining_ms(call), -1);
	mc_call_unref(call);
}

static void test_call(void **state)
{
	(void)state;
	struct mc_call *call = mc_call_new(-1);
	pthread_t thread;
	void *result;

	assert_int_equal(mc_call_remaining_ms(call), -1);
	assert_int_equal(mc_call_check(call), 0);
	assert_int_equal(mc_call_pause(call, 1), 0);
	assert_int_equal(pthread_create(&thread, NULL, wait_long, call), 0);
	int64_t begin = mc_now_ms();
	mc_call_cancel(mc_call_ref(call));
	mc_call_cancel(call);
	pthread_join(thread, &result);
	assert_int_equal((intptr_t)result, -EINTR);
	assert_true(mc_now_ms() - begin < 10000);
	struct pollfd fd = {.fd = mc_call_fd(call), .events = POLLIN};
	assert_int_equal(poll(&fd, 1, 0), 1);
	assert_true(mc_call_cancelled(call));
	mc_call_unref(call);
	mc_call_unref(call);

	/* Cancelled before anybody asked for the descriptor. */
	call = mc_call_new(60000);
	assert_in_range(mc_call_remaining_ms(call), 50000, 60000);
	mc_call_cancel(call);
	fd.fd = mc_call_fd(call);
	assert_int_equal(poll(&fd, 1, 0), 1);
	mc_call_unref(call);

	call = mc_call_new(20);
	assert_int_equal(mc_call_pause(call, 20000), -ETIMEDOUT);
	assert_int_equal(mc_call_remaining_ms(call), 0);
	mc_call_unref(call);
	mc_call_unref(NULL);
}

static void test_journal(void **state)
{
	(void)state;
	struct mc_journal *journal = mc_journal_new();
	MC_CLEANUP(buffer) struct mc_buffer out = {0};
	char call[300];

	memset(call, 'x', sizeof call);
	call[sizeof call - 1] = '\0';
	for (int i = 0; i < 1500; i++) {
		snprintf(call, sizeof call, "GET /%d", i);
		mc_journal_add(journal, "keystone-\"Kista\"", call, i % 3 ? 200 : 503, 500);
	}
	mc_journal_add(journal, "engine\n", "POST\n/x", -ETIMEDOUT, 1.25);
	memset(call, 'y', sizeof call - 1);
	mc_journal_add(journal, "engine", call, 0, 0);
	mc_journal_show(journal, &out);
	size_t lines = 0;
	for (const char *at = out.data; (at = strchr(at, '\n')); at++)
		lines++;
	assert_int_equal(lines, 1000);
	assert_null(strstr(out.data, "GET /501 "));
	assert_non_null(strstr(out.data, "GET /502 200 500.000\n"));
	assert_non_null(strstr(out.data, "Z engine? POST?/x ETIMEDOUT 1.250\n"));
	assert_null(strstr(out.data, call));
	mc_journal_free(journal);
}

static void test_wipe_json(void **state)
{
	cJSON *json = cJSON_Parse("{\"a\": \"one\", \"b\": [\"two\", {\"c\": \"three\"}], \"d\": 4, \"e\": null}");
	(void)state;
	mc_wipe_json(NULL);
	mc_wipe_json(json);
	char *text = cJSON_PrintUnformatted(json);
	assert_string_equal(text, "{\"a\":\"\",\"b\":[\"\",{\"c\":\"\"}],\"d\":4,\"e\":null}");
	cJSON_free(text);
	cJSON_Delete(json);
}

/* The values that draft-eastlake-fnv gives. */
static void test_hash(void **state)
{
	(void)state;
	assert_true(mc_hash(MC_HASH_START, "", 0) == UINT64_C(0xcbf29ce484222325));
	assert_true(mc_hash(MC_HASH_START, "a", 1) == UINT64_C(0xaf63dc4c8601ec8c));
	assert_true(mc_hash(MC_HASH_START, "foobar", 6) == UINT64_C(0x85944171f73967e8));
	assert_true(mc_hash(mc_hash(MC_HASH_START, "foo", 3), "bar", 3) == UINT64_C(0x85944171f73967e8));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hash),
		cmocka_unit_test(test_wipe_json),
		cmocka_unit_test(test_error),
		cmocka_unit_test(test_error_cut),
		cmocka_unit_test(test_error_names),
		cmocka_unit_test(test_time),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_buffer),
		cmocka_unit_test(test_call),
		cmocka_unit_test(test_call_extend),
		cmocka_unit_test(test_journal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
