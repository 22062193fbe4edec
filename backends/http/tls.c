/* SPDX-License-Identifier: MIT */
#include "backends/http/tls.h"

#include "mcloud/util.h"

#include <openssl/x509_vfy.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int mc_http_tls_init(struct mc_http_target *target, const struct mc_tls *tls)
{
	struct stat found;
	bool failed = false;

	target->insecure = tls->insecure;
	target->ca_is_folder = tls->cacert && stat(tls->cacert, &found) == 0 && S_ISDIR(found.st_mode);
	target->cacert = mc_copy_text(tls->cacert, &failed);
	target->cert = mc_copy_text(tls->cert, &failed);
	target->key = mc_copy_text(tls->key ? tls->key : tls->cert, &failed);
	return failed ? -ENOMEM : 0;
}

void mc_http_tls_clear(struct mc_http_target *target)
{
	free(target->cacert);
	free(target->cert);
	free(target->key);
}

/* The easy handle's option; a lost one would believe the wrong ones. */
#define SET(option, value) (bad |= curl_easy_setopt(easy, option, value) != CURLE_OK)

int mc_http_tls_set(const struct mc_http_target *target, CURL *easy)
{
	bool bad = false;

	SET(CURLOPT_SSL_VERIFYPEER, target->insecure ? 0L : 1L);
	SET(CURLOPT_SSL_VERIFYHOST, target->insecure ? 0L : 2L);
	if (target->cacert) {
		/* The one takes the place of both that are the system's. */
		SET(CURLOPT_CAINFO, target->ca_is_folder ? NULL : target->cacert);
		SET(CURLOPT_CAPATH, target->ca_is_folder ? target->cacert : NULL);
	}
	if (target->cert) {
		SET(CURLOPT_SSLCERT, target->cert);
		SET(CURLOPT_SSLKEY, target->key);
		/* Nobody is there to be asked at the terminal for the word of a key. */
		SET(CURLOPT_KEYPASSWD, "");
	}
	return bad ? -ENOMEM : 0;
}

/* By X509_V_ERR_*, what is wrong with a certificate, and the cure. */
static const struct {
	long code;
	const char *what, *cure;
} faults[] = {
	{X509_V_ERR_CERT_HAS_EXPIRED, "has expired", "let its owner renew it, or set this machine's clock"},
	{X509_V_ERR_CERT_NOT_YET_VALID, "is not valid yet", "set this machine's clock"},
	{X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, "is signed by itself only",
		"if it is the right one, set cacert: in clouds.yaml to a file with it"},
	{X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, "is signed by a CA that is not known here",
		"set cacert: in clouds.yaml to a file with that CA"},
	{X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, "is signed by a CA that is not known here",
		"set cacert: in clouds.yaml to a file with that CA"},
	{X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, "is signed by a CA that is not known here",
		"set cacert: in clouds.yaml to a file with that CA"},
	{X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, "is signed by a CA that is not known here",
		"set cacert: in clouds.yaml to a file with that CA"},
	{X509_V_ERR_CERT_REVOKED, "was revoked", "let its owner make a new one"},
	{X509_V_ERR_HOSTNAME_MISMATCH, "is for another host", "set auth_url in clouds.yaml to a host that it is for"},
};

static int explain_certificate(const struct mc_http_exchange *exchange, struct mc_error *error)
{
	const char *place = exchange->target->place;
	long fault = X509_V_ERR_UNSPECIFIED;

	curl_easy_getinfo(exchange->easy, CURLINFO_SSL_VERIFYRESULT, &fault);
	/* libcurl compares names itself, and has words for it but no number: "matches target host name", or of what
	 * kind the target is. */
	if (strstr(exchange->text, "matches target ") || strstr(exchange->text, "not match target "))
		fault = X509_V_ERR_HOSTNAME_MISMATCH;
	for (size_t i = 0; i < MC_COUNT(faults); i++)
		if (faults[i].code == fault)
			return mc_error_set(
				error, EIO, "the certificate of %.200s %s: %s", place, faults[i].what, faults[i].cure);
	return mc_error_set(error, EIO, "the certificate of %.200s is not to be trusted (%s): let its owner correct it",
		place, X509_verify_cert_error_string(fault));
}

/* A server that wants a certificate says so when it has seen none: in the handshake, or with TLS 1.3 behind it. */
static bool wants_certificate(const struct mc_http_exchange *exchange)
{
	const char *const *word;
	static const char *const alerts[] = {"alert certificate required", "alert handshake failure",
		"alert bad certificate", "alert unknown ca", "alert certificate unknown", "alert certificate expired",
		NULL};

	for (word = alerts; *word; word++)
		if (strstr(exchange->text, *word))
			return true;
	return false;
}

static int explain_client_certificate(const struct mc_http_exchange *exchange, struct mc_error *error)
{
	const struct mc_http_target *target = exchange->target;

	if (!target->cert)
		return mc_error_set(error, EIO,
			"%.200s wants a certificate of its client: set cert: and key: in clouds.yaml", target->place);
	return mc_error_set(error, EIO,
		"%.150s does not take the certificate %.150s: set cert: and key: in clouds.yaml to one that it knows",
		target->place, target->cert);
}

int mc_http_tls_explain(const struct mc_http_exchange *exchange, CURLcode code, struct mc_error *error)
{
	const struct mc_http_target *target = exchange->target;
	const char *text = exchange->text[0] ? exchange->text : curl_easy_strerror(code);

	if (!target->is_https)
		return 0;
	switch ((int)code) {
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_ISSUER_ERROR:
		return explain_certificate(exchange, error);
	case CURLE_SSL_CACERT_BADFILE:
		return mc_error_set(error, EIO,
			"cacert %.200s can't be read as certificates: correct it in clouds.yaml",
			target->cacert ? target->cacert : "of the system");
	case CURLE_SSL_CERTPROBLEM:
		return mc_error_set(error, EIO,
			"cert %.100s and key %.100s can't be used (%.150s): correct them in clouds.yaml",
			target->cert ? target->cert : "", target->key ? target->key : "", text);
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR:
		if (wants_certificate(exchange))
			return explain_client_certificate(exchange, error);
		if (code != CURLE_SSL_CONNECT_ERROR)
			return 0;
		return mc_error_set(
			error, EIO, "%.200s does not speak TLS as it is spoken here: %.200s", target->place, text);
	default:
		return 0;
	}
}
