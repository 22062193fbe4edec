/* SPDX-License-Identifier: MIT */
#include "fs/events.h"
#include "fs/tree/identity_rows.h"
#include "fs/tree/overview.h"
#include "fs/tree/region_docs.h"
#include "fs/tree/text.h"

#include <stdlib.h>

static int show_readme(struct mc_ask *ask, struct mc_buffer *out);
static int show_version(struct mc_ask *ask, struct mc_buffer *out);
static int show_cloud_status(struct mc_ask *ask, struct mc_buffer *out);
static int show_status_json(struct mc_ask *ask, struct mc_buffer *out);
static int show_errors(struct mc_ask *ask, struct mc_buffer *out);
static int show_journal(struct mc_ask *ask, struct mc_buffer *out);
static int show_metrics(struct mc_ask *ask, struct mc_buffer *out);
static int show_dot(struct mc_ask *ask, struct mc_buffer *out);
static int show_svg(struct mc_ask *ask, struct mc_buffer *out);

/* clang-format off */
static const struct mc_row rows[] = {
	{.name = "README", .kind = MC_KIND_DOCUMENT, .mode = 0444, .help = "this text", .show = show_readme},
	{.name = "version", .kind = MC_KIND_VALUE, .mode = 0444, .help = "of this program and of the engine", .lane = MC_LANE_ENGINE,
	 .show = show_version},
	{.name = "status", .kind = MC_KIND_DOCUMENT, .mode = 0444, .help = "the regions, one a line", .show = show_cloud_status},
	{.name = "status.json", .kind = MC_KIND_DOCUMENT, .mode = 0444, .help = "the same for programs", .show = show_status_json},
	{.name = "events", .kind = MC_KIND_STREAM, .mode = 0444, .help = "what happens, as it happens, one JSON object a line",
	 .stream = &mc_events_stream, .unlisted = true},
	{.name = "errors", .kind = MC_KIND_DOCUMENT, .mode = 0444, .help = "the last 256 failures, newest last", .show = show_errors},
	{.name = "journal", .kind = MC_KIND_DOCUMENT, .mode = 0444, .help = "the last 1,000 calls to services and engine",
	 .show = show_journal},
	{.name = "metrics", .kind = MC_KIND_DOCUMENT, .mode = 0444, .help = "counters and states for Prometheus", .show = show_metrics},
	{.name = "topology.dot", .kind = MC_KIND_DOCUMENT, .mode = 0444, .help = "a picture of the cloud, for Graphviz", .show = show_dot},
	{.name = "topology.svg", .kind = MC_KIND_DOCUMENT, .mode = 0444, .help = "a picture of the cloud, for a browser", .show = show_svg},
	{.name = "clouds.yaml", .kind = MC_KIND_DOCUMENT, .mode = 0600, .help = "for openstacksdk and openstackclient",
	 .needs_region = true, .show = mc_region_docs_clouds_yaml},
	{.name = "regions", .kind = MC_KIND_DIRECTORY, .mode = 0755, .help = "mkdir starts a region, rmdir destroys it",
	 .directory = &mc_tree_regions},
	{.name = "containers", .kind = MC_KIND_DIRECTORY, .mode = 0555, .help = "what runs", .directory = &mc_tree_containers},
	MC_IDENTITY_ROWS(0755),
	{.name = "ldap", .kind = MC_KIND_DIRECTORY, .mode = 0555, .help = "the directory of people that all regions share",
	 .directory = &mc_tree_ldap},
	{.name = "fernet", .kind = MC_KIND_DIRECTORY, .mode = 0555, .help = "the token keys that all regions share",
	 .directory = &mc_tree_fernet},
	{.name = NULL},
};
/* clang-format on */

const struct mc_directory_type mc_tree_root = {.rows = rows};

static int show_readme(struct mc_ask *ask, struct mc_buffer *out)
{
	mc_buffer_text(out,
		"This directory is a cloud: its regions, containers, people, projects and images are files here.\n\n");
	mc_tree_describe(out);
	mc_buffer_text(out,
		"\nTwo that never end are found by their names only, so that a walk over all files ends: events, and\n"
		"containers/CONTAINER/log.follow.\n"
		"\nTry, in this directory:\n\n"
		"  mkdir regions/Kista                 start a region\n"
		"  cat regions/Kista/progress          watch it start\n"
		"  cat regions/Kista/catalog           what it offers\n"
		"  . regions/Kista/openrc              use the openstack client with it\n"
		"  cp disk.qcow2 regions/Kista/images/ upload an image\n"
		"\nWhen something fails, errors says why. docs/SEMANTICS.md is the contract of all this.\n");
	return mc_text_check(out, ask->error);
}

static int show_version(struct mc_ask *ask, struct mc_buffer *out)
{
	struct mc_engine *engine = mc_cloud_engine(ask->cloud);
	MC_CLEANUP(free_pointer) char *version = NULL;
	int r = engine->ops->version(engine, ask->call, &version, ask->error);
	if (r < 0)
		return r;
	mc_buffer_printf(out, "mcloudfs %s, %s %s", MC_VERSION, engine->ops->name, version);
	return mc_text_check(out, ask->error);
}

/* One of the pictures of overview.h. */
static int draw(struct mc_ask *ask, struct mc_buffer *out, void (*how)(const struct mc_overview *, struct mc_buffer *))
{
	MC_CLEANUP(overview) struct mc_overview overview = {0};
	int r = mc_overview_take(ask->cloud, &overview, ask->error);
	if (r < 0)
		return r;
	how(&overview, out);
	return mc_text_check(out, ask->error);
}

static int show_cloud_status(struct mc_ask *ask, struct mc_buffer *out)
{
	return draw(ask, out, mc_status_table);
}

static int show_status_json(struct mc_ask *ask, struct mc_buffer *out)
{
	return draw(ask, out, mc_status_json);
}

static int show_dot(struct mc_ask *ask, struct mc_buffer *out)
{
	return draw(ask, out, mc_topology_dot);
}

static int show_svg(struct mc_ask *ask, struct mc_buffer *out)
{
	return draw(ask, out, mc_topology_svg);
}

static int show_errors(struct mc_ask *ask, struct mc_buffer *out)
{
	mc_errors_show(ask->fs, out);
	return mc_text_check(out, ask->error);
}

static int show_journal(struct mc_ask *ask, struct mc_buffer *out)
{
	mc_journal_show(mc_cloud_journal(ask->cloud), out);
	return mc_text_check(out, ask->error);
}

static int show_metrics(struct mc_ask *ask, struct mc_buffer *out)
{
	mc_fs_metrics(ask->fs, out);
	mc_journal_metrics(mc_cloud_journal(ask->cloud), out);
	return draw(ask, out, mc_overview_metrics);
}
