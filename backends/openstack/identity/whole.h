/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_OPENSTACK_IDENTITY_WHOLE_H
#define BACKENDS_OPENSTACK_IDENTITY_WHOLE_H

#include "mcloud/identity_objects.h"

#include <pthread.h>
#include <stdint.h>

/* Which names there can be, as lists that were whole have told in the last moments: of what isn't among them nobody
 * need be asked. They are kept as hashes, so that a name may seem to be there that isn't, but never the other way. A
 * fixed number of lists, each of bounded length. Safe in any thread; nothing in here waits. */
enum { MC_WHOLE_LISTS = 8 };

/* The names of one list, as they come. */
struct mc_identity_names {
	uint64_t *hashes;
	size_t count, capacity;
	bool failed; /* they are too many, or there is no memory: it is of no use */
};
void mc_identity_names_add(struct mc_identity_names *names, const char *name);
void mc_cleanup_identity_names(struct mc_identity_names *names);

struct mc_whole_list {
	struct mc_identity_names names; /* sorted */
	enum mc_identity_kind kind;
	char *domain; /* NULL: the place is free */
	int64_t until;
};

struct mc_identity_wholes {
	pthread_mutex_t lock; /* guards the rest; nothing is taken under it */
	uint64_t made;        /* grows with each name that was made here */
	struct mc_whole_list lists[MC_WHOLE_LISTS];
};

void mc_identity_wholes_init(struct mc_identity_wholes *wholes);
void mc_identity_wholes_free(struct mc_identity_wholes *wholes);

/* Before a list is asked for; what it gives belongs to mc_identity_wholes_put(). */
uint64_t mc_identity_wholes_begin(struct mc_identity_wholes *wholes);

/* The list has come, and has all there are in DOMAIN ("": anywhere): good until UNTIL (by mc_now_ms()), unless one was
 * made here since MADE. NAMES is taken over. */
void mc_identity_wholes_put(struct mc_identity_wholes *wholes, uint64_t made, enum mc_identity_kind kind,
	const char *domain, struct mc_identity_names *names, int64_t until);

/* One of that name is about to be made here, or has been: to be said before and after. */
void mc_identity_wholes_made(
	struct mc_identity_wholes *wholes, enum mc_identity_kind kind, const char *domain, const char *name);

/* Whether it is known that there is none of that name. */
bool mc_identity_wholes_lack(
	struct mc_identity_wholes *wholes, enum mc_identity_kind kind, const char *domain, const char *name);

void mc_identity_wholes_clear(struct mc_identity_wholes *wholes);

#endif
