/* SPDX-License-Identifier: MIT */
#include "mcloud/replica.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DOMAINS_MAX 256

struct gtid {
	uint32_t domain, server;
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
	gtid->server = (uint32_t)server;
	return 0;
}

/* How many there are, or -EINVAL. */
static int parse_gtids(const char *text, struct gtid gtids[DOMAINS_MAX])
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

/* That of DOMAIN, or NULL. */
static struct gtid *gtid_of_domain(struct gtid *gtids, int n, uint32_t domain)
{
	for (int i = 0; i < n; i++)
		if (gtids[i].domain == domain)
			return &gtids[i];
	return NULL;
}

/* The same number of another server is another transaction. */
static bool has_transaction(const struct gtid *gtids, int n, const struct gtid *wanted)
{
	for (int i = 0; i < n; i++)
		if (gtids[i].domain == wanted->domain &&
			(gtids[i].sequence > wanted->sequence ||
				(gtids[i].sequence == wanted->sequence && gtids[i].server == wanted->server)))
			return true;
	return false;
}

static int print_gtids(const struct gtid *gtids, int n, char to[MC_GTID_MAX])
{
	size_t used = 0;

	to[0] = '\0';
	for (int i = 0; i < n; i++) {
		char text[64];
		int size = snprintf(text, sizeof(text), "%s%u-%u-%llu", i ? "," : "", gtids[i].domain, gtids[i].server,
			(unsigned long long)gtids[i].sequence);

		if (used + (size_t)size >= MC_GTID_MAX)
			return -EINVAL;
		memcpy(to + used, text, (size_t)size + 1);
		used += (size_t)size;
	}
	return 0;
}

int mc_gtid_covers(const char *position, const char *other)
{
	struct gtid have[DOMAINS_MAX], want[DOMAINS_MAX];
	int n_have = parse_gtids(position, have), n_want = parse_gtids(other, want);

	if (n_have < 0 || n_want < 0)
		return -EINVAL;
	for (int i = 0; i < n_want; i++)
		if (!has_transaction(have, n_have, &want[i]))
			return 0;
	return 1;
}

int mc_gtid_merge(const char *position, const char *other, char ret_both[MC_GTID_MAX])
{
	struct gtid both[DOMAINS_MAX], more[DOMAINS_MAX];
	int n = parse_gtids(position, both), n_more = parse_gtids(other, more);

	if (n < 0 || n_more < 0)
		return -EINVAL;
	for (int i = 0; i < n_more; i++) {
		struct gtid *known = gtid_of_domain(both, n, more[i].domain);

		if (!known && n == DOMAINS_MAX)
			return -EINVAL;
		if (!known)
			both[n++] = more[i];
		else if (known->sequence < more[i].sequence)
			*known = more[i];
	}
	return print_gtids(both, n, ret_both);
}

static int cut_position(const char *position, const char *other, bool keeps_unknown, char ret_part[MC_GTID_MAX])
{
	struct gtid all[DOMAINS_MAX], known[DOMAINS_MAX], part[DOMAINS_MAX];
	int n = parse_gtids(position, all), n_known = parse_gtids(other, known), n_part = 0;

	if (n < 0 || n_known < 0)
		return -EINVAL;
	for (int i = 0; i < n; i++) {
		const struct gtid *there = gtid_of_domain(known, n_known, all[i].domain);

		if (there)
			part[n_part++] = has_transaction(known, n_known, &all[i]) ? all[i] : *there;
		else if (keeps_unknown)
			part[n_part++] = all[i];
	}
	return print_gtids(part, n_part, ret_part);
}

int mc_gtid_within(const char *position, const char *other, char ret_part[MC_GTID_MAX])
{
	return cut_position(position, other, false, ret_part);
}

int mc_gtid_cut(const char *position, const char *other, char ret_part[MC_GTID_MAX])
{
	return cut_position(position, other, true, ret_part);
}

int mc_gtid_total(const char *position, uint64_t *ret_total)
{
	struct gtid all[DOMAINS_MAX];
	int n = parse_gtids(position, all);

	*ret_total = 0;
	for (int i = 0; i < n; i++)
		*ret_total += all[i].sequence;
	return n < 0 ? -EINVAL : 0;
}

int mc_gtid_of(const char *position, unsigned domain, char ret_part[MC_GTID_MAX])
{
	struct gtid all[DOMAINS_MAX];
	int n = parse_gtids(position, all);
	const struct gtid *found = n < 0 ? NULL : gtid_of_domain(all, n, domain);

	return n < 0 ? -EINVAL : print_gtids(found, found ? 1 : 0, ret_part);
}
