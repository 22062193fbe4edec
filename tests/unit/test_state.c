/* SPDX-License-Identifier: MIT */
#include "backends/cloud/state.h"
#include "mcloud/util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define WELL                                                                                                           \
	{"mysql-Kista", "running", "healthy"}, {"keystone-Kista", "running", "starting"},                              \
	{                                                                                                              \
		"memcached-Kista", "running", NULL                                                                     \
	}

static const struct row {
	const char *what;
	struct mc_state_facts facts;
	struct mc_state_service services[3];
	enum mc_region_state state;
	const char *says;
	size_t up;
	struct mc_state_service directory; /* which is shared; none: one that serves */
	bool misses_directory;
} rows[] = {
	{"all serve", {.is_connected = true}, {WELL}, MC_REGION_READY, "", 3},
	{"it stands by", {.is_connected = true, .stands_by = true}, {WELL}, MC_REGION_STANDBY, "", 3},
	{"work goes on", {.is_connected = true, .is_busy = true, .during = MC_REGION_SEEDING},
		{{"mysql-Kista"}, {"keystone-Kista"}, {"memcached-Kista"}}, MC_REGION_SEEDING, "", 0},
	{"whatever was before", {.is_busy = true, .during = MC_REGION_STOPPING, .is_failed = true, .is_stopped = true},
		{WELL}, MC_REGION_STOPPING, "", 3},
	{"the last work has failed", {.is_connected = true, .is_failed = true, .is_stopped = true}, {WELL},
		MC_REGION_FAILED, "", 3},
	{"somebody has stopped it", {.is_connected = true, .is_stopped = true},
		{{"mysql-Kista", "exited"}, {"keystone-Kista"}, {"memcached-Kista"}}, MC_REGION_STOPPED, "", 0},
	{"without the engine nobody knows", {.is_connected = false}, {WELL}, MC_REGION_DEGRADED,
		"the engine can't be reached", 3},
	{"but that it was stopped", {.is_connected = false, .is_stopped = true}, {WELL}, MC_REGION_STOPPED, "", 3},
	{"a service has ended", {.is_connected = true},
		{{"mysql-Kista", "running", NULL}, {"keystone-Kista", "exited", "healthy"},
			{"memcached-Kista", "running", NULL}},
		MC_REGION_DEGRADED, "keystone-Kista is exited; `echo repair > regions/Kista/ctl`", 2},
	{"one hangs", {.is_connected = true},
		{{"mysql-Kista", "paused", "healthy"}, {"keystone-Kista", "running", NULL},
			{"memcached-Kista", "running", NULL}},
		MC_REGION_DEGRADED, "mysql-Kista is paused", 2},
	{"one is gone", {.is_connected = true},
		{{"mysql-Kista", "running", NULL}, {"keystone-Kista", "running", NULL}, {"memcached-Kista"}},
		MC_REGION_DEGRADED, "memcached-Kista is gone", 2},
	{"one is unhealthy", {.is_connected = true},
		{{"mysql-Kista", "running", "unhealthy"}, {"keystone-Kista", "running", NULL},
			{"memcached-Kista", "running", NULL}},
		MC_REGION_DEGRADED, "mysql-Kista is unhealthy", 2},
	{"one is out of the network", {.is_connected = true},
		{{"mysql-Kista", "running", NULL, true}, {"keystone-Kista", "running", NULL},
			{"memcached-Kista", "running", NULL}},
		MC_REGION_DEGRADED, "mysql-Kista is out of the cloud's network", 2},
	{"the first of several is named", {.is_connected = true},
		{{"mysql-Kista", "exited"}, {"keystone-Kista", "dead"}, {"memcached-Kista", "running"}},
		MC_REGION_DEGRADED, "mysql-Kista is exited", 1},
	{"also of one that stands by", {.is_connected = true, .stands_by = true},
		{{"mysql-Kista", "exited"}, {"keystone-Kista", "running"}, {"memcached-Kista", "running"}},
		MC_REGION_DEGRADED, "mysql-Kista", 2},
	{"replication has broken",
		{.is_connected = true, .replication = MC_REPLICATION_BROKEN, .replication_trouble = "it is broken"},
		{WELL}, MC_REGION_DEGRADED, "it is broken", 3},
	{"it has diverged",
		{.is_connected = true, .replication = MC_REPLICATION_DIVERGED, .replication_trouble = "a resync"},
		{WELL}, MC_REGION_DEGRADED, "a resync", 3},
	{"services come before replication",
		{.is_connected = true, .replication = MC_REPLICATION_BROKEN, .replication_trouble = "it is broken"},
		{{"mysql-Kista", "exited"}, {"keystone-Kista", "running"}, {"memcached-Kista", "running"}},
		MC_REGION_DEGRADED, "mysql-Kista is exited", 2},
	{"replication was stopped by command",
		{.is_connected = true, .replication = MC_REPLICATION_STOPPED, .replication_trouble = ""}, {WELL},
		MC_REGION_READY, "", 3},
	{"the directory is down", {.is_connected = true}, {WELL}, MC_REGION_DEGRADED,
		"ldap is exited, and the people of the directory are out of reach; `echo repair > regions/Kista/ctl`",
		3, .directory = {"ldap", "exited"}, .misses_directory = true},
	{"its own services come before it", {.is_connected = true},
		{{"mysql-Kista", "exited"}, {"keystone-Kista", "running"}, {"memcached-Kista", "running"}},
		MC_REGION_DEGRADED, "mysql-Kista is exited", 2, .directory = {"ldap", "paused"},
		.misses_directory = true},
	{"one that stands by needs no directory", {.is_connected = true, .stands_by = true}, {WELL}, MC_REGION_STANDBY,
		"", 3, .directory = {"ldap", "exited"}},
	{"nor does one that is stopped", {.is_connected = true, .is_stopped = true}, {WELL}, MC_REGION_STOPPED, "", 3,
		.directory = {"ldap", "exited"}},
	{"its machine can't be reached", {.is_connected = true},
		{{"mysql-Kista", "unreachable", "healthy", .node = "node2"},
			{"keystone-Kista", "unreachable", "healthy", .node = "node2"},
			{"memcached-Kista", "unreachable", .node = "node2"}},
		MC_REGION_DEGRADED,
		"its machine node2 can't be reached, and it may go on there unseen: bring that machine, its engine or "
		"the way to it back",
		0},
	{"it is the master's", {.is_connected = true, .is_master = true},
		{{"mysql-Kista", "unreachable", "healthy", .node = "node2"},
			{"keystone-Kista", "unreachable", "healthy", .node = "node2"},
			{"memcached-Kista", "unreachable", .node = "node2"}},
		MC_REGION_DEGRADED,
		"the way to it back, or go on without it: `echo promote > regions/REGION/replication/ctl`, of another "
		"region",
		0},
	{"what has ended before is said first", {.is_connected = true},
		{{"mysql-Kista", "exited", .node = "node2"}, {"keystone-Kista", "unreachable", .node = "node2"},
			{"memcached-Kista", "unreachable", .node = "node2"}},
		MC_REGION_DEGRADED, "mysql-Kista is exited", 0},
	{"the directory's machine can't be reached", {.is_connected = true}, {WELL}, MC_REGION_DEGRADED,
		"the machine node1 of ldap can't be reached, and the people of the directory are out of reach: bring",
		3, .directory = {"ldap", "unreachable", .node = "node1"}, .misses_directory = true},
	{"it runs", {.is_connected = true, .replication = MC_REPLICATION_RUNNING, .replication_trouble = ""}, {WELL},
		MC_REGION_READY, "", 3},
	{"it gets a copy while it serves", {.is_connected = true, .replication = MC_REPLICATION_SEEDING}, {WELL},
		MC_REGION_READY, "", 3},
	{"a master has no replication", {.is_connected = true, .replication = MC_REPLICATION_NONE}, {WELL},
		MC_REGION_READY, "", 3},
	{"the sentence of a failed work is not in its state's", {.is_connected = true, .is_failed = true},
		{{"mysql-Kista", "exited"}, {"keystone-Kista"}, {"memcached-Kista"}}, MC_REGION_FAILED, "", 0},
	{"a failure outlasts the engine", {.is_connected = false, .is_failed = true}, {WELL}, MC_REGION_FAILED, "", 3},
	{"work goes on without the engine", {.is_busy = true, .during = MC_REGION_STARTING}, {WELL}, MC_REGION_STARTING,
		"", 3},
	{"the engine's silence comes before what its services were",
		{.is_connected = false, .trouble = "the catalog has no Glance"},
		{{"mysql-Kista", "exited"}, {"keystone-Kista"}, {"memcached-Kista"}}, MC_REGION_DEGRADED,
		"the region is as the engine left it", 0},
	{"what the kind of cloud knows comes before its services",
		{.is_connected = true, .trouble = "the catalog has no Glance"},
		{{"mysql-Kista", "exited"}, {"keystone-Kista", "running"}, {"memcached-Kista", "running"}},
		MC_REGION_DEGRADED, "the catalog has no Glance", 2},
	{"a stopped one has no trouble", {.is_connected = true, .is_stopped = true, .trouble = "no Glance"}, {WELL},
		MC_REGION_STOPPED, "", 3},
	{"a broken replication, of one that stands by",
		{.is_connected = true,
			.stands_by = true,
			.replication = MC_REPLICATION_BROKEN,
			.replication_trouble = "it is broken"},
		{WELL}, MC_REGION_DEGRADED, "it is broken", 3},
	{"a service was made and never ran", {.is_connected = true},
		{{"mysql-Kista", "created"}, {"keystone-Kista", "running"}, {"memcached-Kista", "running"}},
		MC_REGION_DEGRADED, "mysql-Kista is created", 2},
	{"one falls again and again", {.is_connected = true},
		{{"mysql-Kista", "running"}, {"keystone-Kista", "restarting"}, {"memcached-Kista", "running"}},
		MC_REGION_DEGRADED, "keystone-Kista is restarting", 2},
	{"one that has ended is not said to be out of the network", {.is_connected = true},
		{{"mysql-Kista", "exited", "unhealthy", true}, {"keystone-Kista", "running"},
			{"memcached-Kista", "running"}},
		MC_REGION_DEGRADED, "mysql-Kista is exited; ", 2},
	{"one out of the network is not said to be unhealthy", {.is_connected = true},
		{{"mysql-Kista", "running", "unhealthy", true}, {"keystone-Kista", "running"},
			{"memcached-Kista", "running"}},
		MC_REGION_DEGRADED, "mysql-Kista is out of the cloud's network; ", 2},
	{"the directory is out of the network", {.is_connected = true}, {WELL}, MC_REGION_DEGRADED,
		"ldap is out of the cloud's network, and the people", 3,
		.directory = {"ldap", "running", "healthy", true}, .misses_directory = true},
	{"the directory is missed by a broken replication, too",
		{.is_connected = true, .replication = MC_REPLICATION_BROKEN, .replication_trouble = "it is broken"},
		{WELL}, MC_REGION_DEGRADED, "ldap is gone", 3, .directory = {"ldap"}, .misses_directory = true},
};

static void states_are_derived(void **state)
{
	(void)state;
	for (size_t i = 0; i < MC_COUNT(rows); i++) {
		struct mc_state_facts facts = rows[i].facts;
		struct mc_state_service services[4];
		char trouble[256] = "what was there";
		enum mc_region_state is;

		facts.region = "Kista";
		memcpy(services, rows[i].services, 3 * sizeof(*services));
		services[3] = rows[i].directory.name ? rows[i].directory
						     : (struct mc_state_service){"ldap", "running", "healthy"};
		services[3].is_shared = true;
		services[3].missed = ", and the people of the directory are out of reach";
		facts.services = services;
		facts.n_services = 4;
		is = mc_state_of(&facts, trouble, sizeof(trouble));
		if (is != rows[i].state || !strstr(trouble, rows[i].says) || (!*rows[i].says && *trouble) ||
			mc_state_count_up(&facts) != rows[i].up ||
			mc_state_count_wanted(&facts) != (size_t)(3 + rows[i].misses_directory))
			fail_msg("%s: %d, \"%s\"", rows[i].what, is, trouble);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(states_are_derived)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
