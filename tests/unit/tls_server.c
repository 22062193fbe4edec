/* SPDX-License-Identifier: MIT */
#include "tls_server.h"

#include <arpa/inet.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define HEAD_SIZE 4096

struct tls_identity {
	X509 *certificate;
	EVP_PKEY *key;
};

/* A test that can't be made fails. */
static void must(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "tls_server: %s\n", what);
	abort();
}

static void add_extension(X509 *certificate, int kind, const char *value)
{
	X509V3_CTX context;

	X509V3_set_ctx_nodb(&context);
	X509V3_set_ctx(&context, certificate, certificate, NULL, NULL, 0);
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, kind, value);
	must(extension && X509_add_ext(certificate, extension, -1), value);
	X509_EXTENSION_free(extension);
}

struct tls_identity *tls_identity_new(const struct tls_certificate *as)
{
	struct tls_identity *identity = calloc(1, sizeof(*identity));
	static long serial;

	must(identity, "memory");
	identity->key = EVP_EC_gen("P-256");
	identity->certificate = X509_new();
	must(identity->key && identity->certificate, "key");
	X509 *certificate = identity->certificate;
	X509_NAME *name = X509_get_subject_name(certificate);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)as->subject, -1, -1, 0);
	X509_set_version(certificate, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(certificate), ++serial);
	X509_gmtime_adj(X509_getm_notBefore(certificate), as->begins);
	X509_gmtime_adj(X509_getm_notAfter(certificate), as->ends);
	X509_set_pubkey(certificate, identity->key);
	X509_set_issuer_name(certificate, as->by ? X509_get_subject_name(as->by->certificate) : name);
	add_extension(certificate, NID_basic_constraints, as->is_ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
	if (as->alternative)
		add_extension(certificate, NID_subject_alt_name, as->alternative);
	must(X509_sign(certificate, as->by ? as->by->key : identity->key, EVP_sha256()), "signature");
	return identity;
}

void tls_identity_free(struct tls_identity *identity)
{
	X509_free(identity->certificate);
	EVP_PKEY_free(identity->key);
	free(identity);
}

void tls_identity_write(const struct tls_identity *identity, const char *path, bool certificate, const char *word)
{
	FILE *file = fopen(path, "we");
	const EVP_CIPHER *cipher = word && *word ? EVP_aes_128_cbc() : NULL;

	must(file, path);
	if (certificate)
		must(PEM_write_X509(file, identity->certificate), path);
	if (word)
		must(PEM_write_PKCS8PrivateKey(file, identity->key, cipher, cipher ? word : NULL,
			     cipher ? (int)strlen(word) : 0, NULL, NULL),
			path);
	fclose(file);
}

void tls_identity_hash_name(const struct tls_identity *identity, char text[16])
{
	snprintf(text, 16, "%08x.0", (unsigned)X509_subject_name_hash(identity->certificate));
}

struct tls_server {
	SSL_CTX *context; /* NULL: no TLS is spoken */
	bool is_proxy;
	int fd, port;
	pthread_t thread;
	char request[HEAD_SIZE], connect[HEAD_SIZE]; /* by the thread, before what it answers */
};

/* To the end of a head, by a read of its own. */
static void read_head(int fd, SSL *ssl, char *head)
{
	size_t used = 0;

	if (*head) /* whoever looks at what was never asked does so while this runs */
		*head = '\0';
	while (!strstr(head, "\r\n\r\n") && used < HEAD_SIZE - 1) {
		ssize_t more = ssl ? SSL_read(ssl, head + used, (int)(HEAD_SIZE - 1 - used))
				   : read(fd, head + used, HEAD_SIZE - 1 - used);
		if (more <= 0)
			break;
		used += (size_t)more;
		head[used] = '\0';
	}
}

static void serve_connection(struct tls_server *server, int fd)
{
	static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}";
	static const char connected[] = "HTTP/1.1 200 Connection established\r\nProxy-Agent: fake\r\n\r\n";
	SSL *ssl = server->context ? SSL_new(server->context) : NULL;

	if (server->is_proxy) {
		read_head(fd, NULL, server->connect);
		(void)!write(fd, connected, strlen(connected));
	}
	if (!ssl) {
		/* Whoever begins with a handshake waits for an answer to it. */
		(void)!read(fd, server->request, 1);
		(void)!write(fd, answer, strlen(answer));
	} else if (SSL_set_fd(ssl, fd) == 1 && SSL_accept(ssl) == 1) {
		read_head(fd, ssl, server->request);
		SSL_write(ssl, answer, (int)strlen(answer));
	}
	if (ssl)
		SSL_shutdown(ssl);
	SSL_free(ssl);
	/* What the client still sends must not make the answer, or the alert, be lost. */
	shutdown(fd, SHUT_WR);
	for (char rest[512]; read(fd, rest, sizeof(rest)) > 0;)
		;
	close(fd);
}

static void *serve(void *data)
{
	struct tls_server *server = data;

	for (int fd; (fd = accept4(server->fd, NULL, NULL, SOCK_CLOEXEC)) >= 0;)
		serve_connection(server, fd);
	return NULL;
}

static void set_context(struct tls_server *server, const struct tls_setup *setup)
{
	SSL_CTX *context = server->context = SSL_CTX_new(TLS_server_method());

	must(context && SSL_CTX_use_certificate(context, setup->identity->certificate) == 1 &&
			SSL_CTX_use_PrivateKey(context, setup->identity->key) == 1,
		"certificate");
	if (setup->chain)
		must(SSL_CTX_add1_chain_cert(context, setup->chain->certificate) == 1, "chain");
	if (setup->old)
		must(SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION) == 1, "version");
	if (!setup->clients)
		return;
	X509_STORE_add_cert(SSL_CTX_get_cert_store(context), setup->clients->certificate);
	SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
}

struct tls_server *tls_server_new(const struct tls_setup *setup)
{
	struct tls_server *server = calloc(1, sizeof(*server));
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t size = sizeof(address);

	must(server, "memory");
	signal(SIGPIPE, SIG_IGN); /* of a client that has gone */
	server->is_proxy = setup->is_proxy;
	if (setup->identity)
		set_context(server, setup);
	server->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	must(server->fd >= 0 && bind(server->fd, (struct sockaddr *)&address, size) == 0 &&
			listen(server->fd, 8) == 0 && getsockname(server->fd, (struct sockaddr *)&address, &size) == 0,
		"socket");
	server->port = ntohs(address.sin_port);
	must(pthread_create(&server->thread, NULL, serve, server) == 0, "thread");
	return server;
}

void tls_server_free(struct tls_server *server)
{
	shutdown(server->fd, SHUT_RDWR);
	pthread_join(server->thread, NULL);
	close(server->fd);
	SSL_CTX_free(server->context);
	free(server);
}

int tls_server_port(const struct tls_server *server)
{
	return server->port;
}

const char *tls_server_request(const struct tls_server *server)
{
	return server->request;
}

const char *tls_server_connect(const struct tls_server *server)
{
	return server->connect;
}
