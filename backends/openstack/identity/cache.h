/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_OPENSTACK_IDENTITY_CACHE_H
#define BACKENDS_OPENSTACK_IDENTITY_CACHE_H

#include "backends/openstack/identity/claims.h"
#include "backends/openstack/identity/whole.h"
#include "mcloud/application_credentials.h"
#include "mcloud/identity_objects.h"

#include <stdint.h>

/* What was learned of one Keystone in the last moments. A fixed number of places, so its memory is bounded; what falls
 * into a taken place replaces what was there. Safe in any thread; nothing in here waits.
 *
 * An answer that was asked for before a change and comes after it must not be kept: who asks takes the generation
 * first, and what comes with an old one is dropped. */
struct mc_identity_cache;

struct mc_identity_cache *mc_identity_cache_new(int ttl_ms);
void mc_identity_cache_free(struct mc_identity_cache *cache);

struct mc_identity_claims *mc_identity_cache_claims(struct mc_identity_cache *cache);
struct mc_identity_wholes *mc_identity_cache_wholes(struct mc_identity_cache *cache);

uint64_t mc_identity_cache_generation(struct mc_identity_cache *cache);

/* A reference to what is known and not too old, or NULL. */
struct mc_identity_object *mc_identity_cache_by_id(
	struct mc_identity_cache *cache, enum mc_identity_kind kind, const char *id);
struct mc_identity_object *mc_identity_cache_by_name(
	struct mc_identity_cache *cache, enum mc_identity_kind kind, const char *domain, const char *name);
void mc_identity_cache_put(struct mc_identity_cache *cache, uint64_t generation, struct mc_identity_object *object);

/* Lists of members by any string that names the list. */
struct mc_identity_members *mc_identity_cache_members(struct mc_identity_cache *cache, const char *list);
void mc_identity_cache_put_members(
	struct mc_identity_cache *cache, uint64_t generation, const char *list, struct mc_identity_members *members);
/* The list now has MEMBER, or (NULL) has nobody of that id. Begins a new generation. */
void mc_identity_cache_change_members(
	struct mc_identity_cache *cache, const char *list, const struct mc_identity_member *member, const char *id);

void mc_identity_cache_forget_members(struct mc_identity_cache *cache, const char *list);

/* Whether the list has somebody of that id, known from the list itself or from a question for that one alone.
 * false: not known. */
bool mc_identity_cache_has_member(struct mc_identity_cache *cache, const char *list, const char *id, bool *ret_has);
void mc_identity_cache_put_member(
	struct mc_identity_cache *cache, uint64_t generation, const char *list, const char *id);

/* Application credentials, by id: a reference, or NULL. */
struct mc_application_credential *mc_identity_cache_credential(struct mc_identity_cache *cache, const char *id);
void mc_identity_cache_put_credential(
	struct mc_identity_cache *cache, uint64_t generation, struct mc_application_credential *credential);

/* Drivers: *RET_AGE_MS since it was asked. false: not known. */
bool mc_identity_cache_driver(
	struct mc_identity_cache *cache, const char *domain, enum mc_identity_driver *ret_driver, int64_t *ret_age_ms);
void mc_identity_cache_put_driver(struct mc_identity_cache *cache, const char *domain, enum mc_identity_driver driver);

/* The object has changed or has gone: it is forgotten, and with it all lists and application credentials, which
 * may have shown it; of a domain everything. Begins a new generation. */
void mc_identity_cache_forget(struct mc_identity_cache *cache, enum mc_identity_kind kind, const char *id);

/* The same after a change that was sent in GENERATION and answered with what OBJECT is now: kept, unless something else
 * has been changed meanwhile. */
void mc_identity_cache_replace(struct mc_identity_cache *cache, uint64_t generation, struct mc_identity_object *object);

/* Everything is forgotten. Begins a new generation. */
void mc_identity_cache_clear(struct mc_identity_cache *cache);

int mc_identity_cache_ttl_ms(const struct mc_identity_cache *cache);

#endif
