/* SPDX-License-Identifier: MIT */
#include "mcloud/attached.h"
#include "mcloud/state_dir.h"
#include "mcloud/util.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* What tests/clouds can't see: the secrets' values, what becomes of them, and files that can't be read. What is read of
 * all other keys is compared with openstacksdk there. */

static char directory[64];

static int make_directory(void **state)
{
	(void)state;
	snprintf(directory, sizeof(directory), "/tmp/mcloudfs-attached.XXXXXX");
	return mkdtemp(directory) && chdir(directory) == 0 ? 0 : -1;
}

static int remove_directory(void **state)
{
	int parent = open("/tmp", O_RDONLY | O_DIRECTORY);
	int r = mc_state_remove_tree(parent, strrchr(directory, '/') + 1);

	(void)state;
	close(parent);
	return r;
}

static void put(const char *name, const char *content, size_t size)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, content, size), (ssize_t)size);
	close(fd);
}

static int load(
	const char *clouds, char *const *environment, struct mc_attached_config **ret_config, struct mc_error *error)
{
	const struct mc_attached_source source = {
		.cloud = clouds ? "one" : NULL, .clouds_file = clouds ? "file" : NULL, .environment = environment};

	if (clouds)
		put("file", clouds, strlen(clouds));
	return mc_attached_load(&source, ret_config, error);
}

static char home[] = "HOME=/nonexistent";
static char *nothing[] = {home, NULL};

/* Numbers become the text that openstacksdk makes of them, and nothing in a secret is filled in. */
static void test_secrets(void **state)
{
	static const struct {
		const char *auth, *password, *token, *passcode, *secret;
	} cases[] = {
		{"auth_type: password, auth: {auth_url: x, password: 'a{b}', user_id: u}", "a{b}", NULL, NULL, NULL},
		{"auth_type: password, password: '{{x}}', auth: {auth_url: x, user_id: u}", "{{x}}", NULL, NULL, NULL},
		{"auth: {auth_url: x, password: 010, user_id: u}", "8", NULL, NULL, NULL},
		{"auth: {auth_url: x, password: 1.50, user_id: u}", "1.5", NULL, NULL, NULL},
		{"auth: {auth_url: x, password: !!str 1.50, user_id: u}, password: other", "1.50", NULL, NULL, NULL},
		{"auth_type: token, auth_token: one, auth: {auth_url: x, token: two}", NULL, "two", NULL, NULL},
		{"auth_type: v3token, auth_token: 7, token: null, auth: {auth_url: x}", NULL, "None", NULL, NULL},
		{"auth_type: v3totp, passcode: 012345, auth: {auth_url: x, user_id: u, passcode: 1}", NULL, NULL,
			"5349", NULL},
		{"auth_type: v3multifactor, auth: {auth_url: x, user_id: u, password: p, passcode: '01', "
		 "auth_methods: [v3totp, v3password]}",
			"p", NULL, "01", NULL},
		{"auth_type: v3applicationcredential, application-credential-secret: s, auth: {auth_url: x, "
		 "application_credential_id: i}",
			NULL, NULL, NULL, "s"},
	};
	(void)state;
	for (size_t i = 0; i < MC_COUNT(cases); i++) {
		MC_CLEANUP(attached) struct mc_attached_config *config = NULL;
		struct mc_error error = {0};
		char text[512];
		snprintf(text, sizeof(text), "clouds: {one: {%s}}\n", cases[i].auth);
		assert_int_equal(load(text, nothing, &config, &error), 0);
		const struct mc_attached_auth *auth = &config->auth;
		const char *pairs[][2] = {{auth->password, cases[i].password}, {auth->token, cases[i].token},
			{auth->passcode, cases[i].passcode}, {auth->application_credential_secret, cases[i].secret}};
		for (size_t k = 0; k < MC_COUNT(pairs); k++) {
			assert_int_equal(!pairs[k][0], !pairs[k][1]);
			if (pairs[k][0])
				assert_string_equal(pairs[k][0], pairs[k][1]);
		}
	}
}

static void test_environment(void **state)
{
	char url[] = "OS_AUTH_URL=https://k/v3", user[] = "OS_USER_ID=u", password[] = "OS_PASSWORD= a=b{c ";
	char *environment[] = {home, url, user, password, NULL};
	MC_CLEANUP(attached) struct mc_attached_config *config = NULL;
	struct mc_error error = {0};
	(void)state;
	assert_int_equal(load(NULL, environment, &config, &error), 0);
	assert_string_equal(config->cloud, "envvars");
	assert_string_equal(config->auth.password, " a=b{c ");
	assert_int_equal(config->n_files, 0);
	char bad[] = "OS_USERNAME=\xff";
	environment[2] = bad;
	struct mc_attached_config *none = NULL;
	assert_int_equal(load(NULL, environment, &none, &error), -EINVAL);
	assert_string_equal(error.message, "OS_USERNAME in the environment isn't text in UTF-8");
}

static void test_print_masks(void **state)
{
	MC_CLEANUP(attached) struct mc_attached_config *config = NULL;
	MC_CLEANUP(buffer) struct mc_buffer out = {0};
	struct mc_error error = {0};
	(void)state;
	assert_int_equal(load("clouds: {one: {auth_type: v3multifactor, auth: {auth_url: x, user_id: u, token: s3cr3t, "
			      "password: s3cr3t, passcode: s3cr3t, auth_methods: [v3token, v3password, v3totp]}}}",
				 nothing, &config, &error),
		0);
	assert_int_equal(mc_attached_print(config, &out), 0);
	assert_null(strstr(out.data, "s3cr3t"));
	assert_non_null(strstr(out.data, "\"passcode\":\t\"********\""));
	assert_int_equal(config->auth.methods, MC_LOGIN_TOKEN | MC_LOGIN_PASSWORD | MC_LOGIN_TOTP);
}

/* A sentence names keys: what stands beside them may be a secret. */
static void test_sentences_hold_no_secret(void **state)
{
	static const char *const settings[] = {
		"auth: s3cr3t",
		"auth: {auth_url: x, s3cr3t",
		"auth: {auth_url: 'https://{s3cr3t', user_id: u}",
		"auth: {auth_url: x, user_id: u, password: [s3cr3t]}",
		"auth: {auth_url: x, user_id: u, password: {s3cr3t: s3cr3t}}",
		"auth: {auth_url: x, user_id: u, token: s3cr3t}",
		"auth: {auth_url: x, user_id: u}, other_password: 'a}s3cr3t'",
		"auth: {auth_url: x, user_id: u}, regions: [{name: a, values: {}, password: s3cr3t}]",
		"auth: {auth_url: x, user_id: u}, other_password: 'a{s3cr3t}'",
		"auth: {auth_url: x, user_id: u}, profile: 'https://u:s3cr3t@x'",
		"auth: {auth_url: x, user_id: u}, regions: s3cr3t",
		"auth: {auth_url: x, user_id: u}, api_timeout: s3cr3t",
		"auth: {auth_url: x, user_id: u, password: !s3cr3t x}",
		"auth: {auth_url: x, user_id: u, password: *s3cr3t}",
		"auth: {auth_url: x, user_id: u, password: s3cr3t: s3cr3t}",
	};
	(void)state;
	for (size_t i = 0; i < MC_COUNT(settings); i++) {
		struct mc_attached_config *config = NULL;
		struct mc_error error = {0};
		char text[512];
		snprintf(text, sizeof(text), "clouds: {one: {%s}}\n", settings[i]);
		assert_int_equal(load(text, nothing, &config, &error), -EINVAL);
		assert_null(config);
		assert_true(*error.message);
		assert_null(strstr(error.message, "s3cr3t"));
	}
}

static void test_unreadable(void **state)
{
	static const char good[] = "clouds: {one: {auth: {auth_url: x, user_id: u}}}\n";
	const struct mc_attached_source none = {.clouds_file = "none", .environment = nothing};
	const struct mc_attached_source folder = {.clouds_file = directory, .environment = nothing};
	MC_CLEANUP(attached) struct mc_attached_config *config = NULL;
	struct mc_attached_config *ignored = NULL;
	struct mc_error error = {0};
	(void)state;
	assert_int_equal(mc_attached_load(&none, &ignored, &error), -ENOENT);
	assert_string_equal(error.message, "none can't be read: No such file or directory");
	assert_int_equal(mc_attached_load(&folder, &ignored, &error), -EISDIR);
	/* What is searched for is passed over, as openstacksdk does; and told. */
	assert_int_equal(symlink("clouds.yaml", "clouds.yaml"), 0);
	put("clouds.yml", good, sizeof(good) - 1);
	assert_int_equal(load(NULL, nothing, &config, &error), 0);
	assert_int_equal(config->n_warnings, 1);
	assert_string_equal(config->warnings[0], "clouds.yaml is passed over: Too many levels of symbolic links");
	assert_int_equal(config->n_files, 1);
	assert_string_equal(config->files[0], "clouds.yml");
	unlink("clouds.yaml");
	unlink("clouds.yml");
}

/* A profile is asked of openstacksdk's files, and refused where they aren't: its settings may be of one's login. */
static void test_vendors(void **state)
{
	static const char clouds[] = "clouds: {one: {profile: acme, auth: {user_id: u}}}\n";
	static const char acme[] = "{\"name\": \"acme\", \"profile\": {\"auth\": {\"auth_url\": \"https://acme\"}, "
				   "\"status\": \"deprecated\", \"message\": \"move on\"}}";
	struct mc_attached_source source = {.clouds_file = "file", .environment = nothing, .vendors = "vendors"};
	MC_CLEANUP(attached) struct mc_attached_config *config = NULL;
	struct mc_attached_config *ignored = NULL;
	struct mc_error error = {0};
	(void)state;
	put("file", clouds, sizeof(clouds) - 1);
	assert_int_equal(mc_attached_load(&source, &ignored, &error), -EINVAL);
	assert_non_null(strstr(error.message, "the profile acme is in no clouds-public.yaml"));
	assert_int_equal(mkdir("vendors", 0700), 0);
	assert_int_equal(mc_attached_load(&source, &ignored, &error), -EINVAL);
	assert_string_equal(error.message, "cloud one: auth_type password needs auth_url, which auth hasn't got");
	put("vendors/acme.json", acme, sizeof(acme) - 1);
	assert_int_equal(mc_attached_load(&source, &config, &error), 0);
	assert_string_equal(config->auth.auth_url, "https://acme");
	assert_string_equal(config->warnings[0], "the profile of this cloud is deprecated: move on");
}

/* What shares values in the file doesn't in a cloud's settings, and must end. */
static void test_bomb_in_a_cloud(void **state)
{
	MC_CLEANUP(buffer) struct mc_buffer text = {0};
	struct mc_attached_config *config = NULL;
	struct mc_error error = {0};
	(void)state;
	mc_buffer_text(&text, "a0: &a0 {x: y}\n");
	for (int i = 1; i < 50; i++)
		mc_buffer_printf(&text, "a%d: &a%d {a: *a%d, b: *a%d, c: *a%d}\n", i, i, i - 1, i - 1, i - 1);
	mc_buffer_text(&text, "clouds: {one: {auth: {auth_url: x, user_id: u}, bomb: *a49}}\n");
	assert_int_equal(load(text.data, nothing, &config, &error), -EINVAL);
	assert_string_equal(error.message, "the clouds' configuration is too large");
	/* Texts, too: each is made of two of the one before it. */
	mc_buffer_free(&text);
	mc_buffer_text(&text, "clouds: {one: {auth: {auth_url: x, user_id: u}, a0: xxxxxxxx");
	for (int i = 1; i < 60; i++)
		mc_buffer_printf(&text, ", a%d: '{a%d}{a%d}'", i, i - 1, i - 1);
	mc_buffer_text(&text, "}}\n");
	assert_int_equal(load(text.data, nothing, &config, &error), -EINVAL);
	assert_non_null(strstr(error.message, "this is too long"));
}

/* A sanitizer's heap is elsewhere. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SEES_HEAP 0
#elif defined(__has_feature)
#define SEES_HEAP (!__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer))
#else
#define SEES_HEAP 1
#endif

/* Of a secret its end is looked for: the allocator writes over the beginning of what is freed. */
enum { SECRET = 96, END = 48 };

/* The end of a secret as it is kept by this test: what is looked for is nowhere in its memory. */
static char veiled[END];

/* How often it is in the heap and on the stack. */
static size_t occurrences(void)
{
	static char bytes[64 * 1024 + END];
	char line[512];
	size_t found = 0;
	FILE *maps = fopen("/proc/self/maps", "re");
	int memory = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);

	assert_non_null(maps);
	assert_true(memory >= 0);
	while (fgets(line, sizeof(line), maps)) {
		unsigned long from, to;
		if (sscanf(line, "%lx-%lx", &from, &to) != 2 || (!strstr(line, "[heap]") && !strstr(line, "[stack]")))
			continue;
		for (; from < to; from += sizeof(bytes) - END) {
			ssize_t size = pread(memory, bytes, sizeof(bytes), (off_t)from);
			for (ssize_t at = 0; at + END <= size; at++) {
				size_t same = 0;
				while (same < END && (bytes[at + (ssize_t)same] ^ 0x55) == veiled[same])
					same++;
				found += same == END;
			}
		}
	}
	fclose(maps);
	close(memory);
	explicit_bzero(bytes, sizeof(bytes));
	return found;
}

/* Files that hold it, in a style that makes the parser grow its text, as YAML or JSON. */
static void put_secret(const char *name, bool json)
{
	char secret[SECRET + 1], text[512];

	assert_int_equal(mc_random_hex(secret, SECRET / 2), 0);
	int length = snprintf(text, sizeof(text),
		json ? "{\"clouds\": {\"one\": {\"auth\": {\"auth_url\": \"x\", \"user_id\": \"u\", \"password\": "
		       "\"%s\"}}}}"
		     : "clouds:\n  one:\n    auth: {auth_url: x, user_id: u}\n    password: \"%s\"\n",
		secret);
	put(name, text, (size_t)length);
	for (size_t i = 0; i < END; i++)
		veiled[i] = (char)(secret[SECRET - END + i] ^ 0x55);
	explicit_bzero(secret, sizeof(secret));
	explicit_bzero(text, sizeof(text));
}

static void test_secrets_are_wiped(void **state)
{
	(void)state;
	for (int json = 0; json < 2; json++) {
		const char *name = json ? "secret.json" : "secret.yaml";
		const struct mc_attached_source source = {.clouds_file = name, .environment = nothing};
		struct mc_attached_config *config = NULL;
		struct mc_error error = {0};
		put_secret(name, json);
		assert_int_equal(occurrences(), 0);
		assert_int_equal(mc_attached_load(&source, &config, &error), 0);
		size_t kept = occurrences();
		mc_attached_free(config);
		assert_int_equal(kept, SEES_HEAP);
		assert_int_equal(occurrences(), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_secrets),
		cmocka_unit_test(test_environment),
		cmocka_unit_test(test_print_masks),
		cmocka_unit_test(test_sentences_hold_no_secret),
		cmocka_unit_test(test_unreadable),
		cmocka_unit_test(test_vendors),
		cmocka_unit_test(test_bomb_in_a_cloud),
		cmocka_unit_test(test_secrets_are_wiped),
	};
	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
