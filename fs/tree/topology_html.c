/* SPDX-License-Identifier: MIT */
#include "fs/tree/overview.h"
#include "fs/tree/text.h"

#include <stdio.h>

static const char style[] =
	"<style>\n"
	"body { margin: 0; background: #f3f5f8; color: #1d2733; font: 14px 'Inter', 'Segoe UI', 'DejaVu Sans', Arial, "
	"sans-serif }\n"
	"svg { max-width: 100%; height: auto; display: block; margin: 0 auto }\n"
	"table { border-collapse: collapse; margin: 8px auto 24px; background: #fff; border: 1px solid #d5dce5 }\n"
	"th, td { text-align: left; padding: 6px 14px; border-bottom: 1px solid #e3e8ef } th { color: #66758a; "
	"font-weight: 600 }\n"
	"footer { text-align: center; color: #66758a; padding-bottom: 16px } .late { color: #cf3b3b; font-weight: 600 "
	"}\n"
	"</style>\n";

/* A page that was opened as a file may read no other file, not even itself. So it loads itself once more in a frame
 * that isn't shown, and gets from there, as a message, what is new. One frame is used again and again, so that the page
 * does not grow, and its location is replaced, so that "back" leads out of the page. */
static const char script[] =
	"<script>\n"
	"'use strict';\n"
	"const now = document.getElementById('now'), said = document.getElementById('said');\n"
	"if (window.parent !== window) {\n"
	"  window.parent.postMessage({mcloudfs: now.innerHTML}, '*');\n"
	"} else {\n"
	"  const here = location.href.split(/[?#]/)[0], frame = document.createElement('iframe');\n"
	"  let asked = 0, heard = Date.now(), shown = now.innerHTML;\n"
	"  frame.hidden = true;\n"
	"  document.body.append(frame);\n"
	"  const tell = () => {\n"
	"    const late = Date.now() - heard > 10000;\n"
	"    said.className = late ? 'late' : '';\n"
	"    said.textContent = (late ? 'The mount says nothing; this is how it was at ' : 'as of ') + new "
	"Date(heard).toLocaleTimeString();\n"
	"  };\n"
	"  window.addEventListener('message', (event) => {\n"
	"    if (event.source !== frame.contentWindow || !event.data || typeof event.data.mcloudfs !== 'string') "
	"return;\n"
	"    heard = Date.now();\n"
	"    if (event.data.mcloudfs !== shown) now.innerHTML = shown = event.data.mcloudfs;\n"
	"    tell();\n"
	"  });\n"
	"  setInterval(() => {\n"
	"    if (!document.hidden) frame.contentWindow.location.replace(here + '?' + ++asked);\n"
	"    tell();\n"
	"  }, 2000);\n"
	"  tell();\n"
	"}\n"
	"</script>\n";

static void cell(struct mc_buffer *out, const char *text)
{
	mc_buffer_text(out, "<td>");
	mc_text_xml(out, text);
	mc_buffer_text(out, "</td>");
}

enum { NODE_COLUMN = 8 }; /* of the table of regions; only where there are several machines */

static void row(struct mc_buffer *out, const struct mc_region_view *region, bool has_nodes)
{
	char lag[32], services[32];
	mc_overview_lag(region, lag, sizeof(lag));
	snprintf(services, sizeof(services), "%u/%u", region->services_up, region->services);
	mc_buffer_text(out, "<tr data-region=\"");
	mc_text_xml(out, region->name);
	mc_buffer_printf(out, "\" data-state=\"%s\">", mc_region_state_name(region->state));
	const char *const cells[] = {region->name, mc_region_role_name(region->role),
		mc_region_state_name(region->state), region->master,
		region->master ? mc_replication_state_name(region->replication) : "", lag, services, region->address,
		mc_overview_node(region), region->release, region->error};
	for (size_t i = 0; i < MC_COUNT(cells); i++)
		if (i != NODE_COLUMN || has_nodes)
			cell(out, cells[i]);
	mc_buffer_text(out, "</tr>\n");
}

static void table(struct mc_buffer *out, const struct mc_overview *overview)
{
	static const char *const titles[] = {"region", "role", "state", "follows", "replication", "lag (s)", "services",
		"address", "node", "release", "error"};
	mc_buffer_text(out, "<table>\n<tr>");
	for (size_t i = 0; i < MC_COUNT(titles); i++)
		if (i != NODE_COLUMN || overview->has_nodes)
			mc_buffer_printf(out, "<th>%s</th>", titles[i]);
	mc_buffer_text(out, "</tr>\n");
	for (size_t i = 0; i < overview->regions.count; i++)
		row(out, &overview->regions.items[i], overview->has_nodes);
	mc_buffer_text(out, "</table>\n");
}

static void node_row(struct mc_buffer *out, const struct mc_overview *overview, const struct mc_engine_node *node)
{
	char regions[16], cpus[16], memory[24];
	snprintf(regions, sizeof(regions), "%u", mc_overview_count_regions(overview, node));
	mc_overview_node_figures(node, cpus, memory);
	mc_buffer_text(out, "<tr data-node=\"");
	mc_text_xml(out, node->name);
	mc_buffer_printf(out, "\" data-state=\"%s\">", node->state);
	const char *const cells[] = {node->name, node->state, regions, node->address, node->version, cpus, memory};
	for (size_t i = 0; i < MC_COUNT(cells); i++)
		cell(out, cells[i]);
	mc_buffer_text(out, "</tr>\n");
}

static void node_table(struct mc_buffer *out, const struct mc_overview *overview)
{
	mc_buffer_text(out, "<table>\n<tr><th>node</th><th>state</th><th>regions</th><th>address</th><th>engine</th>"
			    "<th>processors</th><th>memory</th></tr>\n");
	for (size_t i = 0; i < overview->nodes.count; i++)
		node_row(out, overview, &overview->nodes.items[i]);
	mc_buffer_text(out, "</table>\n");
}

void mc_topology_html(const struct mc_overview *overview, struct mc_buffer *out)
{
	mc_buffer_text(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>");
	mc_text_xml(out, overview->cloud);
	mc_buffer_text(out, "</title>\n");
	mc_buffer_text(out, style);
	mc_buffer_text(out, "</head>\n<body>\n<main id=\"now\">\n");
	mc_topology_svg(overview, out);
	table(out, overview);
	if (overview->nodes.count)
		node_table(out, overview);
	mc_buffer_text(out, "</main>\n<footer id=\"said\"></footer>\n");
	mc_buffer_text(out, script);
	mc_buffer_text(out, "</body>\n</html>\n");
}
