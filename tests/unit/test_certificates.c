/* SPDX-License-Identifier: MIT */
#include "backends/managed/certificates.h"
#include "mcloud/error.h"
#include "mcloud/util.h"

#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* A cloud's CA and its certificates, looked at by libcrypto and by openssl(1), both in their strictest way. */

#define NOW 1.8e9
#define DAY 86400

static const struct mc_certificate_names kista = {.address = "127.77.1.1", .host = "keystone-Kista"};

struct made {
	char *key, *ca, *pem;
};

static int make(void **state)
{
	struct made *made = calloc(1, sizeof(*made));
	struct mc_error error = {0};

	assert_non_null(made);
	assert_int_equal(mc_ca_make("lab", NOW, &made->key, &made->ca, &error), 0);
	assert_int_equal(mc_certificate_make(&(struct mc_ca){made->key, made->ca}, &kista, NOW, &made->pem, &error), 0);
	*state = made;
	return 0;
}

static int clear(void **state)
{
	struct made *made = *state;

	mc_free_secret(made->key);
	mc_free_secret(made->pem);
	free(made->ca);
	free(made);
	return 0;
}

static X509 *read_pem(const char *pem)
{
	BIO *bio = BIO_new_mem_buf(pem, -1);
	X509 *certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);

	BIO_free(bio);
	assert_non_null(certificate);
	return certificate;
}

/* X509_V_OK, or why PEM is not believed at the time AT by whoever believes CA, for the server ADDRESS or HOST. */
static int verify(const char *ca_pem, const char *pem, double at, const char *address, const char *host)
{
	X509 *ca = read_pem(ca_pem), *certificate = read_pem(pem);
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *context = X509_STORE_CTX_new();
	X509_VERIFY_PARAM *parameters;
	int result;

	X509_STORE_add_cert(store, ca);
	X509_STORE_CTX_init(context, store, certificate, NULL);
	parameters = X509_STORE_CTX_get0_param(context);
	X509_VERIFY_PARAM_set_flags(parameters, X509_V_FLAG_X509_STRICT);
	X509_VERIFY_PARAM_set_time(parameters, (time_t)at);
	X509_VERIFY_PARAM_set_purpose(parameters, X509_PURPOSE_SSL_SERVER);
	if (address)
		X509_VERIFY_PARAM_set1_ip_asc(parameters, address);
	if (host)
		X509_VERIFY_PARAM_set1_host(parameters, host, 0);
	X509_verify_cert(context);
	result = X509_STORE_CTX_get_error(context);
	X509_STORE_CTX_free(context);
	X509_STORE_free(store);
	X509_free(certificate);
	X509_free(ca);
	return result;
}

static void test_is_believed(void **state)
{
	const struct made *made = *state;

	assert_int_equal(verify(made->ca, made->pem, NOW, "127.77.1.1", NULL), X509_V_OK);
	assert_int_equal(verify(made->ca, made->pem, NOW, NULL, "keystone-Kista"), X509_V_OK);
	assert_int_equal(verify(made->ca, made->pem, NOW + 89 * DAY, "127.77.1.1", NULL), X509_V_OK);
	assert_int_equal(verify(made->ca, made->pem, NOW, "127.77.2.1", NULL), X509_V_ERR_IP_ADDRESS_MISMATCH);
	assert_int_equal(verify(made->ca, made->pem, NOW, NULL, "keystone-Solna"), X509_V_ERR_HOSTNAME_MISMATCH);
	assert_int_equal(verify(made->ca, made->pem, NOW, NULL, "localhost"), X509_V_ERR_HOSTNAME_MISMATCH);
	assert_int_equal(verify(made->ca, made->pem, NOW + 91 * DAY, "127.77.1.1", NULL), X509_V_ERR_CERT_HAS_EXPIRED);
	assert_int_equal(
		verify(made->ca, made->pem, NOW - 2 * 3600, "127.77.1.1", NULL), X509_V_ERR_CERT_NOT_YET_VALID);
}

static void test_is_nobody_elses(void **state)
{
	const struct made *made = *state;
	struct made *other;

	assert_int_equal(make((void **)&other), 0);
	assert_string_not_equal(made->pem, other->pem);
	assert_string_not_equal(made->ca, other->ca);
	/* of the same name, and yet not the same */
	assert_int_not_equal(verify(other->ca, made->pem, NOW, NULL, NULL), X509_V_OK);
	assert_true(mc_certificate_rest(made->pem, other->ca, &kista, NOW) <= 0);
	/* a key that isn't the CA's */
	char *pem = NULL;
	struct mc_error error = {0};
	assert_int_equal(mc_certificate_make(&(struct mc_ca){other->key, made->ca}, &kista, NOW, &pem, &error), -EIO);
	assert_null(pem);
	assert_int_equal(mc_certificate_make(&(struct mc_ca){"", made->ca}, &kista, NOW, &pem, NULL), -EIO);
	clear((void **)&other);
}

/* RFC 5280, section 4.2. */
static void test_extensions(void **state)
{
	const struct made *made = *state;
	X509 *ca = read_pem(made->ca), *leaf = read_pem(made->pem);

	assert_int_equal(X509_get_version(ca), X509_VERSION_3);
	assert_int_equal(X509_get_key_usage(ca), KU_KEY_CERT_SIGN | KU_CRL_SIGN);
	assert_int_equal(X509_get_pathlen(ca), 0);
	assert_true(X509_get_extension_flags(ca) & EXFLAG_CA);
	assert_true(X509_get_extension_flags(ca) & EXFLAG_BCONS_CRITICAL);
	assert_false(X509_get_extension_flags(leaf) & EXFLAG_CA);
	assert_int_equal(X509_get_key_usage(leaf), KU_DIGITAL_SIGNATURE);
	assert_int_equal(X509_get_extended_key_usage(leaf), XKU_SSL_SERVER);
	assert_int_equal(ASN1_OCTET_STRING_cmp(X509_get0_subject_key_id(ca), X509_get0_authority_key_id(leaf)), 0);
	assert_non_null(X509_get0_subject_key_id(leaf));
	assert_true(ASN1_STRING_length(X509_get0_serialNumber(leaf)) <= 20);
	assert_int_equal(X509_NAME_cmp(X509_get_subject_name(ca), X509_get_issuer_name(leaf)), 0);
	X509_free(ca);
	X509_free(leaf);
}

/* What a renewal goes by. */
/* One without a CA is wrong in nothing but that: MariaDB's clients then ask the server for what it knows of the
 * password. They take none whose key is for something else. */
static void test_own(void **state)
{
	const struct made *made = *state;
	struct mc_error error = {0};
	char *pem = NULL;

	assert_int_equal(mc_certificate_make_own(&kista, NOW, &pem, &error), 0);
	assert_int_equal(verify(made->ca, pem, NOW, kista.address, kista.host), X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT);
	assert_int_equal(verify(pem, pem, NOW + 3000.0 * DAY, kista.address, kista.host), X509_V_OK);
	mc_free_secret(pem);
}

static void test_renewal(void **state)
{
	const struct made *made = *state;
	const struct mc_certificate_names others[] = {
		{"127.77.2.1", "keystone-Kista"}, {"127.77.1.1", "keystone-Solna"}};
	double rest = mc_certificate_rest(made->pem, made->ca, &kista, NOW);

	assert_true(rest > 59 * DAY && rest < 61 * DAY);
	assert_true(mc_certificate_rest(made->pem, made->ca, &kista, NOW + rest - 10) > 0);
	assert_true(mc_certificate_rest(made->pem, made->ca, &kista, NOW + rest + 10) <= 0);
	assert_true(mc_certificate_rest(made->pem, made->ca, &kista, NOW + 1000 * DAY) <= 0);
	/* the clock has been put back */
	assert_true(mc_certificate_rest(made->pem, made->ca, &kista, NOW - 30 * DAY) <= 0);
	for (size_t i = 0; i < MC_COUNT(others); i++)
		assert_true(mc_certificate_rest(made->pem, made->ca, &others[i], NOW) <= 0);
	assert_true(mc_certificate_rest(NULL, made->ca, &kista, NOW) <= 0);
	assert_true(mc_certificate_rest("", made->ca, &kista, NOW) <= 0);
	assert_true(mc_certificate_rest(made->ca, made->ca, &kista, NOW) <= 0);
}

/* Nothing of a CA lives longer than it. */
static void test_end_of_ca(void **state)
{
	const struct made *made = *state;
	double late = NOW + (double)MC_CA_SECONDS - 10 * DAY;
	MC_CLEANUP(secret) char *pem = NULL;
	struct mc_error error = {0};

	assert_int_equal(mc_certificate_make(&(struct mc_ca){made->key, made->ca}, &kista, late, &pem, &error), 0);
	assert_int_equal(verify(made->ca, pem, late + 9 * DAY, "127.77.1.1", NULL), X509_V_OK);
	double rest = mc_certificate_rest(pem, made->ca, &kista, late);
	assert_true(rest > 6 * DAY && rest < 7 * DAY);
}

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static void test_openssl_believes_it(void **state)
{
	const struct made *made = *state;
	char directory[] = "/tmp/mcloudfs-certificates.XXXXXX", ca[64], pem[64], command[512];

	assert_non_null(mkdtemp(directory));
	snprintf(ca, sizeof(ca), "%s/ca.pem", directory);
	snprintf(pem, sizeof(pem), "%s/server.pem", directory);
	write_file(ca, made->ca);
	write_file(pem, strstr(made->pem, "-----BEGIN CERTIFICATE"));
	snprintf(command, sizeof(command),
		"openssl verify -x509_strict -purpose sslserver -verify_ip 127.77.1.1 -attime %.0f -CAfile %s %s "
		">/dev/null",
		NOW, ca, pem);
	/* NOLINTNEXTLINE(cert-env33-c): the paths are this test's own */
	assert_int_equal(system(command), 0);
	snprintf(command, sizeof(command),
		"! openssl verify -x509_strict -purpose sslserver -verify_ip 127.77.2.1 -attime %.0f -CAfile %s %s "
		">/dev/null 2>&1",
		NOW, ca, pem);
	/* NOLINTNEXTLINE(cert-env33-c) */
	assert_int_equal(system(command), 0);
	unlink(ca);
	unlink(pem);
	rmdir(directory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_is_believed, make, clear),
		cmocka_unit_test_setup_teardown(test_is_nobody_elses, make, clear),
		cmocka_unit_test_setup_teardown(test_extensions, make, clear),
		cmocka_unit_test_setup_teardown(test_own, make, clear),
		cmocka_unit_test_setup_teardown(test_renewal, make, clear),
		cmocka_unit_test_setup_teardown(test_end_of_ca, make, clear),
		cmocka_unit_test_setup_teardown(test_openssl_believes_it, make, clear),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
