/* SPDX-License-Identifier: MIT */
#include "mcloud/replica.h"

#include "backends/database/query.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Most statements about replication take no placeholders. Their values get into them inside the server: a prepared
 * statement builds the text of one with QUOTE() in a variable of the session, and that is run. So no value is ever
 * pasted into SQL here, and none comes into the journal. */

static int run_all(
	struct mc_database *database, struct mc_call *call, const char *const *statements, struct mc_error *error)
{
	int r = 0;

	for (; *statements && r == 0; statements++)
		r = mc_database_run(database, call, *statements, error);
	return r;
}

static int run_what_is_built(struct mc_database *database, struct mc_call *call, struct mc_error *error)
{
	static const char *const run[] = {"EXECUTE IMMEDIATE @statement", "SET @statement = NULL", NULL};

	return run_all(database, call, run, error);
}

/* Runs the statement that BUILD makes of TEXTS: "SET @statement = CONCAT(…, QUOTE(?), …)". */
static int run_built(struct mc_database *database, struct mc_call *call, const char *build, const char *const *texts,
	struct mc_error *error)
{
	unsigned long n;
	int r = mc_database_query(database, call, build, texts, &n, error);

	return r ? r : run_what_is_built(database, call, error);
}

/* The first cell of the answer, malloc'd; "" where there is none. */
static int first_cell_text(
	struct mc_database *database, struct mc_call *call, const char *sql, char **ret_text, struct mc_error *error)
{
	MC_CLEANUP(database_table) struct mc_database_table table = {0};
	int r = mc_database_rows(database, call, sql, &table, error);

	if (r < 0)
		return r;
	*ret_text = strdup(table.n_rows && table.cells[0] ? table.cells[0] : "");
	return *ret_text ? 0 : mc_error_set(error, ENOMEM, "out of memory");
}

/* A commit that waits for a slave holds the lock of the binary log, for which the statements that tell of it (SHOW
 * BINARY LOGS, SHOW MASTER STATUS) would wait too, and with them the slave it waits for. What is used here takes none.
 * https://mariadb.com/kb/en/binlog_gtid_pos/ */
#define BINARY_LOG(status)                                                                                             \
	"(SELECT VARIABLE_VALUE FROM information_schema.GLOBAL_STATUS WHERE VARIABLE_NAME = 'BINLOG_SNAPSHOT_" status  \
	"')"

/* Whether there is a file with that number: 1 or 0. Session variables: @base is "binlog." then, @log the file. */
static int has_log(struct mc_database *database, struct mc_call *call, unsigned long number, struct mc_error *error)
{
	static const char name[] = "SET @log = CONCAT(@base, LPAD(?, 6, '0'))";
	char digits[24];
	unsigned long n = 0;

	snprintf(digits, sizeof digits, "%lu", number);
	int r = mc_database_query(database, call, name, (const char *const[]){digits, NULL}, &n, error);
	if (r == 0)
		r = mc_database_query(database, call, "SELECT BINLOG_GTID_POS(@log, 4) IS NOT NULL", NULL, &n, error);
	return r < 0 ? r : n == 1;
}

/* The binary log says at the head of each file what was before it. Files are numbered, and go from the first on: the
 * oldest is looked for between 1 and the one that is being written. */
static int oldest(struct mc_database *database, struct mc_call *call, char **ret_position, struct mc_error *error)
{
	static const char base[] = "SET @base = CONCAT(SUBSTRING_INDEX(" BINARY_LOG("FILE") ", '.', 1), '.')";
	static const char newest[] = "SELECT CAST(SUBSTRING_INDEX(" BINARY_LOG("FILE") ", '.', -1) AS UNSIGNED)";
	unsigned long low = 1, high = 1, n;
	int r = mc_database_query(database, call, base, NULL, &n, error);

	if (r == 0)
		r = mc_database_query(database, call, newest, NULL, &high, error);
	while (r == 0 && low < high) {
		unsigned long middle = low + (high - low) / 2;
		int there = has_log(database, call, middle, error);
		if (there == 1)
			high = middle;
		else
			low = middle + 1;
		r = there < 0 ? there : 0;
	}
	if (r == 0)
		r = has_log(database, call, low, error);
	return r < 0 ? r : first_cell_text(database, call, "SELECT BINLOG_GTID_POS(@log, 4)", ret_position, error);
}

int mc_database_position(struct mc_database *database, struct mc_call *call, enum mc_gtid_kind kind,
	char **ret_position, struct mc_error *error)
{
	switch (kind) {
	case MC_GTID_WRITTEN:
		return first_cell_text(database, call, "SELECT @@GLOBAL.gtid_binlog_pos", ret_position, error);
	case MC_GTID_APPLIED:
		return first_cell_text(database, call, "SELECT @@GLOBAL.gtid_slave_pos", ret_position, error);
	case MC_GTID_OLDEST:
		return oldest(database, call, ret_position, error);
	}
	return -EINVAL;
}

static enum mc_replica_thread thread_of(const char *text)
{
	if (text && !strcmp(text, "Yes"))
		return MC_REPLICA_YES;
	return text && *text && strcmp(text, "No") != 0 ? MC_REPLICA_CONNECTING : MC_REPLICA_NO;
}

static void take_text(char *to, size_t size, const char *text)
{
	snprintf(to, size, "%s", text ? text : "");
}

static void take_error(
	const struct mc_database_table *table, const char *code, const char *text, struct mc_replica_status *status)
{
	const char *number = mc_database_cell(table, 0, code);
	unsigned error = number ? (unsigned)strtoul(number, NULL, 10) : 0;

	if (!error || status->error)
		return;
	status->error = error;
	take_text(status->message, sizeof(status->message), mc_database_cell(table, 0, text));
}

void mc_replica_status_parse(const struct mc_database_table *table, struct mc_replica_status *ret_status)
{
	const char *seconds = mc_database_cell(table, 0, "Seconds_Behind_Master");

	*ret_status = (struct mc_replica_status){.seconds_behind = -1, .is_configured = table->n_rows > 0};
	ret_status->receiver = thread_of(mc_database_cell(table, 0, "Slave_IO_Running"));
	ret_status->applier = thread_of(mc_database_cell(table, 0, "Slave_SQL_Running"));
	take_error(table, "Last_SQL_Errno", "Last_SQL_Error", ret_status);
	take_error(table, "Last_IO_Errno", "Last_IO_Error", ret_status);
	take_text(ret_status->master_host, sizeof(ret_status->master_host), mc_database_cell(table, 0, "Master_Host"));
	take_text(ret_status->received, sizeof(ret_status->received), mc_database_cell(table, 0, "Gtid_IO_Pos"));
	if (seconds)
		ret_status->seconds_behind = strtod(seconds, NULL);
}

int mc_database_replica_status(struct mc_database *database, struct mc_call *call, struct mc_replica_status *ret_status,
	struct mc_error *error)
{
	MC_CLEANUP(database_table) struct mc_database_table table = {0};
	int r = mc_database_rows(database, call, "SHOW SLAVE STATUS", &table, error);

	mc_replica_status_parse(&table, ret_status);
	return r;
}

static cJSON *row_json(const struct mc_database_table *table, size_t row)
{
	cJSON *object = cJSON_CreateObject();

	for (size_t c = 0; c < table->n_columns; c++) {
		const char *cell = table->cells[row * table->n_columns + c];

		if (cell)
			cJSON_AddStringToObject(object, table->names[c], cell);
		else
			cJSON_AddNullToObject(object, table->names[c]);
	}
	return object;
}

int mc_database_replica_json(
	struct mc_database *database, struct mc_call *call, bool is_master, char **ret_json, struct mc_error *error)
{
	MC_CLEANUP(database_table) struct mc_database_table table = {0};
	static const char log[] = "SELECT " BINARY_LOG("FILE") " AS File, " BINARY_LOG(
		"POSITION") " AS Position, @@GLOBAL.gtid_binlog_pos AS Gtid_Binlog_Pos";
	int r = mc_database_rows(database, call, is_master ? log : "SHOW SLAVE STATUS", &table, error);
	MC_CLEANUP(json) cJSON *object = NULL;

	if (r < 0)
		return r;
	object = table.n_rows ? row_json(&table, 0) : cJSON_CreateObject();
	*ret_json = cJSON_PrintUnformatted(object);
	return *ret_json ? 0 : mc_error_set(error, ENOMEM, "out of memory");
}

int mc_database_put_replica_user(struct mc_database *database, struct mc_call *call, unsigned number,
	const char *password, bool needs_tls, struct mc_error *error)
{
	/* Accounts are each region's own, and stay out of its binary log. */
	static const char *const local[] = {"SET sql_log_bin = 0", NULL};
	static const char user[] = "SET @statement = CONCAT('CREATE OR REPLACE USER ', QUOTE(CONCAT('replica-', ?)), "
				   "'@''%'' IDENTIFIED BY ', QUOTE(?))";
	static const char by_tls[] = "SET @statement = CONCAT(@statement, ' REQUIRE SSL')";
	static const char grant[] = "SET @statement = CONCAT('GRANT REPLICATION SLAVE ON *.* TO ', "
				    "QUOTE(CONCAT('replica-', ?)), '@''%''')";
	char digits[12];
	unsigned long n;
	int r = run_all(database, call, local, error);

	snprintf(digits, sizeof(digits), "%u", number);
	if (r == 0)
		r = mc_database_query(database, call, user, (const char *const[]){digits, password, NULL}, &n, error);
	if (r == 0 && needs_tls)
		r = mc_database_run(database, call, by_tls, error);
	if (r == 0)
		r = run_what_is_built(database, call, error);
	return r ? r : run_built(database, call, grant, (const char *const[]){digits, NULL}, error);
}

int mc_database_drop_replica_user(
	struct mc_database *database, struct mc_call *call, unsigned number, struct mc_error *error)
{
	static const char *const local[] = {"SET sql_log_bin = 0", NULL};
	static const char drop[] =
		"SET @statement = CONCAT('DROP USER IF EXISTS ', QUOTE(CONCAT('replica-', ?)), '@''%''')";
	char digits[12];
	int r = run_all(database, call, local, error);

	snprintf(digits, sizeof(digits), "%u", number);
	return r ? r : run_built(database, call, drop, (const char *const[]){digits, NULL}, error);
}

int mc_database_follow(struct mc_database *database, struct mc_call *call, unsigned number,
	const struct mc_replica_source *source, struct mc_error *error)
{
	static const char sql[] = "SET @statement = CONCAT('CHANGE MASTER TO MASTER_HOST=', QUOTE(?), ', "
				  "MASTER_PORT=', CAST(? AS UNSIGNED), "
				  "', MASTER_USER=', QUOTE(CONCAT('replica-', ?)), ', MASTER_PASSWORD=', QUOTE(?), "
				  "', MASTER_USE_GTID=slave_pos, MASTER_CONNECT_RETRY=1, MASTER_HEARTBEAT_PERIOD=2')";
	static const char tls[] = "SET @statement = CONCAT(@statement, ', MASTER_SSL=1, MASTER_SSL_CA=', QUOTE(?), "
				  "', MASTER_SSL_VERIFY_SERVER_CERT=1')";
	char port_digits[12], digits[12];
	unsigned long n;
	int r = mc_database_replica_act(database, call, MC_REPLICA_STOP, error);

	snprintf(port_digits, sizeof(port_digits), "%u", source->port);
	snprintf(digits, sizeof(digits), "%u", number);
	if (r == 0)
		r = mc_database_query(database, call, sql,
			(const char *const[]){source->host, port_digits, digits, source->password, NULL}, &n, error);
	if (r == 0 && source->ca_file)
		r = mc_database_query(database, call, tls, (const char *const[]){source->ca_file, NULL}, &n, error);
	return r ? r : run_what_is_built(database, call, error);
}

/* Sets the position of what is applied; not while somebody waits for a position in the server (see
 * mc_database_await()). */
static int set_applied(struct mc_database *database, struct mc_call *call, const char *position, struct mc_error *error)
{
	static const char take[] = "SET @position = ?";
	static const char *const set[] = {
		"BEGIN NOT ATOMIC"
		" DECLARE until DATETIME(3) DEFAULT SYSDATE(3) + INTERVAL 3 SECOND;"
		" WHILE EXISTS (SELECT 1 FROM information_schema.processlist"
		"               WHERE state LIKE 'Waiting in MASTER_GTID_WAIT%') DO"
		"  IF SYSDATE(3) > until THEN"
		"   SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'somebody waits for a position by MASTER_GTID_WAIT()';"
		"  END IF;"
		"  DO SLEEP(0.01);"
		" END WHILE;"
		" SET GLOBAL gtid_slave_pos = @position;"
		"END",
		NULL};
	unsigned long n;
	int r = mc_database_query(database, call, take, (const char *const[]){position, NULL}, &n, error);

	return r ? r : run_all(database, call, set, error);
}

/* AT_MASTER NULL: all that is written. The server takes no position that leaves out a domain which its binary log has
 * (ER_MASTER_GTID_POS_MISSING_DOMAIN): what only maintenance has written is left out by leaving the position as it is,
 * and else named, for a master that has nothing of its domain doesn't look for it. */
static int demote(struct mc_database *database, struct mc_call *call, const char *at_master, struct mc_error *error)
{
	MC_CLEANUP(free_pointer) char *written = NULL, *applied = NULL;
	char position[MC_GTID_MAX], needed[MC_GTID_MAX];
	int r = mc_database_position(database, call, MC_GTID_WRITTEN, &written, error);

	if (r == 0)
		r = mc_database_position(database, call, MC_GTID_APPLIED, &applied, error);
	if (r < 0)
		return r;
	r = mc_gtid_merge(applied, written, position);
	if (r == 0)
		r = mc_gtid_within(position, at_master ? at_master : position, needed);
	if (r == 0 && at_master)
		r = mc_gtid_cut(position, at_master, position);
	if (r < 0)
		return mc_error_set(
			error, EIO, "the database's positions make no sense: %.100s, %.100s", written, applied);
	return mc_gtid_covers(applied, needed) == 1 ? 0 : set_applied(database, call, position, error);
}

int mc_database_demote(
	struct mc_database *database, struct mc_call *call, const char *at_master, struct mc_error *error)
{
	return demote(database, call, at_master, error);
}

int mc_database_replica_act(
	struct mc_database *database, struct mc_call *call, enum mc_replica_action action, struct mc_error *error)
{
	static const char *const start[] = {"START SLAVE", NULL}, *const stop[] = {"STOP SLAVE", NULL};
	static const char *const reconnect[] = {"STOP SLAVE IO_THREAD", "START SLAVE IO_THREAD", NULL};
	static const char *const forget[] = {
		"STOP SLAVE", "RESET SLAVE ALL", "RESET MASTER", "SET GLOBAL gtid_slave_pos = ''", NULL};
	static const char *const shut[] = {
		"SET sql_log_bin = 0", "ALTER USER keystone@'%' ACCOUNT LOCK", "KILL CONNECTION USER keystone", NULL};
	static const char *const open[] = {"SET sql_log_bin = 0", "ALTER USER keystone@'%' ACCOUNT UNLOCK", NULL};
	/* By way of a variable: while it sets this one, the server can't read another, and stands still for ever. */
	static const char *const adopt[] = {
		"SET @position = @@GLOBAL.gtid_slave_pos", "SET GLOBAL gtid_binlog_state = @position", NULL};
	static const char *const deafen[] = {"STOP SLAVE IO_THREAD", NULL};
	static const char *const leave[] = {"STOP SLAVE", "RESET SLAVE ALL", NULL};
	static const char *const *const lists[] = {[MC_REPLICA_START] = start,
		[MC_REPLICA_STOP] = stop,
		[MC_REPLICA_RECONNECT] = reconnect,
		[MC_REPLICA_SHUT] = shut,
		[MC_REPLICA_OPEN] = open,
		[MC_REPLICA_FORGET] = forget,
		[MC_REPLICA_ADOPT] = adopt,
		[MC_REPLICA_DEAFEN] = deafen,
		[MC_REPLICA_LEAVE] = leave};

	if (action == MC_REPLICA_DEMOTE)
		return demote(database, call, NULL, error);
	return run_all(database, call, lists[action], error);
}

int mc_database_fence(struct mc_database *database, struct mc_call *call, struct mc_error *error)
{
	/* https://mariadb.com/kb/en/server-system-variables/#read_only: it waits for commits that have begun. */
	static const char *const fence[] = {"SET SESSION lock_wait_timeout = 3", "SET GLOBAL read_only = ON",
		"KILL CONNECTION USER keystone", NULL};

	return run_all(database, call, fence, error);
}

int mc_database_unfence(struct mc_database *database, struct mc_call *call, struct mc_error *error)
{
	return mc_database_run(database, call, "SET GLOBAL read_only = OFF", error);
}

int mc_database_is_fenced(struct mc_database *database, struct mc_call *call, struct mc_error *error)
{
	unsigned long on = 0;
	int r = mc_database_query(database, call, "SELECT @@GLOBAL.read_only", NULL, &on, error);

	return r ? r : (int)on;
}

#define AWAIT_PAUSE_MS 10

static int is_applied(struct mc_database *database, struct mc_call *call, const char *position, struct mc_error *error)
{
	MC_CLEANUP(database_table) struct mc_database_table table = {0};
	int r = mc_database_ask(database, call, "SELECT @@GLOBAL.gtid_current_pos", &table, error);

	return r ? r : mc_gtid_covers(table.n_rows && table.cells[0] ? table.cells[0] : "", position) == 1;
}

/* By asking: who waits in the server by MASTER_GTID_WAIT() while gtid_slave_pos is set holds what that frees, and the
 * server aborts, or goes on with a position that never was. */
int mc_database_await(struct mc_database *database, struct mc_call *call, const char *position, unsigned seconds,
	struct mc_error *error)
{
	int64_t until = mc_now_ms() + 1000 * (int64_t)seconds;
	int r, pause = 1;

	while ((r = is_applied(database, call, position, error)) == 0 && mc_now_ms() < until) {
		r = mc_call_pause(call, pause);
		if (r < 0)
			return mc_error_errno(error, -r, "broken off while waiting for a position");
		pause += pause < AWAIT_PAUSE_MS;
	}
	return r;
}

int mc_database_set_semisync(
	struct mc_database *database, struct mc_call *call, bool is_master, bool on, struct mc_error *error)
{
	/* A commit that waits goes on waiting, however long: one that gave up would be acknowledged without being
	 * anywhere else. In milliseconds; this is 7 weeks. */
	static const char *const master_on[] = {"SET GLOBAL rpl_semi_sync_master_timeout = 4294967295",
		"SET GLOBAL rpl_semi_sync_master_wait_point = 'AFTER_SYNC'",
		"SET GLOBAL rpl_semi_sync_master_enabled = ON", NULL};
	static const char *const master_off[] = {"SET GLOBAL rpl_semi_sync_master_enabled = OFF", NULL};
	/* what is acknowledged is on the disk, also in a database that was made with another configuration */
	static const char *const slave_on[] = {
		"SET GLOBAL sync_relay_log = 1", "SET GLOBAL rpl_semi_sync_slave_enabled = ON", NULL};
	static const char *const slave_off[] = {"SET GLOBAL rpl_semi_sync_slave_enabled = OFF", NULL};

	if (is_master)
		return run_all(database, call, on ? master_on : master_off, error);
	return run_all(database, call, on ? slave_on : slave_off, error);
}

int mc_database_semisync(struct mc_database *database, struct mc_call *call, bool is_master, struct mc_error *error)
{
	unsigned long on = 0;
	int r = mc_database_query(database, call,
		is_master ? "SELECT @@GLOBAL.rpl_semi_sync_master_enabled"
			  : "SELECT @@GLOBAL.rpl_semi_sync_slave_enabled",
		NULL, &on, error);

	return r ? r : (int)on;
}

int mc_database_acknowledges(struct mc_database *database, struct mc_call *call, struct mc_error *error)
{
	unsigned long on = 0;
	int r = mc_database_query(database, call,
		"SELECT VARIABLE_VALUE = 'ON' FROM information_schema.GLOBAL_STATUS "
		"WHERE VARIABLE_NAME = 'RPL_SEMI_SYNC_SLAVE_STATUS'",
		NULL, &on, error);

	return r ? r : on == 1;
}

int mc_database_acknowledging(
	struct mc_database *database, struct mc_call *call, unsigned long *ret_slaves, struct mc_error *error)
{
	return mc_database_query(database, call,
		"SELECT CAST(VARIABLE_VALUE AS UNSIGNED) FROM information_schema.GLOBAL_STATUS "
		"WHERE VARIABLE_NAME = 'RPL_SEMI_SYNC_MASTER_CLIENTS'",
		NULL, ret_slaves, error);
}

static int count_commits(
	struct mc_database *database, struct mc_call *call, uint64_t *ret_commits, struct mc_error *error)
{
	unsigned long commits = 0;
	int r = mc_database_query(database, call,
		"SELECT CAST(VARIABLE_VALUE AS UNSIGNED) FROM information_schema.GLOBAL_STATUS "
		"WHERE VARIABLE_NAME = 'BINLOG_COMMITS'",
		NULL, &commits, error);

	*ret_commits = commits;
	return r;
}

int mc_database_count_log(
	struct mc_database *database, struct mc_call *call, struct mc_log_count *ret_count, struct mc_error *error)
{
	MC_CLEANUP(free_pointer) char *position = NULL;
	int r = count_commits(database, call, &ret_count->commits_before, error);

	if (r == 0)
		r = mc_database_position(database, call, MC_GTID_WRITTEN, &position, error);
	if (r == 0 && mc_gtid_total(position, &ret_count->numbers) < 0)
		r = mc_error_set(error, EIO, "the database says %.64s, which is no position", position);
	return r ? r : count_commits(database, call, &ret_count->commits_after, error);
}

int mc_database_drop_region(
	struct mc_database *database, struct mc_call *call, const char *region, struct mc_error *error)
{
	static const char endpoints[] = "DELETE FROM keystone.endpoint WHERE region_id = ?";
	static const char itself[] = "DELETE FROM keystone.region WHERE id = ?";
	const char *const texts[] = {region, NULL};
	unsigned long n;
	int r = mc_database_query(database, call, endpoints, texts, &n, error);

	if (r == 0)
		r = mc_database_query(database, call, itself, texts, &n, error);
	return r ? r : mc_database_renew_cache(database, call, error);
}
