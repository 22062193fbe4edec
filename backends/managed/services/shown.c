/* SPDX-License-Identifier: MIT */
#include "backends/managed/services/shown.h"

#include "mcloud/buffer.h"
#include "mcloud/call.h"
#include "mcloud/error.h"
#include "mcloud/util.h"

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* libmariadb has the server's certificate to give only where it believes it, and some versions not at all. So what both
 * protocols say before TLS, a few bytes, is said here. */

MC_DEFINE_CLEANUP(ssl_context, SSL_CTX *, SSL_CTX_free);
MC_DEFINE_CLEANUP(ssl, SSL *, SSL_free);
MC_DEFINE_CLEANUP(x509, X509 *, X509_free);
MC_DEFINE_CLEANUP(bio, BIO *, BIO_free_all);

static void mc_cleanup_descriptor(const int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		close(*fd);
	errno = saved;
}

/* 0, -ETIMEDOUT, -EINTR, -errno. */
static int await_events(struct mc_call *call, int fd, short events)
{
	struct pollfd fds[] = {{.fd = mc_call_fd(call), .events = POLLIN}, {.fd = fd, .events = events}};

	for (;;) {
		int r = mc_call_check(call);

		if (r < 0)
			return r;
		if (poll(fds, MC_COUNT(fds), mc_call_remaining_ms(call)) < 0 && errno != EINTR)
			return -errno;
		if (fds[1].revents)
			return 0;
	}
}

static int connect_to(int fd, const char *address, unsigned short port, struct mc_call *call)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
	socklen_t size = sizeof(int);
	int problem = 0, r;

	if (inet_pton(AF_INET, address, &to.sin_addr) != 1)
		return -EINVAL;
	if (connect(fd, (const struct sockaddr *)&to, sizeof(to)) == 0)
		return 0;
	if (errno != EINPROGRESS)
		return -errno;
	r = await_events(call, fd, POLLOUT);
	if (r < 0)
		return r;
	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &problem, &size) < 0 ? -errno : -problem;
}

/* All of SIZE bytes, and none beyond; -EPROTO: the server ended before. */
static int receive(int fd, struct mc_call *call, unsigned char *bytes, size_t size)
{
	for (size_t n = 0; n < size;) {
		ssize_t more = recv(fd, bytes + n, size - n, 0);
		int r = more == 0 ? -EPROTO : 0;

		if (more > 0)
			n += (size_t)more;
		else if (more < 0)
			r = errno == EAGAIN ? await_events(call, fd, POLLIN) : -errno;
		if (r < 0)
			return r;
	}
	return 0;
}

/* So little that a new connection takes it at once. */
static int say(int fd, const void *bytes, size_t size)
{
	ssize_t n = send(fd, bytes, size, MSG_NOSIGNAL);

	return n == (ssize_t)size ? 0 : n < 0 ? -errno : -EPROTO;
}

/* https://mariadb.com/kb/en/connection/: the server's greeting, where its version ends with a NUL and its capabilities
 * follow behind 4, 8 and 1 bytes; then a client's capabilities, the largest packet and a character set, and no more. */
static int lead_sql(int fd, struct mc_call *call, bool *ret_has_tls)
{
	enum { HEAD = 4, GREETING = 512, PROTOCOL = 10, BEFORE_CAPABILITIES = 1 + 4 + 8 + 1 };
	static const unsigned char request[36] = {32, 0, 0, 1, 0x00, 0x8a, 0x08, 0x00, 0, 0, 0, 1,
		45}; /* PROTOCOL_41, SSL, SECURE_CONNECTION, PLUGIN_AUTH */
	unsigned char bytes[GREETING + 1] = {0};
	size_t size, at;
	int r = receive(fd, call, bytes, HEAD);

	size = bytes[0] | (size_t)bytes[1] << 8 | (size_t)bytes[2] << 16;
	if (r == 0 && (size > GREETING || size < 1))
		return -EPROTO;
	if (r == 0)
		r = receive(fd, call, bytes, size);
	if (r < 0)
		return r;
	bytes[size] = '\0';
	at = 1 + strlen((const char *)bytes + 1) + BEFORE_CAPABILITIES;
	if (bytes[0] != PROTOCOL || at + 2 > size)
		return -EPROTO;
	*ret_has_tls = bytes[at + 1] & 0x08; /* CLIENT_SSL, 0x0800 */
	return *ret_has_tls ? say(fd, request, sizeof(request)) : 0;
}

/* StartTLS, RFC 4511, section 4.14: an ExtendedRequest with its name, and the answer's resultCode. */
static int lead_ldap(int fd, struct mc_call *call, bool *ret_has_tls)
{
	enum { HEAD = 2, LONG_FORM = 0x80, RESULT_AT = 7 };
	static const unsigned char request[] = "\x30\x1d\x02\x01\x01\x77\x18\x80\x16"
					       "1.3.6.1.4.1.1466.20037";
	static const unsigned char sequence = 0x30, message[] = {0x02, 1, 1, 0x78};
	unsigned char bytes[LONG_FORM] = {0};
	size_t size;
	int r = say(fd, request, sizeof(request) - 1);

	if (r == 0)
		r = receive(fd, call, bytes, HEAD);
	size = bytes[1];
	if (r == 0 && (bytes[0] != sequence || size >= LONG_FORM || size < RESULT_AT + 1))
		return -EPROTO;
	if (r == 0)
		r = receive(fd, call, bytes, size);
	if (r == 0 && memcmp(bytes, message, sizeof(message)) != 0)
		return -EPROTO;
	*ret_has_tls = r == 0 && bytes[RESULT_AT] == 0; /* behind the response's own length and the code's head */
	return r;
}

static int shake_hands(SSL *ssl, int fd, struct mc_call *call)
{
	for (;;) {
		int done = SSL_connect(ssl), r;

		if (done == 1)
			return 0;
		switch (SSL_get_error(ssl, done)) {
		case SSL_ERROR_WANT_READ:
			r = await_events(call, fd, POLLIN);
			break;
		case SSL_ERROR_WANT_WRITE:
			r = await_events(call, fd, POLLOUT);
			break;
		default:
			r = -EPROTO;
		}
		if (r < 0)
			return r;
	}
}

static int take_certificate(int fd, struct mc_call *call, struct mc_buffer *ret_pem)
{
	MC_CLEANUP(ssl_context) SSL_CTX *context = SSL_CTX_new(TLS_client_method());
	MC_CLEANUP(ssl) SSL *ssl = context ? SSL_new(context) : NULL;
	MC_CLEANUP(bio) BIO *text = BIO_new(BIO_s_mem());
	MC_CLEANUP(x509) X509 *certificate = NULL;
	char *bytes = NULL;
	long size;
	int r;

	if (!ssl || !text || SSL_set_fd(ssl, fd) != 1)
		return -ENOMEM;
	SSL_set_verify(ssl, SSL_VERIFY_NONE, NULL);
	r = shake_hands(ssl, fd, call);
	if (r < 0)
		return r;
	certificate = SSL_get1_peer_certificate(ssl);
	if (!certificate || PEM_write_bio_X509(text, certificate) != 1)
		return -EPROTO;
	size = BIO_get_mem_data(text, &bytes);
	mc_buffer_add(ret_pem, bytes, (size_t)size);
	return ret_pem->failed ? -ENOMEM : 0;
}

int mc_shown_certificate(const char *address, unsigned short port, enum mc_protocol protocol, struct mc_call *call,
	struct mc_buffer *ret_pem, struct mc_error *error)
{
	MC_CLEANUP(descriptor) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool has_tls = false;
	int r = fd < 0 ? -errno : connect_to(fd, address, port, call);

	if (r == 0)
		r = protocol == MC_PROTOCOL_SQL ? lead_sql(fd, call, &has_tls) : lead_ldap(fd, call, &has_tls);
	if (r == 0 && has_tls)
		r = take_certificate(fd, call, ret_pem);
	if (r < 0)
		return mc_error_errno(error, r == -EPROTO ? EIO : -r, "%s:%u shows no certificate", address, port);
	return 0;
}
