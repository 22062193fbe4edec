/* SPDX-License-Identifier: MIT */
#include "backends/database/query.h"

#include "mcloud/lock.h"

#include <errmsg.h>
#include <mysql.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* MariaDB by its own client library, in the non-blocking way, so that a call's deadline and its asker's going away
 * count at every step. https://mariadb.com/kb/en/using-the-non-blocking-library/ */

struct mc_database {
	char *service, *host, *user, *password; /* constant */
	char *ca_pem;                           /* likewise; NULL: without TLS */
	unsigned short port;
	struct mc_journal *journal;
	mc_mutex lock; /* one statement at a time; held across it, and of nobody else's interest */
	MYSQL *mysql;  /* NULL: not connected */
};

struct mc_database *mc_database_new(const struct mc_database_options *options)
{
	struct mc_database *database = calloc(1, sizeof(*database));
	bool failed = false;

	if (!database)
		return NULL;
	database->service = strdup(options->service);
	database->host = strdup(options->host);
	database->user = strdup(options->user ? options->user : "root");
	database->password = strdup(options->password);
	database->ca_pem = mc_copy_text(options->ca_pem, &failed);
	database->port = options->port;
	database->journal = options->journal;
	pthread_mutex_init(&database->lock, NULL);
	if (failed) { /* it would be taken for one without TLS */
		mc_database_free(database);
		return NULL;
	}
	return database;
}

void mc_database_free(struct mc_database *database)
{
	if (!database)
		return;
	if (database->mysql)
		mysql_close(database->mysql);
	free(database->service);
	free(database->host);
	free(database->user);
	free(database->ca_pem);
	mc_free_secret(database->password);
	pthread_mutex_destroy(&database->lock);
	free(database);
}

/* Waits for what the library waits for; gives what has come, or -errno. */
static int await_socket(MYSQL *mysql, struct mc_call *call, int status)
{
	struct pollfd fds[2] = {{.fd = mysql_get_socket(mysql)}, {.fd = mc_call_fd(call), .events = POLLIN}};
	int r, ms = mc_call_remaining_ms(call), came = 0;

	fds[0].events = (short)((status & MYSQL_WAIT_READ ? POLLIN : 0) | (status & MYSQL_WAIT_WRITE ? POLLOUT : 0) |
				(status & MYSQL_WAIT_EXCEPT ? POLLPRI : 0));
	r = poll(fds, 2, ms);
	if (r < 0 && errno != EINTR)
		return -errno;
	r = mc_call_check(call);
	if (r < 0)
		return r;
	if (fds[0].revents & (POLLIN | POLLHUP | POLLERR))
		came |= MYSQL_WAIT_READ;
	if (fds[0].revents & POLLOUT)
		came |= MYSQL_WAIT_WRITE;
	if (fds[0].revents & POLLPRI)
		came |= MYSQL_WAIT_EXCEPT;
	return came & status ? came & status : status & MYSQL_WAIT_TIMEOUT;
}

/* Drives START and CONT of the library to their end: `result` is the operation's own. */
#define DRIVE(mysql, call, result, start, cont)                                                                        \
	(__extension__({                                                                                               \
		int status_ = (start), r_ = 0;                                                                         \
		while (status_ && r_ >= 0) {                                                                           \
			r_ = await_socket((mysql), (call), status_);                                                   \
			if (r_ >= 0) {                                                                                 \
				int came_ = r_;                                                                        \
				status_ = (cont);                                                                      \
			}                                                                                              \
		}                                                                                                      \
		r_ < 0 ? r_ : 0;                                                                                       \
	}))

static int errno_of(unsigned code)
{
	switch (code) {
	case 1045: /* ER_ACCESS_DENIED_ERROR */
	case 1044: /* ER_DBACCESS_DENIED_ERROR */
		return EACCES;
	case 2002: /* CR_CONNECTION_ERROR */
	case 2003: /* CR_CONN_HOST_ERROR */
	case 2006: /* CR_SERVER_GONE_ERROR */
	case 2013: /* CR_SERVER_LOST */
	case 2012: /* CR_SERVER_HANDSHAKE_ERR: a proxy holds the port while the server is not there yet */
		return ECONNREFUSED;
	case 1290: /* ER_OPTION_PREVENTS_STATEMENT: it is read-only */
	case 1205: /* ER_LOCK_WAIT_TIMEOUT */
		return EBUSY;
	case 1021: /* ER_DISK_FULL */
		return ENOSPC;
	default:
		return EIO;
	}
}

static int fail_query(struct mc_database *database, int r, unsigned code, const char *text, struct mc_error *error)
{
	int result = r < 0 ? r : -errno_of(code);

	if (r < 0)
		mc_error_errno(error, -r, "%s", database->service);
	else if (code == CR_SSL_CONNECTION_ERROR)
		mc_error_set(error, -result,
			"%s shows no certificate of this cloud's (%.120s): `echo repair > regions/REGION/ctl` puts it "
			"right",
			database->service, text);
	else
		mc_error_set(error, -result, "%s: %s (%u)", database->service, text, code);
	if (error)
		snprintf(error->service, sizeof(error->service), "%s", database->service);
	return result;
}

static void disconnect(struct mc_database *database)
{
	if (database->mysql)
		mysql_close(database->mysql);
	database->mysql = NULL;
}

/* How long the library may wait by itself for the server's part of a handshake, which is short: for that it leaves the
 * non-blocking way. */
#define HANDSHAKE_SECONDS 5

/* In whole seconds, as the library takes it; the call's deadline may be nearer. */
static unsigned handshake_seconds(const struct mc_call *call)
{
	int left = mc_call_remaining_ms(call);

	return left < 0 || left > HANDSHAKE_SECONDS * 1000 ? HANDSHAKE_SECONDS : (unsigned)left / 1000 + 1;
}

/* Nothing is said, the login least of all, before the server has shown that it is the one. CA_FILE has to be there
 * until it has. */
static int demand_tls(MYSQL *mysql, const char *ca_file, unsigned seconds)
{
	my_bool on = 1;

	return mysql_options(mysql, MYSQL_OPT_CONNECT_TIMEOUT, &seconds) ||
	       mysql_options(mysql, MYSQL_OPT_SSL_CA, ca_file) || mysql_options(mysql, MYSQL_OPT_SSL_ENFORCE, &on) ||
	       mysql_options(mysql, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &on) ||
	       mysql_options(mysql, MARIADB_OPT_TLS_VERSION, "TLSv1.2,TLSv1.3");
}

/* *RET_FILE: the descriptor of a file that the library reads while it connects; negative: there is none. */
static int prepare(
	const struct mc_database *database, MYSQL *mysql, struct mc_call *call, int *ret_file, struct mc_error *error)
{
	char path[MC_TEXT_FILE_PATH];

	*ret_file = -1;
	mysql_options(mysql, MYSQL_OPT_NONBLOCK, NULL);
	mysql_options(mysql, MYSQL_SET_CHARSET_NAME, "utf8mb4");
	if (!database->ca_pem)
		return 0;
	*ret_file = mc_text_file(database->ca_pem, path);
	if (*ret_file < 0)
		return mc_error_errno(error, -*ret_file, "%s", database->service);
	return demand_tls(mysql, path, handshake_seconds(call)) ? mc_error_set(error, ENOMEM, "out of memory") : 0;
}

static int connect_once(struct mc_database *database, struct mc_call *call, struct mc_error *error)
{
	MYSQL *mysql = mysql_init(NULL), *connected = NULL;
	int64_t begun = mc_now_ms(), patience = (int64_t)handshake_seconds(call) * 1000;
	int r, file;

	if (!mysql)
		return mc_error_set(error, ENOMEM, "out of memory");
	r = prepare(database, mysql, call, &file, error);
	if (r < 0) {
		mysql_close(mysql);
		if (file >= 0)
			close(file);
		return r;
	}
	r = DRIVE(mysql, call, connected,
		mysql_real_connect_start(&connected, mysql, database->host, database->user, database->password, NULL,
			database->port, NULL, 0),
		mysql_real_connect_cont(&connected, mysql, came_));
	if (file >= 0)
		close(file);
	if (r < 0 || !connected) {
		if (r == 0 && mysql_errno(mysql) == CR_SSL_CONNECTION_ERROR && mc_now_ms() - begun >= patience)
			r = -ETIMEDOUT;
		r = fail_query(database, r, mysql_errno(mysql), mysql_error(mysql), error);
		mysql_close(mysql);
		return r;
	}
	database->mysql = mysql;
	return 0;
}

/* Prepares, binds TEXTS, runs; then *RET_NUMBER is the first column of the first row, or, where there are no rows, how
 * many were changed. */
static int run_statement(struct mc_database *database, struct mc_call *call, MYSQL_STMT *statement, const char *sql,
	MYSQL_BIND *binds, unsigned long *ret_number, struct mc_error *error)
{
	MYSQL *mysql = database->mysql;
	unsigned long long number = 0;
	MYSQL_BIND column = {.buffer_type = MYSQL_TYPE_LONGLONG, .buffer = &number, .is_unsigned = 1};
	int failed = 0;
	int r = DRIVE(mysql, call, failed, mysql_stmt_prepare_start(&failed, statement, sql, strlen(sql)),
		mysql_stmt_prepare_cont(&failed, statement, came_));

	if (r == 0 && !failed && binds)
		failed = mysql_stmt_bind_param(statement, binds) != 0;
	if (r == 0 && !failed)
		r = DRIVE(mysql, call, failed, mysql_stmt_execute_start(&failed, statement),
			mysql_stmt_execute_cont(&failed, statement, came_));
	if (r == 0 && !failed && mysql_stmt_field_count(statement)) {
		failed = mysql_stmt_bind_result(statement, &column) != 0;
		if (!failed)
			r = DRIVE(mysql, call, failed, mysql_stmt_store_result_start(&failed, statement),
				mysql_stmt_store_result_cont(&failed, statement, came_));
		if (r == 0 && !failed)
			failed = mysql_stmt_fetch(statement);
	} else if (r == 0 && !failed) {
		number = mysql_stmt_affected_rows(statement);
	}
	if (r < 0 || failed)
		return fail_query(database, r, mysql_stmt_errno(statement), mysql_stmt_error(statement), error);
	*ret_number = (unsigned long)number;
	return 0;
}

int mc_database_query(struct mc_database *database, struct mc_call *call, const char *sql, const char *const *texts,
	unsigned long *ret_number, struct mc_error *error)
{
	MYSQL_BIND binds[MC_DATABASE_TEXTS] = {0};
	MYSQL_STMT *statement;
	int64_t begun = mc_now_ms();
	int r = 0;

	for (size_t i = 0; texts && texts[i] && i < MC_COUNT(binds); i++)
		binds[i] = (MYSQL_BIND){.buffer_type = MYSQL_TYPE_STRING,
			.buffer = (void *)(uintptr_t)texts[i],
			.buffer_length = strlen(texts[i])};
	MC_LOCKED(&database->lock) {
		if (!database->mysql)
			r = connect_once(database, call, error);
		if (r == 0) {
			statement = mysql_stmt_init(database->mysql);
			r = statement ? run_statement(
						database, call, statement, sql, texts ? binds : NULL, ret_number, error)
				      : mc_error_set(error, ENOMEM, "out of memory");
			if (r < 0)
				disconnect(database); /* which leaves the statement without a connection, to be closed
							 alone */
			if (statement)
				mysql_stmt_close(statement);
		}
	}
	if (database->journal)
		mc_journal_add(database->journal, database->service, sql, r, (double)(mc_now_ms() - begun));
	return r;
}

/* Takes over what RESULT holds. */
static int copy_table(MYSQL_RES *result, struct mc_database_table *table)
{
	const MYSQL_FIELD *fields = mysql_fetch_fields(result);
	size_t rows = mysql_num_rows(result), columns = mysql_num_fields(result);
	MYSQL_ROW row;

	if (rows > MC_DATABASE_ROWS)
		return -EFBIG;
	table->names = calloc(columns, sizeof(char *));
	table->cells = calloc(rows * columns + 1, sizeof(char *));
	if (!table->names || !table->cells)
		return -ENOMEM;
	table->n_columns = columns;
	for (size_t c = 0; c < columns; c++)
		if (!(table->names[c] = strdup(fields[c].name)))
			return -ENOMEM;
	while ((row = mysql_fetch_row(result))) {
		char **cells = table->cells + table->n_rows++ * columns;

		for (size_t c = 0; c < columns; c++)
			if (row[c] && !(cells[c] = strdup(row[c])))
				return -ENOMEM;
	}
	return 0;
}

static int run_text(struct mc_database *database, struct mc_call *call, const char *sql,
	struct mc_database_table *ret_table, struct mc_error *error)
{
	MYSQL *mysql = database->mysql;
	MYSQL_RES *result = NULL;
	int failed = 0;
	int r = DRIVE(mysql, call, failed, mysql_real_query_start(&failed, mysql, sql, strlen(sql)),
		mysql_real_query_cont(&failed, mysql, came_));

	if (r == 0 && !failed && mysql_field_count(mysql)) {
		r = DRIVE(mysql, call, result, mysql_store_result_start(&result, mysql),
			mysql_store_result_cont(&result, mysql, came_));
		failed = r == 0 && !result;
	}
	if (r < 0 || failed)
		return fail_query(database, r, mysql_errno(mysql), mysql_error(mysql), error);
	r = result ? copy_table(result, ret_table) : 0;
	mysql_free_result(result);
	return r ? mc_error_errno(error, -r, "%s", database->service) : 0;
}

int mc_database_ask(struct mc_database *database, struct mc_call *call, const char *sql,
	struct mc_database_table *ret_table, struct mc_error *error)
{
	int r = 0;

	memset(ret_table, 0, sizeof(*ret_table));
	MC_LOCKED(&database->lock) {
		if (!database->mysql)
			r = connect_once(database, call, error);
		if (r == 0) {
			r = run_text(database, call, sql, ret_table, error);
			if (r < 0)
				disconnect(database);
		}
	}
	if (r < 0)
		mc_database_table_clear(ret_table);
	return r;
}

int mc_database_rows(struct mc_database *database, struct mc_call *call, const char *sql,
	struct mc_database_table *ret_table, struct mc_error *error)
{
	int64_t begun = mc_now_ms();
	int r = mc_database_ask(database, call, sql, ret_table, error);

	if (database->journal)
		mc_journal_add(database->journal, database->service, sql, r, (double)(mc_now_ms() - begun));
	return r;
}

int mc_database_run(struct mc_database *database, struct mc_call *call, const char *sql, struct mc_error *error)
{
	MC_CLEANUP(database_table) struct mc_database_table table = {0};

	return mc_database_rows(database, call, sql, &table, error);
}

void mc_database_table_clear(struct mc_database_table *table)
{
	for (size_t i = 0; table->names && i < table->n_columns; i++)
		free(table->names[i]);
	for (size_t i = 0; table->cells && i < table->n_rows * table->n_columns; i++)
		free(table->cells[i]);
	free(table->names);
	free(table->cells);
	memset(table, 0, sizeof(*table));
}

const char *mc_database_cell(const struct mc_database_table *table, size_t row, const char *name)
{
	for (size_t c = 0; c < table->n_columns && row < table->n_rows; c++)
		if (!strcasecmp(table->names[c], name))
			return table->cells[row * table->n_columns + c];
	return NULL;
}
