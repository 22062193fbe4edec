/* SPDX-License-Identifier: MIT */
#ifndef MCLOUD_EXPOSITION_H
#define MCLOUD_EXPOSITION_H

#include "mcloud/buffer.h"

/* Prometheus's text format 0.0.4: https://prometheus.io/docs/instrumenting/exposition_formats/ */

/* Where metrics go, one family after the other. `cloud` becomes a label of each sample, so that the metrics of several
 * clouds can lie in one place; NULL: it doesn't. */
struct mc_exposition {
	struct mc_buffer *out;
	const char *cloud, *family; /* family: set by mc_expose_family() */
};

/* Lists of labels end with one whose name is NULL; a value that is NULL is "". */
struct mc_label {
	const char *name, *value;
};

#define MC_LABELS(...) ((const struct mc_label[]){__VA_ARGS__, {NULL, NULL}})
#define MC_NO_LABELS ((const struct mc_label[]){{NULL, NULL}})

/* The head of a family; its samples follow. NAME lives as long as they do. TYPE: "counter", "gauge", "histogram". */
void mc_expose_family(struct mc_exposition *exposition, const char *name, const char *type, const char *help);

void mc_expose_count(struct mc_exposition *exposition, const struct mc_label *labels, unsigned long long value);
void mc_expose_number(struct mc_exposition *exposition, const struct mc_label *labels, double value);

/* A family of one sample without labels. */
void mc_expose_gauge(struct mc_exposition *exposition, const char *name, const char *help, double value);

/* How long things took. Starts as { 0 }. */
enum { MC_HISTOGRAM_BUCKETS = 12 };
struct mc_histogram {
	unsigned long long counts[MC_HISTOGRAM_BUCKETS + 1]; /* the last one: longer than all bounds */
	double seconds;
};

void mc_histogram_add(struct mc_histogram *histogram, double seconds);
void mc_expose_histogram(
	struct mc_exposition *exposition, const struct mc_label *labels, const struct mc_histogram *histogram);

#endif
