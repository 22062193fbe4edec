/* SPDX-License-Identifier: MIT */
#include "backends/managed/services/certificate.h"

#include "backends/cloud/model.h"
#include "backends/http/http.h"
#include "backends/managed/certificates.h"
#include "backends/managed/clients.h"
#include "backends/managed/names.h"
#include "backends/managed/secrets.h"
#include "backends/managed/services/shown.h"
#include "backends/managed/services/table.h"
#include "mcloud/util.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A new certificate is shown soon after its server was told of it, and looked for so often. */
#define SHOWN_MS 10000
#define PAUSE_MS 50

struct names {
	struct mc_certificate_names names;
	char address[MC_NODE_ADDRESS_MAX + 1], host[MC_HOST_MAX];
};

static void name_service(const struct mc_region *region, const struct mc_service *service, struct names *ret)
{
	mc_service_address(region, service, ret->address);
	mc_service_host(region, service, ret->host);
	ret->names = (struct mc_certificate_names){.address = ret->address, .host = ret->host};
}

/* Takes TEXT over. */
static void add_file(struct mc_certificate_files *files, const struct mc_service *service, const char *name,
	unsigned mode, char *text)
{
	size_t n = files->count++;

	snprintf(files->paths[n], sizeof(files->paths[n]), "%s/%s", service->tls.folder, name);
	files->texts[n] = text;
	files->items[n] = (struct mc_engine_file){.path = files->paths[n],
		.mode = mode,
		.uid = service->tls.uid,
		.gid = service->tls.uid,
		.data = text,
		.size = strlen(text)};
}

int mc_certificate_files_make(const struct mc_region *region, const struct mc_service *service,
	struct mc_secrets *secrets, struct mc_certificate_files *ret_files, struct mc_error *error)
{
	bool has_tls = mc_service_has_tls(region->cloud, service);
	struct names names;
	char *pem = NULL, *ca;
	int r;

	*ret_files = (struct mc_certificate_files){0};
	if (!has_tls && !service->tls.is_always)
		return 0;
	name_service(region, service, &names);
	r = has_tls ? mc_secrets_issue(secrets, &names.names, mc_wall_clock(), &pem, error)
		    : mc_certificate_make_own(&names.names, mc_wall_clock(), &pem, error);
	if (r < 0)
		return r;
	add_file(ret_files, service, MC_CERTIFICATE_FILE, 0400, pem);
	if (!has_tls)
		return 0;
	ca = mc_secrets_ca(secrets);
	if (!ca)
		return mc_error_set(error, ENOMEM, "out of memory");
	add_file(ret_files, service, MC_CA_FILE, 0400, ca);
	return 0;
}

void mc_certificate_files_clear(struct mc_certificate_files *files)
{
	for (size_t i = 0; i < files->count; i++)
		mc_free_secret(files->texts[i]);
	*files = (struct mc_certificate_files){0};
}

int mc_certificate_put(
	struct mc_region *region, struct mc_call *call, const struct mc_service *service, struct mc_error *error)
{
	struct mc_engine *engine = region->cloud->engine;
	struct mc_certificate_files files = {0};
	char name[MC_SERVICE_NAME_MAX];
	struct mc_secrets *secrets;
	int r = mc_cloud_secrets(region->cloud, &secrets, error);

	mc_service_name(service, region->name, name);
	if (r == 0)
		r = mc_certificate_files_make(region, service, secrets, &files, error);
	if (r == 0 && files.count)
		r = engine->ops->upload(engine, call, name, files.items, files.count, error);
	mc_certificate_files_clear(&files);
	return r;
}

static int ask_by_http(struct mc_region *region, struct mc_call *call, const struct mc_service *service,
	struct mc_buffer *ret_pem, struct mc_error *error)
{
	char url[64], name[MC_SERVICE_NAME_MAX];
	MC_CLEANUP(http_response) struct mc_http_response response = {0};
	struct mc_http *http;
	int r;

	mc_service_url(region, service, true, url, sizeof(url));
	mc_service_name(service, region->name, name);
	http = mc_http_new(&(struct mc_http_options){
		.service = name, .base_url = url, .connections = 1, .tls = {.insecure = true}});
	if (!http)
		return mc_error_set(error, ENOMEM, "out of memory");
	r = mc_http_perform(http, call,
		&(struct mc_http_request){.method = "GET",
			.path = (const char *const[]){service->probe, NULL},
			.wants_certificate = true},
		&response, error);
	mc_http_unref(http);
	if (r == 0) {
		*ret_pem = response.certificate;
		response.certificate = (struct mc_buffer){0};
	}
	return r;
}

/* The certificate that the service shows, in PEM. It is only looked at, whatever it is, and nothing is told. */
static int ask_certificate(struct mc_region *region, struct mc_call *call, const struct mc_service *service,
	struct mc_buffer *ret_pem, struct mc_error *error)
{
	char address[MC_NODE_ADDRESS_MAX + 1];

	if (service->protocol == MC_PROTOCOL_HTTP)
		return ask_by_http(region, call, service, ret_pem, error);
	mc_service_address(region, service, address);
	return mc_shown_certificate(address, service->port, service->protocol, call, ret_pem, error);
}

int mc_certificate_look(struct mc_region *region, struct mc_call *call, const struct mc_service *service,
	double *ret_rest, struct mc_error *error)
{
	MC_CLEANUP(buffer) struct mc_buffer pem = {0};
	MC_CLEANUP(free_pointer) char *ca = mc_cloud_ca(region->cloud);
	struct names names;
	int r = ask_certificate(region, call, service, &pem, error);

	name_service(region, service, &names);
	if (r == 0)
		*ret_rest = mc_certificate_rest(pem.data, ca, &names.names, mc_wall_clock());
	return r;
}

/* Has the service's server take the file in which its new certificate is. What it has under way goes on, unless it
 * can't but be restarted for that. */
static int reload(
	struct mc_region *region, struct mc_call *call, const struct mc_service *service, struct mc_error *error)
{
	struct mc_engine *engine = region->cloud->engine;
	char name[MC_SERVICE_NAME_MAX];
	int code = 0, r;

	mc_service_name(service, region->name, name);
	if (!service->tls.reload)
		return engine->ops->act(engine, call, name, MC_ENGINE_RESTART, NULL, error);
	r = engine->ops->run(engine, call, name, service->tls.reload, &code, NULL, error);
	if (r == 0 && code)
		r = mc_error_set(error, EIO, "%s doesn't take its new certificate (exit code %d)", name, code);
	return r;
}

static int await_shown(struct mc_region *region, struct mc_call *call, const struct mc_service *service,
	double *ret_rest, struct mc_error *error)
{
	int64_t until = mc_now_ms() + SHOWN_MS;
	char name[MC_SERVICE_NAME_MAX];

	mc_service_name(service, region->name, name);
	for (;;) {
		int r = mc_certificate_look(region, call, service, ret_rest, error);

		if (r == 0 && *ret_rest > 0)
			return 0;
		if (mc_now_ms() > until)
			return r ? r : mc_error_set(error, ETIMEDOUT, "%s still shows its former certificate", name);
		r = mc_call_pause(call, PAUSE_MS);
		if (r < 0)
			return mc_error_set(error, -r, "the renewal of a certificate was broken off");
	}
}

int mc_certificate_renew(struct mc_region *region, struct mc_call *call, const struct mc_service *service,
	double *ret_rest, struct mc_error *error)
{
	int r = mc_certificate_put(region, call, service, error);

	if (r == 0)
		r = reload(region, call, service, error);
	return r ? r : await_shown(region, call, service, ret_rest, error);
}
