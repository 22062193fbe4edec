/* SPDX-License-Identifier: MIT */
#include "mcloud/exposition.h"

#include <stdio.h>

/* Of buckets, in seconds; as they stand in the label `le`. */
static const struct {
	double seconds;
	const char *text;
} bounds[MC_HISTOGRAM_BUCKETS] = {{.001, "0.001"}, {.0025, "0.0025"}, {.005, "0.005"}, {.01, "0.01"}, {.025, "0.025"},
	{.05, "0.05"}, {.1, "0.1"}, {.25, "0.25"}, {.5, "0.5"}, {1, "1"}, {2.5, "2.5"}, {10, "10"}};

/* What isn't UTF-8 can't be in a label. */
static void add_label_value(struct mc_buffer *out, const char *text)
{
	while (text && *text) {
		size_t length = mc_utf8_sequence(text);
		if (*text == '\n')
			mc_buffer_text(out, "\\n");
		else if (*text == '"' || *text == '\\')
			mc_buffer_printf(out, "\\%c", *text);
		else if (length)
			mc_buffer_add(out, text, length);
		else
			mc_buffer_text(out, "\xEF\xBF\xBD");
		text += length ? length : 1;
	}
}

static void add_label(struct mc_buffer *out, const char **before, const char *name, const char *value)
{
	mc_buffer_text(out, *before);
	mc_buffer_text(out, name);
	mc_buffer_text(out, "=\"");
	add_label_value(out, value);
	mc_buffer_text(out, "\"");
	*before = ",";
}

/* A sample's line up to its number. LE: of a bucket, or NULL. */
static void begin_sample(
	struct mc_exposition *exposition, const char *suffix, const struct mc_label *labels, const char *le)
{
	struct mc_buffer *out = exposition->out;
	const char *before = "{";

	mc_buffer_text(out, exposition->family);
	mc_buffer_text(out, suffix);
	for (; labels->name; labels++)
		add_label(out, &before, labels->name, labels->value);
	if (exposition->cloud)
		add_label(out, &before, "cloud", exposition->cloud);
	if (le)
		add_label(out, &before, "le", le);
	mc_buffer_text(out, *before == ',' ? "} " : " ");
}

void mc_expose_family(struct mc_exposition *exposition, const char *name, const char *type, const char *help)
{
	exposition->family = name;
	mc_buffer_printf(exposition->out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

void mc_expose_count(struct mc_exposition *exposition, const struct mc_label *labels, unsigned long long value)
{
	begin_sample(exposition, "", labels, NULL);
	mc_buffer_printf(exposition->out, "%llu\n", value);
}

void mc_expose_number(struct mc_exposition *exposition, const struct mc_label *labels, double value)
{
	begin_sample(exposition, "", labels, NULL);
	mc_buffer_printf(exposition->out, "%.6f\n", value);
}

void mc_expose_gauge(struct mc_exposition *exposition, const char *name, const char *help, double value)
{
	mc_expose_family(exposition, name, "gauge", help);
	begin_sample(exposition, "", MC_NO_LABELS, NULL);
	mc_buffer_printf(exposition->out, "%.15g\n", value);
}

void mc_histogram_add(struct mc_histogram *histogram, double seconds)
{
	size_t i = 0;

	while (i < MC_HISTOGRAM_BUCKETS && seconds > bounds[i].seconds)
		i++;
	histogram->counts[i]++;
	histogram->seconds += seconds;
}

void mc_expose_histogram(
	struct mc_exposition *exposition, const struct mc_label *labels, const struct mc_histogram *histogram)
{
	unsigned long long count = 0;

	for (size_t i = 0; i <= MC_HISTOGRAM_BUCKETS; i++) {
		count += histogram->counts[i];
		begin_sample(exposition, "_bucket", labels, i < MC_HISTOGRAM_BUCKETS ? bounds[i].text : "+Inf");
		mc_buffer_printf(exposition->out, "%llu\n", count);
	}
	begin_sample(exposition, "_sum", labels, NULL);
	mc_buffer_printf(exposition->out, "%.6f\n", histogram->seconds);
	begin_sample(exposition, "_count", labels, NULL);
	mc_buffer_printf(exposition->out, "%llu\n", count);
}
