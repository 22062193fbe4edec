/* SPDX-License-Identifier: MIT */
#include "tls_server.h"

#include <arpa/inet.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
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

struct tls_identity *tls_identity_read(const char *pem)
{
	struct tls_identity *identity = calloc(1, sizeof(*identity));
	BIO *bio = BIO_new_mem_buf(pem, -1);

	must(identity && bio, "memory");
	identity->key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
	identity->certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	must(identity->key && identity->certificate, "PEM");
	BIO_free(bio);
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
	const char *behind;
	int fd, port;
	pthread_t thread;
	pthread_mutex_t lock; /* guards the connections that are passed on */
	pthread_cond_t ended;
	unsigned passing;
	int passed[64];
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

struct passage {
	struct tls_server *server;
	int fd;
};

static int connect_behind(const struct tls_server *server)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", server->behind);
	must(fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0, server->behind);
	return fd;
}

/* Until one of both closes. */
static void pass_on(SSL *ssl, int front, int back)
{
	char bytes[16384];

	for (bool open = true; open;) {
		struct pollfd fds[] = {{.fd = front, .events = POLLIN}, {.fd = back, .events = POLLIN}};
		ssize_t size = 0;

		if (!SSL_pending(ssl) && poll(fds, 2, -1) < 0)
			break;
		if (SSL_pending(ssl) || fds[0].revents) {
			size = SSL_read(ssl, bytes, sizeof(bytes));
			open = size > 0 && write(back, bytes, (size_t)size) == size;
		}
		if (open && fds[1].revents) {
			size = read(back, bytes, sizeof(bytes));
			open = size > 0 && SSL_write(ssl, bytes, (int)size) == size;
		}
	}
}

static void *pass_connection(void *data)
{
	struct passage *passage = data;
	struct tls_server *server = passage->server;
	SSL *ssl = SSL_new(server->context);

	if (SSL_set_fd(ssl, passage->fd) == 1 && SSL_accept(ssl) == 1) {
		int back = connect_behind(server);

		pass_on(ssl, passage->fd, back);
		SSL_shutdown(ssl);
		close(back);
	}
	SSL_free(ssl);
	pthread_mutex_lock(&server->lock);
	for (size_t i = 0; i < sizeof(server->passed) / sizeof(*server->passed); i++)
		if (server->passed[i] == passage->fd)
			server->passed[i] = -1;
	shutdown(passage->fd, SHUT_WR);
	close(passage->fd);
	server->passing--;
	pthread_cond_broadcast(&server->ended);
	pthread_mutex_unlock(&server->lock);
	free(passage);
	return NULL;
}

static void begin_passage(struct tls_server *server, int fd)
{
	struct passage *passage = calloc(1, sizeof(*passage));
	pthread_t thread;
	size_t free_one = 0;

	must(passage, "memory");
	*passage = (struct passage){server, fd};
	pthread_mutex_lock(&server->lock);
	while (server->passed[free_one] >= 0)
		must(++free_one < sizeof(server->passed) / sizeof(*server->passed), "room for a connection");
	server->passed[free_one] = fd;
	server->passing++;
	pthread_mutex_unlock(&server->lock);
	must(pthread_create(&thread, NULL, pass_connection, passage) == 0, "thread");
	pthread_detach(thread);
}

static void *serve(void *data)
{
	struct tls_server *server = data;

	for (int fd; (fd = accept4(server->fd, NULL, NULL, SOCK_CLOEXEC)) >= 0;)
		if (server->behind)
			begin_passage(server, fd);
		else
			serve_connection(server, fd);
	return NULL;
}

static void end_passages(struct tls_server *server)
{
	pthread_mutex_lock(&server->lock);
	for (size_t i = 0; i < sizeof(server->passed) / sizeof(*server->passed); i++)
		if (server->passed[i] >= 0)
			shutdown(server->passed[i], SHUT_RDWR);
	while (server->passing > 0)
		pthread_cond_wait(&server->ended, &server->lock);
	pthread_mutex_unlock(&server->lock);
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
	/* without it, no client comes a second time */
	must(SSL_CTX_set_session_id_context(context, (const unsigned char *)"tests", 5) == 1, "sessions");
	SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
}

struct tls_server *tls_server_new(const struct tls_setup *setup)
{
	struct tls_server *server = calloc(1, sizeof(*server));
	struct sockaddr_in address = {.sin_family = AF_INET,
		.sin_addr = {setup->address ? inet_addr(setup->address) : htonl(INADDR_LOOPBACK)},
		.sin_port = htons((in_port_t)setup->port)};
	socklen_t size = sizeof(address);
	const int again = 1;

	must(server, "memory");
	signal(SIGPIPE, SIG_IGN); /* of a client that has gone */
	server->is_proxy = setup->is_proxy;
	server->behind = setup->behind;
	pthread_mutex_init(&server->lock, NULL);
	pthread_cond_init(&server->ended, NULL);
	memset(server->passed, 0xff, sizeof(server->passed));
	if (setup->identity)
		set_context(server, setup);
	server->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	must(server->fd >= 0 && setsockopt(server->fd, SOL_SOCKET, SO_REUSEADDR, &again, sizeof(again)) == 0 &&
			bind(server->fd, (struct sockaddr *)&address, size) == 0 && listen(server->fd, 8) == 0 &&
			getsockname(server->fd, (struct sockaddr *)&address, &size) == 0,
		"socket");
	server->port = ntohs(address.sin_port);
	must(pthread_create(&server->thread, NULL, serve, server) == 0, "thread");
	return server;
}

void tls_server_free(struct tls_server *server)
{
	shutdown(server->fd, SHUT_RDWR);
	pthread_join(server->thread, NULL);
	end_passages(server);
	close(server->fd);
	pthread_cond_destroy(&server->ended);
	pthread_mutex_destroy(&server->lock);
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
