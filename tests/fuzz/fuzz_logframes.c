/* SPDX-License-Identifier: MIT */
#include "backends/engine/docker/private.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A container's log as the engine frames it. The first byte says in what pieces it comes and whether there is a
 * terminal; all of it at once must give the same lines. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mc_buffer out = {0}, whole_out = {0};

	if (size == 0)
		return 0;
	struct mc_docker_lines lines = {.tty = data[0] & 1, .out = &out};
	struct mc_docker_lines whole = {.tty = data[0] & 1, .out = &whole_out};
	size_t piece = (size_t)(data[0] >> 1) + 1;
	int r = 0, s = mc_docker_lines_feed(&whole, data + 1, size - 1);
	for (size_t at = 1; at < size && r == 0; at += piece)
		r = mc_docker_lines_feed(&lines, data + at, piece < size - at ? piece : size - at);
	assert(r == s);
	if (r == 0 && mc_docker_lines_end(&lines) == 0 && mc_docker_lines_end(&whole) == 0) {
		/* A long line is broken where it is seen to be long, which the pieces decide. */
		assert(size > MC_DOCKER_LINE_LIMIT || out.size == whole_out.size);
		assert(out.size == 0 || out.data[out.size - 1] == '\n');
	}
	mc_docker_lines_free(&lines);
	mc_docker_lines_free(&whole);
	mc_buffer_free(&out);
	mc_buffer_free(&whole_out);
	return 0;
}
