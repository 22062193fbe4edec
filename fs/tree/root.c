/* SPDX-License-Identifier: MIT */
#include "fs/events.h"
#include "fs/tree/attached.h"
#include "fs/tree/client.h"
#include "fs/tree/identity_rows.h"
#include "fs/tree/overview.h"
#include "fs/tree/region_docs.h"
#include "fs/tree/rows.h"
#include "fs/tree/text.h"

#include <stdlib.h>

static int show_readme(struct mc_ask *ask, struct mc_buffer *out);
static int show_version(struct mc_ask *ask, struct mc_buffer *out);
static int show_ca(struct mc_ask *ask, struct mc_buffer *out);
static bool has_ca(struct mc_ask *ask);
static int show_overview(struct mc_ask *ask, struct mc_buffer *out);
static int show_errors(struct mc_ask *ask, struct mc_buffer *out);
static int show_journal(struct mc_ask *ask, struct mc_buffer *out);
static int show_metrics(struct mc_ask *ask, struct mc_buffer *out);

/* What show_overview() makes of the cloud. */
enum picture { PICTURE_STATUS, PICTURE_STATUS_JSON, PICTURE_DOT, PICTURE_SVG, PICTURE_HTML };

/* What the roots of all clouds have. */
/* clang-format off */
#define EVENTS \
	MC_STREAM("events", 0444, "what happens, as it happens, one JSON object a line", &mc_events_stream, \
		.unlisted = true)
#define RECORDS \
	MC_DOCUMENT("errors", 0444, "the last 256 failures, newest last", .show = show_errors), \
	MC_DOCUMENT("journal", 0444, "the last 1,000 calls to services and engine", .show = show_journal), \
	MC_DOCUMENT("metrics", 0444, "counters and states for Prometheus", .show = show_metrics), \
	MC_DOCUMENT("transfers", 0444, "what is under way: images, and work on regions", .show = mc_transfers_show)
/* clang-format on */

static const struct mc_row rows[] = {
	MC_DOCUMENT("README", 0444, "this text", .show = show_readme),
	MC_VALUE("version", 0444, "of this program and of the engine", .terms = {MC_LANE_ENGINE, 1, 0},
		.show = show_version),
	MC_DOCUMENT("status", 0444, "the regions, one a line", .show = show_overview, .data = PICTURE_STATUS),
	MC_DOCUMENT("status.json", 0444, "the same for programs", .show = show_overview, .data = PICTURE_STATUS_JSON),
	EVENTS,
	RECORDS,
	MC_DOCUMENT("topology.dot", 0444, "a picture of the cloud, for Graphviz", .show = show_overview,
		.data = PICTURE_DOT),
	MC_DOCUMENT("topology.svg", 0444, "a picture of the cloud, for a browser", .show = show_overview,
		.data = PICTURE_SVG),
	MC_DOCUMENT("topology.html", 0444, "the same as a page that renews itself", .show = show_overview,
		.data = PICTURE_HTML),
	MC_DOCUMENT("clouds.yaml", 0600, "for openstacksdk and openstackclient",
		.terms = {MC_LANE_MODEL, 1, MC_NEEDS_REGION}, .show = mc_region_docs_login,
		.data = MC_CLIENT_CLOUDS_YAML),
	MC_DOCUMENT("ca.pem", 0444, "by which its services are believed, with -o tls=on", .present = has_ca,
		.show = show_ca),
	MC_DIRECTORY("regions", 0755, "mkdir starts a region, rmdir destroys it", &mc_tree_regions),
	MC_DIRECTORY("containers", 0555, "what runs", &mc_tree_containers),
	MC_DIRECTORY("nodes", 0555, "the machines, with -o engine=swarm", &mc_tree_nodes, .present = mc_tree_has_nodes),
	MC_IDENTITY_ROWS(0755),
	MC_DIRECTORY("ldap", 0555, "the directory of people that all regions share", &mc_tree_ldap),
	MC_DIRECTORY("fernet", 0555, "the token keys that all regions share", &mc_tree_fernet),
	MC_END,
};

const struct mc_directory_type mc_tree_root = {.rows = rows};

static const struct mc_row attached_rows[] = {
	MC_DOCUMENT("README", 0444, "this text", .is_early = true, .show = mc_attached_show_readme),
	MC_VALUE("version", 0444, "of this program", .is_early = true, .show = mc_attached_show_version),
	MC_DOCUMENT(
		"status", 0444, "the regions, one a line, and how one is logged in", .show = mc_attached_show_status),
	MC_DOCUMENT("status.json", 0444, "the same for programs", .show = mc_attached_show_status_json),
	MC_DOCUMENT("clouds.yaml", 0600, "the same login, for openstacksdk and openstackclient",
		.show = mc_region_docs_login, .data = MC_CLIENT_CLOUDS_YAML),
	MC_DOCUMENT("whoami", 0444, "user, domain, project, roles, expires, auth_type",
		.terms = {MC_LANE_KEYSTONE, 1, 0}, .is_early = true, .show = mc_attached_show_whoami),
	MC_VALUE("login", 0200, "write only: the code that one's device shows, where the login needs one",
		.terms = {MC_LANE_KEYSTONE, 1, 0}, .is_early = true, .store = mc_attached_store_code, .unread = true),
	EVENTS,
	RECORDS,
	MC_DIRECTORY("regions", 0555, "those of the configuration, the catalog and Keystone's list",
		&mc_tree_attached_regions, .xattr = &mc_attached_regions_partial),
	MC_IDENTITY_ROWS(0755),
	MC_END,
};

const struct mc_directory_type mc_tree_attached_root = {.rows = attached_rows};

static int show_readme(struct mc_ask *ask, struct mc_buffer *out)
{
	mc_buffer_text(out,
		"This directory is a cloud: its regions, containers, people, projects and images are files here.\n\n");
	mc_tree_describe(ask->fs, out);
	mc_buffer_text(out,
		"\nTwo that never end are found by their names only, so that a walk over all files ends: events, and\n"
		"containers/CONTAINER/log.follow.\n"
		"\nTry, in this directory:\n\n"
		"  mkdir regions/Kista                 start a region\n"
		"  cat regions/Kista/progress          watch it start\n"
		"  cat regions/Kista/catalog           what it offers\n"
		"  . regions/Kista/openrc              use the openstack client with it\n"
		"  cp disk.qcow2 regions/Kista/images/ upload an image\n");
	mc_tree_end_readme(ask->fs, out);
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

static bool has_ca(struct mc_ask *ask)
{
	MC_CLEANUP(free_pointer) char *ca = mc_cloud_ca(ask->cloud);
	return ca != NULL;
}

static int show_ca(struct mc_ask *ask, struct mc_buffer *out)
{
	MC_CLEANUP(free_pointer) char *ca = mc_cloud_ca(ask->cloud);
	if (!ca)
		return mc_error_set(ask->error, EAGAIN, "the cloud has no CA yet: it is made with its first region");
	mc_buffer_text(out, ca);
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

static int show_overview(struct mc_ask *ask, struct mc_buffer *out)
{
	static void (*const pictures[])(const struct mc_overview *, struct mc_buffer *) = {
		[PICTURE_STATUS] = mc_status_table,
		[PICTURE_STATUS_JSON] = mc_status_json,
		[PICTURE_DOT] = mc_topology_dot,
		[PICTURE_SVG] = mc_topology_svg,
		[PICTURE_HTML] = mc_topology_html,
	};
	return draw(ask, out, pictures[mc_ask_data(ask)]);
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
	MC_CLEANUP(overview) struct mc_overview overview = {0};
	int r = mc_overview_take(ask->cloud, &overview, ask->error);
	if (r < 0)
		return r;
	struct mc_exposition exposition = {.out = out, .cloud = overview.cloud};
	mc_overview_metrics(&overview, &exposition);
	mc_journal_expose(mc_cloud_journal(ask->cloud), &exposition);
	mc_fs_metrics(ask->fs, &exposition);
	return mc_text_check(out, ask->error);
}
