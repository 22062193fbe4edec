/* SPDX-License-Identifier: MIT */
#include "backends/openstack/glance/writers.h"

#include "backends/openstack/glance/writer.h"
#include "mcloud/lock.h"

#include <string.h>

struct mc_image_writer *mc_glance_writer_of(struct mc_glance *glance, const char *id)
{
	struct mc_image_writer *writer = glance->writers;

	while (writer && strcmp(writer->id, id) != 0)
		writer = writer->next;
	return writer;
}

bool mc_writer_enlist(struct mc_image_writer *writer)
{
	struct mc_glance *glance = writer->glance;

	MC_HOLD(&glance->lock);
	bool is_first = !mc_glance_writer_of(glance, writer->id);
	if (is_first) {
		writer->next = glance->writers;
		glance->writers = writer;
	}
	return is_first;
}

void mc_writer_delist(struct mc_image_writer *writer)
{
	struct mc_glance *glance = writer->glance;

	MC_LOCKED(&glance->lock) {
		for (struct mc_image_writer **at = &glance->writers; *at; at = &(*at)->next)
			if (*at == writer) {
				*at = writer->next;
				break;
			}
	}
}

int64_t mc_image_writer_size(const struct mc_image_writer *writer)
{
	int64_t end = atomic_load(&writer->end), declared = atomic_load(&writer->declared);

	return end > declared ? end : declared;
}
