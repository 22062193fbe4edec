/* SPDX-License-Identifier: MIT */
#include "fs/describe.h"
#include "fs/node.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Nodes, listings, and the tables as text. */

static const struct mc_row thing_rows[] = {
	{.name = "id", .kind = MC_KIND_VALUE, .mode = 0444, .help = "its id"},
	{0},
};
static const struct mc_directory_type thing = {.rows = thing_rows};
static const struct mc_row entry = {.name = "THING", .kind = MC_KIND_DIRECTORY, .mode = 0755, .directory = &thing};
static const struct mc_directory_type things = {.key = MC_KEY_USER, .entry = &entry, .terms.lane = MC_LANE_KEYSTONE};
static const struct mc_directory_type leased = {
	.key = MC_KEY_USER, .entry = &entry, .terms.lane = MC_LANE_KEYSTONE, .leases_names = true};
static const struct mc_row root_rows[] = {
	{.name = "name", .kind = MC_KIND_VALUE, .mode = 0644, .help = "its name"},
	{.name = "things", .kind = MC_KIND_DIRECTORY, .mode = 0755, .help = "things", .directory = &things},
	{.name = "others", .kind = MC_KIND_DIRECTORY, .mode = 0555, .help = "the same", .directory = &things},
	{.name = "ctl", .kind = MC_KIND_CONTROL, .mode = 0200},
	{.name = "leased", .kind = MC_KIND_DIRECTORY, .mode = 0555, .help = "the same", .directory = &leased},
	{0},
};
static const struct mc_directory_type root_type = {.rows = root_rows};
static const struct mc_row root = {.name = "", .kind = MC_KIND_DIRECTORY, .mode = 0555, .directory = &root_type};

static struct mc_node *enter(struct mc_nodes *nodes, struct mc_node *parent, const char *name, const char *key)
{
	return mc_nodes_enter(nodes, parent,
		&(struct mc_birth){.file = name, .said = name, .key = key, .row = &entry, .kind = MC_KEY_USER});
}

static struct mc_node *enter_row(struct mc_nodes *nodes, struct mc_node *parent, const struct mc_row *row)
{
	return mc_nodes_enter(nodes, parent, &(struct mc_birth){.file = row->name, .row = row});
}

static int setup(void **state)
{
	*state = mc_nodes_new(&root);
	return *state ? 0 : -1;
}

/* Nothing but the root is left when everybody has let go. */
static int teardown(void **state)
{
	int left = mc_nodes_count(*state) != 1;

	mc_nodes_free(*state);
	return left;
}

static void test_identity(void **state)
{
	struct mc_nodes *nodes = *state;
	MC_CLEANUP(node) struct mc_node *top = mc_nodes_by_ino(nodes, 1);
	MC_CLEANUP(node) struct mc_node *dir = enter_row(nodes, top, &root_rows[1]);
	MC_CLEANUP(node) struct mc_node *a = enter(nodes, dir, "a", "key-a"), *again = enter(nodes, dir, "a", "key-a");
	MC_CLEANUP(node) struct mc_node *id = enter_row(nodes, a, &thing_rows[0]), *other = NULL, *found = NULL;

	assert_ptr_equal(a, again);
	assert_string_equal(mc_node_key(id, MC_KEY_USER), "key-a");
	assert_string_equal(mc_node_name(id, MC_KEY_USER), "a");
	assert_null(mc_node_key(id, MC_KEY_REGION));
	assert_null(mc_node_key(dir, MC_KEY_USER));
	assert_true(mc_node_is_entry(a));
	assert_false(mc_node_is_entry(id));
	/* The same name with another key is another one; the old one goes on for who has it. */
	other = enter(nodes, dir, "a", "key-b");
	assert_ptr_not_equal(a, other);
	assert_true(mc_node_ino(other) > mc_node_ino(a));
	found = mc_nodes_child(nodes, dir, "a");
	assert_ptr_equal(found, other);
	assert_string_equal(mc_node_key(id, MC_KEY_USER), "key-a");
	MC_CLEANUP(buffer) struct mc_buffer path = {0}, root_path = {0};
	mc_node_path(id, "x", &path);
	assert_string_equal(path.data, "things/a/id/x");
	mc_node_path(top, NULL, &root_path);
	assert_string_equal(root_path.data, ".");
}

static void test_key_that_comes_later(void **state)
{
	struct mc_nodes *nodes = *state;
	MC_CLEANUP(node) struct mc_node *top = mc_nodes_by_ino(nodes, 1), *dir = enter_row(nodes, top, &root_rows[1]);
	MC_CLEANUP(node) struct mc_node *a = enter(nodes, dir, "a", NULL);

	assert_true(mc_node_needs_key(a));
	MC_CLEANUP(node) struct mc_node *known = enter(nodes, dir, "a", "key");
	assert_ptr_equal(a, known);
	assert_false(mc_node_needs_key(a));
	assert_string_equal(mc_node_key(a, MC_KEY_USER), "key");
}

static void test_lookups(void **state)
{
	struct mc_nodes *nodes = *state;
	struct mc_node *top = mc_nodes_by_ino(nodes, 1), *dir = enter_row(nodes, top, &root_rows[1]),
		       *a = enter(nodes, dir, "a", "k");
	uint64_t ino = mc_node_ino(a), dir_ino = mc_node_ino(dir);

	mc_node_looked_up(a);
	mc_node_looked_up(a);
	mc_node_unref(a);
	mc_node_unref(dir);
	mc_node_unref(top);
	assert_int_equal(mc_nodes_count(nodes), 3);
	mc_nodes_forget(nodes, ino, 1);
	a = mc_nodes_by_ino(nodes, ino);
	assert_non_null(a);
	mc_nodes_forget(nodes, ino, 1);
	assert_int_equal(mc_nodes_count(nodes), 3);
	mc_node_unref(a);
	/* With the last one its directory goes, too. */
	assert_null(mc_nodes_by_ino(nodes, ino));
	assert_null(mc_nodes_by_ino(nodes, dir_ino));
	mc_nodes_forget(nodes, 12345, 1);
	mc_nodes_forget(nodes, 1, 1);
}

static void test_rename(void **state)
{
	struct mc_nodes *nodes = *state;
	MC_CLEANUP(node) struct mc_node *top = mc_nodes_by_ino(nodes, 1), *dir = enter_row(nodes, top, &root_rows[1]);
	MC_CLEANUP(node) struct mc_node *to = enter_row(nodes, top, &root_rows[2]);
	MC_CLEANUP(node) struct mc_node *a = enter(nodes, dir, "a", "key-a"), *b = enter(nodes, to, "b", "key-b");
	const char *name = mc_node_name(a, MC_KEY_USER);

	assert_int_equal(mc_node_move(a, to, "b", "b"), 0);
	assert_string_equal(mc_node_name(a, MC_KEY_USER), "b");
	/* Who asked before the rename may still hold the old name. */
	assert_string_equal(name, "a");
	assert_null(mc_nodes_child(nodes, dir, "a"));
	MC_CLEANUP(node) struct mc_node *found = mc_nodes_child(nodes, to, "b"), *parent = mc_node_parent(a);
	assert_ptr_equal(found, a);
	assert_ptr_equal(parent, to);
	assert_string_equal(mc_node_key(b, MC_KEY_USER), "key-b");
}

static void count_told(void *data, uint64_t ino)
{
	unsigned *told = data;

	(void)ino;
	(*told)++;
}

static void test_refresh(void **state)
{
	struct mc_nodes *nodes = *state;
	MC_CLEANUP(node) struct mc_node *top = mc_nodes_by_ino(nodes, 1), *one = enter_row(nodes, top, &root_rows[1]);
	MC_CLEANUP(node) struct mc_node *two = enter_row(nodes, top, &root_rows[2]);
	MC_CLEANUP(node)
	struct mc_node *a = enter(nodes, one, "a", "key"), *b = enter(nodes, two, "a", "key"),
		       *c = enter(nodes, one, "c", "c");
	struct mc_looks looks;
	unsigned told = 0;

	mc_node_set_attributes(a, &(struct mc_attributes){.size = 7}, mc_now_ms());
	mc_node_looked_up(a);
	mc_node_looked_up(b);
	/* The same object in two places, but not what the kernel doesn't know. */
	mc_nodes_refresh_key(nodes, MC_KEY_USER, "key", count_told, &told);
	assert_int_equal(told, 2);
	mc_node_looks(a, &looks);
	assert_int_equal(looks.asked, 0);
	assert_int_equal(looks.attributes.size, 7);
	assert_int_equal(mc_node_ino(c), mc_node_ino(b) + 1);
	mc_nodes_refresh_key(nodes, MC_KEY_GROUP, "key", count_told, &told);
	mc_node_refresh(one, true, count_told, &told);
	assert_int_equal(told, 3);
	mc_nodes_forget(nodes, mc_node_ino(a), 1);
	mc_nodes_forget(nodes, mc_node_ino(b), 1);
}

static void test_lease(void **state)
{
	struct mc_nodes *nodes = *state;
	MC_CLEANUP(node) struct mc_node *top = mc_nodes_by_ino(nodes, 1), *one = enter_row(nodes, top, &root_rows[1]);
	MC_CLEANUP(node) struct mc_node *two = enter_row(nodes, top, &root_rows[4]);
	MC_CLEANUP(node)
	struct mc_node *a = enter(nodes, one, "a", "key"), *b = enter(nodes, two, "a", "key"),
		       *new = enter(nodes, two, "new", NULL);
	unsigned told = 0;

	assert_false(mc_node_lease(a, 50));
	assert_true(mc_node_lease(b, 50));
	assert_true(mc_node_lease(b, 40));
	assert_false(mc_node_lease(new, 50));
	assert_int_equal(mc_nodes_refresh_key(nodes, MC_KEY_USER, "key", count_told, &told), 50);
	assert_int_equal(mc_nodes_refresh_key(nodes, MC_KEY_USER, "other", count_told, &told), 0);
	/* The kernel does a move or a removal itself. */
	assert_int_equal(mc_node_move(b, two, "b", "b"), 0);
	assert_int_equal(mc_nodes_refresh_key(nodes, MC_KEY_USER, "key", count_told, &told), 0);
	assert_true(mc_node_lease(b, 60));
	mc_node_detach(b);
	assert_int_equal(mc_nodes_refresh_key(nodes, MC_KEY_USER, "key", count_told, &told), 0);
}

/* What was asked before a write tells nothing of what is there after it. */
static void test_written(void **state)
{
	struct mc_nodes *nodes = *state;
	MC_CLEANUP(node) struct mc_node *top = mc_nodes_by_ino(nodes, 1), *one = enter_row(nodes, top, &root_rows[1]);
	const struct mc_attributes before = {.size = 7}, after = {.size = 8};
	struct mc_birth birth = {.file = "a",
		.said = "a",
		.key = "key",
		.row = &entry,
		.kind = MC_KEY_USER,
		.attributes = &before,
		.when = mc_now_ms()};
	MC_CLEANUP(node) struct mc_node *a = mc_nodes_enter(nodes, one, &birth), *again = NULL;
	struct mc_looks looks;
	int64_t asked = mc_now_ms();

	mc_node_looks(a, &looks);
	assert_int_equal(looks.asked, birth.when);
	mc_node_written(a);
	mc_node_set_attributes(a, &before, asked);
	mc_node_looks(a, &looks);
	assert_int_equal(looks.asked, 0);
	again = mc_nodes_enter(nodes, one, &birth);
	assert_ptr_equal(again, a);
	mc_node_looks(a, &looks);
	assert_int_equal(looks.asked, 0);
	assert_int_equal(looks.confirmed, 0);
	mc_node_set_attributes(a, &after, mc_now_ms() + 1);
	mc_node_looks(a, &looks);
	assert_int_not_equal(looks.asked, 0);
	assert_int_equal(looks.attributes.size, 8);
}

static void test_shown(void **state)
{
	struct mc_nodes *nodes = *state;
	MC_CLEANUP(node) struct mc_node *top = mc_nodes_by_ino(nodes, 1), *name = enter_row(nodes, top, &root_rows[0]);
	struct mc_looks first, second;

	assert_true(mc_node_set_shown(name, 5, 1));
	mc_node_looks(name, &first);
	assert_int_equal(first.shown, 5);
	assert_false(mc_node_set_shown(name, 5, 1));
	mc_node_looks(name, &second);
	assert_true(first.changed > 0 && first.changed == second.changed);
	assert_false(mc_node_set_shown(name, 5, 2));
	mc_node_looks(name, &second);
	assert_true(second.changed > first.changed);
}

static void test_many(void **state)
{
	struct mc_nodes *nodes = *state;
	enum { MANY = 20000 };
	struct mc_node *top = mc_nodes_by_ino(nodes, 1), *dir = enter_row(nodes, top, &root_rows[1]),
		       **all = calloc(MANY, sizeof *all);
	char name[32];

	assert_non_null(all);
	for (int i = 0; i < MANY; i++) {
		snprintf(name, sizeof name, "%d", i);
		all[i] = enter(nodes, dir, name, name);
	}
	assert_int_equal(mc_nodes_count(nodes), MANY + 2);
	for (int i = 0; i < MANY; i++) {
		snprintf(name, sizeof name, "%d", i);
		MC_CLEANUP(node) struct mc_node *found = mc_nodes_child(nodes, dir, name);
		assert_ptr_equal(found, all[i]);
	}
	for (int i = 0; i < MANY; i++)
		mc_node_unref(all[i]);
	free(all);
	mc_node_unref(dir);
	mc_node_unref(top);
}

static void test_listing(void **state)
{
	struct mc_entries entries = {0};
	char name[300];

	(void)state;
	static const char *const names[][2] = {{"a", "1"}, {"a", "2222222222"}, {"a/b", "3"}, {"id", "4"}, {"", "5"},
		{"a", "2222222233"}, {".", "6"}, {"a~22222222", "7"}};
	for (size_t i = 0; i < MC_COUNT(names); i++)
		mc_entries_add(&entries, names[i][0], names[i][1], NULL, NULL);
	memset(name, 'n', 299);
	name[299] = '\0';
	mc_entries_add(&entries, name, "8", &root_rows[0], &(struct mc_attributes){.size = 9});
	const struct mc_directory_type type = {.rows = thing_rows, .entry = &entry};
	struct mc_listing *listing = mc_listing_new(&type, &entries, 0);
	assert_non_null(listing);
	assert_int_equal(entries.count, 0);
	/* What would be the third of one name and mark is left out. */
	static const char *const files[] = {"a", "a~22222222", "a%2Fb", "id~4", "~5", "%2E", "a~22222222~7"};
	assert_int_equal(mc_listing_count(listing), MC_COUNT(files) + 1);
	for (size_t i = 0; i < MC_COUNT(files); i++) {
		const struct mc_listing_item *item = mc_listing_find(listing, files[i]);
		assert_non_null(item);
		assert_ptr_equal(item, mc_listing_item(listing, i));
		assert_ptr_equal(item->row, &entry);
		assert_int_equal(item->attributes.size, -1);
	}
	assert_string_equal(mc_listing_find(listing, "a")->key, "1");
	assert_ptr_equal(mc_listing_item(listing, MC_COUNT(files))->row, &root_rows[0]);
	assert_null(mc_listing_find(listing, "id"));
	assert_null(mc_listing_find(listing, "b"));
	mc_listing_unref(listing);
}

static void test_describe(void **state)
{
	MC_CLEANUP(buffer) struct mc_buffer text = {0}, short_text = {0};

	(void)state;
	mc_describe(&root_type, &text);
	assert_string_equal(text.data,
		"name value 0644 its name\nthings directory 0755 things\nthings/THING directory 0755\n"
		"things/THING/id value 0444 its id\nothers directory 0555 the same\nothers/THING directory 0755\n"
		"others/THING/id value 0444 its id\nctl control 0200\nleased directory 0555 the same\n"
		"leased/THING directory 0755\nleased/THING/id value 0444 its id\n");
	mc_describe_root(&root_type, &short_text);
	assert_string_equal(short_text.data,
		"  name            value     0644  its name\n  things/         directory 0755  things\n"
		"  others/         directory 0555  the same\n  ctl             control   0200  \n"
		"  leased/         directory 0555  the same\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_identity, setup, teardown),
		cmocka_unit_test_setup_teardown(test_key_that_comes_later, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lookups, setup, teardown),
		cmocka_unit_test_setup_teardown(test_rename, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refresh, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lease, setup, teardown),
		cmocka_unit_test_setup_teardown(test_written, setup, teardown),
		cmocka_unit_test_setup_teardown(test_shown, setup, teardown),
		cmocka_unit_test_setup_teardown(test_many, setup, teardown),
		cmocka_unit_test(test_listing),
		cmocka_unit_test(test_describe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
