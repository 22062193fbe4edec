/* SPDX-License-Identifier: MIT */
#include "backends/managed/services/probe.h"

#include "backends/cloud/model.h"
#include "backends/directory/ldap.h"
#include "backends/http/http.h"
#include "backends/managed/clients.h"
#include "backends/managed/names.h"
#include "backends/managed/replication/observe.h"
#include "backends/managed/services/table.h"
#include "mcloud/database.h"
#include "mcloud/directory.h"
#include "mcloud/engine.h"
#include "mcloud/identity.h"
#include "mcloud/lock.h"
#include "mcloud/region.h"
#include "mcloud/util.h"

#include <netinet/in.h>
#include <string.h>

static int probe_sql(
	struct mc_region *region, struct mc_call *call, const struct mc_service *service, struct mc_error *error)
{
	MC_CLEANUP(database) struct mc_database *database = NULL;
	int r = mc_region_database(region, &database, error);

	(void)service;
	return r ? r : mc_database_ping(database, call, error);
}

static bool is_in_state(struct mc_region *region, const struct mc_service *service, const char *state)
{
	char name[MC_SERVICE_NAME_MAX];
	struct mc_engine_service found = {0};
	bool is_so;

	mc_service_name(service, region->name, name);
	is_so = mc_cloud_service(region->cloud, name, &found) == 0 && !strcmp(found.state, state);
	mc_engine_service_clear(&found);
	return is_so;
}

bool mc_probe_service_runs(struct mc_region *region, const struct mc_service *service)
{
	return is_in_state(region, service, "running");
}

bool mc_probe_runs(struct mc_region *region)
{
	return mc_probe_service_runs(region, &mc_services[MC_DATABASE]);
}

bool mc_probe_is_unreachable(struct mc_region *region)
{
	bool is_away;

	MC_LOCKED(&region->cloud->lock)
		is_away = region->is_away;
	return is_away || is_in_state(region, &mc_services[MC_DATABASE], "unreachable");
}

bool mc_probe_answers(struct mc_region *region)
{
	MC_CLEANUP(call) struct mc_call *call = mc_call_new(MC_REGION_ANSWER_MS);

	return call && probe_sql(region, call, &mc_services[MC_DATABASE], NULL) == 0;
}

/* An answer below 500 to the question for its versions, over a connection of its own: a port that an engine's proxy
 * holds open while nobody serves behind it accepts and resets. */
static int probe_http(
	struct mc_region *region, struct mc_call *call, const struct mc_service *service, struct mc_error *error)
{
	char url[64], name[MC_SERVICE_NAME_MAX];
	MC_CLEANUP(http_response) struct mc_http_response response = {0};
	MC_CLEANUP(free_pointer) char *ca = mc_cloud_ca(region->cloud);
	struct mc_http *http;
	int r;

	mc_service_url(region, service, true, url, sizeof(url));
	mc_service_name(service, region->name, name);
	http = mc_http_new(
		&(struct mc_http_options){.service = name, .base_url = url, .connections = 1, .tls = {.ca_pem = ca}});
	if (!http)
		return mc_error_set(error, ENOMEM, "out of memory");
	r = mc_http_perform(http, call,
		&(struct mc_http_request){.method = "GET", .path = (const char *const[]){service->probe, NULL}},
		&response, error);
	mc_http_unref(http);
	if (r == 0 && response.status >= 500)
		r = mc_error_set(error, EIO, "%s answers with HTTP status %d", name, response.status);
	return r;
}

static int probe_ldap(
	struct mc_region *region, struct mc_call *call, const struct mc_service *service, struct mc_error *error)
{
	struct mc_directory *directory;
	int r = mc_cloud_directory(region->cloud, &directory, error);

	(void)service;
	return r ? r : mc_directory_ping(directory, call, error);
}

int mc_probe_service(
	struct mc_region *region, struct mc_call *call, const struct mc_service *service, struct mc_error *error)
{
	static int (*const probes[])(
		struct mc_region *, struct mc_call *, const struct mc_service *, struct mc_error *) = {
		[MC_PROTOCOL_SQL] = probe_sql,
		[MC_PROTOCOL_HTTP] = probe_http,
		[MC_PROTOCOL_LDAP] = probe_ldap,
	};

	return service->protocol == MC_PROTOCOL_NONE ? 0 : probes[service->protocol](region, call, service, error);
}

int mc_probe_login(struct mc_region *region, struct mc_call *call, struct mc_error *error)
{
	return mc_keystone_log_in(region->keystone, call, error);
}
