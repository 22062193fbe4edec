/* SPDX-License-Identifier: MIT */
#include "backends/attached/scalar.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Longer words are text: Python makes no numbers of more than 4300 digits. */
enum { MAX_WORD = 4300 };

enum pattern { REAL, INTEGER, DATE, TIME, PATTERNS };

struct mc_scalars {
	regex_t patterns[PATTERNS];
	size_t compiled;
};

#define DIGITS_2 "[0-9]{1,2}"

static const char *const expressions[] = {
	[REAL] = "^([-+]?[0-9][0-9_]*\\.[0-9_]*([eE][-+][0-9]+)?"
		 "|\\.[0-9][0-9_]*([eE][-+][0-9]+)?"
		 "|[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+\\.[0-9_]*"
		 "|[-+]?\\.(inf|Inf|INF)|\\.(nan|NaN|NAN))$",
	[INTEGER] = "^[-+]?(0b[01_]+|0[0-7_]+|0|[1-9][0-9_]*|0x[0-9a-fA-F_]+|[1-9][0-9_]*(:[0-5]?[0-9])+)$",
	[DATE] = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
	[TIME] = ("^[0-9]{4}-" DIGITS_2 "-" DIGITS_2 "([Tt]|[ \t]+)" DIGITS_2 ":[0-9]{2}:[0-9]{2}(\\.[0-9]*)?"
		  "([ \t]*(Z|[-+]" DIGITS_2 "(:[0-9]{2})?))?$"),
};

void mc_scalars_free(struct mc_scalars *scalars)
{
	if (!scalars)
		return;
	while (scalars->compiled)
		regfree(&scalars->patterns[--scalars->compiled]);
	free(scalars);
}

struct mc_scalars *mc_scalars_new(void)
{
	struct mc_scalars *scalars = calloc(1, sizeof(*scalars));

	for (size_t i = 0; scalars && i < PATTERNS; i++, scalars->compiled++) {
		if (!regcomp(&scalars->patterns[i], expressions[i], REG_EXTENDED | REG_NOSUB))
			continue;
		mc_scalars_free(scalars);
		return NULL;
	}
	return scalars;
}

static bool is_a(const struct mc_scalars *scalars, enum pattern pattern, const char *word)
{
	return !regexec(&scalars->patterns[pattern], word, 0, NULL, 0);
}

static struct mc_value *new_scalar(struct mc_arena *arena, enum mc_value_kind kind, const char *text)
{
	return mc_value_new(arena, kind, mc_arena_text(arena, text, strlen(text)));
}

/* "1:30:00" is a number of base 60. *RET_NUMBER is its amount. */
static int base_60(const char *digits, double *ret_number)
{
	double number = 0;

	for (;;) {
		char *end;
		double part = strtod(digits, &end);
		if (end == digits)
			return -EINVAL;
		number = number * 60 + part;
		if (*end != ':')
			break;
		digits = end + 1;
	}
	*ret_number = number;
	return 0;
}

/* A number that isn't written in plain decimal; those fit into 53 bits, or are refused. */
static struct mc_value *odd_integer(struct mc_arena *arena, const char *digits, bool minus, const char **ret_wrong)
{
	int base = digits[0] != '0' ? 60 : digits[1] == 'b' ? 2 : digits[1] == 'x' ? 16 : 8;
	const char *from = base == 2 || base == 16 ? digits + 2 : digits;
	char text[32], *end = NULL;
	double number = 0;

	errno = 0;
	unsigned long long whole = base == 60 ? 0 : strtoull(from, &end, base);
	if (end && (end == from || *end || errno))
		number = INFINITY;
	else if (base == 60 && base_60(from, &number) == 0 && number < 9007199254740992.0)
		whole = (unsigned long long)number;
	if (number >= 9007199254740992.0) {
		*ret_wrong = "a number that is too large, or has no digits";
		return NULL;
	}
	snprintf(text, sizeof(text), "%s%llu", minus && whole ? "-" : "", whole);
	return new_scalar(arena, MC_VALUE_INTEGER, text);
}

/* DIGITS without their underscores. */
static struct mc_value *integer(struct mc_arena *arena, char *digits, const char **ret_wrong)
{
	bool minus = *digits == '-';

	digits += *digits == '-' || *digits == '+';
	if (!strcmp(digits, "0"))
		return new_scalar(arena, MC_VALUE_INTEGER, "0");
	if (*digits == '0' || strchr(digits, ':'))
		return odd_integer(arena, digits, minus, ret_wrong);
	if (minus)
		*--digits = '-';
	return new_scalar(arena, MC_VALUE_INTEGER, digits);
}

/* DIGITS, COUNT of them, of which the first is worth 10^EXPONENT, at TEXT without an exponent. */
static void lay_out(const char *digits, int count, int exponent, char *text)
{
	int low = exponent - count + 1 < -1 ? exponent - count + 1 : -1;

	for (int worth = exponent > 0 ? exponent : 0; worth >= low; worth--) {
		int at = exponent - worth;
		if (worth == -1)
			*text++ = '.';
		*text++ = at >= 0 && at < count ? digits[at] : '0';
	}
	*text = '\0';
}

void mc_scalar_real(double number, char text[MC_REAL_SIZE])
{
	char digits[MC_REAL_SIZE];
	int precision = 0;

	if (isnan(number) || isinf(number)) {
		snprintf(text, MC_REAL_SIZE, "%s", isnan(number) ? "nan" : number < 0 ? "-inf" : "inf");
		return;
	}
	do
		snprintf(text, MC_REAL_SIZE, "%.*e", precision, number);
	while (strtod(text, NULL) != number && precision++ < 16);
	char *from = text + (*text == '-'), *end = strchr(text, 'e');
	int exponent = (int)strtol(end + 1, NULL, 10), count = 0;
	if (exponent < -4 || exponent >= 16)
		return;
	for (const char *at = from; at < end; at++)
		if (*at != '.')
			digits[count++] = *at;
	lay_out(digits, count, exponent, from);
}

static struct mc_value *real(struct mc_arena *arena, const char *digits, const char **ret_wrong)
{
	char text[MC_REAL_SIZE];
	double number, sign = *digits == '-' ? -1 : 1;

	digits += *digits == '-' || *digits == '+';
	if (digits[0] == '.' && isalpha((unsigned char)digits[1])) {
		number = tolower((unsigned char)digits[1]) == 'n' ? NAN : INFINITY;
	} else if (base_60(digits, &number) < 0) {
		*ret_wrong = "a number without digits";
		return NULL;
	}
	mc_scalar_real(sign * number, text);
	return new_scalar(arena, MC_VALUE_REAL, text);
}

static struct mc_value *date(struct mc_arena *arena, const char *word, const char **ret_wrong)
{
	static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	int year = (int)strtol(word, NULL, 10), month = (int)strtol(word + 5, NULL, 10);
	int day = (int)strtol(word + 8, NULL, 10);
	bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	if (year < 1 || month < 1 || month > 12 || day < 1 || day > lengths[month - 1] + (leap && month == 2)) {
		*ret_wrong = "a date of no calendar";
		return NULL;
	}
	return new_scalar(arena, MC_VALUE_DATE, word);
}

/* A word of the table, or NULL. */
static struct mc_value *value_of_word(struct mc_arena *arena, const char *word)
{
	static const struct {
		const char *words; /* each between blanks */
		enum mc_value_kind kind;
		const char *text;
	} names[] = {
		{" yes Yes YES true True TRUE on On ON ", MC_VALUE_BOOL, "True"},
		{" no No NO false False FALSE off Off OFF ", MC_VALUE_BOOL, "False"},
		{" ~ null Null NULL ", MC_VALUE_NONE, "None"},
	};
	char padded[8];

	if (!*word)
		return mc_value_new(arena, MC_VALUE_NONE, "None");
	if (strchr(word, ' ') || (size_t)snprintf(padded, sizeof(padded), " %s ", word) >= sizeof(padded))
		return NULL;
	for (size_t i = 0; i < MC_COUNT(names); i++)
		if (strstr(names[i].words, padded))
			return mc_value_new(arena, names[i].kind, names[i].text);
	return NULL;
}

/* The numbers and dates begin with one of these. */
static struct mc_value *numeral(
	const struct mc_scalars *scalars, struct mc_arena *arena, const char *word, const char **ret_wrong)
{
	char digits[MAX_WORD + 1];
	size_t length = 0;
	struct mc_value *value = NULL;

	if (strlen(word) > MAX_WORD || !strchr("-+.0123456789", *word))
		return NULL;
	for (const char *from = word; *from; from++)
		if (*from != '_')
			digits[length++] = *from;
	digits[length] = '\0';
	if (is_a(scalars, REAL, word))
		value = real(arena, digits, ret_wrong);
	else if (is_a(scalars, INTEGER, word))
		value = integer(arena, digits, ret_wrong);
	else if (is_a(scalars, DATE, word))
		value = date(arena, word, ret_wrong);
	else if (is_a(scalars, TIME, word))
		value = mc_value_new(arena, MC_VALUE_STRANGE, "a time of day");
	explicit_bzero(digits, length);
	return value;
}

struct mc_value *mc_scalar_yaml(
	const struct mc_scalars *scalars, struct mc_arena *arena, const char *word, const char **ret_wrong)
{
	*ret_wrong = NULL;
	struct mc_value *value = value_of_word(arena, word);
	if (!value)
		value = numeral(scalars, arena, word, ret_wrong);
	if (value || *ret_wrong)
		return value;
	if (!strcmp(word, "=")) {
		*ret_wrong = "a lone =";
		return NULL;
	}
	return mc_value_text(arena, word);
}

/* Whether WORD is a number of JSON; *RET_REAL: it has a fraction or an exponent. */
static bool is_json_number(const char *word, bool *ret_real)
{
	word += *word == '-';
	size_t whole = strspn(word, "0123456789");
	if (!whole || (*word == '0' && whole > 1))
		return false;
	word += whole;
	*ret_real = *word != '\0';
	if (*word == '.') {
		size_t fraction = strspn(++word, "0123456789");
		if (!fraction)
			return false;
		word += fraction;
	}
	if (*word == 'e' || *word == 'E') {
		word++;
		word += *word == '-' || *word == '+';
		if (!*word)
			return false;
		word += strspn(word, "0123456789");
	}
	return !*word;
}

struct mc_value *mc_scalar_json(struct mc_arena *arena, const char *word, const char **ret_wrong)
{
	static const struct {
		const char *word;
		enum mc_value_kind kind;
		const char *text;
	} names[] = {
		{"true", MC_VALUE_BOOL, "True"},
		{"false", MC_VALUE_BOOL, "False"},
		{"null", MC_VALUE_NONE, "None"},
	};
	char text[MC_REAL_SIZE];
	bool is_real = false;

	*ret_wrong = NULL;
	for (size_t i = 0; i < MC_COUNT(names); i++)
		if (!strcmp(word, names[i].word))
			return mc_value_new(arena, names[i].kind, names[i].text);
	if (strlen(word) > MAX_WORD || !is_json_number(word, &is_real)) {
		*ret_wrong = "no word of JSON";
		return NULL;
	}
	if (!is_real)
		return new_scalar(arena, MC_VALUE_INTEGER, !strcmp(word, "-0") ? "0" : word);
	mc_scalar_real(strtod(word, NULL), text);
	return new_scalar(arena, MC_VALUE_REAL, text);
}
