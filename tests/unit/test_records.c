/* SPDX-License-Identifier: MIT */
#include "fs/records.h"

#include "mcloud/buffer.h"
#include "mcloud/util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *const fields[] = {"name", "password", "email", "enabled", NULL};

/* "2:bob,-,x@y,true;" of a record, "3!E2BIG reason;" of a bad one. */
static void add(struct mc_buffer *seen, int result, const struct mc_record *record, const struct mc_error *error)
{
	if (result == 0)
		return;
	if (result < 0) {
		assert_int_equal(error->code, -result);
		mc_buffer_printf(seen, "%lu!%s %s;", record->line, mc_error_name(-result), error->message);
		return;
	}
	mc_buffer_printf(seen, "%lu:", record->line);
	for (size_t i = 0; fields[i]; i++)
		mc_buffer_printf(seen, "%s%s", i ? "," : "", record->values[i] ? record->values[i] : "-");
	mc_buffer_text(seen, ";");
}

/* What is read of TEXT in pieces of PIECE bytes. */
static void read_in_pieces(
	struct mc_records *records, const char *text, size_t size, size_t piece, struct mc_buffer *seen)
{
	struct mc_record record = {0};
	struct mc_error error = {0};

	for (size_t at = 0; at < size && !mc_records_spoilt(records);) {
		/* A copy of its own, so that the sanitizer sees every byte read past it. */
		size_t part = size - at < piece ? size - at : piece, used;
		char *copy = malloc(part);
		assert_non_null(copy);
		memcpy(copy, text + at, part);
		int result = mc_records_next(records, copy, part, &used, &record, &error);
		assert_true(used <= part && (result != 0 || used == part));
		add(seen, result, &record, &error);
		free(copy);
		at += used;
	}
	int result = mc_records_end(records, &record, &error);
	add(seen, result, &record, &error);
}

static void check_read(const char *what, const char *text, size_t size, const char *expected)
{
	static const size_t pieces[] = {1, 2, 3, 7, 1 << 20};

	for (size_t i = 0; i < MC_COUNT(pieces); i++) {
		struct mc_records *records = mc_records_new("users", fields);
		MC_CLEANUP(buffer) struct mc_buffer seen = {0};
		assert_non_null(records);
		/* Twice: what ends leaves nothing behind. */
		for (int turn = 0; turn < 2; turn++) {
			read_in_pieces(records, text, size, pieces[i], &seen);
			const char *found = seen.data ? seen.data : "";
			if (strcmp(found, expected) != 0)
				fail_msg("%s, by %zu, turn %d: \"%s\"", what, pieces[i], turn, found);
			mc_buffer_free(&seen);
			seen = (struct mc_buffer){0};
		}
		mc_records_free(records);
	}
}

#define QUOTES                                                                                                         \
	"!EINVAL a quote stands within a field, or isn't closed: quote the whole field, and double the quotes in it;"
#define HAVE "(name, password, email, enabled)"

static const struct {
	const char *what, *text, *expected;
} good[] = {
	{"nothing", "", ""},
	{"blank", "\r\n \n", ""},
	{"a header alone", "name,email\r\n", ""},
	{"a header without its newline", "name,email", ""},
	{"one", "name\nbob\n", "2:bob,-,-,-;"},
	{"without the last newline", "name\nbob", "2:bob,-,-,-;"},
	{"CRLF, in any order", "email,name\r\nx@y,bob\r\n,al\r\n", "2:bob,-,x@y,-;3:al,-,-,-;"},
	{"a mark", "\xef\xbb\xbfname\nbob\n", "2:bob,-,-,-;"},
	{"empty is nothing, quoted it is empty", "name,email,enabled\nbob,\"\",\n", "2:bob,-,,-;"},
	{"commas, quotes and newlines", "name,password\n\"a,\"\"b\"\"\r\nc\",\" \"\nd,e\n",
		"2:a,\"b\"\r\nc, ,-,-;4:d,e,-,-;"},
	{"a quoted header", "\"name\",\"email\"\nbob,x\n", "2:bob,-,x,-;"},
	{"empty lines", "name\n\nbob\n\n\nal\n", "3:bob,-,-,-;6:al,-,-,-;"},
	{"blanks are of the field", "name\n bob \n", "2: bob ,-,-,-;"},
	{"a header once more", "name,email\nbob,x\nname,email\nal,y\n", "2:bob,-,x,-;4:al,-,y,-;"},
	{"UTF-8", "name\n\xc3\xa5sa\n", "2:\xc3\xa5sa,-,-,-;"},
	{"JSON",
		"{\"name\":\"bob\",\"enabled\":false,\"email\":null,\"password\":\"\"}\n{\"enabled\":true,\"name\":"
		"\"al\"}",
		"1:bob,,-,false;2:al,-,-,true;"},
	{"JSON with blanks", "\xef\xbb\xbf\n  {\"name\": \"b\\u00e5\\n\"}\r\n\r\n{ \"name\" : \"c\" }\n",
		"2:b\xc3\xa5\n,-,-,-;4:c,-,-,-;"},
	{"an escaped backslash", "{\"name\":\"a\\\\u0000\"}\n", "1:a\\u0000,-,-,-;"},
};

static const struct {
	const char *what, *text, *expected;
} bad[] = {
	{"a field that is none", "name,quota\nbob,1\n",
		"1!EINVAL field 2 of the first row is none that users have " HAVE ": take one of these;"},
	{"one that is nearly one", "name,emial\nbob,1\n",
		"1!EINVAL field 2 of the first row is none that users have " HAVE ": did you mean email?;"},
	{"no header, and nothing of it is told", "bob,s3cret\n",
		"1!EINVAL field 1 of the first row is none that users have " HAVE ": take one of these;"},
	{"a header twice", "name,email,name\n", "1!EINVAL the first row names name twice: once is enough;"},
	{"a header without the name", "email,password\nx,y\n",
		"1!EINVAL the first row doesn't name the field name: it has to name the fields;"},
	{"a header with wrong quotes", "\"name\n", "1!EINVAL it ends within quotes: close them;"},
	{"too few", "name,email\nbob\nal,x\n",
		"2!EINVAL it has 1 fields, and the first row 2: put a field with a comma in it in quotes;3:al,-,x,-;"},
	{"too many", "name,email\nbob,a,b,c,d,e,f,g,h,i\nal,x\n",
		"2!EINVAL it has 10 fields, and the first row 2: put a field with a comma in it in quotes;3:al,-,x,-;"},
	{"no name", "name,email\n,x\n\"\",y\n",
		"2!EINVAL it has no name: give it one;3!EINVAL it has no name: give it one;"},
	{"a quote in a field", "name\nb\"ob\nal\n", "2" QUOTES "3:al,-,-,-;"},
	{"behind the quotes", "name\n\"bob\"x\nal\n", "2" QUOTES "3:al,-,-,-;"},
	{"not closed", "name\nal\n\"bob\nx\n", "2:al,-,-,-;3!EINVAL it ends within quotes: close them;"},
	{"not UTF-8", "name\nb\xe5\nal\n", "2!EINVAL it isn't UTF-8: iconv makes it so;3:al,-,-,-;"},
	{"half a mark", "\xef\xbbname\n", "1!EINVAL it isn't UTF-8: iconv makes it so;"},
	{"half a line", "{\"name\":\"a\"}\n{\"name\":\"b\"\n{\"name\":\"c\"}\n",
		"1:a,-,-,-;2!EINVAL it is no JSON object on one line: jq -c writes such lines;3:c,-,-,-;"},
	{"more on a line", "{\"name\":\"a\"} {\"name\":\"b\"}\n",
		"1!EINVAL it is no JSON object on one line: jq -c writes such lines;"},
	{"a list", "{\"name\":\"a\"}\n[]\n\"x\"\n",
		"1:a,-,-,-;2!EINVAL it is no JSON object on one line: jq -c writes such lines;3!EINVAL it is no JSON "
		"object on one line: jq -c writes such lines;"},
	{"a number", "{\"name\":\"a\",\"password\":12345}\n",
		"1!EINVAL password is neither text, true, false nor null: put it in quotes;"},
	{"no field", "{\"name\":\"a\",\"pasword\":\"x\"}\n",
		"1!EINVAL a field is none that users have " HAVE ": did you mean password?;"},
	{"twice", "{\"name\":\"a\",\"name\":\"b\"}\n", "1!EINVAL name is there twice: once is enough;"},
	{"nameless", "{\"email\":\"a\"}\n{}\n",
		"1!EINVAL it has no name: give it one;2!EINVAL it has no name: give it one;"},
	{"NUL", "{\"name\":\"a\\u0000b\"}\n", "1!EINVAL a text has NUL in it: leave it out;"},
};

static void test_good(void **state)
{
	(void)state;
	for (size_t i = 0; i < MC_COUNT(good); i++)
		check_read(good[i].what, good[i].text, strlen(good[i].text), good[i].expected);
}

static void test_bad(void **state)
{
	(void)state;
	for (size_t i = 0; i < MC_COUNT(bad); i++)
		check_read(bad[i].what, bad[i].text, strlen(bad[i].text), bad[i].expected);
}

static void test_nul(void **state)
{
	(void)state;
	static const char text[] = "name\nb\0b\nal\n";

	check_read("NUL", text, sizeof(text) - 1, "2!EINVAL it has NUL in it: leave it out;3:al,-,-,-;");
}

/* A row as large as one may be is taken, a larger one refused, and what comes behind it read. */
static void test_limit(void **state)
{
	(void)state;
	char *text = malloc(3 * MC_RECORD_LIMIT), *expected = malloc(3 * MC_RECORD_LIMIT);

	assert_true(text && expected);
	for (int more = 0; more < 2; more++) {
		int length = MC_RECORD_LIMIT + more;
		int size = sprintf(text, "name\n%0*d\nal\n", length, 1);
		if (more)
			sprintf(expected, "2!E2BIG it has more than 64 KiB: perhaps a quote isn't closed;3:al,-,-,-;");
		else
			sprintf(expected, "2:%0*d,-,-,-;3:al,-,-,-;", length, 1);
		check_read("limit", text, (size_t)size, expected);
	}
	free(text);
	free(expected);
}

/* What is dropped in the middle of a record leaves nothing of it. */
static void test_drop(void **state)
{
	(void)state;
	static const char begun[] = "name,email\nbob,\"x";
	struct mc_records *records = mc_records_new("users", fields);
	MC_CLEANUP(buffer) struct mc_buffer seen = {0};
	struct mc_record record;
	struct mc_error error;
	size_t used;

	assert_int_equal(mc_records_next(records, begun, sizeof(begun) - 1, &used, &record, &error), 0);
	mc_records_drop(records);
	read_in_pieces(records, "name\nal\n", 8, 1 << 20, &seen);
	assert_string_equal(seen.data, "2:al,-,-,-;");
	mc_records_free(records);
	mc_records_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_nul),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_drop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
