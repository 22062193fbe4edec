/* SPDX-License-Identifier: MIT */
#include "fs/tree/overview.h"
#include "fs/tree/text.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMNS = 7 };

struct line {
	const char *fields[COLUMNS];
	char services[24], lag[32], release[80];
};

static void add_line(const struct line *line, const int *widths, struct mc_buffer *out)
{
	for (int i = 0; i < COLUMNS - 1; i++)
		mc_buffer_printf(out, "%-*s  ", widths[i], line->fields[i]);
	mc_buffer_printf(out, "%s\n", line->fields[COLUMNS - 1]);
}

void mc_status_table(const struct mc_overview *overview, struct mc_buffer *out)
{
	size_t count = overview->regions.count;
	int widths[COLUMNS] = {0};
	MC_CLEANUP(free_pointer) struct line *lines = calloc(count + 1, sizeof(*lines));
	if (!lines) {
		out->failed = -ENOMEM;
		return;
	}
	lines[0] = (struct line){.fields = {"REGION", "ROLE", "STATE", "LAG", "SERVICES", "ADDRESS", "RELEASE"}};
	for (size_t i = 0; i < count; i++) {
		const struct mc_region_view *region = &overview->regions.items[i];
		struct line *line = &lines[i + 1];
		mc_overview_lag(region, line->lag, sizeof(line->lag));
		line->fields[0] = region->name;
		line->fields[1] = mc_region_role_name(region->role);
		line->fields[2] = mc_region_state_name(region->state);
		line->fields[3] = line->lag;
		line->fields[5] = region->address;
		snprintf(line->services, sizeof(line->services), "%u/%u", region->services_up, region->services);
		line->fields[4] = line->services;
		if (region->upgrade)
			snprintf(line->release, sizeof(line->release), "%s (can be upgraded to %s)", region->release,
				region->upgrade);
		else
			snprintf(line->release, sizeof(line->release), "%s", region->release);
		line->fields[6] = line->release;
	}
	for (size_t i = 0; i <= count; i++)
		for (int c = 0; c < COLUMNS; c++) {
			int length = (int)strlen(lines[i].fields[c]);
			widths[c] = length > widths[c] ? length : widths[c];
		}
	for (size_t i = 0; i <= count; i++)
		add_line(&lines[i], widths, out);
}

static cJSON *region_json(const struct mc_region_view *region)
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
	if (region->release)
		cJSON_AddStringToObject(object, "release", region->release);
	if (region->upgrade)
		cJSON_AddStringToObject(object, "upgrade", region->upgrade);
	cJSON_AddStringToObject(object, "created", created);
	cJSON_AddStringToObject(object, "error", region->error ? region->error : "");
	return object;
}

void mc_status_json(const struct mc_overview *overview, struct mc_buffer *out)
{
	MC_CLEANUP(json) cJSON *status = cJSON_CreateObject();
	cJSON_AddStringToObject(status, "cloud", overview->cloud);
	cJSON *regions = cJSON_AddArrayToObject(status, "regions");
	for (size_t i = 0; i < overview->regions.count; i++)
		cJSON_AddItemToArray(regions, region_json(&overview->regions.items[i]));
	MC_CLEANUP(free_pointer) char *text = cJSON_Print(status);
	if (!text) {
		out->failed = -ENOMEM;
		return;
	}
	mc_buffer_text(out, text);
	mc_buffer_add(out, "\n", 1);
}
