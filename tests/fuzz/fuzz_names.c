/* SPDX-License-Identifier: MIT */
#include "fs/names.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* What a service calls something, and back: one name has one file name, which is one component; a file name that is
 * taken is that of its name. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *name = malloc(size + 1), file[MC_NAME_MAX + 1], again[MC_NAME_MAX + 1], said[MC_NAME_MAX + 1];

	check(name != NULL);
	memcpy(name, data, size);
	name[size] = '\0';
	mc_names_file(name, "0123456789", file);
	check(*file && strlen(file) <= MC_NAME_MAX && !strchr(file, '/'));
	check(strcmp(file, ".") != 0 && strcmp(file, "..") != 0);
	check(!mc_names_utf8(name) || mc_names_utf8(file));
	if (mc_names_utf8(name) && *name && !mc_names_marked(file))
		check(mc_names_said(file, said) == 0 && !strcmp(said, name));
	mc_names_file_marked(name, "0123456789", file);
	check(mc_names_marked(file) && strlen(file) <= MC_NAME_MAX && !strchr(file, '/'));
	if (mc_names_said(name, said) == 0) {
		mc_names_file(said, "k", again);
		check(!strcmp(again, name));
	}
	free(name);
	return 0;
}
