/* SPDX-License-Identifier: MIT */
#include "backends/managed/placement.h"
#include "mcloud/util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

/* A machine in a few letters: a, b, c: its name; then r ready, d down, u unreachable; h: this one; t: takes regions;
 * and how many regions it has. */
struct machine {
	const char *letters;
	unsigned regions;
};

#define MACHINES_MAX 4

static size_t read_machines(
	const struct machine *machines, char names[][2], struct mc_engine_node *nodes, unsigned *regions)
{
	size_t count = 0;

	for (; count < MACHINES_MAX && machines[count].letters; count++) {
		const char *letters = machines[count].letters;

		snprintf(names[count], 2, "%c", letters[0]);
		nodes[count] = (struct mc_engine_node){
			.name = names[count], .is_here = strchr(letters, 'h'), .takes_regions = strchr(letters, 't')};
		snprintf(nodes[count].state, sizeof(nodes[count].state), "%s",
			letters[1] == 'r'   ? "ready"
			: letters[1] == 'd' ? "down"
					    : "unreachable");
		regions[count] = machines[count].regions;
	}
	return count;
}

static void test_places(void **state)
{
	static const struct {
		const char *what;
		struct machine machines[MACHINES_MAX];
		const char *wanted;
		int result;
		const char *chosen, *says; /* of a refusal: a part of it */
	} rows[] = {
		{"one of one", {{"arht", 3}}, NULL, 0, "a", NULL},
		{"the one with the fewest", {{"arht", 2}, {"brt", 1}, {"crt", 2}}, NULL, 0, "b", NULL},
		{"of equals this one", {{"art", 1}, {"brht", 1}, {"crt", 1}}, NULL, 0, "b", NULL},
		{"of other equals the first", {{"arht", 2}, {"brt", 1}, {"crt", 1}}, NULL, 0, "b", NULL},
		{"not one that is down", {{"arht", 2}, {"bdt", 0}}, NULL, 0, "a", NULL},
		{"nor one that can't be reached", {{"arht", 2}, {"but", 0}}, NULL, 0, "a", NULL},
		{"nor one that is drained", {{"arht", 2}, {"br", 0}}, NULL, 0, "a", NULL},
		{"none takes one", {{"arh", 0}, {"bdt", 0}, {"cut", 0}}, NULL, -EHOSTUNREACH, NULL, "docker node ls"},
		{"there is none", {{NULL, 0}}, NULL, -EHOSTUNREACH, NULL, "no node can take"},
		{"the wanted one, however many it has", {{"arht", 0}, {"brt", 9}}, "b", 0, "b", NULL},
		{"one that isn't there", {{"arht", 0}}, "b", -ENOENT, NULL, "there is no node b"},
		{"the wanted one is down", {{"arht", 0}, {"bdt", 0}}, "b", -EHOSTUNREACH, NULL, "node b is down"},
		{"it can't be reached", {{"arht", 0}, {"but", 0}}, "b", -EHOSTUNREACH, NULL, "is unreachable"},
		{"it is drained", {{"arht", 0}, {"br", 0}}, "b", -EBUSY, NULL, "--availability active b"},
	};

	(void)state;
	for (size_t i = 0; i < MC_COUNT(rows); i++) {
		char names[MACHINES_MAX][2];
		struct mc_engine_node nodes[MACHINES_MAX];
		unsigned regions[MACHINES_MAX];
		struct mc_engine_node_list list = {nodes, read_machines(rows[i].machines, names, nodes, regions)};
		struct mc_error error = {0};
		size_t at = MACHINES_MAX;

		if (mc_place_region(&list, regions, rows[i].wanted, &at, &error) != rows[i].result)
			fail_msg("%s: %s", rows[i].what, error.message);
		if (rows[i].chosen && (at == MACHINES_MAX || strcmp(nodes[at].name, rows[i].chosen) != 0))
			fail_msg("%s: another one", rows[i].what);
		if (rows[i].says && !strstr(error.message, rows[i].says))
			fail_msg("%s: \"%s\"", rows[i].what, error.message);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_places)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
