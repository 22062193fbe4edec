/* SPDX-License-Identifier: MIT */
#include "fs/metrics.h"
#include "fs/tree/overview.h"
#include "mcloud/journal.h"
#include "twelve_world.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static void assert_has(const struct mc_buffer *text, const char *part)
{
	if (!strstr(text->data, part))
		fail_msg("no \"%s\" in:\n%s", part, text->data);
}

static void test_exposition(void **state)
{
	MC_CLEANUP(buffer) struct mc_buffer out = {0};
	struct mc_exposition to = {.out = &out, .cloud = "m\"c"};
	struct mc_histogram histogram = {0};
	(void)state;
	mc_expose_family(&to, "a_total", "counter", "Some.");
	mc_expose_count(&to, MC_LABELS({"x", "a\"b\\c\nd"}, {"y", NULL}), 18446744073709551615ULL);
	mc_expose_number(&to, MC_NO_LABELS, 1.25);
	mc_expose_count(&to, MC_LABELS({"x", "bad \xff\xc3"}), 0);
	to.cloud = NULL;
	mc_expose_gauge(&to, "b", "Other.", 1795392000.5);
	mc_histogram_add(&histogram, .001);
	mc_histogram_add(&histogram, .0011);
	mc_histogram_add(&histogram, 10.5);
	mc_expose_family(&to, "c", "histogram", "Times.");
	mc_expose_histogram(&to, MC_LABELS({"x", "y"}), &histogram);
	assert_string_equal(out.data,
		"# HELP a_total Some.\n# TYPE a_total counter\n"
		"a_total{x=\"a\\\"b\\\\c\\nd\",y=\"\",cloud=\"m\\\"c\"} 18446744073709551615\n"
		"a_total{cloud=\"m\\\"c\"} 1.250000\n"
		"a_total{x=\"bad \xEF\xBF\xBD\xEF\xBF\xBD\",cloud=\"m\\\"c\"} 0\n"
		"# HELP b Other.\n# TYPE b gauge\nb 1795392000.5\n"
		"# HELP c Times.\n# TYPE c histogram\n"
		"c_bucket{x=\"y\",le=\"0.001\"} 1\nc_bucket{x=\"y\",le=\"0.0025\"} 2\nc_bucket{x=\"y\",le=\"0.005\"} "
		"2\n"
		"c_bucket{x=\"y\",le=\"0.01\"} 2\nc_bucket{x=\"y\",le=\"0.025\"} 2\nc_bucket{x=\"y\",le=\"0.05\"} 2\n"
		"c_bucket{x=\"y\",le=\"0.1\"} 2\nc_bucket{x=\"y\",le=\"0.25\"} 2\nc_bucket{x=\"y\",le=\"0.5\"} 2\n"
		"c_bucket{x=\"y\",le=\"1\"} 2\nc_bucket{x=\"y\",le=\"2.5\"} 2\nc_bucket{x=\"y\",le=\"10\"} 2\n"
		"c_bucket{x=\"y\",le=\"+Inf\"} 3\nc_sum{x=\"y\"} 10.502100\nc_count{x=\"y\"} 3\n");
}

static void test_journal(void **state)
{
	struct mc_journal *journal = mc_journal_new();
	MC_CLEANUP(buffer) struct mc_buffer out = {0}, later = {0};
	(void)state;
	for (int i = 0; i < 1500; i++)
		mc_journal_add(journal, "keystone-Sundbyberg-Nord", "GET /", i % 3 ? 200 : 503, 500);
	mc_journal_add(journal, "glance-Sundbyberg-Nord", "GET /", 404, 20);
	mc_journal_add(journal, "engine\n", "POST /x", -ETIMEDOUT, 1.25);
	mc_journal_expose(journal, &(struct mc_exposition){.out = &out});
	assert_has(&out, "\nmcloudfs_backend_calls_total{backend=\"keystone-Sundbyberg-Nord\"} 1500\n");
	assert_has(&out, "\nmcloudfs_backend_failures_total{backend=\"keystone-Sundbyberg-Nord\"} 500\n");
	assert_has(&out, "\nmcloudfs_backend_failures_total{backend=\"glance-Sundbyberg-Nord\"} 0\n");
	assert_has(&out, "\nmcloudfs_backend_seconds_total{backend=\"keystone-Sundbyberg-Nord\"} 750.000000\n");
	assert_has(&out, "\nmcloudfs_backend_failures_total{backend=\"engine?\"} 1\n");
	assert_has(&out, "\nmcloudfs_backend_duration_seconds_bucket{service=\"glance\",region=\"Sundbyberg-Nord\","
			 "le=\"0.01\"} 0\n");
	assert_has(&out, "\nmcloudfs_backend_duration_seconds_bucket{service=\"glance\",region=\"Sundbyberg-Nord\","
			 "le=\"0.025\"} 1\n");
	assert_has(&out, "\nmcloudfs_backend_duration_seconds_count{service=\"engine?\",region=\"\"} 1\n");
	/* The label of a region that is gone doesn't stay for ever. */
	mc_journal_forget(journal, "Sundbyberg-Nord");
	mc_journal_expose(journal, &(struct mc_exposition){.out = &later});
	assert_null(strstr(later.data, "Sundbyberg"));
	assert_has(&later, "\nmcloudfs_backend_calls_total{backend=\"engine?\"} 1\n");
	mc_journal_free(journal);
}

/* Any number of names takes a bounded place. */
static void test_journal_names(void **state)
{
	struct mc_journal *journal = mc_journal_new();
	MC_CLEANUP(buffer) struct mc_buffer out = {0};
	char name[24];
	(void)state;
	for (int i = 0; i < 2000; i++) {
		snprintf(name, sizeof name, "keystone-%d", i);
		mc_journal_add(journal, name, "GET /", 200, 1);
	}
	mc_journal_expose(journal, &(struct mc_exposition){.out = &out});
	assert_has(&out, "calls_total{backend=\"other\"} 1489\n");
	assert_null(strstr(out.data, "keystone-1999"));
	mc_journal_free(journal);
}

static void test_overview(void **state)
{
	struct twelve twelve;
	MC_CLEANUP(buffer) struct mc_buffer out = {0};
	struct mc_exposition to = {.out = &out, .cloud = "mcloud"};
	(void)state;
	twelve_make(&twelve);
	mc_overview_metrics(&twelve.overview, &to);
	assert_has(
		&out, "\nmcloudfs_region_state{region=\"Kista\",role=\"master\",state=\"ready\",cloud=\"mcloud\"} 1\n");
	assert_has(&out,
		"\nmcloudfs_region_state{region=\"Kista\",role=\"master\",state=\"failed\",cloud=\"mcloud\"} 0\n");
	assert_has(&out, "\nmcloudfs_region_services_up{region=\"Sundbyberg\",cloud=\"mcloud\"} 1\n");
	assert_has(&out, "\nmcloudfs_region_services{region=\"Sundbyberg\",cloud=\"mcloud\"} 4\n");
	assert_has(
		&out, "\nmcloudfs_container_running{container=\"glance-Falun\",region=\"Falun\",cloud=\"mcloud\"} 0\n");
	assert_has(&out, "\nmcloudfs_container_healthy{container=\"mysql-Lund\",region=\"Lund\",cloud=\"mcloud\"} 0\n");
	assert_has(&out, "\nmcloudfs_container_healthy{container=\"ldap\",region=\"\",cloud=\"mcloud\"} 1\n");
	assert_has(&out, "\n# TYPE mcloudfs_container_restarts_total counter\n");
	assert_has(&out, "\nmcloudfs_replication_running{region=\"Solna\",master=\"Kista\",cloud=\"mcloud\"} 1\n");
	assert_has(&out, "\nmcloudfs_replication_running{region=\"Falun\",master=\"Kista\",cloud=\"mcloud\"} 0\n");
	assert_has(&out,
		"\nmcloudfs_replication_lag_seconds{region=\"Uppsala\",master=\"Kista\",cloud=\"mcloud\"} 2.560000\n");
	assert_null(strstr(out.data, "mcloudfs_replication_lag_seconds{region=\"Falun\""));
	assert_has(&out, "\nmcloudfs_image_read_bytes_total{region=\"Lund\",cloud=\"mcloud\"} 3000\n");
	assert_has(&out, "\nmcloudfs_image_cached_bytes_total{region=\"Lund\",cloud=\"mcloud\"} 1000\n");
	assert_has(&out, "\nmcloudfs_image_written_bytes_total{region=\"Kista\",cloud=\"mcloud\"} 7\n");
	assert_has(&out, "\nmcloudfs_images{region=\"Solna\",cloud=\"mcloud\"} 3\n");
	assert_has(&out, "\nmcloudfs_images_bytes{region=\"Solna\",cloud=\"mcloud\"} 1048576\n");
	assert_null(strstr(out.data, "mcloudfs_images{region=\"Kista\""));
}

/* What promtool, which Prometheus brings, says of TEXT: nothing. */
static void assert_promtool_likes(const struct mc_buffer *text)
{
	int ends[2], status;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	pid_t child = fork();
	if (child == 0) {
		dup2(ends[0], STDIN_FILENO);
		execlp("promtool", "promtool", "check", "metrics", NULL);
		_exit(127);
	}
	close(ends[0]);
	(void)signal(SIGPIPE, SIG_IGN);
	size_t done = 0;
	while (done < text->size) {
		ssize_t n = write(ends[1], text->data + done, text->size - done);
		if (n <= 0)
			break; /* its status tells why it reads no more */
		done += (size_t)n;
	}
	close(ends[1]);
	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		fail_msg("promtool is not there; install the package prometheus");
	assert_int_equal(status, 0);
	assert_int_equal(done, text->size);
}

/* Which machines there are, and what is where; of a cloud on one machine nothing of it. */
static void test_nodes(void **state)
{
	struct mc_engine_node nodes[] = {
		{.name = (char[]){"a"}, .state = "ready"}, {.name = (char[]){"b"}, .state = "unreachable"}};
	struct twelve twelve;
	MC_CLEANUP(buffer) struct mc_buffer out = {0}, none = {0};
	struct mc_exposition to = {.out = &out, .cloud = "mcloud"}, to_none = {.out = &none, .cloud = "mcloud"};
	(void)state;
	twelve_make(&twelve);
	mc_overview_metrics(&twelve.overview, &to_none);
	assert_null(strstr(none.data, "node"));
	twelve.overview.has_nodes = true;
	twelve.overview.nodes = (struct mc_engine_node_list){nodes, MC_COUNT(nodes)};
	twelve.regions[0].node = nodes[1].name;
	mc_overview_metrics(&twelve.overview, &to);
	assert_has(&out, "\nmcloudfs_node_up{node=\"a\",cloud=\"mcloud\"} 1\n");
	assert_has(&out, "\nmcloudfs_node_up{node=\"b\",cloud=\"mcloud\"} 0\n");
	assert_has(&out, "\nmcloudfs_region_node{region=\"Kista\",node=\"b\",cloud=\"mcloud\"} 1\n");
	assert_null(strstr(out.data, "mcloudfs_region_node{region=\"Solna\""));
	assert_promtool_likes(&out);
}

enum { ROUNDS = 101 };

static int compare(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;
	return (left > right) - (left < right);
}

/* Fills OUT ROUNDS times; the median of what that took, in milliseconds. */
static double expose_all(
	const struct twelve *twelve, struct mc_journal *journal, struct mc_metrics *metrics, struct mc_buffer *out)
{
	double took[ROUNDS];
	for (int i = 0; i < ROUNDS; i++) {
		struct mc_exposition to = {.out = out, .cloud = "mcloud"};
		struct timespec before, after;
		mc_buffer_drop(out, out->size);
		clock_gettime(CLOCK_MONOTONIC, &before);
		mc_overview_metrics(&twelve->overview, &to);
		mc_journal_expose(journal, &to);
		mc_metrics_expose(metrics, &to);
		clock_gettime(CLOCK_MONOTONIC, &after);
		took[i] = (double)(after.tv_sec - before.tv_sec) * 1e3 + (double)(after.tv_nsec - before.tv_nsec) / 1e6;
	}
	qsort(took, ROUNDS, sizeof took[0], compare);
	return took[ROUNDS / 2];
}

/* All that `metrics` has, of twelve regions that were all asked. */
static void test_twelve(void **state)
{
	struct twelve twelve;
	struct mc_journal *journal = mc_journal_new();
	struct mc_metrics *metrics = mc_metrics_new();
	MC_CLEANUP(buffer) struct mc_buffer out = {0};
	(void)state;
	twelve_make(&twelve);
	mc_journal_add(journal, "engine", "GET /", 200, 1);
	for (size_t i = 0; i < TWELVE_SERVICES; i++)
		mc_journal_add(journal, twelve.services[i].name, "GET /", 200, 12);
	mc_metrics_operation(metrics, MC_OP_READ, false, 1000000);
	double took = expose_all(&twelve, journal, metrics, &out);
	print_message("%zu bytes, made in %.3f ms\n", out.size, took);
	assert_in_range(out.size, 1, 200000);
	assert_promtool_likes(&out);
	mc_metrics_free(metrics);
	mc_journal_free(journal);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exposition),
		cmocka_unit_test(test_journal),
		cmocka_unit_test(test_journal_names),
		cmocka_unit_test(test_overview),
		cmocka_unit_test(test_nodes),
		cmocka_unit_test(test_twelve),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
