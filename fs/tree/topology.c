/* SPDX-License-Identifier: MIT */
#include "fs/tree/overview.h"
#include "fs/tree/text.h"

#include <stdio.h>
#include <string.h>

static const char *health_colour(enum mc_health health)
{
	static const char *const colours[] = {[MC_HEALTH_GOOD] = "#c9ecd5",
		[MC_HEALTH_CHANGING] = "#fbe6b4",
		[MC_HEALTH_BAD] = "#f6c6c4",
		[MC_HEALTH_OFF] = "#e4e7eb"};
	return colours[health];
}

/* A quoted attribute of two lines. */
static void two_lines(struct mc_buffer *out, const char *first, const char *second)
{
	MC_CLEANUP(buffer) struct mc_buffer text = {0};
	mc_buffer_printf(&text, "%s\n%s", first, second);
	if (text.failed)
		out->failed = text.failed;
	else
		mc_text_dot(out, text.data);
}

static void services(const struct mc_overview *overview, const char *region, const char *indent, struct mc_buffer *out)
{
	for (size_t i = 0; i < overview->services.count; i++) {
		const struct mc_engine_service *service = &overview->services.items[i];
		char summary[48];
		if (!mc_overview_belongs(service, region))
			continue;
		mc_overview_summary(service, summary, sizeof(summary));
		mc_buffer_text(out, indent);
		mc_text_dot(out, service->name);
		mc_buffer_text(out, " [label=");
		two_lines(out, mc_overview_kind(service), summary);
		mc_buffer_printf(out, ", fillcolor=\"%s\"];\n", health_colour(mc_overview_health(service)));
	}
}

static void cluster(const struct mc_overview *overview, const struct mc_region_view *region, struct mc_buffer *out)
{
	MC_CLEANUP(buffer) struct mc_buffer id = {0}, second = {0};
	mc_buffer_printf(&id, "cluster_%s", region->name);
	mc_buffer_printf(&second, "%s, %s, %s", mc_region_role_name(region->role), mc_region_state_name(region->state),
		region->address);
	if (id.failed || second.failed) {
		out->failed = -ENOMEM;
		return;
	}
	mc_buffer_text(out, "\tsubgraph ");
	mc_text_dot(out, id.data);
	mc_buffer_text(out, " {\n\t\tlabel=");
	two_lines(out, region->name, second.data);
	mc_buffer_text(out, ";\n\t\tstyle=\"rounded,filled\";\n\t\tfillcolor=\"#f7f8fa\";\n");
	services(overview, region->name, "\t\t", out);
	mc_buffer_text(out, "\t}\n");
}

/* Edges from what reads the directory, each region's Keystone, to the services that all regions share. */
static void edges(const struct mc_overview *overview, struct mc_buffer *out)
{
	const struct mc_engine_service_list *list = &overview->services;
	for (size_t i = 0; i < list->count; i++) {
		if (!list->items[i].region || strcmp(mc_overview_kind(&list->items[i]), "keystone") != 0)
			continue;
		for (size_t j = 0; j < list->count; j++) {
			if (!mc_overview_belongs(&list->items[j], NULL))
				continue;
			mc_buffer_text(out, "\t");
			mc_text_dot(out, list->items[i].name);
			mc_buffer_text(out, " -> ");
			mc_text_dot(out, list->items[j].name);
			mc_buffer_text(out, ";\n");
		}
	}
}

/* From the master's database to each slave's, with the lag. */
static void replication_arrows(const struct mc_overview *overview, struct mc_buffer *out)
{
	for (size_t i = 0; i < overview->regions.count; i++) {
		const struct mc_region_view *region = &overview->regions.items[i];
		MC_CLEANUP(buffer) struct mc_buffer from = {0}, to = {0};
		char lag[32];
		if (!region->master)
			continue;
		mc_overview_lag(region, lag, sizeof(lag));
		mc_buffer_printf(&from, "mysql-%s", region->master);
		mc_buffer_printf(&to, "mysql-%s", region->name);
		if (from.failed || to.failed) {
			out->failed = -ENOMEM;
			return;
		}
		mc_buffer_text(out, "\t");
		mc_text_dot(out, from.data);
		mc_buffer_text(out, " -> ");
		mc_text_dot(out, to.data);
		mc_buffer_text(out, " [style=bold, label=");
		two_lines(out, mc_replication_state_name(region->replication), lag);
		mc_buffer_text(out, "];\n");
	}
}

void mc_topology_dot(const struct mc_overview *overview, struct mc_buffer *out)
{
	mc_buffer_text(out, "digraph ");
	mc_text_dot(out, overview->cloud);
	mc_buffer_text(out, " {\n\tcompound=true;\n\tfontname=\"sans-serif\";\n"
			    "\tnode [shape=box, style=\"rounded,filled\", fontname=\"sans-serif\"];\n");
	for (size_t i = 0; i < overview->regions.count; i++)
		cluster(overview, &overview->regions.items[i], out);
	services(overview, NULL, "\t", out);
	edges(overview, out);
	replication_arrows(overview, out);
	mc_buffer_text(out, "}\n");
}
