/* SPDX-License-Identifier: MIT */
#include "backends/cloud/work.h"
#include "backends/managed/services/table.h"
#include "backends/managed/works.h"
#include "mcloud/util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* In which order regions start, stop and go: which steps come from the rows of the services, what has to be before
 * what, and what goes on beside each other. */

enum table { MASTER, SLAVE, STANDBY, STOP, DESTROY, TABLES };

static void (*const make[TABLES])(struct mc_steps *) = {
	[MASTER] = mc_start_steps,
	[SLAVE] = mc_slave_steps,
	[STANDBY] = mc_standby_steps,
	[STOP] = mc_stop_steps,
	[DESTROY] = mc_destroy_steps,
};

static const char *const names[TABLES] = {"master", "slave", "standby", "stop", "destroy"};

static int find(const struct mc_steps *steps, const char *name)
{
	for (unsigned i = 0; i < steps->count; i++)
		if (!strcmp(steps->table[i].name, name))
			return (int)i;
	return -1;
}

static unsigned find_step(enum table table, const struct mc_steps *steps, const char *name)
{
	int i = find(steps, name);

	if (i < 0)
		fail_msg("%s: there is no step %s", names[table], name);
	return (unsigned)i;
}

/* The bits of all steps that are done before step I begins. */
static unsigned all_before(const struct mc_steps *steps, unsigned i)
{
	unsigned bits = steps->table[i].needs;

	for (unsigned other = 0; other < i; other++)
		if (steps->table[i].needs & (1u << other))
			bits |= all_before(steps, other);
	return bits;
}

static void tables_are_sound(void **state)
{
	(void)state;
	for (enum table table = 0; table < TABLES; table++) {
		struct mc_steps steps = {0};

		make[table](&steps);
		assert_true(steps.count > 0 && steps.count <= MC_STEPS_MAX);
		assert_null(steps.table[steps.count].name);
		for (unsigned i = 0; i < steps.count; i++) {
			const struct mc_step *step = &steps.table[i];

			assert_non_null(step->done);
			assert_true((step->run != NULL) != (step->run_on != NULL));
			assert_int_equal(step->run_on != NULL, step->subject != NULL);
			assert_int_equal(find(&steps, step->name), i);
			assert_int_equal(step->needs >> i, 0); /* of steps above: so there is no circle */
		}
	}
}

static void services_have_their_steps(void **state)
{
	struct mc_steps steps[TABLES] = {0};
	unsigned n = 0, own = 0, loads = 0, standing_by = 0;

	(void)state;
	for (enum table table = 0; table < TABLES; table++)
		make[table](&steps[table]);
	for (const struct mc_service *service = mc_services; service->name; service++) {
		for (enum table table = MASTER; table <= SLAVE; table++) {
			find_step(table, &steps[table], service->name);
			if (service->words.loads)
				find_step(table, &steps[table], service->words.load_step);
		}
		assert_int_equal(find(&steps[STANDBY], service->name) >= 0, service->stands_by);
		assert_int_equal(find(&steps[STOP], service->name) >= 0, !service->is_shared);
		assert_int_equal(find(&steps[DESTROY], service->name) >= 0, !service->is_shared);
		n++;
		own += !service->is_shared;
		loads += service->words.loads != NULL;
		standing_by += service->stands_by;
	}
	assert_int_equal(steps[MASTER].count, 8 + n + loads);
	assert_int_equal(steps[SLAVE].count, 8 + n + loads);
	assert_int_equal(steps[STANDBY].count, 2 + standing_by);
	assert_int_equal(steps[STOP].count, 1 + own);
	assert_int_equal(steps[DESTROY].count, 4 + own);
}

static const struct {
	enum table table;
	const char *step, *before; /* words */
} orders[] = {
	{MASTER, "network", "images"},
	{MASTER, "load-keystone", "network"},
	{MASTER, "load-glance", "network"},
	{MASTER, "database", "load-keystone load-glance"},
	{MASTER, "memcached", "load-keystone load-glance"},
	{MASTER, "ldap", "load-keystone load-glance"},
	{MASTER, "keystone", "load-keystone load-glance"},
	{MASTER, "glance", "load-keystone load-glance"},
	{MASTER, "mode", "database"},
	{MASTER, "open", "database mode"},
	{MASTER, "passwords", "open"},
	{MASTER, "catalog", "open"},
	{MASTER, "login", "keystone passwords catalog memcached"},
	{MASTER, "served", "glance login ldap"},
	{SLAVE, "network", "mark images"},
	{SLAVE, "load-keystone", "network"},
	{SLAVE, "load-glance", "network"},
	{SLAVE, "database", "load-keystone load-glance"},
	{SLAVE, "replication", "database"},
	{SLAVE, "catalog", "mark"},
	{SLAVE, "position", "replication catalog"},
	{SLAVE, "login", "keystone memcached position"},
	{SLAVE, "served", "glance login ldap"},
	{STANDBY, "network", "images"},
	{STANDBY, "database", "network"},
	{STOP, "glance", "mark"},
	{STOP, "keystone", "mark"},
	{STOP, "memcached", "keystone"},
	{STOP, "database", "glance keystone"},
	{DESTROY, "leave", "mark"},
	{DESTROY, "keystone", "mark"},
	{DESTROY, "glance", "mark"},
	{DESTROY, "memcached", "keystone glance"},
	{DESTROY, "database", "leave"},
	{DESTROY, "shared", "keystone glance memcached database leave"},
	{DESTROY, "marks", "shared"},
};

/* They don't wait for each other. */
static const struct {
	enum table table;
	const char *step, *beside;
} parallel[] = {
	{MASTER, "load-keystone", "load-glance"},
	{MASTER, "keystone", "database memcached ldap glance mode open passwords catalog"},
	{MASTER, "glance", "database memcached ldap keystone mode open passwords catalog login"},
	{MASTER, "ldap", "database memcached open catalog login"},
	{MASTER, "passwords", "catalog"},
	{SLAVE, "catalog", "images network database load-keystone replication"},
	{SLAVE, "keystone", "database memcached ldap glance replication catalog position"},
	{SLAVE, "glance", "database memcached ldap keystone replication catalog position login"},
	{STOP, "glance", "keystone memcached"},
	{DESTROY, "keystone", "leave glance database"},
	{DESTROY, "glance", "leave keystone database"},
	{DESTROY, "memcached", "leave database"},
};

/* Whether step NAME comes after each of WORDS, or, with BESIDE, neither after nor before any. */
static void check_order(enum table table, const char *name, const char *words, bool beside)
{
	struct mc_steps steps = {0};
	char copy[256], *rest = copy, *word;
	unsigned i;

	make[table](&steps);
	i = find_step(table, &steps, name);
	snprintf(copy, sizeof(copy), "%s", words);
	while ((word = strsep(&rest, " "))) {
		unsigned other = find_step(table, &steps, word);
		bool after = all_before(&steps, i) & (1u << other), before = all_before(&steps, other) & (1u << i);

		if (beside ? after || before : !after)
			fail_msg("%s: %s is %safter %s", names[table], name, after ? "" : "not ", word);
	}
}

static void steps_are_in_order(void **state)
{
	(void)state;
	for (size_t i = 0; i < MC_COUNT(orders); i++)
		check_order(orders[i].table, orders[i].step, orders[i].before, false);
}

static void steps_run_beside_each_other(void **state)
{
	(void)state;
	for (size_t i = 0; i < MC_COUNT(parallel); i++)
		check_order(parallel[i].table, parallel[i].step, parallel[i].beside, true);
}

/* Whoever is needed ends last, and nobody says that all serves before all do. */
static void needs_are_kept(void **state)
{
	struct mc_steps steps[TABLES] = {0};

	(void)state;
	for (enum table table = 0; table < TABLES; table++)
		make[table](&steps[table]);
	for (const struct mc_service *service = mc_services; service->name; service++) {
		check_order(MASTER, "served", service->name, false);
		check_order(SLAVE, "served", service->name, false);
		for (const struct mc_service *other = mc_services; other < service; other++) {
			if (!(service->needs & MC_BIT(mc_service_index(other))))
				continue;
			if (!service->is_shared && !other->is_shared)
				check_order(STOP, other->name, service->name, false);
			if (!service->words.loads)
				check_order(MASTER, service->name, other->name, false);
		}
		if (service->sockets && mc_service_index(service) != MC_MEMCACHED)
			check_order(DESTROY, "memcached", service->name, false);
		if (!service->is_shared)
			check_order(DESTROY, "shared", service->name, false);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tables_are_sound),
		cmocka_unit_test(services_have_their_steps),
		cmocka_unit_test(steps_are_in_order),
		cmocka_unit_test(steps_run_beside_each_other),
		cmocka_unit_test(needs_are_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
