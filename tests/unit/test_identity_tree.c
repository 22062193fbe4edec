/* SPDX-License-Identifier: MIT */
#include "identity_tree_world.h"

static struct mc_error error;

static struct mc_ask ask(struct mc_node *node)
{
	return (struct mc_ask){.node = node, .error = &error};
}

static const struct mc_row *row_of(const struct mc_directory_type *type, const char *name)
{
	for (const struct mc_row *row = type->rows; row && row->name; row++)
		if (!strcmp(row->name, name))
			return row;
	fail_msg("there is no %s", name);
	return NULL;
}

/* Rows: users/ itself, users/D, users/D/U. */
static const struct mc_row users_row = {.name = "users", .kind = MC_KIND_DIRECTORY, .directory = &mc_tree_user_domains};
#define USER_DOMAIN (mc_tree_user_domains.entry)
#define USER (USER_DOMAIN->directory->entry)
#define GROUP (mc_tree_group_domains.entry->directory->entry)
#define PROJECT (mc_tree_project_domains.entry->directory->entry)

static struct mc_node user_node(void)
{
	return (struct mc_node){.row = USER,
		.keys = {[MC_KEY_DOMAIN] = "d", [MC_KEY_USER] = "u1"},
		.names = {[MC_KEY_DOMAIN] = "home", [MC_KEY_USER] = "bob"}};
}

static void test_objects(void **state)
{
	(void)state;
	struct mc_node top = {.row = &users_row}, place = {.row = USER_DOMAIN, .keys = {[MC_KEY_DOMAIN] = "d"}},
		       node = user_node();
	struct mc_ask at_top = ask(&top), at_place = ask(&place), at_node = ask(&node);
	const struct mc_directory_type *users = USER_DOMAIN->directory;

	assert_int_equal(mc_tree_user_domains.list(&at_top, &(struct mc_entries){0}), 0);
	check_log("list domain -\nentry one i1 755\n");
	assert_null(mc_tree_user_domains.make);
	assert_int_equal(users->list(&at_place, &(struct mc_entries){0}), 0);
	check_log("list user d\nentry one i1 755\n");
	assert_int_equal(users->make(&at_place, "x/y"), 0);
	check_log("create user d x/y\nforget domain d\n");
	assert_int_equal(users->remove(&at_node), 0);
	check_log("delete user d u1\nforget user u1\nforget member u1\n");
	node.row = row_of(USER->directory, "email");
	assert_int_equal(node.row->store(&at_node, "x@y", 3), 0);
	check_log("set user d u1 bob 1 x@y\nforget user u1\nforget member u1\n");
}

static void test_rename(void **state)
{
	(void)state;
	struct mc_node node = user_node(), here = {.row = USER_DOMAIN, .keys = {[MC_KEY_DOMAIN] = "d"}};
	struct mc_node elsewhere = {.row = USER_DOMAIN, .keys = {[MC_KEY_DOMAIN] = "e"}};
	struct mc_node groups = {.row = mc_tree_group_domains.entry, .keys = {[MC_KEY_DOMAIN] = "d"}};
	struct mc_node region = {.row = USER_DOMAIN, .keys = {[MC_KEY_DOMAIN] = "d", [MC_KEY_REGION] = "Kista"}};
	struct mc_ask at = ask(&node);
	const struct mc_directory_type *users = USER_DOMAIN->directory;

	assert_int_equal(users->rename(&at, &elsewhere, "x", 0), -EPERM);
	assert_int_equal(users->rename(&at, &groups, "x", 0), -EPERM);
	assert_int_equal(users->rename(&at, &region, "x", 0), -EPERM);
	assert_int_equal(users->rename(&at, &here, "x", 2), -EINVAL);
	check_log("");
	assert_int_equal(users->rename(&at, &here, "x", 1), 0);
	check_log("rename user u1 x\nforget user u1\nforget member u1\n");
}

/* In a region everything can be looked at and nothing be changed. */
static void test_region(void **state)
{
	(void)state;
	struct mc_node node = user_node(),
		       place = {.row = USER_DOMAIN, .keys = {[MC_KEY_DOMAIN] = "d", [MC_KEY_REGION] = "Kista"}};
	struct mc_attributes attributes;
	struct mc_ask at = ask(&node), at_place = ask(&place);
	const struct mc_directory_type *users = USER_DOMAIN->directory;
	static const char *const values[] = {"enabled", "description", "email", "password"};

	node.keys[MC_KEY_REGION] = "Kista";
	assert_int_equal(users->list(&at_place, &(struct mc_entries){0}), 0);
	check_log("in Kista\nlist user d\nentry one i1 555\n");
	assert_int_equal(users->make(&at_place, "x"), -EPERM);
	assert_int_equal(users->remove(&at), -EPERM);
	assert_int_equal(users->rename(&at, &place, "x", 0), -EPERM);
	for (size_t i = 0; i < MC_COUNT(values); i++) {
		node.row = row_of(USER->directory, values[i]);
		assert_int_equal(node.row->store(&at, "true", 4), -EPERM);
		if (node.row->present && !node.row->present(&at))
			continue;
		assert_int_equal(node.row->attributes(&at, &attributes), 0);
		assert_int_equal(attributes.mode, 0444);
	}
	check_log("");
	assert_false(row_of(USER->directory, "password")->present(&at));
	node.keys[MC_KEY_REGION] = NULL;
	assert_true(row_of(USER->directory, "password")->present(&at));
}

static void test_enabled(void **state)
{
	(void)state;
	struct mc_node node = user_node();
	struct mc_ask at = ask(&node);
	struct mc_attributes attributes;

	node.row = row_of(USER->directory, "enabled");
	assert_int_equal(node.row->attributes(&at, &attributes), 0);
	assert_int_equal(attributes.mode, 0644);
	driver = MC_IDENTITY_LDAP;
	assert_int_equal(node.row->attributes(&at, &attributes), 0);
	assert_int_equal(attributes.mode, 0444);
	driver = MC_IDENTITY_SQL;
}

/* projects/home/p/roles/r/users/, and a link in it. */
static struct mc_node grants_node(bool link)
{
	const struct mc_directory_type *roles = row_of(PROJECT->directory, "roles")->directory;
	const struct mc_row *users = row_of(roles->entry->directory, "users");

	return (struct mc_node){.row = link ? users->directory->entry : users,
		.keys = {[MC_KEY_DOMAIN] = "d",
			[MC_KEY_PROJECT] = "p1",
			[MC_KEY_ROLE] = "r1",
			[MC_KEY_MEMBER] = link ? "u1" : NULL},
		.names = {[MC_KEY_DOMAIN] = "ho/me",
			[MC_KEY_PROJECT] = "p",
			[MC_KEY_ROLE] = "r",
			[MC_KEY_MEMBER] = link ? "bob" : NULL}};
}

static void test_links_shown(void **state)
{
	(void)state;
	struct mc_node node = grants_node(false), link = grants_node(true);
	struct mc_ask at = ask(&node), at_link = ask(&link);
	MC_CLEANUP(buffer) struct mc_buffer home = {0}, foreign = {0};

	/* Those of this domain come first: the names of others give way. */
	assert_int_equal(node.row->directory->list(&at, &(struct mc_entries){0}), 0);
	check_log("grants project p1 r1 to user\nentry a@b u0 0\nentry bob@other u2 0\nentry " GONE
		  " u5 0\nentry bob@other u1 0\nentry a@b "
		  "u3 0\n");
	assert_int_equal(link.row->show(&at_link, &home), 0);
	assert_string_equal(home.data, "../../../../../../users/ho%2Fme/bob");
	check_log("");
	link.names[MC_KEY_MEMBER] = "bob@other@ot/her";
	assert_int_equal(link.row->show(&at_link, &foreign), 0);
	assert_string_equal(foreign.data, "../../../../../../users/ot%2Fher/bob@other");
	check_log("get user u1\nget domain b\n");
	assert_int_equal(link.row->remove(&at_link), 0);
	check_log("revoke project p1 r1 from user u1\n");
	link.names[MC_KEY_MEMBER] = "locked"; /* somebody logs in by it */
	assert_int_equal(link.row->remove(&at_link), -EPERM);
	check_log("");
	link.keys[MC_KEY_REGION] = "Kista";
	assert_int_equal(link.row->remove(&at_link), -EPERM);
	check_log("");
}

/* A link's name says whom to ask for; it is found under the name that the list has for it, and no other. */
static void test_links_found(void **state)
{
	(void)state;
	static const struct {
		const char *related, *name, *id;
	} cases[] = {
		{"u2", "bob@other", "u2"},
		{"u1", "bob@other", "u1"},
		{"u1 u2", "bob@other", "u2"}, /* of this domain first */
		{"", "bob@other", NULL},
		{"u1", "bob", NULL},
		{"u2", "bob@other@ho/me", NULL},
		{"u3 u4", "a@b@c", "u3"}, /* of two, the first by id */
		{"u4", "a@b@c", "u4"},
		{"", "@other", NULL},
		{"", "bob@", NULL},
		{"", "bob@nowhere", NULL},
		{"", GONE, "u5"},
		{"", "fedcba9876543210fedcba9876543210", NULL},
	};
	struct mc_node node = grants_node(false);
	struct mc_ask at = ask(&node);

	for (size_t i = 0; i < MC_COUNT(cases); i++) {
		struct mc_entry entry = {0};
		related = cases[i].related;
		int result = node.row->directory->find(&at, cases[i].name, &entry);
		if (result != (cases[i].id ? 0 : -ENOENT))
			fail_msg("case %zu, %s: %d", i, cases[i].name, result);
		if (cases[i].id) {
			assert_string_equal(entry.key, cases[i].id);
			assert_string_equal(entry.name, cases[i].name);
		}
		free(entry.name);
		free(entry.key);
		/* All are asked for only when nobody has the name and it looks like an id. */
		assert_int_equal(strstr(log_text, "grants ") != NULL, strlen(cases[i].name) == 32);
		log_text[0] = '\0';
	}
	related = "";
}

static void test_links_made(void **state)
{
	(void)state;
	static const struct {
		const char *name, *user, *domain, *domain_name, *id;
		int result;
	} cases[] = {
		{"bob", "bob", "d", "ho/me", "u1", 0},
		{"rob", "bob", "d", "ho/me", "u1", -EINVAL},
		{"bob@ho/me", "bob", "d", "ho/me", "u1", -EINVAL},
		{"bob", "bob", "e", "x", "u1", -EINVAL},
		{"bob@x", "bob", "e", "x", "u1", 0},
		{"Bob@x", "bob", "e", "x", "u1", -EINVAL},
		{"", "bob", "d", "ho/me", "u1", -EINVAL},
		{"a/b", "a/b", "d", "ho/me", "u1", 0},
		/* bob@other of this domain has that name; this one's is marked. */
		{"bob@other~12345678", "bob", "e", "other", "123456789", 0},
		/* Nobody has it: then it isn't marked. */
		{"eve@other~12345678", "eve", "e", "other", "123456789", -EINVAL},
	};
	struct mc_node node = grants_node(false);
	struct mc_ask at = ask(&node);

	for (size_t i = 0; i < MC_COUNT(cases); i++) {
		struct mc_node pointed = {.row = USER,
			.keys = {[MC_KEY_DOMAIN] = cases[i].domain, [MC_KEY_USER] = cases[i].id},
			.names = {[MC_KEY_DOMAIN] = cases[i].domain_name, [MC_KEY_USER] = cases[i].user}};
		int result = node.row->directory->link(&at, cases[i].name, "target", &pointed);
		if (result != cases[i].result)
			fail_msg("case %zu, %s: %d", i, cases[i].name, result);
		assert_true((strstr(log_text, "grant project p1 r1 to user ") != NULL) == (result == 0));
		log_text[0] = '\0';
	}
}

static void test_links_elsewhere(void **state)
{
	(void)state;
	struct mc_node node = grants_node(false), user = user_node(), group = user_node(),
		       domain = {.row = mc_tree_domains.entry};
	struct mc_ask at = ask(&node);
	int (*link)(struct mc_ask *, const char *, const char *, struct mc_node *) = node.row->directory->link;

	assert_int_equal(link(&at, "bob", "nowhere", NULL), -ENOENT);
	assert_int_equal(link(&at, "bob", "domain", &domain), -EINVAL);
	group.row = GROUP;
	assert_int_equal(link(&at, "bob", "group", &group), -EINVAL);
	user.keys[MC_KEY_REGION] = "Kista";
	assert_int_equal(link(&at, "bob", "of a region", &user), -EINVAL);
	user.keys[MC_KEY_REGION] = NULL;
	user.row = row_of(USER->directory, "id");
	assert_int_equal(link(&at, "bob", "a file in it", &user), -EINVAL);
	node.keys[MC_KEY_REGION] = "Kista";
	assert_int_equal(link(&at, "bob", "user", &user), -EPERM);
	check_log("");
}

/* 255 characters of four bytes each: cut, with the beginning of the id. */
static void test_long_link(void **state)
{
	(void)state;
	struct mc_node node = grants_node(false);
	struct mc_ask at = ask(&node);
	char name[255 * 4 + 1], file[MC_NAME_MAX + 1];

	for (size_t i = 0; i < 255; i++)
		memcpy(name + 4 * i, "\xf0\x9f\x98\x80", 5);
	mc_names_file(name, "123456789", file);
	assert_true(strlen(file) <= MC_NAME_MAX);
	struct mc_node pointed = {.row = USER,
		.keys = {[MC_KEY_DOMAIN] = "d", [MC_KEY_USER] = "123456789"},
		.names = {[MC_KEY_DOMAIN] = "ho/me", [MC_KEY_USER] = name}};
	assert_int_equal(node.row->directory->link(&at, file, "target", &pointed), 0);
	check_log("grant project p1 r1 to user 123456789 \n");
}

static void test_memberships(void **state)
{
	(void)state;
	const struct mc_row *users = row_of(GROUP->directory, "users");
	struct mc_node node = {.row = users,
		.keys = {[MC_KEY_DOMAIN] = "d", [MC_KEY_GROUP] = "g1"},
		.names = {[MC_KEY_DOMAIN] = "home"}};
	struct mc_node user = user_node(), groups = user_node(), link = user_node();
	struct mc_ask at = ask(&node), at_groups = ask(&groups), at_link = ask(&link);
	MC_CLEANUP(buffer) struct mc_buffer target = {0};

	assert_int_equal(users->directory->link(&at, "bob", "x", &user), 0);
	check_log("add u1 to g1\nforget user u1\n");
	groups.row = row_of(USER->directory, "groups");
	struct mc_entry found = {0};
	related = "u1";
	assert_int_equal(groups.row->directory->find(&at_groups, "crew", &found), 0);
	check_log("find group d crew\nmember of g1 u1\n");
	assert_string_equal(found.key, "g1");
	free(found.name);
	free(found.key);
	assert_null(groups.row->directory->link);
	assert_int_equal(groups.row->directory->list(&at_groups, &(struct mc_entries){0}), 0);
	assert_non_null(strstr(log_text, "members of user u1\n"));
	log_text[0] = '\0';
	link.row = groups.row->directory->entry;
	link.keys[MC_KEY_MEMBER] = "g1";
	link.names[MC_KEY_MEMBER] = "crew";
	assert_int_equal(link.row->show(&at_link, &target), 0);
	assert_string_equal(target.data, "../../../../groups/home/crew");
	assert_int_equal(link.row->remove(&at_link), -EPERM);
	node.row = users->directory->entry;
	node.keys[MC_KEY_MEMBER] = "u1";
	assert_int_equal(node.row->remove(&at), 0);
	check_log("get user u1\nremove u1 from g1\nforget user u1\n");
}

/* A list of links that Keystone has cut says so, whatever else is cut. */
static void check_cut(struct mc_node *node, const char *place)
{
	struct mc_ask asked = ask(node);
	MC_CLEANUP(buffer) struct mc_buffer names = {0}, value = {0};
	const struct mc_xattr_type *xattr = node->row->xattr;

	assert_non_null(xattr);
	for (int is_cut = 0; is_cut < 2; is_cut++) {
		cut_place = is_cut ? place : "d";
		assert_int_equal(xattr->list(&asked, &names), 0);
		assert_int_equal(names.size, is_cut ? sizeof("user.mcloud.partial") : 0);
		assert_int_equal(xattr->get(&asked, "user.mcloud.partial", &value), is_cut ? 0 : -ENODATA);
	}
	assert_string_equal(names.data, "user.mcloud.partial");
	assert_string_equal(value.data, "it is cut");
	assert_int_equal(xattr->get(&asked, "user.other", &value), -ENODATA);
	log_text[0] = '\0';
	cut_place = NULL;
}

static void test_cut(void **state)
{
	(void)state;
	struct mc_node node = {
		.keys = {[MC_KEY_DOMAIN] = "d", [MC_KEY_PROJECT] = "p1", [MC_KEY_ROLE] = "r1"}, .names = {0}};
	const struct mc_directory_type *role = row_of(PROJECT->directory, "roles")->directory->entry->directory;

	node.row = row_of(role, "users");
	check_cut(&node, "grants project p1 r1 to user");
	node.row = row_of(role, "groups");
	check_cut(&node, "grants project p1 r1 to group");
	node = (struct mc_node){
		.row = row_of(GROUP->directory, "users"), .keys = {[MC_KEY_DOMAIN] = "d", [MC_KEY_GROUP] = "g1"}};
	check_cut(&node, "members of group g1");
	node = user_node();
	node.row = row_of(USER->directory, "groups");
	check_cut(&node, "members of user u1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_objects),
		cmocka_unit_test(test_rename),
		cmocka_unit_test(test_region),
		cmocka_unit_test(test_enabled),
		cmocka_unit_test(test_links_shown),
		cmocka_unit_test(test_links_found),
		cmocka_unit_test(test_links_made),
		cmocka_unit_test(test_links_elsewhere),
		cmocka_unit_test(test_long_link),
		cmocka_unit_test(test_memberships),
		cmocka_unit_test(test_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
