/* SPDX-License-Identifier: MIT */
#include "backends/managed/certificates.h"

#include "mcloud/buffer.h"
#include "mcloud/error.h"
#include "mcloud/util.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

MC_DEFINE_CLEANUP(x509, X509 *, X509_free);
MC_DEFINE_CLEANUP(evp_key, EVP_PKEY *, EVP_PKEY_free);
MC_DEFINE_CLEANUP(bio, BIO *, BIO_free_all);
MC_DEFINE_CLEANUP(general_names, GENERAL_NAMES *, GENERAL_NAMES_free);

/* Clocks that are behind by this believe it from the beginning. */
#define EARLIER_SECONDS 3600

#define SERIAL_BYTES 16

static int no_certificate(struct mc_error *error, const char *what)
{
	return mc_error_set(error, EIO, "libcrypto makes no %s", what);
}

/* What BIO holds, malloc'd; NULL: out of memory. */
static char *text_of_bio(BIO *bio)
{
	char *bytes = NULL;
	long size = BIO_get_mem_data(bio, &bytes);

	return size > 0 ? strndup(bytes, (size_t)size) : NULL;
}

/* RFC 5280, section 4.1.2.2: positive, and of 20 octets at most. */
static bool set_serial(X509 *certificate)
{
	unsigned char bytes[SERIAL_BYTES];
	BIGNUM *number;
	bool done;

	if (RAND_bytes(bytes, sizeof(bytes)) != 1)
		return false;
	bytes[0] = (unsigned char)((bytes[0] & 0x7f) | 0x40);
	number = BN_bin2bn(bytes, sizeof(bytes), NULL);
	done = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate));
	BN_free(number);
	return done;
}

static bool set_times(X509 *certificate, double now, int64_t seconds, const X509 *issuer)
{
	time_t begin = (time_t)now - EARLIER_SECONDS, end = (time_t)now + seconds;

	if (!ASN1_TIME_set(X509_getm_notBefore(certificate), begin))
		return false;
	if (issuer && X509_cmp_time(X509_get0_notAfter(issuer), &end) < 0)
		return X509_set1_notAfter(certificate, X509_get0_notAfter(issuer));
	return ASN1_TIME_set(X509_getm_notAfter(certificate), end);
}

static bool add_name(X509_NAME *name, const char *type, const char *value)
{
	return X509_NAME_add_entry_by_txt(name, type, MBSTRING_UTF8, (const unsigned char *)value, -1, -1, 0) == 1;
}

static bool add_extension(X509 *certificate, X509 *issuer, int kind, const char *value)
{
	X509_EXTENSION *extension;
	X509V3_CTX context;
	bool added;

	X509V3_set_ctx_nodb(&context);
	X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &context, kind, value);
	added = extension && X509_add_ext(certificate, extension, -1) == 1;
	X509_EXTENSION_free(extension);
	return added;
}

/* Takes VALUE over. */
static bool add_general_name(GENERAL_NAMES *names, int type, ASN1_STRING *value)
{
	GENERAL_NAME *name = GENERAL_NAME_new();

	if (!name || !value) {
		GENERAL_NAME_free(name);
		ASN1_STRING_free(value);
		return false;
	}
	GENERAL_NAME_set0_value(name, type, value);
	if (sk_GENERAL_NAME_push(names, name) > 0)
		return true;
	GENERAL_NAME_free(name);
	return false;
}

static ASN1_STRING *ia5_string(const char *text)
{
	ASN1_STRING *string = ASN1_IA5STRING_new();

	if (string && ASN1_STRING_set(string, text, -1) == 1)
		return string;
	ASN1_STRING_free(string);
	return NULL;
}

static bool add_alternatives(X509 *certificate, const struct mc_certificate_names *names)
{
	MC_CLEANUP(general_names) GENERAL_NAMES *alternatives = GENERAL_NAMES_new();

	return alternatives && add_general_name(alternatives, GEN_IPADD, a2i_IPADDRESS(names->address)) &&
	       add_general_name(alternatives, GEN_DNS, ia5_string(names->host)) &&
	       X509_add1_ext_i2d(certificate, NID_subject_alt_name, alternatives, 0, X509V3_ADD_DEFAULT) == 1;
}

/* What both kinds have: all but the issuer's name, extensions of their own, and the signature. */
static X509 *begin_certificate(EVP_PKEY *key, const char *name, double now, int64_t seconds, const X509 *issuer)
{
	X509 *certificate = X509_new();

	if (certificate && X509_set_version(certificate, X509_VERSION_3) && set_serial(certificate) &&
		set_times(certificate, now, seconds, issuer) && X509_set_pubkey(certificate, key) &&
		add_name(X509_get_subject_name(certificate), "O", "mcloudfs") &&
		add_name(X509_get_subject_name(certificate), "CN", name))
		return certificate;
	X509_free(certificate);
	return NULL;
}

/* RFC 5280, sections 4.2.1.1 to 4.2.1.3 and 4.2.1.9. The key's identifier comes before what is made of it. */
static bool end_ca(X509 *certificate, EVP_PKEY *key)
{
	return X509_set_issuer_name(certificate, X509_get_subject_name(certificate)) &&
	       add_extension(certificate, certificate, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
	       add_extension(certificate, certificate, NID_key_usage, "critical,keyCertSign,cRLSign") &&
	       add_extension(certificate, certificate, NID_subject_key_identifier, "hash") &&
	       add_extension(certificate, certificate, NID_authority_key_identifier, "keyid:always") &&
	       X509_sign(certificate, key, EVP_sha256());
}

static bool end_server(X509 *certificate, const struct mc_certificate_names *names, X509 *issuer, EVP_PKEY *issuer_key)
{
	return X509_set_issuer_name(certificate, X509_get_subject_name(issuer)) &&
	       add_extension(certificate, issuer, NID_basic_constraints, "critical,CA:FALSE") &&
	       add_extension(certificate, issuer, NID_key_usage, "critical,digitalSignature") &&
	       add_extension(certificate, issuer, NID_ext_key_usage, "serverAuth") &&
	       add_extension(certificate, issuer, NID_subject_key_identifier, "hash") &&
	       add_extension(certificate, issuer, NID_authority_key_identifier, "keyid:always") &&
	       add_alternatives(certificate, names) && X509_sign(certificate, issuer_key, EVP_sha256());
}

/* In a BIO whose memory is wiped when it is freed. */
static bool write_key(BIO *bio, EVP_PKEY *key)
{
	return bio && PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1;
}

int mc_ca_make(const char *name, double now, char **ret_key, char **ret_certificate, struct mc_error *error)
{
	MC_CLEANUP(evp_key) EVP_PKEY *key = EVP_EC_gen("P-256");
	MC_CLEANUP(bio) BIO *key_text = BIO_new(BIO_s_secmem()), *text = BIO_new(BIO_s_mem());
	MC_CLEANUP(x509) X509 *certificate = NULL;
	MC_CLEANUP(buffer) struct mc_buffer subject = {0};

	mc_buffer_printf(&subject, "CA of the cloud %s", name);
	if (key && !subject.failed)
		certificate = begin_certificate(key, subject.data, now, MC_CA_SECONDS, NULL);
	if (!certificate || !end_ca(certificate, key) || !write_key(key_text, key) || !text ||
		PEM_write_bio_X509(text, certificate) != 1)
		return no_certificate(error, "CA");
	*ret_key = text_of_bio(key_text);
	*ret_certificate = text_of_bio(text);
	if (*ret_key && *ret_certificate)
		return 0;
	mc_free_secret(mc_steal(ret_key));
	free(mc_steal(ret_certificate));
	return mc_error_set(error, ENOMEM, "out of memory");
}

static X509 *read_certificate(const char *pem)
{
	MC_CLEANUP(bio) BIO *bio = pem ? BIO_new_mem_buf(pem, -1) : NULL;

	return bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
}

static EVP_PKEY *read_key(const char *pem)
{
	MC_CLEANUP(bio) BIO *bio = pem ? BIO_new_mem_buf(pem, -1) : NULL;

	return bio ? PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL) : NULL;
}

/* CERTIFICATE (NULL: it could not be begun) of KEY, signed by ISSUER. */
static int end_certificate(X509 *certificate, EVP_PKEY *key, const struct mc_certificate_names *names, X509 *issuer,
	EVP_PKEY *issuer_key, char **ret_pem, struct mc_error *error)
{
	MC_CLEANUP(bio) BIO *text = BIO_new(BIO_s_secmem());

	if (!certificate || !end_server(certificate, names, issuer, issuer_key) || !write_key(text, key) ||
		PEM_write_bio_X509(text, certificate) != 1)
		return no_certificate(error, "certificate");
	*ret_pem = text_of_bio(text);
	return *ret_pem ? 0 : mc_error_set(error, ENOMEM, "out of memory");
}

int mc_certificate_make(const struct mc_ca *ca, const struct mc_certificate_names *names, double now, char **ret_pem,
	struct mc_error *error)
{
	MC_CLEANUP(evp_key) EVP_PKEY *issuer_key = read_key(ca->key), *key = EVP_EC_gen("P-256");
	MC_CLEANUP(x509) X509 *issuer = read_certificate(ca->certificate), *certificate = NULL;

	if (!issuer || !issuer_key || X509_check_private_key(issuer, issuer_key) != 1)
		return mc_error_set(error, EIO, "the cloud's CA is none: its certificate and its key don't fit");
	if (key)
		certificate = begin_certificate(key, names->host, now, MC_CERTIFICATE_SECONDS, issuer);
	return end_certificate(certificate, key, names, issuer, issuer_key, ret_pem, error);
}

int mc_certificate_make_own(
	const struct mc_certificate_names *names, double now, char **ret_pem, struct mc_error *error)
{
	MC_CLEANUP(evp_key) EVP_PKEY *key = EVP_EC_gen("P-256");
	MC_CLEANUP(x509) X509 *certificate = key ? begin_certificate(key, names->host, now, MC_CA_SECONDS, NULL) : NULL;

	return end_certificate(certificate, key, names, certificate, key, ret_pem, error);
}

/* Seconds from NOW to TIME; negative: it has passed. */
static double seconds_to(const ASN1_TIME *time, double now)
{
	ASN1_TIME *from = ASN1_TIME_set(NULL, (time_t)now);
	int days = 0, seconds = 0;
	bool known = from && ASN1_TIME_diff(&days, &seconds, from, time) == 1;

	ASN1_TIME_free(from);
	return known ? (double)days * 86400 + seconds : 0;
}

double mc_certificate_rest(
	const char *pem, const char *ca_certificate, const struct mc_certificate_names *names, double now)
{
	MC_CLEANUP(x509) X509 *certificate = read_certificate(pem), *issuer = read_certificate(ca_certificate);
	double begin, end;

	if (!certificate || !issuer || X509_check_issued(issuer, certificate) != X509_V_OK ||
		X509_verify(certificate, X509_get0_pubkey(issuer)) != 1 ||
		X509_check_ip_asc(certificate, names->address, 0) != 1 ||
		X509_check_host(certificate, names->host, 0, 0, NULL) != 1)
		return 0;
	begin = seconds_to(X509_get0_notBefore(certificate), now);
	end = seconds_to(X509_get0_notAfter(certificate), now);
	if (begin > 0) /* a clock was wrong: now it isn't valid yet */
		return 0;
	return end - (end - begin) / 3;
}
