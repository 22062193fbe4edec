/* SPDX-License-Identifier: MIT */
#ifndef TESTS_IDENTITY_TOLD_H
#define TESTS_IDENTITY_TOLD_H

#include "identity_world.h"

/* The directory, as the tests see it: what it was told. */
static int tell(
	struct mc_directory *directory, struct mc_error *error, const char *what, const char *name, const char *more)
{
	struct world *world = (struct world *)(void *)directory;

	snprintf(world->told + strlen(world->told), sizeof(world->told) - strlen(world->told), "%s %s%s%s\n", what,
		name, more ? " " : "", more ? more : "");
	return world->answer && (!world->refused || !strcmp(what, world->refused))
		       ? mc_error_set(error, -world->answer, "the directory says no to %s", more ? more : name)
		       : 0;
}

#define ASKED struct mc_directory *directory, struct mc_call *call
#define NOTE(what, name, more) ((void)call, tell(directory, error, what, name, more))

int mc_directory_user_create(ASKED, const char *name, struct mc_error *error)
{
	return NOTE("user create", name, NULL);
}

int mc_directory_user_delete(ASKED, const char *name, struct mc_error *error)
{
	return NOTE("user delete", name, NULL);
}

int mc_directory_user_rename(ASKED, const char *name, const char *new_name, struct mc_error *error)
{
	return NOTE("user rename", name, new_name);
}

int mc_directory_user_set(ASKED, const char *name, const char *attribute, const char *value, struct mc_error *error)
{
	char text[128];

	snprintf(text, sizeof(text), "%s=%s", attribute, value);
	return NOTE("user set", name, text);
}

int mc_directory_user_password(ASKED, const char *name, const char *password, struct mc_error *error)
{
	return NOTE("user password", name, password);
}

int mc_directory_group_create(ASKED, const char *name, struct mc_error *error)
{
	return NOTE("group create", name, NULL);
}

int mc_directory_group_delete(ASKED, const char *name, struct mc_error *error)
{
	return NOTE("group delete", name, NULL);
}

int mc_directory_group_rename(ASKED, const char *name, const char *new_name, struct mc_error *error)
{
	return NOTE("group rename", name, new_name);
}

int mc_directory_group_set(ASKED, const char *name, const char *attribute, const char *value, struct mc_error *error)
{
	(void)value;
	return NOTE("group set", name, attribute);
}

int mc_directory_member_add(ASKED, const char *group, const char *user, struct mc_error *error)
{
	return NOTE("member add", group, user);
}

int mc_directory_member_remove(ASKED, const char *group, const char *user, struct mc_error *error)
{
	return NOTE("member remove", group, user);
}

#endif
