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

static void begin_cluster(struct mc_buffer *out, const char *indent, const char *id, const char *name,
	const char *second, const char *colour)
{
	mc_buffer_printf(out, "%ssubgraph ", indent);
	mc_text_dot(out, id);
	mc_buffer_printf(out, " {\n%s\tlabel=", indent);
	two_lines(out, name, second);
	mc_buffer_printf(out, ";\n%s\tstyle=\"rounded,filled\";\n%s\tfillcolor=\"%s\";\n", indent, indent, colour);
}

static void cluster(const struct mc_overview *overview, const struct mc_region_view *region, const char *indent,
	struct mc_buffer *out)
{
	MC_CLEANUP(buffer) struct mc_buffer id = {0}, second = {0}, inner = {0};
	mc_buffer_printf(&id, "cluster_%s", region->name);
	mc_buffer_printf(&second, "%s, %s, %s", mc_region_role_name(region->role), mc_region_state_name(region->state),
		region->address);
	mc_buffer_printf(&inner, "%s\t", indent);
	if (id.failed || second.failed || inner.failed) {
		out->failed = -ENOMEM;
		return;
	}
	begin_cluster(out, indent, id.data, region->name, second.data, "#f7f8fa");
	services(overview, region->name, inner.data, out);
	mc_buffer_printf(out, "%s}\n", indent);
}

/* A machine, with its regions in it. */
static void node_cluster(const struct mc_overview *overview, const struct mc_engine_node *node, struct mc_buffer *out)
{
	MC_CLEANUP(buffer) struct mc_buffer id = {0}, second = {0};
	mc_buffer_printf(&id, "cluster_/%s", node->name); /* no region's: their names have no slash */
	mc_buffer_printf(&second, "%s%s%s", node->state, *node->address ? ", " : "", node->address);
	if (id.failed || second.failed) {
		out->failed = -ENOMEM;
		return;
	}
	begin_cluster(out, "\t", id.data, node->name, second.data, health_colour(mc_overview_node_health(node)));
	for (size_t i = 0; i < overview->regions.count; i++)
		if (strcmp(mc_overview_node(&overview->regions.items[i]), node->name) == 0)
			cluster(overview, &overview->regions.items[i], "\t\t", out);
	if (!mc_overview_count_regions(overview, node)) {
		mc_buffer_text(out, "\t\t"); /* Graphviz leaves out a cluster without a node */
		mc_text_dot(out, id.data);
		mc_buffer_text(out, " [style=invis, label=\"\"];\n");
	}
	mc_buffer_text(out, "\t}\n");
}

/* On none of the machines that are known. */
static bool stands_alone(const struct mc_overview *overview, const struct mc_region_view *region)
{
	for (size_t i = 0; i < overview->nodes.count; i++)
		if (strcmp(overview->nodes.items[i].name, mc_overview_node(region)) == 0)
			return false;
	return true;
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
	for (size_t i = 0; i < overview->nodes.count; i++)
		node_cluster(overview, &overview->nodes.items[i], out);
	for (size_t i = 0; i < overview->regions.count; i++)
		if (stands_alone(overview, &overview->regions.items[i]))
			cluster(overview, &overview->regions.items[i], "\t", out);
	services(overview, NULL, "\t", out);
	edges(overview, out);
	replication_arrows(overview, out);
	mc_buffer_text(out, "}\n");
}
