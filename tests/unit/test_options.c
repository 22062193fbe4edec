/* SPDX-License-Identifier: MIT */
#include "fs/options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
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
	assert_null(options->tls);
	assert_int_equal(options->ttl_ms, 1000);
	assert_int_equal(options->timeout_ms, 0); /* not said */
	assert_null(options->cache);
	assert_int_equal(options->spare, 0);
	assert_int_equal(options->cache_size, INT64_C(10) << 30);
}

static void test_all(void **state)
{
	struct mc_options *options = *state;
	struct mc_error error = {0};

	assert_int_equal(
		mc_options_parse(options,
			"cloud=lab-2,engine=docker,socket=/run/"
			"x\\,y.sock,base=127.90.0.0,ldap_suffix=dc=example,dc=net,ou=x,"
			"domain=people,verify=off,ttl=0.25,timeout=60,state_dir=/srv/"
			"state,replicate=auto,tls=on,,ro,allow_other,cache=/var/cache/images,cache_size=500M,spare=2,"
			"noauto,x-systemd.automount,_netdev",
			&error),
		0);
	assert_string_equal(options->cloud, "lab-2");
	assert_string_equal(options->tls, "on");
	assert_string_equal(options->engine, "docker");
	assert_string_equal(options->socket, "/run/x,y.sock");
	assert_string_equal(options->base, "127.90.0.0");
	assert_string_equal(options->ldap_suffix, "dc=example,dc=net,ou=x");
	assert_string_equal(options->domain, "people");
	assert_string_equal(options->state_dir, "/srv/state");
	assert_false(options->verify);
	assert_string_equal(options->cache, "/var/cache/images");
	assert_int_equal(options->cache_size, INT64_C(500) << 20);
	assert_true(options->replicates);
	assert_int_equal(options->spare, 2);
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

static void test_sizes(void **state)
{
	static const struct {
		const char *text;
		int64_t bytes;
	} sizes[] = {{"1", 1}, {"4096", 4096}, {"3K", 3072}, {"500m", INT64_C(500) << 20}, {"10G", INT64_C(10) << 30},
		{"2T", INT64_C(2) << 40}, {"999999999999", INT64_C(999999999999)},
		{"8388607T", INT64_C(8388607) << 40}};
	struct mc_options *options = *state;
	struct mc_error error = {0};

	for (size_t i = 0; i < MC_COUNT(sizes); i++) {
		char text[64];
		snprintf(text, sizeof(text), "cache_size=%s", sizes[i].text);
		assert_int_equal(mc_options_parse(options, text, &error), 0);
		assert_int_equal(options->cache_size, sizes[i].bytes);
	}
}

static void test_bad(void **state)
{
	static const struct {
		const char *text, *why;
	} bad[] = {
		{"colour=red", "unknown option \"colour=red\": mcloudfs --help"},
		{"ro,clod=x", "unknown option \"clod=x\": did you mean cloud?"},
		{"relpicate=auto", "unknown option \"relpicate=auto\": did you mean replicate?"},
		{"alow_other", "did you mean allow_other?"},
		{"CLOUD=x", "did you mean cloud?"},
		{"_netdve", "did you mean _netdev?"},
		{"contxt=x", "did you mean context?"},
		{"cloud", "option cloud needs a value: cloud=NAME"},
		{"cloud=", "option cloud needs a value"},
		{"cloud=A", "cloud=A: a cloud's name has small letters"},
		{"cloud=../x", "a cloud's name"},
		{"cloud=-x", "a cloud's name"},
		{"cloud=abcdefghijklmnopqrstuvwxyz0123456", "a cloud's name"},
		{"engine=lxc", "engine=lxc: the engines are auto, docker, podman and swarm"},
		{"socket=run/docker.sock", "an absolute path is needed"},
		{"state_dir=.", "an absolute path is needed"},
		{"cache=copies", "an absolute path is needed"},
		{"cache", "option cache needs a value: cache=PATH"},
		{"cache_size=0", "a size is needed, such as 500M or 10G"},
		{"cache_size=-1", "a size is needed"},
		{"cache_size=G", "a size is needed"},
		{"cache_size=1.5G", "a size is needed"},
		{"cache_size=1GB", "a size is needed"},
		{"cache_size=1X", "a size is needed"},
		{"cache_size=9999999T", "a size is needed"},
		{"cache_size=9223372036854775808", "a size is needed"},
		{"base=10.0.0.0", "an address 127.N.0.0 is needed"},
		{"base=127.77.1.0", "an address 127.N.0.0 is needed"},
		{"base=127.77.0.1", "an address 127.N.0.0 is needed"},
		{"base=x", "an address 127.N.0.0 is needed"},
		{"ldap_suffix=acme", "a DN is needed"},
		{"domain=default", "isn't Default"},
		{"domain=a/b", "without slashes"},
		{"verify=yes", "on or off is needed"},
		{"verify=on,dc=org", "unknown option \"dc=org\": mcloudfs --help"},
		{"ttl=-1", "0 to 3600 seconds are possible"},
		{"ttl=3601", "0 to 3600 seconds"},
		{"ttl=1s", "0 to 3600 seconds"},
		{"ttl=nan", "0 to 3600 seconds"},
		{"ttl=0x10", "0 to 3600 seconds"},
		{"timeout=0", "0.1 to 3600 seconds are possible"},
		{"timeout=1e9", "0.1 to 3600 seconds"},
		{"replicate=yes", "auto or manual is needed"},
		{"spare=17", "a number up to 16 is needed"},
		{"spare=-1", "a number up to 16 is needed"},
		{"spare=1.5", "a number up to 16 is needed"},
		{"spare=99999999999999999999", "a number up to 16 is needed"},
		{"tls=yes", "on or off is needed"},
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

#define MOUNT_LINE(...) line(*state, &error, (const char *const[]){"/sbin/mount.fuse.mcloudfs", __VA_ARGS__, NULL})

/* As mount(8) calls it. */
static void test_helper_line(void **state)
{
	struct mc_options *options = *state;
	struct mc_error error = {0};

	assert_int_equal(MOUNT_LINE("lab", "/mnt/a", "-sv", "-n", "-o",
				 "rw,noexec,cloud=lab,_netdev,nofail,x-systemd.requires=docker.service,X-mount.mkdir",
				 "-t", "fuse.mcloudfs"),
		0);
	assert_true(options->by_mount && options->is_sloppy);
	assert_false(options->foreground || options->only_checks || options->remount);
	assert_string_equal(options->source, "lab");
	assert_string_equal(options->mountpoint, "/mnt/a");
	assert_string_equal(options->cloud, "lab");
	assert_string_equal(options->mount.data, "rw,noexec");
}

/* -f isn't the daemon's; options may come first; what is unknown is passed over with -s, wherever that stands. */
static void test_helper_flags(void **state)
{
	struct mc_options *options = *state;
	struct mc_error error = {0};

	assert_int_equal(MOUNT_LINE("-f", "-o", "colour=red,domain=a\\,b,nonempty", "lab", "/mnt", "-s"), 0);
	assert_true(options->only_checks && options->is_sloppy && options->nonempty);
	assert_false(options->foreground);
	assert_string_equal(options->domain, "a,b");
}

/* With what the kernel says of a mount that is there. */
static void test_helper_remount(void **state)
{
	struct mc_options *options = *state;
	struct mc_error error = {0};

	assert_int_equal(MOUNT_LINE("lab", "/mnt", "-o",
				 "rw,nosuid,nodev,relatime,user_id=0,group_id=0,default_permissions,remount,ro"),
		0);
	assert_true(options->remount && options->read_only);
}

static void test_bad_helper_line(void **state)
{
	struct mc_options *options = *state;
	struct mc_error error = {0};

	assert_int_equal(MOUNT_LINE("lab"), -EINVAL);
	assert_true(options->by_mount);
	assert_non_null(strstr(error.message, "a source and a mount point are needed"));
	assert_int_equal(MOUNT_LINE("lab", "/mnt", "/mnt2"), -EINVAL);
	assert_int_equal(MOUNT_LINE("lab", "/mnt", "-x"), -EINVAL);
	assert_non_null(strstr(error.message, "-x is none of the options"));
	assert_int_equal(MOUNT_LINE("lab", "/mnt", "-o"), -EINVAL);
	assert_non_null(strstr(error.message, "-o is none of the options"));
	assert_int_equal(MOUNT_LINE("lab", "/mnt", "-N", "/proc/1/ns/mnt"), -EINVAL);
	assert_non_null(strstr(error.message, "nsenter --mount=/proc/1/ns/mnt"));
	assert_int_equal(MOUNT_LINE("lab", "/mnt", "-o", "colour=red"), -EINVAL);
	/* people ask it, too */
	assert_int_equal(MOUNT_LINE("--help"), 0);
	assert_true(options->help);
}

static void test_bad_line(void **state)
{
	struct mc_error error = {0};

	assert_int_equal(LINE("-f"), -EINVAL);
	assert_non_null(strstr(error.message, "MOUNTPOINT"));
	assert_int_equal(LINE("--nonsense", "/mnt"), -EINVAL);
	assert_non_null(strstr(error.message, "unknown argument \"--nonsense\": mcloudfs --help"));
	assert_int_equal(LINE("--print-tee"), -EINVAL);
	assert_string_equal(error.message, "unknown argument \"--print-tee\": did you mean --print-tree?");
	assert_int_equal(LINE("a", "b", "c"), -EINVAL);
	assert_non_null(strstr(error.message, "one word too many"));
	assert_int_equal(LINE("/mnt", "-o"), -EINVAL);
}

/* Each option with what completion makes of it. */
static void test_offer(void **state)
{
	MC_CLEANUP(buffer) struct mc_buffer text = {0};
	char *rest;

	(void)state;
	mc_options_offer(&text);
	assert_non_null(strstr(text.data, "verify=\ton|off\t"));
	assert_non_null(strstr(text.data, "\nallow_other\t\t"));
	assert_non_null(strstr(text.data, "\nnonempty\t\twhat"));
	assert_non_null(strstr(text.data, "\n--print-tree\t\tprint"));
	rest = text.data;
	for (char *row; (row = strsep(&rest, "\n")) && *row;) {
		unsigned tabs = 0;
		for (const char *at = row; *at; at++)
			tabs += *at == '\t';
		assert_int_equal(tabs, 2);
	}
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
		"replicate=", "spare=", "tls=", "verify=", "cache=", "cache_size=", "ttl=", "timeout=", "state_dir=",
		"allow_other", "ro ", "-f", "-d", "--version", "OIDC", "v3applicationcredential", "v3totp"};
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
		cmocka_unit_test_setup_teardown(test_sizes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bad, setup, teardown),
		cmocka_unit_test_setup_teardown(test_line, setup, teardown),
		cmocka_unit_test_setup_teardown(test_mount_line, setup, teardown),
		cmocka_unit_test_setup_teardown(test_helper_line, setup, teardown),
		cmocka_unit_test_setup_teardown(test_helper_flags, setup, teardown),
		cmocka_unit_test_setup_teardown(test_helper_remount, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bad_helper_line, setup, teardown),
		cmocka_unit_test_setup_teardown(test_offer, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bad_line, setup, teardown),
		cmocka_unit_test_setup_teardown(test_help, setup, teardown),
		cmocka_unit_test_setup_teardown(test_print_cloud, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
