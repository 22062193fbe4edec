/* SPDX-License-Identifier: MIT */
#include "fs/tree.h"
#include "fs/tree/region_docs.h"
#include "mcloud/replication.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* regions/R/replication/, on a cloud whose master is Kista. */
struct mc_node {
	const char *region;
	const struct mc_row *row; /* set where a row is asked */
};

struct mc_cloud {
	struct mc_replication now;
	enum mc_region_state state;
	double lag;
	const char *tables;
	int mode, serving, compared;
	unsigned long acknowledging;
	char done[128];
};

static struct mc_cloud cloud;
static struct mc_error error;

const char *mc_ask_key(const struct mc_ask *ask, enum mc_key key)
{
	return key == MC_KEY_REGION ? ask->node->region : NULL;
}

const struct mc_row *mc_node_row(const struct mc_node *node)
{
	return node->row;
}

void mc_region_view_clear(struct mc_region_view *view)
{
	free(view->name);
	free(view->master);
	memset(view, 0, sizeof(*view));
}

void mc_region_views_clear(struct mc_region_views *views)
{
	for (size_t i = 0; i < views->count; i++)
		mc_region_view_clear(&views->items[i]);
	free(views->items);
}

int mc_cloud_region(struct mc_cloud *c, const char *name, struct mc_region_view *ret)
{
	bool is_slave = strcmp(name, "Solna") == 0;

	if (!is_slave && strcmp(name, "Kista") != 0)
		return -ENOENT;
	*ret = (struct mc_region_view){.name = strdup(name),
		.role = is_slave ? MC_REGION_SLAVE : MC_REGION_MASTER,
		.state = c->state,
		.replication = is_slave ? c->now.state : MC_REPLICATION_NONE,
		.master = is_slave && c->now.state != MC_REPLICATION_NONE ? strdup("Kista") : NULL};
	return 0;
}

int mc_region_docs_view(struct mc_ask *ask, struct mc_region_view *ret)
{
	return mc_cloud_region(ask->cloud, ask->node->region, ret);
}

int mc_cloud_regions(struct mc_cloud *c, struct mc_region_views *ret)
{
	ret->items = calloc(2, sizeof(*ret->items));
	mc_cloud_region(c, "Kista", &ret->items[0]);
	mc_cloud_region(c, "Solna", &ret->items[1]);
	ret->count = 2;
	return 0;
}

bool mc_region_state_settled(enum mc_region_state state)
{
	return state != MC_REGION_STARTING && state != MC_REGION_SEEDING && state != MC_REGION_STOPPING;
}

int mc_region_serving(struct mc_cloud *c, const char *name, struct mc_error *e)
{
	(void)name, (void)e;
	return c->serving;
}

const char *mc_replication_state_name(enum mc_replication_state state)
{
	static const char *const all[] = {"none", "seeding", "running", "stopped", "broken", "diverged"};
	return all[state];
}

int mc_replication_look(
	struct mc_cloud *c, struct mc_call *call, const char *region, struct mc_replication *ret, struct mc_error *e)
{
	(void)call, (void)region, (void)e;
	*ret = c->now;
	return 0;
}

int mc_replication_lag(struct mc_cloud *c, struct mc_call *call, const char *region, double *ret, struct mc_error *e)
{
	(void)call, (void)region, (void)e;
	*ret = c->lag;
	return 0;
}

int mc_replication_json(struct mc_cloud *c, struct mc_call *call, const char *region, char **ret, struct mc_error *e)
{
	(void)c, (void)call, (void)region, (void)e;
	*ret = strdup("{\"Slave_IO_Running\":\"Yes\"}");
	return 0;
}

int mc_replication_differences(
	struct mc_cloud *c, struct mc_call *call, const char *region, struct mc_buffer *out, struct mc_error *e)
{
	(void)call, (void)region;
	if (c->compared < 0)
		return mc_error_set(e, -c->compared, "no");
	mc_buffer_text(out, c->tables);
	return 0;
}

int mc_replication_sync(struct mc_cloud *c, struct mc_call *call, const char *region, char **ret, struct mc_error *e)
{
	(void)c, (void)call, (void)region, (void)e;
	*ret = strdup("1-1-7");
	return 0;
}

int mc_replication_mode(struct mc_cloud *c, struct mc_call *call, const char *region, struct mc_error *e)
{
	(void)call, (void)region, (void)e;
	return c->mode;
}

int mc_replication_acknowledging(
	struct mc_cloud *c, struct mc_call *call, const char *region, unsigned long *ret_slaves, struct mc_error *e)
{
	(void)call, (void)region, (void)e;
	*ret_slaves = c->acknowledging;
	return 0;
}

int mc_replication_set_mode(
	struct mc_cloud *c, struct mc_call *call, const char *region, bool semisync, struct mc_error *e)
{
	(void)call, (void)e;
	snprintf(c->done, sizeof(c->done), "mode %s %d", region, semisync);
	return 0;
}

int mc_replication_start(
	struct mc_cloud *c, struct mc_call *call, const char *region, const char *master, struct mc_error *e)
{
	(void)call, (void)e;
	snprintf(c->done, sizeof(c->done), "start %s %s", region, master ? master : "-");
	return 0;
}

int mc_replication_stop(struct mc_cloud *c, struct mc_call *call, const char *region, struct mc_error *e)
{
	(void)call, (void)e;
	snprintf(c->done, sizeof(c->done), "stop %s", region);
	return 0;
}

int mc_replication_resync(struct mc_cloud *c, struct mc_call *call, const char *region, struct mc_error *e)
{
	(void)call, (void)e;
	snprintf(c->done, sizeof(c->done), "resync %s", region);
	return 0;
}

int mc_replication_promote(struct mc_cloud *c, struct mc_call *call, const char *region, struct mc_error *e)
{
	(void)call, (void)e;
	snprintf(c->done, sizeof(c->done), "promote %s", region);
	return 0;
}

int mc_replication_step_down(
	struct mc_cloud *c, struct mc_call *call, const char *region, const char *to, struct mc_error *e)
{
	(void)call, (void)e;
	snprintf(c->done, sizeof(c->done), "stepdown %s %s", region, to);
	return 0;
}

static struct mc_node kista = {"Kista"}, solna = {"Solna"};

static int reset(void **state)
{
	(void)state;
	cloud = (struct mc_cloud){.state = MC_REGION_READY, .lag = 0.25, .tables = ""};
	cloud.now = (struct mc_replication){.state = MC_REPLICATION_RUNNING,
		.lag = 0,
		.status = {.is_configured = true,
			.receiver = MC_REPLICA_YES,
			.applier = MC_REPLICA_YES,
			.received = "1-1-7"},
		.applied = "1-1-6",
		.at_master = "1-1-7"};
	return 0;
}

static struct mc_ask ask_of(struct mc_node *node)
{
	return (struct mc_ask){.cloud = &cloud, .node = node, .error = &error};
}

static const struct mc_row *row(const char *name)
{
	const struct mc_row *found = mc_tree_replication.rows;

	while (found->name && strcmp(found->name, name) != 0)
		found++;
	assert_non_null(found->name);
	return found;
}

static void assert_shows(struct mc_node *node, const char *name, const char *expected)
{
	struct mc_ask ask = ask_of(node);
	struct mc_buffer out = {0};

	node->row = row(name);
	assert_int_equal(node->row->show(&ask, &out), 0);
	assert_string_equal(out.data ? out.data : "", expected);
	mc_buffer_free(&out);
}

static void values_are_what_the_database_says(void **state)
{
	(void)state;
	assert_shows(&solna, "state", "running");
	assert_shows(&solna, "gtid", "1-1-6");
	assert_shows(&solna, "lag", "0.250");
	cloud.lag = -1;
	assert_shows(&solna, "lag", "-");
	assert_shows(&solna, "sync", "1-1-7");
	assert_shows(&solna, "mode", "async");
	cloud.mode = 1;
	assert_shows(&solna, "mode", "semisync");
	assert_shows(&solna, "master", "../../Kista");
	assert_shows(&solna, "status.json", "{\n\t\"Slave_IO_Running\":\t\"Yes\"\n}\n");
}

static void only_a_slave_has_a_master(void **state)
{
	struct mc_ask of_kista = ask_of(&kista), of_solna = ask_of(&solna);
	struct mc_buffer out = {0};

	(void)state;
	assert_true(row("master")->present(&of_solna));
	assert_false(row("master")->present(&of_kista));
	assert_int_equal(row("master")->show(&of_kista, &out), -ENOENT);
	cloud.now.state = MC_REPLICATION_NONE;
	assert_false(row("master")->present(&of_solna));
	mc_buffer_free(&out);
}

static void the_status_names_what_differs(void **state)
{
	static const char head[] = "role: slave\nmaster: Kista\nstate: running\nreceiver: running\napplier: running\n"
				   "received: 1-1-7\napplied: 1-1-6\nmaster's position: 1-1-7\n";
	char expected[512];

	(void)state;
	snprintf(expected, sizeof(expected), "%slag: 0.250 s\nlast error: none\ndrift: none\n", head);
	assert_shows(&solna, "status", expected);
	cloud.tables = "project user";
	snprintf(expected, sizeof(expected), "%slag: 0.250 s\nlast error: none\ndrift: project user\n", head);
	assert_shows(&solna, "status", expected);
	cloud.compared = -ECONNREFUSED;
	cloud.lag = -1;
	cloud.now.status.error = 2003;
	strcpy(cloud.now.status.message, "can't connect");
	snprintf(expected, sizeof(expected),
		"%slag: -\nlast error: can't connect (2003)\ndrift: not known, as one of the databases does not "
		"answer\n",
		head);
	assert_shows(&solna, "status", expected);
	cloud.now.state = MC_REPLICATION_NONE;
	assert_shows(&solna, "status", "role: slave\nmaster: -\nstate: none\n");
	cloud.now.state = MC_REPLICATION_RUNNING;
	cloud.mode = 0;
	assert_shows(&kista, "status", "role: master\nstate: none\nposition: 1-1-6\nslave: Solna, running\n");
	cloud.mode = 1;
	cloud.acknowledging = 1;
	assert_shows(&kista, "status",
		"role: master\nstate: none\nposition: 1-1-6\nacknowledging: 1\nslave: Solna, running\n");
	cloud.acknowledging = 0;
	assert_shows(&kista, "status",
		"role: master\nstate: none\nposition: 1-1-6\nacknowledging: none, writes wait for a slave\n"
		"slave: Solna, running\n");
}

static int command(struct mc_node *node, const char *verb, char *word)
{
	struct mc_ask ask = ask_of(node);

	for (ask.verb = row("ctl")->verbs; ask.verb->name; ask.verb++)
		if (!strcmp(ask.verb->name, verb))
			return ask.verb->run(&ask, &word, word ? 1 : 0);
	fail_msg("no verb %s", verb);
	return 0;
}

static void assert_possible(struct mc_node *node, const char *expected)
{
	struct mc_ask ask = ask_of(node);
	struct mc_buffer verbs = {0};

	for (ask.verb = row("ctl")->verbs; ask.verb->name; ask.verb++)
		if (!ask.verb->possible || ask.verb->possible(&ask))
			mc_buffer_printf(&verbs, "%s ", ask.verb->name);
	assert_string_equal(verbs.data ? verbs.data : "", expected);
	mc_buffer_free(&verbs);
}

static void commands_reach_the_cloud(void **state)
{
	struct mc_ask ask = ask_of(&solna);

	(void)state;
	assert_int_equal(command(&solna, "start", NULL), 0);
	assert_string_equal(cloud.done, "start Solna -");
	assert_int_equal(command(&solna, "start", (char[]){"Kista"}), 0);
	assert_string_equal(cloud.done, "start Solna Kista");
	assert_int_equal(command(&solna, "stop", NULL), 0);
	assert_string_equal(cloud.done, "stop Solna");
	assert_int_equal(command(&solna, "resync", NULL), 0);
	assert_string_equal(cloud.done, "resync Solna");
	assert_int_equal(command(&solna, "promote", NULL), 0);
	assert_string_equal(cloud.done, "promote Solna");
	assert_int_equal(command(&kista, "stepdown", (char[]){"Solna"}), 0);
	assert_string_equal(cloud.done, "stepdown Kista Solna");
	assert_int_equal(row("mode")->store(&ask, "semisync", 8), 0);
	assert_string_equal(cloud.done, "mode Solna 1");
	assert_int_equal(row("mode")->store(&ask, "async", 5), 0);
	assert_string_equal(cloud.done, "mode Solna 0");
	assert_int_equal(row("mode")->store(&ask, "sync", 4), -EINVAL);
	assert_int_equal(row("mode")->store(&ask, "", 0), -EINVAL);
}

static void what_is_possible_now_is_listed(void **state)
{
	(void)state;
	assert_possible(&kista, "stepdown ");
	assert_possible(&solna, "stop resync promote ");
	cloud.now.state = MC_REPLICATION_STOPPED;
	assert_possible(&solna, "start resync promote ");
	cloud.state = MC_REGION_SEEDING;
	cloud.serving = 1;
	assert_possible(&solna, "");
	cloud.now.state = MC_REPLICATION_NONE;
	cloud.state = MC_REGION_STANDBY;
	cloud.serving = -EAGAIN;
	assert_possible(&solna, "start ");
	assert_possible(&kista, "");
	cloud.state = MC_REGION_STOPPED;
	assert_possible(&solna, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(values_are_what_the_database_says, reset),
		cmocka_unit_test_setup(only_a_slave_has_a_master, reset),
		cmocka_unit_test_setup(the_status_names_what_differs, reset),
		cmocka_unit_test_setup(commands_reach_the_cloud, reset),
		cmocka_unit_test_setup(what_is_possible_now_is_listed, reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
