/* SPDX-License-Identifier: MIT */
#include "backends/directory/ldap.h"

#include <stdarg.h>
#include <stdio.h>

int mc_ldap_errno(int code)
{
	static const struct {
		int code, number;
	} table[] = {
		{LDAP_SUCCESS, 0},
		{LDAP_COMPARE_FALSE, 0},
		{LDAP_COMPARE_TRUE, 0},
		{LDAP_NO_SUCH_OBJECT, ENOENT},
		{LDAP_NO_SUCH_ATTRIBUTE, ENOENT},
		{LDAP_ALREADY_EXISTS, EEXIST},
		{LDAP_TYPE_OR_VALUE_EXISTS, EEXIST},
		{LDAP_INVALID_DN_SYNTAX, EINVAL},
		{LDAP_OBJECT_CLASS_VIOLATION, EINVAL},
		{LDAP_UNDEFINED_TYPE, EINVAL},
		{LDAP_CONSTRAINT_VIOLATION, EINVAL},
		{LDAP_INVALID_SYNTAX, EINVAL},
		{LDAP_NAMING_VIOLATION, EINVAL},
		{LDAP_NOT_ALLOWED_ON_RDN, EINVAL},
		{LDAP_NO_OBJECT_CLASS_MODS, EINVAL},
		{LDAP_INAPPROPRIATE_MATCHING, EINVAL},
		{LDAP_ENCODING_ERROR, EINVAL},
		{LDAP_FILTER_ERROR, EINVAL},
		{LDAP_PARAM_ERROR, EINVAL},
		{LDAP_INSUFFICIENT_ACCESS, EACCES},
		{LDAP_INVALID_CREDENTIALS, EACCES},
		{LDAP_INAPPROPRIATE_AUTH, EACCES},
		{LDAP_STRONG_AUTH_REQUIRED, EACCES},
		{LDAP_CONFIDENTIALITY_REQUIRED, EACCES},
		{LDAP_UNWILLING_TO_PERFORM, EPERM},
		{LDAP_BUSY, EBUSY},
		{LDAP_UNAVAILABLE, ECONNREFUSED},
		{LDAP_SERVER_DOWN, ECONNREFUSED},
		{LDAP_CONNECT_ERROR, ECONNREFUSED},
		{LDAP_TIMELIMIT_EXCEEDED, ETIMEDOUT},
		{LDAP_TIMEOUT, ETIMEDOUT},
		{LDAP_SIZELIMIT_EXCEEDED, E2BIG},
		{LDAP_ADMINLIMIT_EXCEEDED, E2BIG},
		{LDAP_NOT_ALLOWED_ON_NONLEAF, ENOTEMPTY},
		{LDAP_NO_MEMORY, ENOMEM},
	};

	for (size_t i = 0; i < MC_COUNT(table); i++)
		if (table[i].code == code)
			return table[i].number;
	return EIO;
}

int mc_ldap_fail(struct mc_error *error, int code, const char *format, ...)
{
	char message[sizeof((struct mc_error *)NULL)->message];
	va_list arguments;

	if (!error)
		return -code;
	va_start(arguments, format);
	vsnprintf(message, sizeof message, format, arguments);
	va_end(arguments);
	mc_error_set(error, code, "%s", message);
	snprintf(error->service, sizeof error->service, "ldap");
	return -code;
}
