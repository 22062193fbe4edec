/* SPDX-License-Identifier: MIT */
#include "backends/attached/json_check.h"

#include "backends/attached/clouds_yaml.h"

#include <string.h>

static void skip_json_blanks(const char **at)
{
	*at += strspn(*at, " \t\r\n");
}

static bool take_character(const char **at, char one)
{
	if (**at != one)
		return false;
	++*at;
	return true;
}

static bool check_string(const char **at)
{
	if (!take_character(at, '"'))
		return false;
	for (; (unsigned char)**at >= ' ' && **at != '"'; ++*at) {
		if (**at != '\\')
			continue;
		++*at;
		if (!**at || !strchr("\"\\/bfnrtu", **at))
			return false;
		if (**at != 'u')
			continue;
		if (strspn(*at + 1, "0123456789abcdefABCDEF") < 4)
			return false;
		*at += 4;
	}
	return take_character(at, '"');
}

static bool check_json_value(const char **at, unsigned level);

/* What is between the brackets or braces that end with END. */
static bool check_items(const char **at, char end, unsigned level)
{
	++*at;
	skip_json_blanks(at);
	if (take_character(at, end))
		return true;
	for (;;) {
		skip_json_blanks(at);
		if (end == '}') {
			if (!check_string(at))
				return false;
			skip_json_blanks(at);
			if (!take_character(at, ':'))
				return false;
		}
		if (!check_json_value(at, level))
			return false;
		if (!take_character(at, ','))
			break;
	}
	return take_character(at, end);
}

static bool check_json_value(const char **at, unsigned level)
{
	static const char words[] = "+-.0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	bool good;

	skip_json_blanks(at);
	if (**at == '{' || **at == '[') {
		good = level < MC_CLOUDS_MAX_DEPTH && check_items(at, **at == '{' ? '}' : ']', level + 1);
	} else if (**at == '"') {
		good = check_string(at);
	} else {
		size_t length = strspn(*at, words);
		*at += length;
		good = length > 0;
	}
	if (good)
		skip_json_blanks(at);
	return good;
}

bool mc_json_check(const char *text, const char **ret_wrong)
{
	*ret_wrong = text;
	return check_json_value(ret_wrong, 0) && !**ret_wrong;
}
