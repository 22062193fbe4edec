/* SPDX-License-Identifier: MIT */
#include "glance_world.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

/* What is read out of single words and sentences: no service is asked. */

static void test_messages(void **state)
{
	(void)state;
	static const struct {
		const char *body, *message;
	} cases[] = {
		{"", ""},
		{"{\"message\":\"No image found with ID x<br /><br />\\n\\n\\n\",\"code\":\"404 Not Found\"}",
			"No image found with ID x"},
		{"<html>\n <head>\n  <title>404 Not Found</title>\n </head>\n <body>\n  <h1>404 Not Found</h1>\n  No "
		 "image "
		 "found with ID x<br /><br />\n </body>\n</html>",
			"No image found with ID x"},
		{"410 Gone\n\nImage x could not be found after upload.\n\n   ",
			"410 Gone Image x could not be found after upload"},
		{"a &lt;b&gt; &amp; &quot;c&quot; &unknown;", "a <b> & \"c\" &unknown;"},
		{"<<<<", ""},
		{"\x01\x02 x \x7f", "x"},
		{"{\"message\":5}", "{\"message\":5}"},
	};

	for (size_t i = 0; i < MC_COUNT(cases); i++) {
		char text[200];
		mc_glance_message(cases[i].body, strlen(cases[i].body), text, sizeof text);
		assert_string_equal(text, cases[i].message);
	}
	char small[8];
	mc_glance_message("a long message", 14, small, sizeof small);
	assert_string_equal(small, "a long");
	mc_glance_message(NULL, 0, small, sizeof small);
	assert_string_equal(small, "");
}

static void test_errnos(void **state)
{
	(void)state;
	static const struct {
		const char *method;
		int status;
		const char *message;
		int code;
	} cases[] = {
		{"GET", 400, "", EINVAL},
		{"DELETE", 403, "Image x is protected and cannot be deleted.", EPERM},
		{"PATCH", 403, "You are not authorized to complete publicize_image action.", EACCES},
		{"GET", 404, "", ENOENT},
		{"PUT", 410, "", ENOENT},
		{"POST", 409, "", EEXIST},
		{"PUT", 409, "", EBUSY},
		{"PUT", 413, "Image storage media is full: There is not enough disk space on the image storage media.",
			ENOSPC},
		{"PUT", 413,
			"Image exceeds the storage quota: The size of the data 5 will exceed the limit. 3 bytes "
			"remaining.",
			EDQUOT},
		{"POST", 413, "", EDQUOT},
		{"PUT", 507, "", ENOSPC},
		{"GET", 500, "", EIO},
		{"GET", 302, "", EIO},
		{"GET", 300, "", EIO},
	};

	for (size_t i = 0; i < MC_COUNT(cases); i++)
		assert_int_equal(mc_openstack_errno(&mc_glance_api, cases[i].method, cases[i].status, cases[i].message),
			cases[i].code);
}

static void test_formats(void **state)
{
	(void)state;
	static const struct {
		size_t offset;
		const char *bytes;
		size_t size;
		const char *format;
	} cases[] = {
		{0, "QFI\xfb\0\0\0\2", 8, "qcow2"},
		{0, "QFI\xfb\0\0\0\3", 8, "qcow2"},
		{0, "QFI\xfb\0\0\0\1", 8, "raw"},
		{0, "QFI\xfb\0\0\0", 7, "raw"},
		{0, "KDMV", 4, "vmdk"},
		{0, "# Disk DescriptorFile\n", 22, "vmdk"},
		{0, "conectix", 8, "vhd"},
		{0, "vhdxfile", 8, "vhdx"},
		{64, "\x7f\x10\xda\xbe", 4, "vdi"},
		{32769, "CD001", 5, "iso"},
		{32768, "CD001", 5, "raw"},
		{0, "WithoutFreeSpace", 16, "ploop"},
		{0, "", 0, "raw"},
	};
	static char content[MC_GLANCE_FORMAT_BYTES];

	for (size_t i = 0; i < MC_COUNT(cases); i++) {
		memset(content, 0, sizeof content);
		memcpy(content + cases[i].offset, cases[i].bytes, cases[i].size);
		assert_string_equal(mc_glance_format(content, cases[i].offset + cases[i].size), cases[i].format);
		/* One byte less tells nothing. */
		if (cases[i].size && strcmp(cases[i].format, "vmdk") != 0)
			assert_string_equal(mc_glance_format(content, cases[i].offset + cases[i].size - 1), "raw");
	}
}

static void test_properties(void **state)
{
	(void)state;
	assert_true(mc_glance_is_property("os_type"));
	assert_true(mc_glance_is_property("hw_disk_bus"));
	assert_false(mc_glance_is_property("name"));
	assert_false(mc_glance_is_property("os_hash_value"));
	assert_false(mc_glance_is_property(MC_GLANCE_MARK));
	assert_false(mc_glance_is_property("os_glance_failed_import"));
}

static void test_marks(void **state)
{
	(void)state;
	char mine[MC_GLANCE_MARK_MAX + 1], other[MC_GLANCE_MARK_MAX + 60], host[64] = "", boot[64] = "";
	unsigned long long start = 0;
	long pid = 0;

	mc_glance_make_mark(mine);
	assert_false(mc_glance_mark_is_dead(mine));
	assert_int_equal(sscanf(mine, "%63[^/]/%63[^/]/%ld/%llu", host, boot, &pid, &start), 4);
	assert_int_equal(pid, getpid());
	/* Our number, but of another process before us. */
	snprintf(other, sizeof other, "%s/%s/%ld/%llu", host, boot, pid, start - 1);
	assert_true(mc_glance_mark_is_dead(other));
	/* Before the last boot. */
	snprintf(other, sizeof other, "%s/%s/%ld/%llu", host, "00000000-0000-0000-0000-000000000000", pid, start);
	assert_true(mc_glance_mark_is_dead(other));
	/* On another machine: nobody knows. */
	snprintf(other, sizeof other, "x%s/%s/%ld/%llu", host, boot, pid, start - 1);
	assert_false(mc_glance_mark_is_dead(other));
	static const char *const bad[] = {"", "/", "a/b/c/d", "a/b/1", "////", "a/b/-1/x"};
	for (size_t i = 0; i < MC_COUNT(bad); i++)
		assert_false(mc_glance_mark_is_dead(bad[i]));
}

static void test_content_range(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		bool good;
		int64_t first, last, total;
	} cases[] = {
		{"bytes 0-4/10", true, 0, 4, 10},
		{"bytes 5-9/*", true, 5, 9, -1},
		{"bytes 0-0/1", true, 0, 0, 1},
		{"bytes 107374182399-107374182399/107374182400", true, 107374182399, 107374182399, 107374182400},
		{"bytes 0-10/10", false, 0, 0, 0},
		{"bytes 4-0/10", false, 0, 0, 0},
		{"bytes */10", false, 0, 0, 0},
		{"bytes -1-4/10", false, 0, 0, 0},
		{"bytes 0-4/10x", false, 0, 0, 0},
		{"bytes 0-4", false, 0, 0, 0},
		{"bytes 0-4/", false, 0, 0, 0},
		{"bytes=0-4/10", false, 0, 0, 0},
		{"", false, 0, 0, 0},
		{"bytes 1234567890123456789-1/2", false, 0, 0, 0},
	};

	for (size_t i = 0; i < MC_COUNT(cases); i++) {
		int64_t first = 0, last = 0, total = 0;
		assert_int_equal(mc_glance_parse_content_range(cases[i].text, &first, &last, &total), cases[i].good);
		if (cases[i].good) {
			assert_int_equal(first, cases[i].first);
			assert_int_equal(last, cases[i].last);
			assert_int_equal(total, cases[i].total);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_messages),
		cmocka_unit_test(test_errnos),
		cmocka_unit_test(test_formats),
		cmocka_unit_test(test_properties),
		cmocka_unit_test(test_marks),
		cmocka_unit_test(test_content_range),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
