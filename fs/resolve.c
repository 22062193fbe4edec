/* SPDX-License-Identifier: MIT */
#include "fs/resolve.h"

#include "fs/handle.h"
#include "fs/names.h"

#include <string.h>

/* NULL: it is no directory. */
static const struct mc_directory_type *directory_type_of(const struct mc_node *node)
{
	return mc_node_row(node)->directory;
}

static struct mc_ask ask_of(const struct mc_ask *ask, struct mc_node *node)
{
	struct mc_ask other = *ask;

	other.node = node;
	return other;
}

const struct mc_row *mc_resolve_row(struct mc_ask *ask, struct mc_node *directory, const char *file)
{
	const struct mc_directory_type *type = directory_type_of(directory);
	const struct mc_row *row = type ? mc_row_find(type, file) : NULL;
	struct mc_ask here = ask_of(ask, directory);

	return row && (!row->present || row->present(&here)) ? row : NULL;
}

struct mc_node *mc_resolve_row_node(struct mc_fs *fs, struct mc_node *directory, const struct mc_row *row)
{
	return mc_nodes_enter(fs->nodes, directory, &(struct mc_birth){.file = row->name, .row = row});
}

struct mc_node *mc_resolve_item_node(
	struct mc_fs *fs, struct mc_node *directory, const struct mc_listing_item *item, int64_t when)
{
	const struct mc_birth birth = {.file = item->file,
		.said = item->said,
		.key = item->key,
		.row = item->row,
		.kind = directory_type_of(directory)->key,
		.attributes = &item->attributes,
		.when = when};

	return mc_nodes_enter(fs->nodes, directory, &birth);
}

bool mc_resolve_is_fresh(const struct mc_fs *fs, int64_t when)
{
	return when > atomic_load(&fs->changed) && mc_now_ms() - when < fs->keep_ms;
}

/* For how many more milliseconds a listing is as good as one of now; 0 or less: it isn't. Of a list it counts from its
 * end: what was made within half a ttl is then no older than a ttl. One that took longer stays good for as long as it
 * took, or the stats of `ls -l` would each ask the service, and asking for it again could show nothing newer. */
static int64_t listing_left(const struct mc_fs *fs, const struct mc_listing *listing)
{
	int64_t made = mc_listing_made(listing), done = mc_listing_done(listing);
	int64_t good = done - made > fs->keep_ms ? done - made : fs->keep_ms;

	return made > atomic_load(&fs->changed) ? good - (mc_now_ms() - done) : 0;
}

struct mc_node *mc_resolve_listed(struct mc_fs *fs, struct mc_node *directory, const struct mc_listing *listing,
	const struct mc_listing_item *item)
{
	struct mc_node *node = mc_resolve_item_node(fs, directory, item, mc_listing_made(listing));
	int64_t left = listing_left(fs, listing);

	/* Name and attributes are as good as the list, or each would be asked for right after this. */
	if (node && left > 0)
		mc_node_confirm(node, &item->attributes, mc_listing_made(listing),
			mc_now_ms() - fs->keep_ms + (left < fs->keep_ms ? left : fs->keep_ms));
	return node;
}

int mc_resolve_listing(struct mc_ask *ask, struct mc_node *directory, bool fresh, struct mc_listing **ret_listing)
{
	struct mc_fs *fs = ask->fs;
	const struct mc_directory_type *type = directory_type_of(directory);
	struct mc_ask here = ask_of(ask, directory);
	struct mc_entries entries = {0};
	bool keep = type->terms.lane != MC_LANE_MODEL;

	struct mc_listing *listing = keep && !fresh ? mc_node_listing(directory) : NULL;
	bool usable = listing && listing_left(fs, listing) > 0;
	if (keep)
		mc_metrics_cache(fs->metrics, MC_CACHE_LISTINGS, usable);
	if (usable) {
		*ret_listing = listing;
		return 0;
	}
	mc_listing_unref(listing);
	int64_t made = mc_now_ms();
	int result = type->list(&here, &entries);
	if (result < 0) {
		mc_entries_clear(&entries);
		return result;
	}
	listing = mc_listing_new(type, &entries, made);
	if (!listing)
		return mc_error_set(ask->error, ENOMEM, "out of memory");
	if (keep)
		mc_node_set_listing(directory, listing);
	*ret_listing = listing;
	return 0;
}

/* The node that the last listing of DIRECTORY has under that name, if it is fresh, or NULL. */
static struct mc_node *node_from_listing(struct mc_fs *fs, struct mc_node *directory, const char *file)
{
	struct mc_listing *listing = mc_node_listing(directory);
	struct mc_node *node = NULL;
	struct mc_looks looks;

	if (listing && listing_left(fs, listing) > 0) {
		const struct mc_listing_item *item = mc_listing_find(listing, file);
		if (item)
			node = mc_resolve_listed(fs, directory, listing, item);
	}
	/* A file that has been written since looks otherwise. */
	if (node) {
		mc_node_looks(node, &looks);
		if (!mc_resolve_is_fresh(fs, looks.confirmed))
			mc_node_unref(mc_steal(&node));
	}
	mc_listing_unref(listing);
	return node;
}

struct mc_node *mc_resolve_known(struct mc_fs *fs, struct mc_node *directory, const char *file)
{
	struct mc_node *known = mc_nodes_child(fs->nodes, directory, file);
	struct mc_looks looks = {0};

	if (directory_type_of(directory)->terms.lane == MC_LANE_MODEL) {
		mc_node_unref(known);
		return NULL;
	}
	if (known)
		mc_node_looks(known, &looks);
	if (!known || !mc_resolve_is_fresh(fs, looks.confirmed)) {
		mc_node_unref(known);
		known = node_from_listing(fs, directory, file);
	}
	mc_metrics_cache(fs->metrics, MC_CACHE_NAMES, known);
	return known;
}

static int by_list(struct mc_ask *ask, struct mc_node *directory, const char *file, struct mc_node **ret_node)
{
	struct mc_listing *listing = NULL;
	int result = mc_resolve_listing(ask, directory, false, &listing);

	if (result < 0)
		return result;
	const struct mc_listing_item *item = mc_listing_find(listing, file);
	if (item) {
		*ret_node = mc_resolve_item_node(ask->fs, directory, item, mc_listing_made(listing));
		result = *ret_node ? 0 : mc_error_set(ask->error, ENOMEM, "out of memory");
	} else {
		result = mc_error_set(ask->error, ENOENT, "there is no \"%.255s\"", file);
	}
	mc_listing_unref(listing);
	return result;
}

/* The directory's own way to find one name. The entry that it finds must be shown as FILE: a service that takes names
 * in any case would give one object two names. */
static int by_find(struct mc_ask *ask, struct mc_node *directory, const char *file, struct mc_node **ret_node)
{
	const struct mc_directory_type *type = directory_type_of(directory);
	struct mc_ask here = ask_of(ask, directory);
	struct mc_entry entry = {.attributes.size = -1};
	char said[MC_NAME_MAX + 1], shown[MC_NAME_MAX + 1];

	if (mc_names_said(file, said) < 0)
		return mc_error_set(ask->error, ENOENT, "there is no \"%.255s\"", file);
	int64_t when = mc_now_ms();
	int result = type->find(&here, said, &entry);
	if (result < 0)
		return result;
	mc_names_file(entry.name ? entry.name : said, entry.key, shown);
	if (strcmp(shown, file) != 0) {
		result = mc_error_set(ask->error, ENOENT, "there is no \"%.255s\"", file);
	} else {
		const struct mc_listing_item item = {.file = shown,
			.said = entry.name ? entry.name : said,
			.key = entry.key ? entry.key : said,
			.row = entry.row ? entry.row : type->entry,
			.attributes = entry.attributes};
		*ret_node = mc_resolve_item_node(ask->fs, directory, &item, when);
		result = *ret_node ? 0 : mc_error_set(ask->error, ENOMEM, "out of memory");
	}
	mc_entry_clear(&entry);
	return result;
}

/* As after readdir, with its time. Failure doesn't matter: the question has its answer. */
static void list_again(struct mc_ask *ask, struct mc_node *directory, int64_t price)
{
	struct mc_listing *listing = NULL;
	struct mc_error error = {0};
	struct mc_ask other = *ask;
	const struct mc_terms *terms = &directory_type_of(directory)->terms;

	other.error = &error;
	mc_call_extend(ask->call, ask->fs->config.timeout_ms * mc_terms_deadlines(terms));
	if (mc_resolve_listing(&other, directory, true, &listing) == 0)
		mc_listing_set_price(listing, price);
	mc_listing_unref(listing);
}

/* by_find(), and what it costs: one who goes through all names of a directory (`ls -l`, whose stats come after its list
 * has grown old) is better served by another list as soon as the single questions have taken as long as the list did.
 * Each list that is made for that reason has to wait twice as long for the next one, in case it doesn't help. */
static int by_find_or_list(struct mc_ask *ask, struct mc_node *directory, const char *file, struct mc_node **ret_node)
{
	struct mc_listing *old = directory_type_of(directory)->list ? mc_node_listing(directory) : NULL;
	int64_t before = mc_now_ms();

	int result = by_find(ask, directory, file, ret_node);
	if (old && mc_listing_find(old, file) && mc_listing_spend(old, mc_now_ms() - before + 1))
		list_again(ask, directory, 2 * mc_listing_price(old) + 1);
	mc_listing_unref(old);
	return result;
}

/* The service has no FILE. The node that was known under that name is gone, unless it is a file that is just being
 * written: *RET_NODE. */
static int not_there(struct mc_fs *fs, struct mc_node *directory, const char *file, struct mc_node **ret_node)
{
	MC_CLEANUP(node) struct mc_node *known = mc_nodes_child(fs->nodes, directory, file);

	if (!known || !mc_node_is_entry(known))
		return -ENOENT;
	if (mc_node_needs_key(known) && mc_handle_is_open(fs, known)) {
		*ret_node = mc_steal(&known);
		return 0;
	}
	mc_node_detach(known);
	return -ENOENT;
}

int mc_resolve(struct mc_ask *ask, struct mc_node *directory, const char *file, struct mc_node **ret_node)
{
	const struct mc_directory_type *type = directory_type_of(directory);
	int result = -ENOENT;

	if (!type)
		return mc_error_set(
			ask->error, ENOTDIR, "there is no \"%.255s\" in a file, which is no directory", file);
	const struct mc_row *row = mc_resolve_row(ask, directory, file);
	if (row) {
		*ret_node = mc_resolve_row_node(ask->fs, directory, row);
		return *ret_node ? 0 : mc_error_set(ask->error, ENOMEM, "out of memory");
	}
	if (strlen(file) > MC_NAME_MAX || (!type->list && !type->find) || mc_row_find(type, file))
		return mc_error_set(ask->error, ENOENT, "there is no \"%.255s\"", file);
	if (type->find)
		result = by_find_or_list(ask, directory, file, ret_node);
	if (type->list && (!type->find || (result == -ENOENT && mc_names_marked(file))))
		result = by_list(ask, directory, file, ret_node);
	return result == -ENOENT ? not_there(ask->fs, directory, file, ret_node) : result;
}

int mc_resolve_key(struct mc_ask *ask, struct mc_node *node)
{
	MC_CLEANUP(node) struct mc_node *parent = mc_node_parent(node), *found = NULL;
	MC_CLEANUP(buffer) struct mc_buffer path = {0};

	if (!mc_node_needs_key(node))
		return 0;
	mc_node_path(node, NULL, &path);
	if (!path.data)
		return mc_error_set(ask->error, ENOMEM, "out of memory");
	const char *slash = strrchr(path.data, '/');
	int result = mc_resolve(ask, parent, slash ? slash + 1 : path.data, &found);
	if (result < 0)
		return result;
	return found == node && !mc_node_needs_key(node) ? 0 : mc_error_set(ask->error, ENOENT, "it has been replaced");
}
