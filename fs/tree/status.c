/* SPDX-License-Identifier: MIT */
#include "fs/tree/overview.h"
#include "fs/tree/text.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMNS = 8 };

/* The fields of a table's line; those that are made for it have their texts beside them. */
struct line {
	const char *fields[COLUMNS]; /* NULL behind the last */
	char services[24], lag[32], release[80], regions[16], cpus[16], memory[24];
};

static void add_line(const struct line *line, const int *widths, struct mc_buffer *out)
{
	for (int i = 0; i < COLUMNS && line->fields[i]; i++) {
		bool is_last = i == COLUMNS - 1 || !line->fields[i + 1];
		if (is_last)
			mc_buffer_printf(out, "%s\n", line->fields[i]);
		else
			mc_buffer_printf(out, "%-*s  ", widths[i], line->fields[i]);
	}
}

static void add_lines(const struct line *lines, size_t count, struct mc_buffer *out)
{
	int widths[COLUMNS] = {0};
	for (size_t i = 0; i < count; i++)
		for (int c = 0; c < COLUMNS && lines[i].fields[c]; c++) {
			int length = (int)strlen(lines[i].fields[c]);
			widths[c] = length > widths[c] ? length : widths[c];
		}
	for (size_t i = 0; i < count; i++)
		add_line(&lines[i], widths, out);
}

static const char *or_dash(const char *text)
{
	return *text ? text : "-";
}

static void fill_region(struct line *line, const struct mc_region_view *region, bool has_nodes)
{
	const char **field = line->fields;
	mc_overview_lag(region, line->lag, sizeof(line->lag));
	snprintf(line->services, sizeof(line->services), "%u/%u", region->services_up, region->services);
	if (region->upgrade)
		snprintf(line->release, sizeof(line->release), "%s (can be upgraded to %s)", region->release,
			region->upgrade);
	else
		snprintf(line->release, sizeof(line->release), "%s", region->release);
	*field++ = region->name;
	*field++ = mc_region_role_name(region->role);
	*field++ = mc_region_state_name(region->state);
	*field++ = line->lag;
	*field++ = line->services;
	*field++ = region->address;
	if (has_nodes)
		*field++ = or_dash(mc_overview_node(region));
	*field = line->release;
}

static void add_regions(const struct mc_overview *overview, struct mc_buffer *out)
{
	static const struct line titles[] = {
		{.fields = {"REGION", "ROLE", "STATE", "LAG", "SERVICES", "ADDRESS", "RELEASE"}},
		{.fields = {"REGION", "ROLE", "STATE", "LAG", "SERVICES", "ADDRESS", "NODE", "RELEASE"}}};
	size_t count = overview->regions.count;
	MC_CLEANUP(free_pointer) struct line *lines = calloc(count + 1, sizeof(*lines));
	if (!lines) {
		out->failed = -ENOMEM;
		return;
	}
	lines[0] = titles[overview->has_nodes];
	for (size_t i = 0; i < count; i++)
		fill_region(&lines[i + 1], &overview->regions.items[i], overview->has_nodes);
	add_lines(lines, count + 1, out);
}

static void fill_node(struct line *line, const struct mc_overview *overview, const struct mc_engine_node *node)
{
	snprintf(line->regions, sizeof(line->regions), "%u", mc_overview_count_regions(overview, node));
	mc_overview_node_figures(node, line->cpus, line->memory);
	const char *const fields[] = {node->name, node->state, line->regions, or_dash(node->address),
		or_dash(node->version), line->cpus, line->memory};
	memcpy(line->fields, fields, sizeof(fields));
}

static void add_nodes(const struct mc_overview *overview, struct mc_buffer *out)
{
	size_t count = overview->nodes.count;
	MC_CLEANUP(free_pointer) struct line *lines = calloc(count + 1, sizeof(*lines));
	if (!lines) {
		out->failed = -ENOMEM;
		return;
	}
	lines[0] = (struct line){.fields = {"NODE", "STATE", "REGIONS", "ADDRESS", "ENGINE", "CPUS", "MEMORY"}};
	for (size_t i = 0; i < count; i++)
		fill_node(&lines[i + 1], overview, &overview->nodes.items[i]);
	mc_buffer_text(out, "\n");
	add_lines(lines, count + 1, out);
}

void mc_status_table(const struct mc_overview *overview, struct mc_buffer *out)
{
	add_regions(overview, out);
	if (overview->nodes.count)
		add_nodes(overview, out);
}

static void add_text_or_null(cJSON *object, const char *name, const char *text)
{
	if (*text)
		cJSON_AddStringToObject(object, name, text);
	else
		cJSON_AddNullToObject(object, name);
}

static void add_number_or_null(cJSON *object, const char *name, double number)
{
	if (number > 0)
		cJSON_AddNumberToObject(object, name, number);
	else
		cJSON_AddNullToObject(object, name);
}

static cJSON *region_json(const struct mc_region_view *region, bool has_nodes)
{
	char created[32];
	cJSON *object = cJSON_CreateObject();
	mc_format_time(region->created, created, sizeof(created));
	cJSON_AddStringToObject(object, "name", region->name);
	cJSON_AddStringToObject(object, "role", mc_region_role_name(region->role));
	cJSON_AddStringToObject(object, "state", mc_region_state_name(region->state));
	if (region->master)
		cJSON_AddStringToObject(object, "master", region->master);
	else
		cJSON_AddNullToObject(object, "master");
	cJSON_AddStringToObject(object, "replication", mc_replication_state_name(region->replication));
	if (region->master && region->lag >= 0)
		cJSON_AddNumberToObject(object, "lag", region->lag);
	else
		cJSON_AddNullToObject(object, "lag");
	cJSON *services = cJSON_AddObjectToObject(object, "services");
	cJSON_AddNumberToObject(services, "up", region->services_up);
	cJSON_AddNumberToObject(services, "total", region->services);
	cJSON_AddStringToObject(object, "address", region->address);
	if (has_nodes)
		add_text_or_null(object, "node", mc_overview_node(region));
	if (region->release)
		cJSON_AddStringToObject(object, "release", region->release);
	if (region->upgrade)
		cJSON_AddStringToObject(object, "upgrade", region->upgrade);
	cJSON_AddStringToObject(object, "created", created);
	cJSON_AddStringToObject(object, "error", region->error ? region->error : "");
	return object;
}

static cJSON *node_json(const struct mc_overview *overview, const struct mc_engine_node *node)
{
	cJSON *object = cJSON_CreateObject();
	cJSON_AddStringToObject(object, "name", node->name);
	cJSON_AddStringToObject(object, "state", node->state);
	add_text_or_null(object, "address", node->address);
	add_text_or_null(object, "engine", node->version);
	add_number_or_null(object, "cpus", node->cpus);
	add_number_or_null(object, "memory", (double)node->memory);
	cJSON *regions = cJSON_AddArrayToObject(object, "regions");
	for (size_t i = 0; i < overview->regions.count; i++)
		if (strcmp(mc_overview_node(&overview->regions.items[i]), node->name) == 0)
			cJSON_AddItemToArray(regions, cJSON_CreateString(overview->regions.items[i].name));
	return object;
}

void mc_status_json(const struct mc_overview *overview, struct mc_buffer *out)
{
	MC_CLEANUP(json) cJSON *status = cJSON_CreateObject();
	cJSON_AddStringToObject(status, "cloud", overview->cloud);
	cJSON *regions = cJSON_AddArrayToObject(status, "regions");
	for (size_t i = 0; i < overview->regions.count; i++)
		cJSON_AddItemToArray(regions, region_json(&overview->regions.items[i], overview->has_nodes));
	cJSON *nodes = overview->has_nodes ? cJSON_AddArrayToObject(status, "nodes") : NULL;
	for (size_t i = 0; nodes && i < overview->nodes.count; i++)
		cJSON_AddItemToArray(nodes, node_json(overview, &overview->nodes.items[i]));
	MC_CLEANUP(free_pointer) char *text = cJSON_Print(status);
	if (!text) {
		out->failed = -ENOMEM;
		return;
	}
	mc_buffer_text(out, text);
	mc_buffer_add(out, "\n", 1);
}
