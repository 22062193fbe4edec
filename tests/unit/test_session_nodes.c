/* SPDX-License-Identifier: MIT */
#include "demo_mount.h"
#include "fs/tree/rows.h"
#include "no_attached.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The tables of regions and machines through the kernel: a cloud of three machines, of which one has a name that is
 * none of a file. */

const struct mc_directory_type mc_tree_images, mc_tree_images_by_id, mc_tree_domains, mc_tree_project_domains,
	mc_tree_user_domains, mc_tree_group_domains, mc_tree_roles, mc_tree_replication;

struct placed {
	char *name, *node;
};

/* Guarded by the lock of the demo's cloud. */
static struct placed regions[8];
static unsigned n_regions;
static const char *state_of_b;
static _Atomic int known; /* what mc_cloud_known_nodes() gives */

static const struct mc_row rows[] = {
	MC_DIRECTORY("regions", 0755, "regions", &mc_tree_regions),
	MC_DIRECTORY("nodes", 0555, "machines", &mc_tree_nodes, .present = mc_tree_has_nodes),
	MC_STREAM("events", 0444, "what happens", &mc_events_stream, .unlisted = true),
	MC_END,
};
static const struct mc_directory_type root = {.rows = rows};

bool mc_cloud_has_machines(const struct mc_cloud *cloud)
{
	(void)cloud;
	return known != -EOPNOTSUPP;
}

int mc_cloud_known_nodes(struct mc_cloud *cloud, struct mc_engine_node_list *ret, struct mc_error *error)
{
	static const char *const names[] = {"a", "b", "a/%2F"};
	MC_HOLD(&cloud->lock);
	if (known < 0)
		return mc_error_set(error, -known, "no nodes");
	*ret = (struct mc_engine_node_list){.items = calloc(MC_COUNT(names), sizeof *ret->items)};
	for (size_t i = 0; i < MC_COUNT(names) && ret->items; i++) {
		struct mc_engine_node *node = &ret->items[ret->count++];
		*node = (struct mc_engine_node){.name = strdup(names[i]),
			.address = strdup(i == 2 ? "" : "192.0.2.1"),
			.version = strdup(i == 2 ? "" : "20.10.24"),
			.cpus = i == 2 ? 0 : 4,
			.memory = i == 2 ? 0 : UINT64_C(8) << 30};
		snprintf(node->state, sizeof node->state, "%s", i == 1 ? state_of_b : "ready");
	}
	return ret->items ? 0 : -ENOMEM;
}

static struct mc_region_view view_of(const struct placed *region)
{
	return (struct mc_region_view){.name = strdup(region->name),
		.node = strdup(region->node),
		.address = strdup("192.0.2.1"),
		.error = strdup(""),
		.state = MC_REGION_READY,
		.release = "epoxy",
		.created = 1795392000,
		.changed = 1795392060};
}

int mc_cloud_region(struct mc_cloud *cloud, const char *name, struct mc_region_view *ret)
{
	MC_HOLD(&cloud->lock);
	for (unsigned i = 0; i < n_regions; i++)
		if (!strcmp(regions[i].name, name)) {
			*ret = view_of(&regions[i]);
			return 0;
		}
	return -ENOENT;
}

int mc_cloud_regions(struct mc_cloud *cloud, struct mc_region_views *ret)
{
	MC_HOLD(&cloud->lock);
	*ret = (struct mc_region_views){.items = calloc(n_regions + 1, sizeof *ret->items)};
	for (; ret->items && ret->count < n_regions; ret->count++)
		ret->items[ret->count] = view_of(&regions[ret->count]);
	return ret->items ? 0 : -ENOMEM;
}

void mc_region_view_clear(struct mc_region_view *view)
{
	free(view->name);
	free(view->node);
	free(view->address);
	free(view->error);
	*view = (struct mc_region_view){0};
}

void mc_region_views_clear(struct mc_region_views *views)
{
	for (size_t i = 0; i < views->count; i++)
		mc_region_view_clear(&views->items[i]);
	free(views->items);
	*views = (struct mc_region_views){0};
}

static void free_placed(struct placed *region)
{
	free(region->name);
	free(region->node);
}

static void await_gate(struct mc_cloud *cloud)
{
	MC_HOLD(&cloud->lock);
	atomic_fetch_add(&cloud->slow_now, 1);
	while (!cloud->gate_open)
		pthread_cond_wait(&cloud->opened, &cloud->lock);
	atomic_fetch_sub(&cloud->slow_now, 1);
}

/* "Slow" takes as long as a test wants. */
int mc_region_create(
	struct mc_cloud *cloud, struct mc_call *call, const char *name, const char *node, struct mc_error *error)
{
	(void)call;
	if (!strcmp(name, "Slow"))
		await_gate(cloud);
	MC_HOLD(&cloud->lock);
	for (unsigned i = 0; i < n_regions; i++)
		if (!strcmp(regions[i].name, name))
			return mc_error_set(error, EEXIST, "region %s exists", name);
	if (node && !strcmp(node, "b"))
		return mc_error_set(error, EHOSTUNREACH, "node b is down");
	regions[n_regions++] = (struct placed){strdup(name), strdup(node ? node : "a")};
	return 0;
}

int mc_region_remove(struct mc_cloud *cloud, struct mc_call *call, const char *name, struct mc_error *error)
{
	(void)call, (void)error;
	MC_HOLD(&cloud->lock);
	for (unsigned i = 0; i < n_regions; i++)
		if (!strcmp(regions[i].name, name)) {
			free_placed(&regions[i]);
			regions[i] = regions[--n_regions];
			break;
		}
	return 0;
}

int mc_cloud_services(struct mc_cloud *cloud, struct mc_engine_service_list *ret)
{
	(void)cloud;
	*ret = (struct mc_engine_service_list){0};
	return 0;
}

/* What the tables name, and no test here comes to. */
#define NOT_HERE(function) fail_msg("%s is not of this test", function)

const char *mc_region_state_name(enum mc_region_state state)
{
	return state == MC_REGION_READY ? "ready" : "other";
}

const char *mc_region_role_name(enum mc_region_role role)
{
	(void)role;
	return "master";
}

bool mc_region_state_settled(enum mc_region_state state)
{
	(void)state;
	return true;
}

int mc_region_command(struct mc_cloud *cloud, const char *name, enum mc_region_verb verb, struct mc_error *error)
{
	(void)cloud, (void)name, (void)verb, (void)error;
	NOT_HERE(__func__);
	return 0;
}

int mc_region_upgrade(struct mc_cloud *cloud, const char *name, const char *release, struct mc_error *error)
{
	(void)cloud, (void)name, (void)release, (void)error;
	NOT_HERE(__func__);
	return 0;
}

size_t mc_region_progress(struct mc_cloud *cloud, const char *name, size_t from, struct mc_buffer *out, bool *ret_done)
{
	(void)cloud, (void)name, (void)out;
	*ret_done = true;
	return from;
}

bool mc_cloud_has_tls(const struct mc_cloud *cloud)
{
	(void)cloud;
	return false;
}

const struct mc_cloud_options *mc_cloud_options(const struct mc_cloud *cloud)
{
	static const struct mc_cloud_options options = {.name = "demo"};
	(void)cloud;
	return &options;
}

struct mc_engine *mc_cloud_engine(struct mc_cloud *cloud)
{
	(void)cloud;
	return NULL;
}

char *mc_cloud_admin_password(struct mc_cloud *cloud)
{
	(void)cloud;
	return NULL;
}

int mc_cloud_keystone(struct mc_cloud *cloud, const char *name, struct mc_keystone **ret, struct mc_error *error)
{
	(void)cloud, (void)name, (void)ret, (void)error;
	NOT_HERE(__func__);
	return 0;
}

static int setup(void **state)
{
	n_regions = 0;
	state_of_b = "ready";
	known = 0;
	return demo_mount_tree(state, &root);
}

static int teardown(void **state)
{
	int result = demo_unmount(state);

	for (unsigned i = 0; i < n_regions; i++)
		free_placed(&regions[i]);
	return result;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Names and types of what is in PATH, sorted: "a/ b@ c". */
static void assert_lists(const struct demo_mount *mount, const char *path, const char *expected)
{
	MC_CLEANUP(buffer) struct mc_buffer all = {0};
	char *names[64];
	size_t count = 0;
	DIR *directory = opendir(demo_path(mount, path));

	assert_non_null(directory);
	for (struct dirent *entry; (entry = readdir(directory));)
		if (*entry->d_name != '.')
			assert_true(asprintf(&names[count++], "%s%s", entry->d_name,
					    entry->d_type == DT_DIR   ? "/"
					    : entry->d_type == DT_LNK ? "@"
								      : "") > 0);
	closedir(directory);
	qsort(names, count, sizeof *names, by_name);
	for (size_t i = 0; i < count; i++) {
		mc_buffer_printf(&all, "%s%s", i ? " " : "", names[i]);
		free(names[i]);
	}
	assert_string_equal(all.data ? all.data : "", expected);
}

static void assert_reads(const struct demo_mount *mount, const char *path, const char *expected)
{
	char text[256];

	assert_int_equal(demo_read(mount, path, text, sizeof text), strlen(expected));
	assert_string_equal(text, expected);
}

static void assert_links(const struct demo_mount *mount, const char *path, const char *expected)
{
	char text[256] = "";
	struct stat values;

	assert_int_equal(lstat(demo_path(mount, path), &values), 0);
	assert_true(S_ISLNK(values.st_mode));
	assert_true(readlink(demo_path(mount, path), text, sizeof text - 1) > 0);
	assert_string_equal(text, expected);
}

static void assert_mode(const struct demo_mount *mount, const char *path, mode_t mode)
{
	struct stat values;

	assert_int_equal(lstat(demo_path(mount, path), &values), 0);
	assert_int_equal(values.st_mode, mode);
}

static void test_values(void **state)
{
	struct demo_mount *mount = *state;
	char text[64];

	assert_lists(mount, "nodes", "a%2F%252F/ a/ b/");
	assert_lists(mount, "nodes/a", "address cpus engine memory regions/ state");
	assert_reads(mount, "nodes/a/state", "ready\n");
	assert_reads(mount, "nodes/a/address", "192.0.2.1\n");
	assert_reads(mount, "nodes/a/engine", "20.10.24\n");
	assert_reads(mount, "nodes/a/cpus", "4\n");
	assert_reads(mount, "nodes/a/memory", "8589934592\n");
	/* Of one that has never said what it is. */
	assert_reads(mount, "nodes/a%2F%252F/address", "-\n");
	assert_reads(mount, "nodes/a%2F%252F/engine", "-\n");
	assert_reads(mount, "nodes/a%2F%252F/cpus", "-\n");
	assert_reads(mount, "nodes/a%2F%252F/memory", "-\n");
	assert_mode(mount, "nodes", S_IFDIR | 0555);
	assert_mode(mount, "nodes/a", S_IFDIR | 0555);
	assert_mode(mount, "nodes/a/memory", S_IFREG | 0444);
	assert_mode(mount, "nodes/a/regions", S_IFDIR | 0755);
	assert_int_equal(demo_read(mount, "nodes/c/state", text, sizeof text), -ENOENT);
	assert_int_equal(demo_read(mount, "nodes/A/state", text, sizeof text), -ENOENT);
}

static void test_state_changes(void **state)
{
	struct demo_mount *mount = *state;
	struct stat values;
	int before = open(demo_path(mount, "nodes/b/state"), O_RDONLY | O_CLOEXEC);
	int events = open(demo_path(mount, "events"), O_RDONLY | O_CLOEXEC);
	char line[256] = "";

	/* The kernel keeps nothing of it, also while somebody has it open. */
	assert_true(before >= 0);
	assert_reads(mount, "nodes/b/state", "ready\n");
	MC_LOCKED(&mount->cloud.lock)
		state_of_b = "unreachable";
	mc_fs_event(mount->fs, &(struct mc_cloud_event){.kind = MC_CLOUD_NODE, .node = "b", .text = "unreachable"});
	assert_reads(mount, "nodes/b/state", "unreachable\n");
	assert_int_equal(stat(demo_path(mount, "nodes/b/state"), &values), 0);
	assert_int_equal(values.st_size, strlen("unreachable\n"));
	assert_true(read(events, line, sizeof line - 1) > 0);
	assert_non_null(strstr(line, "\"event\":\"node\",\"node\":\"b\",\"text\":\"unreachable\"}\n"));
	close(events);
	close(before);
}

/* A cloud of one machine has no nodes/; one that doesn't know its machines says so. */
static void test_absent(void **state)
{
	struct demo_mount *mount = *state;

	assert_lists(mount, "", "nodes/ regions/");
	MC_LOCKED(&mount->cloud.lock)
		known = -EAGAIN;
	assert_lists(mount, "", "nodes/ regions/");
	assert_int_equal(access(demo_path(mount, "nodes/a"), F_OK), -1);
	assert_int_equal(errno, EAGAIN);
	MC_LOCKED(&mount->cloud.lock)
		known = -EOPNOTSUPP;
	assert_lists(mount, "", "regions/");
	assert_int_equal(access(demo_path(mount, "nodes"), F_OK), -1);
	assert_int_equal(errno, ENOENT);
	MC_LOCKED(&mount->cloud.lock)
		regions[n_regions++] = (struct placed){strdup("Kista"), strdup("")};
	assert_int_equal(access(demo_path(mount, "regions/Kista/node"), F_OK), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(access(demo_path(mount, "regions/Kista/state"), F_OK), 0);
}

/* mkdir starts a region there, and what it leaves is a link, seen as such by whoever looks next. */
static void test_mkdir(void **state)
{
	struct demo_mount *mount = *state;
	char *real;

	assert_int_equal(mkdir(demo_path(mount, "nodes/a%2F%252F/regions/Kista"), 0755), 0);
	assert_links(mount, "nodes/a%2F%252F/regions/Kista", "../../../regions/Kista");
	assert_int_equal(mkdir(demo_path(mount, "nodes/a/regions/Solna"), 0755), 0);
	assert_lists(mount, "nodes/a/regions", "Solna@");
	assert_lists(mount, "nodes/a%2F%252F/regions", "Kista@");
	assert_lists(mount, "nodes/b/regions", "");
	assert_lists(mount, "regions", "Kista/ Solna/");
	assert_links(mount, "regions/Kista/node", "../../nodes/a%2F%252F");
	assert_links(mount, "regions/Solna/node", "../../nodes/a");
	assert_reads(mount, "nodes/a/regions/Solna/state", "ready\n");
	assert_reads(mount, "regions/Kista/node/state", "ready\n");
	real = realpath(demo_path(mount, "nodes/a/regions/Solna"), NULL);
	assert_string_equal(real, demo_path(mount, "regions/Solna"));
	free(real);
	/* mkdir -p is content with what is there. */
	assert_int_equal(demo_shell(mount, "mkdir -p nodes/a/regions/Solna && mkdir nodes/a/regions/Visby && "
					   "cd nodes/a/regions/Visby && test \"$(cat state)\" = ready"),
		0);
	assert_int_equal(mkdir(demo_path(mount, "regions/Lund"), 0755), 0);
	assert_lists(mount, "nodes/a/regions", "Lund@ Solna@ Visby@");
}

static void assert_refused(int result, int code)
{
	assert_int_equal(result, -1);
	assert_int_equal(errno, code);
}

static void test_refused(void **state)
{
	struct demo_mount *mount = *state;
	char link[256];

	assert_int_equal(mkdir(demo_path(mount, "nodes/a/regions/Kista"), 0755), 0);
	assert_refused(mkdir(demo_path(mount, "nodes/a%2F%252F/regions/Kista"), 0755), EEXIST);
	assert_refused(mkdir(demo_path(mount, "nodes/a/regions/Kista"), 0755), EEXIST);
	assert_refused(mkdir(demo_path(mount, "nodes/b/regions/Visby"), 0755), EHOSTUNREACH);
	assert_true(demo_last_error_has(
		mount, (const char *const[]){"\tmkdir\tnodes/b/regions/Visby\t", "node b is down", NULL}));
	assert_refused(mkdir(demo_path(mount, "nodes/c"), 0755), EPERM);
	assert_refused(rmdir(demo_path(mount, "nodes/a")), EPERM);
	snprintf(link, sizeof link, "%s", demo_path(mount, "nodes/a/regions/Kista"));
	assert_refused(rmdir(link), ENOTDIR);
	assert_refused(unlink(link), EPERM);
	assert_true(demo_last_error_has(
		mount, (const char *const[]){"\tunlink\tnodes/a/regions/Kista\t", "`rmdir regions/Kista`", NULL}));
	assert_refused(rename(link, demo_path(mount, "nodes/b/regions/Kista")), EPERM);
	assert_refused(symlink("../../../regions/Kista", demo_path(mount, "nodes/b/regions/Kista")), EPERM);
	assert_refused(unlink(demo_path(mount, "regions/Kista/node")), EPERM);
	assert_lists(mount, "nodes/a/regions", "Kista@");
	assert_int_equal(rmdir(demo_path(mount, "regions/Kista")), 0);
	assert_lists(mount, "nodes/a/regions", "");
	assert_int_equal(access(link, F_OK), -1);
}

static void *make_slow(void *data)
{
	struct demo_mount *mount = data;

	return mkdir(demo_path(mount, "nodes/a/regions/Slow"), 0755) == 0 ? mount : NULL;
}

/* A region that was made on a machine is found at its own place, also while another one is being made there: what the
 * kernel got for the first one is not the directory that is there. */
static void test_side_by_side(void **state)
{
	struct demo_mount *mount = *state;
	pthread_t maker;
	void *made;

	assert_int_equal(mkdir(demo_path(mount, "nodes/a/regions/Kista"), 0755), 0);
	assert_int_equal(pthread_create(&maker, NULL, make_slow, mount), 0);
	demo_await(&mount->cloud.slow_now, 1);
	int there = access(demo_path(mount, "regions/Kista/state"), F_OK), code = errno;
	demo_gate(&mount->cloud, true);
	pthread_join(maker, &made);
	if (there < 0)
		fail_msg("regions/Kista/state: %s", strerror(code));
	assert_non_null(made);
	assert_lists(mount, "nodes/a/regions", "Kista@ Slow@");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_values, setup, teardown),
		cmocka_unit_test_setup_teardown(test_state_changes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_absent, setup, teardown),
		cmocka_unit_test_setup_teardown(test_mkdir, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_side_by_side, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
