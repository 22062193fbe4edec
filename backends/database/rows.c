/* SPDX-License-Identifier: MIT */
#include "backends/database/query.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <string.h>

/* The statements. Ids are made of what the row is about, so that a second try finds the first one's row. */

int mc_database_ping(struct mc_database *database, struct mc_call *call, struct mc_error *error)
{
	unsigned long one = 0;

	return mc_database_query(database, call, "SELECT 1", NULL, &one, error);
}

int mc_database_set_password(
	struct mc_database *database, struct mc_call *call, const char *name, const char *hash, struct mc_error *error)
{
	static const char count[] = "SELECT COUNT(*) FROM keystone.local_user WHERE name = ? AND domain_id = 'default'";
	/* Asked first, as an UPDATE locks also what it leaves as it is. */
	static const char is_set[] =
		"SELECT COUNT(*) FROM keystone.local_user l WHERE l.name = ? AND l.domain_id = 'default' AND "
		"EXISTS (SELECT 1 FROM keystone.password WHERE local_user_id = l.id) AND NOT EXISTS "
		"(SELECT 1 FROM keystone.password WHERE local_user_id = l.id AND NOT (BINARY password_hash <=> ?))";
	/* All of the user's passwords, so that none from the template is left: by default a user has one. */
	static const char set[] = "UPDATE keystone.password SET password_hash = ? WHERE local_user_id IN "
				  "(SELECT id FROM keystone.local_user WHERE name = ? AND domain_id = 'default')";
	unsigned long n = 0;
	int r = mc_database_query(database, call, is_set, (const char *const[]){name, hash, NULL}, &n, error);

	if (r < 0 || n > 0)
		return r;
	r = mc_database_query(database, call, count, (const char *const[]){name, NULL}, &n, error);
	if (r == 0 && n == 0)
		r = mc_error_set(error, ENOENT, "the database knows no user %s", name);
	return r ? r : mc_database_query(database, call, set, (const char *const[]){hash, name, NULL}, &n, error);
}

int mc_database_count_images(
	struct mc_database *database, struct mc_call *call, unsigned long *ret_count, struct mc_error *error)
{
	static const char sql[] = "SELECT COUNT(*) FROM glance.images WHERE deleted = 0";

	return mc_database_query(database, call, sql, NULL, ret_count, error);
}

int mc_database_set_image_format(struct mc_database *database, struct mc_call *call, const char *id,
	const char *attribute, const char *value, struct mc_error *error)
{
#define HAS_CONTENT "deleted = 0 AND status IN ('active', 'deactivated')"
	static const struct {
		const char *attribute, *set, *count;
	} formats[] = {
		{"disk_format",
			"UPDATE glance.images SET disk_format = ?, updated_at = UTC_TIMESTAMP() "
			"WHERE id = ? AND " HAS_CONTENT,
			"SELECT COUNT(*) FROM glance.images WHERE disk_format = ? AND id = ? AND " HAS_CONTENT},
		{"container_format",
			"UPDATE glance.images SET container_format = ?, updated_at = UTC_TIMESTAMP() "
			"WHERE id = ? AND " HAS_CONTENT,
			"SELECT COUNT(*) FROM glance.images WHERE container_format = ? AND id = ? AND " HAS_CONTENT},
	};
#undef HAS_CONTENT
	const char *const texts[] = {value, id, NULL};
	unsigned long n = 0;
	size_t i = 0;

	while (i < MC_COUNT(formats) && strcmp(formats[i].attribute, attribute) != 0)
		i++;
	if (i == MC_COUNT(formats))
		return mc_error_set(error, EINVAL, "%s is no format", attribute);
	int r = mc_database_query(database, call, formats[i].set, texts, &n, error);
	/* How many were changed says nothing of one that had this value before. */
	if (r == 0)
		r = mc_database_query(database, call, formats[i].count, texts, &n, error);
	return r == 0 && n == 0 ? mc_error_set(error, EBUSY, "the image's content is on its way") : r;
}

int mc_database_put_endpoint(struct mc_database *database, struct mc_call *call, const char *region, const char *type,
	const char *name, const char *interface, const char *url, struct mc_error *error)
{
	static const char put_region[] =
		"INSERT IGNORE INTO keystone.region (id, description, extra) VALUES (?, '', '{}')";
	static const char put_service[] = "INSERT IGNORE INTO keystone.service (id, type, enabled, extra) "
					  "VALUES (MD5(CONCAT('service ', ?)), ?, 1, JSON_OBJECT('name', ?))";
	static const char put_endpoint[] =
		"INSERT INTO keystone.endpoint (id, interface, service_id, url, extra, enabled, region_id) "
		"VALUES (MD5(CONCAT_WS(' ', 'endpoint', ?, ?)), ?, MD5(CONCAT('service ', ?)), ?, '{}', 1, ?) "
		"ON DUPLICATE KEY UPDATE url = VALUES(url)";
	MC_CLEANUP(free_pointer) char *what = NULL;
	unsigned long n;
	int r;

	if (asprintf(&what, "%s %s", type, interface) < 0)
		return mc_error_set(error, ENOMEM, "out of memory");
	r = mc_database_query(database, call, put_region, (const char *const[]){region, NULL}, &n, error);
	if (r == 0)
		r = mc_database_query(
			database, call, put_service, (const char *const[]){type, type, name, NULL}, &n, error);
	if (r == 0)
		r = mc_database_query(database, call, put_endpoint,
			(const char *const[]){region, what, interface, type, url, region, NULL}, &n, error);
	return r;
}

int mc_database_put_domain(struct mc_database *database, struct mc_call *call, const char *name,
	const char *description, struct mc_error *error)
{
	/* A domain is a project that acts as one, below the root of all domains. */
	static const char sql[] =
		"INSERT IGNORE INTO keystone.project (id, name, extra, description, enabled, domain_id, is_domain) "
		"VALUES (MD5(CONCAT('domain ', ?)), ?, '{}', ?, 1, '<<keystone.domain.root>>', 1)";
	unsigned long n;

	return mc_database_query(database, call, sql, (const char *const[]){name, name, description, NULL}, &n, error);
}

int mc_database_put_domain_option(struct mc_database *database, struct mc_call *call, const char *name,
	const char *group, const char *option, const char *value, bool is_secret, struct mc_error *error)
{
	static const char put[] =
		"REPLACE INTO keystone.whitelisted_config (domain_id, `group`, `option`, value) "
		"SELECT id, ?, ?, ? FROM keystone.project WHERE name = ? AND domain_id = '<<keystone.domain.root>>'";
	static const char put_secret[] =
		"REPLACE INTO keystone.sensitive_config (domain_id, `group`, `option`, value) "
		"SELECT id, ?, ?, ? FROM keystone.project WHERE name = ? AND domain_id = '<<keystone.domain.root>>'";
	MC_CLEANUP(json) cJSON *text = cJSON_CreateString(value);
	MC_CLEANUP(free_pointer) char *json = text ? cJSON_PrintUnformatted(text) : NULL; /* as Keystone keeps them */
	unsigned long n;

	if (!json)
		return mc_error_set(error, ENOMEM, "out of memory");
	return mc_database_query(database, call, is_secret ? put_secret : put,
		(const char *const[]){group, option, json, name, NULL}, &n, error);
}

int mc_database_renew_cache(struct mc_database *database, struct mc_call *call, struct mc_error *error)
{
	static const char sql[] = "UPDATE keystone.mcloud_cache_version SET version = UUID() WHERE topic = 'rest'";
	unsigned long n;

	return mc_database_query(database, call, sql, NULL, &n, error);
}
