/* SPDX-License-Identifier: MIT */
#ifndef MCLOUD_LOAN_H
#define MCLOUD_LOAN_H

#include <errno.h>
#include <stddef.h>
#include <sys/uio.h>

/* Bytes that somebody lends where they lie, in two pieces at most, so that nobody has to copy them. Starts as { 0 },
 * which is no bytes. */
struct mc_loan {
	struct iovec parts[2];
	int count; /* of parts */
	void (*give_back)(void *owner);
	void *owner; /* what give_back takes */
};

/* SIZE bytes of their own, to be filled by the caller; NULL: out of memory. */
void *mc_loan_room(struct mc_loan *loan, size_t size);

/* Of all parts together. */
size_t mc_loan_size(const struct mc_loan *loan);

/* The borrower is done with them. */
void mc_loan_return(struct mc_loan *loan);

static inline void mc_cleanup_loan(struct mc_loan *loan)
{
	int saved = errno;
	mc_loan_return(loan);
	errno = saved;
}

#endif
