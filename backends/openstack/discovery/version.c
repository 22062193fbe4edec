/* SPDX-License-Identifier: MIT */
#include "backends/openstack/discovery/version.h"

#include "backends/openstack/discovery/url.h"
#include "backends/openstack/service.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Takes a number of at most six digits off *AT. */
static bool take_number(const char **at, unsigned *ret_number)
{
	size_t digits = strspn(*at, "0123456789");

	if (digits == 0 || digits > 6)
		return false;
	*ret_number = (unsigned)strtoul(*at, NULL, 10);
	*at += digits;
	return true;
}

bool mc_version_parse(const char *text, unsigned *ret_major, unsigned *ret_minor)
{
	unsigned rest;

	text += strspn(text, "v");
	*ret_minor = 0;
	if (!take_number(&text, ret_major))
		return false;
	if (*text == '.' && (text++, !take_number(&text, ret_minor)))
		return false;
	while (*text == '.')
		if (text++, !take_number(&text, &rest))
			return false;
	return !*text;
}

/* Ends TEXT before the slashes at its end. */
static void strip_slashes(char *text)
{
	size_t length = strlen(text);

	while (length > 0 && text[length - 1] == '/')
		text[--length] = '\0';
}

/* What is behind the last slash of PATH. */
static char *last_segment(char *path)
{
	char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* Takes the last segment off PATH: "/image/v2" gives "v2", and is "/image". */
static char *pop_segment(char *path)
{
	char *last = last_segment(path);

	if (last > path)
		last[-1] = '\0';
	return last;
}

/* Whether what is before the last segment of PATH is a version, as in "/v2/PROJECT". */
static bool is_below_version(const char *path)
{
	MC_CLEANUP(free_pointer) char *copy = strdup(path);
	unsigned major, minor;

	if (!copy || !strchr(copy, '/'))
		return false;
	pop_segment(copy);
	return mc_version_parse(last_segment(copy), &major, &minor);
}

/* "/a/b" and "v2" to "/a/b/v2"; NULL: out of memory. */
static char *join_path(const char *path, const char *segment, bool has_slash)
{
	char *joined = NULL;

	return asprintf(&joined, "%s/%s%s", path, segment, has_slash ? "/" : "") < 0 ? NULL : joined;
}

int mc_version_bad_url(const char *what, const char *url, struct mc_error *error)
{
	if (strchr(url, '@'))
		return mc_error_set(error, EINVAL, "%s has a user in it: leave him out of it in clouds.yaml", what);
	return mc_error_set(
		error, EINVAL, "%s %.200s is no URL of http or https: correct it in clouds.yaml", what, url);
}

int mc_version_choose(const char *url, const char *project_id, unsigned major, struct mc_version_choices *ret_choices,
	struct mc_error *error)
{
	MC_CLEANUP(curlu) CURLU *parsed = mc_url_parse(NULL, url);
	unsigned found, minor;

	*ret_choices = (struct mc_version_choices){0};
	MC_CLEANUP(free_pointer) char *path = parsed ? mc_url_path(parsed) : NULL;
	MC_CLEANUP(free_pointer) char *whole = parsed ? mc_url_text(parsed) : NULL;
	if (!path || !whole)
		return mc_version_bad_url("the endpoint", url, error);
	strip_slashes(path);
	if (project_id ? !strcmp(last_segment(path), project_id) : is_below_version(path))
		ret_choices->saved = strdup(pop_segment(path));
	bool versioned = mc_version_parse(last_segment(path), &found, &minor);
	if (versioned && found == major) {
		ret_choices->found = mc_steal(&whole);
		return 0;
	}
	if (versioned)
		pop_segment(path);
	MC_CLEANUP(free_pointer) char *base = NULL;
	if (versioned || ret_choices->saved) {
		base = join_path(path, "", false);
		ret_choices->ask[0] = base ? mc_url_with_path(parsed, base) : NULL;
		ret_choices->ask[1] = mc_steal(&whole);
	} else {
		ret_choices->ask[0] = mc_steal(&whole);
	}
	return ret_choices->ask[0] ? 0 : mc_error_set(error, ENOMEM, "out of memory");
}

void mc_version_choices_clear(struct mc_version_choices *choices)
{
	free(choices->found);
	free(choices->ask[0]);
	free(choices->ask[1]);
	free(choices->saved);
	*choices = (struct mc_version_choices){0};
}

char *mc_version_append(const char *url, unsigned major, bool *ret_was)
{
	MC_CLEANUP(curlu) CURLU *parsed = mc_url_parse(NULL, url);
	MC_CLEANUP(free_pointer) char *path = parsed ? mc_url_path(parsed) : NULL;
	char segment[16];

	if (!path)
		return NULL;
	strip_slashes(path);
	snprintf(segment, sizeof(segment), "v%u", major);
	bool was = !strcmp(last_segment(path), segment);
	if (ret_was)
		*ret_was = was;
	if (was)
		return mc_url_with_path(parsed, path);
	MC_CLEANUP(free_pointer) char *versioned = join_path(path, segment, false);
	return versioned ? mc_url_with_path(parsed, versioned) : NULL;
}

char *mc_version_redirect(const char *from, const char *location)
{
	MC_CLEANUP(curlu) CURLU *here = mc_url_parse(NULL, from);
	MC_CLEANUP(curlu) CURLU *there = here ? mc_url_parse(here, location) : NULL;

	return there && mc_url_same_place(here, there, true) ? mc_url_text(there) : NULL;
}

/* The list of versions that a document has, of one or several; NULL: it is no version document. */
static const cJSON *find_versions(const cJSON *document, bool *ret_single)
{
	const cJSON *versions = cJSON_GetObjectItemCaseSensitive(document, "versions");
	const cJSON *values = cJSON_GetObjectItemCaseSensitive(versions, "values");
	const cJSON *version = cJSON_GetObjectItemCaseSensitive(document, "version");

	*ret_single = false;
	if (cJSON_IsArray(values))
		return values;
	if (versions)
		return cJSON_IsArray(versions) ? versions : NULL;
	*ret_single = true;
	if (version)
		return cJSON_IsObject(version) ? version : NULL;
	return cJSON_GetObjectItemCaseSensitive(document, "id") ? document : NULL;
}

static const char *json_text(const cJSON *object, const char *name)
{
	return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));
}

/* Whether it is for everybody, like "CURRENT"; BARE: a document that is the version itself needs no status. */
static bool is_usable(const cJSON *version, bool bare)
{
	static const char *const usable[] = {"stable", "current", "supported", "deprecated"};
	const char *status = json_text(version, "status");

	for (size_t i = 0; status && !bare && i < MC_COUNT(usable); i++)
		if (!strcasecmp(status, usable[i]))
			return true;
	return bare;
}

/* Its link to itself: the last, if there are several. */
static const char *self_link(const cJSON *version)
{
	const cJSON *links = cJSON_GetObjectItemCaseSensitive(version, "links"), *link;
	const char *found = NULL;

	cJSON_ArrayForEach(link, links)
	{
		const char *rel = json_text(link, "rel"), *href = json_text(link, "href");
		if (rel && href && !strcasecmp(rel, "self"))
			found = href;
	}
	return found;
}

/* The best there is of what is looked for. */
struct search {
	unsigned major;
	const char *link; /* NULL: none was found */
	unsigned minor;
	char others[100]; /* versions that it has, "v1.0, v2.0" */
};

static void look_at_version(struct search *search, const cJSON *version, bool bare)
{
	const char *id = json_text(version, "id"), *link = self_link(version);
	unsigned major, minor;
	size_t used = strlen(search->others);

	if (!id || !is_usable(version, bare) || !mc_version_parse(id, &major, &minor))
		return;
	if (major != search->major) {
		char text[32];
		snprintf(text, sizeof(text), "%sv%u.%u", used ? ", " : "", major, minor);
		if (used + strlen(text) < sizeof(search->others))
			strncat(search->others, text, sizeof(search->others) - used - 1);
	} else if (link && (!search->link || minor > search->minor)) {
		search->link = link;
		search->minor = minor;
	}
}

/* The path of a link LINK (whose text is HREF) in a document from ASKED. Links of another host are what a proxy in
 * front of the service doesn't know of: only the version at their end says something. NULL: out of memory. */
static char *believed_path(CURLU *asked, CURLU *link, const char *href)
{
	if (mc_url_same_place(asked, link, false))
		return mc_url_path(link);
	bool has_slash = *href && href[strlen(href) - 1] == '/';
	MC_CLEANUP(free_pointer) char *path = mc_url_path(asked);
	MC_CLEANUP(free_pointer) char *text = strdup(href);
	if (!path || !text)
		return NULL;
	strip_slashes(text);
	const char *version = last_segment(text);
	MC_CLEANUP(free_pointer) char *stripped = strdup(path);
	if (!stripped)
		return NULL;
	strip_slashes(stripped);
	size_t length = strlen(stripped), tail = strlen(version);
	if (tail <= length && !strcmp(stripped + length - tail, version))
		return mc_steal(&path);
	return join_path(stripped, version, has_slash);
}

/* ASKED with the path of HREF; NULL: HREF is no URL, or memory is out. */
static char *follow_link(CURLU *asked, const char *href)
{
	MC_CLEANUP(free_pointer) char *path = mc_url_path(asked);

	if (!path)
		return NULL;
	/* A relative link is so to the document, as if that were a directory. */
	strip_slashes(path);
	MC_CLEANUP(free_pointer) char *directory = join_path(path, "", false);
	MC_CLEANUP(free_pointer) char *base_text = directory ? mc_url_with_path(asked, directory) : NULL;
	MC_CLEANUP(curlu) CURLU *base = base_text ? mc_url_parse(NULL, base_text) : NULL;
	MC_CLEANUP(curlu) CURLU *link = base ? mc_url_parse(base, href) : NULL;
	MC_CLEANUP(free_pointer) char *believed = link ? believed_path(asked, link, href) : NULL;
	return believed ? mc_url_with_path(asked, believed) : NULL;
}

static char *put_back(const char *url, const char *saved)
{
	MC_CLEANUP(curlu) CURLU *parsed = mc_url_parse(NULL, url);
	MC_CLEANUP(free_pointer) char *path = parsed ? mc_url_path(parsed) : NULL;

	if (!path)
		return NULL;
	strip_slashes(path);
	MC_CLEANUP(free_pointer) char *joined = join_path(path, saved, false);
	return joined ? mc_url_with_path(parsed, joined) : NULL;
}

int mc_version_find(const char *body, size_t size, const char *asked, const char *saved, unsigned major, char **ret_url,
	struct mc_error *error)
{
	MC_CLEANUP(json) cJSON *document = NULL;
	MC_CLEANUP(curlu) CURLU *parsed = mc_url_parse(NULL, asked);
	struct search search = {.major = major};
	bool single;

	*ret_url = NULL;
	if (!parsed)
		return mc_version_bad_url("the endpoint", asked, error);
	if (size > MC_VERSION_DOCUMENT_LIMIT || mc_openstack_parse(body, size, &document) < 0)
		return mc_error_set(error, EBADMSG, "%.200s gives no version document", asked);
	const cJSON *versions = find_versions(document, &single), *version;
	if (!versions)
		return mc_error_set(error, EBADMSG, "%.200s gives no version document", asked);
	if (single)
		look_at_version(&search, versions, versions == document);
	else
		cJSON_ArrayForEach(version, versions) look_at_version(&search, version, false);
	if (!search.link)
		return mc_error_set(error, ENOENT, "%.200s has no API of version %u that is usable, but %s", asked,
			major, search.others[0] ? search.others : "none at all");
	MC_CLEANUP(free_pointer) char *url = follow_link(parsed, search.link);
	if (!url)
		return mc_error_set(error, ENOENT, "%.200s has a link for version %u that is no URL", asked, major);
	*ret_url = saved ? put_back(url, saved) : mc_steal(&url);
	return *ret_url ? 0 : mc_error_set(error, ENOMEM, "out of memory");
}
