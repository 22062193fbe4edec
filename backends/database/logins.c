/* SPDX-License-Identifier: MIT */
#include "backends/database/query.h"

/* Logins are put back where somebody has taken them away: of the mount's own login, no API can do that any more. Each
 * statement changes a row that isn't so, and no other; where all is so, none runs.
 * The schema is that of Keystone 22 (Zed). */

/* What "?" stands for in a statement, in their order. */
enum value { END, USER, PROJECT, ROLE };

/* The conditions, which both the repairs and the look before them ask. */
#define OF_DEFAULT "name = ? AND domain_id = 'default'"
#define OF_NO_DOMAIN "name = ? AND domain_id = '<<null>>'"
#define OF_LOGIN                                                                                                       \
	"l.name = ? AND l.domain_id = 'default' AND p.name = ? AND p.domain_id = 'default' AND r.name = ? AND "        \
	"r.domain_id = '<<null>>'"
#define HAS_PASSWORD "EXISTS (SELECT 1 FROM keystone.password WHERE local_user_id = l.id)"
#define IS_EXPIRING "expires_at IS NOT NULL"
#define ASKS_FOR_MORE "option_id IN ('MFAE', 'MFAR')" /* than a password */

static const struct {
	const char *sql;
	enum value values[4];
} repairs[] = {
	{"INSERT IGNORE INTO keystone.project (id, name, extra, description, enabled, domain_id, is_domain) "
	 "VALUES ('default', 'Default', '{}', 'The default domain', 1, '<<keystone.domain.root>>', 1)",
		{END}},
	{"UPDATE keystone.project SET name = 'Default', enabled = 1 WHERE id = 'default' AND "
	 "NOT (name = 'Default' AND enabled <=> 1)",
		{END}},
	{"INSERT IGNORE INTO keystone.role (id, name, extra) SELECT REPLACE(UUID(), '-', ''), ?, '{}' FROM DUAL "
	 "WHERE NOT EXISTS (SELECT 1 FROM keystone.role WHERE " OF_NO_DOMAIN ")",
		{ROLE, ROLE}},
	{"INSERT IGNORE INTO keystone.project (id, name, extra, description, enabled, domain_id, parent_id, is_domain) "
	 "SELECT REPLACE(UUID(), '-', ''), ?, '{}', '', 1, 'default', 'default', 0 FROM DUAL "
	 "WHERE NOT EXISTS (SELECT 1 FROM keystone.project WHERE " OF_DEFAULT ")",
		{PROJECT, PROJECT}},
	{"UPDATE keystone.project SET enabled = 1 WHERE " OF_DEFAULT " AND NOT (enabled <=> 1)", {PROJECT}},
	/* @mcloud_user is the id that a new one gets. */
	{"INSERT IGNORE INTO keystone.user (id, extra, enabled, created_at, domain_id) "
	 "SELECT @mcloud_user, '{}', 1, UTC_TIMESTAMP(), 'default' FROM DUAL "
	 "WHERE NOT EXISTS (SELECT 1 FROM keystone.local_user WHERE " OF_DEFAULT ")",
		{USER}},
	{"INSERT IGNORE INTO keystone.local_user (user_id, domain_id, name, failed_auth_count) "
	 "SELECT id, domain_id, ?, 0 FROM keystone.user WHERE id = @mcloud_user",
		{USER}},
	/* A password that nobody has; the right one is set by mc_database_set_password(). */
	{"INSERT INTO keystone.password (local_user_id, created_at, created_at_int) "
	 "SELECT id, UTC_TIMESTAMP(6), UNIX_TIMESTAMP() * 1000000 FROM keystone.local_user l "
	 "WHERE " OF_DEFAULT " AND NOT " HAS_PASSWORD,
		{USER}},
	{"UPDATE keystone.password SET expires_at = NULL, expires_at_int = NULL WHERE " IS_EXPIRING " AND "
	 "local_user_id IN "
	 "(SELECT id FROM keystone.local_user WHERE " OF_DEFAULT ")",
		{USER}},
	{"UPDATE keystone.user SET enabled = 1 WHERE NOT (enabled <=> 1) AND id IN "
	 "(SELECT user_id FROM keystone.local_user WHERE " OF_DEFAULT ")",
		{USER}},
	/* More than a password is asked of. */
	{"DELETE FROM keystone.user_option WHERE " ASKS_FOR_MORE " AND user_id IN "
	 "(SELECT user_id FROM keystone.local_user WHERE " OF_DEFAULT ")",
		{USER}},
	{"INSERT IGNORE INTO keystone.assignment (type, actor_id, target_id, role_id, inherited) "
	 "SELECT 'UserProject', l.user_id, p.id, r.id, 0 FROM keystone.local_user l, keystone.project p, "
	 "keystone.role r "
	 "WHERE " OF_LOGIN,
		{USER, PROJECT, ROLE}},
};

/* 1: all of it is so, 0: something isn't. It locks no row. */
static int login_is_whole(struct mc_database *database, struct mc_call *call, const struct mc_database_login *login,
	struct mc_error *error)
{
	static const char sql[] =
		"SELECT COUNT(*) FROM keystone.assignment a JOIN keystone.local_user l ON a.actor_id = l.user_id "
		"JOIN keystone.user u ON u.id = l.user_id JOIN keystone.project p ON a.target_id = p.id "
		"JOIN keystone.role r ON a.role_id = r.id JOIN keystone.project d ON d.id = 'default' "
		"WHERE a.type = 'UserProject' AND NOT a.inherited AND " OF_LOGIN " AND "
		"d.name = 'Default' AND d.enabled AND p.enabled AND u.enabled AND " HAS_PASSWORD " AND "
		"NOT EXISTS (SELECT 1 FROM keystone.password WHERE local_user_id = l.id AND " IS_EXPIRING ") "
		"AND NOT EXISTS (SELECT 1 FROM keystone.user_option WHERE user_id = l.user_id AND " ASKS_FOR_MORE ")";
	unsigned long n = 0;
	int r = mc_database_query(
		database, call, sql, (const char *const[]){login->user, login->project, login->role, NULL}, &n, error);

	return r < 0 ? r : n > 0;
}

/* In all topics, as users and grants may have changed. */
static int renew_all(struct mc_database *database, struct mc_call *call, struct mc_error *error)
{
	static const char sql[] = "UPDATE keystone.mcloud_cache_version SET version = UUID()";
	unsigned long n;

	return mc_database_query(database, call, sql, NULL, &n, error);
}

static int run_repairs(struct mc_database *database, struct mc_call *call, const struct mc_database_login *login,
	struct mc_error *error)
{
	const char *const known[] = {[USER] = login->user, [PROJECT] = login->project, [ROLE] = login->role};
	unsigned long n, changed = 0;
	int r = mc_database_run(database, call, "SET @mcloud_user = REPLACE(UUID(), '-', '')", error);

	for (size_t i = 0; i < MC_COUNT(repairs) && r == 0; i++) {
		const char *texts[MC_COUNT(repairs[i].values) + 1] = {NULL};

		for (size_t v = 0; v < MC_COUNT(repairs[i].values) && repairs[i].values[v] != END; v++)
			texts[v] = known[repairs[i].values[v]];
		n = 0;
		r = mc_database_query(database, call, repairs[i].sql, texts, &n, error);
		changed += n;
	}
	return r == 0 && changed ? renew_all(database, call, error) : r;
}

int mc_database_restore_login(struct mc_database *database, struct mc_call *call, const struct mc_database_login *login,
	struct mc_error *error)
{
	int whole = login_is_whole(database, call, login, error);

	if (whole == 0) {
		int r = run_repairs(database, call, login, error);

		whole = r < 0 ? r : login_is_whole(database, call, login, error);
	}
	/* Rows of others in the place of one of these aren't overwritten. */
	if (whole == 0)
		return mc_error_set(error, EEXIST,
			"user %s of domain Default can't be put back with role %s in project %s: something has nearly "
			"the same name there, or is in its place",
			login->user, login->role, login->project);
	return whole < 0 ? whole : 0;
}

int mc_database_lacks_driver(struct mc_database *database, struct mc_call *call, const char *domain,
	unsigned long *ret_lacks, struct mc_error *error)
{
	static const char sql[] =
		"SELECT COALESCE((SELECT CASE "
		"WHEN EXISTS (SELECT 1 FROM keystone.whitelisted_config c WHERE c.domain_id = d.id AND c.`group` = "
		"'identity' "
		"AND c.`option` = 'driver') THEN 0 "
		"WHEN EXISTS (SELECT 1 FROM keystone.user u WHERE u.domain_id = d.id) OR "
		"EXISTS (SELECT 1 FROM keystone.`group` g WHERE g.domain_id = d.id) THEN 2 ELSE 1 END "
		"FROM keystone.project d WHERE d.name = ? AND d.domain_id = '<<keystone.domain.root>>'), 1)";

	return mc_database_query(database, call, sql, (const char *const[]){domain, NULL}, ret_lacks, error);
}
