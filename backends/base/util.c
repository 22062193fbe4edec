/* SPDX-License-Identifier: MIT */
#include "mcloud/util.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

void mc_cleanup_free_pointer(void *pointer_to_pointer)
{
	int saved = errno;

	free(*(void **)pointer_to_pointer);
	errno = saved;
}

void mc_cleanup_json(void *pointer_to_cjson)
{
	int saved = errno;

	cJSON_Delete(*(cJSON **)pointer_to_cjson);
	errno = saved;
}

/* cJSON parses no deeper than its CJSON_NESTING_LIMIT. */
void mc_wipe_json(void *value)
{
	cJSON *json = value;

	if (!json)
		return;
	if (json->valuestring)
		explicit_bzero(json->valuestring, strlen(json->valuestring));
	for (cJSON *child = json->child; child; child = child->next)
		mc_wipe_json(child);
}

char *mc_copy_text(const char *text, bool *failed)
{
	char *copy = text ? strdup(text) : NULL;

	*failed |= text && !copy;
	return copy;
}

int mc_text_file(const char *text, char ret_path[MC_TEXT_FILE_PATH])
{
	int fd = memfd_create("mcloudfs", MFD_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : write(fd, text, strlen(text));

	if (fd < 0)
		return -errno;
	if (n != (ssize_t)strlen(text)) {
		int code = n < 0 ? errno : ENOSPC;

		close(fd);
		return -code;
	}
	snprintf(ret_path, MC_TEXT_FILE_PATH, "/proc/self/fd/%d", fd);
	return fd;
}

void mc_free_secret(char *secret)
{
	if (secret)
		explicit_bzero(secret, strlen(secret));
	free(secret);
}

int64_t mc_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t mc_boot_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

double mc_wall_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

void mc_format_time(double when, char *text, size_t size)
{
	/* The years of four digits from 1970 on; written so that NaN is none of them. */
	if (!(when >= 0 && when < 253402300800.0))
		when = 0;
	struct tm tm;
	double whole = floor(when);
	time_t seconds = (time_t)whole;
	char date[24] = "";

	if (gmtime_r(&seconds, &tm))
		strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text, size, "%s.%03uZ", date, (unsigned)((when - whole) * 1000) % 1000);
}

/* A number of exactly WIDTH digits at *TEXT, which moves behind it and, where AFTER is not NUL, behind that character;
 * -1: none. */
static int digits(const char **text, int width, char after)
{
	int value = 0;

	for (int i = 0; i < width; i++, (*text)++) {
		if (**text < '0' || **text > '9')
			return -1;
		value = value * 10 + (**text - '0');
	}
	if (after && *(*text)++ != after)
		return -1;
	return value;
}

/* Seconds that the zone at TEXT is east of UTC in *RET_EAST. */
static int parse_zone(const char *text, int *ret_east)
{
	*ret_east = 0;
	if (!*text)
		return 0;
	char sign = *text++;
	if (sign == 'Z' || sign == 'z')
		return *text ? -EINVAL : 0;
	if (sign != '+' && sign != '-')
		return -EINVAL;
	int hours = digits(&text, 2, ':');
	int minutes = hours < 0 ? -1 : digits(&text, 2, '\0');
	if (minutes < 0 || hours > 23 || minutes > 59 || *text)
		return -EINVAL;
	*ret_east = (hours * 60 + minutes) * 60 * (sign == '-' ? -1 : 1);
	return 0;
}

double mc_parse_time(const char *text)
{
	static const struct {
		int width, low, high;
		char after;
	} fields[] = {{4, 1970, 9999, '-'}, {2, 1, 12, '-'}, {2, 1, 31, 'T'}, {2, 0, 23, ':'}, {2, 0, 59, ':'},
		{2, 0, 60, 0}};
	int values[MC_COUNT(fields)];

	if (!text)
		return 0;
	for (size_t i = 0; i < MC_COUNT(fields); i++) {
		values[i] = digits(&text, fields[i].width, fields[i].after);
		if (values[i] < fields[i].low || values[i] > fields[i].high)
			return 0;
	}
	double fraction = 0;
	if (*text == '.') {
		if (text[1] < '0' || text[1] > '9')
			return 0;
		double unit = 0.1;
		for (text++; *text >= '0' && *text <= '9'; text++) {
			fraction += unit * (*text - '0');
			unit /= 10;
		}
	}
	int east;
	if (parse_zone(text, &east) < 0)
		return 0;
	struct tm tm = {
		.tm_year = values[0] - 1900,
		.tm_mon = values[1] - 1,
		.tm_mday = values[2],
		.tm_hour = values[3],
		.tm_min = values[4],
		.tm_sec = values[5],
	};
	double when = (double)timegm(&tm) - east + fraction;
	return when > 0 ? when : 0;
}

int mc_random_hex(char *text, size_t bytes)
{
	static const char hex[] = "0123456789abcdef";
	unsigned char random[256];

	text[0] = '\0';
	for (size_t done = 0; done < bytes;) {
		size_t want = bytes - done < sizeof random ? bytes - done : sizeof random;
		ssize_t got = getrandom(random, want, 0);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			int code = errno;
			text[0] = '\0';
			return -code;
		}
		for (ssize_t i = 0; i < got; i++, done++) {
			text[2 * done] = hex[random[i] >> 4];
			text[2 * done + 1] = hex[random[i] & 15];
		}
		text[2 * done] = '\0';
	}
	explicit_bzero(random, sizeof random);
	return 0;
}

int mc_random_uuid(char text[MC_UUID_SIZE])
{
	static const char variants[] = "89ab";
	char hex[2 * 16 + 1] = "";
	int r = mc_random_hex(hex, 16);

	if (r < 0)
		return r;
	hex[12] = '4';
	hex[16] = variants[hex[16] % 4];
	snprintf(text, MC_UUID_SIZE, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
	return 0;
}

uint64_t mc_hash(uint64_t value, const void *bytes, size_t size)
{
	const unsigned char *byte = bytes;

	for (size_t i = 0; i < size; i++)
		value = (value ^ byte[i]) * UINT64_C(0x100000001b3);
	return value;
}

uint64_t mc_hash_text(const char *text)
{
	uint64_t value = mc_hash(MC_HASH_START, text, strlen(text));

	return value ^ value >> 32;
}

size_t mc_utf8_sequence(const char *text)
{
	const unsigned char *byte = (const unsigned char *)text;
	unsigned char low = 0x80, high = 0xbf;
	size_t length;

	if (byte[0] < 0x80)
		return 1;
	if (byte[0] >= 0xc2 && byte[0] <= 0xdf)
		length = 2;
	else if (byte[0] >= 0xe0 && byte[0] <= 0xef)
		length = 3;
	else if (byte[0] >= 0xf0 && byte[0] <= 0xf4)
		length = 4;
	else
		return 0;
	if (byte[0] == 0xe0)
		low = 0xa0;
	else if (byte[0] == 0xed)
		high = 0x9f;
	else if (byte[0] == 0xf0)
		low = 0x90;
	else if (byte[0] == 0xf4)
		high = 0x8f;
	if (byte[1] < low || byte[1] > high)
		return 0;
	for (size_t i = 2; i < length; i++)
		if (byte[i] < 0x80 || byte[i] > 0xbf)
			return 0;
	return length;
}

void mc_utf8_tidy(char *text)
{
	char *to = text;

	while (*text) {
		size_t length = mc_utf8_sequence(text);
		memmove(to, text, length);
		to += length;
		text += length ? length : 1;
	}
	*to = '\0';
}
