/* SPDX-License-Identifier: MIT */
#include "fs/request/request.h"
#include "fs/resolve.h"
#include "fs/session/ops.h"

#include <string.h>

/* lookup, forget, readlink */

static void run_lookup(struct mc_request *request)
{
	MC_CLEANUP(node) struct mc_node *child = NULL;
	int result = mc_resolve(&request->ask, request->node, request->name, &child);

	if (result < 0)
		mc_reply_fail(request, result);
	else
		mc_reply_entry(request, child);
}

/* Answers without asking a service, as there can be no more than fixed rows: ROW, or nothing at all. */
static bool answers_itself(struct mc_request *request, const struct mc_row *row)
{
	const struct mc_directory_type *type = mc_node_row(request->node)->directory;

	return row || !type || (!type->list && !type->find);
}

void mc_session_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct mc_request *request = mc_request_new(req, MC_OP_LOOKUP, parent);

	if (!request || !mc_request_name(request, name))
		return;
	const struct mc_directory_type *type = mc_node_row(request->node)->directory;
	const struct mc_row *row = type ? mc_row_find(type, request->name) : NULL;
	request->run = run_lookup;
	request->awaits_sight = parent == FUSE_ROOT_ID && row && !row->is_early;
	if (!answers_itself(request, row)) {
		MC_CLEANUP(node) struct mc_node *known = mc_resolve_known(request->fs, request->node, name);
		if (known) {
			mc_reply_entry(request, known);
			return;
		}
		mc_request_take_terms(request, &mc_node_row(request->node)->directory->terms);
	}
	mc_request_start(request);
}

void mc_session_forget(fuse_req_t req, fuse_ino_t ino, uint64_t count)
{
	struct mc_fs *fs = fuse_req_userdata(req);

	mc_nodes_forget(fs->nodes, ino, count);
	fuse_reply_none(req);
}

void mc_session_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets)
{
	struct mc_fs *fs = fuse_req_userdata(req);

	for (size_t i = 0; i < count; i++)
		mc_nodes_forget(fs->nodes, forgets[i].ino, forgets[i].nlookup);
	fuse_reply_none(req);
}

static void run_readlink(struct mc_request *request)
{
	MC_CLEANUP(buffer) struct mc_buffer text = {0};
	int result = mc_node_row(request->node)->show(&request->ask, &text);

	if (result == 0 && (text.failed || !text.data))
		result = -ENOMEM;
	if (result < 0)
		mc_reply_fail(request, result);
	else
		mc_reply_text(request, text.data);
}

void mc_session_readlink(fuse_req_t req, fuse_ino_t ino)
{
	struct mc_request *request = mc_request_new(req, MC_OP_READLINK, ino);

	if (!request)
		return;
	const struct mc_row *row = mc_node_row(request->node);
	if (row->kind != MC_KIND_LINK || !row->show) {
		mc_reply_fail(request, -EINVAL);
		return;
	}
	request->run = run_readlink;
	mc_request_take_terms(request, &row->terms);
	mc_request_start(request);
}
