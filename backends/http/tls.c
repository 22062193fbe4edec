/* SPDX-License-Identifier: MIT */
#include "backends/http/tls.h"

#include "mcloud/util.h"

#include <openssl/x509_vfy.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char *const cures_in_clouds[MC_TLS_CURES] = {
	[MC_TLS_EXPIRED] = "let its owner renew it, or set this machine's clock",
	[MC_TLS_SELF_SIGNED] = "if it is the right one, set cacert: in clouds.yaml to a file with it",
	[MC_TLS_UNKNOWN_CA] = "set cacert: in clouds.yaml to a file with that CA",
	[MC_TLS_OTHER_HOST] = "set auth_url in clouds.yaml to a host that it is for",
	[MC_TLS_NO_CLIENT] = "set cert: and key: in clouds.yaml",
	[MC_TLS_OTHER_CLIENT] = "set cert: and key: in clouds.yaml to one that it knows",
	[MC_TLS_BAD_CACERT] = "correct it in clouds.yaml",
	[MC_TLS_BAD_CLIENT] = "correct them in clouds.yaml",
};

int mc_http_tls_init(struct mc_http_target *target, const struct mc_tls *tls)
{
	struct stat found;
	bool failed = false;

	target->insecure = tls->insecure;
	target->cures = tls->cures ? tls->cures : cures_in_clouds;
	target->ca_is_folder = tls->cacert && stat(tls->cacert, &found) == 0 && S_ISDIR(found.st_mode);
	target->cacert = mc_copy_text(tls->cacert, &failed);
	target->ca_pem = mc_copy_text(tls->ca_pem, &failed);
	target->cert = mc_copy_text(tls->cert, &failed);
	target->key = mc_copy_text(tls->key ? tls->key : tls->cert, &failed);
	return failed ? -ENOMEM : 0;
}

void mc_http_tls_clear(struct mc_http_target *target)
{
	free(target->cacert);
	free(target->ca_pem);
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
	if (target->ca_pem) {
		struct curl_blob blob = {.data = target->ca_pem, .len = strlen(target->ca_pem)};

		SET(CURLOPT_CAINFO, NULL);
		SET(CURLOPT_CAPATH, NULL);
		SET(CURLOPT_CAINFO_BLOB, &blob);
	} else if (target->cacert) {
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

void mc_http_tls_take_certificate(const struct mc_http_exchange *exchange, struct mc_buffer *out)
{
	static const char field[] = "Cert:";
	struct curl_certinfo *found = NULL;

	if (curl_easy_getinfo(exchange->easy, CURLINFO_CERTINFO, &found) != CURLE_OK || !found ||
		found->num_of_certs < 1)
		return;
	for (const struct curl_slist *line = found->certinfo[0]; line; line = line->next)
		if (!strncmp(line->data, field, strlen(field)))
			mc_buffer_text(out, line->data + strlen(field));
}

#define UNKNOWN_CA "is signed by a CA that is not known here"

/* By X509_V_ERR_*, what is wrong with a certificate, and what can be done: the cure by its number, or in words. */
static const struct {
	long code;
	const char *what;
	enum mc_tls_cure cure;
	const char *words;
} faults[] = {
	{X509_V_ERR_CERT_HAS_EXPIRED, "has expired", MC_TLS_EXPIRED, NULL},
	{X509_V_ERR_CERT_NOT_YET_VALID, "is not valid yet", MC_TLS_CURES, "set this machine's clock"},
	{X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, "is signed by itself only", MC_TLS_SELF_SIGNED, NULL},
	{X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, UNKNOWN_CA, MC_TLS_UNKNOWN_CA, NULL},
	{X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, UNKNOWN_CA, MC_TLS_UNKNOWN_CA, NULL},
	{X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, UNKNOWN_CA, MC_TLS_UNKNOWN_CA, NULL},
	{X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, UNKNOWN_CA, MC_TLS_UNKNOWN_CA, NULL},
	{X509_V_ERR_CERT_REVOKED, "was revoked", MC_TLS_CURES, "let its owner make a new one"},
	{X509_V_ERR_HOSTNAME_MISMATCH, "is for another host", MC_TLS_OTHER_HOST, NULL},
};

static int explain_certificate(const struct mc_http_exchange *exchange, struct mc_error *error)
{
	const char *place = exchange->target->place;
	long fault = X509_V_ERR_UNSPECIFIED;

	if (exchange->target->ca_pem)
		return mc_error_set(error, EIO,
			"the certificate of %.200s is not one of this cloud's (%.120s): `echo repair > "
			"regions/REGION/ctl` puts it right",
			place, exchange->text);
	curl_easy_getinfo(exchange->easy, CURLINFO_SSL_VERIFYRESULT, &fault);
	/* libcurl compares names itself, and has words for it but no number: "matches target host name", or of what
	 * kind the target is. */
	if (strstr(exchange->text, "matches target ") || strstr(exchange->text, "not match target "))
		fault = X509_V_ERR_HOSTNAME_MISMATCH;
	for (size_t i = 0; i < MC_COUNT(faults); i++)
		if (faults[i].code == fault)
			return mc_error_set(error, EIO, "the certificate of %.150s %s: %s", place, faults[i].what,
				faults[i].words ? faults[i].words : exchange->target->cures[faults[i].cure]);
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
		return mc_error_set(error, EIO, "%.200s wants a certificate of its client: %s", target->place,
			target->cures[MC_TLS_NO_CLIENT]);
	return mc_error_set(error, EIO, "%.150s does not take the certificate %.150s: %s", target->place, target->cert,
		target->cures[MC_TLS_OTHER_CLIENT]);
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
		return mc_error_set(error, EIO, "cacert %.200s can't be read as certificates: %s",
			target->cacert ? target->cacert : "of the system", target->cures[MC_TLS_BAD_CACERT]);
	case CURLE_SSL_CERTPROBLEM:
		return mc_error_set(error, EIO, "cert %.100s and key %.100s can't be used (%.150s): %s",
			target->cert ? target->cert : "", target->key ? target->key : "", text,
			target->cures[MC_TLS_BAD_CLIENT]);
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR:
		if (wants_certificate(exchange))
			return explain_client_certificate(exchange, error);
		if (code != CURLE_SSL_CONNECT_ERROR)
			return 0;
		return mc_error_set(error, EIO, "%.150s does not speak TLS as it is spoken here: %.150s%s%s",
			target->place, text, target->cures[MC_TLS_NONE] ? "; " : "",
			target->cures[MC_TLS_NONE] ? target->cures[MC_TLS_NONE] : "");
	default:
		return 0;
	}
}
