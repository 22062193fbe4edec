/* SPDX-License-Identifier: MIT */
#include "fs/tree/overview.h"
#include "fs/tree/text.h"

#include <stdio.h>
#include <string.h>

/* Drawn by hand rather than by a layout program: cards of regions in rows, the master's first, and below them one band
 * of what they share. What the master's database tells the others runs over the cards and down at the left of each
 * column. Lengths in pixels. */
enum {
	MARGIN = 32,
	HEADER = 128,
	RAIL = 104, /* the height at which the wires leave the master */
	CARD_WIDTH = 304,
	CARD_HEAD = 82,
	FOLLOWS = 22, /* more of the head, where regions follow others */
	GAP = 40,
	CHIP = 34,
	CHIP_STEP = 42,
	PAD = 18,
	FOOTER = 44,
	LATE_SECONDS = 10, /* a region that is more behind its master is not promoted */
	FEW = 6,           /* more regions stand closer, each with its services in two columns */
};

struct layout {
	bool is_close;
	int columns, rows, card_head, card_height, width, shared_y, shared_height, height;
	size_t master; /* index of the region that stands first */
};

static const char style[] =
	"<style>\n"
	"text { font-family: 'Inter', 'Segoe UI', 'DejaVu Sans', Arial, sans-serif; fill: #1d2733; font-size: 13px }\n"
	".page { fill: #f3f5f8 } .card { fill: #fff; stroke: #d5dce5 } .chip { fill: #f8fafc; stroke: #e3e8ef }\n"
	".wire { stroke: #aab6c5; stroke-width: 2; fill: none; stroke-dasharray: 2 5; stroke-linecap: round }\n"
	".rail { stroke: #4b7bd1; stroke-width: 2; fill: none; stroke-linejoin: round }\n"
	".title { font-size: 24px; font-weight: 700 } .name { font-size: 17px; font-weight: 700 }\n"
	".soft { fill: #66758a; font-size: 12px } .right { text-anchor: end } .middle { text-anchor: middle }\n"
	".pill { font-size: 12px; font-weight: 600; fill: #fff; text-anchor: middle }\n"
	".good { fill: #2b9a58 } .changing { fill: #d08b12 } .bad { fill: #cf3b3b } .off { fill: #8793a3 }\n"
	".follows { font-size: 12px; font-weight: 600 }\n"
	".runs { fill: #3565bd; stroke: #4b7bd1 } .begins { fill: #b87a0d; stroke: #d08b12 }\n"
	".fails { fill: #cf3b3b; stroke: #cf3b3b } .rests { fill: #66758a; stroke: #8793a3 }\n"
	"text.follows { stroke: none } .branch { stroke-width: 2; fill: none }\n"
	".fails.branch, .rests.branch { stroke-dasharray: 4 4 }\n"
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

static bool any_follows(const struct mc_region_views *regions)
{
	for (size_t i = 0; i < regions->count; i++)
		if (regions->items[i].master)
			return true;
	return false;
}

static size_t find_master(const struct mc_region_views *regions)
{
	for (size_t i = 0; i < regions->count; i++)
		if (regions->items[i].role == MC_REGION_MASTER)
			return i;
	return 0;
}

static int columns_for(int regions)
{
	if (regions > FEW)
		return 4;
	return regions > 3 ? 3 : regions > 1 ? regions : 1;
}

static int chips_height(int chips)
{
	return chips * CHIP_STEP + PAD - (CHIP_STEP - CHIP);
}

static struct layout plan(const struct mc_overview *overview)
{
	int regions = (int)overview->regions.count, most = 1, shared = (int)count_services(overview, NULL);
	for (int i = 0; i < regions; i++) {
		int count = (int)count_services(overview, overview->regions.items[i].name);
		most = count > most ? count : most;
	}
	struct layout layout = {
		.is_close = regions > FEW,
		.columns = columns_for(regions),
		.card_head = CARD_HEAD + (any_follows(&overview->regions) ? FOLLOWS : 0),
		.master = find_master(&overview->regions),
	};
	layout.card_height = layout.card_head + chips_height(layout.is_close ? (most + 1) / 2 : most);
	layout.rows = regions ? (regions + layout.columns - 1) / layout.columns : 1;
	layout.width = 2 * MARGIN + layout.columns * CARD_WIDTH + (layout.columns - 1) * GAP;
	layout.shared_y = HEADER + layout.rows * (layout.card_height + GAP);
	int shared_rows = (shared + layout.columns - 1) / layout.columns;
	layout.shared_height = shared ? 44 + chips_height(shared_rows) : 0;
	layout.height = layout.shared_y + layout.shared_height + FOOTER;
	return layout;
}

/* The upper left corner of region INDEX's card; gives its row. */
static int place_of(const struct layout *layout, size_t index, int *x, int *y)
{
	size_t place = index == layout->master ? 0 : index < layout->master ? index + 1 : index;
	int row = (int)place / layout->columns;
	*x = MARGIN + (int)place % layout->columns * (CARD_WIDTH + GAP);
	*y = HEADER + row * (layout->card_height + GAP);
	return row;
}

/* WIDTH: one that is narrow has no room for its state, which its colour and title tell. */
static void chip(struct mc_buffer *out, const struct mc_engine_service *service, int x, int y, int width)
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
		y, width, CHIP);
	mc_buffer_printf(
		out, "<circle class=\"%s\" cx=\"%d\" cy=\"%d\" r=\"6\"/>\n", class_of(health), x + 18, y + CHIP / 2);
	text(out, x + 34, y + 22, "service", mc_overview_kind(service), width > CARD_WIDTH / 2 ? 18 : 12);
	if (width > CARD_WIDTH / 2)
		text(out, x + width - 12, y + 22, "soft right", summary, 18);
	mc_buffer_text(out, "</g>\n");
}

static void chips(struct mc_buffer *out, const struct mc_overview *overview, const struct layout *layout,
	const char *region, int x, int y)
{
	int columns = layout->is_close ? 2 : 1, width = (CARD_WIDTH - 2 * PAD - (columns - 1) * 8) / columns;
	for (size_t i = 0, n = 0; i < overview->services.count; i++) {
		if (!mc_overview_belongs(&overview->services.items[i], region))
			continue;
		chip(out, &overview->services.items[i], x + PAD + (int)n % columns * (width + 8),
			y + layout->card_head + (int)n / columns * CHIP_STEP, width);
		n++;
	}
}

/* How the replication of REGION is drawn. */
static const char *class_of_replication(const struct mc_region_view *region)
{
	static const char *const names[] = {[MC_REPLICATION_NONE] = "rests",
		[MC_REPLICATION_SEEDING] = "begins",
		[MC_REPLICATION_RUNNING] = "runs",
		[MC_REPLICATION_STOPPED] = "rests",
		[MC_REPLICATION_BROKEN] = "fails",
		[MC_REPLICATION_DIVERGED] = "fails"};
	bool is_late = region->replication == MC_REPLICATION_RUNNING && region->lag > LATE_SECONDS;
	return is_late ? "begins" : names[region->replication];
}

/* Whom it follows, and how far behind. */
static void follows(struct mc_buffer *out, const struct mc_region_view *region, int x, int y)
{
	MC_CLEANUP(buffer) struct mc_buffer line = {0};
	char class[32], lag[32];
	if (!region->master)
		return;
	mc_overview_lag(region, lag, sizeof(lag));
	snprintf(class, sizeof(class), "follows %s", class_of_replication(region));
	mc_buffer_printf(&line, "\xE2\x86\x90 %s, ", region->master);
	if (region->replication == MC_REPLICATION_RUNNING && strcmp(lag, "-") != 0)
		mc_buffer_printf(&line, "%s s behind", lag);
	else
		mc_buffer_text(&line, mc_replication_state_name(region->replication));
	text(out, x, y, class, line.data ? line.data : "", 46);
}

static void card(struct mc_buffer *out, const struct mc_overview *overview, const struct layout *layout, size_t index)
{
	const struct mc_region_view *region = &overview->regions.items[index];
	const char *class = class_of(mc_overview_region_health(region->state));
	int x, y;
	place_of(layout, index, &x, &y);
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
	follows(out, region, x + PAD + 16, y + 78);
	mc_buffer_printf(out, "<rect class=\"%s\" x=\"%d\" y=\"%d\" width=\"86\" height=\"24\" rx=\"12\"/>\n", class,
		x + CARD_WIDTH - PAD - 86, y + 22);
	text(out, x + CARD_WIDTH - PAD - 43, y + 38, "pill", mc_region_state_name(region->state), 12);
	chips(out, overview, layout, region->name, x, y);
	mc_buffer_text(out, "</g>\n");
}

/* From the lowest card of each column down to the band. */
static void wires(struct mc_buffer *out, const struct mc_overview *overview, const struct layout *layout)
{
	for (size_t i = 0; layout->shared_height && i < overview->regions.count; i++) {
		int x, y, row = place_of(layout, i, &x, &y);
		bool has_card_below =
			(row + 1) * layout->columns + (x - MARGIN) / (CARD_WIDTH + GAP) < (int)overview->regions.count;
		if (!has_card_below)
			mc_buffer_printf(out, "<path class=\"wire\" d=\"M%d %dV%d\"/>\n", x + CARD_WIDTH / 2,
				y + layout->card_height + 4, layout->shared_y - 4);
	}
}

/* From the rail, down at the left of its column, to the card at X, Y: an arrow into it. */
static void branch(struct mc_buffer *out, const struct mc_region_view *region, int x, int y)
{
	const char *class = class_of_replication(region);
	int into = y + 74;
	mc_buffer_printf(out, "<path class=\"%s branch\" d=\"M%d %dH%d\"/>\n", class, x - GAP / 2 + 1, into, x - 8);
	mc_buffer_printf(out, "<path class=\"%s\" d=\"M%d %dl-9 -5v10z\"/>\n", class, x - 1, into);
}

/* Replication: out of the master's card at its top, along the rail, and into each that follows it. */
static void replication(struct mc_buffer *out, const struct mc_overview *overview, const struct layout *layout)
{
	const struct mc_region_views *regions = &overview->regions;
	int lowest[8] = {0}; /* of each column, where its last branch leaves */
	int from_x, from_y;
	if (!any_follows(regions))
		return;
	place_of(layout, layout->master, &from_x, &from_y);
	for (size_t i = 0; i < regions->count; i++) {
		int x, y;
		place_of(layout, i, &x, &y);
		if (!regions->items[i].master)
			continue;
		lowest[(x - MARGIN) / (CARD_WIDTH + GAP)] = y + 74;
		branch(out, &regions->items[i], x, y);
	}
	for (int column = 0; column < layout->columns; column++)
		if (lowest[column])
			mc_buffer_printf(out, "<path class=\"rail\" d=\"M%d %dV%dH%dV%d\"/>\n", from_x + CARD_WIDTH / 2,
				from_y, RAIL, MARGIN + column * (CARD_WIDTH + GAP) - GAP / 2, lowest[column]);
	mc_buffer_printf(
		out, "<circle class=\"runs\" cx=\"%d\" cy=\"%d\" r=\"4\"/>\n", from_x + CARD_WIDTH / 2, from_y);
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
		chip(out, &overview->services.items[i], x, y, CARD_WIDTH - 2 * PAD);
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
	text(out, MARGIN + 306, y, "soft", "\xE2\x86\x90 whose database it follows", 60);
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
	for (size_t i = 0; i < regions; i++)
		card(out, overview, &layout, i);
	replication(out, overview, &layout);
	if (!regions)
		text(out, layout.width / 2, HEADER + layout.card_height / 2, "soft middle",
			"No region yet: mkdir regions/NAME", 60);
	shared(out, overview, &layout);
	legend(out, layout.height - 16);
	mc_buffer_text(out, "</svg>\n");
}
