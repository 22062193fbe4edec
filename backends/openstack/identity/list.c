/* SPDX-License-Identifier: MIT */
#include "backends/openstack/identity/private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Lists of a kind. Keystone, from release 2025.1 on, gives no more than max_db_limit of them in one answer, and tells
 * only who asks for pages (limit, marker) that there are more. Older ones don't know these words; nor does the driver
 * for LDAP, which cuts its list all the same, so that it is asked for anew without them.
 * https://docs.openstack.org/api-ref/identity/v3/#list-users */

enum { PAGE = 1000, PAGES_MAX = 100000 }; /* PAGE: what max_db_limit is by default */

struct listing {
	const struct mc_identity *identity;
	enum mc_identity_kind kind;
	const char *domain;
	int (*on_item)(void *data, const cJSON *item);
	void *data;

	bool is_paged;                     /* by PAGE; else it is asked for as one */
	bool is_again;                     /* what came is on the first page too: there are no others */
	unsigned pages, count;             /* given so far */
	struct mc_identity_members *first; /* on the first page */
	char *last, *before;               /* the two that were given last */
};

/* By kind: roles are the only ones that are given whole. */
static bool has_pages(const struct listing *listing)
{
	enum mc_identity_driver driver;
	int64_t age_ms;

	if (listing->kind == MC_IDENTITY_ROLE)
		return false;
	return listing->kind == MC_IDENTITY_PROJECT || !listing->domain ||
	       !mc_identity_cache_driver(mc_identity_cache_of(listing->identity), listing->domain, &driver, &age_ms) ||
	       driver == MC_IDENTITY_SQL;
}

static void clear_listing(struct listing *listing)
{
	mc_identity_members_unref(listing->first);
	free(listing->last);
	free(listing->before);
}

/* Notes which came last, and what the first page had. -EEXIST: ID was given already. */
static int note_item(struct listing *listing, const char *id)
{
	if (listing->pages > 0 && mc_identity_members_find(listing->first, id))
		return -EEXIST;
	if (!listing->is_paged)
		return 0;
	free(listing->before);
	listing->before = mc_steal(&listing->last);
	listing->last = strdup(id);
	if (!listing->last)
		return -ENOMEM;
	/* Whoever gives more doesn't know of pages. */
	if (listing->pages > 0 || listing->first->count == PAGE)
		return 0;
	return mc_identity_members_add(listing->first,
		&(const struct mc_identity_member){.id = id, .name = "", .domain = "", .domain_name = ""});
}

static int list_item(void *data, const cJSON *item)
{
	struct listing *listing = data;
	const char *id = mc_identity_text(item, "id"), *name = mc_identity_text(item, "name");

	if (!*id || !*name)
		return -EBADMSG;
	int result = note_item(listing, id);
	if (result == -EEXIST && !listing->is_paged)
		return 0;
	listing->is_again |= result == -EEXIST;
	if (result < 0)
		return result;
	listing->count++;
	return listing->on_item(listing->data, item);
}

/* Those behind MARKER, or, NULL, from the beginning. */
static int ask_page(struct listing *listing, const char *marker, struct mc_identity_page *ret_page)
{
	const char *collection = mc_identity_collection(listing->kind);
	const char *query[7];
	char limit[12];
	size_t n = 0;

	if (listing->domain) {
		query[n++] = "domain_id";
		query[n++] = listing->domain;
	}
	if (listing->is_paged) {
		query[n++] = "limit";
		snprintf(limit, sizeof(limit), "%d", PAGE);
		query[n++] = limit;
	}
	if (marker) {
		query[n++] = "marker";
		query[n++] = marker;
	}
	query[n] = NULL;
	return mc_identity_each_page(listing->identity, (const char *const[]){collection, NULL}, query, collection,
		list_item, listing, ret_page);
}

/* The one that was given last may be gone by now. */
static int ask_next(struct listing *listing, struct mc_identity_page *ret_page)
{
	const struct mc_identity *identity = listing->identity;
	MC_CLEANUP(free_pointer) char *last = strdup(listing->last), *before = NULL;

	if (listing->pages++ == PAGES_MAX)
		return mc_error_set(identity->error, EFBIG, "Keystone's list has no end");
	if (listing->before)
		before = strdup(listing->before);
	/* The deadline is for an answer, not for however many pages there are. */
	mc_call_extend(identity->call, identity->timeout_ms);
	int result = last ? ask_page(listing, last, ret_page) : -ENOMEM;
	if (result == -ENOENT && before)
		result = ask_page(listing, before, ret_page);
	if (result == -ENOENT)
		return mc_error_set(
			identity->error, EAGAIN, "the list was changed while it was read: list it once more");
	return result;
}

/* As one, without what was given already. */
static int ask_whole(struct listing *listing, struct mc_identity_page *ret_page)
{
	listing->is_paged = false;
	if (listing->identity->error)
		*listing->identity->error = (struct mc_error){0};
	mc_call_extend(listing->identity->call, listing->identity->timeout_ms);
	return ask_page(listing, NULL, ret_page);
}

static int ask_all(struct listing *listing, struct mc_identity_page *ret_page)
{
	listing->is_paged = has_pages(listing);
	listing->first = mc_identity_members_new();
	if (!listing->first)
		return mc_error_set(listing->identity->error, ENOMEM, "out of memory");
	int result = ask_page(listing, NULL, ret_page);
	if (result == -EINVAL && listing->is_paged && listing->count == 0) /* some refuse words that they don't know */
		return ask_whole(listing, ret_page);
	mc_identity_members_sort(listing->first);
	while (result == 0 && listing->is_paged && ret_page->has_next && listing->last)
		result = ask_next(listing, ret_page);
	return listing->is_again ? ask_whole(listing, ret_page) : result;
}

bool mc_identity_is_partial(
	const struct mc_identity *identity, enum mc_identity_kind kind, const char *domain, int result)
{
	bool is_refused = result == -EACCES && identity->error && identity->error->http_status == 403;

	if (!identity->partial || (result != 0 && !is_refused))
		return false;
	identity->partial(identity->data, kind, domain, is_refused ? identity->error : NULL);
	if (is_refused)
		*identity->error = (struct mc_error){0};
	return is_refused;
}

void mc_identity_note_cut(
	const struct mc_identity *identity, enum mc_identity_kind kind, const char *place, size_t count)
{
	struct mc_error reason;

	if (!identity->partial)
		return;
	mc_error_set(&reason, EFBIG,
		"Keystone lists %zu of these %s only (its list_limit): others are found by their names", count,
		mc_identity_collection(kind));
	identity->partial(identity->data, kind, place, &reason);
}

int mc_identity_each_object(const struct mc_identity *identity, enum mc_identity_kind kind, const char *domain,
	int (*on_item)(void *data, const cJSON *item), void *data, struct mc_identity_extent *ret_extent)
{
	struct listing listing = {
		.identity = identity, .kind = kind, .domain = domain, .on_item = on_item, .data = data};
	struct mc_identity_page page = {0};
	int result = ask_all(&listing, &page);

	*ret_extent = (struct mc_identity_extent){.count = listing.count, .is_cut = page.is_cut};
	clear_listing(&listing);
	return result;
}

/* What mc_identity_list() makes of a list. */
struct lister {
	const struct mc_identity *identity;
	enum mc_identity_kind kind;
	uint64_t generation;
	int (*on_item)(void *data, const char *id, const char *name);
	void *data;
	struct mc_identity_names names;
};

/* A list tells as much of each object as an answer about it alone. What can't be kept is asked for. */
static void remember(const struct lister *lister, const cJSON *item)
{
	MC_CLEANUP(identity_object) struct mc_identity_object *object = NULL;
	struct mc_error ignored = {0};
	struct mc_identity quiet = *lister->identity;

	quiet.error = &ignored;
	if (mc_identity_object_parse(&quiet, lister->kind, item, &object) == 0)
		mc_identity_cache_put(mc_identity_cache_of(lister->identity), lister->generation, object);
}

/* What is known of itself isn't all of it, so it isn't remembered. */
static int tell_known_item(void *data, const cJSON *item)
{
	const struct lister *lister = data;

	return lister->on_item(lister->data, mc_identity_text(item, "id"), mc_identity_text(item, "name"));
}

static int tell_item(void *data, const cJSON *item)
{
	struct lister *lister = data;

	mc_identity_names_add(&lister->names, mc_identity_text(item, "name"));
	remember(lister, item);
	return tell_known_item(lister, item);
}

int mc_identity_list(const struct mc_identity *identity, enum mc_identity_kind kind, const char *domain,
	int (*on_item)(void *data, const char *id, const char *name), void *data)
{
	struct mc_identity_cache *cache = mc_identity_cache_of(identity);
	struct mc_identity_wholes *wholes = mc_identity_cache_wholes(cache);
	uint64_t made = mc_identity_wholes_begin(wholes);
	int64_t until = mc_now_ms() + mc_identity_cache_ttl_ms(cache);
	struct lister lister = {.identity = identity,
		.kind = kind,
		.generation = mc_identity_cache_generation(cache),
		.on_item = on_item,
		.data = data};
	struct mc_identity_extent extent;
	int result = mc_identity_each_object(identity, kind, domain, tell_item, &lister, &extent);

	if (result == 0 && !extent.is_cut)
		mc_identity_wholes_put(wholes, made, kind, domain, &lister.names, until);
	mc_cleanup_identity_names(&lister.names);
	if (result == 0 && extent.is_cut)
		mc_identity_note_cut(identity, kind, domain, extent.count);
	else if (mc_identity_is_partial(identity, kind, domain, result))
		result = mc_identity_each_known(identity, kind, domain, tell_known_item, &lister);
	return result;
}
