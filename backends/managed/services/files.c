/* SPDX-License-Identifier: MIT */
#include "backends/managed/services/files.h"

#include "backends/cloud/model.h"
#include "backends/managed/names.h"
#include "backends/managed/secrets.h"
#include "backends/managed/services/fernet.h"
#include "backends/managed/services/table.h"
#include "backends/managed/ssha.h"
#include "backends/recipes/recipe.h"
#include "mcloud/buffer.h"
#include "mcloud/region.h"
#include "mcloud/util.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the templates' names mean. */
struct values {
	const struct mc_region *region;
	const struct mc_secrets *secrets;
	char number[12], shared_address[16], ldap_hash[64];
	char host[MC_HOST_MAX]; /* that was asked for last */
};

/* Whether NAME is BEFORE, SERVICE's name in capitals, and BEHIND. */
static bool is_of_service(const char *name, const char *before, const struct mc_service *service, const char *behind)
{
	size_t n = strlen(before), length = strlen(service->name);

	return !strncmp(name, before, n) && !strncasecmp(name + n, service->name, length) &&
	       !strcmp(name + n + length, behind);
}

static const char *look_up_of_services(struct values *values, const char *name)
{
	for (const struct mc_service *service = mc_services; service->name; service++) {
		if (is_of_service(name, "", service, "_HOST")) {
			mc_service_host(values->region, service, values->host);
			return values->host;
		}
		if (service->schema.user && is_of_service(name, "DB_", service, "_PASSWORD"))
			return mc_secrets_schema(values->secrets, service);
		if (service->account && is_of_service(name, "", service, "_PASSWORD"))
			return mc_secrets_account(values->secrets, service);
	}
	return NULL;
}

static const char *look_up(void *data, const char *name)
{
	struct values *values = data;
	const struct mc_cloud_options *options = &values->region->cloud->options;
	bool has_tls = values->region->cloud->has_tls;
	const struct {
		const char *name, *value;
	} known[] = {
		{"CLOUD", options->name},
		{"REGION", values->region->name},
		{"NUMBER", values->number},
		{"ADDRESS", values->region->address},
		{"SHARED_ADDRESS", values->shared_address},
		{"SCHEME", has_tls ? "https" : "http"},
		/* behind the URL of a database, for Keystone */
		{"DATABASE_TLS", has_tls ? "&ssl_ca=/etc/keystone/" MC_CA_FILE : ""},
		/* how long a client may go on reading its answer after an end, or after a renewal of certificates */
		{"ANSWER_SECONDS", has_tls ? "600" : "5"},
		{"LDAP_SUFFIX", options->ldap_suffix},
		{"LDAP_ADMIN_HASH", values->ldap_hash},
		{"ADMIN_PASSWORD", mc_secrets_get(values->secrets, MC_SECRET_ADMIN)},
		{"DB_ROOT_PASSWORD", mc_secrets_get(values->secrets, MC_SECRET_DB_ROOT)},
	};

	for (size_t i = 0; i < MC_COUNT(known); i++)
		if (!strcmp(name, known[i].name))
			return known[i].value;
	return look_up_of_services(values, name);
}

/* *RET_TEXT: the text of FILE, filled in, in malloc'd memory. */
static int render_file(
	struct values *values, const struct mc_recipe_file *file, char **ret_text, struct mc_error *error)
{
	MC_CLEANUP(buffer) struct mc_buffer text = {0};
	char bad[64];

	mc_buffer_text(&text, file->text);
	if (values->region->cloud->has_tls)
		mc_buffer_text(&text, file->tls_text ? file->tls_text : "");
	for (const struct mc_service *service = mc_services; service->name && file->takes_schemas; service++)
		if (service->schema.sql)
			mc_buffer_text(&text, service->schema.sql);
	if (text.failed) {
		mc_error_set(error, ENOMEM, "out of memory");
		return -ENOMEM; /* said so, as the analyzer doesn't know what the above gives */
	}
	int r = mc_recipe_render(text.data, look_up, values, ret_text, bad, sizeof(bad));
	if (r < 0)
		mc_error_set(error, -r, "%s can't be filled in: %s", file->template_name, bad);
	return r;
}

static int render_files(
	struct values *values, const struct mc_service *service, struct mc_service_files *files, struct mc_error *error)
{
	enum mc_recipe_clouds other = values->region->cloud->has_tls ? MC_CLOUDS_WITHOUT_TLS : MC_CLOUDS_WITH_TLS;
	int r = 0;

	for (const struct mc_recipe_file *from = service->files; from && from->path && r == 0; from++) {
		char *text = NULL;

		if (from->clouds == other)
			continue;
		r = render_file(values, from, &text, error);
		if (r == 0)
			files->items[files->count++] = (struct mc_engine_file){.path = from->path,
				.mode = from->mode,
				.uid = from->uid,
				.gid = from->gid,
				.data = text,
				.size = strlen(text)};
	}
	files->n_rendered = files->count;
	return r;
}

int mc_service_files_make(const struct mc_region *region, const struct mc_service *service, struct mc_secrets *secrets,
	struct mc_service_files *ret_files, struct mc_error *error)
{
	struct values values = {.region = region, .secrets = secrets};
	size_t room = 2 * MC_FERNET_KEYS + MC_CERTIFICATE_FILES;
	int r;

	*ret_files = (struct mc_service_files){0};
	for (const struct mc_recipe_file *from = service->files; from && from->path; from++)
		room++;
	ret_files->items = calloc(room, sizeof(*ret_files->items));
	if (!ret_files->items)
		return mc_error_set(error, ENOMEM, "out of memory");
	snprintf(values.number, sizeof(values.number), "%u", region->number);
	mc_cloud_address(region->cloud, 0, values.shared_address);
	r = mc_ssha(mc_secrets_get(secrets, MC_SECRET_LDAP_ADMIN), values.ldap_hash);
	if (r == 0)
		r = render_files(&values, service, ret_files, error);
	explicit_bzero(values.ldap_hash, sizeof(values.ldap_hash));
	if (r == 0 && service->has_keys) {
		size_t n_keys = mc_fernet_files(secrets, &ret_files->keys);

		memcpy(ret_files->items + ret_files->count, ret_files->keys.files, n_keys * sizeof(*ret_files->items));
		ret_files->count += n_keys;
	}
	if (r == 0)
		r = mc_certificate_files_make(region, service, secrets, &ret_files->certificate, error);
	for (size_t i = 0; i < ret_files->certificate.count && r == 0; i++)
		ret_files->items[ret_files->count++] = ret_files->certificate.items[i];
	return r;
}

void mc_service_files_clear(struct mc_service_files *files)
{
	for (size_t i = 0; i < files->n_rendered; i++) {
		explicit_bzero((void *)(uintptr_t)files->items[i].data, files->items[i].size);
		free((void *)(uintptr_t)files->items[i].data);
	}
	free(files->items);
	mc_certificate_files_clear(&files->certificate);
	explicit_bzero(files, sizeof(*files));
}
