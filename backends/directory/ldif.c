/* SPDX-License-Identifier: MIT */
#include "backends/directory/ldif.h"

#include "backends/directory/ldap.h"

/* ldif.h uses FILE. */
#include <stdio.h>

#include <ldif.h>
#include <stdlib.h>
#include <string.h>

struct mc_ldif_line {
	struct berval name, value; /* name NULL: "-" */
	size_t mod;                /* of a new entry: which of its attributes it belongs to */
};

static int bad_ldif(struct mc_error *error, const char *what)
{
	mc_ldap_fail(error, EINVAL, "%s", what);
	return -EINVAL;
}

static int out_of_memory(struct mc_error *error)
{
	mc_ldap_fail(error, ENOMEM, "out of memory");
	return -ENOMEM;
}

void mc_ldif_record_clear(struct mc_ldif_record *record)
{
	free(record->values);
	free(record->mod_items);
	free(record->mods);
	free(record->lines);
	free(record->text);
	*record = (struct mc_ldif_record){0};
}

void mc_cleanup_ldif_record(struct mc_ldif_record *record)
{
	int saved = errno;

	mc_ldif_record_clear(record);
	errno = saved;
}

int mc_ldif_context(const struct mc_ldif_record *record, struct mc_error *error)
{
	/* A long DN must leave room for the reason. */
	if (record->dn)
		return mc_error_context(error, "record at line %lu (dn: %.120s%s)", record->line, record->dn,
			strlen(record->dn) > 120 ? "..." : "");
	return mc_error_context(error, "record at line %lu", record->line);
}

void mc_ldif_put(struct mc_buffer *out, const char *attribute, const struct berval *value)
{
	char *line = ldif_put(LDIF_PUT_VALUE, attribute, value->bv_val, value->bv_len);

	if (line)
		mc_buffer_text(out, line);
	else
		out->failed = -ENOMEM;
	ber_memfree(line);
}

/* The next physical line without its line end, and then stands behind it. False: no more. */
static bool read_line(struct mc_ldif *ldif, const char **ret_line, size_t *ret_size)
{
	static const char mark[] = "\xef\xbb\xbf"; /* of UTF-8, as Windows' programs put in front of a text */

	if (ldif->at == 0 && ldif->size >= 3 && memcmp(ldif->text, mark, 3) == 0)
		ldif->at = 3;
	if (ldif->at == ldif->size)
		return false;
	const char *line = ldif->text + ldif->at;
	const char *end = memchr(line, '\n', ldif->size - ldif->at);
	size_t size = end ? (size_t)(end - line) : ldif->size - ldif->at;
	ldif->at += size + (end ? 1 : 0);
	ldif->line++;
	if (size > 0 && line[size - 1] == '\r')
		size--;
	*ret_line = line;
	*ret_size = size;
	return true;
}

/* Appends the physical line to TEXT, the lines so far, as RFC 2849 folds them: a blank in front continues the line
 * before. */
static int unfold(struct mc_buffer *text, const char *line, size_t size, bool *comment, struct mc_error *error)
{
	if (memchr(line, '\0', size))
		return bad_ldif(error, "a NUL byte");
	if (text->size + size >= MC_LDIF_RECORD_LIMIT)
		return mc_ldap_fail(error, EFBIG, "a record of more than %d MiB", MC_LDIF_RECORD_LIMIT >> 20);
	if (line[0] == ' ') {
		if (*comment)
			return 0;
		if (text->size == 0)
			return bad_ldif(error, "it begins with a continuation line");
		/* Over the NUL that ended the line before. */
		text->size--;
		mc_buffer_add(text, line + 1, size - 1);
		mc_buffer_add(text, "", 1);
		return 0;
	}
	*comment = line[0] == '#';
	if (!*comment) {
		mc_buffer_add(text, line, size);
		mc_buffer_add(text, "", 1);
	}
	return 0;
}

/* The lines up to the next empty one, unfolded, each ended by a NUL; comments left out. 1, or 0 at the end. */
static int read_text(struct mc_ldif *ldif, struct mc_buffer *text, unsigned long *ret_line, struct mc_error *error)
{
	bool comment = false;
	const char *line;
	size_t size;
	int result = 0;

	while (result == 0 && read_line(ldif, &line, &size)) {
		if (size == 0) {
			comment = false;
			if (text->size > 0)
				break;
			continue;
		}
		if (text->size == 0)
			*ret_line = ldif->line;
		result = unfold(text, line, size, &comment, error);
	}
	if (result == 0 && text->failed)
		result = out_of_memory(error);
	return result < 0 ? result : text->size > 0;
}

/* Whether libldap decodes TEXT. It would say so by itself when not, but also print it to the daemon's stderr. */
static bool is_base64(const char *text)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	text += strspn(text, " ");
	size_t digits = strspn(text, alphabet), padding = strspn(text + digits, "=");
	return digits > 0 && padding <= 2 && (digits + padding) % 4 == 0 && text[digits + padding] == '\0';
}

/* An attribute description, RFC 4512 section 2.5, and the underscore that servers let pass. */
static bool is_attribute_description(const char *name)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-.;_";
	size_t length = strspn(name, allowed);

	return length > 0 && name[length] == '\0';
}

/* "name: value", "name:: base64" or "-". A URL ("name:< url") is refused here: libldap would read what it points to,
 * any file of this machine, for whoever may write an import. */
static int parse_line(char *text, struct mc_ldif_line *line, struct mc_error *error)
{
	int allocated = 0;

	if (strcmp(text, "-") == 0)
		return 0;
	const char *colon = strchr(text, ':');
	if (!colon)
		return bad_ldif(error, "a line without a colon");
	if (colon[1] == '<')
		return bad_ldif(error, "values from URLs are not taken");
	if (colon[1] == ':' && !is_base64(colon + 2))
		return bad_ldif(error, "a value that is not base64");
	if (ldif_parse_line2(text, &line->name, &line->value, &allocated) != 0 || allocated)
		return bad_ldif(error, "a line that can't be decoded");
	line->name.bv_len = strlen(line->name.bv_val);
	return is_attribute_description(line->name.bv_val)
		       ? 0
		       : bad_ldif(error, "a line that doesn't begin with an attribute");
}

static int parse_lines(struct mc_ldif_record *record, size_t size, struct mc_error *error)
{
	size_t n = 0;

	for (const char *at = record->text; at < record->text + size; at += strlen(at) + 1)
		n++;
	if (n == 0)
		return bad_ldif(error, "no lines");
	if (n > MC_LDIF_LINE_LIMIT)
		return mc_ldap_fail(error, EFBIG, "more than %d lines", MC_LDIF_LINE_LIMIT);
	record->lines = calloc(n, sizeof *record->lines);
	if (!record->lines)
		return out_of_memory(error);
	char *next;
	for (char *at = record->text; record->n_lines < n; at = next) {
		/* Before the line is changed in its place. */
		next = at + strlen(at) + 1;
		int result = parse_line(at, &record->lines[record->n_lines], error);
		if (result < 0)
			return result;
		record->n_lines++;
	}
	return 0;
}

static bool line_is_named(const struct mc_ldif_line *line, const char *name)
{
	return line->name.bv_val && strcasecmp(line->name.bv_val, name) == 0;
}

static bool says(const struct mc_ldif_line *line, const char *value)
{
	return line->value.bv_len == strlen(value) && strcasecmp(line->value.bv_val, value) == 0;
}

/* The line's value as a string, without a NUL in it; NULL if it isn't one. */
static const char *line_string(const struct mc_ldif_line *line)
{
	return strlen(line->value.bv_val) == line->value.bv_len ? line->value.bv_val : NULL;
}

static int make_mods(struct mc_ldif_record *record, size_t n_mods, size_t n_values, struct mc_error *error)
{
	record->mods = calloc(n_mods + 1, sizeof(LDAPMod *));
	record->mod_items = calloc(n_mods + 1, sizeof(LDAPMod));
	/* Each list of values ends with a NULL. */
	record->values = calloc(n_mods + n_values + 1, sizeof(struct berval *));
	if (!record->mods || !record->mod_items || !record->values)
		return out_of_memory(error);
	for (size_t i = 0; i < n_mods; i++)
		record->mods[i] = &record->mod_items[i];
	return 0;
}

/* Numbers the attributes of a new entry, LINES[from] on, in line->mod, by the first line of each; their lines need not
 * be in one place. Gives how many there are. */
static int number_attributes(struct mc_ldif_record *record, size_t from, struct mc_error *error)
{
	const char *names[MC_LDIF_ATTRIBUTE_LIMIT];
	size_t n = 0, mod = 0;

	for (size_t i = from; i < record->n_lines; i++) {
		struct mc_ldif_line *line = &record->lines[i];
		if (!line->name.bv_val)
			return bad_ldif(error, "\"-\" in a new entry");
		if (line_is_named(line, "dn"))
			return bad_ldif(error, "a second dn: an empty line is missing");
		/* Most often it is the one of the line before. */
		if (n == 0 || strcasecmp(names[mod], line->name.bv_val) != 0)
			for (mod = 0; mod < n && strcasecmp(names[mod], line->name.bv_val) != 0;)
				mod++;
		if (mod == MC_LDIF_ATTRIBUTE_LIMIT)
			return mc_ldap_fail(error, EFBIG, "more than %d attributes", MC_LDIF_ATTRIBUTE_LIMIT);
		if (mod == n)
			names[n++] = line->name.bv_val;
		line->mod = mod;
	}
	return n > 0 ? (int)n : bad_ldif(error, "an entry without attributes");
}

static int interpret_add(struct mc_ldif_record *record, size_t from, struct mc_error *error)
{
	int n_mods = number_attributes(record, from, error);

	if (n_mods < 0)
		return n_mods;
	int result = make_mods(record, (size_t)n_mods, record->n_lines - from, error);
	if (result < 0)
		return result;
	struct berval **values = record->values;
	for (size_t mod = 0; mod < (size_t)n_mods; mod++) {
		LDAPMod *item = &record->mod_items[mod];
		item->mod_op = LDAP_MOD_ADD | LDAP_MOD_BVALUES;
		item->mod_bvalues = values;
		for (size_t i = from; i < record->n_lines; i++) {
			if (record->lines[i].mod != mod)
				continue;
			if (!item->mod_type)
				item->mod_type = record->lines[i].name.bv_val;
			*values++ = &record->lines[i].value;
		}
		*values++ = NULL;
	}
	return 0;
}

/* One modification: "add: mail", its values, "-". *AT goes to the line behind it. */
static int interpret_mod(
	struct mc_ldif_record *record, size_t *at, LDAPMod *item, struct berval ***values, struct mc_error *error)
{
	static const struct {
		const char *name;
		int operation;
		bool wants_values;
	} operations[] = {
		{"add", LDAP_MOD_ADD, true},
		{"delete", LDAP_MOD_DELETE, false},
		{"replace", LDAP_MOD_REPLACE, false},
		{"increment", LDAP_MOD_INCREMENT, true},
	};
	const struct mc_ldif_line *line = &record->lines[(*at)++];
	size_t i = 0;

	while (i < MC_COUNT(operations) && !line_is_named(line, operations[i].name))
		i++;
	if (i == MC_COUNT(operations) || !line_string(line))
		return bad_ldif(error, "a modification must begin with add, delete, replace or increment");
	struct berval **first = *values;
	for (; *at < record->n_lines && record->lines[*at].name.bv_val; (*at)++) {
		if (!line_is_named(&record->lines[*at], line->value.bv_val))
			return bad_ldif(error, "a value of another attribute than its modification says");
		*(*values)++ = &record->lines[*at].value;
	}
	if (operations[i].wants_values && *values == first)
		return bad_ldif(error, "a modification without a value");
	/* The last one's "-" may be missing. */
	if (*at < record->n_lines)
		(*at)++;
	item->mod_op = operations[i].operation | LDAP_MOD_BVALUES;
	item->mod_type = line->value.bv_val;
	item->mod_bvalues = *values == first ? NULL : first;
	*(*values)++ = NULL;
	return 0;
}

static int interpret_modify(struct mc_ldif_record *record, size_t from, struct mc_error *error)
{
	size_t n_mods = 1, mod = 0;

	for (size_t i = from; i < record->n_lines; i++)
		if (!record->lines[i].name.bv_val)
			n_mods++;
	if (n_mods > MC_LDIF_ATTRIBUTE_LIMIT)
		return mc_ldap_fail(error, EFBIG, "more than %d modifications", MC_LDIF_ATTRIBUTE_LIMIT);
	int result = make_mods(record, n_mods, record->n_lines - from, error);
	struct berval **values = record->values;
	for (size_t at = from; result == 0 && at < record->n_lines; mod++)
		result = interpret_mod(record, &at, &record->mod_items[mod], &values, error);
	if (result == 0 && mod == 0)
		return bad_ldif(error, "a change of nothing");
	if (result == 0)
		record->mods[mod] = NULL;
	return result;
}

static int interpret_rename(struct mc_ldif_record *record, size_t from, struct mc_error *error)
{
	const struct mc_ldif_line *lines = record->lines + from;
	size_t n = record->n_lines - from;

	if (n < 2 || n > 3 || !line_is_named(&lines[0], "newrdn") || !line_is_named(&lines[1], "deleteoldrdn") ||
		(n == 3 && !line_is_named(&lines[2], "newsuperior")))
		return bad_ldif(error, "a rename has newrdn, deleteoldrdn and perhaps newsuperior, in this order");
	record->keep_old_rdn = says(&lines[1], "0");
	if (!record->keep_old_rdn && !says(&lines[1], "1"))
		return bad_ldif(error, "deleteoldrdn is 0 or 1");
	record->new_rdn = line_string(&lines[0]);
	if (!record->new_rdn || !*record->new_rdn)
		return bad_ldif(error, "newrdn is not a name");
	if (n == 3) {
		record->new_parent = line_string(&lines[2]);
		if (!record->new_parent)
			return bad_ldif(error, "newsuperior is not a DN");
	}
	return 0;
}

static int interpret_delete(struct mc_ldif_record *record, size_t from, struct mc_error *error)
{
	return from == record->n_lines ? 0 : bad_ldif(error, "lines after changetype: delete");
}

static int interpret_change(struct mc_ldif_record *record, size_t from, struct mc_error *error)
{
	static const struct {
		const char *name;
		enum mc_ldif_change change;
		int (*interpret)(struct mc_ldif_record *record, size_t from, struct mc_error *error);
	} changes[] = {
		{"add", MC_LDIF_ADD, interpret_add},
		{"delete", MC_LDIF_DELETE, interpret_delete},
		{"modify", MC_LDIF_MODIFY, interpret_modify},
		{"modrdn", MC_LDIF_RENAME, interpret_rename},
		{"moddn", MC_LDIF_RENAME, interpret_rename},
	};

	if (from < record->n_lines && line_is_named(&record->lines[from], "control"))
		return bad_ldif(error, "controls are not taken");
	if (from == record->n_lines || !line_is_named(&record->lines[from], "changetype")) {
		record->change = MC_LDIF_ADD;
		return interpret_add(record, from, error);
	}
	for (size_t i = 0; i < MC_COUNT(changes); i++) {
		if (!says(&record->lines[from], changes[i].name))
			continue;
		record->change = changes[i].change;
		return changes[i].interpret(record, from + 1, error);
	}
	return bad_ldif(error, "an unknown changetype");
}

/* What the lines mean: 1; 0: they are nothing but the version line of the file, or ldapsearch's last words. */
static int interpret(struct mc_ldif_record *record, bool first, struct mc_error *error)
{
	size_t at = 0;

	if (first && line_is_named(&record->lines[0], "version")) {
		if (!says(&record->lines[0], "1"))
			return bad_ldif(error, "only version 1 of LDIF is known");
		if (++at == record->n_lines)
			return 0;
	}
	/* What ldapsearch says behind the last entry. */
	if (at == 0 && record->n_lines > 1 && line_is_named(&record->lines[0], "search") &&
		line_is_named(&record->lines[1], "result"))
		return 0;
	if (!line_is_named(&record->lines[at], "dn"))
		return bad_ldif(error, "it must begin with \"dn:\"");
	record->dn = line_string(&record->lines[at]);
	if (!record->dn)
		return bad_ldif(error, "a NUL byte in the dn");
	int result = interpret_change(record, at + 1, error);
	return result < 0 ? result : 1;
}

/* As interpret(), of a record whose text has been read into TEXT, which is empty afterwards. */
static int parse_record(
	struct mc_ldif *ldif, struct mc_buffer *text, struct mc_ldif_record *record, struct mc_error *error)
{
	size_t size = text->size;

	record->text = mc_buffer_steal(text, NULL);
	int result = record->text ? parse_lines(record, size, error) : out_of_memory(error);
	if (result < 0)
		return result;
	bool first = !ldif->started;
	ldif->started = true;
	return interpret(record, first, error);
}

int mc_ldif_next(struct mc_ldif *ldif, struct mc_ldif_record *ret_record, struct mc_error *error)
{
	int result;

	do {
		MC_CLEANUP(buffer) struct mc_buffer text = {0};
		*ret_record = (struct mc_ldif_record){0};
		result = read_text(ldif, &text, &ret_record->line, error);
		if (result == 0)
			return 0;
		if (result > 0)
			result = parse_record(ldif, &text, ret_record, error);
		if (result < 0) {
			if (!ret_record->dn && ret_record->n_lines > 0 && line_is_named(&ret_record->lines[0], "dn"))
				ret_record->dn = line_string(&ret_record->lines[0]);
			mc_ldif_context(ret_record, error);
		}
		if (result <= 0)
			mc_ldif_record_clear(ret_record);
	} while (result == 0);
	return result;
}
