/* SPDX-License-Identifier: MIT */
#include "backends/engine/place.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const mc_engine_tls_cures[MC_TLS_CURES] = {
	[MC_TLS_EXPIRED] = "give the engine a new one (dockerd --tlscert, --tlskey), or set this machine's clock",
	[MC_TLS_SELF_SIGNED] = "give the engine one of the CA in ca.pem (dockerd --tlscert, --tlskey)",
	[MC_TLS_UNKNOWN_CA] =
		"give the engine one of the CA in ca.pem (dockerd --tlscert, --tlskey), or put that CA there",
	[MC_TLS_OTHER_HOST] = "give the engine one whose subjectAltName has this address (dockerd --tlscert, --tlskey)",
	[MC_TLS_NO_CLIENT] = "name a cert.pem and key.pem of the CA that the engine knows (dockerd --tlscacert)",
	[MC_TLS_OTHER_CLIENT] = "name a cert.pem and key.pem of the CA that the engine knows (dockerd --tlscacert)",
	[MC_TLS_BAD_CACERT] = "name the engine's ca.pem",
	[MC_TLS_BAD_CLIENT] = "name the cert.pem and key.pem of a client of the engine",
	[MC_TLS_NONE] = "start the engine with --tlsverify, --tlscacert, --tlscert and --tlskey",
};

static const char tcp[] = "tcp://", local[] = "unix://";

static bool starts_with(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* "HOST:PORT", "[2001:db8::1]:2376": nothing else that a URL may have. */
static bool is_authority(const char *text)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
	size_t length;
	char *end;

	if (*text == '[') {
		length = 1 + strspn(text + 1, "0123456789abcdefABCDEF:.");
		if (length < 3 || text[length] != ']')
			return false;
		length++;
	} else {
		for (length = 0; text[length] && (strchr(letters, text[length]) || strchr("-._", text[length]));)
			length++;
	}
	if (length == 0 || length > 255 || text[length] != ':' || !strchr("123456789", text[length + 1]) ||
		!text[length + 1])
		return false;
	return strtoul(text + length + 1, &end, 10) <= 65535 && !*end && strlen(text + length + 1) <= 5;
}

int mc_engine_address_of(const struct mc_engine_place *place, struct mc_engine_address *ret, struct mc_error *error)
{
	const char *socket = place->socket;

	*ret = (struct mc_engine_address){.url = "http://localhost"};
	if (!strstr(socket, "://"))
		ret->path = socket;
	else if (starts_with(socket, local) && socket[strlen(local)] == '/')
		ret->path = socket + strlen(local);
	if (ret->path)
		return 0;
	if (!starts_with(socket, tcp) || !is_authority(socket + strlen(tcp)))
		return mc_error_set(error, EINVAL,
			"\"%.200s\" is no place of a container engine: name a path, unix:///PATH or tcp://HOST:PORT",
			socket);
	snprintf(ret->url, sizeof ret->url, "https://%s", socket + strlen(tcp));
	if (!place->tls.cert)
		return mc_error_set(error, EINVAL,
			"the container engine at %.200s is reached with a client's certificate only, and there is "
			"none: %s",
			socket, mc_engine_tls_cures[MC_TLS_NO_CLIENT]);
	return 0;
}
