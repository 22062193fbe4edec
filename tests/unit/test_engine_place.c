/* SPDX-License-Identifier: MIT */
#include "backends/engine/place.h"

#include "mcloud/util.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* What is a place of an engine, and what is none. */

static const struct {
	const char *socket, *path, *url;
} good[] = {
	{"/run/docker.sock", "/run/docker.sock", "http://localhost"},
	{"unix:///run/docker.sock", "/run/docker.sock", "http://localhost"},
	{"a b", "a b", "http://localhost"},
	{"tcp://10.0.0.2:2376", NULL, "https://10.0.0.2:2376"},
	{"tcp://node-2.example:65535", NULL, "https://node-2.example:65535"},
	{"tcp://[2001:db8::1]:2376", NULL, "https://[2001:db8::1]:2376"},
	{"tcp://[::ffff:10.0.0.2]:1", NULL, "https://[::ffff:10.0.0.2]:1"},
};

static const char *const bad[] = {
	"unix://run/docker.sock",
	"unix://",
	"ssh://host",
	"http://10.0.0.2:2375",
	"tcp://",
	"tcp://:2376",
	"tcp://10.0.0.2",
	"tcp://10.0.0.2:",
	"tcp://10.0.0.2:0",
	"tcp://10.0.0.2:65536",
	"tcp://10.0.0.2:99999999999999999999",
	"tcp://10.0.0.2:23x",
	"tcp://10.0.0.2:2376/v1.41",
	"tcp://user@10.0.0.2:2376",
	"tcp://10.0.0.2:2376?x",
	"tcp://10.0.0.2:2376 ",
	"tcp://[2001:db8::1:2376",
	"tcp://[]:2376",
	"tcp://[fe80::1%25eth0]:2376",
	"tcp://2001:db8::1:2376",
};

static void test_good(void **state)
{
	(void)state;
	for (size_t i = 0; i < MC_COUNT(good); i++) {
		const struct mc_engine_place place = {.socket = good[i].socket, .tls.cert = "/cert.pem"};
		struct mc_engine_address address;

		assert_int_equal(mc_engine_address_of(&place, &address, NULL), 0);
		assert_string_equal(address.url, good[i].url);
		assert_int_equal(!address.path, !good[i].path);
		if (good[i].path)
			assert_string_equal(address.path, good[i].path);
	}
}

static void test_bad(void **state)
{
	(void)state;
	for (size_t i = 0; i < MC_COUNT(bad); i++) {
		const struct mc_engine_place place = {.socket = bad[i], .tls.cert = "/cert.pem"};
		struct mc_engine_address address;
		struct mc_error error = {0};

		if (mc_engine_address_of(&place, &address, &error) != -EINVAL)
			fail_msg("%s is taken for a place", bad[i]);
		assert_non_null(strstr(error.message, "is no place of a container engine: name a path, unix:///PATH "
						      "or tcp://HOST:PORT"));
	}
}

/* Who is nobody could be anybody: an engine that lets everybody in is not one to be used. */
static void test_without_certificate(void **state)
{
	(void)state;
	const struct mc_engine_place place = {.socket = "tcp://10.0.0.2:2376", .tls.cacert = "/ca.pem"};
	struct mc_engine_address address;
	struct mc_error error = {0};

	assert_int_equal(mc_engine_address_of(&place, &address, &error), -EINVAL);
	assert_non_null(strstr(error.message, "tcp://10.0.0.2:2376 is reached with a client's certificate only, and "
					      "there is none: name a cert.pem and key.pem"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_without_certificate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
