/* SPDX-License-Identifier: MIT */
#include "fs/tree/text.h"
#include "fs/tree/topology_layout.h"

#include <stdio.h>
#include <string.h>

/* Drawn by hand rather than by a layout program: cards of regions, in frames where there are several machines, and
 * below them one band of what they share. What the master's database tells the others runs over the cards and down at
 * the left of each column. Lengths in pixels. */
enum {
	FRAME_TEXT = 20,   /* of a frame, where its text begins */
	RAIL = 104,        /* the height at which the wires leave the master */
	LATE_SECONDS = 10, /* a region that is more behind its master is not promoted */
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

static const char style_of_frames[] = "<style>.frame { fill: #e9edf3; stroke: #c3ccd8 }</style>\n";

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
		y, width, MC_LAYOUT_CHIP);
	mc_buffer_printf(out, "<circle class=\"%s\" cx=\"%d\" cy=\"%d\" r=\"6\"/>\n", class_of(health), x + 18,
		y + MC_LAYOUT_CHIP / 2);
	text(out, x + 34, y + 22, "service", mc_overview_kind(service), width > MC_LAYOUT_CARD_WIDTH / 2 ? 18 : 12);
	if (width > MC_LAYOUT_CARD_WIDTH / 2)
		text(out, x + width - 12, y + 22, "soft right", summary, 18);
	mc_buffer_text(out, "</g>\n");
}

static void chips(struct mc_buffer *out, const struct mc_overview *overview, const struct mc_layout *layout,
	const char *region, int x, int y)
{
	int columns = layout->is_close ? 2 : 1,
	    width = (MC_LAYOUT_CARD_WIDTH - 2 * MC_LAYOUT_PAD - (columns - 1) * 8) / columns;
	for (size_t i = 0, n = 0; i < overview->services.count; i++) {
		if (!mc_overview_belongs(&overview->services.items[i], region))
			continue;
		chip(out, &overview->services.items[i], x + MC_LAYOUT_PAD + (int)n % columns * (width + 8),
			y + layout->card_head + (int)n / columns * MC_LAYOUT_CHIP_STEP, width);
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

static void card(
	struct mc_buffer *out, const struct mc_overview *overview, const struct mc_layout *layout, size_t index)
{
	const struct mc_region_view *region = &overview->regions.items[index];
	const char *class = class_of(mc_overview_region_health(region->state));
	int x = layout->spots[index].x, y = layout->spots[index].y;
	mc_buffer_text(out, "<g><title>");
	mc_text_xml(out, region->name);
	mc_buffer_text(out, ", ");
	mc_text_xml(out, *region->error ? region->error : mc_region_state_name(region->state));
	mc_buffer_printf(out, "</title><rect class=\"card\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"14\"/>\n",
		x, y, MC_LAYOUT_CARD_WIDTH, layout->card_height);
	mc_buffer_printf(out, "<rect class=\"%s\" x=\"%d\" y=\"%d\" width=\"5\" height=\"38\" rx=\"2.5\"/>\n", class,
		x + MC_LAYOUT_PAD, y + 22);
	text(out, x + MC_LAYOUT_PAD + 16, y + 38, "name", region->name, 13);
	MC_CLEANUP(buffer) struct mc_buffer line = {0};
	mc_buffer_printf(&line, "%s \xC2\xB7 %s", mc_region_role_name(region->role), region->address);
	text(out, x + MC_LAYOUT_PAD + 16, y + 57, "soft", line.data ? line.data : "", 40);
	follows(out, region, x + MC_LAYOUT_PAD + 16, y + 78);
	mc_buffer_printf(out, "<rect class=\"%s\" x=\"%d\" y=\"%d\" width=\"86\" height=\"24\" rx=\"12\"/>\n", class,
		x + MC_LAYOUT_CARD_WIDTH - MC_LAYOUT_PAD - 86, y + 22);
	text(out, x + MC_LAYOUT_CARD_WIDTH - MC_LAYOUT_PAD - 43, y + 38, "pill", mc_region_state_name(region->state),
		12);
	chips(out, overview, layout, region->name, x, y);
	mc_buffer_text(out, "</g>\n");
}

static bool is_lowest(const struct mc_overview *overview, const struct mc_layout *layout, size_t index)
{
	for (size_t i = 0; i < overview->regions.count; i++)
		if (layout->spots[i].x == layout->spots[index].x && layout->spots[i].y > layout->spots[index].y)
			return false;
	return true;
}

/* From the lowest card of each column down to the band. */
static void wires(struct mc_buffer *out, const struct mc_overview *overview, const struct mc_layout *layout)
{
	for (size_t i = 0; layout->shared.height && i < overview->regions.count; i++)
		if (is_lowest(overview, layout, i))
			mc_buffer_printf(out, "<path class=\"wire\" d=\"M%d %dV%d\"/>\n",
				layout->spots[i].x + MC_LAYOUT_CARD_WIDTH / 2,
				layout->spots[i].y + layout->card_height + 4, layout->shared.y - 4);
}

/* From the rail, down at the left of its column, to the card at X, Y: an arrow into it. */
static void branch(struct mc_buffer *out, const struct mc_region_view *region, int x, int y)
{
	const char *class = class_of_replication(region);
	int into = y + 74;
	mc_buffer_printf(
		out, "<path class=\"%s branch\" d=\"M%d %dH%d\"/>\n", class, x - MC_LAYOUT_BRANCH + 1, into, x - 8);
	mc_buffer_printf(out, "<path class=\"%s\" d=\"M%d %dl-9 -5v10z\"/>\n", class, x - 1, into);
}

/* Replication: out of the master's card at its top, along the rail, and into each that follows it. */
static void replication(struct mc_buffer *out, const struct mc_overview *overview, const struct mc_layout *layout)
{
	const struct mc_region_views *regions = &overview->regions;
	int lowest[MC_LAYOUT_COLUMNS] = {0}; /* of each column, where its last branch leaves */
	if (!mc_layout_any_follows(regions))
		return;
	int from_x = layout->spots[layout->master].x + MC_LAYOUT_CARD_WIDTH / 2;
	int from_y = layout->spots[layout->master].y;
	for (size_t i = 0; i < regions->count; i++) {
		int x = layout->spots[i].x, y = layout->spots[i].y;
		int *low = &lowest[mc_layout_column(layout, x)];
		if (!regions->items[i].master)
			continue;
		*low = y + 74 > *low ? y + 74 : *low;
		branch(out, &regions->items[i], x, y);
	}
	for (int column = 0; column < layout->columns; column++)
		if (lowest[column])
			mc_buffer_printf(out, "<path class=\"rail\" d=\"M%d %dV%dH%dV%d\"/>\n", from_x, from_y, RAIL,
				mc_layout_x(layout, column) - MC_LAYOUT_BRANCH, lowest[column]);
	mc_buffer_printf(out, "<circle class=\"runs\" cx=\"%d\" cy=\"%d\" r=\"4\"/>\n", from_x, from_y);
}

/* A machine; NULL: where regions are that are on none that is known. */
static void frame(struct mc_buffer *out, const struct mc_engine_node *node, const struct mc_layout_frame *frame)
{
	int left = frame->x + FRAME_TEXT, right = frame->x + frame->width - MC_LAYOUT_PAD;
	mc_buffer_text(out, "<g><title>");
	mc_text_xml(out, node ? node->name : "");
	mc_buffer_printf(out, "%s%s</title>", node ? ": " : "on no machine that is known", node ? node->state : "");
	mc_buffer_printf(out, "<rect class=\"frame\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"18\"/>\n",
		frame->x, frame->y, frame->width, frame->height);
	if (node) {
		mc_buffer_printf(out, "<circle class=\"%s\" cx=\"%d\" cy=\"%d\" r=\"6\"/>\n",
			class_of(mc_overview_node_health(node)), left + 6, frame->y + 27);
		text(out, left + 20, frame->y + 33, "name", node->name, 13);
		MC_CLEANUP(buffer) struct mc_buffer line = {0};
		mc_buffer_printf(&line, "%s%s%s", node->address, *node->address ? " \xC2\xB7 " : "", node->state);
		text(out, right, frame->y + 32, "soft right", line.data ? line.data : "", 24);
	} else {
		text(out, left, frame->y + 33, "soft", "on no machine that is known", 30);
	}
	mc_buffer_text(out, "</g>\n");
}

static void shared(struct mc_buffer *out, const struct mc_overview *overview, const struct mc_layout *layout)
{
	const struct mc_layout_frame *band = &layout->shared;
	if (!band->height)
		return;
	mc_buffer_printf(out, "<rect class=\"card\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"14\"/>\n",
		band->x, band->y, band->width, band->height);
	text(out, band->x + MC_LAYOUT_PAD, band->y + 28, "soft", "shared by all regions", 40);
	for (size_t i = 0, n = 0; i < overview->services.count; i++) {
		if (!mc_overview_belongs(&overview->services.items[i], NULL))
			continue;
		int x = band->x + MC_LAYOUT_PAD + (int)n % layout->columns * (MC_LAYOUT_CARD_WIDTH + layout->gap);
		int y = band->y + MC_LAYOUT_SHARED_HEAD + (int)n / layout->columns * MC_LAYOUT_CHIP_STEP;
		chip(out, &overview->services.items[i], x, y, MC_LAYOUT_CARD_WIDTH - 2 * MC_LAYOUT_PAD);
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
		int x = MC_LAYOUT_MARGIN + 6 + places[i];
		mc_buffer_printf(out, "<circle class=\"%s\" cx=\"%d\" cy=\"%d\" r=\"5\"/>\n",
			class_of((enum mc_health)i), x, y - 4);
		text(out, x + 12, y, "soft", words[i], 20);
	}
	text(out, MC_LAYOUT_MARGIN + 306, y, "soft", "\xE2\x86\x90 whose database it follows", 60);
}

/* "3 regions, ", or ENDS at the end */
static void count_of(struct mc_buffer *out, size_t count, const char *what, const char *ends)
{
	mc_buffer_printf(out, "%zu %s%s%s", count, what, count == 1 ? "" : "s", ends);
}

static void title(struct mc_buffer *out, const struct mc_overview *overview)
{
	MC_CLEANUP(buffer) struct mc_buffer line = {0};
	text(out, MC_LAYOUT_MARGIN, 48, "title", overview->cloud, 18);
	count_of(&line, overview->regions.count, "region", ", ");
	count_of(&line, overview->services.count, "container", overview->nodes.count ? ", " : "");
	if (overview->nodes.count)
		count_of(&line, overview->nodes.count, "machine", "");
	text(out, MC_LAYOUT_MARGIN, 70, "soft", line.data ? line.data : "", 60);
}

static void draw_all(struct mc_buffer *out, const struct mc_overview *overview, const struct mc_layout *layout)
{
	for (size_t i = 0; i < layout->n_frames; i++)
		frame(out, i < overview->nodes.count ? &overview->nodes.items[i] : NULL, &layout->frames[i]);
	wires(out, overview, layout);
	for (size_t i = 0; i < overview->regions.count; i++)
		card(out, overview, layout, i);
	replication(out, overview, layout);
	if (!overview->regions.count)
		text(out, layout->width / 2, layout->n_frames ? RAIL : MC_LAYOUT_HEADER + layout->card_height / 2,
			"soft middle", "No region yet: mkdir regions/NAME", 60);
	shared(out, overview, layout);
	legend(out, layout->height - 16);
}

void mc_topology_svg(const struct mc_overview *overview, struct mc_buffer *out)
{
	MC_CLEANUP(layout) struct mc_layout layout = {0};
	if (mc_layout_plan(overview, &layout) < 0) {
		out->failed = -ENOMEM;
		return;
	}
	mc_buffer_printf(out,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" "
		"role=\"img\">\n",
		layout.width, layout.height, layout.width, layout.height);
	mc_buffer_text(out, "<title>");
	mc_text_xml(out, overview->cloud);
	mc_buffer_text(out, "</title>\n");
	mc_buffer_text(out, style);
	if (layout.n_frames)
		mc_buffer_text(out, style_of_frames);
	mc_buffer_printf(out, "<rect class=\"page\" width=\"%d\" height=\"%d\"/>\n", layout.width, layout.height);
	title(out, overview);
	draw_all(out, overview, &layout);
	mc_buffer_text(out, "</svg>\n");
}
