/* SPDX-License-Identifier: MIT */
#include "backends/engine/docker/private.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

/* Between the two samples that a percentage takes. Engine 20.10 measures once a second and has each of them wait for
 * that, later ones measure when asked. */
#define SAMPLE_MS 200

#define TOP_COLUMNS 64

static uint64_t sum_networks(const cJSON *json, const char *counter)
{
	const cJSON *network;
	uint64_t sum = 0;

	cJSON_ArrayForEach(network, mc_docker_member(json, "networks", NULL)) sum += mc_docker_count(network, counter);
	return sum;
}

static uint64_t sum_blocks(const cJSON *json, const char *operation)
{
	const cJSON *entry;
	uint64_t sum = 0;

	/* "Read" under cgroups 1, "read" under 2. */
	cJSON_ArrayForEach(entry, mc_docker_member(json, "blkio_stats", "io_service_bytes_recursive"))
	{
		if (strcasecmp(mc_docker_text(entry, "op"), operation) == 0)
			sum += mc_docker_count(entry, "value");
	}
	return sum;
}

void mc_docker_stats_parse(const cJSON *json, struct mc_engine_stats *ret)
{
	const cJSON *memory = mc_docker_member(json, "memory_stats", NULL);
	const cJSON *details = mc_docker_member(memory, "stats", NULL);
	uint64_t usage = mc_docker_count(memory, "usage");
	/* Page cache that nobody needs counts as usage, but isn't missing to anybody: as docker stats shows it. The
	 * first name is that of cgroups 1, the second of 2. */
	uint64_t cache = mc_docker_count(details, "total_inactive_file");
	cache = cache ? cache : mc_docker_count(details, "inactive_file");

	*ret = (struct mc_engine_stats){
		.cpu_seconds =
			(double)mc_docker_count(mc_docker_member(json, "cpu_stats", "cpu_usage"), "total_usage") / 1e9,
		.memory = usage > cache ? usage - cache : usage,
		.memory_limit = mc_docker_count(memory, "limit"),
		.net_received = sum_networks(json, "rx_bytes"),
		.net_sent = sum_networks(json, "tx_bytes"),
		.block_read = sum_blocks(json, "read"),
		.block_written = sum_blocks(json, "write"),
		.processes =
			(unsigned)(mc_docker_count(mc_docker_member(json, "pids_stats", NULL), "current") & 0xffffff),
	};
}

/* As mc_docker_json(); *RET_JSON stays NULL where the answer is empty: so podman 4.3 says that REF doesn't run. */
static int ask_of_running(struct mc_docker *docker, struct mc_call *call, const struct mc_docker_ref *ref,
	const struct mc_docker_ask *ask, const char *what, cJSON **ret_json, struct mc_error *error)
{
	MC_CLEANUP(http_response) struct mc_http_response response = {0};

	int r = mc_docker_do(docker, call, ask, &response, error, "can't %s %s", what, ref->name);
	if (r < 0 || response.body.size == 0)
		return r;
	*ret_json = cJSON_ParseWithLength(response.body.data, response.body.size);
	return cJSON_IsObject(*ret_json)
		       ? 0
		       : mc_docker_error(error, EIO, "can't %s %s: the engine's answer is not JSON", what, ref->name);
}

/* One sample; *RET_WHEN is its time by the engine's clock, 0 for a container that doesn't run. */
static int sample(struct mc_docker *docker, struct mc_call *call, const struct mc_docker_ref *ref,
	struct mc_engine_stats *ret, double *ret_when, struct mc_error *error)
{
	MC_CLEANUP(docker_ask) struct mc_docker_ask ask = {0};
	MC_CLEANUP(json) cJSON *json = NULL;

	mc_docker_ask_container(&ask, "GET", ref, "stats");
	ask.http.query = (struct mc_http_param[]){{"stream", "0"}, {"one-shot", "1"}, {NULL, NULL}};
	int r = ask_of_running(docker, call, ref, &ask, "measure", &json, error);
	if (r < 0)
		return r;
	mc_docker_stats_parse(json, ret);
	const char *when = mc_docker_text(json, "read");
	*ret_when = strncmp(when, "0001-", 5) == 0 ? 0 : mc_parse_time(when);
	return 0;
}

int mc_docker_stats(struct mc_engine *engine, struct mc_call *call, const char *name, struct mc_engine_stats *ret,
	struct mc_error *error)
{
	struct mc_docker *docker = mc_docker_of(engine);
	struct mc_docker_ref ref;
	struct mc_engine_stats first = {0};
	double begin = 0, end = 0;

	int r = mc_docker_find(docker, call, name, &ref, error);
	if (r == 0)
		r = sample(docker, call, &ref, &first, &begin, error);
	if (r < 0)
		return r;
	if (begin <= 0) {
		*ret = first;
		return 0;
	}
	r = mc_call_pause(call, SAMPLE_MS);
	if (r < 0)
		return mc_docker_error(error, -r, "gave up measuring %s", name);
	r = sample(docker, call, &ref, ret, &end, error);
	if (r == 0 && end > begin && ret->cpu_seconds > first.cpu_seconds)
		ret->cpu_percent = 100 * (ret->cpu_seconds - first.cpu_seconds) / (end - begin);
	return r;
}

static void measure(const cJSON *row, size_t widths[static TOP_COLUMNS])
{
	const cJSON *cell;
	size_t column = 0;

	cJSON_ArrayForEach(cell, row)
	{
		const char *text = cJSON_GetStringValue(cell);
		if (text && column < TOP_COLUMNS && strlen(text) > widths[column])
			widths[column] = strlen(text);
		column++;
	}
}

/* The last cell, a command line, has no blanks behind it. */
static void write_row(const cJSON *row, const size_t widths[static TOP_COLUMNS], struct mc_buffer *out)
{
	const cJSON *cell;
	size_t column = 0;

	cJSON_ArrayForEach(cell, row)
	{
		const char *text = cJSON_GetStringValue(cell);
		int width = cell->next && column < TOP_COLUMNS && widths[column] < 256 ? (int)widths[column] : 0;
		mc_buffer_printf(out, "%s%-*s", column ? " " : "", width, text ? text : "");
		column++;
	}
	mc_buffer_text(out, "\n");
}

int mc_docker_top(
	struct mc_engine *engine, struct mc_call *call, const char *name, struct mc_buffer *out, struct mc_error *error)
{
	struct mc_docker *docker = mc_docker_of(engine);
	MC_CLEANUP(docker_ask) struct mc_docker_ask ask = {0};
	MC_CLEANUP(json) cJSON *json = NULL;
	struct mc_docker_ref ref;
	size_t widths[TOP_COLUMNS] = {0};
	const cJSON *row;

	int r = mc_docker_find(docker, call, name, &ref, error);
	if (r < 0)
		return r;
	mc_docker_ask_container(&ask, "GET", &ref, "top");
	r = ask_of_running(docker, call, &ref, &ask, "list the processes of", &json, error);
	if (r < 0)
		return r;
	if (!json)
		return mc_docker_error(error, EBUSY, "can't list the processes of %s: it is not running", name);
	const cJSON *titles = mc_docker_member(json, "Titles", NULL), *rows = mc_docker_member(json, "Processes", NULL);
	measure(titles, widths);
	cJSON_ArrayForEach(row, rows) measure(row, widths);
	write_row(titles, widths, out);
	cJSON_ArrayForEach(row, rows) write_row(row, widths, out);
	return out->failed ? mc_docker_error(error, ENOMEM, "no memory") : 0;
}
