/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_ENGINE_PLACE_H
#define BACKENDS_ENGINE_PLACE_H

#include "mcloud/engine.h"

/* A place taken apart. */
struct mc_engine_address {
	const char *path; /* of a Unix socket; points into the place's; NULL: TCP */
	char url[300];    /* "https://HOST:PORT"; of a Unix socket "http://localhost" */
};

/* 0, or -EINVAL with a sentence for what is no place, or one that can't be reached as it is given: TCP without a
 * client's certificate. Pure. */
int mc_engine_address_of(const struct mc_engine_place *place, struct mc_engine_address *ret, struct mc_error *error);

/* What can be done about an engine's certificates, for struct mc_tls. */
extern const char *const mc_engine_tls_cures[MC_TLS_CURES];

#endif
