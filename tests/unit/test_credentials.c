/* SPDX-License-Identifier: MIT */
#include "fs/tree/client.h"
#include "fs/tree/clouds_yaml.h"
#include "fs/tree/openrc.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <yaml.h>

#include <cmocka.h>

#define NASTY "it's \"x\" $(reboot) `y` \\ #: {} & ! % no"

/* The node under KEY of a mapping. */
static yaml_node_t *under(yaml_document_t *document, yaml_node_t *mapping, const char *key)
{
	assert_non_null(mapping);
	assert_int_equal(mapping->type, YAML_MAPPING_NODE);
	for (yaml_node_pair_t *p = mapping->data.mapping.pairs.start; p < mapping->data.mapping.pairs.top; p++)
		if (strcmp((char *)yaml_document_get_node(document, p->key)->data.scalar.value, key) == 0)
			return yaml_document_get_node(document, p->value);
	fail_msg("no key %s", key);
	return NULL;
}

static void assert_value(yaml_document_t *document, yaml_node_t *mapping, const char *key, const char *expected)
{
	yaml_node_t *node = under(document, mapping, key);
	assert_int_equal(node->type, YAML_SCALAR_NODE);
	assert_string_equal((char *)node->data.scalar.value, expected);
	assert_int_equal(node->data.scalar.style, YAML_SINGLE_QUOTED_SCALAR_STYLE);
}

static const struct mc_client_region regions[] = {{"Kista"}, {"no"}, {"12"}};

/* A login as admin, in those regions. */
static struct mc_client_settings settings_with(const char *password)
{
	return (struct mc_client_settings){.cloud = "mcloud",
		.regions = regions,
		.n_regions = MC_COUNT(regions),
		.auth_type = "password",
		.auth = {{"auth_url", "http://127.77.1.1:5000/v3"}, {"username", "admin"}, {"password", password},
			{"project_name", "admin"}, {"user_domain_name", "Default"}, {"project_domain_name", "Default"}},
		.n_auth = 6,
		.interface = "public",
		.verify = true,
		.address = "127.77.1.1"};
}

static void test_yaml_reads_back(void **state)
{
	const struct mc_client_settings settings = settings_with(NASTY);
	MC_CLEANUP(buffer) struct mc_buffer out = {0};
	yaml_parser_t parser;
	yaml_document_t document;
	(void)state;
	assert_int_equal(mc_clouds_yaml(&settings, &out), 0);
	assert_true(yaml_parser_initialize(&parser));
	yaml_parser_set_input_string(&parser, (unsigned char *)out.data, out.size);
	assert_true(yaml_parser_load(&parser, &document));
	yaml_node_t *clouds = under(&document, yaml_document_get_root_node(&document), "clouds");
	yaml_node_t *cloud = under(&document, clouds, "mcloud"), *auth = under(&document, cloud, "auth");
	assert_value(&document, auth, "auth_url", "http://127.77.1.1:5000/v3");
	assert_value(&document, auth, "password", NASTY);
	assert_value(&document, auth, "username", "admin");
	assert_value(&document, auth, "project_name", "admin");
	assert_value(&document, auth, "user_domain_name", "Default");
	assert_value(&document, auth, "project_domain_name", "Default");
	assert_value(&document, cloud, "identity_api_version", "3");
	assert_value(&document, cloud, "interface", "public");
	assert_value(&document, cloud, "auth_type", "password");
	yaml_node_t *list = under(&document, cloud, "regions");
	assert_int_equal(list->type, YAML_SEQUENCE_NODE);
	assert_int_equal(list->data.sequence.items.top - list->data.sequence.items.start, 3);
	for (size_t i = 0; i < MC_COUNT(regions); i++) {
		yaml_node_t *item = yaml_document_get_node(&document, list->data.sequence.items.start[i]);
		assert_string_equal((char *)item->data.scalar.value, regions[i].name);
		assert_int_equal(item->data.scalar.style, YAML_SINGLE_QUOTED_SCALAR_STYLE);
	}
	yaml_document_delete(&document);
	yaml_parser_delete(&parser);
}

static void test_yaml_refuses_what_is_not_utf8(void **state)
{
	const struct mc_client_settings settings = settings_with("\xFF");
	MC_CLEANUP(buffer) struct mc_buffer out = {0};
	(void)state;
	assert_int_equal(mc_clouds_yaml(&settings, &out), -EIO);
}

/* What a shell that has sourced TEXT twice says to COMMAND. */
static void ask_shell(const char *text, const char *command, char *answer, size_t size)
{
	char path[] = "/tmp/openrc-XXXXXX", script[512];
	int file = mkstemp(path), out[2];
	assert_true(file >= 0);
	assert_int_equal(write(file, text, strlen(text)), strlen(text));
	close(file);
	assert_int_equal(pipe(out), 0);
	snprintf(script, sizeof(script), "set -eu; . %s 2>/dev/null; . %s 2>/dev/null; %s", path, path, command);
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		dup2(out[1], STDOUT_FILENO);
		execl("/bin/sh", "sh", "-c", script, (char *)NULL);
		_exit(127);
	}
	close(out[1]);
	size_t got = 0;
	for (ssize_t n; (n = read(out[0], answer + got, size - 1 - got)) > 0;)
		got += (size_t)n;
	answer[got] = '\0';
	close(out[0]);
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	unlink(path);
}

static void test_openrc_in_a_shell(void **state)
{
	const struct mc_client_settings settings = settings_with(NASTY);
	MC_CLEANUP(buffer) struct mc_buffer out = {0};
	char answer[512];
	(void)state;
	setenv("OS_TOKEN", "stale", 1);
	setenv("OS_PROJECT_ID", "stale", 1);
	setenv("no_proxy", "example.org", 1);
	unsetenv("NO_PROXY");
	mc_openrc(&settings, &out);
	ask_shell(out.data, "printf '%s' \"$OS_PASSWORD\"", answer, sizeof(answer));
	assert_string_equal(answer, NASTY);
	ask_shell(out.data,
		"echo \"$OS_AUTH_URL $OS_USERNAME $OS_PROJECT_NAME $OS_REGION_NAME $OS_IDENTITY_API_VERSION "
		"${OS_TOKEN-none} "
		"${OS_PROJECT_ID-none}\"",
		answer, sizeof(answer));
	assert_string_equal(answer, "http://127.77.1.1:5000/v3 admin admin Kista 3 none none\n");
	ask_shell(out.data, "echo \"$no_proxy $NO_PROXY\"", answer, sizeof(answer));
	assert_string_equal(answer, "example.org,127.77.1.1 127.77.1.1\n");
}

/* Of a cloud that isn't on this machine, and that another login may have left its settings of. */
static void test_other_login(void **state)
{
	const struct mc_client_settings settings = {.cloud = "prod",
		.regions = regions,
		.n_regions = 1,
		.auth_type = "v3applicationcredential",
		.auth = {{"auth_url", "https://prod"}, {"application_credential_id", "c1"},
			{"application_credential_secret", NASTY}},
		.n_auth = 3,
		.cacert = "/ca's.pem"};
	MC_CLEANUP(buffer) struct mc_buffer out = {0}, yaml = {0};
	char answer[512];
	(void)state;
	setenv("OS_USERNAME", "stale", 1);
	setenv("OS_PROJECT_NAME", "stale", 1);
	setenv("OS_INTERFACE", "stale", 1);
	mc_openrc(&settings, &out);
	ask_shell(out.data,
		"echo \"$OS_AUTH_TYPE $OS_AUTH_URL $OS_APPLICATION_CREDENTIAL_ID $OS_CACERT ${OS_USERNAME-none} "
		"${OS_PROJECT_NAME-none} ${OS_INTERFACE-none}\"",
		answer, sizeof(answer));
	assert_string_equal(answer, "v3applicationcredential https://prod c1 /ca's.pem none none none\n");
	ask_shell(out.data, "printf '%s' \"$OS_APPLICATION_CREDENTIAL_SECRET\"", answer, sizeof(answer));
	assert_string_equal(answer, NASTY);
	assert_null(strstr(out.data, "o_proxy"));
	assert_non_null(strstr(out.data, "--insecure"));
	assert_int_equal(mc_clouds_yaml(&settings, &yaml), 0);
	assert_non_null(strstr(yaml.data, "    cacert: '/ca''s.pem'\n    verify: false\n"));
	assert_null(strstr(yaml.data, "interface"));
}

/* What holds in one region only stands there; where no region has a name, it is the cloud's. */
static void test_values(void **state)
{
	static const struct mc_client_region some[] = {
		{"A", {{"image_endpoint_override", "http://a/{v2}"}, {"image_interface", "internal"}}, 2}, {"B"}};
	static const struct mc_client_region nameless = {NULL, {{"image_service_name", "glance"}}, 1};
	struct mc_client_settings settings = {.cloud = "prod",
		.regions = some,
		.n_regions = 2,
		.auth_type = "v3multifactor",
		.auth = {{"auth_methods", "v3password,v3totp"}},
		.n_auth = 1,
		.verify = true};
	MC_CLEANUP(buffer) struct mc_buffer out = {0}, yaml = {0}, other = {0};
	char answer[512];
	(void)state;
	assert_int_equal(mc_clouds_yaml(&settings, &yaml), 0);
	assert_non_null(strstr(yaml.data,
		"    regions:\n    - name: 'A'\n      values:\n        image_endpoint_override: 'http://a/{{v2}}'\n"
		"        image_interface: 'internal'\n    - 'B'\n"));
	assert_non_null(strstr(yaml.data, "      auth_methods:\n      - 'v3password'\n      - 'v3totp'\n"));
	setenv("OS_IMAGE_SERVICE_NAME", "stale", 1);
	mc_openrc(&settings, &out);
	ask_shell(out.data,
		"echo \"$OS_REGION_NAME $OS_IMAGE_ENDPOINT_OVERRIDE $OS_IMAGE_INTERFACE "
		"${OS_IMAGE_SERVICE_NAME-none}\"",
		answer, sizeof(answer));
	assert_string_equal(answer, "A http://a/{{v2}} internal none\n");
	settings.regions = &nameless;
	settings.n_regions = 1;
	assert_int_equal(mc_clouds_yaml(&settings, &other), 0);
	assert_null(strstr(other.data, "regions:"));
	assert_non_null(strstr(other.data, "    image_service_name: 'glance'\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_yaml_reads_back),
		cmocka_unit_test(test_yaml_refuses_what_is_not_utf8),
		cmocka_unit_test(test_openrc_in_a_shell),
		cmocka_unit_test(test_other_login),
		cmocka_unit_test(test_values),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
