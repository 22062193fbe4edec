/* SPDX-License-Identifier: MIT */
#include "lease_world.h"

/* How a daemon comes to the lease of its cloud, and gives it back. */

/* Of a cloud without regions nothing stays. */
static void test_empty(void **state)
{
	struct mc_error error;
	struct stat status;

	(void)state;
	open_cloud(false);
	assert_int_equal(take(&error), 0);
	assert_int_equal(mc_cloud_may_change(cloud, &error), 0);
	assert_int_equal(stat(holder_file, &status), 0);
	assert_int_equal(status.st_mode, S_IFREG | 0600);
	close_cloud();
	assert_int_equal(n_drops, 1);
	assert_int_not_equal(access(holder_file, F_OK), 0);
}

/* Else it is given back, and the next daemon need not wait; nor after one that was killed. */
static void test_next(void **state)
{
	struct mc_error error;
	char holder[sizeof(stored.holder)], former[sizeof(stored.run)];

	(void)state;
	open_cloud(true);
	assert_int_equal(take(&error), 0);
	memcpy(holder, stored.holder, sizeof(holder));
	memcpy(former, stored.run, sizeof(former));
	assert_non_null(strstr(holder, ".node"));
	assert_true(*former);
	close_cloud();
	assert_int_equal(n_drops, 0);
	assert_string_equal(stored.run, "");
	assert_string_equal(stored.holder, holder);
	for (int killed = 0; killed < 2; killed++) {
		if (killed)
			memcpy(stored.run, former, sizeof(former));
		open_cloud(true);
		assert_int_equal(take(&error), 0);
		assert_int_equal(n_looks, 1);
		assert_string_equal(stored.holder, holder);
		assert_string_not_equal(stored.run, former);
		close_cloud();
	}
}

/* The copy of a state_dir on another machine is another holder's. */
static void test_copy(void **state)
{
	struct mc_error error;
	char holder[sizeof(stored.holder)];

	(void)state;
	open_cloud(true);
	assert_int_equal(take(&error), 0);
	memcpy(holder, stored.holder, sizeof(holder));
	close_cloud();
	*strchr(holder, '.') = '\0';
	strcat(holder, ".other");
	store(holder, "theirs");
	is_living = true;
	open_cloud(true);
	assert_int_equal(take(&error), -EBUSY);
	close_cloud();
}

static void test_refused(void **state)
{
	struct mc_error error;

	(void)state;
	store("other", "theirs");
	is_living = true;
	open_cloud(true);
	assert_int_equal(take(&error), -EBUSY);
	assert_int_equal(error.code, EBUSY);
	assert_non_null(strstr(error.message, "the cloud lab is mounted on machine b, and two daemons would fight over "
					      "it: use that mount, or unmount it there"));
	be_without("");
	close_cloud();
	assert_string_equal(stored.run, "theirs");
	assert_int_equal(n_puts, 0);
	assert_int_not_equal(access(holder_file, F_OK), 0);
}

/* Whoever had it is gone. */
static void test_taken_over(void **state)
{
	struct mc_error error;

	(void)state;
	store("other", "theirs");
	look_ms = MC_LEASE_PATIENCE_MS + 1;
	open_cloud(true);
	assert_int_equal(take(&error), 0);
	assert_int_equal(n_looks, 2);
	look_ms = 0;
	close_cloud();
}

static void test_no_quorum(void **state)
{
	struct mc_error error;

	(void)state;
	fails = -EHOSTUNREACH;
	open_cloud(true);
	assert_int_equal(take(&error), -EHOSTUNREACH);
	assert_string_equal(error.message, "the engine has no quorum");
	close_cloud();
}

static void test_not_needed(void **state)
{
	struct mc_error error = {0};

	(void)state;
	open_cloud(true);
	cloud->options.read_only = true;
	assert_int_equal(take(&error), 0);
	assert_int_equal(mc_cloud_may_change(cloud, &error), -EROFS);
	cloud->options.read_only = false;
	engine.ops = &ops_of_one;
	assert_int_equal(take(&error), 0);
	assert_int_equal(mc_cloud_may_change(cloud, &error), 0);
	mc_lease_look(cloud);
	close_cloud();
	assert_int_equal(n_looks, 0);
}

/* It is mounted, and can be changed when the engine has come. */
static void test_late(void **state)
{
	struct mc_error error;

	(void)state;
	fails = -ECONNREFUSED;
	open_cloud(false);
	assert_int_equal(take(&error), 0);
	be_without("nothing of the cloud lab is changed until its engine says that no other machine has it: the engine "
		   "has no quorum");
	say(0);
	mc_lease_look(cloud);
	await_text(told, "lease had again;");
	assert_int_equal(mc_cloud_may_change(cloud, &error), 0);
	close_cloud();
}

/* What is known of the cloud is from before another one had it. */
static void test_late_and_stale(void **state)
{
	struct mc_error error;

	(void)state;
	fails = -ETIMEDOUT;
	store("other", "");
	open_cloud(true);
	assert_int_equal(take(&error), 0);
	say(0);
	mc_lease_look(cloud);
	await_text(told, "was mounted on another machine meanwhile (b)");
	be_without("unmount it there, then unmount it here and mount it again");
	close_cloud();
	assert_int_equal(n_puts, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_empty),
		TEST(test_next),
		TEST(test_copy),
		TEST(test_refused),
		TEST(test_taken_over),
		TEST(test_no_quorum),
		TEST(test_not_needed),
		TEST(test_late),
		TEST(test_late_and_stale),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
