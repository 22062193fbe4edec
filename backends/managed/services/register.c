/* SPDX-License-Identifier: MIT */
#include "backends/managed/services/register.h"

#include "backends/cloud/model.h"
#include "backends/managed/clients.h"
#include "backends/managed/facts.h"
#include "backends/managed/names.h"
#include "backends/managed/secrets.h"
#include "backends/managed/services/probe.h"
#include "backends/managed/services/table.h"
#include "mcloud/database.h"
#include "mcloud/region.h"
#include "mcloud/util.h"

#include <crypt.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

/* The rows that Keystone needs of a region: logins, endpoints, the directory's domain. They are written into the
 * master's database, so that nobody waits for a Keystone; each is looked at first, as it may be there from an earlier
 * try. */

/* A user's password, into the database: it is to be there before Keystone serves anybody. 192 random bits need no
 * costly hash: 2^5 rounds keep logins quick. Nor a random salt: one that is made of the password gives the same hash
 * at each start, and what doesn't change is not written, so that it waits for no slave. */
static int set_password(struct mc_database *database, struct mc_call *call, const char *user, const char *password,
	struct mc_error *error)
{
	struct crypt_data *data = calloc(1, sizeof(*data));
	char salt[CRYPT_GENSALT_OUTPUT_SIZE];
	unsigned char digest[EVP_MAX_MD_SIZE];
	const char *hash = NULL;
	int r;

	if (data && EVP_Digest(password, strlen(password), digest, NULL, EVP_sha256(), NULL) == 1 &&
		crypt_gensalt_rn("$2b$", 5, (const char *)digest, 16, salt, sizeof(salt)))
		hash = crypt_r(password, salt, data);
	if (hash && hash[0] != '*')
		r = mc_database_set_password(database, call, user, hash, error);
	else
		r = mc_error_set(error, EIO, "the password of user %s could not be hashed", user);
	explicit_bzero(digest, sizeof(digest));
	if (data)
		explicit_bzero(data, sizeof(*data));
	free(data);
	return r;
}

static int put_login(struct mc_database *database, struct mc_call *call, const struct mc_database_login *login,
	const char *password, struct mc_error *error)
{
	int r = mc_database_restore_login(database, call, login, error);

	return r ? r : set_password(database, call, login->user, password, error);
}

/* The logins: the mount's admin, and an account of each service that asks Keystone. They are put back where others have
 * taken something of them away, too. */
static int put_logins(
	struct mc_region *region, struct mc_database *database, struct mc_call *call, struct mc_error *error)
{
	static const struct mc_database_login admin = {"admin", "admin", "admin"};
	struct mc_secrets *secrets;
	int r = mc_cloud_secrets(region->cloud, &secrets, error);

	if (r == 0)
		r = put_login(database, call, &admin, mc_secrets_get(secrets, MC_SECRET_ADMIN), error);
	for (const struct mc_service *service = mc_services; service->name && r == 0; service++) {
		const struct mc_database_login login = {service->account, "service", "admin"};

		if (service->account)
			r = put_login(database, call, &login, mc_secrets_account(secrets, service), error);
	}
	return r;
}

int mc_register_passwords(struct mc_region *region, struct mc_call *call, struct mc_error *error)
{
	MC_CLEANUP(region) struct mc_region *master = mc_region_find(region->cloud, NULL);
	MC_CLEANUP(database) struct mc_database *database = NULL;
	int r;

	if (master != region)
		return 0; /* its role has gone to another region, which has them */
	r = mc_region_keystone_database(region, &database, error);
	return r ? r : put_logins(region, database, call, error);
}

/* The region's endpoints, for the catalog. */
static int put_endpoints(
	struct mc_region *region, struct mc_database *database, struct mc_call *call, struct mc_error *error)
{
	static const char *const interfaces[] = {"public", "internal", "admin"};
	int r = 0;

	for (const struct mc_service *service = mc_services; service->name; service++) {
		const struct mc_service_endpoint *offered = &service->endpoint;

		for (size_t i = 0; i < MC_COUNT(interfaces) && offered->type && r == 0; i++) {
			char base[100], url[128];

			mc_service_url(region, service, i == 0, base, sizeof(base));
			snprintf(url, sizeof(url), "%s%s", base, offered->path);
			r = mc_database_put_endpoint(
				database, call, region->name, offered->type, offered->name, interfaces[i], url, error);
		}
	}
	return r;
}

static int put_ldap_options(struct mc_database *database, struct mc_call *call, const char *domain,
	const char *const settings[][2], struct mc_error *error)
{
	int r = 0;

	for (size_t i = 0; settings[i][0] && r == 0; i++)
		r = mc_database_put_domain_option(
			database, call, domain, "ldap", settings[i][0], settings[i][1], false, error);
	return r;
}

/* Where the people of the cloud's domain are found.
 * https://docs.openstack.org/keystone/latest/admin/configuration.html#integrate-identity-with-ldap */
static int put_domain(
	struct mc_region *region, struct mc_database *database, struct mc_call *call, struct mc_error *error)
{
	const struct mc_cloud_options *options = &region->cloud->options;
	char url[100], users[512], groups[512], bind[512];
	const char *const settings[][2] = {
		{"url", url},
		{"suffix", options->ldap_suffix},
		{"user", bind},
		{"query_scope", "one"},
		{"user_tree_dn", users},
		{"user_objectclass", "inetOrgPerson"},
		{"user_id_attribute", "uid"},
		{"user_name_attribute", "uid"},
		{"user_mail_attribute", "mail"},
		{"user_description_attribute", "description"},
		{"group_tree_dn", groups},
		{"group_objectclass", "groupOfNames"},
		{"group_id_attribute", "cn"},
		{"group_name_attribute", "cn"},
		{"group_member_attribute", "member"},
		{"group_desc_attribute", "description"},
		{NULL},
	};
	static const char *const tls_settings[][2] = {
		{"use_tls", "true"},
		{"tls_cacertfile", "/etc/keystone/" MC_CA_FILE},
		{"tls_req_cert", "demand"},
		{NULL},
	};
	struct mc_secrets *secrets;
	int r = mc_cloud_secrets(region->cloud, &secrets, error);

	/* the suffix is a DN already, checked when it was given as an option */
	mc_service_url(region, &mc_services[MC_LDAP], false, url, sizeof(url));
	snprintf(users, sizeof(users), "ou=Users,%s", options->ldap_suffix);
	snprintf(groups, sizeof(groups), "ou=Groups,%s", options->ldap_suffix);
	snprintf(bind, sizeof(bind), "cn=keystone,%s", options->ldap_suffix);
	if (r == 0)
		r = mc_database_put_domain(database, call, options->domain, "The people of the LDAP directory", error);
	if (r == 0)
		r = mc_database_put_domain_option(
			database, call, options->domain, "identity", "driver", "ldap", false, error);
	if (r == 0)
		r = put_ldap_options(database, call, options->domain, settings, error);
	if (r == 0 && mc_service_has_tls(region->cloud, &mc_services[MC_LDAP]))
		r = put_ldap_options(database, call, options->domain, tls_settings, error);
	return r ? r
		 : mc_database_put_domain_option(database, call, options->domain, "ldap", "password",
			   mc_secrets_get(secrets, MC_SECRET_LDAP_KEYSTONE), true, error);
}

static int register_at(struct mc_region *region, struct mc_region *master, struct mc_call *call, struct mc_error *error)
{
	MC_CLEANUP(database) struct mc_database *database = NULL;
	int r = mc_region_keystone_database(master, &database, error);

	if (r == 0)
		r = put_endpoints(region, database, call, error);
	if (r == 0 && master == region)
		r = put_domain(region, database, call, error);
	return r ? r : mc_database_renew_cache(database, call, error);
}

/* The domain of the directory's people is that again, unless it has people of its own. */
static int restore_domain(
	struct mc_region *region, struct mc_database *database, struct mc_call *call, struct mc_error *error)
{
	const char *domain = region->cloud->options.domain;
	unsigned long lacks = 0;
	int r = mc_database_lacks_driver(database, call, domain, &lacks, error);

	if (r < 0 || lacks == 0)
		return r;
	if (lacks == 1) {
		r = put_domain(region, database, call, error);
		return r ? r : mc_database_renew_cache(database, call, error);
	}
	struct mc_error told = {0};

	mc_error_set(&told, EEXIST,
		"domain %s has users or groups in the database, so the LDAP directory's people are out of reach; "
		"remove them (rmdir users/%s/* groups/%s/*), then `echo repair > regions/%s/ctl`",
		domain, domain, domain, region->name);
	mc_cloud_fail(region->cloud, region->name, &told);
	return 0;
}

/* At a later start its users may have changed the registration, and that stays; only logins and the domain are put
 * back, as nobody can do without them. A slave whose master is away goes on with the rows that it has. */
static int restore_logins(struct mc_region *region, struct mc_call *call, struct mc_error *error)
{
	MC_CLEANUP(region) struct mc_region *master = mc_region_find(region->cloud, NULL);
	MC_CLEANUP(database) struct mc_database *database = NULL;
	int r;

	if (!master || (master != region && !mc_probe_answers(master)))
		return 0;
	r = mc_region_keystone_database(master, &database, error);
	if (r == 0 && master != region) /* the master's own start does it before */
		r = put_logins(region, database, call, error);
	if (r == 0)
		r = restore_domain(region, database, call, error);
	if (r < 0 && r != -EINTR && master != region) {
		mc_cloud_fail(region->cloud, region->name, error);
		return 0;
	}
	return r;
}

int mc_register_region(struct mc_region *region, struct mc_call *call, struct mc_error *error)
{
	int r;

	if (mc_fact_known(region, MC_FACT_SERVED))
		return restore_logins(region, call, error);
	do { /* into the master's database, from where it is replicated: while its role moves, none takes writes */
		MC_CLEANUP(region) struct mc_region *master = mc_region_find(region->cloud, NULL);

		r = master ? register_at(region, master, call, error)
			   : mc_error_set(error, EAGAIN, "the cloud has no master region");
	} while (r == -EBUSY && mc_call_pause(call, 100) == 0);
	return r;
}
