/* SPDX-License-Identifier: MIT */
#include "backends/openstack/identity/private.h"

#include <string.h>

unsigned mc_identity_wish_changes(const struct mc_identity_object *object, const struct mc_identity_wish *wish)
{
	unsigned changes = 0;

	for (unsigned i = 0; i < MC_IDENTITY_ATTRIBUTES; i++) {
		const char *is = mc_identity_attribute_text(object, (enum mc_identity_attribute)i);
		if (i != MC_IDENTITY_PASSWORD && wish->values[i] && strcmp(is, wish->values[i]) != 0)
			changes |= 1u << i;
	}
	return changes;
}

/* 0, or -ENOENT: there is none. */
static int find_existing(const struct mc_identity *identity, enum mc_identity_kind kind, const char *domain,
	const char *name, struct mc_identity_book *book, struct mc_identity_object **ret_object)
{
	int known = mc_identity_book_look(book, name, ret_object);

	if (known == -EAGAIN) {
		mc_identity_book_asked(book, identity, kind, domain);
		known = mc_identity_book_look(book, name, ret_object);
	}
	if (known == -EAGAIN)
		return mc_identity_find(identity, kind, domain, name, ret_object);
	return known == 1 ? 0 : -ENOENT;
}

/* 0, or 1 with *RET_OBJECT: one of that name has been made by others meanwhile. */
static int make_new(const struct mc_identity *identity, enum mc_identity_kind kind, const char *domain,
	const struct mc_identity_wish *wish, struct mc_identity_book *book, struct mc_identity_object **ret_object)
{
	MC_CLEANUP(identity_object) struct mc_identity_object *made = NULL;
	int result = mc_identity_make(identity, kind, domain, wish, &made);

	if (made)
		mc_identity_book_put(book, made);
	else
		mc_identity_book_forget(book, wish->name);
	if (result != -EEXIST)
		return result;
	/* Or one whose name is the same but for its case. */
	struct mc_identity again = *identity;
	struct mc_error unused = {0};
	again.error = &unused;
	return mc_identity_find(&again, kind, domain, wish->name, ret_object) == 0 ? 1 : result;
}

static int change_existing(const struct mc_identity *identity, const struct mc_identity_ref *ref,
	const struct mc_identity_wish *wish, unsigned changes, struct mc_identity_book *book)
{
	MC_CLEANUP(identity_object) struct mc_identity_object *changed = NULL;
	int result = mc_identity_change(identity, ref, wish, changes, &changed);

	if (result == 0 && changed)
		mc_identity_book_put(book, changed);
	else
		mc_identity_book_forget(book, wish->name);
	return result;
}

static int ensure(const struct mc_identity *identity, enum mc_identity_kind kind, const char *domain,
	const struct mc_identity_wish *wish, struct mc_identity_book *book, enum mc_identity_outcome *ret_outcome,
	struct mc_identity_object **ret_changed)
{
	MC_CLEANUP(identity_object) struct mc_identity_object *object = NULL;
	int result = 0;

	for (unsigned i = 0; i < MC_IDENTITY_ATTRIBUTES && result == 0; i++)
		if (wish->values[i])
			result = mc_identity_check_value(identity, (enum mc_identity_attribute)i, wish->values[i]);
	if (result == 0)
		result = find_existing(identity, kind, domain, wish->name, book, &object);
	if (result == -ENOENT) {
		*ret_outcome = MC_IDENTITY_CREATED;
		result = make_new(identity, kind, domain, wish, book, &object);
	}
	if (result < 0 || !object)
		return result;
	unsigned changes = mc_identity_wish_changes(object, wish);
	*ret_outcome = changes ? MC_IDENTITY_CHANGED : MC_IDENTITY_UNCHANGED;
	const struct mc_identity_ref ref = {kind, domain, object->id, object->name};
	result = changes ? change_existing(identity, &ref, wish, changes, book) : 0;
	if (result == 0 && changes)
		*ret_changed = mc_steal(&object);
	return result;
}

int mc_identity_ensure(const struct mc_identity *identity, enum mc_identity_kind kind, const char *domain,
	const struct mc_identity_wish *wish, struct mc_identity_book *book, enum mc_identity_outcome *ret_outcome,
	struct mc_identity_object **ret_changed)
{
	int result = ensure(identity, kind, domain, wish, book, ret_outcome, ret_changed);

	if (result < 0 && wish->values[MC_IDENTITY_PASSWORD])
		mc_identity_redact(identity->error, wish->values[MC_IDENTITY_PASSWORD]);
	else if (result == 0 && identity->error)
		*identity->error = (struct mc_error){0}; /* of what wasn't found */
	return result;
}
