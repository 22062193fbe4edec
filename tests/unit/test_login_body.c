/* SPDX-License-Identifier: MIT */
#include "backends/openstack/login/body.h"
#include "backends/openstack/login/credentials.h"
#include "mcloud/util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* What is sent to log in, by the settings: the examples of the Identity API's reference. */

#define METHODS(names, objects) "{\"auth\":{\"identity\":{\"methods\":[" names "]," objects "}"
#define BY_ID "\"password\":{\"user\":{\"id\":\"u1\",\"password\":\"secret\"}}"
#define SCOPED(scope) METHODS("\"password\"", BY_ID) ",\"scope\":" scope "}}"
#define PASSWORD_BY_ID .methods = MC_LOGIN_PASSWORD, .user_id = "u1", .password = "secret"
#define SET " set it in auth of clouds.yaml"

static const struct {
	struct mc_credentials credentials;
	const char *json, *message;
	int result;
} cases[] = {
	{{PASSWORD_BY_ID}, METHODS("\"password\"", BY_ID) "}}", NULL, 0},
	{{PASSWORD_BY_ID, .user = "john", .user_domain = "D"}, METHODS("\"password\"", BY_ID) "}}", NULL, 0},
	{{.methods = MC_LOGIN_PASSWORD, .user = "jo\"hn", .user_domain = "Default", .password = ""},
		METHODS("\"password\"", "\"password\":{\"user\":{\"name\":\"jo\\\"hn\",\"domain\":{\"name\":"
					"\"Default\"},\"password\":\"\"}}") "}}",
		NULL, 0},
	{{.methods = MC_LOGIN_PASSWORD, .user = "j", .user_domain = "D", .user_domain_id = "d1", .password = "p\ns"},
		METHODS("\"password\"", "\"password\":{\"user\":{\"name\":\"j\",\"domain\":{\"id\":\"d1\"},"
					"\"password\":\"p\\ns\"}}") "}}",
		NULL, 0},
	{{.methods = MC_LOGIN_TOKEN, .token = "secret"}, METHODS("\"token\"", "\"token\":{\"id\":\"secret\"}") "}}",
		NULL, 0},
	{{.methods = MC_LOGIN_APPLICATION_CREDENTIAL,
		 .application_credential_id = "a1",
		 .application_credential_secret = "secret",
		 .project = "p",
		 .system_scope = "all"},
		METHODS("\"application_credential\"",
			"\"application_credential\":{\"id\":\"a1\",\"secret\":\"secret\"}") "}}",
		NULL, 0},
	{{.methods = MC_LOGIN_APPLICATION_CREDENTIAL,
		 .application_credential = "app",
		 .user = "john",
		 .user_domain_id = "d1",
		 .application_credential_secret = "secret"},
		METHODS("\"application_credential\"",
			"\"application_credential\":{\"secret\":\"secret\",\"name\":\"app\",\"user\":{\"name\":"
			"\"john\",\"domain\":{\"id\":\"d1\"}}}") "}}",
		NULL, 0},
	{{.methods = MC_LOGIN_APPLICATION_CREDENTIAL,
		 .application_credential = "app",
		 .user_id = "u1",
		 .application_credential_secret = "secret"},
		METHODS("\"application_credential\"", "\"application_credential\":{\"secret\":\"secret\",\"name\":"
						      "\"app\",\"user\":{\"id\":\"u1\"}}") "}}",
		NULL, 0},
	{{.methods = MC_LOGIN_TOTP, .user_id = "u1", .passcode = "012345"},
		METHODS("\"totp\"", "\"totp\":{\"user\":{\"id\":\"u1\",\"passcode\":\"012345\"}}") "}}", NULL, 0},
	{{.methods = MC_LOGIN_PASSWORD | MC_LOGIN_TOTP, .user_id = "u1", .password = "secret", .passcode = "012345"},
		METHODS("\"password\",\"totp\"",
			BY_ID ",\"totp\":{\"user\":{\"id\":\"u1\",\"passcode\":\"012345\"}}") "}}",
		NULL, 0},
	/* Scopes. */
	{{PASSWORD_BY_ID, .project_id = "p1", .project = "p", .project_domain = "D"},
		SCOPED("{\"project\":{\"id\":\"p1\"}}"), NULL, 0},
	{{PASSWORD_BY_ID, .project = "p", .project_domain = "D"},
		SCOPED("{\"project\":{\"name\":\"p\",\"domain\":{\"name\":\"D\"}}}"), NULL, 0},
	{{PASSWORD_BY_ID, .project = "p", .project_domain = "D", .project_domain_id = "d1"},
		SCOPED("{\"project\":{\"name\":\"p\",\"domain\":{\"id\":\"d1\"}}}"), NULL, 0},
	{{PASSWORD_BY_ID, .domain = "D"}, SCOPED("{\"domain\":{\"name\":\"D\"}}"), NULL, 0},
	{{PASSWORD_BY_ID, .domain = "D", .domain_id = "d1", .system_scope = "all"},
		SCOPED("{\"domain\":{\"id\":\"d1\"}}"), NULL, 0},
	{{PASSWORD_BY_ID, .trust_id = "t1"}, SCOPED("{\"OS-TRUST:trust\":{\"id\":\"t1\"}}"), NULL, 0},
	{{PASSWORD_BY_ID, .system_scope = "all"}, SCOPED("{\"system\":{\"all\":true}}"), NULL, 0},
	{{PASSWORD_BY_ID, .system_scope = "some"}, METHODS("\"password\"", BY_ID) "}}", NULL, 0},
	{{PASSWORD_BY_ID, .unscoped = true, .system_scope = "all"}, SCOPED("\"unscoped\""), NULL, 0},
	/* What is missing. */
	{{0}, NULL, "there is no way to log in: set auth_type in clouds.yaml", -EINVAL},
	{{.methods = MC_LOGIN_PASSWORD, .password = "secret"}, NULL,
		"the login by password needs user_id, or username with user_domain_name or user_domain_id:" SET,
		-EINVAL},
	{{.methods = MC_LOGIN_PASSWORD, .user = "john", .password = "secret"}, NULL,
		"the login by password needs user_id, or username with user_domain_name or user_domain_id:" SET,
		-EINVAL},
	{{.methods = MC_LOGIN_PASSWORD, .user_id = "u1"}, NULL, "the login by password needs password:" SET, -EINVAL},
	{{.methods = MC_LOGIN_TOKEN}, NULL, "the login by token needs token:" SET, -EINVAL},
	{{.methods = MC_LOGIN_APPLICATION_CREDENTIAL}, NULL,
		"the login by application_credential needs application_credential_id, or "
		"application_credential_name:" SET,
		-EINVAL},
	{{.methods = MC_LOGIN_APPLICATION_CREDENTIAL, .application_credential = "a"}, NULL,
		"the login by application_credential needs user_id, or username with user_domain_name or "
		"user_domain_id for its application_credential_name:" SET,
		-EINVAL},
	{{.methods = MC_LOGIN_APPLICATION_CREDENTIAL, .application_credential_id = "a"}, NULL,
		"the login by application_credential needs application_credential_secret:" SET, -EINVAL},
	{{.methods = MC_LOGIN_TOTP, .passcode = "1"}, NULL,
		"the login by totp needs user_id, or username with user_domain_name or user_domain_id:" SET, -EINVAL},
	{{.methods = MC_LOGIN_TOTP, .user_id = "u1"}, NULL,
		"the login needs a passcode of totp: write the one of now to the file login", -EACCES},
	{{PASSWORD_BY_ID, .project = "p"}, NULL,
		"the project p needs its domain: set project_domain_name or project_domain_id in auth of clouds.yaml, "
		"or project_id",
		-EINVAL},
};

static void test_bodies(void **state)
{
	(void)state;

	for (size_t i = 0; i < MC_COUNT(cases); i++) {
		const struct mc_credentials *credentials = &cases[i].credentials;
		MC_CLEANUP(json) cJSON *expected = cJSON_Parse(cases[i].json ? cases[i].json : "null");
		struct mc_error error = {0};
		cJSON *body;
		assert_non_null(expected);
		int r = mc_login_body(credentials, credentials->methods, &body, &error);
		if (r != cases[i].result || (body && !cJSON_Compare(body, expected, true)))
			fail_msg("case %zu: %d, %s, %s", i, r, error.message, body ? cJSON_Print(body) : "");
		assert_int_equal(error.code, -r);
		assert_string_equal(error.message, cases[i].message ? cases[i].message : "");
		assert_true((r == 0) == (body != NULL));
		mc_login_wipe(body);
	}
	mc_login_wipe(NULL);
}

static void test_copies(void **state)
{
	(void)state;

	for (size_t i = 0; i < MC_COUNT(cases); i++) {
		const struct mc_credentials *a = &cases[i].credentials;
		MC_CLEANUP(kept_credentials) struct mc_kept_credentials *kept = mc_kept_credentials_new(a);
		assert_true(mc_credentials_equal(&kept->as, a));
		assert_true(!a->user || kept->as.user != a->user);
		for (size_t k = 0; k < MC_COUNT(cases); k++)
			assert_true(mc_credentials_equal(&kept->as, &cases[k].credentials) == (i == k));
	}
	mc_kept_credentials_unref(NULL);
}

static void test_receipts(void **state)
{
	(void)state;
#define RECEIPT(methods, rules) "{\"receipt\":{\"methods\":" methods "},\"required_auth_methods\":" rules "}"
	static const struct {
		const char *json;
		int result;
		unsigned done, missing;
	} answers[] = {
		{RECEIPT("[\"password\"]", "[[\"password\",\"totp\"]]"), 0, MC_LOGIN_PASSWORD, MC_LOGIN_TOTP},
		{RECEIPT("[\"password\"]", "[[\"custom-auth-method\"]]"), 0, MC_LOGIN_PASSWORD, 0},
		{RECEIPT("[\"password\"]", "[[\"x509\",\"password\"],[\"token\",\"password\",\"totp\"],"
					   "[\"password\",\"totp\"]]"),
			0, MC_LOGIN_PASSWORD, MC_LOGIN_TOTP},
		{RECEIPT("[\"totp\",\"x509\"]", "[[\"totp\",\"password\"]]"), 0, MC_LOGIN_TOTP, MC_LOGIN_PASSWORD},
		{RECEIPT("[\"password\"]", "[]"), 0, MC_LOGIN_PASSWORD, 0},
		{RECEIPT("[\"password\"]", "[3,[3],[null],[\"password\"]]"), 0, MC_LOGIN_PASSWORD, 0},
		{RECEIPT("[]", "[]"), -EBADMSG, 0, 0},
		{RECEIPT("[\"x509\"]", "[]"), -EBADMSG, 0, 0},
		{RECEIPT("3", "[]"), -EBADMSG, 0, 0},
		{RECEIPT("[\"password\"]", "{}"), -EBADMSG, MC_LOGIN_PASSWORD, 0},
		{"{}", -EBADMSG, 0, 0},
		{"[]", -EBADMSG, 0, 0},
	};

	for (size_t i = 0; i < MC_COUNT(answers); i++) {
		MC_CLEANUP(json) cJSON *answer = cJSON_Parse(answers[i].json);
		unsigned done = 0, missing = 0;
		int r = mc_login_receipt(answer, &done, &missing);
		if (r != answers[i].result || done != answers[i].done || missing != answers[i].missing)
			fail_msg("answer %zu: %d, %u, %u", i, r, done, missing);
	}
}

static void test_names(void **state)
{
	(void)state;
	char text[64];

	mc_login_method_names(0, text, sizeof(text));
	assert_string_equal(text, "");
	mc_login_method_names(MC_LOGIN_TOTP, text, sizeof(text));
	assert_string_equal(text, "totp");
	mc_login_method_names(15, text, sizeof(text));
	assert_string_equal(text, "password and token and application_credential and totp");
	mc_login_method_names(15, text, 8);
	assert_string_equal(text, "passwor");
	mc_login_method_names(15, text, 11);
	assert_string_equal(text, "password a");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bodies),
		cmocka_unit_test(test_copies),
		cmocka_unit_test(test_receipts),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
