/* SPDX-License-Identifier: MIT */
#include "mcloud/directory.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

/* The directory against a server that breaks off: it plays a script, connection by connection, and notes what it is
 * asked. */

struct act {
	unsigned answers;   /* so many requests get success; */
	bool unread;        /* then it closes at once, else when it has read one more */
	const char *before; /* bytes that it says then; NULL: none */
	size_t size;
};

struct server {
	int listener;
	char url[64];
	const struct act *acts;
	size_t n_acts, connections, requests, largest;
	unsigned char seen[64]; /* their operations' tags, RFC 4511 appendix B */
	pthread_t thread;
};

enum { BIND = 0x60, SEARCH = 0x63, ADD = 0x68 };

static bool read_all(int fd, unsigned char *to, size_t size)
{
	while (size > 0) {
		ssize_t n = read(fd, to, size);
		if (n <= 0)
			return false;
		to += n;
		size -= (size_t)n;
	}
	return true;
}

/* One LDAPMessage: its id and its operation's tag. */
static bool read_request(struct server *server, int fd, unsigned char *ret_id, unsigned char *ret_tag)
{
	unsigned char head[2], more[4];
	size_t size;

	if (!read_all(fd, head, 2) || head[0] != 0x30)
		return false;
	size = head[1];
	if (head[1] & 0x80) {
		size_t n = head[1] & 0x7f;
		if (n > sizeof more || !read_all(fd, more, n))
			return false;
		size = 0;
		for (size_t i = 0; i < n; i++)
			size = size << 8 | more[i];
	}
	unsigned char *body = malloc(size + 1);
	bool good = body && read_all(fd, body, size) && size > 4 && body[0] == 2 && body[1] == 1;
	if (good) {
		*ret_id = body[2];
		*ret_tag = body[3];
		if (server->requests < sizeof server->seen)
			server->seen[server->requests] = body[3];
		server->requests++;
		if (size > server->largest)
			server->largest = size;
	}
	free(body);
	return good;
}

static void play(struct server *server, const struct act *act, int fd)
{
	unsigned char id = 0, tag = 0;

	for (unsigned i = 0; i < act->answers; i++) {
		if (!read_request(server, fd, &id, &tag))
			return;
		/* resultCode success, no matchedDN, no diagnosticMessage. */
		unsigned char type = tag == SEARCH ? 0x65
				     : tag == 0x4a ? 0x6b
				     : tag == 0x77 ? 0x78
						   : (unsigned char)(tag + 1);
		const unsigned char answer[] = {0x30, 12, 2, 1, id, type, 7, 10, 1, 0, 4, 0, 4, 0};
		if (write(fd, answer, sizeof answer) != sizeof answer)
			return;
	}
	if (!act->unread)
		read_request(server, fd, &id, &tag);
	if (act->before && write(fd, act->before, act->size) < 0)
		return;
}

static void *serve(void *data)
{
	struct server *server = data;

	for (size_t i = 0; i < server->n_acts; i++) {
		int fd = accept(server->listener, NULL, NULL);
		if (fd < 0)
			break;
		server->connections++;
		play(server, &server->acts[i], fd);
		close(fd);
	}
	return NULL;
}

static struct mc_directory *begin(struct server *server, const struct act *acts, size_t n)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof address;
	int little = 2048;

	*server =
		(struct server){.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), .acts = acts, .n_acts = n};
	/* So that a large request doesn't go into one write. */
	setsockopt(server->listener, SOL_SOCKET, SO_RCVBUF, &little, sizeof little);
	assert_int_equal(bind(server->listener, (struct sockaddr *)&address, size), 0);
	assert_int_equal(listen(server->listener, 8), 0);
	getsockname(server->listener, (struct sockaddr *)&address, &size);
	snprintf(server->url, sizeof server->url, "ldap://127.0.0.1:%u", (unsigned)ntohs(address.sin_port));
	assert_int_equal(pthread_create(&server->thread, NULL, serve, server), 0);
	struct mc_directory *directory = mc_directory_new(&(const struct mc_directory_options){
		.url = server->url, .suffix = "dc=acme,dc=org", .bind_dn = "cn=admin,dc=acme,dc=org", .password = "x"});
	assert_non_null(directory);
	return directory;
}

/* Waits until the script is over. */
static void end(struct server *server, struct mc_directory *directory)
{
	pthread_join(server->thread, NULL);
	mc_directory_free(directory);
	close(server->listener);
	assert_int_equal(server->connections, server->n_acts);
}

static void a_question_is_asked_again(void **state)
{
	static const struct act acts[] = {{.answers = 2}, {.answers = 2, .unread = true}};
	struct mc_call *call = mc_call_new(30000);
	struct mc_error error = {0};
	struct server server;

	(void)state;
	struct mc_directory *directory = begin(&server, acts, 2);
	assert_int_equal(mc_directory_ping(directory, call, &error), 0);
	assert_int_equal(mc_directory_ping(directory, call, &error), 0);
	assert_int_equal(error.code, 0);
	end(&server, directory);
	static const unsigned char expected[] = {BIND, SEARCH, SEARCH, BIND, SEARCH};
	assert_int_equal(server.requests, sizeof expected);
	assert_memory_equal(server.seen, expected, sizeof expected);
	mc_call_unref(call);
}

static void a_change_is_not_made_again(void **state)
{
	static const struct act acts[] = {{.answers = 2}, {.answers = 2, .unread = true}};
	struct mc_call *call = mc_call_new(30000);
	struct mc_error error = {0};
	struct server server;

	(void)state;
	struct mc_directory *directory = begin(&server, acts, 2);
	assert_int_equal(mc_directory_ping(directory, call, &error), 0);
	assert_int_equal(mc_directory_user_create(directory, call, "john", &error), -ECONNREFUSED);
	assert_non_null(strstr(error.message, "may have been done"));
	assert_int_equal(mc_directory_ping(directory, call, &error), 0);
	end(&server, directory);
	static const unsigned char expected[] = {BIND, SEARCH, ADD, BIND, SEARCH};
	assert_int_equal(server.requests, sizeof expected);
	assert_memory_equal(server.seen, expected, sizeof expected);
	mc_call_unref(call);
}

static void a_new_connection_is_not_tried_twice(void **state)
{
	static const struct act acts[] = {{.answers = 1}, {.answers = 0}, {.unread = true}};
	struct mc_call *call = mc_call_new(30000);
	struct mc_error error = {0};
	struct server server;

	(void)state;
	struct mc_directory *directory = begin(&server, acts, 3);
	for (int i = 0; i < 3; i++) {
		error = (struct mc_error){0};
		assert_int_equal(mc_directory_ping(directory, call, &error), -ECONNREFUSED);
		assert_string_equal(error.service, "ldap");
		assert_true(*error.message);
	}
	end(&server, directory);
	mc_call_unref(call);
}

/* libldap 2.5 loses the bytes of a notice that comes while an answer is waited for. An answer that we would lose is
 * seen all the same: its LDAPMessage is an allocation of its own. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:ldap_alloc_ber_with_options\n";
}

/* libldap has no frame pointers: without them, it can't be seen who allocates. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "fast_unwind_on_malloc=0";
}

static void a_notice_of_disconnection_is_heeded(void **state)
{
	/* RFC 4511, section 4.4.1: an ExtendedResponse with message id 0 and resultCode unavailable. */
	static const char notice[] = "\x30\x24\x02\x01\x00\x78\x1f\x0a\x01\x34\x04\x00\x04\x00\x8a\x16"
				     "1.3.6.1.4.1.1466.20036";
	static const struct act acts[] = {
		{.answers = 2, .unread = true, .before = notice, .size = sizeof notice - 1},
		{.answers = 2, .unread = true},
	};
	struct mc_call *call = mc_call_new(30000);
	struct mc_error error = {0};
	struct server server;

	(void)state;
	struct mc_directory *directory = begin(&server, acts, 2);
	assert_int_equal(mc_directory_ping(directory, call, &error), 0);
	/* Whether it comes before the next request or after it: a question finds its answer. */
	assert_int_equal(mc_directory_ping(directory, call, &error), 0);
	end(&server, directory);
	mc_call_unref(call);
}

static void nonsense_is_an_error(void **state)
{
	static const char text[] = "HTTP/1.1 400 Bad Request\r\n\r\n", empty[] = "\x30\x00",
			  short_answer[] = "\x30\x05\x02\x01\x02\x65\x00",
			  other_type[] = "\x30\x0c\x02\x01\x02\x01\x07\x0a\x01",
			  strange[] = "\x30\x0c\x02\x01\x02\x6b\x07\x0a\x01\x7f\x04\x00\x04\x00";
	static const struct act acts[] = {
		{.answers = 1, .before = text, .size = sizeof text - 1},
		{.answers = 1, .before = empty, .size = sizeof empty - 1},
		{.answers = 1, .before = short_answer, .size = sizeof short_answer - 1},
		{.answers = 1, .before = other_type, .size = sizeof other_type - 1},
		{.answers = 1, .before = strange, .size = sizeof strange - 1},
		{.answers = 0, .before = text, .size = sizeof text - 1},
	};
	struct mc_call *call = mc_call_new(30000);
	struct server server;

	(void)state;
	struct mc_directory *directory = begin(&server, acts, MC_COUNT(acts));
	for (size_t i = 0; i < MC_COUNT(acts); i++) {
		struct mc_error error = {0};
		int result = mc_directory_ping(directory, call, &error);
		if (result != -EIO && result != -ECONNREFUSED)
			fail_msg("act %zu: %d", i, result);
		assert_int_equal(error.code, -result);
	}
	end(&server, directory);
	mc_call_unref(call);
}

static void a_large_request_goes_out_whole(void **state)
{
	static const struct act acts[] = {{.answers = 2, .unread = true}};
	struct mc_call *call = mc_call_new(30000);
	struct mc_buffer text = {0};
	struct mc_error error = {0};
	struct server server;

	(void)state;
	mc_buffer_text(&text, "dn: cn=a\ncn: ");
	while (text.size < 3 << 20)
		mc_buffer_text(&text, "0123456789abcdef");
	struct mc_directory *directory = begin(&server, acts, 1);
	assert_int_equal(mc_directory_import(directory, call, text.data, text.size, &error), 0);
	end(&server, directory);
	assert_true(server.largest > 3 << 20);
	mc_buffer_free(&text);
	mc_call_unref(call);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_question_is_asked_again),
		cmocka_unit_test(a_change_is_not_made_again),
		cmocka_unit_test(a_new_connection_is_not_tried_twice),
		cmocka_unit_test(a_notice_of_disconnection_is_heeded),
		cmocka_unit_test(nonsense_is_an_error),
		cmocka_unit_test(a_large_request_goes_out_whole),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests_name("directory_faults", tests, NULL, NULL);
}
