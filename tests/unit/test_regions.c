/* SPDX-License-Identifier: MIT */
#include "regions_world.h"

/* What a region shows, and what may be written to it. */

static int setup(void **state)
{
	(void)state;
	cloud = (struct mc_cloud){.engine = &engine,
		.state = MC_REGION_READY,
		.role = MC_REGION_MASTER,
		.reason = "",
		.progress = "",
		.verb = 99};
	error = (struct mc_error){0};
	return 0;
}

static const struct mc_row *row(const char *name)
{
	const struct mc_row *found = mc_row_find(mc_tree_regions.entry->directory, name);

	assert_non_null(found);
	return found;
}

static struct mc_ask ask_of(struct mc_node *node)
{
	return (struct mc_ask){.cloud = &cloud, .node = node, .error = &error};
}

static void assert_shows(const struct mc_row *asked, struct mc_node *node, const char *expected)
{
	MC_CLEANUP(buffer) struct mc_buffer out = {0};
	struct mc_ask ask = ask_of(node);
	node->row = asked;
	assert_int_equal(asked->show(&ask, &out), 0);
	mc_buffer_text(&out, "");
	assert_string_equal(out.data, expected);
}

static void assert_fails(const struct mc_row *asked, struct mc_node *node, int code, const char *sentence)
{
	MC_CLEANUP(buffer) struct mc_buffer out = {0};
	struct mc_ask ask = ask_of(node);
	node->row = asked;
	assert_int_equal(asked->show(&ask, &out), -code);
	assert_string_equal(error.message, sentence);
}

static struct mc_node kista = {.region = "Kista"}, nowhere = {.region = "Nowhere"};

static void test_values(void **state)
{
	(void)state;
	assert_shows(row("state"), &kista, "ready");
	assert_shows(row("role"), &kista, "master");
	assert_shows(row("address"), &kista, "127.77.1.1");
	assert_shows(row("created"), &kista, "2026-11-23T00:00:00.000Z");
	assert_shows(row("error"), &kista, "");
	assert_fails(row("state"), &nowhere, ENOENT, "there is no region Nowhere");
	cloud.reason = "memcached is down: echo repair > ctl";
	assert_shows(row("error"), &kista, "memcached is down: echo repair > ctl\n");
}

static void test_wait(void **state)
{
	struct mc_ask ask = ask_of(&kista), gone = ask_of(&nowhere);
	const struct mc_row *wait = row("wait");
	(void)state;
	cloud.state = MC_REGION_STARTING;
	assert_int_equal(wait->awaits(&ask), 1);
	cloud.state = MC_REGION_READY;
	assert_int_equal(wait->awaits(&ask), 0);
	assert_shows(wait, &kista, "ready\n");
	assert_int_equal(wait->at_end(&ask), 0);
	cloud.state = MC_REGION_FAILED;
	cloud.reason = "no image mcloud/keystone";
	assert_int_equal(wait->awaits(&ask), 0);
	assert_shows(wait, &kista, "no image mcloud/keystone\n");
	assert_int_equal(wait->at_end(&ask), -EIO);
	assert_string_equal(error.message, "region Kista has failed: no image mcloud/keystone");
	assert_int_equal(wait->awaits(&gone), -ENOENT);
}

static void test_progress(void **state)
{
	const struct mc_stream_type *stream = row("progress")->stream;
	struct mc_ask ask = ask_of(&kista);
	void *reader;
	char bytes[16];
	(void)state;
	assert_int_equal(stream->open(&ask, &reader), 0);
	assert_int_equal(stream->read(NULL, reader, bytes, sizeof(bytes)), -EAGAIN);
	cloud.progress = "network\ndatabase\n";
	assert_int_equal(stream->read(NULL, reader, bytes, 10), 10);
	assert_memory_equal(bytes, "network\nda", 10);
	cloud.progress = "network\ndatabase\nready\n";
	cloud.progress_done = true;
	assert_int_equal(stream->read(NULL, reader, bytes, sizeof(bytes)), 7);
	assert_memory_equal(bytes, "tabase\n", 7);
	assert_int_equal(stream->read(NULL, reader, bytes, sizeof(bytes)), 6);
	assert_memory_equal(bytes, "ready\n", 6);
	assert_int_equal(stream->read(NULL, reader, bytes, sizeof(bytes)), 0);
	assert_int_equal(stream->read(NULL, reader, bytes, sizeof(bytes)), 0);
	stream->close(NULL, reader);
}

/* The verbs that are possible in a state, as "start destroy ". */
static void assert_verbs(enum mc_region_state state, const char *expected)
{
	char names[64] = "";
	struct mc_ask ask = ask_of(&kista);
	cloud.state = state;
	for (ask.verb = row("ctl")->verbs; ask.verb->name; ask.verb++)
		if (!ask.verb->possible || ask.verb->possible(&ask))
			strcat(strcat(names, ask.verb->name), " ");
	assert_string_equal(names, expected);
}

static void test_ctl(void **state)
{
	static const enum mc_region_verb expected[] = {
		MC_REGION_START, MC_REGION_STOP, MC_REGION_RESTART, MC_REGION_REPAIR, MC_REGION_DESTROY};
	struct mc_ask ask = ask_of(&kista);
	(void)state;
	ask.verb = row("ctl")->verbs;
	for (size_t i = 0; i < MC_COUNT(expected); i++, ask.verb++) {
		if (!strcmp(ask.verb->name, "upgrade"))
			ask.verb++;
		assert_int_equal(ask.verb->run(&ask, NULL, 0), 0);
		assert_int_equal(cloud.verb, expected[i]);
		assert_string_equal(cloud.commanded, "Kista");
	}
	assert_null(ask.verb->name);
	assert_verbs(MC_REGION_READY, "stop restart repair destroy ");
	assert_verbs(MC_REGION_STOPPED, "start destroy ");
	assert_verbs(MC_REGION_DEGRADED, "start stop restart repair destroy ");
	assert_verbs(MC_REGION_STARTING, "destroy ");
	cloud.upgrade = "epoxy";
	assert_verbs(MC_REGION_READY, "stop restart repair upgrade destroy ");
	assert_verbs(MC_REGION_STARTING, "destroy ");
	assert_verbs(MC_REGION_STOPPED, "start destroy ");
}

/* What README says of a file names all that can be in it, or written to it. */
static void test_help(void **state)
{
	(void)state;
	for (const struct mc_verb *verb = row("ctl")->verbs; verb->name; verb++)
		if (!strstr(row("ctl")->help, verb->name))
			fail_msg("ctl takes %s", verb->name);
	for (int i = MC_REGION_STARTING; i <= MC_REGION_STOPPED; i++)
		if (!strstr(row("state")->help, mc_region_state_name((enum mc_region_state)i)))
			fail_msg("a region can be %s", mc_region_state_name((enum mc_region_state)i));
}

static void test_upgrade(void **state)
{
	struct mc_ask ask = ask_of(&kista);
	char *words[] = {(char[]){"epoxy"}};
	(void)state;
	for (ask.verb = row("ctl")->verbs; strcmp(ask.verb->name, "upgrade") != 0; ask.verb++)
		;
	assert_int_equal(ask.verb->run(&ask, words, 1), 0);
	assert_string_equal(cloud.upgraded_to, "epoxy");
	assert_int_equal(ask.verb->run(&ask, NULL, 0), 0);
	assert_string_equal(cloud.upgraded_to, "the default");
}

#define ENDPOINT(interface, region, url)                                                                               \
	"{\"interface\":\"" interface "\",\"region_id\":\"" region "\",\"url\":\"" url "\"}"

static const char catalog[] = "{\"catalog\":[{\"type\":\"image\",\"name\":\"glance\",\"endpoints\":[" ENDPOINT("public",
	"Kista", "http://k:9292") "," ENDPOINT("internal", "Kista", "http://i:9292") "," ENDPOINT("admin", "Solna",
	"http://s:9292") "]},"
			 "{\"type\":\"identity\",\"name\":\"keystone\",\"endpoints\":[" ENDPOINT("public", "Kista",
				 "http://k:5000") "]},"
						  "{\"type\":\"compute\",\"name\":\"nova\",\"endpoints\":[" ENDPOINT(
							  "public", "Solna", "http://s:8774") "]}]}";

static void assert_lists(const struct mc_directory_type *type, struct mc_node *node, const char *expected)
{
	struct mc_entries entries = {0};
	struct mc_ask ask = ask_of(node);
	char names[256] = "";
	assert_int_equal(type->list(&ask, &entries), 0);
	for (size_t i = 0; i < entries.count; i++) {
		assert_string_equal(entries.items[i].name, entries.items[i].key);
		strcat(strcat(names, entries.items[i].name), " ");
	}
	mc_entries_clear(&entries);
	assert_string_equal(names, expected);
}

static void test_catalog(void **state)
{
	(void)state;
	cloud.catalog = catalog;
	assert_shows(row("catalog"), &kista,
		"compute\tnova\tSolna\tpublic\thttp://s:8774\nidentity\tkeystone\tKista\tpublic\thttp://k:5000\n"
		"image\tglance\tKista\tinternal\thttp://i:9292\nimage\tglance\tKista\tpublic\thttp://k:9292\n"
		"image\tglance\tSolna\tadmin\thttp://s:9292\n");
	assert_int_equal(cloud.catalogs, 1);
	/* Five fields on one line, whatever a service is called. */
	cloud.catalog = "{\"catalog\":[{\"type\":\"a\\tb\",\"name\":null,\"endpoints\":["
			"{\"interface\":\"x\\ny\",\"region_id\":null,\"url\":\"u\\\\v\"}]}]}";
	assert_shows(row("catalog"), &kista, "a\\011b\t\t\tx\\012y\tu\\134v\n");
	cloud.catalog = "{\"catalog\":[]}";
	assert_shows(row("catalog.json"), &kista, "{\n\t\"catalog\":\t[]\n}\n");
	cloud.catalog = "<html>";
	assert_fails(row("catalog"), &kista, EIO, "Keystone's catalog makes no sense: it is not JSON");
	cloud.catalog = NULL;
	assert_fails(row("catalog"), &kista, ETIMEDOUT, "Keystone doesn't answer");
}

static void test_endpoints(void **state)
{
	const struct mc_directory_type *types = row("endpoints")->directory, *interfaces = types->entry->directory;
	struct mc_node image = {.region = "Kista", .type = "image"};
	struct mc_node url = {.region = "Kista", .type = "image", .interface = "internal"};
	struct mc_node none = {.region = "Kista", .type = "image", .interface = "admin"};
	(void)state;
	cloud.catalog = catalog;
	assert_lists(types, &kista, "identity image ");
	assert_lists(interfaces, &image, "internal public ");
	assert_shows(interfaces->entry, &url, "http://i:9292");
	assert_fails(
		interfaces->entry, &none, ENOENT, "the catalog has no admin endpoint of type image in region Kista");
}

static void test_credentials(void **state)
{
	MC_CLEANUP(buffer) struct mc_buffer out = {0}, yaml = {0};
	const struct mc_row clouds_yaml = {.data = MC_CLIENT_CLOUDS_YAML};
	struct mc_ask ask = ask_of(&kista), at_root = ask_of(&(struct mc_node){.row = &clouds_yaml});
	(void)state;
	assert_shows(row("token"), &kista, "gAAAA\n");
	kista.row = row("openrc");
	assert_int_equal(kista.row->show(&ask, &out), 0);
	assert_non_null(strstr(out.data, "OS_AUTH_URL='http://127.77.1.1:5000/v3'\n"));
	assert_non_null(strstr(out.data, "export OS_PASSWORD='se'\\''cret'\n"));
	assert_int_equal(cloud.fresh_tokens, 1);
	cloud.role = MC_REGION_SLAVE;
	assert_int_equal(mc_region_docs_login(&at_root, &yaml), 0);
	assert_non_null(strstr(yaml.data, "auth_url: 'http://127.77.2.1:5000/v3'\n"));
	assert_true(strstr(yaml.data, "- 'Solna'") < strstr(yaml.data, "- 'Kista'"));
	cloud.no_secrets = true;
	assert_int_equal(kista.row->show(&ask, &out), -EAGAIN);
}

/* bash asks for the size of what it sources before it reads: openrc is made at open, so it has no `settled`. */
static void test_waits_at_open(void **state)
{
	static const char *const names[] = {"openrc", "token", "catalog", "catalog.json"};
	(void)state;
	for (size_t i = 0; i < MC_COUNT(names); i++) {
		assert_true(row(names[i])->terms.needs & MC_NEEDS_REGION);
		assert_null(row(names[i])->awaits);
	}
}

static void test_log(void **state)
{
	(void)state;
	assert_shows(row("log"), &kista, "mysql-Kista  2026-11-23T01:00:00Z I am mysql-Kista\n");
	cloud.reason = "broken";
	assert_fails(row("log"), &kista, EIO, "no log of glance-Kista");
}

static void test_containers(void **state)
{
	const struct mc_directory_type *links = row("containers")->directory;
	struct mc_node link = {.region = "Kista", .container = "glance-Kista"};
	(void)state;
	assert_lists(links, &kista, "mysql-Kista glance-Kista ");
	assert_shows(links->entry, &link, "../../../containers/glance-Kista");
}

static void test_node(void **state)
{
	struct mc_ask ask = ask_of(&kista), gone = ask_of(&nowhere);
	(void)state;
	assert_false(row("node")->present(&ask));
	assert_fails(row("node"), &kista, ENOENT, "region Kista runs on the only machine there is");
	cloud.node = "b";
	assert_true(row("node")->present(&ask));
	assert_false(row("node")->present(&gone));
	assert_shows(row("node"), &kista, "../../nodes/file of b");
}

static void test_directory(void **state)
{
	struct mc_ask ask = ask_of(&kista);
	struct mc_entry entry = {0};
	(void)state;
	assert_lists(&mc_tree_regions, &kista, "Kista Solna ");
	assert_int_equal(mc_tree_regions.find(&ask, "Nowhere", &entry), -ENOENT);
	assert_int_equal(mc_tree_regions.find(&ask, "Solna", &entry), 0);
	assert_string_equal(entry.key, "Solna");
	assert_true(entry.attributes.mtime == 1795392060);
	mc_entry_clear(&entry);
	assert_int_equal(mc_tree_regions.make(&ask, "Visby"), 0);
	assert_string_equal(cloud.created, "Visby");
	assert_int_equal(mc_tree_regions.make(&ask, "kista"), -EEXIST);
	assert_int_equal(mc_tree_regions.remove(&ask), 0);
	assert_string_equal(cloud.removed, "Kista");
	assert_null(mc_tree_regions.rename);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_values, setup),
		cmocka_unit_test_setup(test_wait, setup),
		cmocka_unit_test_setup(test_progress, setup),
		cmocka_unit_test_setup(test_ctl, setup),
		cmocka_unit_test_setup(test_help, setup),
		cmocka_unit_test_setup(test_upgrade, setup),
		cmocka_unit_test_setup(test_catalog, setup),
		cmocka_unit_test_setup(test_endpoints, setup),
		cmocka_unit_test_setup(test_credentials, setup),
		cmocka_unit_test_setup(test_waits_at_open, setup),
		cmocka_unit_test_setup(test_log, setup),
		cmocka_unit_test_setup(test_containers, setup),
		cmocka_unit_test_setup(test_node, setup),
		cmocka_unit_test_setup(test_directory, setup),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
