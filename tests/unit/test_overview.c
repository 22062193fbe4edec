/* SPDX-License-Identifier: MIT */
#include "fs/tree/overview.h"
#include "twelve_world.h"

#include <cjson/cJSON.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct mc_region_view regions[] = {
	{.name = (char[]){"Kista"},
		.address = (char[]){"127.77.1.1"},
		.error = (char[]){""},
		.role = MC_REGION_MASTER,
		.state = MC_REGION_READY,
		.services_up = 4,
		.services = 4,
		.release = "epoxy",
		.created = 1795392000},
	{.name = (char[]){"Sundbyberg-Nord-and-a-long-way"},
		.address = (char[]){"127.77.2.1"},
		.error = (char[]){"keystone <died>"},
		.role = MC_REGION_SLAVE,
		.master = (char[]){"Kista"},
		.replication = MC_REPLICATION_RUNNING,
		.lag = 1.25,
		.state = MC_REGION_DEGRADED,
		.services_up = 3,
		.services = 4,
		.release = "zed",
		.upgrade = "epoxy"},
};

static struct mc_engine_service services[] = {
	{.name = (char[]){"ldap"}, .kind = (char[]){"ldap"}, .state = "running", .health = (char[]){"healthy"}},
	{.name = (char[]){"keystone-Kista"},
		.kind = (char[]){"keystone"},
		.region = (char[]){"Kista"},
		.state = "running",
		.health = (char[]){"starting"},
		.image = (char[]){"a&b"}},
	{.name = (char[]){"glance-Kista"},
		.kind = (char[]){"gl\"an<ce"},
		.region = (char[]){"Kista"},
		.state = "exited",
		.exit_code = 137,
		.restarts = 2},
};

static const struct mc_overview full = {
	.cloud = "m\"<cloud>", .regions = {regions, MC_COUNT(regions)}, .services = {services, MC_COUNT(services)}};
static const struct mc_overview empty = {.cloud = "mcloud"};

static void test_health(void **state)
{
	static const struct {
		const char *state, *health;
		int exit_code;
		enum mc_health expected;
		const char *summary;
	} cases[] = {
		{"running", NULL, 0, MC_HEALTH_GOOD, "running"},
		{"running", "none", 0, MC_HEALTH_GOOD, "running"},
		{"running", "healthy", 0, MC_HEALTH_GOOD, "running"},
		{"running", "starting", 0, MC_HEALTH_CHANGING, "starting"},
		{"running", "unhealthy", 0, MC_HEALTH_BAD, "unhealthy"},
		{"created", NULL, 0, MC_HEALTH_CHANGING, "created"},
		{"restarting", NULL, 1, MC_HEALTH_CHANGING, "restarting"},
		{"paused", "healthy", 0, MC_HEALTH_BAD, "paused"},
		{"dead", NULL, 0, MC_HEALTH_BAD, "dead"},
		{"exited", "healthy", 0, MC_HEALTH_OFF, "exited (0)"},
		{"exited", "unhealthy", 137, MC_HEALTH_BAD, "exited (137)"},
	};
	(void)state;
	for (size_t i = 0; i < MC_COUNT(cases); i++) {
		char health[16];
		struct mc_engine_service service = {.health = cases[i].health ? strcpy(health, cases[i].health) : NULL,
			.exit_code = cases[i].exit_code};
		char summary[48];
		strcpy(service.state, cases[i].state);
		mc_overview_summary(&service, summary, sizeof(summary));
		assert_int_equal(mc_overview_health(&service), cases[i].expected);
		assert_string_equal(summary, cases[i].summary);
	}
}

static void test_table(void **state)
{
	MC_CLEANUP(buffer) struct mc_buffer out = {0}, none = {0};
	(void)state;
	mc_status_table(&full, &out);
	assert_string_equal(out.data,
		"REGION                          ROLE    STATE     LAG    SERVICES  ADDRESS     RELEASE\n"
		"Kista                           master  ready     -      4/4       127.77.1.1  epoxy\n"
		"Sundbyberg-Nord-and-a-long-way  slave   degraded  1.250  3/4       127.77.2.1  zed (can be upgraded "
		"to epoxy)\n");
	mc_status_table(&empty, &none);
	assert_string_equal(none.data, "REGION  ROLE  STATE  LAG  SERVICES  ADDRESS  RELEASE\n");
}

static void test_status_json(void **state)
{
	MC_CLEANUP(buffer) struct mc_buffer out = {0};
	(void)state;
	mc_status_json(&full, &out);
	MC_CLEANUP(json) cJSON *status = cJSON_Parse(out.data);
	assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(status, "cloud")), "m\"<cloud>");
	cJSON *list = cJSON_GetObjectItem(status, "regions"), *second = cJSON_GetArrayItem(list, 1);
	assert_int_equal(cJSON_GetArraySize(list), 2);
	assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(second, "state")), "degraded");
	assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(second, "error")), "keystone <died>");
	assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(second, "release")), "zed");
	assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(second, "upgrade")), "epoxy");
	assert_false(cJSON_HasObjectItem(cJSON_GetArrayItem(list, 0), "upgrade"));
	assert_true(cJSON_GetNumberValue(cJSON_GetObjectItem(second, "lag")) == 1.25);
	assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(second, "master")), "Kista");
	assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(second, "replication")), "running");
	assert_true(cJSON_IsNull(cJSON_GetObjectItem(cJSON_GetArrayItem(list, 0), "lag")));
	assert_true(cJSON_IsNull(cJSON_GetObjectItem(cJSON_GetArrayItem(list, 0), "master")));
	cJSON *count = cJSON_GetObjectItem(second, "services");
	assert_int_equal(cJSON_GetNumberValue(cJSON_GetObjectItem(count, "up")), 3);
	assert_int_equal(cJSON_GetNumberValue(cJSON_GetObjectItem(count, "total")), 4);
	cJSON *created = cJSON_GetObjectItem(cJSON_GetArrayItem(list, 0), "created");
	assert_string_equal(cJSON_GetStringValue(created), "2026-11-23T00:00:00.000Z");
}

static void assert_has(const struct mc_buffer *text, const char *part)
{
	if (!strstr(text->data, part))
		fail_msg("no \"%s\" in:\n%s", part, text->data);
}

static void test_dot(void **state)
{
	MC_CLEANUP(buffer) struct mc_buffer out = {0};
	(void)state;
	mc_topology_dot(&full, &out);
	assert_has(&out, "digraph \"m\\\"<cloud>\" {\n");
	assert_has(&out, "subgraph \"cluster_Kista\" {\n\t\tlabel=\"Kista\\nmaster, ready, 127.77.1.1\";\n");
	assert_has(&out, "\t\t\"glance-Kista\" [label=\"gl\\\"an<ce\\nexited (137)\"");
	assert_has(&out, "\t\"keystone-Kista\" -> \"ldap\";\n");
	assert_has(&out, "\t\"mysql-Kista\" -> \"mysql-Sundbyberg-Nord-and-a-long-way\" "
			 "[style=bold, label=\"running\\n1.250\"];\n");
	assert_string_equal(out.data + out.size - 2, "}\n");
}

static void test_svg(void **state)
{
	MC_CLEANUP(buffer) struct mc_buffer out = {0}, none = {0};
	(void)state;
	mc_topology_svg(&full, &out);
	assert_has(&out, "<title>m&quot;&lt;cloud&gt;</title>");
	assert_has(&out, ">Sundbyberg-N\xE2\x80\xA6</text>");
	assert_has(&out, "<title>Sundbyberg-Nord-and-a-long-way, keystone &lt;died&gt;</title>");
	assert_has(&out, ">gl&quot;an&lt;ce</text>");
	assert_has(&out, "<title>keystone-Kista: starting, a&amp;b</title>");
	assert_has(&out, "2 regions, 3 containers");
	assert_has(&out, "class=\"follows runs\">\xE2\x86\x90 Kista, 1.250 s behind</text>");
	assert_null(strstr(out.data, "<died>"));
	mc_topology_svg(&empty, &none);
	assert_has(&none, "No region yet");
}

static size_t count_of(const struct mc_buffer *text, const char *part)
{
	size_t count = 0;
	for (const char *at = text->data; (at = strstr(at, part)); at++)
		count++;
	return count;
}

/* X and Y of each card, which no other one overlaps. */
static void assert_apart(const struct mc_buffer *svg)
{
	static const char card[] = "<rect class=\"card\" ";
	int x[16], y[16], width[16], height[16];
	size_t count = 0;
	for (const char *at = svg->data; (at = strstr(at, card)); at++, count++)
		assert_int_equal(sscanf(at + strlen(card), "x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\"", &x[count],
					 &y[count], &width[count], &height[count]),
			4);
	assert_int_equal(count, TWELVE + 1);
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < i; j++)
			assert_true(x[i] >= x[j] + width[j] || x[j] >= x[i] + width[i] || y[i] >= y[j] + height[j] ||
				    y[j] >= y[i] + height[i]);
}

/* Who follows whom, and how far behind, is seen of each of many regions, and the master comes first. */
static void test_svg_of_twelve(void **state)
{
	struct twelve twelve;
	MC_CLEANUP(buffer) struct mc_buffer out = {0};
	(void)state;
	twelve_make(&twelve);
	twelve.regions[0].role = MC_REGION_SLAVE;
	twelve.regions[4].role = MC_REGION_MASTER;
	twelve.regions[4].master = NULL;
	mc_topology_svg(&twelve.overview, &out);
	assert_apart(&out);
	assert_int_equal(count_of(&out, " branch\" d="), 9);
	assert_int_equal(count_of(&out, "runs branch\""), 1);
	assert_int_equal(count_of(&out, "begins branch\""), 4); /* one is copied, three are late */
	assert_int_equal(count_of(&out, "fails branch\""), 2);  /* Sundbyberg, Ystad */
	assert_has(&out, ">\xE2\x86\x90 Kista, 0.010 s behind</text>");
	assert_has(&out, ">\xE2\x86\x90 Kista, broken</text>");
	assert_has(&out, "x=\"66\" y=\"166\" class=\"name\">Uppsala</text>");
}

static void test_html(void **state)
{
	MC_CLEANUP(buffer) struct mc_buffer out = {0};
	(void)state;
	mc_topology_html(&full, &out);
	assert_has(&out, "<title>m&quot;&lt;cloud&gt;</title>");
	assert_has(&out, "<main id=\"now\">\n<svg ");
	assert_has(&out, "<tr data-region=\"Sundbyberg-Nord-and-a-long-way\" data-state=\"degraded\">");
	assert_has(&out, "<td>Kista</td><td>running</td><td>1.250</td><td>3/4</td>");
	assert_has(&out, "<td>keystone &lt;died&gt;</td></tr>");
	assert_null(strstr(out.data, "<died>"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_health),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_status_json),
		cmocka_unit_test(test_dot),
		cmocka_unit_test(test_svg),
		cmocka_unit_test(test_svg_of_twelve),
		cmocka_unit_test(test_html),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
