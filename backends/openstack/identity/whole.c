/* SPDX-License-Identifier: MIT */
#include "backends/openstack/identity/whole.h"

#include "mcloud/lock.h"
#include "mcloud/util.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_NAMES = 1 << 16 };

static int compare_hashes(const void *left, const void *right)
{
	uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

	return (a > b) - (a < b);
}

void mc_identity_names_add(struct mc_identity_names *names, const char *name)
{
	if (names->count == MOST_NAMES)
		names->failed = true;
	if (names->failed)
		return;
	if (names->count == names->capacity) {
		size_t capacity = names->capacity ? names->capacity * 2 : 16;
		uint64_t *hashes = reallocarray(names->hashes, capacity, sizeof(*hashes));
		names->failed = !hashes;
		if (!hashes)
			return;
		names->hashes = hashes;
		names->capacity = capacity;
	}
	names->hashes[names->count++] = mc_hash_text(name);
}

void mc_cleanup_identity_names(struct mc_identity_names *names)
{
	free(names->hashes);
	*names = (struct mc_identity_names){0};
}

void mc_identity_wholes_init(struct mc_identity_wholes *wholes)
{
	*wholes = (struct mc_identity_wholes){0};
	pthread_mutex_init(&wholes->lock, NULL);
}

static void clear_list(struct mc_whole_list *list)
{
	mc_cleanup_identity_names(&list->names);
	free(list->domain);
	*list = (struct mc_whole_list){0};
}

void mc_identity_wholes_clear(struct mc_identity_wholes *wholes)
{
	MC_LOCKED(&wholes->lock) {
		wholes->made++; /* what is being read may be of before this */
		for (size_t i = 0; i < MC_WHOLE_LISTS; i++)
			clear_list(&wholes->lists[i]);
	}
}

void mc_identity_wholes_free(struct mc_identity_wholes *wholes)
{
	mc_identity_wholes_clear(wholes);
	pthread_mutex_destroy(&wholes->lock);
}

uint64_t mc_identity_wholes_begin(struct mc_identity_wholes *wholes)
{
	uint64_t made = 0;

	MC_LOCKED(&wholes->lock)
		made = wholes->made;
	return made;
}

/* With the lock: that list, or NULL. */
static struct mc_whole_list *find_list(
	struct mc_identity_wholes *wholes, enum mc_identity_kind kind, const char *domain)
{
	for (size_t i = 0; i < MC_WHOLE_LISTS; i++) {
		struct mc_whole_list *list = &wholes->lists[i];
		if (list->domain && list->kind == kind && !strcmp(list->domain, domain))
			return list;
	}
	return NULL;
}

/* With the lock: the place of a new one: its own, a free one, or that which is the oldest. */
static struct mc_whole_list *place_for(
	struct mc_identity_wholes *wholes, enum mc_identity_kind kind, const char *domain)
{
	struct mc_whole_list *own = find_list(wholes, kind, domain), *oldest = &wholes->lists[0];

	for (size_t i = 1; i < MC_WHOLE_LISTS; i++)
		if (wholes->lists[i].until < oldest->until) /* of a free one it is 0 */
			oldest = &wholes->lists[i];
	return own ? own : oldest;
}

void mc_identity_wholes_put(struct mc_identity_wholes *wholes, uint64_t made, enum mc_identity_kind kind,
	const char *domain, struct mc_identity_names *names, int64_t until)
{
	MC_CLEANUP(free_pointer) char *copy = strdup(domain ? domain : "");
	MC_CLEANUP(identity_names) struct mc_identity_names own = *names;

	*names = (struct mc_identity_names){0};
	if (!copy || own.failed || mc_now_ms() >= until)
		return;
	if (own.count)
		qsort(own.hashes, own.count, sizeof(*own.hashes), compare_hashes);
	MC_LOCKED(&wholes->lock) {
		if (made == wholes->made) {
			struct mc_whole_list *place = place_for(wholes, kind, copy);
			clear_list(place);
			*place = (struct mc_whole_list){own, kind, mc_steal(&copy), until};
			own = (struct mc_identity_names){0};
		}
	}
}

void mc_identity_wholes_made(
	struct mc_identity_wholes *wholes, enum mc_identity_kind kind, const char *domain, const char *name)
{
	MC_LOCKED(&wholes->lock) {
		struct mc_whole_list *list = find_list(wholes, kind, domain ? domain : "");
		wholes->made++;
		if (list) {
			struct mc_identity_names *names = &list->names;
			mc_identity_names_add(names, name);
			if (names->failed)
				clear_list(list);
			else /* all but the last are in order already */
				for (size_t i = names->count - 1; i > 0 && names->hashes[i - 1] > names->hashes[i];
					i--) {
					uint64_t last = names->hashes[i];
					names->hashes[i] = names->hashes[i - 1];
					names->hashes[i - 1] = last;
				}
		}
	}
}

bool mc_identity_wholes_lack(
	struct mc_identity_wholes *wholes, enum mc_identity_kind kind, const char *domain, const char *name)
{
	uint64_t hash = mc_hash_text(name);
	bool lacks = false;

	MC_LOCKED(&wholes->lock) {
		const struct mc_whole_list *list = find_list(wholes, kind, domain ? domain : "");
		lacks = list && mc_now_ms() < list->until &&
			(list->names.count == 0 ||
				!bsearch(&hash, list->names.hashes, list->names.count, sizeof(hash), compare_hashes));
	}
	return lacks;
}
