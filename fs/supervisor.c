/* SPDX-License-Identifier: MIT */
#include "fs/supervisor.h"

#include "mcloud/buffer.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* An absolute path, or an abstract name, whose first byte is written '@'. */
static bool find_address(struct mc_supervisor *supervisor, const char *path)
{
	size_t length = path ? strlen(path) : 0;

	if (!length || (*path != '/' && *path != '@') || length >= sizeof supervisor->address.sun_path)
		return false;
	supervisor->address = (struct sockaddr_un){.sun_family = AF_UNIX};
	memcpy(supervisor->address.sun_path, path, length);
	if (*path == '@')
		supervisor->address.sun_path[0] = '\0';
	supervisor->length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
	return true;
}

/* $WATCHDOG_PID says whose the watchdog is, since the environment is inherited. */
static int64_t watchdog_of(const char *usec, const char *pid)
{
	char *end = NULL;
	long long value = usec ? strtoll(usec, &end, 10) : 0;

	if (!usec || *end || value <= 0 || (pid && strtoll(pid, NULL, 10) != getpid()))
		return 0;
	return value < 1000 ? 1 : value / 1000;
}

void mc_supervisor_open(struct mc_supervisor *supervisor)
{
	*supervisor = MC_SUPERVISOR_NONE;
	if (!find_address(supervisor, getenv("NOTIFY_SOCKET")))
		return;
	supervisor->socket = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	supervisor->watchdog_ms = watchdog_of(getenv("WATCHDOG_USEC"), getenv("WATCHDOG_PID"));
}

void mc_supervisor_close(struct mc_supervisor *supervisor)
{
	if (supervisor->socket >= 0)
		close(supervisor->socket);
	supervisor->socket = -1;
}

void mc_supervisor_tell(const struct mc_supervisor *supervisor, const char *format, ...)
{
	char text[2048];
	va_list arguments;

	if (supervisor->socket < 0)
		return;
	va_start(arguments, format);
	int length = vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	if (length > 0 && length < (int)sizeof text)
		(void)sendto(supervisor->socket, text, (size_t)length, MSG_DONTWAIT | MSG_NOSIGNAL,
			(const struct sockaddr *)&supervisor->address, supervisor->length);
}

/* A newline would begin another assignment, and half a character spoils the whole. */
static void copy_line(char line[1024], const char *sentence)
{
	snprintf(line, 1024, "%s", sentence);
	mc_utf8_tidy(line);
	for (char *at = line; *at; at++)
		if ((unsigned char)*at < ' ')
			*at = ' ';
}

void mc_supervisor_status(const struct mc_supervisor *supervisor, const char *sentence)
{
	char line[1024];

	copy_line(line, sentence);
	mc_supervisor_tell(supervisor, "STATUS=%s", line);
}

void mc_supervisor_failed(const struct mc_supervisor *supervisor, int code, const char *sentence)
{
	char line[1024];

	copy_line(line, sentence);
	mc_supervisor_tell(supervisor, "STATUS=%s\nERRNO=%d", line, code);
}
