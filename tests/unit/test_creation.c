/* SPDX-License-Identifier: MIT */
#include "backends/cloud/model.h"
#include "backends/cloud/state.h"
#include "backends/cloud/work.h"
#include "backends/managed/facts.h"
#include "backends/managed/secrets.h"
#include "mcloud/call.h"
#include "mcloud/engine.h"
#include "mcloud/region.h"
#include "mcloud/replication.h"
#include "mcloud/state_dir.h"
#include "mcloud/util.h"
#include "quiet_world.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* Regions are made by mkdir in several directories, regions/ and nodes/NODE/regions/, which the kernel doesn't keep
 * from each other. */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards all below, which threads share */
static pthread_cond_t news = PTHREAD_COND_INITIALIZER;
static bool holds;       /* the first who asks the engine for something waits */
static unsigned holding; /* so many do */
static bool look_fails;  /* of a service; the test's own */

static void pass_gate(void)
{
	pthread_mutex_lock(&lock);
	bool waits = holds && holding == 0;
	holding += waits;
	pthread_cond_broadcast(&news);
	while (waits && holds)
		pthread_cond_wait(&news, &lock);
	holding -= waits;
	pthread_mutex_unlock(&lock);
}

static int list_volumes(
	struct mc_engine *engine, struct mc_call *call, struct mc_engine_volume_list *ret, struct mc_error *error)
{
	(void)engine, (void)call, (void)error;
	*ret = (struct mc_engine_volume_list){0};
	pass_gate();
	return 0;
}

static int remove_volume(struct mc_engine *engine, struct mc_call *call, const char *name, struct mc_error *error)
{
	(void)engine, (void)call, (void)name, (void)error;
	return 0;
}

static int list_nodes(
	struct mc_engine *engine, struct mc_call *call, struct mc_engine_node_list *ret, struct mc_error *error)
{
	static const char *const names[] = {"a", "b"};

	(void)engine, (void)call, (void)error;
	ret->items = calloc(MC_COUNT(names), sizeof(*ret->items));
	assert_non_null(ret->items);
	for (; ret->count < MC_COUNT(names); ret->count++)
		ret->items[ret->count] = (struct mc_engine_node){.name = strdup(names[ret->count]),
			.address = strdup("192.0.2.1"),
			.version = strdup(""),
			.state = "ready",
			.takes_regions = true};
	return 0;
}

static int look_at_service(struct mc_engine *engine, struct mc_call *call, const char *name,
	struct mc_engine_service *ret, struct mc_error *error)
{
	(void)engine, (void)call, (void)ret;
	pass_gate();
	return mc_error_set(error, look_fails ? EIO : ENOENT, "there is no %s", name);
}

static const struct mc_engine_ops ops = {.name = "many",
	.volume_list = list_volumes,
	.volume_remove = remove_volume,
	.nodes = list_nodes,
	.look = look_at_service};
static struct mc_engine engine = {&ops};

static const struct mc_work_type starts = {.doing = "starting",
	.outcome = "ready",
	.shown = MC_REGION_STARTING,
	.run = run_nothing,
	.finish = finish_nothing,
	.follow = follow_nothing};
static const struct mc_work_type goes = {.doing = "going",
	.outcome = "gone",
	.shown = MC_REGION_STOPPING,
	.destroys = true,
	.run = run_nothing,
	.finish = finish_nothing,
	.follow = follow_nothing};
static const struct mc_work_type *const works[MC_WORK_KINDS] = {[MC_WORK_START] = &starts, [MC_WORK_DESTROY] = &goes};

static void shut(struct mc_cloud *cloud)
{
	mc_secrets_free(cloud->secrets);
}

static bool is_missing; /* a region's only service */

static void look_at_missing(const struct mc_region *region, struct mc_sight *sight)
{
	(void)region;
	if (is_missing)
		sight->services[sight->facts.n_services++] = (struct mc_state_service){.name = "mysql-Kista"};
}

static const struct mc_cloud_kind kind = {
	.equip = equip_nothing, .look = look_at_missing, .cancel = cancel_nothing, .shut = shut};

static char directory[64];
static struct mc_cloud *cloud;
static enum mc_region_state state_of_new; /* at a look that comes as soon as it is listed */

static void on_event(void *data, const struct mc_cloud_event *event)
{
	(void)data;
	if (event->kind != MC_CLOUD_REGION_ADDED)
		return;
	MC_CLEANUP(region) struct mc_region *region = mc_region_find(cloud, event->region);
	struct mc_sight sight;

	MC_LOCKED(&cloud->lock) {
		mc_region_look(region, &sight);
		state_of_new = mc_state_of(&sight.facts, sight.trouble, sizeof(sight.trouble));
	}
}

static int begin(void **state)
{
	const struct mc_cloud_options options = {.name = "lab",
		.engine = "swarm",
		.base = "127.77.0.0",
		.state_dir = directory,
		.release = "epoxy",
		.timeout_ms = 10000};

	(void)state;
	snprintf(directory, sizeof(directory), "/tmp/mcloudfs-creation.XXXXXX");
	if (!mkdtemp(directory))
		return -1;
	cloud = mc_cloud_new(&kind, &options, NULL, on_event, NULL);
	if (!cloud)
		return -1;
	cloud->engine = &engine;
	cloud->works = works;
	cloud->is_resumed = cloud->is_connected = true;
	holds = look_fails = is_missing = false;
	return 0;
}

static int end(void **state)
{
	int parent = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r;

	(void)state;
	mc_cloud_close(cloud);
	r = mc_state_remove_tree(parent, strrchr(directory, '/') + 1);
	close(parent);
	return r;
}

/* mkdir nodes/NODE/regions/NAME, by who waits so long; negative: who has gone. */
static int make(const char *name, const char *node, int ms, struct mc_error *error)
{
	MC_CLEANUP(call) struct mc_call *call = mc_call_new(ms);

	*error = (struct mc_error){0};
	if (ms < 0)
		mc_call_cancel(call);
	return mc_region_create(cloud, call, name, node, error);
}

/* Somebody else, who waits at the engine's gate until end_other(). */
struct other {
	const char *name;
	bool removes;
	pthread_t thread;
	int result;
};

static void *run_other(void *data)
{
	MC_CLEANUP(call) struct mc_call *call = mc_call_new(60000);
	struct other *other = data;
	struct mc_error error = {0};

	other->result = other->removes ? mc_region_remove(cloud, call, other->name, &error)
				       : mc_region_create(cloud, call, other->name, "a", &error);
	return NULL;
}

static void begin_other(struct other *other)
{
	holds = true;
	assert_int_equal(pthread_create(&other->thread, NULL, run_other, other), 0);
	pthread_mutex_lock(&lock);
	while (!holding)
		pthread_cond_wait(&news, &lock);
	pthread_mutex_unlock(&lock);
}

static int end_other(struct other *other)
{
	pthread_mutex_lock(&lock);
	holds = false;
	pthread_cond_broadcast(&news);
	pthread_mutex_unlock(&lock);
	pthread_join(other->thread, NULL);
	return other->result;
}

/* Until its work has ended. */
static void settle(const char *name)
{
	MC_CLEANUP(region) struct mc_region *region = mc_region_find(cloud, name);
	MC_CLEANUP(call) struct mc_call *call = mc_call_new(60000);
	struct mc_error error = {0};

	if (region) /* or its work was to go */
		assert_int_equal(mc_work_await(region, call, &error), 0);
}

static void assert_is(const char *name, unsigned number, bool is_master)
{
	MC_CLEANUP(region) struct mc_region *region = mc_region_find(cloud, name);

	assert_non_null(region);
	assert_int_equal(region->number, number);
	assert_int_equal(region->is_master, is_master);
}

/* While the first region asks the engine what it has, nobody takes its number, its name, or the master's role. */
static void test_one_at_a_time(void **state)
{
	struct other first = {.name = "Kista"};
	struct mc_error error;

	(void)state;
	begin_other(&first);
	int of_gone = make("Solna", "b", -1, &error), of_late = make("kista", "b", 0, &error);
	assert_int_equal(end_other(&first), 0);
	assert_int_equal(of_gone, -EINTR);
	assert_int_equal(of_late, -ETIMEDOUT);
	assert_non_null(strstr(error.message, "another region is just being made"));
	assert_int_equal(make("kista", "b", 60000, &error), -EEXIST);
	assert_int_equal(make("Solna", "b", 60000, &error), 0);
	assert_int_equal(cloud->n_regions, 2);
	assert_is("Kista", 1, true);
	assert_is("Solna", 2, false);
}

/* Whoever looks between a region's being listed and its first work sees one that starts, not one whose services are
 * gone. */
static void test_new_one_starts(void **state)
{
	struct mc_error error;

	(void)state;
	state_of_new = MC_REGION_FAILED;
	is_missing = true;
	assert_int_equal(make("Kista", "a", 60000, &error), 0);
	assert_int_equal(state_of_new, MC_REGION_STARTING);
	settle("Kista");
	MC_CLEANUP(region) struct mc_region *region = mc_region_find(cloud, "Kista");
	mc_region_derive(region);
	assert_int_equal(region->state, MC_REGION_DEGRADED);
}

/* A removal freezes services to see what is in them: that is no trouble of theirs. What there is of it afterwards is.
 */
static void test_one_that_is_looked_into(void **state)
{
	struct other removal = {.name = "Kista", .removes = true};
	struct mc_error error;

	(void)state;
	assert_int_equal(make("Kista", "a", 60000, &error), 0);
	settle("Kista");
	MC_CLEANUP(region) struct mc_region *region = mc_region_find(cloud, "Kista");
	mc_region_derive(region);
	assert_int_equal(region->state, MC_REGION_READY);
	look_fails = true;
	begin_other(&removal);
	is_missing = true;
	mc_region_derive(region);
	enum mc_region_state meanwhile = region->state;
	assert_int_equal(end_other(&removal), -EIO);
	assert_int_equal(meanwhile, MC_REGION_READY);
	assert_int_equal(region->state, MC_REGION_DEGRADED);
}

/* One that failed keeps nobody from the next. */
static void test_after_a_failure(void **state)
{
	struct mc_error error;

	(void)state;
	cloud->is_resumed = false;
	assert_int_equal(make("Kista", "a", 60000, &error), -EAGAIN);
	cloud->is_resumed = true;
	assert_int_equal(make("Kista", "c", 60000, &error), -ENOENT);
	assert_int_equal(make("Kista", "a", 60000, &error), 0);
	assert_is("Kista", 1, true);
}

/* A master that is to vanish gets no slave: not by who began to make one before … */
static void test_master_that_goes(void **state)
{
	struct other creation = {.name = "Solna"};
	struct mc_error error;

	(void)state;
	assert_int_equal(make("Kista", "a", 60000, &error), 0);
	settle("Kista");
	begin_other(&creation);
	int r = mc_region_command(cloud, "Kista", MC_REGION_DESTROY, &error);
	assert_int_equal(end_other(&creation), -EBUSY);
	assert_int_equal(r, 0);
	settle("Kista");
	assert_int_equal(cloud->n_regions, 0);
}

/* … nor while rmdir looks whether it holds something. */
static void test_master_that_may_go(void **state)
{
	struct other removal = {.name = "Kista", .removes = true};
	struct mc_error error;

	(void)state;
	assert_int_equal(make("Kista", "a", 60000, &error), 0);
	settle("Kista");
	begin_other(&removal);
	int r = make("Solna", "b", 60000, &error);
	assert_int_equal(end_other(&removal), 0);
	assert_int_equal(r, -EBUSY);
	assert_string_equal(error.message, "the master region Kista is being destroyed");
	assert_int_equal(cloud->n_regions, 0);
}

/* … nor before a mount has gone on with its destruction. */
static void test_master_that_was_to_go(void **state)
{
	struct mc_error error;

	(void)state;
	assert_int_equal(make("Kista", "a", 60000, &error), 0);
	settle("Kista");
	cloud->regions[0]->facts[MC_FACT_DESTROYING] = true;
	assert_int_equal(make("Solna", "b", 60000, &error), -EBUSY);
	assert_string_equal(error.message, "the master region Kista is being destroyed");
}

/* One that stays takes slaves again, and isn't destroyed while it has some. */
static void test_master_that_stays(void **state)
{
	struct mc_error error;

	(void)state;
	assert_int_equal(make("Kista", "a", 60000, &error), 0);
	settle("Kista");
	look_fails = true;
	assert_int_equal(mc_region_remove(cloud, NULL, "Kista", &error), -EIO);
	look_fails = false;
	assert_int_equal(make("Solna", "b", 60000, &error), 0);
	settle("Solna");
	assert_int_equal(mc_region_remove(cloud, NULL, "Kista", &error), -EBUSY);
	assert_int_equal(mc_region_command(cloud, "Kista", MC_REGION_DESTROY, &error), -EBUSY);
	assert_string_equal(error.message, "region Kista is the master of other regions: they go first");
	assert_int_equal(make("Lund", "b", 60000, &error), 0);
	settle("Lund");
}

/* Who is told that a region is not destroyed finds it at the next mount, too. */
static void test_destruction_that_is_refused(void **state)
{
	struct mc_error error;

	(void)state;
	assert_int_equal(make("Kista", "a", 60000, &error), 0);
	settle("Kista");
	MC_CLEANUP(region) struct mc_region *region = mc_region_find(cloud, "Kista");
	cloud->is_closing = true;
	assert_int_equal(mc_region_command(cloud, "Kista", MC_REGION_DESTROY, &error), -EBUSY);
	cloud->is_closing = false;
	assert_false(mc_fact_known(region, MC_FACT_DESTROYING));
	/* what an earlier mount has begun is to go on, whoever is refused meanwhile */
	assert_int_equal(mc_fact_set(region, MC_FACT_DESTROYING, &error), 0);
	cloud->is_closing = true;
	assert_int_equal(mc_region_command(cloud, "Kista", MC_REGION_DESTROY, &error), -EBUSY);
	cloud->is_closing = false;
	assert_true(mc_fact_known(region, MC_FACT_DESTROYING));
	assert_int_equal(mc_region_command(cloud, "Kista", MC_REGION_DESTROY, &error), 0);
	settle("Kista");
}

/* Likewise who is told that a slave's data are not replaced. */
static void test_resync_that_is_refused(void **state)
{
	struct mc_error error;

	(void)state;
	assert_int_equal(make("Kista", "a", 60000, &error), 0);
	settle("Kista");
	assert_int_equal(make("Solna", "b", 60000, &error), 0);
	settle("Solna");
	MC_CLEANUP(region) struct mc_region *slave = mc_region_find(cloud, "Solna");
	MC_LOCKED(&cloud->lock) {
		slave->is_replica = true;
		cloud->is_closing = true;
	}
	assert_int_equal(mc_replication_resync(cloud, NULL, "Solna", &error), -EBUSY);
	assert_string_equal(error.message, "the cloud is being unmounted");
	cloud->is_closing = false;
	assert_false(mc_fact_known(slave, MC_FACT_SEEDING));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_one_at_a_time, begin, end),
		cmocka_unit_test_setup_teardown(test_new_one_starts, begin, end),
		cmocka_unit_test_setup_teardown(test_one_that_is_looked_into, begin, end),
		cmocka_unit_test_setup_teardown(test_after_a_failure, begin, end),
		cmocka_unit_test_setup_teardown(test_master_that_goes, begin, end),
		cmocka_unit_test_setup_teardown(test_master_that_may_go, begin, end),
		cmocka_unit_test_setup_teardown(test_master_that_was_to_go, begin, end),
		cmocka_unit_test_setup_teardown(test_master_that_stays, begin, end),
		cmocka_unit_test_setup_teardown(test_destruction_that_is_refused, begin, end),
		cmocka_unit_test_setup_teardown(test_resync_that_is_refused, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
