/* SPDX-License-Identifier: MIT */
#include "mcloud/replica.h"

#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define DOMAINS_MAX 256

struct gtid {
	uint32_t domain;
	uint64_t sequence;
};

static int number(const char **text, uint64_t most, uint64_t *ret_number)
{
	char *end;

	if (!isdigit((unsigned char)**text))
		return -EINVAL;
	errno = 0;
	*ret_number = strtoull(*text, &end, 10);
	if (errno || *ret_number > most)
		return -EINVAL;
	*text = end;
	return 0;
}

/* "1-1-34" at *TEXT. */
static int one(const char **text, struct gtid *gtid)
{
	uint64_t domain, server;

	if (number(text, UINT32_MAX, &domain) < 0 || *(*text)++ != '-' || number(text, UINT32_MAX, &server) < 0 ||
		*(*text)++ != '-' || number(text, UINT64_MAX, &gtid->sequence) < 0)
		return -EINVAL;
	gtid->domain = (uint32_t)domain;
	return 0;
}

/* How many there are, or -EINVAL. */
static int parse(const char *text, struct gtid gtids[DOMAINS_MAX])
{
	int n = 0;

	if (strnlen(text, MC_GTID_MAX) == MC_GTID_MAX)
		return -EINVAL;
	while (*text) {
		if (n == DOMAINS_MAX || one(&text, &gtids[n]) < 0)
			return -EINVAL;
		n++;
		if (*text == ',' && text[1])
			text++;
		else if (*text)
			return -EINVAL;
	}
	return n;
}

static bool has(const struct gtid *gtids, int n, const struct gtid *wanted)
{
	for (int i = 0; i < n; i++)
		if (gtids[i].domain == wanted->domain && gtids[i].sequence >= wanted->sequence)
			return true;
	return false;
}

int mc_gtid_covers(const char *position, const char *other)
{
	struct gtid have[DOMAINS_MAX], want[DOMAINS_MAX];
	int n_have = parse(position, have), n_want = parse(other, want);

	if (n_have < 0 || n_want < 0)
		return -EINVAL;
	for (int i = 0; i < n_want; i++)
		if (!has(have, n_have, &want[i]))
			return 0;
	return 1;
}
