/* SPDX-License-Identifier: MIT */
#include "mcloud/replication.h"
#include "fs/tree/region_docs.h"
#include "fs/tree/rows.h"
#include "fs/tree/text.h"

#include <stdlib.h>
#include <string.h>

/* regions/R/replication/: how Keystone's database gets from the master to the slaves. */

static const char *asked_region(const struct mc_ask *ask)
{
	return mc_ask_key(ask, MC_KEY_REGION);
}

/* What show_seen() shows. */
enum seen { SEEN_STATE, SEEN_GTID };

static int show_seen(struct mc_ask *ask, struct mc_buffer *out)
{
	struct mc_replication now = {0};
	int r = mc_replication_look(ask->cloud, ask->call, asked_region(ask), &now, ask->error);
	if (r == 0)
		mc_buffer_text(
			out, mc_ask_data(ask) == SEEN_STATE ? mc_replication_state_name(now.state) : now.applied);
	return r;
}

static int show_lag(struct mc_ask *ask, struct mc_buffer *out)
{
	double lag = -1;
	int r = mc_replication_lag(ask->cloud, ask->call, asked_region(ask), &lag, ask->error);
	if (r < 0)
		return r;
	if (lag < 0)
		mc_buffer_text(out, "-");
	else
		mc_buffer_printf(out, "%.3f", lag);
	return 0;
}

static int show_sync(struct mc_ask *ask, struct mc_buffer *out)
{
	MC_CLEANUP(free_pointer) char *position = NULL;
	int r = mc_replication_sync(ask->cloud, ask->call, asked_region(ask), &position, ask->error);
	if (r == 0)
		mc_buffer_text(out, position);
	return r;
}

static int show_mode(struct mc_ask *ask, struct mc_buffer *out)
{
	int r = mc_replication_mode(ask->cloud, ask->call, asked_region(ask), ask->error);
	if (r < 0)
		return r;
	mc_buffer_text(out, r ? "semisync" : "async");
	return 0;
}

static int store_mode(struct mc_ask *ask, const char *value, size_t size)
{
	(void)size;
	bool semisync = strcmp(value, "semisync") == 0;
	if (!semisync && strcmp(value, "async") != 0)
		return mc_error_set(ask->error, EINVAL, "the mode is async or semisync, not \"%.32s\"", value);
	return mc_replication_set_mode(ask->cloud, ask->call, asked_region(ask), semisync, ask->error);
}

static int show_replication_json(struct mc_ask *ask, struct mc_buffer *out)
{
	MC_CLEANUP(free_pointer) char *json = NULL;
	int r = mc_replication_json(ask->cloud, ask->call, asked_region(ask), &json, ask->error);
	return r ? r : mc_text_json(out, json, strlen(json), "the database's status", ask->error);
}

static const char *thread_name(enum mc_replica_thread thread)
{
	static const char *const names[] = {
		[MC_REPLICA_NO] = "stopped", [MC_REPLICA_CONNECTING] = "connecting", [MC_REPLICA_YES] = "running"};
	return names[thread];
}

/* A position, or a word for the beginning of all. */
static const char *position_or_dash(const char *position)
{
	return *position ? position : "-";
}

static int add_drift(struct mc_ask *ask, struct mc_buffer *out)
{
	MC_CLEANUP(buffer) struct mc_buffer tables = {0};
	int r = mc_replication_differences(ask->cloud, ask->call, asked_region(ask), &tables, ask->error);
	if (r == -ECONNREFUSED || r == -ETIMEDOUT) {
		mc_buffer_text(out, "drift: not known, as one of the databases does not answer\n");
		return 0;
	}
	if (r == 0)
		mc_buffer_printf(out, "drift: %s\n", tables.size ? tables.data : "none");
	return r;
}

static int show_slave(struct mc_ask *ask, const struct mc_region_view *view, struct mc_buffer *out)
{
	struct mc_replication now = {0};
	double lag = -1;
	int r = mc_replication_look(ask->cloud, ask->call, asked_region(ask), &now, ask->error);
	if (r == 0)
		r = mc_replication_lag(ask->cloud, ask->call, asked_region(ask), &lag, ask->error);
	if (r < 0)
		return r;
	mc_buffer_printf(out, "role: slave\nmaster: %s\nstate: %s\n", view->master ? view->master : "-",
		mc_replication_state_name(now.state));
	if (now.state == MC_REPLICATION_NONE || now.state == MC_REPLICATION_SEEDING)
		return 0;
	mc_buffer_printf(out, "receiver: %s\napplier: %s\nreceived: %s\napplied: %s\nmaster's position: %s\n",
		thread_name(now.status.receiver), thread_name(now.status.applier),
		position_or_dash(now.status.received), position_or_dash(now.applied), position_or_dash(now.at_master));
	if (lag < 0)
		mc_buffer_text(out, "lag: -\n");
	else
		mc_buffer_printf(out, "lag: %.3f s\n", lag);
	if (now.status.error)
		mc_buffer_printf(out, "last error: %s (%u)\n", now.status.message, now.status.error);
	else
		mc_buffer_text(out, "last error: none\n");
	if (view->is_incomplete)
		mc_buffer_text(out, "incomplete: it acknowledges, but may lack what was acknowledged before\n");
	return add_drift(ask, out);
}

/* Why writes may be waiting. */
static int add_mode(struct mc_ask *ask, struct mc_buffer *out)
{
	unsigned long slaves = 0;
	int r = mc_replication_mode(ask->cloud, ask->call, asked_region(ask), ask->error);
	if (r <= 0)
		return r;
	r = mc_replication_acknowledging(ask->cloud, ask->call, asked_region(ask), &slaves, ask->error);
	if (r == 0 && slaves)
		mc_buffer_printf(out, "acknowledging: %lu\n", slaves);
	else if (r == 0)
		mc_buffer_text(out, "acknowledging: none, writes wait for a slave\n");
	return r;
}

/* What the master's slaves say, as last seen. */
static int show_master(struct mc_ask *ask, struct mc_buffer *out)
{
	struct mc_region_views views = {0};
	struct mc_replication now = {0};
	int r = mc_replication_look(ask->cloud, ask->call, asked_region(ask), &now, ask->error);
	if (r < 0)
		return r;
	mc_buffer_printf(out, "role: master\nstate: none\nposition: %s\n", position_or_dash(now.applied));
	r = add_mode(ask, out);
	if (r < 0)
		return r;
	r = mc_cloud_regions(ask->cloud, &views);
	for (size_t i = 0; r == 0 && i < views.count; i++)
		if (views.items[i].master && strcmp(views.items[i].master, asked_region(ask)) == 0)
			mc_buffer_printf(out, "slave: %s, %s%s\n", views.items[i].name,
				mc_replication_state_name(views.items[i].replication),
				views.items[i].is_incomplete ? ", incomplete" : "");
	mc_region_views_clear(&views);
	return r ? mc_error_errno(ask->error, -r, "can't list the regions") : 0;
}

static int show_replication_status(struct mc_ask *ask, struct mc_buffer *out)
{
	MC_CLEANUP(region_view) struct mc_region_view view = {0};
	int r = mc_region_docs_view(ask, &view);
	if (r == 0)
		r = view.role == MC_REGION_MASTER ? show_master(ask, out) : show_slave(ask, &view, out);
	return r ? r : mc_text_check(out, ask->error);
}

static int show_master_link(struct mc_ask *ask, struct mc_buffer *out)
{
	MC_CLEANUP(region_view) struct mc_region_view view = {0};
	int r = mc_region_docs_view(ask, &view);
	if (r == 0 && !view.master)
		return mc_error_set(ask->error, ENOENT, "region %s replicates nobody", view.name);
	if (r == 0)
		mc_buffer_printf(out, "../../%s", view.master);
	return r;
}

static bool has_master(struct mc_ask *ask)
{
	MC_CLEANUP(region_view) struct mc_region_view view = {0};
	return mc_cloud_region(ask->cloud, asked_region(ask), &view) == 0 && view.master;
}

static int start_replication(struct mc_ask *ask, char **words, unsigned n_words)
{
	return mc_replication_start(ask->cloud, ask->call, asked_region(ask), n_words ? words[0] : NULL, ask->error);
}

/* What command_replication() does. */
enum command { COMMAND_STOP, COMMAND_RESYNC, COMMAND_PROMOTE };

static int command_replication(struct mc_ask *ask, char **words, unsigned n_words)
{
	static int (*const commands[])(struct mc_cloud *, struct mc_call *, const char *, struct mc_error *) = {
		[COMMAND_STOP] = mc_replication_stop,
		[COMMAND_RESYNC] = mc_replication_resync,
		[COMMAND_PROMOTE] = mc_replication_promote,
	};
	(void)words, (void)n_words;
	return commands[ask->verb->data](ask->cloud, ask->call, asked_region(ask), ask->error);
}

static int run_step_down(struct mc_ask *ask, char **words, unsigned n_words)
{
	(void)n_words;
	return mc_replication_step_down(ask->cloud, ask->call, asked_region(ask), words[0], ask->error);
}

static bool is_slave(struct mc_ask *ask, struct mc_region_view *view)
{
	return mc_cloud_region(ask->cloud, asked_region(ask), view) == 0 && view->role == MC_REGION_SLAVE;
}

/* What reading `ctl` lists, by what was seen last. */
static bool replication_can_start(struct mc_ask *ask)
{
	MC_CLEANUP(region_view) struct mc_region_view view = {0};
	return is_slave(ask, &view) && mc_region_state_settled(view.state) && view.state != MC_REGION_STOPPED &&
	       view.replication != MC_REPLICATION_RUNNING;
}

static bool replication_can_stop(struct mc_ask *ask)
{
	MC_CLEANUP(region_view) struct mc_region_view view = {0};
	return is_slave(ask, &view) && view.master && mc_region_serving(ask->cloud, view.name, NULL) == 0 &&
	       view.replication != MC_REPLICATION_STOPPED;
}

static bool serves_copy(struct mc_ask *ask)
{
	MC_CLEANUP(region_view) struct mc_region_view view = {0};
	return is_slave(ask, &view) && view.master && mc_region_serving(ask->cloud, view.name, NULL) == 0;
}

static bool can_step_down(struct mc_ask *ask)
{
	MC_CLEANUP(region_views) struct mc_region_views views = {0};
	MC_CLEANUP(region_view) struct mc_region_view view = {0};
	bool has_slave = false;
	if (is_slave(ask, &view) || mc_cloud_regions(ask->cloud, &views) < 0)
		return false;
	for (size_t i = 0; i < views.count; i++)
		has_slave = has_slave || views.items[i].master;
	return has_slave;
}

static const struct mc_verb verbs[] = {
	MC_VERB("start", "[MASTER]", "replicate the master, and serve", .max = 1, .run = start_replication,
		.possible = replication_can_start),
	MC_VERB("stop", "", "stay at what it has", .run = command_replication, .possible = replication_can_stop,
		.data = COMMAND_STOP),
	MC_VERB("resync", "", "throw its copy away for a new one of the master's", .run = command_replication,
		.possible = serves_copy, .data = COMMAND_RESYNC),
	MC_VERB("promote", "", "become the master, whether that is alive or dead", .run = command_replication,
		.possible = serves_copy, .data = COMMAND_PROMOTE),
	MC_VERB("stepdown", "REGION", "leave the role of master to it", .min = 1, .max = 1, .run = run_step_down,
		.possible = can_step_down),
	MC_END,
};

static const struct mc_row rows[] = {
	MC_CONTROL("ctl", 0600, "start, stop, resync, promote, stepdown", verbs, .terms = {MC_LANE_DATABASE, 6, 0}),
	MC_DOCUMENT("status", 0444, "how it is going, and whether both databases agree",
		.terms = {MC_LANE_DATABASE, 3, 0}, .show = show_replication_status),
	MC_DOCUMENT("status.json", 0444, "the database's own status row", .terms = {MC_LANE_DATABASE, 1, 0},
		.show = show_replication_json),
	MC_VALUE("state", 0444, "none, seeding, running, stopped, broken, diverged", .terms = {MC_LANE_DATABASE, 1, 0},
		.show = show_seen, .data = SEEN_STATE),
	MC_VALUE("lag", 0444, "seconds behind the master", .terms = {MC_LANE_DATABASE, 1, 0}, .show = show_lag),
	MC_VALUE("gtid", 0444, "the position applied here", .terms = {MC_LANE_DATABASE, 1, 0}, .show = show_seen,
		.data = SEEN_GTID),
	MC_LINK("master", 0777, "whom it replicates", .show = show_master_link, .present = has_master),
	MC_VALUE("sync", 0444, "waits until all that the master has now is here", .terms = {MC_LANE_TRANSFER, 360, 0},
		.show = show_sync),
	MC_VALUE("mode", 0644, "async or semisync", .terms = {MC_LANE_DATABASE, 3, 0}, .show = show_mode,
		.store = store_mode, .unread = true),
	MC_END,
};

const struct mc_directory_type mc_tree_replication = {.rows = rows};
