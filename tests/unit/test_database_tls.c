/* SPDX-License-Identifier: MIT */
#include "backends/managed/certificates.h"
#include "backends/managed/services/shown.h"
#include "mcloud/buffer.h"
#include "mcloud/call.h"
#include "mcloud/database.h"
#include "mcloud/error.h"
#include "mcloud/util.h"

#include <arpa/inet.h>
#include <fnmatch.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

/* What a database and a directory are told before they have shown who they are: servers in this process begin as these
 * do, show a certificate, and count what comes then. */

/* As regions have, and not 127.0.0.1: there libmariadb 3.4 compares no names. */
#define ADDRESS "127.77.1.1"

#define GREETING(capabilities)                                                                                         \
	"\x0a"                                                                                                         \
	"5.5.5-10.11.19-MariaDB\0"                                                                                     \
	"\x01\0\0\0"                                                                                                   \
	"abcdefgh\0" capabilities "\x2d\x02\0"                                                                         \
	"\x0f\x00\x15\0\0\0\0\0\0\0\0\0\0"                                                                             \
	"ijklmnopqrst\0"                                                                                               \
	"mysql_native_password\0"

static const char with_tls[] = "\x5a\0\0\0" GREETING("\x00\xaa"), without_tls[] = "\x5a\0\0\0" GREETING("\x00\xa2");
static const char too_many[] = "\x17\0\0\0\xff\x10\x04Too many connections";
static const char starts_tls[] = "\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x00\x04\x00\x04\x00";
static const char no_tls[] = "\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x02\x04\x00\x04\x00";

/* Says BEFORE, hears HEARS bytes, says BEHIND, and shows PEM; NULL: it says no more. */
struct story {
	const char *before;
	size_t before_size, hears;
	const char *behind;
	size_t behind_size;
	const char *pem;
};

struct server {
	const struct story *story;
	int listener, port;
	pthread_t thread;
	unsigned char heard[64]; /* before TLS */
	size_t n_heard, told;    /* told: bytes behind all that a story has */
};

static char *ca_key, *ca, *other_key, *other_ca, *pem, *pem_of_other, *pem_for_other;

static SSL_CTX *context_of(const char *text)
{
	SSL_CTX *context = SSL_CTX_new(TLS_server_method());
	BIO *bio = BIO_new_mem_buf(text, -1);
	EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
	X509 *certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);

	assert_int_equal(SSL_CTX_use_certificate(context, certificate), 1);
	assert_int_equal(SSL_CTX_use_PrivateKey(context, key), 1);
	EVP_PKEY_free(key);
	X509_free(certificate);
	BIO_free(bio);
	return context;
}

/* What comes until the client goes. */
static size_t count_rest(int fd, SSL *ssl)
{
	unsigned char bytes[256];
	size_t total = 0;

	for (;;) {
		ssize_t n = ssl ? SSL_read(ssl, bytes, sizeof(bytes)) : recv(fd, bytes, sizeof(bytes), 0);

		if (n <= 0)
			return total;
		total += (size_t)n;
		if (ssl) /* the login: enough is known */
			return total;
	}
}

static void *serve(void *data)
{
	struct server *server = data;
	const struct story *story = server->story;
	int fd = accept(server->listener, NULL, NULL);
	SSL_CTX *context = story->pem ? context_of(story->pem) : NULL;
	SSL *ssl = context ? SSL_new(context) : NULL;

	assert_true(send(fd, story->before, story->before_size, MSG_NOSIGNAL) == (ssize_t)story->before_size);
	while (server->n_heard < story->hears) {
		ssize_t n = recv(fd, server->heard + server->n_heard, story->hears - server->n_heard, 0);

		if (n <= 0)
			break;
		server->n_heard += (size_t)n;
	}
	if (server->n_heard == story->hears) {
		send(fd, story->behind, story->behind_size, MSG_NOSIGNAL);
		if (!ssl)
			server->told = count_rest(fd, NULL);
		else if (SSL_set_fd(ssl, fd) && SSL_accept(ssl) == 1)
			server->told = count_rest(fd, ssl);
	}
	SSL_free(ssl);
	SSL_CTX_free(context);
	close(fd);
	return NULL;
}

static void start(struct server *server, const struct story *story)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = inet_addr(ADDRESS)};
	socklen_t size = sizeof(address);

	*server = (struct server){.story = story, .listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
	assert_int_equal(bind(server->listener, (struct sockaddr *)&address, size), 0);
	assert_int_equal(listen(server->listener, 1), 0);
	assert_int_equal(getsockname(server->listener, (struct sockaddr *)&address, &size), 0);
	server->port = ntohs(address.sin_port);
	assert_int_equal(pthread_create(&server->thread, NULL, serve, server), 0);
}

static void end(struct server *server)
{
	pthread_join(server->thread, NULL);
	close(server->listener);
}

static int ping(const struct server *server, const char *believed, int ms, struct mc_error *error)
{
	MC_CLEANUP(call) struct mc_call *call = mc_call_new(ms);
	MC_CLEANUP(database)
	struct mc_database *database = mc_database_new(&(struct mc_database_options){.service = "mysql-Kista",
		.host = ADDRESS,
		.port = (unsigned short)server->port,
		.password = "secret",
		.ca_pem = believed});

	return mc_database_ping(database, call, error);
}

#define TEXT(text) text, sizeof(text) - 1

enum { SSL_REQUEST = 36 };

static void database_is_told_once_it_is_known(void **state)
{
	const struct {
		struct story story;
		const char *believed;
		bool is_told;
		int result;
		const char *words;
	} cases[] = {
		{{TEXT(with_tls), SSL_REQUEST, "", 0, pem}, ca, true, -ECONNREFUSED, "*"},
		{{TEXT(with_tls), SSL_REQUEST, "", 0, pem_of_other}, ca, false, -EIO,
			"mysql-Kista shows no certificate of this cloud's (*): `echo repair > regions/REGION/ctl` *"},
		{{TEXT(with_tls), SSL_REQUEST, "", 0, pem_for_other}, ca, false, -EIO, "* no certificate of this *"},
		{{TEXT(with_tls), SSL_REQUEST, "", 0, pem}, other_ca, false, -EIO, "* no certificate of this *"},
		{{TEXT(without_tls), 0, "", 0, NULL}, ca, false, -EIO, "* no certificate of this *"},
		{{TEXT(with_tls), SSL_REQUEST, "", 0, pem}, "no certificate", false, -EIO, "*"},
	};

	(void)state;
	for (size_t i = 0; i < MC_COUNT(cases); i++) {
		struct mc_error error = {0};
		struct server server;

		start(&server, &cases[i].story);
		int r = ping(&server, cases[i].believed, 20000, &error);
		end(&server);
		if (r != cases[i].result || fnmatch(cases[i].words, error.message, 0) != 0 ||
			(server.told > 0) != cases[i].is_told)
			fail_msg("%zu: %d, \"%s\", told %zu", i, r, error.message, server.told);
	}
}

/* Who greets, and then says no more, keeps nobody beyond his deadline. */
static void silence_ends_in_time(void **state)
{
	const struct story story = {TEXT(with_tls), SSL_REQUEST, "", 0, NULL};
	struct mc_error error = {0};
	struct server server;

	(void)state;
	start(&server, &story);
	assert_int_equal(ping(&server, ca, 200, &error), -ETIMEDOUT);
	end(&server);
}

static int look(const struct server *server, enum mc_protocol protocol, int ms, struct mc_buffer *ret_pem)
{
	MC_CLEANUP(call) struct mc_call *call = mc_call_new(ms);

	return mc_shown_certificate(ADDRESS, (unsigned short)server->port, protocol, call, ret_pem, NULL);
}

/* Whatever it is, it is seen; and nothing is told. */
static void certificates_are_seen(void **state)
{
	static const char garbage[] = "HTTP/1.1 400 Bad Request\r\n\r\n";
	const struct {
		struct story story;
		enum mc_protocol protocol;
		int result;
	} cases[] = {
		{{TEXT(with_tls), SSL_REQUEST, "", 0, pem}, MC_PROTOCOL_SQL, 0},
		{{TEXT(with_tls), SSL_REQUEST, "", 0, pem_of_other}, MC_PROTOCOL_SQL, 0},
		{{TEXT(without_tls), 0, "", 0, NULL}, MC_PROTOCOL_SQL, 0},
		{{TEXT(too_many), 0, "", 0, NULL}, MC_PROTOCOL_SQL, -EIO},
		{{TEXT(garbage), 0, "", 0, NULL}, MC_PROTOCOL_SQL, -EIO},
		{{"", 0, 31, TEXT(starts_tls), pem}, MC_PROTOCOL_LDAP, 0},
		{{"", 0, 31, TEXT(starts_tls), pem_for_other}, MC_PROTOCOL_LDAP, 0},
		{{"", 0, 31, TEXT(no_tls), NULL}, MC_PROTOCOL_LDAP, 0},
		{{"", 0, 31, TEXT(garbage), NULL}, MC_PROTOCOL_LDAP, -EIO},
		{{"", 0, 32, "", 0, NULL}, MC_PROTOCOL_LDAP, -ETIMEDOUT},
	};

	(void)state;
	for (size_t i = 0; i < MC_COUNT(cases); i++) {
		const struct story *story = &cases[i].story;
		MC_CLEANUP(buffer) struct mc_buffer shown = {0};
		struct server server;

		start(&server, story);
		int r = look(&server, cases[i].protocol, cases[i].result == -ETIMEDOUT ? 200 : 20000, &shown);
		end(&server);
		if (r != cases[i].result || server.told || !shown.size != !story->pem)
			fail_msg("%zu: %d, told %zu, shown %zu", i, r, server.told, shown.size);
		if (story->pem)
			assert_non_null(strstr(story->pem, shown.data));
	}
}

static void make(const char *key, const char *certificate, const char *address, char **ret_pem)
{
	const struct mc_ca issuer = {key, certificate};
	const struct mc_certificate_names names = {address, "mysql-Kista"};

	assert_int_equal(mc_certificate_make(&issuer, &names, mc_wall_clock(), ret_pem, NULL), 0);
}

static int set_up(void **state)
{
	(void)state;
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(mc_ca_make("lab", mc_wall_clock(), &ca_key, &ca, NULL), 0);
	assert_int_equal(mc_ca_make("lab", mc_wall_clock(), &other_key, &other_ca, NULL), 0);
	make(ca_key, ca, ADDRESS, &pem);
	make(ca_key, ca, "127.77.2.1", &pem_for_other);
	make(other_key, other_ca, ADDRESS, &pem_of_other);
	return 0;
}

static int tear_down(void **state)
{
	char *const texts[] = {ca_key, ca, other_key, other_ca, pem, pem_for_other, pem_of_other};

	(void)state;
	for (size_t i = 0; i < MC_COUNT(texts); i++)
		free(texts[i]);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(database_is_told_once_it_is_known),
		cmocka_unit_test(silence_ends_in_time),
		cmocka_unit_test(certificates_are_seen),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
