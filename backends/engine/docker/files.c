/* SPDX-License-Identifier: MIT */
#include "backends/engine/docker/private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* PUT /containers/ID/archive unpacks a tar: it removes a file that is there and writes the new one, so a process that
 * looks meanwhile sees none, or half of it, or one that is not its own yet. Hence files for a running service are
 * unpacked beside their places, in DIRECTORY/.mcloudfs (a volume may be mounted anywhere, and a rename doesn't leave
 * its file system; and who reads all files of a directory doesn't read those of directories in it), and then a command
 * inside moves them there. Where nothing runs, nothing looks, and they are unpacked where they belong; if the engine or
 * this program is killed meanwhile, the same call again mends it. */

#define BESIDE "/.mcloudfs"

MC_DEFINE_CLEANUP(docker_tar, struct mc_docker_tar *, mc_docker_tar_free);

/* An upload being put together. */
struct upload {
	struct mc_docker *docker;
	struct mc_call *call;
	const struct mc_docker_ref *ref;
	struct mc_docker_tar *tar;
	char **known; /* directories that are there, or in the tar */
	size_t n_known;
	struct mc_error *error;
};

static bool knows(const struct upload *upload, const char *path)
{
	for (size_t i = 0; i < upload->n_known; i++)
		if (strcmp(upload->known[i], path) == 0)
			return true;
	return false;
}

static int learn(struct upload *upload, const char *path)
{
	char **known = reallocarray(upload->known, upload->n_known + 1, sizeof *known);

	if (!known)
		return -ENOMEM;
	upload->known = known;
	known[upload->n_known] = strdup(path);
	return known[upload->n_known] ? (void)upload->n_known++, 0 : -ENOMEM;
}

static void forget_all(struct upload *upload)
{
	for (size_t i = 0; i < upload->n_known; i++)
		free(upload->known[i]);
	free(upload->known);
}

/* 1: it is there, 0: not. */
static int exists(struct upload *upload, const char *path)
{
	MC_CLEANUP(docker_ask) struct mc_docker_ask ask = {0};
	MC_CLEANUP(http_response) struct mc_http_response response = {0};

	mc_docker_ask_container(&ask, "HEAD", upload->ref, "archive");
	ask.http.query = (struct mc_http_param[]){{"path", path}, {NULL, NULL}};
	int r = mc_docker_send(upload->docker, upload->call, &ask, &response, upload->error);
	if (r < 0)
		return r;
	if (response.status == 200)
		return 1;
	/* The container's being gone is a 404 too; then the PUT says so. */
	return response.status == 404
		       ? 0
		       : mc_docker_fail(&response, upload->error, "can't look for %s in %s", path, upload->ref->name);
}

/* Puts directory PATH and those above it into the tar where the container lacks them. One that is there must not be in
 * it: it would get FILE's owner and mode. PATH is changed meanwhile, and the same again afterwards. */
static int add_parent_directory(struct upload *upload, char *path, const struct mc_engine_file *file)
{
	char *slash = strrchr(path, '/');

	if (!slash || knows(upload, path))
		return 0;
	int r = exists(upload, path);
	if (r < 0)
		return r;
	if (r == 0) {
		*slash = '\0';
		r = add_parent_directory(upload, path, file);
		*slash = '/';
		if (r == 0)
			r = mc_docker_tar_directory(upload->tar, path, file);
		if (r < 0)
			return r;
	}
	return learn(upload, path);
}

static int add_parent(struct upload *upload, const struct mc_engine_file *file)
{
	MC_CLEANUP(free_pointer) char *path = strdup(file->path);

	if (!path)
		return -ENOMEM;
	*strrchr(path, '/') = '\0';
	return add_parent_directory(upload, path, file);
}

/* Where a file for a running service is unpacked first; malloc'd. */
static char *beside(const char *path)
{
	MC_CLEANUP(buffer) struct mc_buffer text = {0};
	const char *name = strrchr(path, '/');

	mc_buffer_add(&text, path, (size_t)(name - path));
	mc_buffer_printf(&text, BESIDE "%s", name);
	return mc_buffer_steal(&text, NULL);
}

/* The directory of PATH, which beside() has given. */
static int add_beside(struct upload *upload, const char *path, const struct mc_engine_file *file)
{
	MC_CLEANUP(free_pointer) char *directory = strdup(path);

	if (!directory)
		return -ENOMEM;
	*strrchr(directory, '/') = '\0';
	if (knows(upload, directory))
		return 0;
	int r = mc_docker_tar_directory(upload->tar, directory, file);
	return r ? r : learn(upload, directory);
}

static int add_file(struct upload *upload, const struct mc_engine_file *file, bool aside)
{
	MC_CLEANUP(free_pointer) char *path = aside ? beside(file->path) : strdup(file->path);

	int r = path ? add_parent(upload, file) : -ENOMEM;
	if (r == 0 && aside)
		r = add_beside(upload, path, file);
	return r ? r : mc_docker_tar_file(upload->tar, path, file);
}

static int send_tar(struct upload *upload)
{
	MC_CLEANUP(docker_ask) struct mc_docker_ask ask = {0};
	MC_CLEANUP(http_response) struct mc_http_response response = {0};

	mc_docker_ask_container(&ask, "PUT", upload->ref, "archive");
	ask.http.query = (struct mc_http_param[]){{"path", "/"}, {NULL, NULL}};
	ask.http.content_type = "application/x-tar";
	int r = mc_docker_tar_close(upload->tar, &ask.http.body, &ask.http.body_size);
	if (r < 0)
		return mc_docker_error(upload->error, -r, "can't pack the files of %s", upload->ref->name);
	return mc_docker_do(upload->docker, upload->call, &ask, &response, upload->error, "can't put files into %s",
		upload->ref->name);
}

/* ASIDE: beside their places. */
static int put_archive(struct upload *upload, const struct mc_engine_file *files, size_t n_files, bool aside)
{
	MC_CLEANUP(docker_tar) struct mc_docker_tar *tar = mc_docker_tar_new();
	struct mc_error *error = upload->error;
	int r = tar ? 0 : mc_docker_error(error, ENOMEM, "no memory");

	upload->tar = tar;
	for (size_t i = 0; r == 0 && i < n_files; i++) {
		if (!mc_docker_path_ok(files[i].path))
			return mc_docker_error(error, EINVAL, "\"%s\" is no path of a file", files[i].path);
		r = add_file(upload, &files[i], aside);
		if (r == -ENOMEM)
			mc_docker_error(error, ENOMEM, "no memory");
	}
	return r < 0 ? r : send_tar(upload);
}

int mc_docker_put_files(struct mc_docker *docker, struct mc_call *call, const struct mc_docker_ref *ref,
	const struct mc_engine_file *files, size_t n_files, struct mc_error *error)
{
	struct upload upload = {.docker = docker, .call = call, .ref = ref, .error = error};

	if (n_files == 0)
		return 0;
	int r = put_archive(&upload, files, n_files, false);
	forget_all(&upload);
	return r;
}

/* Moves what lies beside to its place. The names are arguments of the script, never part of it. */
static int move_uploaded_files(struct upload *upload, const struct mc_engine_file *files, size_t n_files)
{
	static const char script[] = "while [ $# -ge 2 ]; do mv -fT -- \"$1\" \"$2\" || { rm -f -- \"$1\"; bad=1; }; "
				     "rmdir -- \"${1%/*}\" 2>/dev/null; shift 2; done; exit ${bad:-0}";
	MC_CLEANUP(buffer) struct mc_buffer output = {0};
	const char **argv = calloc(2 * n_files + 5, sizeof *argv);
	char **from = calloc(n_files, sizeof *from);
	int code = 0, r = argv && from ? 0 : -ENOMEM;

	if (r == 0)
		memcpy(argv, (const char *[]){"sh", "-c", script, "sh"}, 4 * sizeof *argv);
	for (size_t i = 0; r == 0 && i < n_files; i++) {
		from[i] = beside(files[i].path);
		argv[4 + 2 * i] = from[i];
		argv[5 + 2 * i] = files[i].path;
		r = from[i] ? 0 : -ENOMEM;
	}
	if (r < 0)
		mc_docker_error(upload->error, ENOMEM, "no memory");
	else
		r = mc_docker_exec(upload->docker, upload->call, upload->ref, "0", argv, &code, &output, upload->error);
	if (r == 0 && code != 0)
		r = mc_docker_error(upload->error,
			strstr(output.data ? output.data : "", "No space left") ? ENOSPC : EIO,
			"can't put files into %s: %s", upload->ref->name, output.data ? output.data : "mv failed");
	for (size_t i = 0; from && i < n_files; i++)
		free(from[i]);
	free(from);
	free(argv);
	return r;
}

/* The caller holds the service: of two uploads of one file, one would move what the other is writing. */
static int put_running(struct mc_docker *docker, struct mc_call *call, const struct mc_docker_ref *ref,
	const struct mc_engine_file *files, size_t n_files, struct mc_error *error)
{
	struct upload upload = {.docker = docker, .call = call, .ref = ref, .error = error};

	int r = put_archive(&upload, files, n_files, true);
	if (r == 0)
		r = move_uploaded_files(&upload, files, n_files);
	forget_all(&upload);
	return r;
}

int mc_docker_upload(struct mc_engine *engine, struct mc_call *call, const char *name,
	const struct mc_engine_file *files, size_t n_files, struct mc_error *error)
{
	struct mc_docker *docker = mc_docker_of(engine);
	struct mc_docker_ref ref;

	int r = mc_docker_hold(docker, call, name, error);
	if (r < 0)
		return r;
	r = mc_docker_find(docker, call, name, &ref, error);
	if (r == 0 && n_files > 0)
		r = ref.running ? put_running(docker, call, &ref, files, n_files, error)
				: mc_docker_put_files(docker, call, &ref, files, n_files, error);
	mc_docker_release(docker, name);
	return r;
}
