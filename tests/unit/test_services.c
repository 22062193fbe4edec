/* SPDX-License-Identifier: MIT */
#include "backends/cloud/model.h"
#include "backends/managed/names.h"
#include "backends/managed/services/table.h"
#include "backends/managed/sight.h"
#include "mcloud/engine.h"
#include "mcloud/region.h"
#include "mcloud/util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* How the services of regions are called. */

static struct mc_region named(const char *name, unsigned number)
{
	static struct mc_cloud cloud = {.lock = PTHREAD_MUTEX_INITIALIZER};
	struct mc_region region = {.cloud = &cloud, .number = number};

	snprintf(region.name, sizeof(region.name), "%s", name);
	return region;
}

/* Whatever regions are called, no two of their services have one name in the network. */
static void test_hosts(void **state)
{
	char longest[MC_REGION_NAME_MAX + 1], hosts[12 * MC_SERVICES_MAX][MC_HOST_MAX];
	struct mc_region regions[12];
	size_t n = 0, n_hosts = 0;

	(void)state;
	memset(longest, 'a', MC_REGION_NAME_MAX);
	longest[MC_REGION_NAME_MAX] = '\0';
	regions[n++] = named(longest, 5);
	longest[57] = '\0'; /* short enough for one service, too long for another */
	regions[n++] = named(longest, 6);
	longest[55] = '\0';
	regions[n++] = named(longest, 7);
	/* names like what becomes of the long ones */
	regions[n++] = named("5", 1);
	regions[n++] = named("6", 2);
	regions[n++] = named("7", 3);
	regions[n++] = named("5-", 4);
	regions[n++] = named("5-5", 8);
	regions[n++] = named("Kista", 9);
	assert_true(n <= MC_COUNT(regions));
	for (size_t i = 0; i < n; i++) {
		for (const struct mc_service *service = mc_services; service->name; service++) {
			if (service->is_shared)
				continue;
			mc_service_host(&regions[i], service, hosts[n_hosts]);
			assert_true(strlen(hosts[n_hosts]) < MC_HOST_MAX);
			for (size_t h = 0; h < n_hosts; h++)
				if (!strcasecmp(hosts[h], hosts[n_hosts]))
					fail_msg("two services are called %s", hosts[h]);
			n_hosts++;
		}
	}
	mc_service_host(&regions[n - 1], &mc_services[MC_KEYSTONE], hosts[0]);
	assert_string_equal(hosts[0], "keystone-Kista");
}

static void ignore(void *data, const struct mc_cloud_event *event)
{
	(void)data, (void)event;
}

/* A region whose people can't be found is no healthy one, though all that is its own serves. */
static const struct mc_cloud_kind kind = {.look = mc_sight_look};

static void test_directory_counts(void **state)
{
	static const struct {
		const char *ldap, *health; /* NULL: it isn't there */
		bool master, replica, stopped;
		enum mc_region_state state;
		unsigned missed; /* more than its own */
		const char *trouble;
	} cases[] = {
		{"running", "healthy", true, false, false, MC_REGION_READY, 0, ""},
		{"running", "starting", true, false, false, MC_REGION_READY, 0, ""},
		{"exited", NULL, true, false, false, MC_REGION_DEGRADED, 1, "ldap is exited"},
		{"paused", "healthy", true, false, false, MC_REGION_DEGRADED, 1, "ldap is paused"},
		{"running", "unhealthy", true, false, false, MC_REGION_DEGRADED, 1, "ldap is unhealthy"},
		{NULL, NULL, true, false, false, MC_REGION_DEGRADED, 1, "ldap is gone"},
		{"exited", NULL, false, true, false, MC_REGION_DEGRADED, 1, "echo repair > regions/Kista/ctl"},
		/* one that stands by, and one that is stopped, need no directory */
		{"exited", NULL, false, false, false, MC_REGION_STANDBY, 0, ""},
		{"exited", NULL, true, false, true, MC_REGION_STOPPED, 0, ""},
	};

	(void)state;
	for (size_t i = 0; i < MC_COUNT(cases); i++) {
		struct mc_engine_service services[MC_SERVICES_MAX] = {0};
		char names[MC_SERVICES_MAX][MC_SERVICE_NAME_MAX];
		struct mc_region region = named("Kista", 1), *regions[] = {&region};
		struct mc_region_view view;
		struct mc_cloud cloud = {.kind = &kind,
			.handler = ignore,
			.telling = PTHREAD_MUTEX_INITIALIZER,
			.lock = PTHREAD_MUTEX_INITIALIZER,
			.regions = regions,
			.n_regions = 1,
			.is_connected = true,
			.services = {services, 0}};
		unsigned own = 0;

		for (const struct mc_service *service = mc_services; service->name; service++) {
			struct mc_engine_service *runs = &services[cloud.services.count];
			const char *how = service->is_shared ? cases[i].ldap : "running";

			own += !service->is_shared && (service->stands_by || cases[i].master || cases[i].replica);
			if (!how)
				continue;
			mc_service_name(service, "Kista", names[cloud.services.count]);
			*runs = (struct mc_engine_service){.name = names[cloud.services.count++]};
			runs->health = service->is_shared ? (char *)(uintptr_t)cases[i].health : NULL;
			snprintf(runs->state, sizeof(runs->state), "%s", how);
		}
		region.cloud = &cloud;
		region.is_master = cases[i].master;
		region.is_replica = cases[i].replica;
		region.is_stopped = cases[i].stopped;
		mc_region_derive(&region);
		assert_int_equal(mc_cloud_region(&cloud, "Kista", &view), 0);
		assert_int_equal(view.state, cases[i].state);
		assert_int_equal(view.services_up, own);
		assert_int_equal(view.services, own + cases[i].missed);
		assert_non_null(strstr(view.error, cases[i].trouble));
		assert_true(*cases[i].trouble || !*view.error);
		mc_region_view_clear(&view);
		free(region.error);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hosts),
		cmocka_unit_test(test_directory_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
