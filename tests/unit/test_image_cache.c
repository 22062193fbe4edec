/* SPDX-License-Identifier: MIT */
#include "cache_world.h"

#include <errno.h>
#include <sys/resource.h>

/* Copies of contents in a directory: whole and right, or not there. */

static void test_sizes(void **state)
{
	(void)state;
	static const size_t sizes[] = {1, 4095, 4096, 4097, MIB - 1, MIB, MIB + 1, 3 * MIB + 777};
	struct cached_world world;

	begin_cache(&world, PLENTY);
	for (size_t i = 0; i < MC_COUNT(sizes); i++) {
		struct content content = make(sizes[i], i);
		size_t last = sizes[i] - 1;
		keep(&world, &content);
		struct mc_cached *cached = get(&world, &content);
		assert_int_equal(mc_cached_filled(cached), sizes[i]);
		assert_int_equal(read_whole(cached, &content), 0);
		assert_int_equal(read_part(cached, &content, last, 1), 0);
		assert_int_equal(read_part(cached, &content, last / 2, sizes[i] - last / 2), 0);
		assert_int_equal(read_part(cached, &content, last / 3, last / 7 + 1), 0);
		mc_cached_unref(cached);
		free(content.bytes);
	}
	assert_int_equal(count_files(&world, NULL), MC_COUNT(sizes));
	assert_int_equal(world.failures, 0);
	end_cache(&world);
}

/* It outlives the cache; the file is its owner's alone. */
static void test_again(void **state)
{
	(void)state;
	struct cached_world world;
	struct content content = make(MIB, 1);
	char name[NAME_MAX + 1], path[PATH_MAX], wanted[NAME_MAX + 1];
	struct stat status;

	begin_cache(&world, PLENTY);
	keep(&world, &content);
	mc_image_cache_close(world.cache);
	open_cache(&world, PLENTY);
	assert_int_equal(reread(&world, &content), 0);
	assert_int_equal(count_files(&world, name), 1);
	snprintf(wanted, sizeof(wanted), "sha512-%s-%zu", content.hex, content.size);
	assert_string_equal(name, wanted);
	path_of(&world, name, path);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0600);
	/* Another size, of the same hash, is another's. */
	content.size--;
	assert_int_equal(reread(&world, &content), -ENOENT);
	end_cache(&world);
	free(content.bytes);
}

/* Several fill it, each from its own place on, some of them twice. */
static void test_joined(void **state)
{
	(void)state;
	struct cached_world world;
	struct content content = make(2 * MIB, 2);

	begin_cache(&world, PLENTY);
	struct mc_cached *one = get(&world, &content), *other = get(&world, &content);
	assert_ptr_equal(one, other);
	fill_from(one, &content, 0, MIB);
	fill_from(other, &content, MIB + PIECE, 2 * MIB);
	assert_int_equal(mc_cached_filled(one), MIB);
	assert_int_equal(read_part(one, &content, 0, 10), -ESTALE);
	fill_from(other, &content, MIB / 2 - 5, MIB + MIB / 2);
	assert_int_equal(mc_cached_filled(one), MIB + MIB / 2);
	fill_from(one, &content, 0, 2 * MIB);
	assert_int_equal(await_verdict(other), MC_CACHED_USABLE);
	assert_int_equal(read_whole(other, &content), 0);
	mc_cached_unref(one);
	mc_cached_unref(other);
	end_cache(&world);
	free(content.bytes);
}

/* What isn't all there, and what isn't what its hash says, leaves nothing. */
static void test_wrong(void **state)
{
	(void)state;
	struct cached_world world;
	struct content content = make(MIB + 5, 3);

	begin_cache(&world, PLENTY);
	struct mc_cached *cached = get(&world, &content);
	fill_from(cached, &content, 0, MIB);
	mc_cached_unref(cached);
	assert_int_equal(reread(&world, &content), -ENOENT);
	for (size_t at = 0; at < content.size; at += content.size - 1) {
		content.bytes[at] ^= 1;
		cached = get(&world, &content);
		fill_from(cached, &content, 0, content.size);
		assert_int_equal(await_verdict(cached), MC_CACHED_LOST);
		assert_int_equal(read_part(cached, &content, 0, 1), -ESTALE);
		content.bytes[at] ^= 1;
		/* Nobody has to wait for its last reader to try again. */
		keep(&world, &content);
		assert_int_equal(reread(&world, &content), 0);
		mc_cached_unref(cached);
		char name[NAME_MAX + 1], path[PATH_MAX];
		assert_int_equal(count_files(&world, name), 1);
		path_of(&world, name, path);
		assert_int_equal(unlink(path), 0);
	}
	assert_int_equal(world.failures, 0);
	end_cache(&world);
	free(content.bytes);
}

/* A bit that flips on the disk, wherever it is, is never given: the copy goes, and that is said once. */
static void test_rot(void **state)
{
	(void)state;
	struct cached_world world;
	struct content content = make(MIB + 5, 4);
	const off_t size = (off_t)content.size, whole = size + mc_sums_size(size);
	const off_t places[] = {0, 4095, 4096, size / 2, size - 1, size, size + 9, whole - 1};
	char name[NAME_MAX + 1], path[PATH_MAX];

	begin_cache(&world, PLENTY);
	for (size_t i = 0; i < MC_COUNT(places); i++) {
		keep(&world, &content);
		assert_int_equal(count_files(&world, name), 1);
		struct mc_cached *cached = get(&world, &content);
		assert_int_equal(read_whole(cached, &content), 0);
		/* Also one that was read, by the same reader. */
		spoil(&world, name, places[i]);
		assert_int_equal(read_whole(cached, &content), -ESTALE);
		assert_int_equal(read_part(cached, &content, 0, 1), -ESTALE);
		assert_int_equal(count_files(&world, NULL), 0);
		assert_int_equal(world.failures, i + 1);
		assert_non_null(strstr(world.failure.message, name));
		mc_cached_unref(cached);
	}
	/* Blocks that have changed places, with their sums. */
	keep(&world, &content);
	path_of(&world, name, path);
	int fd = open(path, O_RDWR);
	char sums[2 * MC_SUM_SIZE];
	assert_int_equal(pwrite(fd, content.bytes + 4096, 4096, 0), 4096);
	assert_int_equal(pwrite(fd, content.bytes, 4096, 4096), 4096);
	assert_int_equal(pread(fd, sums, sizeof(sums), size), sizeof(sums));
	assert_int_equal(pwrite(fd, sums, MC_SUM_SIZE, size + MC_SUM_SIZE), MC_SUM_SIZE);
	assert_int_equal(pwrite(fd, sums + MC_SUM_SIZE, MC_SUM_SIZE, size), MC_SUM_SIZE);
	assert_int_equal(reread(&world, &content), -ESTALE);
	close(fd);
	/* A copy that was cut off isn't one; it is made anew. */
	keep(&world, &content);
	assert_int_equal(truncate(path, whole - 1), 0);
	assert_int_equal(reread(&world, &content), -ENOENT);
	keep(&world, &content);
	assert_int_equal(reread(&world, &content), 0);
	/* While it is open. */
	struct mc_cached *cached = get(&world, &content);
	assert_int_equal(truncate(path, 100), 0);
	assert_int_equal(read_part(cached, &content, MIB, 5), -ESTALE);
	mc_cached_unref(cached);
	end_cache(&world);
	free(content.bytes);
}

/* What can't have a copy. */
static void test_unkept(void **state)
{
	(void)state;
	struct cached_world world;
	struct content content = make(MIB, 5);
	char hex[129];

	assert_null(mc_cached_of(NULL, "sha512", content.hex, MIB));
	begin_cache(&world, MIB);
	/* A hash of which somebody can make two contents; none; not one at all. */
	assert_null(mc_cached_of(world.cache, "md5", "d41d8cd98f00b204e9800998ecf8427e", 1));
	assert_null(mc_cached_of(world.cache, "", "", MIB));
	assert_null(mc_cached_of(world.cache, "sha512", "../../etc/passwd", MIB));
	memcpy(hex, content.hex, sizeof(hex));
	hex[5] = '/';
	assert_null(mc_cached_of(world.cache, "sha512", hex, MIB));
	assert_null(mc_cached_of(world.cache, "sha512", content.hex, 0));
	assert_null(mc_cached_of(world.cache, "sha512", content.hex, -1));
	/* One that is larger than all may be isn't begun. */
	struct mc_cached *cached = get(&world, &content);
	fill_from(cached, &content, 0, content.size);
	assert_int_equal(await_verdict(cached), MC_CACHED_LOST);
	assert_int_equal(mc_cached_filled(cached), content.size);
	mc_cached_unref(cached);
	assert_int_equal(world.failures, 0);
	assert_int_equal(count_files(&world, NULL), 0);
	end_cache(&world);
	free(content.bytes);
}

/* The one that was opened longest ago goes, and stays for who has it open; what is no copy is left alone. */
static void test_eviction(void **state)
{
	(void)state;
	struct cached_world world;
	struct content a = make(MIB, 6), b = make(MIB, 7), c = make(MIB, 8);
	char path[PATH_MAX], name[MC_COPY_NAME_MAX];
	const struct timespec old[] = {{1000, 0}, {1000, 0}}, older[] = {{999, 0}, {999, 0}};

	begin_cache(&world, (int64_t)(2 * MIB + MIB / 2));
	path_of(&world, "somebody-else's", path);
	int fd = open(path, O_CREAT | O_WRONLY, 0600);
	assert_int_equal(ftruncate(fd, 10), 0);
	close(fd);
	keep(&world, &a);
	keep(&world, &b);
	assert_true(mc_room_name("sha512", a.hex, MIB, name));
	path_of(&world, name, path);
	assert_int_equal(utimensat(AT_FDCWD, path, older, 0), 0);
	assert_true(mc_room_name("sha512", b.hex, MIB, name));
	path_of(&world, name, path);
	assert_int_equal(utimensat(AT_FDCWD, path, old, 0), 0);
	assert_int_equal(reread(&world, &a), 0);
	struct mc_cached *open_b = mc_cached_of(world.cache, "sha512", b.hex, MIB);
	assert_int_equal(utimensat(AT_FDCWD, path, old, 0), 0);
	keep(&world, &c);
	assert_int_equal(count_files(&world, NULL), 3);
	assert_int_equal(read_whole(open_b, &b), 0);
	mc_cached_unref(open_b);
	assert_int_equal(reread(&world, &b), -ENOENT);
	assert_int_equal(reread(&world, &a), 0);
	assert_int_equal(reread(&world, &c), 0);
	end_cache(&world);
	free(a.bytes);
	free(b.bytes);
	free(c.bytes);
}

/* A disk that takes no more: no copy, said once until one can be made again. */
static void test_full(void **state)
{
	(void)state;
	struct cached_world world;
	struct content content = make(2 * MIB, 9);
	struct rlimit before, small;

	begin_cache(&world, PLENTY);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	small = (struct rlimit){.rlim_cur = MIB, .rlim_max = before.rlim_max};
	for (int i = 0; i < 3; i++) {
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
		struct mc_cached *cached = get(&world, &content);
		fill_from(cached, &content, 0, content.size);
		assert_int_equal(await_verdict(cached), MC_CACHED_LOST);
		mc_cached_unref(cached);
		/* Its sums don't fit. */
		small.rlim_cur = 2 * MIB;
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
		cached = get(&world, &content);
		fill_from(cached, &content, 0, content.size);
		assert_int_equal(await_verdict(cached), MC_CACHED_LOST);
		mc_cached_unref(cached);
		small.rlim_cur = MIB;
		assert_int_equal(world.failures, i > 1 ? 2 : 1);
		assert_int_equal(count_files(&world, NULL), 0);
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
		if (i == 1) {
			struct content other = make(MIB, 10);
			char name[NAME_MAX + 1], path[PATH_MAX];
			keep(&world, &other);
			assert_int_equal(count_files(&world, name), 1);
			path_of(&world, name, path);
			assert_int_equal(unlink(path), 0);
			free(other.bytes);
		}
	}
	end_cache(&world);
	free(content.bytes);
}

/* The directory is gone, or isn't to be written in: what is open can be read, and the rest is said once. */
static void test_vanished(void **state)
{
	(void)state;
	struct cached_world world;
	struct content a = make(MIB, 11), b = make(MIB, 12);
	char name[NAME_MAX + 1], path[PATH_MAX];

	begin_cache(&world, PLENTY);
	keep(&world, &a);
	struct mc_cached *open_a = get(&world, &a);
	assert_int_equal(count_files(&world, name), 1);
	path_of(&world, name, path);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(world.directory), 0);
	assert_int_equal(read_whole(open_a, &a), 0);
	for (int i = 0; i < 2; i++) {
		struct mc_cached *cached = get(&world, &b);
		fill_from(cached, &b, 0, b.size);
		assert_int_equal(await_verdict(cached), MC_CACHED_LOST);
		mc_cached_unref(cached);
	}
	assert_int_equal(world.failures, 1);
	assert_int_equal(world.failure.code, ENOENT);
	mc_cached_unref(open_a);
	assert_int_equal(mkdir(world.directory, 0700), 0);
	end_cache(&world);
	free(a.bytes);
	free(b.bytes);
}

static void test_refused(void **state)
{
	(void)state;
	char directory[] = "/tmp/mcloudfs-cache.XXXXXX", path[sizeof(directory) + 8];
	struct mc_image_cache *cache;
	struct mc_error error = {0};

	assert_non_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/new", directory);
	assert_int_equal(mc_image_cache_open(path, PLENTY, on_failure, NULL, &cache, &error), 0);
	mc_image_cache_close(cache);
	struct stat status;
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0700);
	assert_int_equal(chmod(path, 0770), 0);
	assert_int_equal(mc_image_cache_open(path, PLENTY, on_failure, NULL, &cache, &error), -EACCES);
	assert_null(cache);
	assert_non_null(strstr(error.message, "chmod go-w"));
	assert_int_equal(rmdir(path), 0);
	int fd = open(path, O_CREAT | O_WRONLY, 0600);
	close(fd);
	assert_int_equal(mc_image_cache_open(path, PLENTY, on_failure, NULL, &cache, &error), -ENOTDIR);
	assert_int_equal(unlink(path), 0);
	snprintf(path, sizeof(path), "%s/a/b", directory);
	assert_int_equal(mc_image_cache_open(path, PLENTY, on_failure, NULL, &cache, &error), -ENOENT);
	assert_int_equal(rmdir(directory), 0);
	/* Files there have names at once. */
	assert_int_equal(mc_image_cache_open("/proc", PLENTY, on_failure, NULL, &cache, &error),
		geteuid() ? -EACCES : -EOPNOTSUPP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_again),
		cmocka_unit_test(test_joined),
		cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_rot),
		cmocka_unit_test(test_unkept),
		cmocka_unit_test(test_eviction),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_vanished),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
