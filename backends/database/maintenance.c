/* SPDX-License-Identifier: MIT */
#include "mcloud/replica.h"

#include "backends/database/query.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Whether what a database has written by itself is maintenance, which changes no row: statements that tools send, or
 * people by hand, and that the server writes into its binary log like a change (FLUSH, OPTIMIZE TABLE). The log is read
 * for that. In a slave nobody waits for it: there, commits wait for nobody. */

#define EVENTS_AT_ONCE 2000

static const char *skip_blanks(const char *text)
{
	while (isspace((unsigned char)*text))
		text++;
	return text;
}

/* Behind WORD and the blanks after it, or NULL. */
static const char *behind(const char *text, const char *word)
{
	size_t length = strlen(word);

	if (strncasecmp(text, word, length) != 0 || isalnum((unsigned char)text[length]) || text[length] == '_')
		return NULL;
	return skip_blanks(text + length);
}

/* Behind "use `keystone`; ", with which the log's statements begin. */
static const char *behind_use(const char *text)
{
	const char *name = behind(text, "use"), *end;

	if (!name || *name != '`')
		return text;
	for (end = name + 1; *end && (*end != '`' || end[1] == '`'); end += *end == '`' ? 2 : 1)
		;
	return *end && end[1] == ';' ? skip_blanks(end + 2) : text;
}

bool mc_statement_is_maintenance(const char *statement)
{
	/* ANALYZE UPDATE … updates */
	static const char *const of_tables[] = {"ANALYZE", "CHECK", "OPTIMIZE", "REPAIR"};
	const char *text = behind_use(skip_blanks(statement));

	if (behind(text, "FLUSH"))
		return true;
	for (size_t i = 0; i < MC_COUNT(of_tables); i++) {
		const char *rest = behind(text, of_tables[i]);

		if (rest && (behind(rest, "TABLE") || behind(rest, "TABLES")))
			return true;
	}
	return false;
}

/* Of one server's own transactions from behind KNOWN on. */
struct review {
	unsigned domain;
	const char *known;
	bool is_ours;  /* the transaction that is being read is one of them */
	bool has_rows; /* one of them is more than maintenance */
};

static void begin_transaction(struct review *review, const char *info)
{
	char gtid[64], own[MC_GTID_MAX];
	const char *at = strstr(info, "GTID ");
	size_t length = at ? strspn(at + strlen("GTID "), "0123456789-") : 0;

	review->is_ours = false;
	if (!length || length >= sizeof(gtid))
		return;
	memcpy(gtid, at + strlen("GTID "), length);
	gtid[length] = '\0';
	if (mc_gtid_of(gtid, review->domain, own) < 0 || mc_gtid_covers(review->known, own) == 1)
		return;
	review->is_ours = true;
	/* what begins is of more than a statement */
	review->has_rows |= !strncmp(info, "BEGIN", strlen("BEGIN"));
}

void mc_binlog_review(
	const struct mc_database_table *events, unsigned domain, const char *known, bool *is_ours, bool *has_rows)
{
	struct review review = {domain, known, *is_ours, *has_rows};

	for (size_t i = 0; i < events->n_rows; i++) {
		const char *type = mc_database_cell(events, i, "Event_type");
		const char *info = mc_database_cell(events, i, "Info");

		if (!type || !info)
			continue;
		if (!strcmp(type, "Gtid"))
			begin_transaction(&review, info);
		else if (review.is_ours && !strcmp(type, "Query"))
			review.has_rows |= !mc_statement_is_maintenance(info);
		else if (review.is_ours && strstr(type, "rows"))
			review.has_rows = true;
	}
	*is_ours = review.is_ours;
	*has_rows = review.has_rows;
}

/* Session variables: @log is the file with that number then. Its head's position to HEAD; -ENOENT: there is none. */
static int open_log(struct mc_database *database, struct mc_call *call, unsigned long number, char head[MC_GTID_MAX],
	struct mc_error *error)
{
	static const char name[] = "SET @log = CONCAT(SUBSTRING_INDEX((SELECT VARIABLE_VALUE FROM "
				   "information_schema.GLOBAL_STATUS WHERE VARIABLE_NAME = 'BINLOG_SNAPSHOT_FILE'), "
				   "'.', 1), '.', LPAD(?, 6, '0'))";
	MC_CLEANUP(database_table) struct mc_database_table table = {0};
	char digits[24];
	unsigned long n = 0;

	snprintf(digits, sizeof(digits), "%lu", number);
	int r = mc_database_query(database, call, name, (const char *const[]){digits, NULL}, &n, error);
	if (r == 0)
		r = mc_database_ask(database, call, "SELECT BINLOG_GTID_POS(@log, 4)", &table, error);
	if (r < 0)
		return r;
	if (!table.n_rows || !table.cells[0])
		return -ENOENT;
	return snprintf(head, MC_GTID_MAX, "%s", table.cells[0]) < MC_GTID_MAX ? 0 : -EIO;
}

/* Reads the file @log on from *FROM, a page; 1: there may be more. */
static int read_page(struct mc_database *database, struct mc_call *call, unsigned long *from, struct review *review,
	struct mc_error *error)
{
	static const char build[] =
		"SET @statement = CONCAT('SHOW BINLOG EVENTS IN ', QUOTE(@log), ' FROM ', CAST(? AS "
		"UNSIGNED), ' LIMIT ', CAST(? AS UNSIGNED))";
	MC_CLEANUP(database_table) struct mc_database_table table = {0};
	char at[24], most[24];
	unsigned long n = 0;

	snprintf(at, sizeof(at), "%lu", *from);
	snprintf(most, sizeof(most), "%d", EVENTS_AT_ONCE);
	int r = mc_database_query(database, call, build, (const char *const[]){at, most, NULL}, &n, error);
	if (r == 0)
		r = mc_database_ask(database, call, "EXECUTE IMMEDIATE @statement", &table, error);
	if (r < 0 || !table.n_rows)
		return r;
	mc_binlog_review(&table, review->domain, review->known, &review->is_ours, &review->has_rows);
	const char *end = mc_database_cell(&table, table.n_rows - 1, "End_log_pos");
	*from = end ? strtoul(end, NULL, 10) : 0;
	return *from && table.n_rows == EVENTS_AT_ONCE;
}

static int read_log(struct mc_database *database, struct mc_call *call, struct review *review, struct mc_error *error)
{
	unsigned long from = 4;
	int r = 1;

	while (r == 1 && !review->has_rows)
		r = read_page(database, call, &from, review, error);
	return r < 0 ? r : 0;
}

int mc_database_maintenance(struct mc_database *database, struct mc_call *call, unsigned domain, const char *known,
	bool *ret_is_maintenance, struct mc_error *error)
{
	static const char newest[] =
		"SELECT CAST(SUBSTRING_INDEX((SELECT VARIABLE_VALUE FROM information_schema.GLOBAL_STATUS WHERE "
		"VARIABLE_NAME = 'BINLOG_SNAPSHOT_FILE'), '.', -1) AS UNSIGNED)";
	struct review review = {.domain = domain, .known = known};
	unsigned long last = 0, first;
	char head[MC_GTID_MAX], own[MC_GTID_MAX];
	int r = mc_database_query(database, call, newest, NULL, &last, error);

	*ret_is_maintenance = false;
	for (first = last; r == 0 && first > 0; first--) {
		r = open_log(database, call, first, head, error);
		if (r == 0 && mc_gtid_of(head, domain, own) == 0 && mc_gtid_covers(known, own) == 1)
			break;
	}
	if (r == -ENOENT || (r == 0 && first == 0))
		return 0; /* it isn't all there any more, so nobody can say */
	for (unsigned long number = first; r == 0 && number <= last && !review.has_rows; number++) {
		r = open_log(database, call, number, head, error);
		if (r == 0)
			r = read_log(database, call, &review, error);
	}
	*ret_is_maintenance = r == 0 && !review.has_rows;
	return r;
}
