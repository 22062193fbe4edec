/* SPDX-License-Identifier: MIT */
#include "mcloud/error.h"

#include "mcloud/util.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* A message may quote what a service said: it stays one line of `errors`, and whole UTF-8 characters. */
static void tidy_message(char *message)
{
	mc_utf8_tidy(message);
	for (char *at = message; *at; at++)
		if ((unsigned char)*at < ' ' || *at == 0x7f)
			*at = ' ';
}

/* Puts ": " and MORE behind TEXT, as far as there is room. */
static void append_reason(char *text, size_t size, const char *more)
{
	size_t length = strlen(text);

	for (const char *const *part = (const char *const[]){": ", more, NULL}; *part; part++)
		for (const char *from = *part; *from && length + 1 < size;)
			text[length++] = *from++;
	text[length] = '\0';
}

/* The arguments may point into ERROR, so the text is made before anything of ERROR is changed. */
static int set_message(struct mc_error *error, int code, const char *format, va_list arguments, const char *reason)
{
	if (!error)
		return -code;
	struct mc_error new = {.code = code};
	if (vsnprintf(new.message, sizeof new.message, format, arguments) < 0)
		new.message[0] = '\0';
	if (reason)
		append_reason(new.message, sizeof new.message, reason);
	tidy_message(new.message);
	*error = new;
	return -code;
}

int mc_error_set(struct mc_error *error, int code, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	int result = set_message(error, code, format, arguments, NULL);
	va_end(arguments);
	return result;
}

int mc_error_errno(struct mc_error *error, int code, const char *format, ...)
{
	const char *reason = strerrordesc_np(code);
	va_list arguments;

	va_start(arguments, format);
	int result = set_message(error, code, format, arguments, reason ? reason : "unknown error");
	va_end(arguments);
	return result;
}

int mc_error_context(struct mc_error *error, const char *format, ...)
{
	if (!error || !error->code)
		return -EIO;
	char text[sizeof error->message];
	va_list arguments;
	va_start(arguments, format);
	int length = vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	if (length < 0)
		return -error->code;
	append_reason(text, sizeof text, error->message);
	tidy_message(text);
	memcpy(error->message, text, sizeof text);
	return -error->code;
}

const char *mc_error_name(int code)
{
	const char *name = code > 0 ? strerrorname_np(code) : NULL;

	return name ? name : "EIO";
}
