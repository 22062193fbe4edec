/* SPDX-License-Identifier: MIT */
#include "fs/options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int setup(void **state)
{
	struct mc_options *options = calloc(1, sizeof *options);

	*state = options;
	return options ? mc_options_init(options) : -1;
}

static int teardown(void **state)
{
	mc_options_clear(*state);
	free(*state);
	return 0;
}

static void test_defaults(void **state)
{
	const struct mc_options *options = *state;

	assert_string_equal(options->cloud, "mcloud");
	assert_string_equal(options->engine, "auto");
	assert_null(options->socket);
	assert_string_equal(options->base, "127.77.0.0");
	assert_string_equal(options->ldap_suffix, "dc=acme,dc=org");
	assert_string_equal(options->domain, "acme");
	assert_string_equal(options->state_dir, "/var/lib/mcloudfs");
	assert_true(options->verify);
	assert_int_equal(options->ttl_ms, 1000);
	assert_int_equal(options->timeout_ms, 0); /* not said */
}

static void test_all(void **state)
{
	struct mc_options *options = *state;
	struct mc_error error = {0};

	assert_int_equal(mc_options_parse(options,
				 "cloud=lab-2,engine=docker,socket=/run/"
				 "x\\,y.sock,base=127.90.0.0,ldap_suffix=dc=example,dc=net,ou=x,"
				 "domain=people,verify=off,ttl=0.25,timeout=60,state_dir=/srv/"
				 "state,replicate=auto,,ro,allow_other,"
				 "noauto,x-systemd.automount,_netdev",
				 &error),
		0);
	assert_string_equal(options->cloud, "lab-2");
	assert_string_equal(options->engine, "docker");
	assert_string_equal(options->socket, "/run/x,y.sock");
	assert_string_equal(options->base, "127.90.0.0");
	assert_string_equal(options->ldap_suffix, "dc=example,dc=net,ou=x");
	assert_string_equal(options->domain, "people");
	assert_string_equal(options->state_dir, "/srv/state");
	assert_false(options->verify);
	assert_true(options->replicates);
	assert_int_equal(options->ttl_ms, 250);
	assert_int_equal(options->timeout_ms, 60000);
	assert_string_equal(options->mount.data, "ro,allow_other");
	assert_true(options->read_only);
	/* As the manual writes it, and later ones win. */
	assert_int_equal(mc_options_parse(options, "ldap_suffix=dc=a\\,dc=b,ttl=2,rw", &error), 0);
	assert_string_equal(options->ldap_suffix, "dc=a,dc=b");
	assert_int_equal(options->ttl_ms, 2000);
	assert_string_equal(options->mount.data, "ro,allow_other,rw");
	assert_false(options->read_only);
	assert_int_equal(mc_options_parse(options, "context=a\\,b", &error), 0);
	assert_string_equal(options->mount.data, "ro,allow_other,rw,context=a\\,b");
}

static void test_bad(void **state)
{
	static const struct {
		const char *text, *why;
	} bad[] = {
		{"colour=red", "unknown option \"colour=red\": mcloudfs --help"},
		{"ro,clod=x", "unknown option \"clod=x\""},
		{"cloud", "option cloud needs a value: cloud=NAME"},
		{"cloud=", "option cloud needs a value"},
		{"cloud=A", "cloud=A: a cloud's name has small letters"},
		{"cloud=../x", "a cloud's name"},
		{"cloud=-x", "a cloud's name"},
		{"cloud=abcdefghijklmnopqrstuvwxyz0123456", "a cloud's name"},
		{"engine=lxc", "engine=lxc: the engines are auto, docker and podman"},
		{"socket=run/docker.sock", "an absolute path is needed"},
		{"state_dir=.", "an absolute path is needed"},
		{"base=10.0.0.0", "an address 127.N.0.0 is needed"},
		{"base=127.77.1.0", "an address 127.N.0.0 is needed"},
		{"base=127.77.0.1", "an address 127.N.0.0 is needed"},
		{"base=x", "an address 127.N.0.0 is needed"},
		{"ldap_suffix=acme", "a DN is needed"},
		{"domain=default", "isn't Default"},
		{"domain=a/b", "without slashes"},
		{"verify=yes", "on or off is needed"},
		{"verify=on,dc=org", "unknown option \"dc=org\""},
		{"ttl=-1", "0 to 3600 seconds are possible"},
		{"ttl=3601", "0 to 3600 seconds"},
		{"ttl=1s", "0 to 3600 seconds"},
		{"ttl=nan", "0 to 3600 seconds"},
		{"ttl=0x10", "0 to 3600 seconds"},
		{"timeout=0", "0.1 to 3600 seconds are possible"},
		{"timeout=1e9", "0.1 to 3600 seconds"},
		{"replicate=yes", "auto or manual is needed"},
		{"debug", "unknown option \"debug\""},
		{"allow_root", "unknown option \"allow_root\""},
	};

	for (size_t i = 0; i < MC_COUNT(bad); i++) {
		struct mc_error error = {0};
		assert_int_equal(mc_options_parse(*state, bad[i].text, &error), -EINVAL);
		if (!strstr(error.message, bad[i].why))
			fail_msg("%s: %s", bad[i].text, error.message);
	}
	char *text = malloc(20000);
	assert_non_null(text);
	memset(text, ',', 19999);
	text[19999] = '\0';
	assert_int_equal(mc_options_parse(*state, text, NULL), -EINVAL);
	free(text);
}

static int line(struct mc_options *options, struct mc_error *error, const char *const *words)
{
	char *arguments[16] = {0};
	int count = 0, result;

	while (words[count]) {
		arguments[count] = strdup(words[count]);
		count++;
	}
	result = mc_options_command_line(options, count, arguments, error);
	for (int i = 0; i < count; i++)
		free(arguments[i]);
	return result;
}

#define LINE(...) line(*state, &error, (const char *const[]){"mcloudfs", __VA_ARGS__, NULL})

static void test_line(void **state)
{
	struct mc_options *options = *state;
	struct mc_error error = {0};

	assert_int_equal(LINE("/mnt"), 0);
	assert_string_equal(options->mountpoint, "/mnt");
	assert_null(options->source);
	assert_false(options->foreground);
}

/* As mount.fuse3 calls it. */
static void test_mount_line(void **state)
{
	struct mc_options *options = *state;
	struct mc_error error = {0};

	assert_int_equal(LINE("lab", "/mnt", "-o", "rw,cloud=lab,dev,suid", "-ottl=2", "-d"), 0);
	assert_string_equal(options->mountpoint, "/mnt");
	assert_string_equal(options->source, "lab");
	assert_string_equal(options->cloud, "lab");
	assert_int_equal(options->ttl_ms, 2000);
	assert_string_equal(options->mount.data, "rw,dev,suid");
	assert_true(options->debug && options->foreground);
}

static void test_bad_line(void **state)
{
	struct mc_error error = {0};

	assert_int_equal(LINE("-f"), -EINVAL);
	assert_non_null(strstr(error.message, "MOUNTPOINT"));
	assert_int_equal(LINE("--nonsense", "/mnt"), -EINVAL);
	assert_non_null(strstr(error.message, "unknown argument \"--nonsense\""));
	assert_int_equal(LINE("a", "b", "c"), -EINVAL);
	assert_non_null(strstr(error.message, "one word too many"));
	assert_int_equal(LINE("/mnt", "-o"), -EINVAL);
}

static void test_help(void **state)
{
	struct mc_options *options = *state;
	MC_CLEANUP(buffer) struct mc_buffer text = {0};
	struct mc_error error = {0};

	assert_int_equal(LINE("--help"), 0);
	assert_true(options->help);
	mc_options_help(&text);
	static const char *const names[] = {"cloud=", "engine=", "socket=", "base=", "ldap_suffix=", "domain=",
		"replicate=", "verify=", "ttl=", "timeout=", "state_dir=", "allow_other", "ro ", "-f", "-d",
		"--version", "OIDC", "v3applicationcredential", "v3totp"};
	for (size_t i = 0; i < MC_COUNT(names); i++)
		assert_non_null(strstr(text.data, names[i]));
}

/* For tests and for whoever wonders: no help tells of it, and it needs no mount point. */
static void test_print_cloud(void **state)
{
	struct mc_options *options = *state;
	MC_CLEANUP(buffer) struct mc_buffer text = {0};
	struct mc_error error = {0};

	assert_int_equal(LINE("--print-cloud"), 0);
	assert_true(options->print_cloud);
	assert_null(options->mountpoint);
	assert_int_equal(LINE("--print-cloud", "prod", "Kista"), 0);
	assert_string_equal(options->source, "prod");
	assert_string_equal(options->mountpoint, "Kista");
	mc_options_help(&text);
	assert_null(strstr(text.data, "print-cloud"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_defaults, setup, teardown),
		cmocka_unit_test_setup_teardown(test_all, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bad, setup, teardown),
		cmocka_unit_test_setup_teardown(test_line, setup, teardown),
		cmocka_unit_test_setup_teardown(test_mount_line, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bad_line, setup, teardown),
		cmocka_unit_test_setup_teardown(test_help, setup, teardown),
		cmocka_unit_test_setup_teardown(test_print_cloud, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
