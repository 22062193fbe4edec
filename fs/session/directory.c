/* SPDX-License-Identifier: MIT */
#include "fs/request/request.h"
#include "fs/resolve.h"
#include "fs/session/ops.h"
#include "mcloud/lock.h"

#include <stdlib.h>

/* opendir, readdir, readdirplus, releasedir. A read gives a snapshot, taken when reading begins (again): offsets 1
 * and 2 follow "." and "..", then come the fixed rows, then the items of the listing. */

enum { DOTS = 2 };

/* The answer under construction. */
struct page {
	struct mc_request *request;
	char *data;
	size_t size, capacity;
	bool plus;
};

static size_t count_rows(const struct mc_directory_type *type)
{
	size_t count = 0;

	while (type->rows && type->rows[count].name)
		count++;
	return count;
}

/* Adds an entry; false: it doesn't fit any more. An ENTRY that the kernel may keep counts as looked up. */
static bool add_dirent(struct page *page, const char *name, const struct fuse_entry_param *entry, off_t next)
{
	char *to = page->data + page->size;
	size_t room = page->capacity - page->size;
	size_t size = page->plus ? fuse_add_direntry_plus(page->request->req, to, room, name, entry, next)
				 : fuse_add_direntry(page->request->req, to, room, name, &entry->attr, next);

	if (size > room)
		return false;
	page->size += size;
	return true;
}

static bool add_node(struct page *page, const char *name, struct mc_node *node, off_t next)
{
	struct fuse_entry_param entry;

	mc_request_entry(page->request->fs, node, &entry);
	if (!add_dirent(page, name, &entry, next))
		return false;
	if (page->plus)
		mc_node_looked_up(node);
	return true;
}

/* "." and ".." are never looked up: they carry a type only. */
static bool add_dot(struct page *page, size_t index)
{
	MC_CLEANUP(node)
	struct mc_node *node = index ? mc_node_parent(page->request->node) : mc_node_ref(page->request->node);
	struct fuse_entry_param entry = {.attr = {.st_ino = mc_node_ino(node), .st_mode = S_IFDIR}};

	return add_dirent(page, index ? ".." : ".", &entry, (off_t)index + 1);
}

/* Attributes that are known from memory go along; others are asked for when somebody wants them. */
static void refresh_attributes(struct mc_request *request, struct mc_node *node)
{
	const struct mc_row *row = mc_node_row(node);
	struct mc_attributes attributes = {.size = -1};
	struct mc_ask ask = request->ask;
	struct mc_error error = {0};
	int64_t when = mc_now_ms();

	if (!row->attributes || row->terms.lane != MC_LANE_MODEL || row->terms.needs)
		return;
	ask.node = node;
	ask.error = &error;
	if (row->attributes(&ask, &attributes) == 0)
		mc_node_set_attributes(node, &attributes, when);
}

static bool add_row_dirent(struct page *page, const struct mc_row *row, off_t next)
{
	struct mc_request *request = page->request;

	if (row->unlisted || (row->present && !row->present(&request->ask)))
		return true;
	MC_CLEANUP(node) struct mc_node *node = mc_resolve_row_node(request->fs, request->node, row);
	if (!node)
		return false;
	if (page->plus)
		refresh_attributes(request, node);
	return add_node(page, row->name, node, next);
}

static bool add_listing_item(
	struct page *page, const struct mc_listing *listing, const struct mc_listing_item *item, off_t next)
{
	struct mc_request *request = page->request;

	/* Without attributes nothing is to be remembered of it: no node is made for a name. */
	if (!page->plus) {
		struct fuse_entry_param entry = {.attr.st_ino = (ino_t)next};
		entry.attr.st_mode = item->row->kind == MC_KIND_DIRECTORY ? S_IFDIR
				     : item->row->kind == MC_KIND_LINK    ? S_IFLNK
									  : S_IFREG;
		return add_dirent(page, item->file, &entry, next);
	}
	MC_CLEANUP(node) struct mc_node *node = mc_resolve_listed(request->fs, request->node, listing, item);
	return node && add_node(page, item->file, node, next);
}

/* As many entries from OFFSET on as fit. */
static void fill_page(struct page *page, size_t offset, const struct mc_listing *listing)
{
	const struct mc_directory_type *type = mc_node_row(page->request->node)->directory;
	size_t rows = count_rows(type), items = listing ? mc_listing_count(listing) : 0;
	bool fits = true;

	for (; fits && offset < DOTS; offset++)
		fits = add_dot(page, offset);
	for (; fits && offset < DOTS + rows; offset++)
		fits = add_row_dirent(page, &type->rows[offset - DOTS], (off_t)offset + 1);
	for (; fits && offset < DOTS + rows + items; offset++)
		fits = add_listing_item(
			page, listing, mc_listing_item(listing, offset - DOTS - rows), (off_t)offset + 1);
}

static void reply_page(struct mc_request *request)
{
	struct mc_handle *handle = request->handle;
	struct page page = {
		.request = request, .capacity = request->size, .plus = request->operation == MC_OP_READDIRPLUS};

	mc_mutex_lock(&handle->lock);
	struct mc_listing *listing = handle->listing ? mc_listing_ref(handle->listing) : NULL;
	mc_mutex_unlock(&handle->lock);
	page.data = malloc(page.capacity ? page.capacity : 1);
	if (page.data) {
		fill_page(&page, (size_t)request->offset, listing);
		mc_reply_bytes(request, page.data, page.size);
	} else {
		mc_reply_fail(request, -ENOMEM);
	}
	free(page.data);
	mc_listing_unref(listing);
}

static void run_list(struct mc_request *request)
{
	struct mc_handle *handle = request->handle;
	struct mc_listing *listing = NULL;
	int result = mc_resolve_listing(&request->ask, request->node, false, &listing);

	if (result < 0) {
		mc_reply_fail(request, result);
		return;
	}
	mc_mutex_lock(&handle->lock);
	struct mc_listing *old = handle->listing;
	handle->listing = listing;
	mc_mutex_unlock(&handle->lock);
	mc_listing_unref(old);
	reply_page(request);
}

static void read_directory(fuse_req_t req, enum mc_operation operation, fuse_ino_t ino, size_t size, off_t offset,
	struct fuse_file_info *file)
{
	struct mc_request *request = mc_request_new_open(req, operation, ino, file);

	if (!request)
		return;
	const struct mc_directory_type *type = mc_node_row(request->node)->directory;
	request->size = size;
	request->offset = offset;
	bool has_list;
	MC_LOCKED(&request->handle->lock)
		has_list = request->handle->listing;
	if (has_list && offset > 0) {
		reply_page(request);
		return;
	}
	/* What is listed, the kernel needs not look up any more. */
	request->awaits_sight = ino == FUSE_ROOT_ID;
	request->run = type->list ? run_list : reply_page;
	if (type->list)
		request->terms = type->terms;
	mc_request_start(request);
}

void mc_session_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *file)
{
	read_directory(req, MC_OP_READDIR, ino, size, offset, file);
}

void mc_session_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *file)
{
	read_directory(req, MC_OP_READDIRPLUS, ino, size, offset, file);
}

void mc_session_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *file)
{
	struct mc_request *request = mc_request_new(req, MC_OP_OPENDIR, ino);

	if (!request)
		return;
	request->flags = file->flags;
	struct mc_handle *handle = NULL;
	if (mc_node_row(request->node)->directory)
		handle = mc_handle_new(request->fs, request->node, MC_HANDLE_DIRECTORY, file->flags, NULL);
	if (handle)
		mc_reply_open(request, handle, NULL);
	else
		mc_reply_fail(request, mc_node_row(request->node)->directory ? -ENOMEM : -ENOTDIR);
}

void mc_session_releasedir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *file)
{
	struct mc_request *request = mc_request_new_open(req, MC_OP_RELEASEDIR, ino, file);

	if (!request)
		return;
	mc_handle_unref(request->handle); /* the descriptor's; the request has its own */
	mc_reply_ok(request);
}
