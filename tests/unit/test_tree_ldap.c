/* SPDX-License-Identifier: MIT */
#include "fs/tree.h"
#include "mcloud/identity_objects.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ldap/ on a directory that only notes what it is given. */
struct mc_cloud {
	const char *state; /* of the ldap service; NULL: there is none */
	bool started;
};

struct mc_directory {
	struct mc_buffer imported;
	unsigned imports;
	int result;
};

static struct mc_cloud cloud;
static struct mc_directory directory;
static struct mc_error error;
static struct mc_ask ask;

int mc_cloud_directory(struct mc_cloud *c, struct mc_directory **ret_directory, struct mc_error *e)
{
	if (!c->started)
		return mc_error_set(e, EAGAIN, "no region yet");
	*ret_directory = &directory;
	return 0;
}

int mc_cloud_service(struct mc_cloud *c, const char *name, struct mc_engine_service *ret)
{
	*ret = (struct mc_engine_service){0};
	assert_string_equal(name, "ldap");
	if (!c->state)
		return -ENOENT;
	strncpy(ret->state, c->state, sizeof ret->state - 1);
	ret->name = strdup("ldap");
	return 0;
}

const char *mc_directory_url(const struct mc_directory *d)
{
	assert_ptr_equal(d, &directory);
	return "ldap://127.77.0.1:389";
}

int mc_directory_export(struct mc_directory *d, struct mc_call *call, struct mc_buffer *out, struct mc_error *e)
{
	(void)call;
	if (d->result < 0)
		return mc_error_set(e, -d->result, "no export");
	mc_buffer_text(out, "version: 1\n");
	return 0;
}

int mc_directory_import(struct mc_directory *d, struct mc_call *call, const char *ldif, size_t size, struct mc_error *e)
{
	(void)call;
	d->imports++;
	mc_buffer_add(&d->imported, ldif, size);
	return d->result < 0 ? mc_error_set(e, -d->result, "record at line 1: no") : 0;
}

/* How often what is known of people was forgotten: by fs/, and by the identity backend. */
static unsigned forgotten, identity_forgotten;

void mc_fs_forget(struct mc_fs *fs, struct mc_node *node, bool entries)
{
	(void)fs, (void)node, (void)entries;
	forgotten++;
}

int mc_cloud_keystone(struct mc_cloud *c, const char *name, struct mc_keystone **ret_keystone, struct mc_error *e)
{
	(void)c, (void)e;
	assert_null(name);
	*ret_keystone = NULL;
	return 0;
}

void mc_keystone_unref(struct mc_keystone *keystone)
{
	assert_null(keystone);
}

void mc_identity_forget(struct mc_keystone *keystone)
{
	assert_null(keystone);
	identity_forgotten++;
}

static int set_up(void **state)
{
	(void)state;
	cloud = (struct mc_cloud){.state = "running", .started = true};
	directory = (struct mc_directory){0};
	error = (struct mc_error){0};
	forgotten = identity_forgotten = 0;
	ask = (struct mc_ask){.cloud = &cloud, .error = &error};
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	mc_buffer_free(&directory.imported);
	return 0;
}

static const struct mc_row *row(const char *name)
{
	const struct mc_row *at = mc_tree_ldap.rows;

	while (at->name && strcmp(at->name, name) != 0)
		at++;
	assert_non_null(at->name);
	return at;
}

static void expect_shown(const char *name, const char *text)
{
	MC_CLEANUP(buffer) struct mc_buffer out = {0};

	assert_int_equal(row(name)->show(&ask, &out), 0);
	assert_string_equal(out.data, text);
}

static void it_has_the_entries_of_the_contract(void **state)
{
	static const struct {
		const char *name;
		enum mc_kind kind;
		mode_t mode;
	} expected[] = {
		{"url", MC_KIND_VALUE, 0444},
		{"state", MC_KIND_VALUE, 0444},
		{"tree.ldif", MC_KIND_DOCUMENT, 0600},
		{"import", MC_KIND_DATA, 0200},
	};
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < MC_COUNT(expected); i++) {
		assert_int_equal(row(expected[i].name)->kind, expected[i].kind);
		assert_int_equal(row(expected[i].name)->mode, expected[i].mode);
	}
	while (mc_tree_ldap.rows[n].name)
		n++;
	assert_int_equal(n, MC_COUNT(expected));
}

static void values_are_shown(void **state)
{
	(void)state;
	expect_shown("url", "ldap://127.77.0.1:389");
	expect_shown("state", "running");
	expect_shown("tree.ldif", "version: 1\n");
	cloud = (struct mc_cloud){0};
	expect_shown("state", "absent");
	MC_CLEANUP(buffer) struct mc_buffer out = {0};
	assert_int_equal(row("url")->show(&ask, &out), -EAGAIN);
	assert_int_equal(row("tree.ldif")->show(&ask, &out), -EAGAIN);
	assert_int_equal(error.code, EAGAIN);
}

static void *open_import(void)
{
	void *import = NULL;

	assert_int_equal(row("import")->file->open(&ask, O_WRONLY | O_TRUNC, &import), 0);
	assert_non_null(import);
	return import;
}

static ssize_t put(void *import, const char *text, int64_t offset)
{
	return row("import")->file->write(&ask, import, text, strlen(text), offset);
}

static void an_import_is_applied_at_close(void **state)
{
	const struct mc_file_type *file = row("import")->file;

	(void)state;
	assert_int_equal(row("import")->truncate(&ask, 0), 0);
	void *import = open_import();
	/* A shell opens the file, makes it its standard output, and closes what it opened. */
	assert_int_equal(file->flush(&ask, import), 0);
	assert_int_equal(directory.imports, 0);
	assert_int_equal(put(import, "dn: a\n", 0), 6);
	assert_int_equal(put(import, "cn: a\n", 6), 6);
	assert_int_equal(directory.imports, 0);
	assert_int_equal(file->flush(&ask, import), 0);
	assert_string_equal(directory.imported.data, "dn: a\ncn: a\n");
	assert_int_equal(file->flush(&ask, import), 0);
	assert_int_equal(directory.imports, 1);
	/* { cat a; cat b; } > import: each cat closes it. */
	assert_int_equal(put(import, "dn: b\n", 12), 6);
	assert_int_equal(file->flush(&ask, import), 0);
	assert_int_equal(directory.imports, 2);
	assert_int_equal(forgotten, 2);
	assert_int_equal(identity_forgotten, 2);
	assert_string_equal(directory.imported.data, "dn: a\ncn: a\ndn: b\n");
	file->release(NULL, import);
	assert_int_equal(directory.imports, 2);
}

static void a_failed_import_fails_its_close_once(void **state)
{
	const struct mc_file_type *file = row("import")->file;

	(void)state;
	void *import = open_import();
	assert_int_equal(put(import, "x\n", 0), 2);
	directory.result = -EINVAL;
	assert_int_equal(file->flush(&ask, import), -EINVAL);
	assert_string_equal(error.message, "record at line 1: no");
	assert_int_equal(identity_forgotten, 1);
	assert_int_equal(file->flush(&ask, import), 0);
	assert_int_equal(directory.imports, 1);
	cloud.started = false;
	assert_int_equal(put(import, "y\n", 2), 2);
	assert_int_equal(file->flush(&ask, import), -EAGAIN);
	file->release(NULL, import);
}

static void what_was_not_closed_is_not_applied(void **state)
{
	(void)state;
	void *import = open_import();
	assert_int_equal(put(import, "dn: a\n", 0), 6);
	row("import")->file->release(NULL, import);
	assert_int_equal(directory.imports, 0);
}

static void only_the_end_is_written(void **state)
{
	static const int64_t wrong[] = {0, 105, 107};

	(void)state;
	for (size_t i = 0; i < MC_COUNT(wrong); i++) {
		void *import = open_import();
		/* Appending, where the kernel still knows the size of the import before. */
		assert_int_equal(put(import, "dn: a\n", 100), 6);
		assert_int_equal(put(import, "x", wrong[i]), -ESPIPE);
		assert_int_equal(error.code, ESPIPE);
		/* What lacks a piece is not applied. */
		assert_int_equal(put(import, "x", 106), -EIO);
		assert_int_equal(row("import")->file->flush(&ask, import), -EIO);
		row("import")->file->release(NULL, import);
	}
	assert_int_equal(directory.imports, 0);
	assert_int_equal(row("import")->truncate(&ask, 5), -EINVAL);
	void *none = NULL;
	assert_int_equal(row("import")->file->open(&ask, O_RDWR, &none), -EPERM);
	assert_null(none);
}

static void its_size_is_limited(void **state)
{
	const struct mc_file_type *file = row("import")->file;
	const size_t piece = 1 << 20;

	(void)state;
	char *bytes = calloc(1, piece);
	void *import = open_import();
	int64_t at = 0;
	for (; at < MC_DIRECTORY_IMPORT_LIMIT; at += (int64_t)piece)
		assert_int_equal(file->write(&ask, import, bytes, piece, at), piece);
	assert_int_equal(file->write(&ask, import, bytes, 1, at), -EFBIG);
	assert_int_equal(error.code, EFBIG);
	assert_int_equal(file->flush(&ask, import), -EIO);
	assert_int_equal(directory.imports, 0);
	file->release(NULL, import);
	free(bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(it_has_the_entries_of_the_contract, set_up, tear_down),
		cmocka_unit_test_setup_teardown(values_are_shown, set_up, tear_down),
		cmocka_unit_test_setup_teardown(an_import_is_applied_at_close, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_failed_import_fails_its_close_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_was_not_closed_is_not_applied, set_up, tear_down),
		cmocka_unit_test_setup_teardown(only_the_end_is_written, set_up, tear_down),
		cmocka_unit_test_setup_teardown(its_size_is_limited, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("tree_ldap", tests, NULL, NULL);
}
