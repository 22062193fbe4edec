/* SPDX-License-Identifier: MIT */
#include "backends/directory/ldap.h"
#include "mcloud/lock.h"

#include <netdb.h>
#include <netinet/tcp.h>
#include <openldap.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* libldap's own connect and its waiting know nothing of a call's cancellation. So the socket is made here and handed to
 * it, and it is never asked to wait: it gets a zero timeout, and the waiting is a poll() here. */

enum { KEPT = 4 }; /* idle connections */

static void mc_cleanup_addresses(struct addrinfo **addresses)
{
	if (*addresses)
		freeaddrinfo(*addresses);
}

static void mc_cleanup_url(LDAPURLDesc **url)
{
	if (*url)
		ldap_free_urldesc(*url);
}

static void mc_cleanup_message(LDAPMessage **message)
{
	ldap_msgfree(*message);
}

/* Waits until FD has one of EVENTS, or OTHER (-1: none) is readable. 0, -EINTR, -ETIMEDOUT, -errno. */
static int await_descriptor(struct mc_call *call, int fd, short events, int other)
{
	struct pollfd fds[] = {
		{.fd = mc_call_fd(call), .events = POLLIN},
		{.fd = fd, .events = events},
		{.fd = other, .events = POLLIN},
	};

	if (fds[0].fd < 0)
		return fds[0].fd;
	for (;;) {
		int result = mc_call_check(call);
		if (result < 0)
			return result;
		int n = poll(fds, MC_COUNT(fds), mc_call_remaining_ms(call));
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0 && (fds[1].revents || fds[2].revents))
			return 0;
	}
}

/* 0; -errno as connect(2) has it, or as await_descriptor(). */
static int finish_connect(struct mc_call *call, int fd, const struct sockaddr *address, socklen_t size)
{
	int problem = 0;
	socklen_t length = sizeof problem;

	if (connect(fd, address, size) == 0)
		return 0;
	if (errno != EINPROGRESS)
		return -errno;
	int result = await_descriptor(call, fd, POLLOUT, -1);
	if (result < 0)
		return result;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &problem, &length) < 0)
		return -errno;
	return -problem;
}

/* A connected non-blocking socket, or what finish_connect() says. */
static int connect_to(struct mc_call *call, const struct sockaddr *address, socklen_t size)
{
	int on = 1, fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	int result = finish_connect(call, fd, address, size);
	if (result < 0) {
		close(fd);
		return result;
	}
	/* Requests are small and wait for their answers. Without it, they are merely slower. */
	if (address->sa_family != AF_UNIX)
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	return fd;
}

static int connect_unix(struct mc_call *call, const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	if (!path || strlen(path) >= sizeof address.sun_path)
		return -EINVAL;
	memcpy(address.sun_path, path, strlen(path));
	return connect_to(call, (const struct sockaddr *)&address, sizeof address);
}

/* HOST is an address, or a name of this machine's own tables: looking it up isn't expected to wait. */
static int connect_tcp(struct mc_call *call, const char *host, int port)
{
	MC_CLEANUP(addresses) struct addrinfo *addresses = NULL;
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
	char service[16];
	int result = -EHOSTUNREACH;

	snprintf(service, sizeof service, "%d", port);
	if (getaddrinfo(host && *host ? host : "127.0.0.1", service, &hints, &addresses) != 0)
		return -EHOSTUNREACH;
	for (const struct addrinfo *at = addresses; at; at = at->ai_next) {
		result = connect_to(call, at->ai_addr, at->ai_addrlen);
		if (result >= 0 || result == -EINTR || result == -ETIMEDOUT)
			return result;
	}
	return result;
}

/* A socket to the directory's URL (RFC 4516), and what libldap calls its kind. */
static int open_socket(const char *text, struct mc_call *call, int *ret_protocol, struct mc_error *error)
{
	MC_CLEANUP(url) LDAPURLDesc *url = NULL;

	if (ldap_url_parse(text, &url) != LDAP_URL_SUCCESS)
		return mc_ldap_fail(error, EINVAL, "\"%s\" is not an LDAP URL", text);
	bool local = strcmp(url->lud_scheme, "ldapi") == 0;
	if (!local && strcmp(url->lud_scheme, "ldap") != 0)
		return mc_ldap_fail(error, EINVAL, "\"%s\": only ldap:// and ldapi:// are known", text);
	int fd = local ? connect_unix(call, url->lud_host) : connect_tcp(call, url->lud_host, url->lud_port);
	*ret_protocol = local ? LDAP_PROTO_IPC : LDAP_PROTO_TCP;
	if (fd >= 0)
		return fd;
	if (fd == -EINTR)
		return mc_ldap_fail(error, EINTR, "interrupted while connecting to %s", text);
	if (fd == -ETIMEDOUT)
		return mc_ldap_fail(error, ETIMEDOUT, "%s did not accept a connection in time", text);
	if (fd == -EMFILE || fd == -ENFILE || fd == -ENOMEM || fd == -ENOBUFS)
		return mc_ldap_fail(error, -fd, "cannot connect to %s: %s", text, strerrordesc_np(-fd));
	const char *reason = strerrordesc_np(-fd);
	return mc_ldap_fail(error, ECONNREFUSED, "cannot connect to %s: %s", text, reason ? reason : "unknown error");
}

/* Whatever ldap.conf(5) and LDAP... variables of the environment say, this connection is as it is meant. */
static int set_ldap_options(LDAP *ld)
{
	static const struct {
		int option, value;
	} numbers[] = {
		{LDAP_OPT_PROTOCOL_VERSION, LDAP_VERSION3},
		{LDAP_OPT_SIZELIMIT, LDAP_NO_LIMIT},
		{LDAP_OPT_TIMELIMIT, LDAP_NO_LIMIT},
		{LDAP_OPT_DEREF, LDAP_DEREF_NEVER},
	};

	for (size_t i = 0; i < MC_COUNT(numbers); i++)
		if (ldap_set_option(ld, numbers[i].option, &numbers[i].value) != LDAP_OPT_SUCCESS)
			return -ENOMEM;
	if (ldap_set_option(ld, LDAP_OPT_REFERRALS, LDAP_OPT_OFF) != LDAP_OPT_SUCCESS ||
		ldap_set_option(ld, LDAP_OPT_RESTART, LDAP_OPT_ON) != LDAP_OPT_SUCCESS)
		return -ENOMEM;
	return 0;
}

static int watch_writable(struct mc_ldap_connection *connection)
{
	/* Edge-triggered: libldap doesn't tell whether it still has something to send, and a level would make every
	 * wait a busy loop. */
	struct epoll_event event = {.events = EPOLLOUT | EPOLLET};

	connection->writable = epoll_create1(EPOLL_CLOEXEC);
	if (connection->writable < 0 || epoll_ctl(connection->writable, EPOLL_CTL_ADD, connection->fd, &event) < 0)
		return -errno;
	return 0;
}

int mc_ldap_receive(
	struct mc_ldap_connection *connection, struct mc_call *call, int message_id, LDAPMessage **ret_message)
{
	struct epoll_event event;

	for (;;) {
		struct timeval none = {0};
		int type = ldap_result(connection->ld, message_id, LDAP_MSG_ONE, &none, ret_message);
		if (type > 0)
			return type;
		if (type < 0)
			return -ECONNREFUSED;
		int result = await_descriptor(call, connection->fd, POLLIN, connection->writable);
		if (result < 0)
			return result;
		(void)epoll_wait(connection->writable, &event, 1, 0);
	}
}

/* How long libldap may wait by itself for the server's part of a handshake, which is short. It is the one thing that it
 * is asked to wait for: it can't go on with one that it has begun. */
#define HANDSHAKE_MS 5000

/* What libldap is to demand of the server, of the connection's own, whatever ldap.conf(5) says. */
static int demand_tls(LDAP *ld, const char *ca_file, int timeout_ms)
{
	static const struct {
		int option, value;
	} numbers[] = {
		{LDAP_OPT_X_TLS_REQUIRE_CERT, LDAP_OPT_X_TLS_DEMAND},
		{LDAP_OPT_X_TLS_PROTOCOL_MIN, LDAP_OPT_X_TLS_PROTOCOL_TLS1_2},
		{LDAP_OPT_X_TLS_NEWCTX, 0}, /* of a client; it reads the file now: from 2.6 on a CA is in it */
	};
	struct timeval timeout = {.tv_sec = timeout_ms / 1000, .tv_usec = timeout_ms % 1000 * 1000};

	if (ldap_set_option(ld, LDAP_OPT_X_TLS_CACERTFILE, ca_file) != LDAP_OPT_SUCCESS ||
		ldap_set_option(ld, LDAP_OPT_NETWORK_TIMEOUT, &timeout) != LDAP_OPT_SUCCESS)
		return -ENOMEM;
	for (size_t i = 0; i < MC_COUNT(numbers); i++)
		if (ldap_set_option(ld, numbers[i].option, &numbers[i].value) != LDAP_OPT_SUCCESS)
			return numbers[i].option == LDAP_OPT_X_TLS_NEWCTX ? -EIO : -ENOMEM;
	return 0;
}

static int install_tls(const struct mc_directory *directory, LDAP *ld, struct mc_call *call, struct mc_error *error)
{
	int left = mc_call_remaining_ms(call), file, result;
	char path[MC_TEXT_FILE_PATH];

	file = mc_text_file(directory->ca_pem, path);
	if (file < 0)
		return mc_ldap_fail(error, -file, "cannot set up TLS to %s", directory->url);
	result = demand_tls(ld, path, left < 0 || left > HANDSHAKE_MS ? HANDSHAKE_MS : left);
	close(file);
	if (result == -EIO)
		return mc_ldap_fail(
			error, EIO, "cannot set up TLS to %s with this cloud's CA: see `cat ca.pem`", directory->url);
	if (result < 0)
		return mc_ldap_fail(error, -result, "cannot set up TLS to %s", directory->url);
	result = ldap_install_tls(ld);
	if (result == LDAP_SUCCESS)
		return 0;
	if (mc_call_check(call) < 0 || result == LDAP_TIMEOUT)
		return mc_ldap_fail(error, ETIMEDOUT, "%s did not begin TLS in time", directory->url);
	return mc_ldap_fail(error, EIO,
		"%s shows no certificate of this cloud's (%s): `echo repair > regions/REGION/ctl` puts it right",
		directory->url, ldap_err2string(result));
}

/* StartTLS, RFC 4511, section 4.14. */
static int start_tls(struct mc_directory *directory, struct mc_ldap_connection *connection, struct mc_call *call,
	struct mc_error *error)
{
	MC_CLEANUP(message) LDAPMessage *message = NULL;
	int message_id, code = LDAP_OTHER, type = -ECONNREFUSED;

	if (ldap_start_tls(connection->ld, NULL, NULL, &message_id) == LDAP_SUCCESS)
		type = mc_ldap_receive(connection, call, message_id, &message);
	if (type < 0)
		return mc_ldap_fail(error, -type, "%s did not begin TLS: %s", directory->url, strerrordesc_np(-type));
	if (ldap_parse_result(connection->ld, message, &code, NULL, NULL, NULL, NULL, 0) != LDAP_SUCCESS ||
		code != LDAP_SUCCESS)
		return mc_ldap_fail(error, EIO, "%s did not begin TLS: %s", directory->url, ldap_err2string(code));
	return install_tls(directory, connection->ld, call, error);
}

/* A simple bind, RFC 4513, section 5.1.3. */
static int bind_connection(struct mc_directory *directory, struct mc_ldap_connection *connection, struct mc_call *call,
	struct mc_error *error)
{
	MC_CLEANUP(message) LDAPMessage *message = NULL;
	struct berval password = {.bv_len = strlen(directory->password), .bv_val = directory->password};
	int message_id, code = LDAP_OTHER;

	int type = -ECONNREFUSED;
	if (ldap_sasl_bind(connection->ld, directory->bind_dn, LDAP_SASL_SIMPLE, &password, NULL, NULL, &message_id) ==
		LDAP_SUCCESS)
		type = mc_ldap_receive(connection, call, message_id, &message);
	if (type == -EINTR)
		return mc_ldap_fail(error, EINTR, "interrupted while logging in at %s", directory->url);
	if (type == -ETIMEDOUT)
		return mc_ldap_fail(error, ETIMEDOUT, "%s did not answer the login in time", directory->url);
	if (type < 0)
		return mc_ldap_fail(error, -type, "%s broke the connection at the login", directory->url);
	if (ldap_parse_result(connection->ld, message, &code, NULL, NULL, NULL, NULL, 0) != LDAP_SUCCESS)
		return mc_ldap_fail(error, EIO, "%s gave no proper answer to the login", directory->url);
	if (code != LDAP_SUCCESS)
		return mc_ldap_fail(error, mc_ldap_errno(code), "%s refused the login of \"%s\": %s", directory->url,
			directory->bind_dn, ldap_err2string(code));
	return 0;
}

/* Connects and logs in. After a failure the connection is still to be freed. */
static int set_up(struct mc_directory *directory, struct mc_call *call, struct mc_ldap_connection *connection,
	struct mc_error *error)
{
	int protocol = LDAP_PROTO_TCP, fd = open_socket(directory->url, call, &protocol, error);

	if (fd < 0)
		return fd;
	if (ldap_init_fd(fd, protocol, directory->url, &connection->ld) != LDAP_SUCCESS) {
		close(fd);
		return mc_ldap_fail(error, ENOMEM, "cannot set up a connection to %s", directory->url);
	}
	connection->fd = fd;
	int result = set_ldap_options(connection->ld);
	if (result == 0)
		result = watch_writable(connection);
	if (result < 0)
		return mc_ldap_fail(error, -result, "cannot set up a connection to %s", directory->url);
	if (directory->ca_pem)
		result = start_tls(directory, connection, call, error);
	return result ? result : bind_connection(directory, connection, call, error);
}

/* A server says nothing on an idle connection but that it closes it (RFC 4511, section 4.4.1), or just closes it. */
static bool still_open(const struct mc_ldap_connection *connection)
{
	struct pollfd fd = {.fd = connection->fd, .events = POLLIN};

	return poll(&fd, 1, 0) == 0;
}

static struct mc_ldap_connection *take_idle(struct mc_directory *directory)
{
	MC_HOLD(&directory->lock);
	struct mc_ldap_connection *connection = directory->idle;
	if (connection) {
		directory->idle = connection->next;
		directory->n_idle--;
	}
	return connection;
}

int mc_ldap_acquire(struct mc_directory *directory, struct mc_call *call, bool fresh,
	struct mc_ldap_connection **ret_connection, struct mc_error *error)
{
	struct mc_ldap_connection *kept;

	while (!fresh && (kept = take_idle(directory))) {
		if (still_open(kept)) {
			*ret_connection = kept;
			return 0;
		}
		mc_ldap_connection_free(kept);
	}
	struct mc_ldap_connection *connection = calloc(1, sizeof *connection);
	if (!connection)
		return mc_ldap_fail(error, ENOMEM, "out of memory");
	connection->fd = connection->writable = -1;
	int result = set_up(directory, call, connection, error);
	if (result < 0)
		mc_ldap_connection_free(connection);
	else
		*ret_connection = connection;
	return result;
}

void mc_ldap_release(struct mc_directory *directory, struct mc_ldap_connection *connection)
{
	connection->reused = true;
	mc_mutex_lock(&directory->lock);
	bool keep = directory->n_idle < KEPT;
	if (keep) {
		connection->next = directory->idle;
		directory->idle = connection;
		directory->n_idle++;
	}
	mc_mutex_unlock(&directory->lock);
	if (!keep)
		mc_ldap_connection_free(connection);
}

void mc_ldap_connection_free(struct mc_ldap_connection *connection)
{
	if (!connection)
		return;
	if (connection->writable >= 0)
		close(connection->writable);
	if (connection->ld)
		ldap_unbind_ext(connection->ld, NULL, NULL);
	free(connection);
}
