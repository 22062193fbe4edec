/* SPDX-License-Identifier: MIT */
#include "fs/describe.h"

#include <string.h>

static const char *const kinds[] = {
	[MC_KIND_DIRECTORY] = "directory",
	[MC_KIND_VALUE] = "value",
	[MC_KIND_DOCUMENT] = "document",
	[MC_KIND_CONTROL] = "control",
	[MC_KIND_STREAM] = "stream",
	[MC_KIND_DATA] = "data",
	[MC_KIND_LINK] = "link",
};

static void add_directory_rows(const struct mc_directory_type *type, const char *path, struct mc_buffer *out);

/* A row and what is below it. Tables may be shared, but none is below itself. */
static void describe_row(const struct mc_row *row, const char *path, struct mc_buffer *out)
{
	MC_CLEANUP(buffer) struct mc_buffer here = {0};

	mc_buffer_printf(&here, "%s%s%s", path, *path ? "/" : "", row->name);
	if (!here.data || here.failed) {
		out->failed = -ENOMEM;
		return;
	}
	mc_buffer_printf(out, "%s %s %04o%s%s\n", here.data, kinds[row->kind], (unsigned)row->mode,
		row->help ? " " : "", row->help ? row->help : "");
	if (row->directory)
		add_directory_rows(row->directory, here.data, out);
}

static void add_directory_rows(const struct mc_directory_type *type, const char *path, struct mc_buffer *out)
{
	for (const struct mc_row *row = type->rows; row && row->name; row++)
		describe_row(row, path, out);
	if (type->entry)
		describe_row(type->entry, path, out);
}

void mc_describe(const struct mc_directory_type *root, struct mc_buffer *out)
{
	add_directory_rows(root, "", out);
}

void mc_describe_root(const struct mc_directory_type *root, struct mc_buffer *out)
{
	for (const struct mc_row *row = root->rows; row && row->name; row++) {
		bool is_directory = row->kind == MC_KIND_DIRECTORY;
		mc_buffer_printf(out, "  %s%-*s %-9s %04o  %s\n", row->name,
			(int)(strlen(row->name) < 15 ? 15 - strlen(row->name) : 0), is_directory ? "/" : "",
			kinds[row->kind], (unsigned)row->mode, row->help ? row->help : "");
	}
}
