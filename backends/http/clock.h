/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_HTTP_CLOCK_H
#define BACKENDS_HTTP_CLOCK_H

#include "mcloud/lock.h"

#include <stdbool.h>
#include <stdint.h>

/* A service's clock, as the headers Date of its answers show it (RFC 9110, section 6.6.1). Nothing but http.c includes
 * it. */

struct mc_http_clock {
	mc_mutex lock; /* guards the rest; a leaf */
	/* By how many seconds it was ahead of mc_boot_ms() when that was `when`. Of ours that is the clock that nobody
	 * sets. */
	double least, most;
	int64_t when;
	bool is_known;
};

void mc_http_clock_init(struct mc_http_clock *clock);
void mc_http_clock_destroy(struct mc_http_clock *clock);

/* Takes what a header Date says, of an answer whose request was sent at SENT, and whose headers had all come at CAME,
 * in mc_boot_ms(). NULL, CAME 0 and what is no date tell nothing. */
void mc_http_clock_note(struct mc_http_clock *clock, const char *text, int64_t sent, int64_t came);

/* What it shows at NOW, in mc_boot_ms(), in seconds since 1970: between *RET_EARLIEST and *RET_LATEST. False: nothing
 * is known, and they are left alone. */
bool mc_http_clock_show(struct mc_http_clock *clock, int64_t now, double *ret_earliest, double *ret_latest);

/* The same for now, as mc_http_ahead() has it. */
bool mc_http_clock_ahead(struct mc_http_clock *clock, double *ret_least, double *ret_most);

#endif
