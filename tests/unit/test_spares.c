/* SPDX-License-Identifier: MIT */
#include "backends/managed/spares.h"

#include "backends/managed/names.h"
#include "backends/managed/secrets.h"
#include "backends/managed/services/service.h"
#include "backends/managed/services/table.h"
#include "mcloud/engine.h"
#include "mcloud/lock.h"
#include "mcloud/region.h"
#include "mcloud/util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "secrets_world.h"

/* Which spares are due, and what becomes of a service whose spare fails. */

/* A letter a number, from 1 on. Before: t taken, T taken by one that was made from a spare, w whole, p in part, u
 * unfit, x taken and with something of a spare, X likewise, and its own, . nothing. Due: - nothing, k keep, m make, r
 * remove. */
static const struct {
	const char *what;
	unsigned wanted;
	const char *before, *due;
} plans[] = {
	{"nobody wants any", 0, "t.....", "------"},
	{"the first that is free", 1, "t.....", "-m----"},
	{"in a gap", 1, "t.t...", "-m----"},
	{"in gaps", 2, "t.t...", "-m-m--"},
	{"it is there", 1, "tw....", "-k----"},
	{"half of it is there, or has ended", 1, "tp....", "-m----"},
	{"of another recipe", 1, "tu....", "-r----"},
	{"too many", 1, "tww...", "-kr---"},
	{"a lower number is free again", 1, ".tw...", "m-r---"},
	{"what was half made, and is not wanted", 1, "twp...", "-kr---"},
	{"no more wanted", 0, "tw....", "-r----"},
	{"somebody took the number without it", 1, "tx....", "-rm---"},
	{"somebody took it with it", 1, "tX....", "--m---"},
	{"and uses it", 1, "tT....", "--m---"},
	{"whatever is wanted, that stays", 0, "tX....", "------"},
	{"without any region none is wanted", 0, "w.....", "r-----"},
};

static void test_plan(void **state)
{
	static const char deeds[] = {
		[MC_SPARE_LEAVE] = '-', [MC_SPARE_KEEP] = 'k', [MC_SPARE_MAKE] = 'm', [MC_SPARE_REMOVE] = 'r'};

	(void)state;
	for (size_t i = 0; i < MC_COUNT(plans); i++) {
		struct mc_spare_number numbers[MC_SPARES] = {0};
		enum mc_spare_deed due[MC_SPARES];

		for (unsigned n = 1; plans[i].before[n - 1]; n++) {
			char was = plans[i].before[n - 1];

			numbers[n].is_taken = strchr("tTxX", was);
			numbers[n].is_spared = strchr("TX", was);
			numbers[n].exists = strchr("wpuxX", was);
			numbers[n].is_unfit = was == 'u';
			numbers[n].is_whole = strchr("wxX", was);
		}
		mc_spares_plan(numbers, plans[i].wanted, due);
		for (unsigned n = 1; n < MC_SPARES; n++) {
			char expected = n <= strlen(plans[i].due) ? plans[i].due[n - 1] : '-';

			if (deeds[due[n]] != expected)
				fail_msg("%s: %u is %c, not %c", plans[i].what, n, deeds[due[n]], expected);
		}
	}
}

/* There are no numbers behind the last. */
static void test_all_taken(void **state)
{
	struct mc_spare_number numbers[MC_SPARES] = {0};
	enum mc_spare_deed due[MC_SPARES];

	(void)state;
	for (unsigned n = 1; n < MC_SPARES; n++)
		numbers[n].is_taken = true;
	mc_spares_plan(numbers, 3, due);
	for (unsigned n = 0; n < MC_SPARES; n++)
		assert_int_equal(due[n], MC_SPARE_LEAVE);
}

static void test_names(void **state)
{
	static const char *const others[] = {"keystone-Kista", "spare-keystone", "spare-keystone-0",
		"spare-keystone-255", "spare-keystone-03", "spare-mysql-3", "keystone-spare-3", "spare-ldap-1",
		"spare-keystone-3.new", ""};

	(void)state;
	assert_true(mc_spares_is_spare("spare-keystone-3"));
	assert_true(mc_spares_is_spare("spare-glance-254"));
	for (size_t i = 0; i < MC_COUNT(others); i++)
		assert_false(mc_spares_is_spare(others[i]));
}

/* A region that found a spare has hosts and volumes by its number, for good. */
static void test_hosts(void **state)
{
	static struct mc_cloud cloud = {.lock = PTHREAD_MUTEX_INITIALIZER};
	struct mc_region region = {.cloud = &cloud, .name = "Kista", .number = 3};
	char host[MC_HOST_MAX], name[MC_SERVICE_NAME_MAX];

	(void)state;
	mc_sockets_name(&region, name);
	assert_string_equal(name, "memcached-Kista");
	MC_LOCKED(&region.cloud->lock) {
		assert_false(mc_spares_take(&region));
		cloud.spares[3] = true;
		cloud.spare_release = 1;
		assert_false(mc_spares_take(&region)); /* of another release */
		assert_false(cloud.spares[3]);
		cloud.spares[3] = true;
		region.edition.release = 1;
		assert_true(mc_spares_take(&region));
		assert_false(mc_spares_take(&region)); /* it is given once */
		region.facts[MC_FACT_SPARED] = true;
	}
	mc_service_host(&region, &mc_services[MC_KEYSTONE], host);
	assert_string_equal(host, "keystone--3");
	mc_service_host(&region, &mc_services[MC_DATABASE], host);
	assert_string_equal(host, "mysql-Kista");
	mc_sockets_name(&region, name);
	assert_string_equal(name, "memcached.3");
}

/* An engine that writes down what it is asked for. */
static struct {
	char story[512];
	const char *state, *health; /* of the service; NULL: there is none */
	int adopt, kill;            /* what these give */
} told;

static void note(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void note(const char *format, ...)
{
	size_t length = strlen(told.story);
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(told.story + length, sizeof(told.story) - length, format, arguments);
	va_end(arguments);
}

static int fake_look(struct mc_engine *engine, struct mc_call *call, const char *name, struct mc_engine_service *ret,
	struct mc_error *error)
{
	(void)engine, (void)call, (void)error;
	*ret = (struct mc_engine_service){0};
	if (!told.state)
		return -ENOENT;
	ret->name = strdup(name);
	ret->image = strdup(mc_services[MC_KEYSTONE].images[0]);
	ret->health = told.health ? strdup(told.health) : NULL;
	snprintf(ret->state, sizeof(ret->state), "%s", told.state);
	return 0;
}

static int fake_act(struct mc_engine *engine, struct mc_call *call, const char *name, enum mc_engine_action action,
	const char *signal, struct mc_error *error)
{
	static const char *const words[] = {[MC_ENGINE_START] = "start",
		[MC_ENGINE_STOP] = "stop",
		[MC_ENGINE_RESTART] = "restart",
		[MC_ENGINE_KILL] = "signal",
		[MC_ENGINE_PAUSE] = "pause",
		[MC_ENGINE_UNPAUSE] = "unpause",
		[MC_ENGINE_REMOVE] = "remove"};

	(void)engine, (void)call, (void)error;
	note("%s %s%s%s;", words[action], name, signal ? " " : "", signal ? signal : "");
	return action == MC_ENGINE_KILL ? told.kill : 0;
}

static int fake_adopt(struct mc_engine *engine, struct mc_call *call, const char *spare, const char *name,
	const struct mc_engine_file *files, size_t n_files, struct mc_error *error)
{
	(void)engine, (void)call;
	assert_true(n_files > 0 && files[0].size > 0);
	note("adopt %s as %s;", spare, name);
	return told.adopt < 0 ? mc_error_set(error, -told.adopt, "no") : 0;
}

static int fake_create(struct mc_engine *engine, struct mc_call *call, const struct mc_engine_service_spec *spec,
	const struct mc_engine_file *files, size_t n_files, struct mc_error *error)
{
	(void)engine, (void)call, (void)files, (void)error;
	assert_true(n_files > 0);
	note("create %s %s %s;", spec->name, spec->host, spec->sockets);
	return 0;
}

static const struct mc_engine_ops ops = {
	.look = fake_look, .act = fake_act, .adopt = fake_adopt, .create = fake_create};

#define GO "signal keystone-Kista SIGCONT;"
#define DROP "remove spare-keystone-3;"
#define AS_EVER "create keystone-Kista keystone-Kista memcached-Kista;start keystone-Kista;"
#define BY_NUMBER "create keystone-Kista keystone--3 memcached.3;start keystone-Kista;"

/* A Keystone that is wanted comes of its spare, or else as ever; nobody is told that there was a spare that failed. */
static void test_ensure(void **state)
{
	static const struct {
		bool has_spares, is_spared;
		const char *state, *health;
		int adopt, kill;
		const char *story;
	} cases[] = {
		{false, false, NULL, NULL, 0, 0, AS_EVER},
		{true, false, NULL, NULL, 0, 0, DROP AS_EVER}, /* which has the address */
		{true, true, NULL, NULL, 0, 0, "adopt spare-keystone-3 as keystone-Kista;" GO},
		{true, true, NULL, NULL, -ENOENT, 0, "adopt spare-keystone-3 as keystone-Kista;" DROP BY_NUMBER},
		{true, true, NULL, NULL, -EIO, 0, "adopt spare-keystone-3 as keystone-Kista;" DROP BY_NUMBER},
		{true, true, NULL, NULL, 0, -EBUSY,
			"adopt spare-keystone-3 as keystone-Kista;" GO DROP BY_NUMBER}, /* it has ended just now */
		{false, true, NULL, NULL, -ENOENT, 0, "adopt spare-keystone-3 as keystone-Kista;" BY_NUMBER},
		/* Whoever adopted it was killed before the signal, or long after. */
		{true, true, "running", "healthy", 0, 0, GO},
		{true, true, "running", "unhealthy", 0, 0, "restart keystone-Kista;"},
		{true, false, "running", "healthy", 0, 0, ""},
	};
	static struct mc_engine engine = {.ops = &ops};
	static struct mc_cloud cloud = {
		.lock = PTHREAD_MUTEX_INITIALIZER, .engine = &engine, .options = {.name = "lab", .base = "127.77.0.0"}};
	struct mc_region region = {.cloud = &cloud, .name = "Kista", .number = 3, .address = "127.77.3.1"};

	(void)state;
	cloud.options.state_dir = directory;
	assert_int_equal(mc_secrets_open(directory, "lab", true, &cloud.secrets, NULL), 0);
	for (size_t i = 0; i < MC_COUNT(cases); i++) {
		struct mc_error error = {0};

		memset(&told, 0, sizeof(told));
		told.state = cases[i].state;
		told.health = cases[i].health;
		told.adopt = cases[i].adopt;
		told.kill = cases[i].kill;
		cloud.has_spares = cases[i].has_spares;
		region.facts[MC_FACT_SPARED] = cases[i].is_spared;
		assert_int_equal(mc_service_ensure(&region, NULL, &mc_services[MC_KEYSTONE], &error), 0);
		assert_string_equal(told.story, cases[i].story);
		assert_int_equal(error.code, 0);
	}
	mc_secrets_free(cloud.secrets);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plan),
		cmocka_unit_test(test_all_taken),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_hosts),
		cmocka_unit_test(test_ensure),
	};
	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
