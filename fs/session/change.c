/* SPDX-License-Identifier: MIT */
#include "fs/names.h"
#include "fs/request/request.h"
#include "fs/resolve.h"
#include "fs/session/ops.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What changes the names of a directory: mkdir, rmdir, unlink, rename, symlink, mknod, create */

static const struct mc_directory_type *parent_type_of(const struct mc_request *request)
{
	return mc_node_row(request->node)->directory;
}

/* A request about NAME in PARENT, to be run where the directory's changes are. */
static struct mc_request *new_change(fuse_req_t req, enum mc_operation operation, fuse_ino_t parent, const char *name,
	void (*run)(struct mc_request *request))
{
	struct mc_request *request = mc_request_new(req, operation, parent);

	if (!request || !mc_request_name(request, name))
		return NULL;
	const struct mc_directory_type *type = parent_type_of(request);
	if (!type) {
		mc_reply_fail(request, -ENOTDIR);
		return NULL;
	}
	request->run = run;
	request->terms = type->changes.lane != MC_LANE_MODEL ? type->changes : type->terms;
	return request;
}

/* Methods that are not there: EPERM, at once. */
static void start_if(struct mc_request *request, bool possible, const char *what)
{
	if (possible)
		mc_request_start(request);
	else
		mc_reply_fail(request, mc_error_set(&request->error, EPERM, "%s", what));
}

/* The service's name for the new entry NAME. */
static int new_name(struct mc_request *request, const char *name, char said[MC_NAME_MAX + 1])
{
	if (mc_row_find(parent_type_of(request), name))
		return mc_error_set(&request->error, EEXIST, "that name is taken");
	if (mc_names_said(name, said) == 0)
		return 0;
	if (strlen(name) > MC_NAME_MAX)
		return mc_error_set(&request->error, EINVAL, "a name has %d bytes at most, this one has %zu",
			MC_NAME_MAX, strlen(name));
	return mc_error_set(&request->error, EINVAL, "%s",
		mc_names_utf8(name) ? "no name is shown that way: %2F, %2E and %25 are escapes"
				    : "a name must be UTF-8");
}

/* The directory's names have changed. */
static void has_changed(struct mc_request *request)
{
	mc_fs_changed(request->fs);
	mc_node_set_listing(request->node, NULL);
}

/* The entry that was just made. */
static int find_made(struct mc_request *request, struct mc_node **ret_child)
{
	has_changed(request);
	int result = mc_resolve(&request->ask, request->node, request->name, ret_child);
	return result == -ENOENT ? mc_error_set(&request->error, EIO, "it was made, but can't be found") : result;
}

static void reply_made(struct mc_request *request)
{
	MC_CLEANUP(node) struct mc_node *child = NULL;
	int result = find_made(request, &child);

	if (result < 0)
		mc_reply_fail(request, result);
	else
		mc_reply_entry(request, child);
}

/* The kernel takes nothing but a directory for what mkdir(2) has made, and a directory for one that is in one place
 * only: were it given the one that LINK leads to, it would think that this has moved here, and could not find it at its
 * own place as long as another mkdir is under way here (ESTALE, as d_splice_alias() wants the lock). So it gets a
 * stand-in for that one, which nobody finds again: whoever looks at the name next finds LINK. */
static int follow_made(struct mc_request *request, struct mc_node *link, struct mc_node **ret_stand_in)
{
	MC_CLEANUP(node) struct mc_node *pointed = NULL;
	MC_CLEANUP(buffer) struct mc_buffer text = {0};
	struct mc_ask ask = request->ask;

	ask.node = link;
	int result = mc_node_row(link)->show(&ask, &text);
	if (result == 0 && (!text.data || text.failed))
		result = -ENOMEM;
	if (result == 0)
		result = mc_resolve_target(
			&request->ask, request->node, text.data, fuse_req_ctx(request->req)->pid, &pointed);
	if (result == 0 && !pointed)
		result = mc_error_set(&request->error, EIO, "it was made, but its link leads nowhere");
	if (result < 0)
		return result;
	*ret_stand_in = mc_node_stand_in(request->node, request->name, pointed);
	return *ret_stand_in ? 0 : -ENOMEM;
}

static void reply_made_directory(struct mc_request *request)
{
	MC_CLEANUP(node) struct mc_node *child = NULL, *stand_in = NULL;
	int result = find_made(request, &child);

	if (result == 0 && mc_node_row(child)->kind == MC_KIND_LINK)
		result = follow_made(request, child, &stand_in);
	if (result < 0)
		mc_reply_fail(request, result);
	else
		mc_reply_entry(request, stand_in ? stand_in : child);
}

static void run_mkdir(struct mc_request *request)
{
	char said[MC_NAME_MAX + 1];
	int result = new_name(request, request->name, said);

	if (result == 0)
		result = parent_type_of(request)->make(&request->ask, said);
	if (result < 0)
		mc_reply_fail(request, result);
	else
		reply_made_directory(request);
}

void mc_session_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
	struct mc_request *request = new_change(req, MC_OP_MKDIR, parent, name, run_mkdir);

	(void)mode;
	if (request)
		start_if(request, parent_type_of(request)->make, "nothing can be made in this directory");
}

/* The entry that is meant, with its key, in request->child and as what the methods are asked about. */
static int find_child(struct mc_request *request)
{
	int result = 0;

	if (!request->child)
		request->child = mc_nodes_child(request->fs->nodes, request->node, request->name);
	if (!request->child || mc_node_needs_key(request->child)) {
		mc_node_unref(mc_steal(&request->child));
		result = mc_resolve(&request->ask, request->node, request->name, &request->child);
	}
	if (result < 0)
		return result;
	if (mc_node_needs_key(request->child))
		return mc_error_set(&request->error, EBUSY, "it is still being written");
	request->ask.node = request->child;
	return 0;
}

/* The child has gone, or was gone already. */
static void child_gone(struct mc_request *request)
{
	enum mc_key kind = parent_type_of(request)->key;
	const char *key = mc_node_key(request->child, kind);

	mc_node_detach(request->child);
	has_changed(request);
	if (key && mc_node_is_entry(request->child))
		mc_fs_forget_name(request->fs, kind, key);
}

static void finish_removal(struct mc_request *request, int result)
{
	if (result == 0 || result == -ENOENT)
		child_gone(request);
	mc_reply_result(request, result);
}

static void run_rmdir(struct mc_request *request)
{
	int result = find_child(request);

	if (result < 0)
		mc_reply_fail(request, result);
	else if (!mc_node_is_entry(request->child))
		mc_reply_fail(request, mc_error_set(&request->error, EPERM,
					       "this directory belongs to its parent, and can't be removed alone"));
	else
		finish_removal(request, parent_type_of(request)->remove(&request->ask));
}

void mc_session_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct mc_request *request = new_change(req, MC_OP_RMDIR, parent, name, run_rmdir);

	if (request)
		start_if(request, parent_type_of(request)->remove, "nothing can be removed from this directory");
}

static void run_unlink(struct mc_request *request)
{
	int result = find_child(request);

	if (result < 0)
		mc_reply_fail(request, result);
	else if (!mc_node_row(request->child)->remove)
		mc_reply_fail(request, mc_error_set(&request->error, EPERM, "this file can't be removed"));
	else
		finish_removal(request, mc_node_row(request->child)->remove(&request->ask));
}

void mc_session_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct mc_request *request = new_change(req, MC_OP_UNLINK, parent, name, run_unlink);

	if (!request)
		return;
	request->child = mc_nodes_child(request->fs->nodes, request->node, name);
	const struct mc_row *row = request->child ? mc_node_row(request->child) : NULL;
	if (row && row->terms.lane != MC_LANE_MODEL)
		request->terms.lane = row->terms.lane;
	if (row && row->terms.patience > request->terms.patience)
		request->terms.patience = row->terms.patience;
	start_if(request, !row || row->remove, "this file can't be removed");
}

/* The child has gone into another entry of TO. The kernel takes it for that one until the lease of its name ends. */
static void merged(struct mc_request *request, struct mc_node *to)
{
	const char *key = mc_node_key(request->child, parent_type_of(request)->key);

	if (key)
		mc_fs_forget_name(request->fs, parent_type_of(request)->key, key);
	mc_node_detach(request->child);
	has_changed(request);
	mc_node_set_listing(to, NULL);
}

/* Asks the directory, and gives the node its new name. */
static int rename_child(struct mc_request *request, struct mc_node *to)
{
	char said[MC_NAME_MAX + 1];
	const struct mc_directory_type *type = parent_type_of(request);
	int result = find_child(request);

	if (result < 0)
		return result;
	if (!mc_node_is_entry(request->child))
		return mc_error_set(&request->error, EPERM, "this entry is always there, and can't be renamed");
	if (mc_node_row(to)->directory != type) {
		/* mv copies files, which makes sense between images; directories would become something else. */
		bool is_directory = mc_node_row(request->child)->kind == MC_KIND_DIRECTORY;
		return mc_error_set(&request->error, is_directory ? EPERM : EXDEV, "it can't be moved there");
	}
	result = new_name(request, request->text, said);
	const struct mc_process process = mc_process_of(fuse_req_ctx(request->req)->pid);
	request->ask.copies = mc_node_is_copier(request->child, &process);
	if (result == 0)
		result = type->rename(&request->ask, to, said, (unsigned)request->flags);
	if (result < 0)
		return result;
	if (result > 0) {
		merged(request, to);
		return 0;
	}
	result = mc_node_move(request->child, to, request->text, said);
	const char *key = mc_node_key(request->child, type->key);
	has_changed(request);
	mc_node_set_listing(to, NULL);
	if (key)
		mc_fs_forget_name(request->fs, type->key, key);
	return result;
}

static void run_rename(struct mc_request *request)
{
	struct mc_node *to = mc_nodes_by_ino(request->fs->nodes, request->to);
	int result = to ? rename_child(request, to) : -ESTALE;

	mc_node_unref(to);
	mc_reply_result(request, result);
}

void mc_session_rename(
	fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t to, const char *new_name_, unsigned flags)
{
	struct mc_request *request = new_change(req, MC_OP_RENAME, parent, name, run_rename);

	if (!request)
		return;
	request->to = to;
	request->flags = (int)flags;
	request->text = strdup(new_name_);
	if (!request->text)
		mc_reply_fail(request, -ENOMEM);
	else if (flags & ~(unsigned)RENAME_NOREPLACE)
		mc_reply_fail(request, mc_error_set(&request->error, EINVAL, "names can't be exchanged"));
	else
		start_if(request, parent_type_of(request)->rename, "nothing can be renamed in this directory");
}

static void run_symlink(struct mc_request *request)
{
	char said[MC_NAME_MAX + 1];
	MC_CLEANUP(node) struct mc_node *pointed = NULL;
	int result = new_name(request, request->name, said);

	if (result == 0)
		result = mc_resolve_target(
			&request->ask, request->node, request->text, fuse_req_ctx(request->req)->pid, &pointed);
	if (result == 0) {
		request->error = (struct mc_error){0};
		result = parent_type_of(request)->link(&request->ask, said, request->text, pointed);
	}
	if (result < 0)
		mc_reply_fail(request, result);
	else
		reply_made(request);
}

void mc_session_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name)
{
	struct mc_request *request = new_change(req, MC_OP_SYMLINK, parent, name, run_symlink);

	if (!request)
		return;
	request->text = strdup(target);
	if (!request->text)
		mc_reply_fail(request, -ENOMEM);
	else
		start_if(request, parent_type_of(request)->link, "this directory takes no links");
}

void mc_session_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t parent, const char *name)
{
	struct mc_request *request = mc_request_new(req, MC_OP_LINK, parent);

	(void)ino;
	if (request && mc_request_name(request, name))
		mc_reply_fail(request, mc_error_set(&request->error, EPERM, "there are no hard links here"));
}

/* Has the directory make a file: its node, and what the directory opened for it. */
static int create_child(struct mc_request *request, struct mc_node **ret_node, void **ret_state)
{
	char said[MC_NAME_MAX + 1];
	struct mc_fs *fs = request->fs;
	const struct mc_directory_type *type = parent_type_of(request);
	const struct mc_row *row = type->entry;
	int result = new_name(request, request->name, said);

	if (result == 0)
		result = type->create(&request->ask, said, request->mode, ret_state, &row);
	if (result < 0)
		return result;
	has_changed(request);
	/* An image has no id before its bytes come. An entry that is there at once is known by its name. */
	const struct mc_birth birth = {
		.file = request->name, .said = said, .key = row->file ? NULL : said, .row = row, .kind = type->key};
	*ret_node = mc_nodes_enter(fs->nodes, request->node, &birth);
	if (*ret_node)
		return 0;
	if (*ret_state && row->file && row->file->release)
		row->file->release(fs, *ret_state);
	return -ENOMEM;
}

static void run_create(struct mc_request *request)
{
	MC_CLEANUP(node) struct mc_node *node = NULL;
	struct mc_handle *handle = NULL;
	void *state = NULL;
	int result = create_child(request, &node, &state);

	if (result == 0) {
		bool is_file = mc_node_row(node)->file;
		handle = mc_handle_new(
			request->fs, node, is_file ? MC_HANDLE_FILE : MC_HANDLE_CONTENT, request->flags, state);
		if (!handle && state)
			mc_node_row(node)->file->release(request->fs, state);
		if (handle && is_file)
			mc_handle_add_writer(handle, fuse_req_ctx(request->req)->pid);
	}
	if (handle)
		mc_reply_open(request, handle, node);
	else
		mc_reply_fail(request, result < 0 ? result : -ENOMEM);
}

void mc_session_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, struct fuse_file_info *file)
{
	struct mc_request *request = new_change(req, MC_OP_CREATE, parent, name, run_create);

	if (!request)
		return;
	request->mode = mode & 07777;
	request->flags = request->ask.flags = file->flags;
	start_if(request, parent_type_of(request)->create, "no file can be made in this directory");
}

/* A file that nothing is written into: made, flushed and closed. */
static void run_mknod(struct mc_request *request)
{
	MC_CLEANUP(node) struct mc_node *node = NULL;
	void *state = NULL;
	int result = create_child(request, &node, &state);
	const struct mc_file_type *type = result == 0 ? mc_node_row(node)->file : NULL;

	if (type && state) {
		struct mc_ask ask = request->ask;
		ask.node = node;
		if (type->flush)
			result = type->flush(&ask, state);
		if (type->release)
			type->release(request->fs, state);
	}
	if (result < 0)
		mc_reply_fail(request, result);
	else
		mc_reply_entry(request, node);
}

void mc_session_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t device)
{
	struct mc_request *request = new_change(req, MC_OP_MKNOD, parent, name, run_mknod);

	(void)device;
	if (!request)
		return;
	request->mode = mode & 07777;
	start_if(request, S_ISREG(mode) && parent_type_of(request)->create,
		"no such file can be made in this directory");
}
