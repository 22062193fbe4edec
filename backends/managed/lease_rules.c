/* SPDX-License-Identifier: MIT */
#include "backends/managed/lease_rules.h"

#include <string.h>

/* Whether those who had the lease can't have changed the cloud behind this daemon's back: there were none, or they were
 * daemons of this machine, of which one runs at a time (fs/daemon.c). */
static bool is_own(const struct mc_lease_facts *facts, const struct mc_engine_lease *seen)
{
	return strcmp(seen->holder, facts->holder) == 0;
}

/* Nobody tells whether the holder is still there: whoever is renews it. */
static enum mc_lease_deed watch(struct mc_lease_facts *facts, const struct mc_engine_lease *seen, int64_t now_ms)
{
	if (!facts->is_watching) {
		facts->is_watching = true;
		facts->version = seen->version;
		facts->since = now_ms;
	}
	if (facts->version != seen->version)
		return MC_LEASE_REFUSED;
	return now_ms - facts->since > MC_LEASE_PATIENCE_MS ? MC_LEASE_PUT : MC_LEASE_WAIT;
}

enum mc_lease_deed mc_lease_decide(struct mc_lease_facts *facts, const struct mc_engine_lease *seen, int64_t now_ms)
{
	if (strcmp(seen->run, facts->run) == 0)
		return MC_LEASE_PUT;
	if (facts->had)
		return MC_LEASE_REFUSED;
	if (!seen->version && !facts->is_missed)
		return MC_LEASE_PUT;
	if (is_own(facts, seen))
		return MC_LEASE_PUT;
	if (facts->is_late)
		return MC_LEASE_REFUSED;
	if (seen->version && !*seen->run)
		return MC_LEASE_PUT;
	return watch(facts, seen, now_ms);
}

void mc_lease_note_put(struct mc_lease_facts *facts, int64_t begun_ms)
{
	facts->had = true;
	facts->until = begun_ms + MC_LEASE_HOLD_MS;
}

bool mc_lease_is_had(const struct mc_lease_facts *facts, int64_t now_ms)
{
	return now_ms < facts->until;
}
