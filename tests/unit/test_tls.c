/* SPDX-License-Identifier: MIT */
#include "backends/http/http.h"
#include "mcloud/util.h"
#include "tls_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* Which servers are believed, and what is said of those that aren't. */

#define DAY 86400

enum identity { NONE, CA, OTHER_CA, GOOD, SELF, EXPIRED, EARLY, ELSEWHERE, PROXIED, CLIENT, STRANGER, IDENTITIES };

static struct tls_identity *identities[IDENTITIES];
static char folder[] = "/tmp/mcloud-tls-XXXXXX";

static void make_identities(void)
{
	static const struct tls_certificate certificates[IDENTITIES] = {
		[CA] = {"CA", NULL, true, NULL, -DAY, DAY},
		[OTHER_CA] = {"other CA", NULL, true, NULL, -DAY, DAY},
		[GOOD] = {"good", "IP:127.0.0.1", false, NULL, -DAY, DAY},
		[SELF] = {"self", "IP:127.0.0.1", false, NULL, -DAY, DAY},
		[EXPIRED] = {"expired", "IP:127.0.0.1", false, NULL, -2 * DAY, -DAY},
		[EARLY] = {"early", "IP:127.0.0.1", false, NULL, DAY, 2 * DAY},
		[ELSEWHERE] = {"elsewhere", "DNS:other.example", false, NULL, -DAY, DAY},
		[PROXIED] = {"proxied", "DNS:cloud.invalid", false, NULL, -DAY, DAY},
		[CLIENT] = {"client", NULL, false, NULL, -DAY, DAY},
		[STRANGER] = {"stranger", NULL, false, NULL, -DAY, DAY},
	};

	for (int i = CA; i < IDENTITIES; i++) {
		struct tls_certificate certificate = certificates[i];
		if (i == STRANGER)
			certificate.by = identities[OTHER_CA];
		else if (i != CA && i != OTHER_CA && i != SELF)
			certificate.by = identities[CA];
		identities[i] = tls_identity_new(&certificate);
	}
}

static void in_folder(char *path, size_t size, const char *name)
{
	snprintf(path, size, "%s/%s", folder, name);
}

static void write_identity(enum identity who, const char *name, bool certificate, const char *word)
{
	char path[100];

	in_folder(path, sizeof(path), name);
	tls_identity_write(identities[who], path, certificate, word);
}

static char *read_text(const char *name)
{
	char path[100], *text = calloc(1, 8192);
	FILE *file;

	in_folder(path, sizeof(path), name);
	file = fopen(path, "re");
	assert_non_null(text);
	assert_non_null(file);
	assert_true(fread(text, 1, 8191, file) > 0);
	fclose(file);
	return text;
}

static int make_files(void **state)
{
	char name[32], hash[16], path[100];

	(void)state;
	assert_non_null(mkdtemp(folder));
	make_identities();
	write_identity(CA, "ca.pem", true, NULL);
	write_identity(OTHER_CA, "other-ca.pem", true, NULL);
	write_identity(SELF, "self.pem", true, NULL);
	write_identity(CLIENT, "client.pem", true, NULL);
	write_identity(CLIENT, "client.key", false, "");
	write_identity(CLIENT, "client-and-key.pem", true, "");
	write_identity(CLIENT, "locked.key", false, "secret word");
	write_identity(STRANGER, "stranger.pem", true, "");
	in_folder(path, sizeof(path), "cas");
	assert_int_equal(mkdir(path, 0700), 0);
	tls_identity_hash_name(identities[CA], hash);
	snprintf(name, sizeof(name), "cas/%s", hash);
	write_identity(CA, name, true, NULL);
	in_folder(path, sizeof(path), "rubbish.pem");
	FILE *file = fopen(path, "we");
	fputs("rubbish\n", file);
	fclose(file);
	return 0;
}

static int remove_files(void **state)
{
	static const char *const names[] = {"ca.pem", "other-ca.pem", "self.pem", "client.pem", "client.key",
		"client-and-key.pem", "locked.key", "stranger.pem", "rubbish.pem", "shown.pem"};
	char path[100], hash[16];

	(void)state;
	for (size_t i = 0; i < MC_COUNT(names); i++) {
		in_folder(path, sizeof(path), names[i]);
		unlink(path);
	}
	tls_identity_hash_name(identities[CA], hash);
	snprintf(path, sizeof(path), "%s/cas/%s", folder, hash);
	unlink(path);
	in_folder(path, sizeof(path), "cas");
	rmdir(path);
	rmdir(folder);
	for (int i = CA; i < IDENTITIES; i++)
		tls_identity_free(identities[i]);
	return 0;
}

/* "@" stands for the folder of the files, "#" for the server's URL. */
static char *fill_in(const char *text, const char *url)
{
	MC_CLEANUP(buffer) struct mc_buffer out = {0};

	for (; *text; text++)
		if (*text == '@')
			mc_buffer_text(&out, folder);
		else if (*text == '#')
			mc_buffer_text(&out, url);
		else
			mc_buffer_add(&out, text, 1);
	return mc_buffer_steal(&out, NULL);
}

struct tls_case {
	enum identity server, chain, clients;
	struct mc_tls tls;
	int result;
	const char *message;
};

#define UNKNOWN                                                                                                        \
	"the certificate of # is signed by a CA that is not known here: set cacert: in clouds.yaml to a file with "    \
	"that CA"
#define BY_CA .cacert = "@/ca.pem"

static const struct tls_case cases[] = {
	{GOOD, NONE, NONE, {BY_CA}, 0, ""},
	{GOOD, CA, NONE, {BY_CA}, 0, ""},
	{GOOD, NONE, NONE, {.cacert = "@/cas"}, 0, ""},
	{SELF, NONE, NONE, {.cacert = "@/self.pem"}, 0, ""},
	{GOOD, NONE, NONE, {0}, -EIO, UNKNOWN},
	{GOOD, CA, NONE, {0}, -EIO, UNKNOWN},
	{GOOD, NONE, NONE, {.cacert = "@/other-ca.pem"}, -EIO, UNKNOWN},
	{GOOD, NONE, NONE, {.cacert = "@"}, -EIO, UNKNOWN},
	{SELF, NONE, NONE, {0}, -EIO,
		"the certificate of # is signed by itself only: if it is the right one, set cacert: in clouds.yaml to "
		"a file "
		"with it"},
	{SELF, NONE, NONE, {BY_CA}, -EIO,
		"the certificate of # is signed by itself only: if it is the right one, set cacert: in clouds.yaml to "
		"a file "
		"with it"},
	{EXPIRED, NONE, NONE, {BY_CA}, -EIO,
		"the certificate of # has expired: let its owner renew it, or set this machine's clock"},
	{EARLY, NONE, NONE, {BY_CA}, -EIO, "the certificate of # is not valid yet: set this machine's clock"},
	{ELSEWHERE, NONE, NONE, {BY_CA}, -EIO,
		"the certificate of # is for another host: set auth_url in clouds.yaml to a host that it is for"},
	{GOOD, NONE, NONE, {.insecure = true}, 0, ""},
	{SELF, NONE, NONE, {.insecure = true}, 0, ""},
	{EXPIRED, NONE, NONE, {.insecure = true, BY_CA}, 0, ""},
	{ELSEWHERE, NONE, NONE, {.insecure = true}, 0, ""},
	{GOOD, NONE, NONE, {.cacert = "@/nowhere.pem"}, -EIO,
		"cacert @/nowhere.pem can't be read as certificates: correct it in clouds.yaml"},
	{GOOD, NONE, NONE, {.cacert = "@/rubbish.pem"}, -EIO,
		"cacert @/rubbish.pem can't be read as certificates: correct it in clouds.yaml"},
	/* Of the client. */
	{GOOD, NONE, CA, {BY_CA, .cert = "@/client.pem", .key = "@/client.key"}, 0, ""},
	{GOOD, NONE, CA, {BY_CA, .cert = "@/client-and-key.pem"}, 0, ""},
	{GOOD, NONE, NONE, {BY_CA, .cert = "@/client-and-key.pem"}, 0, ""},
	{GOOD, NONE, CA, {BY_CA}, -EIO, "# wants a certificate of its client: set cert: and key: in clouds.yaml"},
	{GOOD, NONE, CA, {BY_CA, .cert = "@/stranger.pem"}, -EIO,
		"# does not take the certificate @/stranger.pem: set cert: and key: in clouds.yaml to one that it "
		"knows"},
	{GOOD, NONE, CA, {BY_CA, .cert = "@/client.pem", .key = "@/locked.key"}, -EIO,
		"cert @/client.pem and key @/locked.key*"},
	{GOOD, NONE, CA, {BY_CA, .cert = "@/client.pem"}, -EIO, "cert @/client.pem and key @/client.pem*"},
	{GOOD, NONE, CA, {BY_CA, .cert = "@/nowhere.pem"}, -EIO, "cert @/nowhere.pem and key @/nowhere.pem*"},
	{GOOD, NONE, CA, {BY_CA, .cert = "@/client.pem", .key = "@/stranger.pem"}, -EIO,
		"cert @/client.pem and key @/stranger.pem*"},
	/* No TLS. */
	{NONE, NONE, NONE, {BY_CA}, -EIO, "# does not speak TLS as it is spoken here: *"},
};

/* Whether MESSAGE is what is EXPECTED, of which an asterisk ends what is looked at. */
static bool says(const char *message, const char *expected)
{
	const char *star = strchr(expected, '*');

	return star ? !strncmp(message, expected, (size_t)(star - expected)) : !strcmp(message, expected);
}

static int ask_tls(const struct mc_http_options *options, struct mc_error *error)
{
	static const struct mc_http_param headers[] = {{"X-Auth-Token", "secret"}, {0}};
	static const char *const path[] = {"v3", NULL};
	MC_CLEANUP(http_response) struct mc_http_response response = {0};
	MC_CLEANUP(call) struct mc_call *call = mc_call_new(20000);
	struct mc_http *http = mc_http_new(options);

	assert_non_null(http);
	int r = mc_http_perform(http, call,
		&(struct mc_http_request){.method = "GET", .path = path, .headers = headers}, &response, error);
	if (r == 0)
		assert_string_equal(response.body.data, "{}");
	mc_http_unref(http);
	return r;
}

static void run_case(const struct tls_case *at, size_t number, bool old)
{
	struct tls_server *server = tls_server_new(&(struct tls_setup){.identity = identities[at->server],
		.chain = identities[at->chain],
		.clients = identities[at->clients],
		.old = old});
	char url[64];
	struct mc_error error = {0};

	snprintf(url, sizeof(url), "https://127.0.0.1:%d", tls_server_port(server));
	MC_CLEANUP(free_pointer) char *message = fill_in(at->message, url);
	MC_CLEANUP(free_pointer) char *cacert = at->tls.cacert ? fill_in(at->tls.cacert, url) : NULL;
	MC_CLEANUP(free_pointer) char *cert = at->tls.cert ? fill_in(at->tls.cert, url) : NULL;
	MC_CLEANUP(free_pointer) char *key = at->tls.key ? fill_in(at->tls.key, url) : NULL;
	const struct mc_http_options options = {.service = "tls",
		.base_url = url,
		.tls = {.insecure = at->tls.insecure, .cacert = cacert, .cert = cert, .key = key}};
	int r = ask_tls(&options, &error);
	if (r != at->result || !says(error.message, message ? message : ""))
		fail_msg("case %zu, old %d: %d, %s", number, old, r, error.message);
	assert_null(strstr(error.message, "secret"));
	/* Who isn't believed is told nothing. */
	if (at->result < 0 && at->server != NONE && !at->clients)
		assert_string_equal(tls_server_request(server), "");
	tls_server_free(server);
}

static void test_certificates(void **state)
{
	(void)state;

	for (size_t i = 0; i < MC_COUNT(cases); i++) {
		run_case(&cases[i], i, false);
		run_case(&cases[i], i, true);
	}
}

/* A CA that is given as a text is believed, and no other; the system's are not. */
static void test_ca_in_memory(void **state)
{
	(void)state;
	MC_CLEANUP(free_pointer) char *ca = read_text("ca.pem"), *other = read_text("other-ca.pem");
	struct tls_server *server = tls_server_new(&(struct tls_setup){.identity = identities[GOOD]});
	struct mc_error error = {0};
	char url[64];

	snprintf(url, sizeof(url), "https://127.0.0.1:%d", tls_server_port(server));
	struct mc_http_options options = {.service = "tls", .base_url = url, .tls = {.ca_pem = other}};
	assert_int_equal(ask_tls(&options, &error), -EIO);
	assert_true(says(error.message, "the certificate of https://127.0.0.1:*"));
	assert_non_null(strstr(error.message, "is not one of this cloud's"));
	assert_string_equal(tls_server_request(server), "");
	options.tls.ca_pem = ca;
	assert_int_equal(ask_tls(&options, &error), 0);
	tls_server_free(server);
}

/* What a server shows is told to whoever wants it, whether it is believed or not. */
static void test_shown_certificate(void **state)
{
	static const enum identity shown[] = {GOOD, EXPIRED, SELF};

	(void)state;
	for (size_t i = 0; i < MC_COUNT(shown); i++) {
		MC_CLEANUP(http_response) struct mc_http_response response = {0};
		MC_CLEANUP(call) struct mc_call *call = mc_call_new(20000);
		struct tls_server *server = tls_server_new(&(struct tls_setup){.identity = identities[shown[i]]});
		char url[64];

		snprintf(url, sizeof(url), "https://127.0.0.1:%d", tls_server_port(server));
		struct mc_http *http = mc_http_new(
			&(struct mc_http_options){.service = "tls", .base_url = url, .tls = {.insecure = true}});
		const struct mc_http_request request = {.method = "GET", .wants_certificate = true};
		assert_int_equal(mc_http_perform(http, call, &request, &response, NULL), 0);
		write_identity(shown[i], "shown.pem", true, NULL);
		MC_CLEANUP(free_pointer) char *expected = read_text("shown.pem");
		assert_string_equal(response.certificate.data, expected);
		mc_http_unref(http);
		tls_server_free(server);
	}
}

/* A proxy of the environment takes https on by CONNECT, and what it answers is not the server's answer. */
static void test_proxy(void **state)
{
	(void)state;
	struct tls_server *server =
		tls_server_new(&(struct tls_setup){.identity = identities[PROXIED], .is_proxy = true});
	MC_CLEANUP(free_pointer) char *cacert = fill_in("@/ca.pem", "");
	struct mc_http_options options = {
		.service = "tls", .base_url = "https://cloud.invalid", .tls = {.cacert = cacert}, .proxies = true};
	struct mc_error error = {0};
	char url[64];

	snprintf(url, sizeof(url), "http://127.0.0.1:%d", tls_server_port(server));
	setenv("https_proxy", url, 1);
	assert_int_equal(ask_tls(&options, &error), 0);
	assert_non_null(strstr(tls_server_connect(server), "CONNECT cloud.invalid:443 HTTP/1.1\r\n"));
	/* The proxy sees no token. */
	assert_null(strstr(tls_server_connect(server), "secret"));
	assert_non_null(strstr(tls_server_request(server), "X-Auth-Token: secret\r\n"));
	/* It is for those alone who want it. */
	options.proxies = false;
	assert_int_equal(ask_tls(&options, &error), -ECONNREFUSED);
	setenv("no_proxy", "cloud.invalid", 1);
	options.proxies = true;
	assert_int_equal(ask_tls(&options, &error), -ECONNREFUSED);
	unsetenv("no_proxy");
	setenv("https_proxy", "http://proxy.invalid:1", 1);
	assert_int_equal(ask_tls(&options, &error), -ECONNREFUSED);
	assert_true(says(error.message, "the proxy for https://cloud.invalid is not found: *"));
	unsetenv("https_proxy");
	tls_server_free(server);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_certificates),
		cmocka_unit_test(test_ca_in_memory),
		cmocka_unit_test(test_shown_certificate),
		cmocka_unit_test(test_proxy),
	};

	alarm(100); /* a test that waits forever fails */
	return cmocka_run_group_tests(tests, make_files, remove_files);
}
