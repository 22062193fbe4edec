/* SPDX-License-Identifier: MIT */
#include "fs/tree/client.h"
#include "fs/tree/identity_rows.h"
#include "fs/tree/region_docs.h"
#include "fs/tree/rows.h"
#include "fs/tree/text.h"

#include <stdlib.h>
#include <string.h>

static int show_region_value(struct mc_ask *ask, struct mc_buffer *out);
static int show_wait(struct mc_ask *ask, struct mc_buffer *out);
static int wait_settled(struct mc_ask *ask);
static int wait_at_end(struct mc_ask *ask);
static int show_error(struct mc_ask *ask, struct mc_buffer *out);
static int attributes(struct mc_ask *ask, struct mc_attributes *ret);
static int show_node(struct mc_ask *ask, struct mc_buffer *out);
static bool has_node(struct mc_ask *ask);

static const struct mc_stream_type progress_stream;
static const struct mc_verb verbs[];
static const struct mc_directory_type container_links;

/* What show_region_value() shows. */
enum region_value { REGION_STATE, REGION_ROLE, REGION_ADDRESS, REGION_CREATED, REGION_RELEASE };

/* What regions of all clouds have. */
/* clang-format off */
#define CATALOG \
	MC_DOCUMENT("catalog", 0444, "endpoints: type, name, region, interface, url", \
		.terms = {MC_LANE_KEYSTONE, 1, MC_NEEDS_REGION}, .show = mc_region_docs_catalog), \
	MC_DOCUMENT("catalog.json", 0444, "Keystone's own answer", .terms = {MC_LANE_KEYSTONE, 1, MC_NEEDS_REGION}, \
		.show = mc_region_docs_catalog_json), \
	MC_DIRECTORY("endpoints", 0555, "its URLs, by type and interface", &mc_region_docs_endpoints)
#define IMAGES \
	MC_DIRECTORY("images", 0755, "its images, by name", &mc_tree_images), \
	MC_DIRECTORY("images-by-id", 0755, "their attributes, by id", &mc_tree_images_by_id)
#define WAIT \
	MC_DOCUMENT("wait", 0444, "blocks until it has settled, then its state; fails if it has failed", \
		.show = show_wait, .awaits = wait_settled, .at_end = wait_at_end)
#define ERROR \
	MC_DOCUMENT("error", 0444, "why it failed or is degraded, and what to do", .show = show_error, \
		.attributes = attributes)
/* clang-format on */

static const struct mc_row region_rows[] = {
	MC_VALUE("state", 0444, "starting, standby, seeding, upgrading, ready, degraded, failed, stopping, stopped",
		.show = show_region_value, .attributes = attributes, .data = REGION_STATE),
	MC_VALUE("role", 0444, "master or slave", .show = show_region_value, .attributes = attributes,
		.data = REGION_ROLE),
	MC_VALUE("address", 0444, "its loopback address, or its machine's", .show = show_region_value,
		.attributes = attributes, .data = REGION_ADDRESS),
	MC_VALUE("created", 0444, "when it was made", .show = show_region_value, .attributes = attributes,
		.data = REGION_CREATED),
	MC_VALUE("release", 0444, "of OpenStack, what its services are", .show = show_region_value,
		.attributes = attributes, .data = REGION_RELEASE),
	WAIT,
	MC_STREAM("progress", 0444, "its start, step by step", &progress_stream),
	ERROR,
	MC_CONTROL("ctl", 0600, "start, stop, restart, repair, upgrade, destroy", verbs),
	CATALOG,
	MC_DOCUMENT("openrc", 0600, "source it to use the openstack client as admin",
		.terms = {MC_LANE_MODEL, 1, MC_NEEDS_REGION}, .show = mc_region_docs_login, .data = MC_CLIENT_OPENRC),
	MC_DOCUMENT("token", 0600, "a fresh token of admin", .terms = {MC_LANE_KEYSTONE, 1, MC_NEEDS_REGION},
		.show = mc_region_docs_token),
	MC_DOCUMENT("log", 0444, "the logs of its containers, merged by time", .terms = {MC_LANE_ENGINE, 1, 0},
		.show = mc_region_docs_log),
	MC_DIRECTORY("containers", 0555, "links to its containers", &container_links),
	MC_LINK("node", 0777, "the machine that it runs on, with -o engine=swarm", .show = show_node,
		.present = has_node),
	MC_DIRECTORY("replication", 0555, "how Keystone's database gets here from the master", &mc_tree_replication),
	IMAGES,
	MC_IDENTITY_ROWS(0555),
	MC_END,
};

static const struct mc_directory_type region = {.rows = region_rows, .key = MC_KEY_NONE};

static const struct mc_row attached_region_rows[] = {
	MC_VALUE("state", 0444, "ready, degraded, failed", .show = show_region_value, .attributes = attributes,
		.data = REGION_STATE),
	WAIT,
	ERROR,
	CATALOG,
	MC_DOCUMENT("openrc", 0600, "source it to use the openstack client with the same login",
		.show = mc_region_docs_login, .data = MC_CLIENT_OPENRC),
	MC_DOCUMENT("token", 0600, "a fresh token of the login", .terms = {MC_LANE_KEYSTONE, 1, MC_NEEDS_REGION},
		.show = mc_region_docs_token),
	IMAGES,
	MC_IDENTITY_ROWS(0555),
	MC_END,
};

static const struct mc_directory_type attached_region = {.rows = attached_region_rows, .key = MC_KEY_NONE};

static int show_region_value(struct mc_ask *ask, struct mc_buffer *out)
{
	MC_CLEANUP(region_view) struct mc_region_view view = {0};
	char time[32];
	int r = mc_region_docs_view(ask, &view);
	if (r < 0)
		return r;
	switch ((enum region_value)mc_ask_data(ask)) {
	case REGION_STATE:
		mc_buffer_text(out, mc_region_state_name(view.state));
		break;
	case REGION_ROLE:
		mc_buffer_text(out, mc_region_role_name(view.role));
		break;
	case REGION_ADDRESS:
		mc_buffer_text(out, view.address);
		break;
	case REGION_RELEASE:
		mc_buffer_text(out, view.release);
		break;
	case REGION_CREATED:
		mc_format_time(view.created, time, sizeof(time));
		mc_buffer_text(out, time);
		break;
	}
	return 0;
}

static int wait_settled(struct mc_ask *ask)
{
	MC_CLEANUP(region_view) struct mc_region_view view = {0};
	int r = mc_region_docs_view(ask, &view);
	return r < 0 ? r : !mc_region_state_settled(view.state);
}

static int show_wait(struct mc_ask *ask, struct mc_buffer *out)
{
	MC_CLEANUP(region_view) struct mc_region_view view = {0};
	int r = mc_region_docs_view(ask, &view);
	if (r < 0)
		return r;
	mc_buffer_printf(out, "%s\n", view.state == MC_REGION_FAILED ? view.error : mc_region_state_name(view.state));
	return 0;
}

static int wait_at_end(struct mc_ask *ask)
{
	MC_CLEANUP(region_view) struct mc_region_view view = {0};
	int r = mc_region_docs_view(ask, &view);
	if (r == 0 && view.state == MC_REGION_FAILED)
		return mc_error_set(ask->error, EIO, "region %s has failed: %s", view.name, view.error);
	return r;
}

static int show_error(struct mc_ask *ask, struct mc_buffer *out)
{
	MC_CLEANUP(region_view) struct mc_region_view view = {0};
	int r = mc_region_docs_view(ask, &view);
	if (r == 0 && *view.error)
		mc_buffer_printf(out, "%s\n", view.error);
	return r;
}

static int attributes(struct mc_ask *ask, struct mc_attributes *ret)
{
	MC_CLEANUP(region_view) struct mc_region_view view = {0};
	int r = mc_region_docs_view(ask, &view);
	if (r == 0)
		*ret = (struct mc_attributes){.size = -1, .mtime = view.changed};
	return r;
}

static int show_node(struct mc_ask *ask, struct mc_buffer *out)
{
	MC_CLEANUP(region_view) struct mc_region_view view = {0};
	int r = mc_region_docs_view(ask, &view);
	if (r == 0 && (!view.node || !*view.node))
		r = mc_error_set(ask->error, ENOENT, "region %s runs on the only machine there is", view.name);
	if (r < 0)
		return r;
	MC_CLEANUP(free_pointer) char *file = mc_name_to_file(view.node, view.node);
	if (!file)
		return mc_error_set(ask->error, ENOMEM, "out of memory");
	mc_buffer_printf(out, "../../nodes/%s", file);
	return 0;
}

static bool has_node(struct mc_ask *ask)
{
	MC_CLEANUP(region_view) struct mc_region_view view = {0};
	return mc_cloud_region(ask->cloud, mc_ask_key(ask, MC_KEY_REGION), &view) == 0 && view.node && *view.node;
}

/* progress: the model keeps the lines; a reader is a place among them. */
struct progress {
	struct mc_cloud *cloud;
	size_t from;
	struct mc_buffer text; /* taken from the model, not yet given */
	char region[];
};

static int region_progress_open(struct mc_ask *ask, void **ret_state)
{
	const char *name = mc_ask_key(ask, MC_KEY_REGION);
	struct progress *progress = calloc(1, sizeof(*progress) + strlen(name) + 1);
	if (!progress)
		return mc_error_set(ask->error, ENOMEM, "out of memory");
	progress->cloud = ask->cloud;
	memcpy(progress->region, name, strlen(name) + 1);
	*ret_state = progress;
	return 0;
}

static ssize_t region_progress_read(struct mc_fs *fs, void *state, void *to, size_t size)
{
	struct progress *progress = state;
	bool done = false;
	(void)fs;
	if (!progress->text.size)
		progress->from =
			mc_region_progress(progress->cloud, progress->region, progress->from, &progress->text, &done);
	if (progress->text.failed)
		return -ENOMEM;
	size_t given = mc_buffer_take(&progress->text, to, size);
	if (given)
		return (ssize_t)given;
	return done || !size ? 0 : -EAGAIN;
}

static void region_progress_close(struct mc_fs *fs, void *state)
{
	struct progress *progress = state;
	(void)fs;
	mc_buffer_free(&progress->text);
	free(progress);
}

static const struct mc_stream_type progress_stream = {
	.open = region_progress_open, .read = region_progress_read, .close = region_progress_close};

static int command_region(struct mc_ask *ask, char **words, unsigned n_words)
{
	enum mc_region_verb verb = (enum mc_region_verb)ask->verb->data;
	(void)words, (void)n_words;
	return mc_region_command(ask->cloud, mc_ask_key(ask, MC_KEY_REGION), verb, ask->error);
}

/* The states of a region in which a verb is possible, as bits. */
enum {
	CAN_START = 1 << MC_REGION_STOPPED | 1 << MC_REGION_DEGRADED | 1 << MC_REGION_FAILED,
	CAN_STOP = 1 << MC_REGION_READY | 1 << MC_REGION_STANDBY | 1 << MC_REGION_DEGRADED | 1 << MC_REGION_FAILED,
	CAN_UPGRADE = 1 << MC_REGION_READY | 1 << MC_REGION_STANDBY | 1 << MC_REGION_DEGRADED,
	/* what a ready region lacks may be of a kind that isn't looked at, as logins and grants of its services */
	CAN_REPAIR = 1 << MC_REGION_READY | 1 << MC_REGION_DEGRADED | 1 << MC_REGION_FAILED,
};

static const unsigned possible_in[] = {
	[MC_REGION_START] = CAN_START,
	[MC_REGION_STOP] = CAN_STOP,
	[MC_REGION_RESTART] = CAN_STOP,
	[MC_REGION_REPAIR] = CAN_REPAIR,
	[MC_REGION_DESTROY] = ~0U,
};

static bool region_allows(struct mc_ask *ask)
{
	MC_CLEANUP(region_view) struct mc_region_view view = {0};
	return mc_cloud_region(ask->cloud, mc_ask_key(ask, MC_KEY_REGION), &view) == 0 &&
	       (possible_in[ask->verb->data] >> view.state & 1);
}

static int upgrade_region(struct mc_ask *ask, char **words, unsigned n_words)
{
	return mc_region_upgrade(ask->cloud, mc_ask_key(ask, MC_KEY_REGION), n_words ? words[0] : NULL, ask->error);
}

/* In a region that serves, and that there is a newer release for. */
static bool region_can_upgrade(struct mc_ask *ask)
{
	MC_CLEANUP(region_view) struct mc_region_view view = {0};
	return mc_cloud_region(ask->cloud, mc_ask_key(ask, MC_KEY_REGION), &view) == 0 && view.upgrade &&
	       (CAN_UPGRADE >> view.state & 1);
}

static const struct mc_verb verbs[] = {
	MC_VERB("start", "", "run its containers", .run = command_region, .possible = region_allows,
		.data = MC_REGION_START),
	MC_VERB("stop", "", "end its containers; what it holds stays", .run = command_region, .possible = region_allows,
		.data = MC_REGION_STOP),
	MC_VERB("restart", "", "stop, then start", .run = command_region, .possible = region_allows,
		.data = MC_REGION_RESTART),
	MC_VERB("repair", "", "bring back what is missing or down", .run = command_region, .possible = region_allows,
		.data = MC_REGION_REPAIR),
	MC_VERB("upgrade", "[RELEASE]", "take it, and then its slaves, to a newer release of OpenStack", .max = 1,
		.run = upgrade_region, .possible = region_can_upgrade),
	MC_VERB("destroy", "", "remove it and all it holds, images too", .run = command_region,
		.data = MC_REGION_DESTROY),
	MC_END,
};

/* containers/: links to the region's containers at the root. */
static int list_region_containers(struct mc_ask *ask, struct mc_entries *entries)
{
	const char *name = mc_ask_key(ask, MC_KEY_REGION);
	struct mc_engine_service_list services = {0};
	int r = mc_cloud_services(ask->cloud, &services);
	for (size_t i = 0; r == 0 && i < services.count; i++)
		if (services.items[i].region && strcmp(services.items[i].region, name) == 0)
			mc_entries_add(entries, services.items[i].name, services.items[i].name, NULL, NULL);
	mc_engine_service_list_clear(&services);
	return r < 0 || entries->failed ? mc_error_set(ask->error, ENOMEM, "out of memory") : 0;
}

static int show_container(struct mc_ask *ask, struct mc_buffer *out)
{
	mc_buffer_printf(out, "../../../containers/%s", mc_ask_key(ask, MC_KEY_CONTAINER));
	return 0;
}

static const struct mc_row container_link =
	MC_LINK("CONTAINER", 0777, "its place in containers/", .show = show_container);

static const struct mc_directory_type container_links = {
	.key = MC_KEY_CONTAINER, .entry = &container_link, .list = list_region_containers};

/* regions/ */
static struct mc_attributes region_attributes(const struct mc_region_view *view)
{
	return (struct mc_attributes){.size = -1, .mtime = view->changed};
}

static int list_regions(struct mc_ask *ask, struct mc_entries *entries)
{
	struct mc_region_views views = {0};
	int r = mc_cloud_regions(ask->cloud, &views);
	for (size_t i = 0; r == 0 && i < views.count; i++) {
		struct mc_attributes times = region_attributes(&views.items[i]);
		mc_entries_add(entries, views.items[i].name, views.items[i].name, NULL, &times);
	}
	mc_region_views_clear(&views);
	return r < 0 || entries->failed ? mc_error_set(ask->error, ENOMEM, "out of memory") : 0;
}

static int find_region(struct mc_ask *ask, const char *name, struct mc_entry *ret)
{
	MC_CLEANUP(region_view) struct mc_region_view view = {0};
	int r = mc_cloud_region(ask->cloud, name, &view);
	if (r < 0)
		return mc_error_errno(ask->error, -r, "region %s", name);
	*ret = (struct mc_entry){.name = strdup(name), .key = strdup(name), .attributes = region_attributes(&view)};
	if (ret->name && ret->key)
		return 0;
	mc_entry_clear(ret);
	return mc_error_set(ask->error, ENOMEM, "out of memory");
}

static int make_region(struct mc_ask *ask, const char *name)
{
	return mc_region_create(ask->cloud, ask->call, name, NULL, ask->error);
}

static int remove_region(struct mc_ask *ask)
{
	return mc_region_remove(ask->cloud, ask->call, mc_ask_key(ask, MC_KEY_REGION), ask->error);
}

static const struct mc_row region_row =
	MC_DIRECTORY("REGION", 0755, "one region; mkdir starts it, rmdir destroys it", &region);

const struct mc_directory_type mc_tree_regions = {
	.key = MC_KEY_REGION,
	.entry = &region_row,
	.changes = {MC_LANE_ENGINE, 12, 0},
	.leases_names = true,
	.list = list_regions,
	.find = find_region,
	.make = make_region,
	.remove = remove_region,
};

static const struct mc_row attached_region_row = MC_DIRECTORY("REGION", 0555, "one region", &attached_region);

const struct mc_directory_type mc_tree_attached_regions = {
	.key = MC_KEY_REGION,
	.entry = &attached_region_row,
	.leases_names = true,
	.list = list_regions,
	.find = find_region,
};
