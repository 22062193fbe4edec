/* SPDX-License-Identifier: MIT */
#include "fs/control.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a verb was run with, by way of the ask's cloud. */
struct mc_cloud {
	char told[256];
};

static int tell(struct mc_ask *ask, char **words, unsigned n_words)
{
	size_t size = 0;

	for (unsigned i = 0; i < n_words; i++)
		size += (size_t)snprintf(ask->cloud->told + size, sizeof ask->cloud->told - size, "[%s]", words[i]);
	if (!n_words)
		snprintf(ask->cloud->told, sizeof ask->cloud->told, "nothing");
	return 0;
}

static int fail_busy(struct mc_ask *ask, char **words, unsigned n_words)
{
	(void)words;
	(void)n_words;
	return mc_error_set(ask->error, EBUSY, "not now");
}

static bool never(struct mc_ask *ask)
{
	(void)ask;
	return false;
}

static const struct mc_verb verbs[] = {
	{"start", "", "starts it", 0, 0, tell, NULL},
	{"kill", "[SIGNAL]", "kills it", 0, 1, tell, NULL},
	{"many", "WORD...", "", 1, 99, tell, NULL},
	{"busy", "", "can't be done", 0, 0, fail_busy, never},
	{0},
};

static int run(const char *text, struct mc_cloud *cloud, struct mc_error *error)
{
	struct mc_ask ask = {.cloud = cloud, .error = error};
	char *line = strdup(text);

	*cloud = (struct mc_cloud){0};
	*error = (struct mc_error){0};
	int result = mc_control_run(&ask, verbs, line);
	free(line);
	return result;
}

static void test_lines(void **state)
{
	static const struct {
		const char *line, *told;
	} good[] = {
		{"start", "nothing"},
		{"  start\t ", "nothing"},
		{"kill", "nothing"},
		{"kill HUP", "[HUP]"},
		{"kill \"HUP\"", "[\"HUP\"]"},
		{"many a b c", "[a][b][c]"},
		{"many 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15", "[1][2][3][4][5][6][7][8][9][10][11][12][13][14][15]"},
	};
	struct mc_cloud cloud;
	struct mc_error error;

	(void)state;
	for (size_t i = 0; i < MC_COUNT(good); i++) {
		assert_int_equal(run(good[i].line, &cloud, &error), 0);
		assert_string_equal(cloud.told, good[i].told);
	}
	assert_int_equal(run("busy", &cloud, &error), -EBUSY);
	assert_string_equal(error.message, "not now");
}

static void test_bad_lines(void **state)
{
	static const struct {
		const char *line, *why;
	} bad[] = {
		{"", "an empty line is no command"},
		{" \t ", "an empty line is no command"},
		{"star", "\"star\" is no command here: it takes start, kill, many, busy; did you mean start?"},
		{"START", "\"START\" is no command here: it takes start, kill, many, busy; did you mean start?"},
		{"destroy", "\"destroy\" is no command here: it takes start, kill, many, busy"},
		{"start now", "start takes nothing, not 1 words"},
		{"kill HUP TERM", "kill takes [SIGNAL], not 2 words"},
		{"many", "many takes WORD..., not 0 words"},
		{"many 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16", "many takes WORD..., not 16 words"},
		{"start\nkill", "several lines"},
		{"\nstart", "several lines"},
		{"start\r", "is no command here"},
	};
	struct mc_cloud cloud;
	struct mc_error error;

	(void)state;
	for (size_t i = 0; i < MC_COUNT(bad); i++) {
		assert_int_equal(run(bad[i].line, &cloud, &error), -EINVAL);
		assert_string_equal(cloud.told, "");
		assert_int_equal(error.code, EINVAL);
		assert_non_null(strstr(error.message, bad[i].why));
	}
	assert_int_equal(run("destroy", &cloud, &error), -EINVAL);
	assert_null(strstr(error.message, "did you mean"));
	/* A long word doesn't become a long sentence. */
	char *line = malloc(MC_WRITE_MAX + 1);
	assert_non_null(line);
	memset(line, 'x', MC_WRITE_MAX);
	line[MC_WRITE_MAX] = '\0';
	assert_int_equal(run(line, &cloud, &error), -EINVAL);
	assert_true(strlen(error.message) < 200);
	for (size_t i = 0; i < MC_WRITE_MAX; i += 2)
		line[i] = ' ';
	assert_int_equal(run(line, &cloud, &error), -EINVAL);
	free(line);
}

static void test_several_lines(void **state)
{
	static const struct {
		const char *text;
		int result;
		const char *told, *why;
	} cases[] = {
		{"start", 0, "nothing", ""},
		{"kill A\nkill B", 0, "[B]", ""},
		{"\n\nkill A\n \t\n", 0, "[A]", ""},
		{"kill A\nbusy\nkill B", -EBUSY, "[A]", "line 2: not now"},
		{"kill A\n\nstar\nkill B", -EINVAL, "[A]", "line 3: \"star\" is no command"},
		{"busy", -EBUSY, "", "not now"},
		{"", -EINVAL, "", "an empty line is no command"},
		{"\n \n", -EINVAL, "", "an empty line is no command"},
	};

	(void)state;
	for (size_t i = 0; i < MC_COUNT(cases); i++) {
		struct mc_error error = {0};
		struct mc_cloud cloud = {0};
		struct mc_ask ask = {.cloud = &cloud, .error = &error};
		char *text = strdup(cases[i].text);
		assert_int_equal(mc_control_run_lines(&ask, verbs, text), cases[i].result);
		free(text);
		assert_string_equal(cloud.told, cases[i].told);
		assert_true(!strncmp(error.message, cases[i].why, strlen(cases[i].why)));
		assert_int_equal(error.code, -cases[i].result);
	}
}

static void test_show(void **state)
{
	MC_CLEANUP(buffer) struct mc_buffer text = {0};
	struct mc_ask ask = {0};

	(void)state;
	mc_control_show(&ask, verbs, &text);
	assert_string_equal(text.data, "start    starts it\nkill [SIGNAL]    kills it\nmany WORD...\n");
}

static void test_value(void **state)
{
	static const struct {
		const char *bytes;
		size_t size;
		const char *value;
	} values[] = {{"", 0, ""}, {"\n", 1, ""}, {"\n\n", 2, "\n"}, {"a", 1, "a"}, {"a\n", 2, "a"},
		{"a\nb\n", 4, "a\nb"}, {"a \r\n", 4, "a \r"}};
	struct mc_error error = {0};
	static char big[MC_WRITE_MAX + 1];
	char *value = NULL;
	size_t size;

	(void)state;
	for (size_t i = 0; i < MC_COUNT(values); i++) {
		assert_int_equal(mc_control_value(values[i].bytes, values[i].size, &value, &size, &error), 0);
		assert_string_equal(value, values[i].value);
		assert_int_equal(size, strlen(values[i].value));
		free(value);
	}
	assert_int_equal(mc_control_value("a\0b", 3, &value, &size, &error), -EINVAL);
	assert_int_equal(mc_control_value("\0", 1, &value, &size, &error), -EINVAL);
	memset(big, 'x', sizeof big);
	assert_int_equal(mc_control_value(big, sizeof big, &value, &size, &error), -E2BIG);
	assert_int_equal(mc_control_value(big, MC_WRITE_MAX, &value, &size, &error), 0);
	assert_int_equal(size, MC_WRITE_MAX);
	free(value);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_bad_lines),
		cmocka_unit_test(test_several_lines),
		cmocka_unit_test(test_show),
		cmocka_unit_test(test_value),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
