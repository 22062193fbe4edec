/* SPDX-License-Identifier: MIT */
#include "backends/managed/certificates.h"
#include "mcloud/buffer.h"
#include "mcloud/directory.h"
#include "mcloud/util.h"
#include "slapd.h"

#include <fnmatch.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The directory by StartTLS, against a real slapd. */

enum { TIMEOUT = 30000, SKIPPED = 77 };

static char *ca_key, *ca, *other_key, *other_ca;

static char *make(const char *address)
{
	const struct mc_ca issuer = {ca_key, ca};
	const struct mc_certificate_names names = {address, "ldap"};
	char *pem = NULL;

	assert_int_equal(mc_certificate_make(&issuer, &names, mc_wall_clock(), &pem, NULL), 0);
	return pem;
}

static struct mc_directory *open_at(const struct slapd *slapd, const char *believed)
{
	return mc_directory_new(&(struct mc_directory_options){.url = slapd_url(slapd),
		.suffix = SLAPD_SUFFIX,
		.bind_dn = "cn=admin," SLAPD_SUFFIX,
		.password = SLAPD_PASSWORD,
		.ca_pem = believed});
}

/* A login, and more than one record of TLS in both directions. */
static void all_goes_by_it(void **state)
{
	MC_CLEANUP(secret) char *pem = make("127.0.0.1");
	MC_CLEANUP(call) struct mc_call *call = mc_call_new(TIMEOUT);
	MC_CLEANUP(buffer) struct mc_buffer ldif = {0}, out = {0};
	struct slapd *slapd = slapd_start_tls(pem);
	struct mc_directory *directory = open_at(slapd, ca);

	(void)state;
	assert_int_equal(mc_directory_prepare(directory, call, "for keystone", NULL), 0);
	mc_buffer_text(&ldif, "dn: uid=ann,ou=Users," SLAPD_SUFFIX
			      "\nobjectClass: inetOrgPerson\nuid: ann\ncn: ann\nsn: ann\ndescription: ");
	for (size_t i = 0; i < 50000; i++)
		mc_buffer_text(&ldif, "abcd");
	mc_buffer_text(&ldif, "\n");
	assert_int_equal(mc_directory_import(directory, call, ldif.data, ldif.size, NULL), 0);
	for (int i = 0; i < 3; i++) {
		out.size = 0;
		assert_int_equal(mc_directory_export(directory, call, &out, NULL), 0);
		assert_true(out.size > 200000);
	}
	/* A kept connection that has broken is made anew, by TLS again. */
	slapd_kill(slapd);
	slapd_again(slapd);
	assert_int_equal(mc_directory_ping(directory, call, NULL), 0);
	mc_directory_free(directory);
	slapd_stop(slapd);
}

static void expect_refusal(const struct slapd *slapd, const char *believed, int result, const char *words)
{
	MC_CLEANUP(call) struct mc_call *call = mc_call_new(TIMEOUT);
	struct mc_directory *directory = open_at(slapd, believed);
	struct mc_error error = {0};
	int r = mc_directory_ping(directory, call, &error);

	if (r != result || fnmatch(words, error.message, 0) != 0)
		fail_msg("%d: %s", r, error.message);
	mc_directory_free(directory);
}

static void nobody_else_is_believed(void **state)
{
	MC_CLEANUP(secret) char *pem = make("127.0.0.1");
	MC_CLEANUP(secret) char *pem_for_other = make("127.0.0.2");
	struct slapd *slapd = slapd_start_tls(pem), *other = slapd_start_tls(pem_for_other), *plain = slapd_start();

	(void)state;
	expect_refusal(slapd, other_ca, -EIO, "* shows no certificate of this cloud's (*): `echo repair > *");
	expect_refusal(slapd, "no certificate", -EIO, "*");
	expect_refusal(other, ca, -EIO, "* shows no certificate of this cloud's *");
	expect_refusal(plain, ca, -EIO, "* did not begin TLS: *");
	expect_refusal(slapd, NULL, -EACCES, "* refused the login of *: Confidentiality required");
	slapd_stop(slapd);
	slapd_stop(other);
	slapd_stop(plain);
}

static void silence_ends_in_time(void **state)
{
	MC_CLEANUP(secret) char *pem = make("127.0.0.1");
	MC_CLEANUP(call) struct mc_call *call = mc_call_new(300);
	struct slapd *slapd = slapd_start_tls(pem);
	struct mc_directory *directory = open_at(slapd, ca);

	(void)state;
	slapd_pause(slapd);
	assert_int_equal(mc_directory_ping(directory, call, NULL), -ETIMEDOUT);
	slapd_resume(slapd);
	mc_directory_free(directory);
	slapd_stop(slapd);
}

static int set_up(void **state)
{
	(void)state;
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(mc_ca_make("lab", mc_wall_clock(), &ca_key, &ca, NULL), 0);
	assert_int_equal(mc_ca_make("lab", mc_wall_clock(), &other_key, &other_ca, NULL), 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	free(ca_key);
	free(ca);
	free(other_key);
	free(other_ca);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_goes_by_it),
		cmocka_unit_test(nobody_else_is_believed),
		cmocka_unit_test(silence_ends_in_time),
	};
	struct slapd *slapd = slapd_start();

	slapd_stop(slapd);
	if (!slapd) {
		fprintf(stderr, "there is no slapd: install the package of that name\n");
		return SKIPPED;
	}
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
