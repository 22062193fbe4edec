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

/* The same on machines: Kista on the first one, the other region on one that is not known, and one machine has none. */
static struct mc_engine_node nodes[] = {
	{.name = (char[]){"a\"<1>"},
		.address = (char[]){"192.0.2.1"},
		.version = (char[]){"20.10.24"},
		.state = "ready",
		.cpus = 4,
		.memory = UINT64_C(8350000000)},
	{.name = (char[]){"b"}, .address = (char[]){""}, .version = (char[]){""}, .state = "unreachable"},
};
static struct mc_region_view placed[MC_COUNT(regions)];

static struct mc_overview with_nodes(const char *first, const char *second)
{
	static char names[2][32];
	memcpy(placed, regions, sizeof(regions));
	placed[0].node = strcpy(names[0], first);
	placed[1].node = strcpy(names[1], second);
	return (struct mc_overview){.cloud = "m",
		.regions = {placed, MC_COUNT(placed)},
		.services = {services, MC_COUNT(services)},
		.has_nodes = true,
		.nodes = {nodes, MC_COUNT(nodes)}};
}

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

/* A column, and a table of its own. */
static void test_table_of_nodes(void **state)
{
	MC_CLEANUP(buffer) struct mc_buffer out = {0}, unknown = {0};
	struct mc_overview overview = with_nodes("a\"<1>", "gone");
	(void)state;
	mc_status_table(&overview, &out);
	assert_string_equal(out.data,
		"REGION                          ROLE    STATE     LAG    SERVICES  ADDRESS     NODE   RELEASE\n"
		"Kista                           master  ready     -      4/4       127.77.1.1  a\"<1>  epoxy\n"
		"Sundbyberg-Nord-and-a-long-way  slave   degraded  1.250  3/4       127.77.2.1  gone   zed (can be "
		"upgraded to epoxy)\n"
		"\n"
		"NODE   STATE        REGIONS  ADDRESS    ENGINE    CPUS  MEMORY\n"
		"a\"<1>  ready        1        192.0.2.1  20.10.24  4     7.7 GiB\n"
		"b      unreachable  0        -          -         -     -\n");
	/* An engine of several that has not told of them yet. */
	overview.nodes.count = 0;
	placed[0].node[0] = '\0';
	mc_status_table(&overview, &unknown);
	assert_string_equal(unknown.data,
		"REGION                          ROLE    STATE     LAG    SERVICES  ADDRESS     NODE  RELEASE\n"
		"Kista                           master  ready     -      4/4       127.77.1.1  -     epoxy\n"
		"Sundbyberg-Nord-and-a-long-way  slave   degraded  1.250  3/4       127.77.2.1  gone  zed (can be "
		"upgraded to epoxy)\n");
}

static void test_json_of_nodes(void **state)
{
	MC_CLEANUP(buffer) struct mc_buffer out = {0}, none = {0};
	struct mc_overview overview = with_nodes("b", "b");
	(void)state;
	mc_status_json(&overview, &out);
	MC_CLEANUP(json) cJSON *status = cJSON_Parse(out.data);
	cJSON *list = cJSON_GetObjectItem(status, "nodes"), *first = cJSON_GetArrayItem(list, 0),
	      *second = cJSON_GetArrayItem(list, 1), *there = cJSON_GetObjectItem(second, "regions");
	assert_int_equal(cJSON_GetArraySize(list), 2);
	assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(first, "name")), "a\"<1>");
	assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(first, "state")), "ready");
	assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(first, "address")), "192.0.2.1");
	assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(first, "engine")), "20.10.24");
	assert_true(cJSON_GetNumberValue(cJSON_GetObjectItem(first, "cpus")) == 4);
	assert_true(cJSON_GetNumberValue(cJSON_GetObjectItem(first, "memory")) == 8350000000);
	assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(first, "regions")), 0);
	static const char *const unknown[] = {"address", "engine", "cpus", "memory"};
	for (size_t i = 0; i < MC_COUNT(unknown); i++)
		assert_true(cJSON_IsNull(cJSON_GetObjectItem(second, unknown[i])));
	assert_int_equal(cJSON_GetArraySize(there), 2);
	assert_string_equal(cJSON_GetStringValue(cJSON_GetArrayItem(there, 0)), "Kista");
	cJSON *region = cJSON_GetArrayItem(cJSON_GetObjectItem(status, "regions"), 0);
	assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(region, "node")), "b");
	mc_status_json(&full, &none);
	assert_null(strstr(none.data, "\"node"));
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

/* Regions stand in their machines, and those of none beside them. */
static void test_dot_of_nodes(void **state)
{
	MC_CLEANUP(buffer) struct mc_buffer out = {0}, none = {0};
	struct mc_overview overview = with_nodes("a\"<1>", "gone");
	(void)state;
	mc_topology_dot(&overview, &out);
	assert_has(&out, "\tsubgraph \"cluster_/a\\\"<1>\" {\n\t\tlabel=\"a\\\"<1>\\nready, 192.0.2.1\";\n"
			 "\t\tstyle=\"rounded,filled\";\n\t\tfillcolor=\"#c9ecd5\";\n"
			 "\t\tsubgraph \"cluster_Kista\" {\n\t\t\tlabel=\"Kista\\nmaster, ready, 127.77.1.1\";\n");
	assert_has(&out, "\t\t\t\"glance-Kista\" [label=");
	assert_has(&out, "\tsubgraph \"cluster_/b\" {\n\t\tlabel=\"b\\nunreachable\";\n");
	assert_has(&out, "fillcolor=\"#f6c6c4\";\n\t\t\"cluster_/b\" [style=invis, label=\"\"];\n\t}\n");
	assert_has(&out, "\n\tsubgraph \"cluster_Sundbyberg-Nord-and-a-long-way\" {\n");
	mc_topology_dot(&full, &none);
	assert_null(strstr(none.data, "cluster_/"));
}

static size_t count_of(const struct mc_buffer *text, const char *part)
{
	size_t count = 0;
	for (const char *at = text->data; (at = strstr(at, part)); at++)
		count++;
	return count;
}

struct box {
	int x, y, width, height;
};

/* The places of all rectangles of CLASS. */
static size_t find_boxes(const struct mc_buffer *svg, const char *class, struct box boxes[16])
{
	size_t count = 0;
	for (const char *at = svg->data; (at = strstr(at, class)); at++, count++) {
		assert_true(count < 16);
		assert_int_equal(sscanf(at + strlen(class), " x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\"",
					 &boxes[count].x, &boxes[count].y, &boxes[count].width, &boxes[count].height),
			4);
	}
	return count;
}

static bool is_in(const struct box *in, const struct box *out)
{
	return in->x >= out->x && in->y >= out->y && in->x + in->width <= out->x + out->width &&
	       in->y + in->height <= out->y + out->height;
}

static bool is_apart(const struct box *one, const struct box *other)
{
	return one->x >= other->x + other->width || other->x >= one->x + one->width ||
	       one->y >= other->y + other->height || other->y >= one->y + one->height;
}

static void assert_all_apart(const struct box *boxes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < i; j++)
			assert_true(is_apart(&boxes[i], &boxes[j]));
}

/* COUNT cards, and one band, of which none overlaps another one. */
static void assert_apart(const struct mc_buffer *svg, size_t count)
{
	struct box cards[16];
	assert_int_equal(find_boxes(svg, "<rect class=\"card\"", cards), count + 1);
	assert_all_apart(cards, count + 1);
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
	assert_apart(&out, TWELVE);
	assert_int_equal(count_of(&out, " branch\" d="), 9);
	assert_int_equal(count_of(&out, "runs branch\""), 1);
	assert_int_equal(count_of(&out, "begins branch\""), 4); /* one is copied, three are late */
	assert_int_equal(count_of(&out, "fails branch\""), 2);  /* Sundbyberg, Ystad */
	assert_has(&out, ">\xE2\x86\x90 Kista, 0.010 s behind</text>");
	assert_has(&out, ">\xE2\x86\x90 Kista, broken</text>");
	assert_has(&out, "x=\"66\" y=\"166\" class=\"name\">Uppsala</text>");
}

/* As many regions in each frame as HELD says, in the order in which they are drawn; all lies in the picture. */
static void assert_framed(const struct mc_buffer *svg, size_t shown, const size_t *held, size_t count)
{
	struct box frames[16], cards[16], page[16];
	assert_int_equal(find_boxes(svg, "<rect class=\"frame\"", frames), count);
	assert_apart(svg, shown);
	assert_int_equal(find_boxes(svg, "<rect class=\"card\"", cards), shown + 1);
	assert_all_apart(frames, count);
	assert_int_equal(sscanf(strstr(svg->data, "viewBox="), "viewBox=\"%d %d %d %d\"", &page[0].x, &page[0].y,
				 &page[0].width, &page[0].height),
		4);
	for (size_t f = 0; f < count; f++) {
		size_t within = 0;
		for (size_t i = 0; i < shown; i++)
			within += is_in(&cards[i], &frames[f]);
		assert_int_equal(within, held[f]);
		assert_true(is_in(&frames[f], page));
		assert_true(is_apart(&frames[f], &cards[shown])); /* the band */
	}
	assert_true(is_in(&cards[shown], page));
}

/* Twelve regions on MACHINES, the I-th on that of (I * I) % MACHINES. */
static void draw_machines(size_t machines, bool is_gone, struct mc_buffer *out)
{
	static char names[8][8] = {"n0", "n1", "n2", "n3", "n4", "n5", "n6", "n7"}, nothing[1], gone[] = "gone";
	struct mc_engine_node list[8];
	size_t held[9] = {0};
	struct twelve twelve;
	twelve_make(&twelve);
	for (size_t i = 0; i < machines; i++)
		list[i] = (struct mc_engine_node){
			.name = names[i], .address = nothing, .version = nothing, .state = "ready"};
	for (size_t i = 0; i < TWELVE; i++) {
		size_t at = is_gone && i == 5 ? machines : i * i % machines;
		twelve.regions[i].node = at == machines ? gone : names[at];
		held[at]++;
	}
	twelve.overview.has_nodes = true;
	twelve.overview.nodes = (struct mc_engine_node_list){list, machines};
	mc_topology_svg(&twelve.overview, out);
	assert_framed(out, TWELVE, held, machines + is_gone);
	assert_int_equal(count_of(out, " branch\" d="), 10);
}

static void test_svg_of_nodes(void **state)
{
	MC_CLEANUP(buffer) struct mc_buffer two = {0}, none = {0};
	struct mc_overview overview = with_nodes("a\"<1>", "gone"), without = {.has_nodes = true, .nodes = {nodes, 2}};
	(void)state;
	for (size_t machines = 1; machines <= 8; machines++)
		for (int gone = 0; gone <= 1; gone++) {
			MC_CLEANUP(buffer) struct mc_buffer out = {0};
			draw_machines(machines, gone, &out);
		}
	mc_topology_svg(&overview, &two);
	assert_framed(&two, 2, (const size_t[]){1, 0, 1}, 3);
	assert_has(&two, "2 regions, 3 containers, 2 machines");
	assert_has(&two, "<title>a&quot;&lt;1&gt;: ready</title><rect class=\"frame\"");
	assert_has(&two, "class=\"soft right\">192.0.2.1 \xC2\xB7 ready</text>");
	assert_has(&two, "class=\"soft right\">unreachable</text>");
	assert_has(&two, ">on no machine that is known</text>");
	without.cloud = "m";
	mc_topology_svg(&without, &none);
	assert_has(&none, "No region yet");
	assert_int_equal(count_of(&none, "<rect class=\"frame\""), 2);
}

/* The machine of the master stands first, with the master's card first in it. */
static void test_svg_of_masters_node(void **state)
{
	MC_CLEANUP(buffer) struct mc_buffer out = {0};
	struct mc_overview overview = with_nodes("a\"<1>", "b");
	struct box frames[16];
	(void)state;
	placed[0].role = MC_REGION_SLAVE;
	placed[1].role = MC_REGION_MASTER;
	mc_topology_svg(&overview, &out);
	assert_int_equal(find_boxes(&out, "<rect class=\"frame\"", frames), 2);
	assert_true(frames[1].x < frames[0].x && frames[1].y == frames[0].y);
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
	assert_null(strstr(out.data, "<th>node</th>"));
}

static void test_html_of_nodes(void **state)
{
	MC_CLEANUP(buffer) struct mc_buffer out = {0};
	struct mc_overview overview = with_nodes("a\"<1>", "b");
	(void)state;
	mc_topology_html(&overview, &out);
	assert_has(&out, "<th>address</th><th>node</th><th>release</th>");
	assert_has(&out, "<td>127.77.1.1</td><td>a&quot;&lt;1&gt;</td><td>epoxy</td>");
	assert_has(&out,
		"<tr data-node=\"a&quot;&lt;1&gt;\" data-state=\"ready\"><td>a&quot;&lt;1&gt;</td><td>ready</td>"
		"<td>1</td><td>192.0.2.1</td><td>20.10.24</td><td>4</td><td>7.7 GiB</td></tr>");
	assert_has(&out, "<tr data-node=\"b\" data-state=\"unreachable\">");
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
		cmocka_unit_test(test_table_of_nodes),
		cmocka_unit_test(test_json_of_nodes),
		cmocka_unit_test(test_dot_of_nodes),
		cmocka_unit_test(test_svg_of_nodes),
		cmocka_unit_test(test_svg_of_masters_node),
		cmocka_unit_test(test_html_of_nodes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
