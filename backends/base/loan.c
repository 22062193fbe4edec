/* SPDX-License-Identifier: MIT */
#include "mcloud/loan.h"

#include <stdlib.h>

void *mc_loan_room(struct mc_loan *loan, size_t size)
{
	void *room = malloc(size ? size : 1);

	if (room)
		*loan = (struct mc_loan){.parts = {{room, size}}, .count = 1, .give_back = free, .owner = room};
	return room;
}

size_t mc_loan_size(const struct mc_loan *loan)
{
	size_t size = 0;

	for (int i = 0; i < loan->count; i++)
		size += loan->parts[i].iov_len;
	return size;
}

void mc_loan_return(struct mc_loan *loan)
{
	if (loan->give_back)
		loan->give_back(loan->owner);
	*loan = (struct mc_loan){0};
}
