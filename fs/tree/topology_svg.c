/* SPDX-License-Identifier: MIT */
#include "fs/tree/overview.h"
#include "fs/tree/text.h"

#include <stdio.h>
#include <string.h>

/* Drawn by hand rather than by a layout program: cards of regions in rows of three, and below them one band of what
 * they share. Lengths in pixels. */
enum {
	MARGIN = 32,
	HEADER = 92,
	CARD_WIDTH = 304,
	CARD_HEAD = 82,
	GAP = 40,
	CHIP = 34,
	CHIP_STEP = 42,
	PAD = 18,
	COLUMNS = 3,
	FOOTER = 44,
};

struct layout {
	int columns, rows, card_height, width, shared_y, shared_height, height;
};

static const char style[] =
	"<style>\n"
	"text { font-family: 'Inter', 'Segoe UI', 'DejaVu Sans', Arial, sans-serif; fill: #1d2733; font-size: 13px }\n"
	".page { fill: #f3f5f8 } .card { fill: #fff; stroke: #d5dce5 } .chip { fill: #f8fafc; stroke: #e3e8ef }\n"
	".wire { stroke: #aab6c5; stroke-width: 2; fill: none; stroke-dasharray: 2 5; stroke-linecap: round }\n"
	".flow { stroke: #4b7bd1; stroke-width: 2; fill: none } .head { fill: #4b7bd1 }\n"
	".title { font-size: 24px; font-weight: 700 } .name { font-size: 17px; font-weight: 700 }\n"
	".soft { fill: #66758a; font-size: 12px } .right { text-anchor: end } .middle { text-anchor: middle }\n"
	".pill { font-size: 12px; font-weight: 600; fill: #fff; text-anchor: middle }\n"
	".good { fill: #2b9a58 } .changing { fill: #d08b12 } .bad { fill: #cf3b3b } .off { fill: #8793a3 }\n"
	"</style>\n";

static const char *class_of(enum mc_health health)
{
	static const char *const names[] = {[MC_HEALTH_GOOD] = "good",
		[MC_HEALTH_CHANGING] = "changing",
		[MC_HEALTH_BAD] = "bad",
		[MC_HEALTH_OFF] = "off"};
	return names[health];
}

/* A text of at most LIMIT bytes of WORDS; what is longer ends in an ellipsis. Cuts no UTF-8 character in two. */
static void text(struct mc_buffer *out, int x, int y, const char *class, const char *words, size_t limit)
{
	char cut[64];
	size_t size = strlen(words);
	if (size > limit) {
		for (size = limit - 1; size > 0 && (words[size] & 0xC0) == 0x80;)
			size--;
		snprintf(cut, sizeof(cut), "%.*s\xE2\x80\xA6", (int)size, words);
		words = cut;
	}
	mc_buffer_printf(out, "<text x=\"%d\" y=\"%d\" class=\"%s\">", x, y, class);
	mc_text_xml(out, words);
	mc_buffer_text(out, "</text>\n");
}

static unsigned count_services(const struct mc_overview *overview, const char *region)
{
	unsigned count = 0;
	for (size_t i = 0; i < overview->services.count; i++)
		count += mc_overview_belongs(&overview->services.items[i], region);
	return count;
}

static struct layout plan(const struct mc_overview *overview)
{
	int regions = (int)overview->regions.count, most = 1, shared = (int)count_services(overview, NULL);
	for (int i = 0; i < regions; i++) {
		int count = (int)count_services(overview, overview->regions.items[i].name);
		most = count > most ? count : most;
	}
	struct layout layout = {
		.columns = regions > COLUMNS ? COLUMNS
			   : regions > 1     ? regions
					     : 1,
		.card_height = CARD_HEAD + most * CHIP_STEP + PAD - (CHIP_STEP - CHIP),
	};
	layout.rows = regions ? (regions + layout.columns - 1) / layout.columns : 1;
	layout.width = 2 * MARGIN + layout.columns * CARD_WIDTH + (layout.columns - 1) * GAP;
	layout.shared_y = HEADER + layout.rows * (layout.card_height + GAP);
	int shared_rows = (shared + layout.columns - 1) / layout.columns;
	layout.shared_height = shared ? 44 + shared_rows * CHIP_STEP + PAD - (CHIP_STEP - CHIP) : 0;
	layout.height = layout.shared_y + layout.shared_height + FOOTER;
	return layout;
}

static void chip(struct mc_buffer *out, const struct mc_engine_service *service, int x, int y)
{
	char summary[48];
	enum mc_health health = mc_overview_health(service);
	mc_overview_summary(service, summary, sizeof(summary));
	mc_buffer_text(out, "<g><title>");
	mc_text_xml(out, service->name);
	mc_buffer_text(out, ": ");
	mc_text_xml(out, summary);
	if (service->image) {
		mc_buffer_text(out, ", ");
		mc_text_xml(out, service->image);
	}
	mc_buffer_printf(out, "</title><rect class=\"chip\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"8\"/>", x,
		y, CARD_WIDTH - 2 * PAD, CHIP);
	mc_buffer_printf(
		out, "<circle class=\"%s\" cx=\"%d\" cy=\"%d\" r=\"6\"/>\n", class_of(health), x + 18, y + CHIP / 2);
	text(out, x + 34, y + 22, "service", mc_overview_kind(service), 18);
	text(out, x + CARD_WIDTH - 2 * PAD - 12, y + 22, "soft right", summary, 18);
	mc_buffer_text(out, "</g>\n");
}

static void card(struct mc_buffer *out, const struct mc_overview *overview, const struct layout *layout, size_t index)
{
	const struct mc_region_view *region = &overview->regions.items[index];
	int x = MARGIN + (int)index % layout->columns * (CARD_WIDTH + GAP);
	int y = HEADER + (int)index / layout->columns * (layout->card_height + GAP);
	const char *class = class_of(mc_overview_region_health(region->state));
	mc_buffer_text(out, "<g><title>");
	mc_text_xml(out, region->name);
	mc_buffer_text(out, ", ");
	mc_text_xml(out, *region->error ? region->error : mc_region_state_name(region->state));
	mc_buffer_printf(out, "</title><rect class=\"card\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"14\"/>\n",
		x, y, CARD_WIDTH, layout->card_height);
	mc_buffer_printf(out, "<rect class=\"%s\" x=\"%d\" y=\"%d\" width=\"5\" height=\"38\" rx=\"2.5\"/>\n", class,
		x + PAD, y + 22);
	text(out, x + PAD + 16, y + 38, "name", region->name, 13);
	MC_CLEANUP(buffer) struct mc_buffer line = {0};
	mc_buffer_printf(&line, "%s \xC2\xB7 %s", mc_region_role_name(region->role), region->address);
	text(out, x + PAD + 16, y + 57, "soft", line.data ? line.data : "", 40);
	mc_buffer_printf(out, "<rect class=\"%s\" x=\"%d\" y=\"%d\" width=\"78\" height=\"24\" rx=\"12\"/>\n", class,
		x + CARD_WIDTH - PAD - 78, y + 22);
	text(out, x + CARD_WIDTH - PAD - 39, y + 38, "pill", mc_region_state_name(region->state), 12);
	for (size_t i = 0, n = 0; i < overview->services.count; i++)
		if (mc_overview_belongs(&overview->services.items[i], region->name))
			chip(out, &overview->services.items[i], x + PAD, y + CARD_HEAD + (int)n++ * CHIP_STEP);
	mc_buffer_text(out, "</g>\n");
}

/* From each card down to the band; drawn first, so that cards in between hide it. */
static void wires(struct mc_buffer *out, const struct mc_overview *overview, const struct layout *layout)
{
	for (size_t i = 0; layout->shared_height && i < overview->regions.count; i++) {
		int x = MARGIN + (int)i % layout->columns * (CARD_WIDTH + GAP) + CARD_WIDTH / 2;
		int y = HEADER + (int)i / layout->columns * (layout->card_height + GAP) + layout->card_height;
		mc_buffer_printf(out, "<path class=\"wire\" d=\"M%d %dV%d\"/>\n", x, y + 4, layout->shared_y - 4);
	}
}

/* The middle of the upper edge of card INDEX. */
static void top_of(const struct layout *layout, size_t index, int *x, int *y)
{
	*x = MARGIN + (int)index % layout->columns * (CARD_WIDTH + GAP) + CARD_WIDTH / 2;
	*y = HEADER + (int)index / layout->columns * (layout->card_height + GAP);
}

/* From the master's card to that of slave INDEX: over the cards of one row, else through the gaps between rows. */
static void arrow(struct mc_buffer *out, const struct mc_overview *overview, const struct layout *layout, size_t master,
	size_t index)
{
	const struct mc_region_view *slave = &overview->regions.items[index];
	int from_x, from_y, x, y;
	char lag[32], line[64];
	top_of(layout, master, &from_x, &from_y);
	top_of(layout, index, &x, &y);
	int bend = -26;
	if (from_y != y) {
		from_y += layout->card_height;
		bend = GAP;
	}
	mc_buffer_printf(out, "<path class=\"flow\" d=\"M%d %dC%d %d %d %d %d %d\"/>\n", from_x, from_y, from_x,
		from_y + bend, x, y - 26, x, y - 6);
	mc_buffer_printf(out, "<path class=\"head\" d=\"M%d %dl-5 -8h10z\"/>\n", x, y);
	mc_overview_lag(slave, lag, sizeof(lag));
	snprintf(line, sizeof(line), strcmp(lag, "-") == 0 ? "%s" : "%s, %s s behind",
		mc_replication_state_name(slave->replication), lag);
	text(out, x + 12, y - 7, "soft", line, 40);
}

static void arrows(struct mc_buffer *out, const struct mc_overview *overview, const struct layout *layout)
{
	const struct mc_region_views *regions = &overview->regions;
	for (size_t i = 0; i < regions->count; i++)
		for (size_t m = 0; regions->items[i].master && m < regions->count; m++)
			if (strcmp(regions->items[m].name, regions->items[i].master) == 0)
				arrow(out, overview, layout, m, i);
}

static void shared(struct mc_buffer *out, const struct mc_overview *overview, const struct layout *layout)
{
	if (!layout->shared_height)
		return;
	mc_buffer_printf(out, "<rect class=\"card\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"14\"/>\n", MARGIN,
		layout->shared_y, layout->width - 2 * MARGIN, layout->shared_height);
	text(out, MARGIN + PAD, layout->shared_y + 28, "soft", "shared by all regions", 40);
	for (size_t i = 0, n = 0; i < overview->services.count; i++) {
		if (!mc_overview_belongs(&overview->services.items[i], NULL))
			continue;
		int x = MARGIN + PAD + (int)n % layout->columns * (CARD_WIDTH + GAP);
		int y = layout->shared_y + 44 + (int)n / layout->columns * CHIP_STEP;
		chip(out, &overview->services.items[i], x, y);
		n++;
	}
}

static void legend(struct mc_buffer *out, int y)
{
	static const char *const words[] = {[MC_HEALTH_GOOD] = "serves",
		[MC_HEALTH_CHANGING] = "on its way",
		[MC_HEALTH_BAD] = "fails",
		[MC_HEALTH_OFF] = "stopped"};
	static const int places[] = {0, 72, 164, 218};
	for (int i = 0; i < (int)MC_COUNT(words); i++) {
		int x = MARGIN + 6 + places[i];
		mc_buffer_printf(out, "<circle class=\"%s\" cx=\"%d\" cy=\"%d\" r=\"5\"/>\n",
			class_of((enum mc_health)i), x, y - 4);
		text(out, x + 12, y, "soft", words[i], 20);
	}
}

void mc_topology_svg(const struct mc_overview *overview, struct mc_buffer *out)
{
	struct layout layout = plan(overview);
	size_t regions = overview->regions.count;
	mc_buffer_printf(out,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" "
		"role=\"img\">\n",
		layout.width, layout.height, layout.width, layout.height);
	mc_buffer_text(out, "<title>");
	mc_text_xml(out, overview->cloud);
	mc_buffer_text(out, "</title>\n");
	mc_buffer_text(out, style);
	mc_buffer_printf(out, "<rect class=\"page\" width=\"%d\" height=\"%d\"/>\n", layout.width, layout.height);
	text(out, MARGIN, 48, "title", overview->cloud, 18);
	char line[64];
	snprintf(line, sizeof(line), "%zu region%s, %zu container%s", regions, regions == 1 ? "" : "s",
		overview->services.count, overview->services.count == 1 ? "" : "s");
	text(out, MARGIN, 70, "soft", line, 60);
	wires(out, overview, &layout);
	arrows(out, overview, &layout);
	for (size_t i = 0; i < regions; i++)
		card(out, overview, &layout, i);
	if (!regions)
		text(out, layout.width / 2, HEADER + layout.card_height / 2, "soft middle",
			"No region yet: mkdir regions/NAME", 60);
	shared(out, overview, &layout);
	legend(out, layout.height - 16);
	mc_buffer_text(out, "</svg>\n");
}
