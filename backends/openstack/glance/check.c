/* SPDX-License-Identifier: MIT */
#include "backends/openstack/glance/glance.h"

#include "mcloud/lock.h"
#include "mcloud/util.h"

#include <stdlib.h>
#include <string.h>

/* What is known of an image's content: nothing yet, that it is what its hash says, or that it is not. All readers of an
 * image share it, since what one of them has got, another finds in the kernel's page cache without asking. So, before
 * anything is known, what all of them were given is counted together, and the piece that would make it the whole image
 * waits for the hash of the whole. */

struct span {
	int64_t start, end;
};

struct mc_check {
	struct mc_check *next; /* under the glance's lock, */
	unsigned references;   /* as is this: readers */
	struct mc_glance *glance;
	char *id;
	int64_t size;
	struct mc_hash *hash;

	mc_mutex lock; /* guards what follows; only that of the hash comes after it */
	enum mc_hash_state state;
	struct span *given; /* in order, apart from each other */
	size_t n_given;
	bool lost;          /* there was no memory to count it: it may be all */
	bool asked, copied; /* some of it was Glance's; some was known to be right */
};

static void free_check(struct mc_check *check)
{
	mc_hash_free(check->hash);
	pthread_mutex_destroy(&check->lock);
	free(check->given);
	free(check->id);
	free(check);
}

static struct mc_check *new_check(struct mc_glance *glance, const struct mc_image *image)
{
	struct mc_hash *hash = mc_hash_new(image->hash_algorithm, image->hash, image->size);
	struct mc_check *check = hash ? calloc(1, sizeof *check) : NULL;

	if (!check) {
		mc_hash_free(hash);
		return NULL;
	}
	pthread_mutex_init(&check->lock, NULL);
	check->glance = glance;
	check->size = image->size;
	check->hash = hash;
	check->id = strdup(image->id);
	if (check->id)
		return check;
	free_check(check);
	return NULL;
}

struct mc_check *mc_check_of(struct mc_glance *glance, const struct mc_image *image)
{
	struct mc_check *fresh = new_check(glance, image);

	if (!fresh)
		return NULL;
	mc_mutex_lock(&glance->lock);
	struct mc_check *check = glance->checks;
	while (check && strcmp(check->id, image->id) != 0)
		check = check->next;
	if (!check) {
		check = mc_steal(&fresh);
		check->next = glance->checks;
		glance->checks = check;
	}
	check->references++;
	mc_mutex_unlock(&glance->lock);
	if (fresh)
		free_check(fresh);
	return check;
}

/* What is known outlives the readers, as do pages of which each is right. What isn't needn't: the kernel drops the
 * pages of such an image when it is opened.
 */
void mc_check_unref(struct mc_check *check)
{
	if (!check)
		return;
	struct mc_glance *glance = check->glance;
	bool is_known = mc_check_state(check) != MC_HASH_OPEN || mc_check_is_proven(check);

	mc_mutex_lock(&glance->lock);
	bool goes = --check->references == 0 && !is_known;
	for (struct mc_check **at = &glance->checks; goes && *at; at = &(*at)->next)
		if (*at == check) {
			*at = check->next;
			break;
		}
	mc_mutex_unlock(&glance->lock);
	if (goes)
		free_check(check);
}

void mc_checks_free(struct mc_glance *glance)
{
	while (glance->checks) {
		struct mc_check *check = glance->checks;
		glance->checks = check->next;
		free_check(check);
	}
}

struct mc_hash *mc_check_hash(struct mc_check *check)
{
	return check->hash;
}

enum mc_hash_state mc_check_state(struct mc_check *check)
{
	MC_HOLD(&check->lock);
	if (check->state == MC_HASH_OPEN)
		check->state = mc_hash_state(check->hash);
	enum mc_hash_state state = check->state;
	return state;
}

void mc_check_set(struct mc_check *check, enum mc_hash_state state)
{
	MC_LOCKED(&check->lock)
		check->state = state;
}

/* Under the lock: puts SPAN among the others, and those that it touches into it. False: no memory. */
static bool count_span(struct mc_check *check, struct span span) MC_REQUIRES(check->lock)
{
	size_t first = 0, behind;

	while (first < check->n_given && check->given[first].end < span.start)
		first++;
	for (behind = first; behind < check->n_given && check->given[behind].start <= span.end; behind++) {
		if (check->given[behind].start < span.start)
			span.start = check->given[behind].start;
		if (check->given[behind].end > span.end)
			span.end = check->given[behind].end;
	}
	if (behind == first) {
		struct span *given = realloc(check->given, (check->n_given + 1) * sizeof *given);
		if (!given)
			return false;
		check->given = given;
	}
	memmove(check->given + first + 1, check->given + behind, (check->n_given - behind) * sizeof *check->given);
	check->n_given = check->n_given + 1 - (behind - first);
	check->given[first] = span;
	return true;
}

bool mc_check_give(struct mc_check *check, int64_t offset, size_t size)
{
	MC_HOLD(&check->lock);
	check->asked = true;
	check->lost |= !count_span(check, (struct span){offset, offset + (int64_t)size});
	bool whole = check->lost ||
		     (check->n_given == 1 && check->given[0].start == 0 && check->given[0].end >= check->size);
	return whole;
}

/* They count, too: with the rest, from Glance, they are the whole. */
void mc_check_give_right(struct mc_check *check, int64_t offset, size_t size)
{
	MC_LOCKED(&check->lock) {
		check->copied = true;
		check->lost |= !count_span(check, (struct span){offset, offset + (int64_t)size});
	}
}

/* Before anything was given there may be pages of readers that nobody knows of any more; who opens the image then has
 * the kernel drop them. */
bool mc_check_is_proven(struct mc_check *check)
{
	bool is_good = mc_check_state(check) == MC_HASH_GOOD;

	MC_HOLD(&check->lock);
	bool is_right = check->state == MC_HASH_OPEN && check->copied && !check->asked;
	return is_good || is_right;
}
