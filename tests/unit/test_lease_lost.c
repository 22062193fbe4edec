/* SPDX-License-Identifier: MIT */
#include "lease_world.h"

/* What a daemon may do while it has the lease of its cloud, and when it has it no more. */

/* It lasts from when it was asked for, not from when it was given. */
static void test_until(void **state)
{
	struct mc_error error;

	(void)state;
	put_ms = MC_LEASE_HOLD_MS - 1000;
	open_cloud(true);
	assert_int_equal(take(&error), 0);
	put_ms = 0;
	say(-EIO);
	atomic_fetch_add(&boot_ms, 999);
	assert_int_equal(mc_cloud_may_change(cloud, &error), 0);
	atomic_fetch_add(&boot_ms, 1);
	be_without("has not confirmed in time that no other machine has the cloud lab"); /* though nobody has looked */
	say(0);
	close_cloud();
}

/* A renewal that fails is no loss, as long as the next one comes in time. */
static void test_renewed(void **state)
{
	struct mc_error error;

	(void)state;
	open_cloud(true);
	assert_int_equal(take(&error), 0);
	say(-EIO);
	let_pass(MC_LEASE_HOLD_MS - 1000);
	await_count(&n_looks, 2);
	assert_int_equal(mc_cloud_may_change(cloud, &error), 0);
	say(0);
	mc_lease_look(cloud);
	await_count(&n_puts, 2);
	await_count(&n_looks, 3);
	close_cloud();
	assert_string_equal(told, "");
}

static void assert_changes_nothing(void)
{
	struct mc_error error = {0};

	assert_int_equal(mc_work_begin(region, MC_WORK_START, &error), -EBUSY);
	assert_int_equal(mc_fact_set(region, MC_FACT_STOPPED, &error), -EBUSY);
	assert_int_equal(mc_facts_forget(region, &error), -EBUSY);
	assert_int_equal(mc_cloud_act(cloud, NULL, "x", MC_ENGINE_KILL, NULL, &error), -EBUSY);
	assert_int_equal(mc_region_create(cloud, NULL, "Solna", NULL, &error), -EBUSY);
	assert_int_equal(mc_region_remove(cloud, NULL, "Kista", &error), -EBUSY);
	assert_int_equal(mc_fernet_rotate(cloud, NULL, &error), -EBUSY);
}

static void hold_first_step(void)
{
	struct mc_error error = {0};

	holds = true;
	assert_int_equal(mc_facts_keep(region, &error), 0);
	assert_int_equal(mc_work_begin(region, MC_WORK_START, &error), 0);
	await_text(done, "1");
}

/* A cloud that has the lease, with work of which the first step is held. */
static void begin_held_work(struct mc_error *error)
{
	open_cloud(true);
	cloud->is_resumed = region->is_resumed = true;
	assert_int_equal(take(error), 0);
	hold_first_step();
}

/* Ends it, with what is kept of it. */
static void forget_cloud(struct mc_error *error)
{
	assert_int_equal(mc_facts_forget(region, error), 0);
	close_cloud();
}

static int await_work(struct mc_error *error)
{
	MC_CLEANUP(call) struct mc_call *call = mc_call_new(-1);

	return mc_work_await(region, call, error);
}

static void let_on(void)
{
	pthread_mutex_lock(&lock);
	holds = false;
	pthread_cond_broadcast(&news);
	pthread_mutex_unlock(&lock);
}

/* Work stops before its next step, which is no failure of the region's; it goes on by itself when the lease is had
 * again. */
static void test_work(void **state)
{
	struct mc_error error;
	struct mc_region_view view = {0};

	(void)state;
	begin_held_work(&error);
	say(-EHOSTUNREACH);
	let_pass(MC_LEASE_HOLD_MS);
	await_text(told, "lease lost;nothing of the cloud lab is changed until");
	MC_LOCKED(&cloud->lock) {
		assert_true(mc_call_cancelled(region->work->call));
		assert_true(mc_call_cancelled(region->work->doing));
	}
	/* It is had again before the step has ended: nothing begins while that is under way. */
	say(0);
	let_pass(0);
	await_count(&n_puts, 2);
	be_without("");
	let_on();
	await_text(told, "lease had again;");
	await_text(done, "1-12+");
	assert_int_equal(await_work(&error), 0);
	assert_int_equal(mc_cloud_may_change(cloud, &error), 0);
	assert_int_equal(mc_cloud_region(cloud, "Kista", &view), 0);
	assert_string_equal(view.error, "");
	mc_region_view_clear(&view);
	forget_cloud(&error);
}

static void test_lost(void **state)
{
	struct mc_error error;

	(void)state;
	begin_held_work(&error);
	say(-EHOSTUNREACH);
	let_pass(MC_LEASE_HOLD_MS);
	await_text(told, "lease lost;");
	let_on();
	await_text(done, "1-");
	be_without("the engine has no quorum");
	assert_changes_nothing();
	assert_int_equal(await_work(&error), -EBUSY);
	assert_false(region->is_failed);
	/* Another one takes it meanwhile, and gives it back. */
	store("other", "theirs");
	say(0);
	mc_lease_look(cloud);
	await_text(told, "meanwhile (b), and nothing is changed here any more");
	store("other", "");
	mc_lease_look(cloud);
	be_without("unmount it there, then unmount it here and mount it again");
	assert_changes_nothing();
	assert_string_equal(done, "1-");
	close_cloud();
	assert_string_equal(stored.holder, "other");
	assert_string_equal(stored.run, "");
	assert_int_equal(n_puts, 1);
	/* Its facts are still there, and go with the next. */
	stored = (struct mc_engine_lease){0};
	unlink(holder_file);
	open_cloud(true);
	assert_int_equal(take(&error), 0);
	forget_cloud(&error);
}

/* The engine answers, but the daemon itself stood still for too long: what it had begun is broken off. */
static void test_stood_still(void **state)
{
	struct mc_error error;

	(void)state;
	begin_held_work(&error);
	let_pass(MC_LEASE_HOLD_MS);
	await_text(told, "lease lost;the engine has not confirmed in time");
	let_on();
	await_text(told, "lease had again;");
	await_text(done, "1-12+");
	assert_int_equal(await_work(&error), 0);
	forget_cloud(&error);
}

/* A step asks for itself, before anybody has seen that it has run out. */
static void test_ran_out(void **state)
{
	struct mc_error error;

	(void)state;
	begin_held_work(&error);
	say(-EIO);
	atomic_fetch_add(&boot_ms, MC_LEASE_HOLD_MS);
	let_on();
	await_text(done, "1-");
	assert_int_equal(await_work(&error), -EBUSY);
	say(0);
	mc_lease_look(cloud);
	await_text(done, "1-12+");
	assert_int_equal(await_work(&error), 0);
	forget_cloud(&error);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_until),
		TEST(test_renewed),
		TEST(test_work),
		TEST(test_lost),
		TEST(test_stood_still),
		TEST(test_ran_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
