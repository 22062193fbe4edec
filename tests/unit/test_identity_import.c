/* SPDX-License-Identifier: MIT */
#include "identity_tree_world.h"

#include <fcntl.h>

/* users/D/import and import.result, with records that are done by a backend of the test's own. */

static struct mc_error error;
#define USERS (mc_tree_user_domains.entry)
#define PROJECTS (mc_tree_project_domains.entry)

static const struct mc_row *row_of(const struct mc_row *directory, const char *name)
{
	for (const struct mc_row *row = directory->directory->rows; row && row->name; row++)
		if (!strcmp(row->name, name))
			return row;
	fail_msg("there is no %s", name);
	return NULL;
}

/* One open import: what is written, and how its close ends. */
struct open_import {
	struct mc_node node;
	struct mc_ask ask;
	const struct mc_file_type *file;
	void *state;
	int64_t offset;
};

static void begin(struct open_import *import, const struct mc_row *directory)
{
	*import = (struct open_import){.node = {.row = row_of(directory, "import"), .keys = {[MC_KEY_DOMAIN] = "d"}}};
	import->ask = (struct mc_ask){.node = &import->node, .error = &error, .call = mc_call_new(-1)};
	import->file = import->node.row->file;
	error = (struct mc_error){0};
	assert_int_equal(import->file->open(&import->ask, O_WRONLY, &import->state), 0);
}

static ssize_t write_text(struct open_import *import, const char *text)
{
	ssize_t done = import->file->write(&import->ask, import->state, text, strlen(text), import->offset);

	if (done > 0)
		import->offset += done;
	return done;
}

static int end(struct open_import *import)
{
	int result = import->file->flush(&import->ask, import->state);

	import->file->release(NULL, import->state);
	mc_call_unref(import->ask.call);
	return result;
}

static void check_result(const struct mc_row *directory, const char *expected)
{
	struct mc_node node = {.row = row_of(directory, "import.result"), .keys = {[MC_KEY_DOMAIN] = "d"}};
	struct mc_ask ask = {.node = &node, .error = &error};
	MC_CLEANUP(buffer) struct mc_buffer out = {0};

	assert_int_equal(node.row->show(&ask, &out), 0);
	assert_string_equal(out.data ? out.data : "", expected);
}

static void test_import(void **state)
{
	(void)state;
	struct open_import import;

	check_result(USERS, "");
	begin(&import, USERS);
	assert_int_equal(write_text(&import, "name,password,email,description,enab"), 36);
	assert_int_equal(write_text(&import, "led\nnew1,\"s,3\",a@b,"), 19);
	assert_int_equal(write_text(&import, "\"\",false\n"), 9);
	assert_int_equal(end(&import), 0);
	check_log("ensure user d new1  a@b false s,3\nforget domain d\n");
	check_result(USERS, "{\"line\":2,\"name\":\"new1\",\"outcome\":\"created\"}\n"
			    "{\"records\":1,\"created\":1,\"changed\":0,\"unchanged\":0,\"failed\":0,\"done\":true}\n");
	check_result(PROJECTS, "");
	begin(&import, PROJECTS);
	assert_int_equal(write_text(&import, "{\"name\":\"old\",\"enabled\":true}"), 29);
	assert_int_equal(end(&import), 0);
	check_log("ensure project d old - - true -\n");
	check_result(PROJECTS,
		"{\"line\":1,\"name\":\"old\",\"outcome\":\"unchanged\"}\n"
		"{\"records\":1,\"created\":0,\"changed\":0,\"unchanged\":1,\"failed\":0,\"done\":true}\n");
}

/* Of one that is changed, what was told is forgotten. */
static void test_changed(void **state)
{
	(void)state;
	struct open_import import;

	begin(&import, USERS);
	assert_true(write_text(&import, "name,email\nbob,x\n") > 0);
	assert_int_equal(end(&import), 0);
	check_log("ensure user d bob - x - -\nforget user u1\n");
}

/* The first of those that failed, by its line, is what close(2) says; the others are done all the same. */
static void test_failures(void **state)
{
	(void)state;
	struct open_import import;

	begin(&import, USERS);
	assert_true(write_text(&import, "name\nbad2\nbad1\n\"x\"y\nold\n") > 0);
	assert_int_equal(end(&import), -EEXIST);
	assert_string_equal(error.message,
		"3 of 4 records failed, all of them are in import.result; the first: line 2, bad2: it is bad");
	log_text[0] = '\0';
	begin(&import, USERS);
	assert_true(write_text(&import, "{\"name\":\"old\"}\n{\"name\":\"new\",\"pasword\":\"s3cret\"}\n") > 0);
	assert_int_equal(end(&import), -EINVAL);
	assert_non_null(strstr(error.message, "line 2, new: a field is none that users have ("));
	assert_null(strstr(error.message, "s3cret"));
	check_log("ensure user d old - - - -\n");
}

/* A header that can't be understood: nothing is done. */
static void test_header(void **state)
{
	(void)state;
	struct open_import import;

	begin(&import, PROJECTS);
	assert_int_equal(write_text(&import, "name,email\nbob,x\n"), -EINVAL);
	assert_non_null(strstr(error.message, "line 1: field 2 of the first row is none that projects have ("));
	assert_int_equal(write_text(&import, "bob,x\n"), -EINVAL);
	assert_int_equal(end(&import), -EINVAL);
	check_log("");
}

/* A gap, and a record that its writer has not ended. */
static void test_pieces(void **state)
{
	(void)state;
	struct open_import import;

	begin(&import, USERS);
	import.offset = 1000; /* behind an earlier one, as the kernel thinks */
	assert_int_equal(write_text(&import, "name\nold\nnew"), 12);
	import.offset++;
	assert_int_equal(write_text(&import, "x"), -ESPIPE);
	import.file->drop(&import.ask, import.state);
	import.file->release(NULL, import.state);
	mc_call_unref(import.ask.call);
	check_log("ensure user d old - - - -\n");
}

/* Whose writer is interrupted before anything was taken may write it again. */
static void test_interrupted(void **state)
{
	(void)state;
	struct open_import import;

	begin(&import, USERS);
	assert_true(write_text(&import, "name\nold\n") > 0);
	mc_call_cancel(import.ask.call);
	int result = import.file->flush(&import.ask, import.state);
	assert_true(result == 0 || result == -EINTR);
	mc_call_unref(import.ask.call);
	import.ask.call = mc_call_new(-1);
	assert_int_equal(end(&import), 0);
	log_text[0] = '\0';
}

/* It has ended when close(2) is answered, and not when the kernel gives the file back; who has it open still goes on.
 */
static void test_end(void **state)
{
	(void)state;
	struct open_import import;

	begin(&import, USERS);
	assert_true(write_text(&import, "name\nold\n") > 0);
	assert_int_equal(import.file->flush(&import.ask, import.state), 0);
#define OLD "{\"line\":2,\"name\":\"old\",\"outcome\":\"unchanged\"}\n"
#define SUM(records, done)                                                                                             \
	"{\"records\":" records ",\"created\":0,\"changed\":0,\"unchanged\":" records ",\"failed\":0,\"done\":" done   \
	"}\n"
	check_result(USERS, OLD SUM("1", "true"));
	import.offset = 0;
	assert_true(write_text(&import, "\n") > 0);
	check_result(USERS, OLD SUM("1", "false"));
	assert_int_equal(import.file->flush(&import.ask, import.state), 0);
	check_result(USERS, OLD SUM("1", "true"));
	assert_int_equal(end(&import), 0);
	check_result(USERS, OLD SUM("1", "true"));
	log_text[0] = '\0';
}

static void test_view(void **state)
{
	(void)state;
	struct mc_node users = {.row = USERS, .keys = {[MC_KEY_DOMAIN] = "d"}},
		       in_region = {.row = USERS, .keys = {[MC_KEY_DOMAIN] = "d", [MC_KEY_REGION] = "Kista"}};
	struct mc_ask at_root = {.node = &users, .error = &error}, below = {.node = &in_region, .error = &error};
	struct mc_node file = {.row = row_of(USERS, "import"), .keys = {[MC_KEY_DOMAIN] = "d"}};
	struct mc_ask ask = {.node = &file, .error = &error};
	void *none = NULL;

	for (const struct mc_row *row = USERS->directory->rows; row->name; row++) {
		assert_true(row->unlisted);
		assert_true(row->present(&at_root));
		assert_false(row->present(&below));
	}
	assert_int_equal(file.row->file->open(&ask, O_RDONLY, &none), -EPERM);
	assert_int_equal(file.row->truncate(&ask, 0), 0);
	assert_int_equal(file.row->truncate(&ask, 1), -EINVAL);
	assert_null(mc_tree_group_domains.entry->directory->rows);
}

static int make_imports(void **state)
{
	(void)state;
	imports = mc_imported_new();
	return imports ? 0 : -1;
}

static int free_imports(void **state)
{
	(void)state;
	mc_imported_free(imports);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_import),
		cmocka_unit_test(test_changed),
		cmocka_unit_test(test_failures),
		cmocka_unit_test(test_header),
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_interrupted),
		cmocka_unit_test(test_end),
		cmocka_unit_test(test_view),
	};

	return cmocka_run_group_tests(tests, make_imports, free_imports);
}
