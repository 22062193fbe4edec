/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_MANAGED_LEASE_RULES_H
#define BACKENDS_MANAGED_LEASE_RULES_H

#include "mcloud/engine.h"

#include <stdbool.h>
#include <stdint.h>

/* Which of several daemons may change a cloud, and until when. Each goes by its own clock, which counts while the
 * machine sleeps, and compares it with no other one's: a daemon that has put its name into the lease may change
 * something for HOLD from when it *began* to do so; another one may put its own there only when it has *itself* seen
 * the same version for PATIENCE. The version that it has seen was put after the holder began to put it, so two have the
 * lease at one time only if a clock goes wrong by a tenth or more (PATIENCE * 0.9 > HOLD * 1.1), and what the holder
 * has sent at its last moment has some seconds left to be done with. That a change is made long after it was asked for
 * does no harm: it names the version that it comes from.
 *
 * All of it is pure. */

#define MC_LEASE_RENEW_MS 5000
#define MC_LEASE_HOLD_MS 20000
#define MC_LEASE_PATIENCE_MS 30000

/* What a daemon knows. */
struct mc_lease_facts {
	char holder[MC_ENGINE_LEASE_MAX + 1]; /* itself, as who it is on this machine, whichever daemon of it */
	char run[MC_ENGINE_LEASE_MAX + 1];    /* itself: no other daemon ever has the same */
	/* Somebody may have it although there is none: it was removed by hand, as this holder had it before. */
	bool is_missed;
	/* What it knows of the cloud it has read already: it takes the lease only of those who can't have changed that.
	 */
	bool is_late;
	bool had;         /* it has had the lease */
	int64_t until;    /* it may change something until then; 0: not now */
	bool is_watching; /* since SINCE it has seen VERSION, and nothing else; 0: that there is none */
	uint64_t version;
	int64_t since;
};

enum mc_lease_deed {
	MC_LEASE_PUT,    /* it puts itself there, now */
	MC_LEASE_WAIT,   /* it looks again soon */
	MC_LEASE_REFUSED /* another one has it, or had it meanwhile: it doesn't get it any more */
};

/* What is due when the lease is SEEN, at NOW_MS by the time the answer came. */
enum mc_lease_deed mc_lease_decide(struct mc_lease_facts *facts, const struct mc_engine_lease *seen, int64_t now_ms);

/* It was put; BEGUN_MS: before it was asked for. */
void mc_lease_note_put(struct mc_lease_facts *facts, int64_t begun_ms);

/* Whether it may change something at NOW_MS. */
bool mc_lease_is_had(const struct mc_lease_facts *facts, int64_t now_ms);

#endif
