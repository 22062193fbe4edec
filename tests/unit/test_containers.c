/* SPDX-License-Identifier: MIT */
#include "fs/listing.h"
#include "fs/tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Two containers, as containers.c sees them: one of a region, one of all. */
struct mc_node {
	const char *container;
	const struct mc_row *row; /* set where a row is asked */
};

struct mc_cloud {
	struct mc_engine *engine;
	const char *state;
};

static struct mc_cloud cloud;
static struct mc_error error;
static struct mc_node keystone = {.container = "keystone-Kista"}, ldap = {.container = "ldap"},
		      gone = {.container = "gone"};

const char *mc_ask_key(const struct mc_ask *ask, enum mc_key key)
{
	assert_int_equal(key, MC_KEY_CONTAINER);
	return ask->node->container;
}

const struct mc_row *mc_node_row(const struct mc_node *node)
{
	return node->row;
}

struct mc_follows *mc_fs_follows(struct mc_fs *fs)
{
	(void)fs;
	return NULL;
}

struct mc_engine *mc_cloud_engine(struct mc_cloud *c)
{
	return c->engine;
}

void mc_engine_service_clear(struct mc_engine_service *service)
{
	free(service->name);
	free(service->image);
	free(service->region);
	free(service->ports);
	*service = (struct mc_engine_service){0};
}

int mc_cloud_service(struct mc_cloud *c, const char *name, struct mc_engine_service *ret)
{
	bool shared = strcmp(name, "ldap") == 0;
	if (strcmp(name, "gone") == 0)
		return -ENOENT;
	*ret = (struct mc_engine_service){.name = strdup(name),
		.image = strdup("mcloud/x"),
		.region = shared ? NULL : strdup("Kista"),
		.ports = strdup(shared ? "" : "127.77.1.1:5000"),
		.created = 1795392000,
		.started = shared ? 0 : 1795392060,
		.exit_code = 137,
		.restarts = 2};
	snprintf(ret->state, sizeof(ret->state), "%s", c->state);
	return 0;
}

int mc_cloud_services(struct mc_cloud *c, struct mc_engine_service_list *ret)
{
	*ret = (struct mc_engine_service_list){calloc(2, sizeof(*ret->items)), 2};
	assert_int_equal(mc_cloud_service(c, "ldap", &ret->items[0]), 0);
	return mc_cloud_service(c, "keystone-Kista", &ret->items[1]);
}

void mc_engine_service_list_clear(struct mc_engine_service_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		mc_engine_service_clear(&list->items[i]);
	free(list->items);
}

/* The last act asked for. */
static struct {
	char name[32], signal[8];
	enum mc_engine_action action;
} acted;

int mc_cloud_act(struct mc_cloud *c, struct mc_call *call, const char *name, enum mc_engine_action action,
	const char *signal, struct mc_error *e)
{
	(void)c, (void)call;
	assert_true(strlen(name) < sizeof(acted.name));
	strcpy(acted.name, name);
	strcpy(acted.signal, signal ? signal : "-");
	acted.action = action;
	return strcmp(cloud.state, "dead") == 0 ? mc_error_set(e, EBUSY, "it is dead") : 0;
}

static int fake_inspect(
	struct mc_engine *engine, struct mc_call *call, const char *name, char **ret_json, struct mc_error *e)
{
	(void)engine, (void)call, (void)e;
	*ret_json = strdup(strcmp(name, "ldap") == 0 ? "[" : "{\"Id\":\"1\"}");
	return 0;
}

static int fake_stats(struct mc_engine *engine, struct mc_call *call, const char *name, struct mc_engine_stats *ret,
	struct mc_error *e)
{
	(void)engine, (void)call, (void)name, (void)e;
	*ret = (struct mc_engine_stats){.cpu_percent = 12.345,
		.memory = 104857600,
		.memory_limit = 16777216000,
		.net_received = 1,
		.net_sent = 2,
		.block_read = 3,
		.block_written = 4,
		.processes = 5};
	return 0;
}

static int fake_text(
	struct mc_engine *engine, struct mc_call *call, const char *name, struct mc_buffer *out, struct mc_error *e)
{
	(void)engine, (void)call;
	if (strcmp(name, "ldap") == 0)
		return mc_error_set(e, ECONNREFUSED, "the engine can't be reached");
	mc_buffer_printf(out, "of %s\n", name);
	return 0;
}

static const struct mc_engine_ops ops = {
	.inspect = fake_inspect, .stats = fake_stats, .log = fake_text, .top = fake_text};
static struct mc_engine engine = {&ops};

static int setup(void **state)
{
	(void)state;
	cloud = (struct mc_cloud){&engine, "running"};
	error = (struct mc_error){0};
	acted.name[0] = '\0';
	return 0;
}

static const struct mc_row *row(const char *name)
{
	const struct mc_row *found = mc_row_find(mc_tree_containers.entry->directory, name);

	assert_non_null(found);
	return found;
}

static struct mc_ask ask_of(struct mc_node *node)
{
	return (struct mc_ask){.cloud = &cloud, .node = node, .error = &error};
}

static void assert_shows(const char *name, struct mc_node *node, const char *expected)
{
	MC_CLEANUP(buffer) struct mc_buffer out = {0};
	struct mc_ask ask = ask_of(node);
	node->row = row(name);
	assert_int_equal(node->row->show(&ask, &out), 0);
	assert_string_equal(out.data ? out.data : "", expected);
}

static void assert_fails(const char *name, struct mc_node *node, int code)
{
	MC_CLEANUP(buffer) struct mc_buffer out = {0};
	struct mc_ask ask = ask_of(node);
	node->row = row(name);
	assert_int_equal(node->row->show(&ask, &out), -code);
	assert_int_equal(error.code, code);
}

static void test_values(void **state)
{
	(void)state;
	assert_shows("state", &keystone, "running");
	assert_shows("health", &keystone, "none");
	assert_shows("image", &keystone, "mcloud/x");
	assert_shows("ports", &keystone, "127.77.1.1:5000");
	assert_shows("ports", &ldap, "-");
	assert_shows("address", &keystone, "-");
	assert_shows("started", &keystone, "2026-11-23T00:01:00.000Z");
	assert_shows("started", &ldap, "-");
	assert_shows("restarts", &keystone, "2");
	assert_shows("exit_code", &keystone, "137");
	for (const struct mc_row *r = mc_tree_containers.entry->directory->rows; r->name; r++)
		if (r->kind == MC_KIND_VALUE)
			assert_fails(r->name, &gone, ENOENT);
}

static void test_values_never_wait(void **state)
{
	(void)state;
	for (const struct mc_row *r = mc_tree_containers.entry->directory->rows; r->name; r++)
		if (r->kind == MC_KIND_VALUE || r->kind == MC_KIND_LINK)
			assert_int_equal(r->terms.lane, MC_LANE_MODEL);
		else
			assert_int_equal(r->terms.lane, MC_LANE_ENGINE);
}

static void test_documents(void **state)
{
	(void)state;
	assert_shows("log", &keystone, "of keystone-Kista\n");
	assert_shows("top", &keystone, "of keystone-Kista\n");
	assert_shows("inspect.json", &keystone, "{\n\t\"Id\":\t\"1\"\n}\n");
	assert_shows("stats", &keystone,
		"cpu:                    12.35 %\nprocesses:                  5\nmemory:             104857600 B\n"
		"memory limit:     16777216000 B\nreceived:                   1 B\nsent:                       2 B\n"
		"read:                       3 B\nwritten:                    4 B\n");
	assert_fails("log", &ldap, ECONNREFUSED);
	assert_fails("top", &ldap, ECONNREFUSED);
	assert_fails("inspect.json", &ldap, EIO);
}

static void test_region_link(void **state)
{
	struct mc_ask one = ask_of(&keystone), all = ask_of(&ldap);
	(void)state;
	assert_shows("region", &keystone, "../../regions/Kista");
	assert_true(row("region")->present(&one));
	assert_false(row("region")->present(&all));
	assert_fails("region", &ldap, ENOENT);
}

static int run(struct mc_ask *ask, const struct mc_verb *verb, char **words, unsigned n_words)
{
	ask->verb = verb;
	return verb->run(ask, words, n_words);
}

static void test_ctl(void **state)
{
	static const enum mc_engine_action expected[] = {
		MC_ENGINE_START, MC_ENGINE_STOP, MC_ENGINE_RESTART, MC_ENGINE_KILL, MC_ENGINE_PAUSE, MC_ENGINE_UNPAUSE};
	struct mc_ask ask = ask_of(&keystone);
	const struct mc_verb *verbs = row("ctl")->verbs;
	char hangup[] = "HUP", *words[] = {hangup};
	(void)state;
	for (size_t i = 0; i < MC_COUNT(expected); i++) {
		assert_int_equal(run(&ask, &verbs[i], NULL, 0), 0);
		assert_string_equal(acted.name, "keystone-Kista");
		assert_int_equal(acted.action, expected[i]);
		assert_string_equal(acted.signal, "-");
	}
	assert_null(verbs[MC_COUNT(expected)].name);
	assert_string_equal(verbs[3].name, "kill");
	assert_int_equal(verbs[3].max, 1);
	assert_int_equal(run(&ask, &verbs[3], words, 1), 0);
	assert_string_equal(acted.signal, "HUP");
	cloud.state = "dead";
	assert_int_equal(run(&ask, &verbs[1], NULL, 0), -EBUSY);
	assert_string_equal(error.message, "it is dead");
}

static void assert_verbs(const char *state, const char *expected)
{
	char names[64] = "";
	struct mc_ask ask = ask_of(&keystone);
	cloud.state = state;
	for (ask.verb = row("ctl")->verbs; ask.verb->name; ask.verb++)
		if (!ask.verb->possible || ask.verb->possible(&ask))
			strcat(strcat(names, ask.verb->name), " ");
	assert_string_equal(names, expected);
}

static void test_possible_verbs(void **state)
{
	(void)state;
	assert_verbs("running", "stop restart kill pause ");
	assert_verbs("paused", "stop restart kill unpause ");
	assert_verbs("exited", "start restart ");
	assert_verbs("created", "start restart ");
}

static void test_list(void **state)
{
	struct mc_entries entries = {0};
	struct mc_ask ask = ask_of(&ldap);
	(void)state;
	assert_int_equal(mc_tree_containers.list(&ask, &entries), 0);
	assert_int_equal(entries.count, 2);
	assert_string_equal(entries.items[0].name, "ldap");
	assert_true(entries.items[0].attributes.mtime == 1795392000);
	assert_true(entries.items[1].attributes.mtime == 1795392060);
	mc_entries_clear(&entries);
	assert_null(mc_tree_containers.make);
	assert_null(mc_tree_containers.remove);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_values, setup),
		cmocka_unit_test_setup(test_values_never_wait, setup),
		cmocka_unit_test_setup(test_documents, setup),
		cmocka_unit_test_setup(test_region_link, setup),
		cmocka_unit_test_setup(test_ctl, setup),
		cmocka_unit_test_setup(test_possible_verbs, setup),
		cmocka_unit_test_setup(test_list, setup),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
