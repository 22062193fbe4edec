/* SPDX-License-Identifier: MIT */
#include "fs/request/request.h"
#include "fs/resolve.h"
#include "fs/session/ops.h"
#include "fs/session/value.h"

#include <stdlib.h>
#include <string.h>

/* getattr, setattr, extended attributes, statfs */

/* What statfs says of all rooms: 1 PiB, and names for whatever can be in it. */
#define BLOCK 4096u
#define ROOM (UINT64_C(1) << 50)
#define NAMES (UINT64_C(1) << 32)

/* What is read through an open descriptor; or, of a text that is at hand, what it is now. */
static void reply_looks(struct mc_request *request)
{
	int64_t size = request->handle ? mc_handle_content_size(request->handle) : -1;

	if (size < 0)
		size = mc_handle_look(&request->ask, request->node);
	mc_reply_attributes_sized(request, request->node, size);
}

static void run_getattr(struct mc_request *request)
{
	struct mc_attributes attributes = {.size = -1};
	int64_t when = mc_now_ms();
	int result = mc_resolve_key(&request->ask, request->node);

	/* A file that is being written isn't known to the service yet. */
	if (result == 0) {
		result = mc_node_row(request->node)->attributes(&request->ask, &attributes);
		if (result == 0)
			mc_node_set_attributes(request->node, &attributes, when);
	} else if (result == -ENOENT && mc_node_needs_key(request->node)) {
		result = 0;
	}
	if (result < 0) {
		mc_reply_fail(request, result);
		return;
	}
	reply_looks(request);
}

void mc_session_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *file)
{
	struct mc_request *request =
		file ? mc_request_new_open(req, MC_OP_GETATTR, ino, file) : mc_request_new(req, MC_OP_GETATTR, ino);

	if (!request)
		return;
	const struct mc_row *row = mc_node_row(request->node);
	bool ask = row->attributes && mc_request_attributes_old(request->fs, request->node);
	/* stat doesn't wait for a region that is starting: the table knows enough. */
	if (ask && (row->terms.needs & MC_NEEDS_REGION))
		ask = mc_region_serving(request->fs->cloud, mc_ask_key(&request->ask, MC_KEY_REGION), NULL) == 0;
	if (!ask) {
		reply_looks(request);
		return;
	}
	request->run = run_getattr;
	request->terms.lane = row->terms.lane;
	mc_request_start(request);
}

/* truncate(2), ftruncate(2) */
static int set_size(struct mc_request *request, int64_t size)
{
	const struct mc_row *row = mc_node_row(request->node);

	if (row->truncate)
		return row->truncate(&request->ask, size);
	if (row->store || row->verbs)
		return mc_value_truncate(request, size);
	/* A file that takes only writes from its beginning on is empty when it is opened. */
	if (row->file && row->file->write && size == 0)
		return 0;
	return mc_error_set(&request->error, EPERM, "its content can't be changed");
}

/* Programs that set again, each time they run, what the files they have copied earlier should have. */
static const char *const repeaters[] = {"rsync"};

/* Whether what is set belongs to a copy: it is set by who has just written the file, or by a program that sees to its
 * copies. Nothing is published by copying it, and nobody's ownership is copied. */
static bool is_copying(struct mc_request *request)
{
	const struct mc_file_type *type = mc_node_row(request->node)->file;

	if (!type || !type->write)
		return false;
	const struct mc_process process = mc_process_of(fuse_req_ctx(request->req)->pid);
	for (size_t i = 0; i < MC_COUNT(repeaters); i++)
		if (!strcmp(process.name, repeaters[i]))
			return true;
	return mc_node_is_copier(request->node, &process);
}

static int change_file_mode(struct mc_request *request, mode_t mode)
{
	const struct mc_row *row = mc_node_row(request->node);
	int result;

	if (!row->set_mode)
		return mc_error_set(&request->error, EPERM, "its mode can't be changed");
	result = mc_resolve_key(&request->ask, request->node);
	/* cp -p sets the mode before close: what the file will be is decided by then, and an image isn't published by
	 * copying it. */
	if (result == -ENOENT && mc_node_needs_key(request->node))
		return 0;
	return result < 0 ? result : row->set_mode(&request->ask, mode & 07777);
}

/* chown to whom it belongs already is what cp -p and rsync do. */
static int set_owner(struct mc_request *request, const struct stat *values, int to_set)
{
	const struct mc_fs_config *config = &request->fs->config;

	if ((!(to_set & FUSE_SET_ATTR_UID) || values->st_uid == config->uid) &&
		(!(to_set & FUSE_SET_ATTR_GID) || values->st_gid == config->gid))
		return 0;
	return mc_error_set(&request->error, EPERM, "it belongs to the user who mounted");
}

/* Times are the service's. Where files are made by copying or by touch, the wish is passed over without a word, since
 * cp -p, rsync and touch would fail on it; elsewhere it is refused. */
static int set_times(struct mc_request *request, bool copies, const struct stat *values, int to_set)
{
	const struct mc_row *row = mc_node_row(request->node);

	if (copies && row->copied && (to_set & FUSE_SET_ATTR_MTIME) && !(to_set & FUSE_SET_ATTR_MTIME_NOW)) {
		/* An attribute that can't be kept is no failure of the copy. */
		if (mc_resolve_key(&request->ask, request->node) == 0)
			(void)row->copied(&request->ask, &values->st_mtim);
		request->error = (struct mc_error){0};
	}
	MC_CLEANUP(node) struct mc_node *parent = mc_node_parent(request->node);
	const struct mc_directory_type *type = mc_node_row(parent)->directory;
	const struct mc_directory_type *own = mc_node_row(request->node)->directory;

	if (mc_node_row(request->node)->file || (own && own->create) ||
		(type->create && mc_node_is_entry(request->node)))
		return 0;
	return mc_error_set(&request->error, EPERM, "its times are those of what it shows");
}

static void run_setattr(struct mc_request *request)
{
	const struct stat *values = request->data;
	int result = 0, to_set = request->flags;

	if (to_set & FUSE_SET_ATTR_SIZE)
		result = set_size(request, values->st_size);
	bool copies = result == 0 && is_copying(request);
	if (result == 0 && !copies && (to_set & FUSE_SET_ATTR_MODE))
		result = change_file_mode(request, values->st_mode);
	if (result == 0 && !copies && (to_set & (FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID)))
		result = set_owner(request, values, to_set);
	/* The kernel sends times along with a truncation by itself. */
	if (result == 0 && (to_set & (FUSE_SET_ATTR_ATIME | FUSE_SET_ATTR_MTIME)) && !(to_set & FUSE_SET_ATTR_SIZE))
		result = set_times(request, copies, values, to_set);
	if (result < 0) {
		mc_reply_fail(request, result);
		return;
	}
	if ((to_set & (FUSE_SET_ATTR_MODE | FUSE_SET_ATTR_MTIME)) && mc_node_row(request->node)->attributes)
		run_getattr(request);
	else
		mc_reply_attributes(request, request->node);
}

void mc_session_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *values, int to_set, struct fuse_file_info *file)
{
	struct mc_request *request =
		file ? mc_request_new_open(req, MC_OP_SETATTR, ino, file) : mc_request_new(req, MC_OP_SETATTR, ino);

	if (!request || !mc_request_data(request, values, sizeof *values))
		return;
	const struct mc_row *row = mc_node_row(request->node);
	bool asks = ((to_set & FUSE_SET_ATTR_MODE) && row->set_mode) ||
		    ((to_set & FUSE_SET_ATTR_SIZE) && (row->truncate || (row->store && !file))) ||
		    ((to_set & FUSE_SET_ATTR_MTIME) && row->copied);
	request->run = run_setattr;
	request->flags = to_set;
	if (asks)
		mc_request_take_terms(request, &row->terms);
	mc_request_start(request);
}

/* As getxattr(2): the size for a SIZE of 0, else the bytes. */
static void reply_sized(struct mc_request *request, const struct mc_buffer *bytes)
{
	if (bytes->failed)
		mc_reply_fail(request, -ENOMEM);
	else if (request->size == 0)
		mc_reply_size(request, bytes->size);
	else if (bytes->size > request->size)
		mc_reply_fail(request, -ERANGE);
	else
		mc_reply_bytes(request, bytes->data, bytes->size);
}

static bool has_method(const struct mc_xattr_type *type, enum mc_operation operation)
{
	if (operation == MC_OP_SETXATTR)
		return type->set != NULL;
	if (operation == MC_OP_REMOVEXATTR)
		return type->remove != NULL;
	return operation == MC_OP_GETXATTR ? type->get != NULL : type->list != NULL;
}

/* A request about an extended attribute NAME (NULL: all), or NULL when it is answered: only those of files that have
 * some go further. The kernel asks for security.capability at each write. */
static struct mc_request *new_xattr(fuse_req_t req, enum mc_operation operation, fuse_ino_t ino, const char *name,
	size_t size, void (*run)(struct mc_request *request))
{
	struct mc_request *request = mc_request_new(req, operation, ino);

	if (!request)
		return NULL;
	request->size = size;
	const struct mc_row *row = mc_node_row(request->node);
	bool changes = operation == MC_OP_SETXATTR || operation == MC_OP_REMOVEXATTR;
	if (!row->xattr || (name && strncmp(name, "user.", 5) != 0)) {
		if (operation == MC_OP_LISTXATTR)
			reply_sized(request, &(struct mc_buffer){0});
		else
			mc_reply_fail(request, changes || !row->xattr ? -ENOTSUP : -ENODATA);
		return NULL;
	}
	if (!has_method(row->xattr, operation)) {
		mc_reply_fail(request, mc_error_set(&request->error, EPERM, "its attributes can't be changed"));
		return NULL;
	}
	if (name && !(request->text = strdup(name))) {
		mc_reply_fail(request, -ENOMEM);
		return NULL;
	}
	request->run = run;
	mc_request_take_terms(request, &row->terms);
	return request;
}

static void run_getxattr(struct mc_request *request)
{
	MC_CLEANUP(buffer) struct mc_buffer value = {0};
	const struct mc_xattr_type *type = mc_node_row(request->node)->xattr;
	int result = mc_resolve_key(&request->ask, request->node);

	if (result == 0)
		result = request->text ? type->get(&request->ask, request->text, &value)
				       : type->list(&request->ask, &value);
	if (result < 0)
		mc_reply_fail(request, result);
	else
		reply_sized(request, &value);
}

void mc_session_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size)
{
	struct mc_request *request = new_xattr(req, MC_OP_GETXATTR, ino, name, size, run_getxattr);

	if (request)
		mc_request_start(request);
}

void mc_session_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size)
{
	struct mc_request *request = new_xattr(req, MC_OP_LISTXATTR, ino, NULL, size, run_getxattr);

	if (request)
		mc_request_start(request);
}

static void run_setxattr(struct mc_request *request)
{
	const struct mc_xattr_type *type = mc_node_row(request->node)->xattr;
	int result = mc_resolve_key(&request->ask, request->node);

	if (result == 0)
		result = request->data
				 ? type->set(&request->ask, request->text, request->data, request->size, request->flags)
				 : type->remove(&request->ask, request->text);
	if (result == 0)
		mc_fs_changed(request->fs);
	mc_reply_result(request, result);
}

void mc_session_setxattr(fuse_req_t req, fuse_ino_t ino, const char *name, const char *value, size_t size, int flags)
{
	struct mc_request *request = new_xattr(req, MC_OP_SETXATTR, ino, name, size, run_setxattr);

	if (!request || !mc_request_data(request, value, size))
		return;
	request->flags = flags;
	mc_request_start(request);
}

void mc_session_removexattr(fuse_req_t req, fuse_ino_t ino, const char *name)
{
	struct mc_request *request = new_xattr(req, MC_OP_REMOVEXATTR, ino, name, 0, run_setxattr);

	if (request)
		mc_request_start(request);
}

void mc_session_statfs(fuse_req_t req, fuse_ino_t ino)
{
	struct mc_request *request = mc_request_new(req, MC_OP_STATFS, ino);

	/* No service tells how much room it has. 0 would hide the mount from df, and keep programs from copying to it
	 * that look before. */
	if (request)
		mc_reply_statfs(request, &(struct statvfs){.f_bsize = BLOCK,
						 .f_frsize = BLOCK,
						 .f_blocks = ROOM / BLOCK,
						 .f_bfree = ROOM / BLOCK,
						 .f_bavail = ROOM / BLOCK,
						 .f_files = NAMES,
						 .f_ffree = NAMES,
						 .f_favail = NAMES,
						 .f_namemax = 255});
}
