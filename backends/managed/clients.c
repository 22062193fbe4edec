/* SPDX-License-Identifier: MIT */
#include "backends/managed/clients.h"

#include "backends/cloud/model.h"
#include "backends/managed/names.h"
#include "backends/managed/secrets.h"
#include "backends/managed/services/table.h"
#include "backends/openstack/glance/glance.h"
#include "mcloud/database.h"
#include "mcloud/directory.h"
#include "mcloud/identity.h"
#include "mcloud/image.h"
#include "mcloud/lock.h"
#include "mcloud/region.h"
#include "mcloud/util.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Connections to what serves in a region, made from the secrets. */

static int open_secrets(struct mc_cloud *cloud, bool make, struct mc_secrets **ret_secrets, struct mc_error *error)
{
	struct mc_secrets *opened = NULL;
	int r = 0;

	MC_LOCKED(&cloud->lock)
		*ret_secrets = cloud->secrets;
	if (*ret_secrets)
		return 0;
	r = mc_secrets_open(cloud->options.state_dir, cloud->options.name, make, &opened, error);
	if (r == 0 && !opened)
		return mc_error_set(error, EACCES,
			"the cloud's secrets are not in %s: mount with the state_dir that it was made with",
			cloud->options.state_dir);
	if (r < 0)
		return r;
	MC_LOCKED(&cloud->lock) {
		if (!cloud->secrets)
			cloud->secrets = mc_steal(&opened);
		*ret_secrets = cloud->secrets;
	}
	mc_secrets_free(opened);
	return 0;
}

int mc_cloud_secrets(struct mc_cloud *cloud, struct mc_secrets **ret_secrets, struct mc_error *error)
{
	return open_secrets(cloud, false, ret_secrets, error);
}

int mc_cloud_make_secrets(struct mc_cloud *cloud, struct mc_secrets **ret_secrets, struct mc_error *error)
{
	bool is_first;

	MC_LOCKED(&cloud->lock)
		is_first = cloud->n_regions == 0;
	return open_secrets(cloud, is_first, ret_secrets, error);
}

char *mc_cloud_ca(struct mc_cloud *cloud)
{
	struct mc_secrets *secrets;

	return cloud->has_tls && mc_cloud_secrets(cloud, &secrets, NULL) == 0 ? mc_secrets_ca(secrets) : NULL;
}

bool mc_cloud_has_tls(const struct mc_cloud *cloud)
{
	return cloud->has_tls;
}

char *mc_cloud_admin_password(struct mc_cloud *cloud)
{
	struct mc_secrets *secrets;

	return mc_cloud_secrets(cloud, &secrets, NULL) == 0 ? strdup(mc_secrets_get(secrets, MC_SECRET_ADMIN)) : NULL;
}

/* Whom to believe, malloc'd; NULL: the cloud has no TLS, and nothing else may be taken for that. */
static int find_ca(struct mc_cloud *cloud, char **ret_ca, struct mc_error *error)
{
	*ret_ca = mc_cloud_ca(cloud);
	if (cloud->has_tls && !*ret_ca)
		return mc_error_set(error, EIO, "the cloud has TLS, and the certificate of its CA can't be had");
	return 0;
}

/* As root, or, if AS isn't NULL, as the user that this service has there. */
static int open_database(struct mc_region *region, const struct mc_service *as, struct mc_journal *journal,
	struct mc_database **ret_database, struct mc_error *error)
{
	MC_CLEANUP(free_pointer) char *ca = NULL;
	char service[MC_SERVICE_NAME_MAX];
	struct mc_secrets *secrets;
	int r = mc_cloud_secrets(region->cloud, &secrets, error);

	if (r == 0)
		r = find_ca(region->cloud, &ca, error);
	if (r < 0)
		return r;
	mc_service_name(&mc_services[MC_DATABASE], region->name, service);
	*ret_database = mc_database_new(&(struct mc_database_options){
		.service = service,
		.host = region->address,
		.port = mc_services[MC_DATABASE].port,
		.user = as ? as->schema.user : NULL,
		.password = as ? mc_secrets_schema(secrets, as) : mc_secrets_get(secrets, MC_SECRET_DB_ROOT),
		.ca_pem = ca,
		.journal = journal,
	});
	return *ret_database ? 0 : mc_error_set(error, ENOMEM, "out of memory");
}

int mc_region_database(struct mc_region *region, struct mc_database **ret_database, struct mc_error *error)
{
	return mc_region_database_journal(region, region->cloud->journal, ret_database, error);
}

int mc_region_database_journal(
	struct mc_region *region, struct mc_journal *journal, struct mc_database **ret_database, struct mc_error *error)
{
	return open_database(region, NULL, journal, ret_database, error);
}

int mc_region_keystone_database(struct mc_region *region, struct mc_database **ret_database, struct mc_error *error)
{
	return open_database(region, &mc_services[MC_KEYSTONE], region->cloud->journal, ret_database, error);
}

int mc_cloud_directory(struct mc_cloud *cloud, struct mc_directory **ret_directory, struct mc_error *error)
{
	MC_CLEANUP(free_pointer) char *ca = NULL;
	struct mc_directory *made, *there;
	char url[64], address[16], bind[512];
	struct mc_secrets *secrets;
	int r = 0;

	MC_LOCKED(&cloud->lock) {
		there = cloud->directory;
		if (!cloud->n_regions)
			r = -EAGAIN;
	}
	if (r < 0)
		return mc_error_set(error, EAGAIN, "there is no region yet, and so no LDAP server");
	if (!there) {
		r = mc_cloud_secrets(cloud, &secrets, error);
		if (r == 0)
			r = find_ca(cloud, &ca, error);
		if (r < 0)
			return r;
		mc_cloud_address(cloud, 0, address);
		snprintf(url, sizeof(url), "ldap://%s:%u", address, mc_services[MC_LDAP].port);
		snprintf(bind, sizeof(bind), "cn=admin,%s", cloud->options.ldap_suffix);
		made = mc_directory_new(&(struct mc_directory_options){
			.url = url,
			.suffix = cloud->options.ldap_suffix,
			.bind_dn = bind,
			.password = mc_secrets_get(secrets, MC_SECRET_LDAP_ADMIN),
			.ca_pem = ca,
			.journal = cloud->journal,
		});
		if (!made)
			return mc_error_set(error, ENOMEM, "out of memory");
		MC_LOCKED(&cloud->lock) {
			if (!cloud->directory)
				cloud->directory = mc_steal(&made);
			there = cloud->directory;
		}
		mc_directory_free(made);
	}
	*ret_directory = there;
	return 0;
}

/* ACCOUNTS: the users by which services log in, and NULL. */
static void list_accounts(const char *accounts[MC_SERVICES_MAX + 1])
{
	size_t n = 0;

	for (const struct mc_service *service = mc_services; service->name; service++)
		if (service->account)
			accounts[n++] = service->account;
	accounts[n] = NULL;
}

/* The region's clients, which need the cloud's secrets; without those, the region can only be looked at and destroyed.
 */
void mc_region_equip(struct mc_region *region)
{
	struct mc_cloud *cloud = region->cloud;
	const char *accounts[MC_SERVICES_MAX + 1];
	char service[MC_SERVICE_NAME_MAX], url[64];
	MC_CLEANUP(free_pointer) char *ca = NULL;
	struct mc_secrets *secrets;

	list_accounts(accounts);
	mc_cloud_address(cloud, region->number, region->address);
	mc_service_url(region, &mc_services[MC_KEYSTONE], true, url, sizeof(url));
	snprintf(region->auth_url, sizeof(region->auth_url), "%s%s", url, mc_services[MC_KEYSTONE].endpoint.path);
	if (mc_cloud_secrets(cloud, &secrets, NULL) < 0)
		return;
	ca = mc_cloud_ca(cloud);
	mc_service_name(&mc_services[MC_KEYSTONE], region->name, service);
	region->keystone = mc_keystone_new(&(struct mc_keystone_options){
		.service = service,
		.url = url,
		.reach = {.tls = {.ca_pem = ca}},
		.credentials = {.methods = MC_LOGIN_PASSWORD,
			.user = "admin",
			.user_domain = "Default",
			.password = mc_secrets_get(secrets, MC_SECRET_ADMIN),
			.project = "admin",
			.project_domain = "Default"},
		.services = accounts,
		.journal = cloud->journal,
		.ttl_ms = cloud->options.ttl_ms,
	});
	mc_service_name(&mc_services[MC_GLANCE], region->name, service);
	mc_service_url(region, &mc_services[MC_GLANCE], true, url, sizeof(url));
	struct mc_glance_behind behind;
	if (region->keystone && mc_region_behind_glance(region, &behind) == 0)
		region->glance = mc_glance_new(&(struct mc_glance_options){.service = service,
			.url = url,
			.reach = {.tls = {.ca_pem = ca}},
			.keystone = region->keystone,
			.journal = cloud->journal,
			.cache = cloud->options.cache,
			.ttl_ms = cloud->options.ttl_ms,
			.timeout_ms = cloud->options.timeout_ms,
			.behind = behind});
}
