/* SPDX-License-Identifier: MIT */
#include "fs/records.h"

#include "fs/names.h"
#include "fs/nearest.h"
#include "mcloud/buffer.h"
#include "mcloud/util.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

enum form { FORM_UNKNOWN, FORM_CSV, FORM_JSON };

/* Where in a row of CSV the next byte stands. */
enum place {
	AT_FIELD, /* the first of a field */
	IN_PLAIN, /* in one without quotes */
	IN_QUOTES,
	AT_QUOTE /* behind a quote in quotes: it ends them, or another one makes one of the two */
};

struct mc_records {
	const char *what, *const *fields;
	enum form form;
	bool spoilt;
	bool given, ended; /* the row, and the text: the next call forgets them */
	unsigned mark;     /* bytes of the byte order mark so far */
	enum place place;
	unsigned long line, begun; /* that is being read; where the row began */
	size_t columns;            /* of CSV; 0: the header hasn't come */
	unsigned column[MC_RECORD_FIELDS];
	cJSON *object; /* of the last record */
	bool too_long;
	size_t size, header_size; /* of what is below */
	char row[MC_RECORD_LIMIT + 1], header[MC_RECORD_LIMIT];
};

static const char byte_order_mark[] = {'\xef', '\xbb', '\xbf'};

static void begin_text(struct mc_records *records)
{
	records->form = FORM_UNKNOWN;
	records->spoilt = records->ended = false;
	records->mark = 0;
	records->place = AT_FIELD;
	records->line = records->begun = 1;
	records->columns = records->header_size = 0;
}

struct mc_records *mc_records_new(const char *what, const char *const *fields)
{
	struct mc_records *records = calloc(1, sizeof(*records));

	if (!records)
		return NULL;
	records->what = what;
	records->fields = fields;
	begin_text(records);
	return records;
}

static void forget_row(struct mc_records *records)
{
	/* There may be passwords in it. */
	explicit_bzero(records->row, records->size + 1);
	records->size = 0;
	records->too_long = records->given = false;
	mc_wipe_json(records->object);
	cJSON_Delete(records->object);
	records->object = NULL;
}

void mc_records_free(struct mc_records *records)
{
	if (!records)
		return;
	forget_row(records);
	explicit_bzero(records->header, records->header_size);
	free(records);
}

void mc_records_drop(struct mc_records *records)
{
	forget_row(records);
	explicit_bzero(records->header, records->header_size);
	begin_text(records);
}

/* Before another call does anything. */
static void forget_given(struct mc_records *records)
{
	if (records->ended)
		mc_records_drop(records);
	else if (records->given)
		forget_row(records);
}

bool mc_records_spoilt(const struct mc_records *records)
{
	return records->spoilt && !records->ended;
}

/* "field 2 of the first row is none that users have (name, email): did you mean email?" */
static int refuse_field(
	const struct mc_records *records, const char *word, unsigned long column, struct mc_error *error)
{
	struct mc_nearest nearest = mc_nearest_begin(word, strlen(word));
	MC_CLEANUP(buffer) struct mc_buffer text = {0};

	for (const char *const *field = records->fields; *field; field++)
		mc_nearest_try(&nearest, *field, strlen(*field));
	/* Where there is no header, this is a record, and the word perhaps a password. */
	if (column)
		mc_buffer_printf(&text, "field %lu of the first row", column);
	else
		mc_buffer_text(&text, "a field");
	mc_buffer_printf(&text, " is none that %s have (", records->what);
	for (const char *const *field = records->fields; *field; field++)
		mc_buffer_printf(&text, "%s%s", field == records->fields ? "" : ", ", *field);
	mc_buffer_text(&text, nearest.name ? "): did you mean " : "): take one of these");
	if (nearest.name)
		mc_buffer_printf(&text, "%s?", nearest.name);
	return mc_error_set(error, EINVAL, "%s", text.data ? text.data : "a field is none that there is");
}

/* The index of the field called NAME; -1: there is none. */
static int field_index(const struct mc_records *records, const char *name)
{
	for (int i = 0; records->fields[i]; i++)
		if (!strcmp(records->fields[i], name))
			return i;
	return -1;
}

struct csv_field {
	char *text;
	bool quoted;
};

/* Takes a field off *AT, which ends with NUL or a comma; the quotes are taken away where they stand. false: its quotes
 * are wrong. */
static bool take_field(char **at, struct csv_field *field)
{
	char *from = *at, *to = from;

	*field = (struct csv_field){from, *from == '"'};
	if (field->quoted) {
		for (from++; *from && (*from != '"' || from[1] == '"'); from++) {
			*to++ = *from;
			from += *from == '"';
		}
		if (*from++ != '"' || (*from && *from != ','))
			return false;
	} else {
		while (*from && *from != ',' && *from != '"')
			*to++ = *from++;
		if (*from == '"')
			return false;
	}
	*at = *from ? from + 1 : NULL;
	*to = '\0';
	return true;
}

/* The fields of the row, FIELDS has room for MC_RECORD_FIELDS: how many there are, also where there are more; -1: the
 * quotes of one are wrong. */
static int split_row(char *row, struct csv_field *fields)
{
	char *at = row;
	int count = 0;

	while (at) {
		struct csv_field field;
		if (!take_field(&at, &field))
			return -1;
		if (count < MC_RECORD_FIELDS)
			fields[count] = field;
		count++;
	}
	return count;
}

static const char wrong_quotes[] =
	"a quote stands within a field, or isn't closed: quote the whole field, and double the quotes in it";

static int take_header(struct mc_records *records, struct mc_error *error)
{
	struct csv_field fields[MC_RECORD_FIELDS];
	unsigned seen = 0;

	memcpy(records->header, records->row, records->size);
	records->header_size = records->size;
	int count = split_row(records->row, fields);
	if (count < 0)
		return mc_error_set(error, EINVAL, "%s", wrong_quotes);
	for (int i = 0; i < count && i < MC_RECORD_FIELDS; i++) {
		int index = field_index(records, fields[i].text);
		if (index < 0)
			return refuse_field(records, fields[i].text, (unsigned long)i + 1, error);
		if (seen & 1u << index)
			return mc_error_set(
				error, EINVAL, "the first row names %s twice: once is enough", records->fields[index]);
		seen |= 1u << index;
		records->column[i] = (unsigned)index;
	}
	if (!(seen & 1) || count > MC_RECORD_FIELDS)
		return mc_error_set(error, EINVAL, "the first row doesn't name the field %s: it has to name the fields",
			records->fields[0]);
	records->columns = (size_t)count;
	return 0;
}

static int take_csv(struct mc_records *records, struct mc_record *record, struct mc_error *error)
{
	struct csv_field fields[MC_RECORD_FIELDS];

	/* Files that were put one behind the other bring their headers. */
	if (records->size == records->header_size && !memcmp(records->row, records->header, records->size))
		return 0;
	int count = split_row(records->row, fields);
	if (count < 0)
		return mc_error_set(error, EINVAL, "%s", wrong_quotes);
	if ((size_t)count != records->columns)
		return mc_error_set(error, EINVAL,
			"it has %d fields, and the first row %zu: put a field with a comma in it in quotes", count,
			records->columns);
	for (size_t i = 0; i < records->columns; i++)
		if (*fields[i].text || fields[i].quoted)
			record->values[records->column[i]] = fields[i].text;
	return 1;
}

/* Whether the JSON has a NUL in one of its strings: to cJSON that would be their end. */
static bool has_escaped_nul(const char *text)
{
	for (; *text; text++) {
		if (*text != '\\' || !*++text)
			continue;
		if (!strncmp(text, "u0000", 5))
			return true;
	}
	return false;
}

static int take_value(
	const struct mc_records *records, const cJSON *value, struct mc_record *record, struct mc_error *error)
{
	int index = value->string ? field_index(records, value->string) : -1;

	if (index < 0)
		return refuse_field(records, value->string ? value->string : "", 0, error);
	if (record->values[index])
		return mc_error_set(error, EINVAL, "%s is there twice: once is enough", records->fields[index]);
	if (cJSON_IsString(value))
		record->values[index] = value->valuestring;
	else if (cJSON_IsBool(value))
		record->values[index] = cJSON_IsTrue(value) ? "true" : "false";
	else if (!cJSON_IsNull(value))
		return mc_error_set(error, EINVAL, "%s is neither text, true, false nor null: put it in quotes",
			records->fields[index]);
	return 0;
}

static int take_json(struct mc_records *records, struct mc_record *record, struct mc_error *error)
{
	const cJSON *value;
	int result = 0;

	if (has_escaped_nul(records->row))
		return mc_error_set(error, EINVAL, "a text has NUL in it: leave it out");
	records->object = cJSON_ParseWithOpts(records->row, NULL, true);
	if (!cJSON_IsObject(records->object))
		return mc_error_set(error, EINVAL, "it is no JSON object on one line: jq -c writes such lines");
	cJSON_ArrayForEach(value, records->object)
	{
		result = take_value(records, value, record, error);
		if (result < 0)
			return result;
	}
	return 1;
}

static bool is_blank(const char *row)
{
	return row[strspn(row, " \t")] == '\0';
}

/* The row is whole. 1, 0: there is no record in it, or -errno. */
static int take_row(struct mc_records *records, struct mc_record *record, struct mc_error *error)
{
	int result;

	if (records->too_long)
		return mc_error_set(error, E2BIG, "it has more than %d KiB%s", MC_RECORD_LIMIT >> 10,
			records->form == FORM_CSV ? ": perhaps a quote isn't closed" : "");
	if (records->size && records->row[records->size - 1] == '\r')
		records->size--;
	records->row[records->size] = '\0';
	if (strlen(records->row) != records->size)
		return mc_error_set(error, EINVAL, "it has NUL in it: leave it out");
	if (!mc_names_utf8(records->row))
		return mc_error_set(error, EINVAL, "it isn't UTF-8: iconv makes it so");
	if (is_blank(records->row))
		return 0;
	if (records->form == FORM_JSON)
		result = take_json(records, record, error);
	else if (!records->columns)
		return take_header(records, error);
	else
		result = take_csv(records, record, error);
	if (result == 1 && (!record->values[0] || !*record->values[0]))
		return mc_error_set(error, EINVAL, "it has no %s: give it one", records->fields[0]);
	return result;
}

static int end_row(struct mc_records *records, struct mc_record *record, struct mc_error *error)
{
	*record = (struct mc_record){.line = records->begun};
	int result = take_row(records, record, error);

	if (result < 0 && records->form == FORM_CSV && !records->columns)
		records->spoilt = true;
	records->place = AT_FIELD;
	records->given = true;
	return result;
}

static void keep_byte(struct mc_records *records, char byte)
{
	if (records->size < MC_RECORD_LIMIT)
		records->row[records->size++] = byte;
	else
		records->too_long = true;
}

/* Whether the byte ends a row of CSV. */
static bool step_csv(struct mc_records *records, char byte)
{
	switch (records->place) {
	case AT_FIELD:
	case IN_PLAIN:
		if (byte == '"' && records->place == AT_FIELD)
			records->place = IN_QUOTES;
		else
			records->place = byte == ',' ? AT_FIELD : IN_PLAIN;
		return byte == '\n';
	case IN_QUOTES:
		if (byte == '"')
			records->place = AT_QUOTE;
		return false;
	case AT_QUOTE:
		if (byte == '"')
			records->place = IN_QUOTES;
		else if (byte == ',')
			records->place = AT_FIELD;
		return byte == '\n';
	}
	return false;
}

/* What stands before the first record: whether the byte is of that. */
static bool skip_byte(struct mc_records *records, char byte)
{
	if (records->mark < sizeof(byte_order_mark) && byte == byte_order_mark[records->mark]) {
		records->mark++;
		return true;
	}
	if (records->mark > 0 && records->mark < sizeof(byte_order_mark))
		for (unsigned i = 0; i < records->mark; i++)
			keep_byte(records, byte_order_mark[i]);
	records->mark = sizeof(byte_order_mark);
	records->begun = records->line;
	return records->size == 0 && memchr(" \t\r\n", byte, 4);
}

/* Whether the byte ends a row. */
static bool take_byte(struct mc_records *records, char byte)
{
	bool ends;

	if (records->form != FORM_UNKNOWN && records->size == 0 && !records->too_long)
		records->begun = records->line;
	if (records->form == FORM_UNKNOWN && !skip_byte(records, byte))
		records->form = byte == '{' && records->size == 0 ? FORM_JSON : FORM_CSV;
	if (records->form == FORM_UNKNOWN)
		ends = false;
	else
		ends = records->form == FORM_CSV ? step_csv(records, byte) : byte == '\n';
	if (byte == '\n')
		records->line++;
	if (!ends && records->form != FORM_UNKNOWN)
		keep_byte(records, byte);
	return ends;
}

int mc_records_next(struct mc_records *records, const char *bytes, size_t size, size_t *ret_used,
	struct mc_record *ret_record, struct mc_error *error)
{
	int result = 0;

	*ret_used = 0;
	forget_given(records);
	while (*ret_used < size && result == 0 && !records->spoilt) {
		if (records->given)
			forget_row(records);
		if (take_byte(records, bytes[(*ret_used)++]))
			result = end_row(records, ret_record, error);
	}
	return result;
}

int mc_records_end(struct mc_records *records, struct mc_record *ret_record, struct mc_error *error)
{
	forget_given(records);
	records->ended = true;
	if (records->spoilt || records->form == FORM_UNKNOWN || (records->size == 0 && !records->too_long))
		return 0;
	if (records->place != IN_QUOTES)
		return end_row(records, ret_record, error);
	*ret_record = (struct mc_record){.line = records->begun};
	return mc_error_set(error, EINVAL, "it ends within quotes: close them");
}
